// The page: what is in the address, one contrast alone, copying, looks.
const state = { at: "", gene: "", contrast: "" };
// #section&gene=SYMBOL&contrast=ID
function parsed() {
  const [at, ...rest] = decodeURIComponent(location.hash.slice(1)).split("&");
  const more = new URLSearchParams(rest.join("&"));
  return { at, gene: more.get("gene"), contrast: more.get("contrast") };
}
function address({ at, gene, contrast }) {
  const more = new URLSearchParams();
  if (gene) more.set("gene", gene);
  if (contrast) more.set("contrast", contrast);
  return [at || (more.size ? "answer" : ""), String(more)].filter(Boolean).join("&");
}
function remember() {
  const text = address(state);
  history.replaceState(null, "", location.href.split("#")[0] + (text ? "#" + text : ""));
}
function focusOn(id) {
  focused = meta.contrasts.some((c) => c.id === id) ? id : "";
  state.contrast = focused;
  $("focus").value = focused;
  all("[data-c]").forEach(visible);
  all("table.data").forEach((t) => t.tBodies[0] && recount(t));
  all("[data-one]").forEach((node) => { node.hidden = node.dataset.one !== focused; });
  document.documentElement.classList.toggle("focused", Boolean(focused));
  $("focus-note").hidden = !focused;
  $("focus-name").textContent = focused;
}
// What is folded waits as text: a browser that runs scripts reads no markup inside <noscript>. It is built when it
// is opened, linked to or printed, else when the browser has nothing else to do.
const waiting = new Set(all("noscript.later"));
function build(part) {
  if (!waiting.delete(part)) return;
  const home = part.parentElement;
  part.replaceWith(...new DOMParser().parseFromString(part.textContent, "text/html").body.childNodes);
  enliven(home);
}
const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
function buildRest() {
  const [part] = waiting;
  if (!part) { document.documentElement.dataset.ready = "1"; return; }
  build(part);
  idle(buildRest, { timeout: 300 });
}
document.addEventListener("toggle", (event) => all(":scope > noscript.later", event.target).forEach(build), true);
addEventListener("beforeprint", () => waiting.forEach(build));
function reach(id) {
  if (!$(id)) [...waiting].filter((part) => part.textContent.includes(`id="${id}"`)).forEach(build);
  return $(id);
}
// A link to a row inside a closed part opens it.
function unfold(target) {
  for (let node = target; node; node = node.parentElement) {
    if (node.tagName !== "DETAILS") continue;
    all(":scope > noscript.later", node).forEach(build);
    node.open = true;
  }
}
async function follow() {
  const wanted = parsed();
  const carries = wanted.gene !== null || wanted.contrast !== null;
  if (wanted.contrast !== null && wanted.contrast !== focused) focusOn(wanted.contrast);
  if (wanted.gene !== null && wanted.gene !== state.gene) await find(wanted.gene);
  state.at = wanted.at;
  const target = wanted.at ? reach(wanted.at) : null;
  unfold(target);
  if (carries) target?.scrollIntoView();
  remember();
}

// Everything that a part of the page can do.
function enliven(root) {
  all(".js", root).forEach((node) => { node.hidden = false; });
  all(".nojs", root).forEach((node) => { node.hidden = true; });
  all("table.data", root).forEach(sortable);
  all("figure", root).forEach(savable);
  all("g[data-area]", root).forEach(explorable);
  all("input[data-filter]", root).forEach(filterable);
  all("button[data-table]", root).forEach((b) => b.addEventListener("click", () => saveTable(`${meta.study}_${b.dataset.table}`, tableRows($(b.dataset.table)), b.dataset.form)));
  all("button[data-file]", root).forEach((b) => b.addEventListener("click", async () => save(b.dataset.file, (await bundle())[b.dataset.file])));
  if (focused) {
    all("[data-c]", root).forEach(visible);
    all("table.data", root).forEach((t) => t.tBodies[0] && recount(t));
  }
  ringed(root);
}
enliven(document);
all("button[data-copy]").forEach((b) => b.addEventListener("click", async () => {
  const from = reach(b.dataset.copy);
  unfold(from);
  let done = true;
  try {
    await navigator.clipboard.writeText(from.innerText);
  } catch {
    getSelection().selectAllChildren(from);
    done = document.execCommand("copy");
  }
  b.parentElement.querySelector("[role=status]").textContent = done ? "Copied." : "The text is selected: copy it with the keyboard.";
}));
$("share").addEventListener("click", async () => {
  remember();
  try { await navigator.clipboard.writeText(location.href); $("share-status").textContent = "Link copied."; } catch { $("share-status").textContent = "Copy the address."; }
});

const theme = $("theme");
function dark() {
  const own = document.documentElement.dataset.theme;
  return own ? own === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
const shade = () => { theme.setAttribute("aria-pressed", String(dark())); };
shade();
theme.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; shade(); });

$("focus").addEventListener("change", (event) => { focusOn(event.target.value); remember(); });
$("focus-all").addEventListener("click", () => { focusOn(""); remember(); });
$("unpin").addEventListener("click", () => { find(""); $("gene-input").value = ""; remember(); });
function go(gene) { location.hash = address({ ...state, at: "gene", gene }); }
for (const [form, input] of [["gene-form", "gene-input"], ["quick-form", "quick"]]) {
  const ask = async () => { const text = $(input).value.trim(); $("gene-input").value = text; await find(text); state.at = "gene"; remember(); if (form === "quick-form") $("gene").scrollIntoView(); };
  $(form).addEventListener("submit", (event) => { event.preventDefault(); ask(); });
  $(input).addEventListener("input", (event) => { if (event.inputType === "insertReplacementText") ask(); else suggest($(input).value); });
}
document.addEventListener("click", async (event) => {
  const link = event.target.closest?.('td a[href="#gene"]');
  if (!link) return;
  event.preventDefault();
  go(link.dataset.gene ? await nameOf(Number(link.dataset.gene)) : link.textContent.trim());
});

// Genes that name the rows of a heatmap are pinned where they stand.
document.addEventListener("click", async (event) => {
  const name = event.target.closest?.(".fig text.gene");
  if (name) { await find(name.textContent); remember(); }
});

const again = () => { browse.page = 0; if ($("browse-out").childElementCount) showBrowse(); };
$("browse-load").addEventListener("click", () => { browse.page = 0; showBrowse(); });
$("browse-form").addEventListener("submit", (event) => { event.preventDefault(); showBrowse(); });
$("browse-contrast").addEventListener("change", again);
$("browse-sig").addEventListener("change", again);
let wait = 0;
$("browse-filter").addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(again, 150); });
all("[data-browse]").forEach((b) => b.addEventListener("click", () => saveTable(`${meta.study}_${browse.name}_genes`, browseTable(), b.dataset.browse)));

const links = new Map(all("nav a").map((a) => [a.getAttribute("href").slice(1), a]));
let settle = 0;
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    links.forEach((a) => a.removeAttribute("aria-current"));
    links.get(entry.target.id)?.setAttribute("aria-current", "true");
    if (scrollY < 40) continue;
    state.at = entry.target.id;
    clearTimeout(settle);
    settle = setTimeout(remember, 400);
  }
}, { rootMargin: "-10% 0px -80% 0px" });
links.forEach((_, id) => { const node = $(id); if (node) seen.observe(node); });
addEventListener("hashchange", follow);
follow().finally(() => idle(buildRest, { timeout: 300 }));
