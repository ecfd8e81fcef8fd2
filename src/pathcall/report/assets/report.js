"use strict";
// No framework, no eval, no innerHTML: every piece of data reaches the page as text.
(() => {
const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const meta = JSON.parse($("meta").textContent);

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  return fill(node, attributes, children);
}
function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}
function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().map((c) => (typeof c === "number" ? String(c) : c)));
  return node;
}

// ---------------------------------------------------------------- packed data
async function unpack(id) {
  const text = atob($(id).textContent);
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
const decode = (bytes) => new TextDecoder().decode(bytes);
const kept = new Map();
function once(key, build) {
  if (!kept.has(key)) kept.set(key, build());
  return kept.get(key);
}
const names = () => once("names", async () => {
  const rows = decode(await unpack("data-names")).split("\n");
  const ids = [], symbols = [], index = new Map();
  rows.forEach((row, i) => {
    const [id, symbol] = row.split("\t");
    ids.push(id); symbols.push(symbol ?? id);
  });
  symbols.forEach((s, i) => { const k = s.toUpperCase(); if (!index.has(k)) index.set(k, []); index.get(k).push(i); });
  ids.forEach((s, i) => { const k = s.toUpperCase(); if (!index.has(k)) index.set(k, []); if (!index.get(k).includes(i)) index.get(k).push(i); });
  return { ids, symbols, index };
});
const counts = () => once("counts", () => unpack("data-counts"));
const lines = (contrast) => once("de-" + contrast, () => unpack("data-de-" + contrast));
const means = (model) => once("mean-" + model, () => unpack("data-mean-" + model));
const bundle = () => once("bundle", async () => JSON.parse(decode(await unpack("bundle"))));
const n = meta.genes;
function code(bytes, block, gene) {
  const at = block * 2 * n + gene;
  const value = bytes[at] | (bytes[at + n] << 8);
  return value === meta.missing ? NaN : value;
}
const zigzag = (v) => (v % 2 ? -(v + 1) / 2 : v / 2);
function line(bytes, gene) {
  return {
    lfc: zigzag(code(bytes, 0, gene)) / meta.lfcScale, se: code(bytes, 1, gene) / meta.seScale,
    logp: code(bytes, 2, gene) / 100, logq: code(bytes, 3, gene) / 100,
  };
}
const meanLog = (bytes, gene) => code(bytes, 0, gene) / 200 - 3;
function geneCounts(bytes, gene) {
  const samples = meta.samples.length, total = n * samples, out = [];
  for (let s = 0; s < samples; s++) {
    let value = 0;
    for (let k = 0; k < meta.width; k++) value += bytes[k * total + gene * samples + s] * 256 ** k;
    out.push(meta.logSteps ? Math.round(2 ** (value / meta.logSteps) - 1) : value);
  }
  return out;
}

// ---------------------------------------------------------------- numbers
const SUPER = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const minus = (text) => text.replace("-", "−");
const fixed = (x, d = 2) => (Number.isFinite(x) ? minus(x.toFixed(d)) : "–");
function fromLog(l) {
  if (!Number.isFinite(l)) return "–";
  if (l < 3) { const p = 10 ** -l; return p < 0.1 ? String(Number(p.toPrecision(2))) : p.toFixed(2); }
  let e = Math.floor(l), m = 10 ** (e - l);
  if (m < 0.9995) { m *= 10; e += 1; }
  const [a, b] = [m.toFixed(1), String(e)];
  return (a === "10.0" ? "1.0" : a) + "×10⁻" + [...(a === "10.0" ? String(e - 1) : b)].map((c) => SUPER[c]).join("");
}
const whole = (x) => Math.round(x).toLocaleString("en").replaceAll(",", "\u202f");

// ---------------------------------------------------------------- downloads
function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" }));
  const link = make("a", { href: url, download: name.replaceAll("/", "_") });
  document.body.append(link); link.click(); link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 5000);
}
function tableText(table) {
  const head = all("thead th", table).map((c) => (c.querySelector("button") ?? c).textContent.trim());
  const body = all("tbody tr", table).filter((r) => !r.hidden).map((row) =>
    [...row.cells].map((c) => c.dataset.v ?? (c.textContent.trim() === "–" ? "NA" : c.textContent.trim())));
  return [head, ...body].map((row) => row.map((v) => v.replaceAll(/[\t\n]/g, " ")).join("\t")).join("\n") + "\n";
}

// ---------------------------------------------------------------- tables
function sortable(table) {
  all("thead th", table).forEach((th, column) => {
    const button = make("button", { type: "button" }, th.textContent);
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = th.getAttribute("aria-sort") === "ascending";
      all("th[aria-sort]", table).forEach((o) => o.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0], rows = [...body.rows];
      const numeric = rows.some((r) => r.cells[column].dataset.v !== undefined);
      const value = (r) => { const c = r.cells[column]; return numeric ? Number(c.dataset.v ?? NaN) : c.textContent.toLowerCase(); };
      rows.sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (numeric) {
          if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
          return down ? y - x : x - y;
        }
        return (down ? -1 : 1) * x.localeCompare(y, "en");
      });
      body.append(...rows);
    });
  });
}
let focused = "";
function visible(row) {
  row.hidden = (focused && row.dataset.c && row.dataset.c !== focused) || row.dataset.out === "1";
}
function filterable(input) {
  const table = $(input.dataset.filter);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.dataset.out = words.every((w) => text.includes(w)) ? "0" : "1";
      visible(row);
    }
  });
}

// ---------------------------------------------------------------- a gene
function strip(title, groups, values) {
  const step = 34, left = 46, top = 20, high = 150;
  const shown = groups.filter((g) => g.samples.length);
  const width = Math.max(260, left + step * shown.length + 20), bottom = 130;
  const logs = shown.flatMap((g) => g.samples.map((s) => Math.log2(values[s] + 1)));
  const max = Math.max(1, ...logs) * 1.05;
  const y = (v) => top + high - (v / max) * high;
  const label = `${title}: ${shown.reduce((t, g) => t + g.samples.length, 0)} samples`;
  const svg = draw("svg", { class: "fig", role: "img", width, height: top + high + bottom, viewBox: `0 0 ${width} ${top + high + bottom}`, "aria-label": label });
  svg.append(draw("text", { class: "b s", x: left, y: 12 }, title),
    draw("text", { class: "axis", x: 13, y: top + high / 2, "text-anchor": "middle", transform: `rotate(-90 13 ${top + high / 2})` }, "log2(normalised + 1)"));
  const every = Math.max(1, Math.ceil(max / 5));
  for (let v = 0; v <= max; v += every) {
    svg.append(draw("path", { class: "grid", d: `M${left} ${y(v)}H${width - 20}` }),
      draw("text", { class: "tick", x: left - 6, y: y(v) + 4, "text-anchor": "end" }, v));
  }
  shown.forEach((g, i) => {
    const x = left + (i + 0.5) * step;
    const own = g.samples.map((s) => Math.log2(values[s] + 1));
    const mean = own.reduce((a, b) => a + b, 0) / own.length;
    svg.append(draw("path", { class: "mean", d: `M${x - 11} ${y(mean)}H${x + 11}` }));
    g.samples.forEach((s, k) => {
      const dot = draw("circle", { class: "mk k0", r: 3.4, cx: x + (k - (own.length - 1) / 2) * Math.min(8, 26 / own.length), cy: y(own[k]) });
      dot.append(draw("title", {}, `${meta.samples[s]} (${g.cell}): ${values[s].toFixed(1)}`));
      svg.append(dot);
    });
    const text = g.cell.length > 24 ? g.cell.slice(0, 23) + "…" : g.cell;
    svg.append(draw("text", { class: "s", x: x + 3, y: top + high + 14, "text-anchor": "end", transform: `rotate(-50 ${x + 3} ${top + high + 14})` }, text));
  });
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, svg);
}
function cell(text, value) {
  return make("td", Number.isFinite(value) ? { "data-v": value } : {}, text);
}
function plainTable(caption, head, rows, id) {
  const table = make("table", { class: "data", id },
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, head.map((h, k) => make("th", { scope: "col", class: rows[0]?.cells[k]?.dataset.v !== undefined && "n" }, h)))),
    make("tbody", {}, rows));
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, table);
}
async function showGene(gene) {
  const { ids, symbols } = await names();
  const raw = geneCounts(await counts(), gene);
  const normal = raw.map((c, s) => c / meta.sizeFactors[s]);
  const rows = [];
  const at = new Map();
  for (const c of meta.contrasts) {
    const l = line(await lines(c.id), gene);
    at.set(c.id, { ...l, mean: meanLog(await means(c.model), gene) });
    const half = 1.96 * l.se;
    rows.push(make("tr", { "data-c": c.id },
      make("th", { scope: "row" }, make("a", { href: "#contrast-" + c.id }, c.label)),
      cell(fixed(l.lfc), l.lfc), cell(fixed(l.se), l.se),
      cell(Number.isFinite(l.lfc) ? `${fixed(l.lfc - half, 2)} to ${fixed(l.lfc + half, 2)}` : "–", NaN),
      cell(fromLog(l.logp), 10 ** -l.logp), cell(fromLog(l.logq), 10 ** -l.logq)));
  }
  const title = symbols[gene] === ids[gene] ? ids[gene] : `${symbols[gene]} (${ids[gene]})`;
  const figures = meta.models.map((m) => strip(m, meta.groups.filter((g) => g.model === m), normal));
  const countRows = meta.samples.map((s, i) => make("tr", {}, make("th", { scope: "row" }, s),
    make("td", {}, meta.groups.filter((g) => g.samples.includes(i)).map((g) => g.cell).join("; ") || "–"),
    cell(whole(raw[i]), raw[i]), cell(normal[i].toFixed(1), normal[i])));
  const table = plainTable(`${title} in every contrast`, ["Contrast", "log2 FC", "SE", "95% interval", "p", "FDR"], rows, "gene-lines");
  const samples = plainTable(`${title}: counts of every sample`, ["Sample", "Group", "Count", "Normalised"], countRows, "gene-counts");
  const out = $("gene-out");
  out.replaceChildren(make("h3", { tabindex: -1 }, title), make("div", { class: "tiles wide" }, figures), table,
    make("details", {}, make("summary", {}, "Counts of every sample"),
      make("p", {}, make("button", { type: "button", class: "small", on: { click: () => save(`${symbols[gene]}_counts.tsv`, tableText($("gene-counts"))) } }, "Download TSV")), samples));
  sortable($("gene-lines")); sortable($("gene-counts"));
  highlight(symbols[gene], at);
  $("gene-status").textContent = `${title}: shown below, and ringed in every volcano and MA plot.`;
}
function highlight(name, at) {
  all("g.found").forEach((g) => g.remove());
  for (const section of all("section.contrast")) {
    const l = at.get(section.dataset.c);
    if (!l || !Number.isFinite(l.lfc)) continue;
    for (const g of all("g[data-area]", section)) {
      const [x0, x1, p0, p1, y0, y1, q0, q1] = g.dataset.area.split(" ").map(Number);
      const [x, y] = g.dataset.plot === "volcano" ? [l.lfc, l.logp] : [l.mean, l.lfc];
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      const px = p0 + ((x - x0) / (x1 - x0)) * (p1 - p0), py = q0 + ((y - y0) / (y1 - y0)) * (q1 - q0);
      const right = px > (p0 + p1) / 2;
      g.append(draw("g", { class: "found" }, draw("circle", { class: "ring", cx: px, cy: py, r: 7 }),
        draw("text", { class: "hit", x: px + (right ? -11 : 11), y: Math.max(py - 8, 14), "text-anchor": right ? "end" : "start" }, name)));
    }
  }
}
async function find(query) {
  const wanted = query.trim().toUpperCase();
  const status = $("gene-status"), list = $("gene-matches");
  list.replaceChildren();
  if (!wanted) { status.textContent = ""; return; }
  status.textContent = "Searching …";
  const { ids, symbols, index } = await names();
  const exact = index.get(wanted) ?? [];
  const near = [];
  for (let i = 0; i < n && near.length < 24; i++) {
    if (!exact.includes(i) && (symbols[i].toUpperCase().startsWith(wanted) || ids[i].toUpperCase().startsWith(wanted))) near.push(i);
  }
  for (const i of [...exact.slice(1), ...near].slice(0, 24)) {
    list.append(make("li", {}, make("button", { type: "button", class: "small", on: { click: () => showGene(i) } }, exact.includes(i) ? `${symbols[i]} (${ids[i]})` : symbols[i])));
  }
  if (exact.length) await showGene(exact[0]);
  else status.textContent = near.length ? `No gene is called “${query.trim()}”; these begin so:` : `No gene is called “${query.trim()}”.`;
}

// ---------------------------------------------------------------- all genes of a contrast
const PAGE = 25;
const browse = { contrast: 0, key: "logp", down: true, page: 0, rows: [] };
async function browseRows() {
  const { ids, symbols } = await names();
  const c = meta.contrasts[Number($("browse-contrast").value)];
  const bytes = await lines(c.id), mean = await means(c.model);
  const words = $("browse-filter").value.trim().toUpperCase();
  const limit = -Math.log10(meta.alpha), only = $("browse-sig").checked;
  const rows = [];
  for (let i = 0; i < n; i++) {
    if (words && !symbols[i].toUpperCase().includes(words) && !ids[i].toUpperCase().includes(words)) continue;
    const l = line(bytes, i);
    if (Number.isNaN(l.lfc) || (only && !(l.logq > limit))) continue;
    rows.push({ i, symbol: symbols[i], id: ids[i], mean: 10 ** meanLog(mean, i), ...l });
  }
  const { key, down } = browse;
  rows.sort((a, b) => {
    const [x, y] = [a[key], b[key]];
    if (typeof x === "string") return (down ? -1 : 1) * x.localeCompare(y, "en");
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return down ? y - x : x - y;
  });
  return { rows, contrast: c };
}
const BROWSE = [["symbol", "Gene"], ["id", "Id"], ["mean", "Mean"], ["lfc", "log2 FC"], ["se", "SE"], ["logp", "p"], ["logq", "FDR"]];
async function showBrowse() {
  const { rows, contrast } = await browseRows();
  browse.rows = rows; browse.name = contrast.id;
  const pages = Math.max(1, Math.ceil(rows.length / PAGE));
  browse.page = Math.min(browse.page, pages - 1);
  const part = rows.slice(browse.page * PAGE, (browse.page + 1) * PAGE);
  const out = $("browse-out");
  const body = part.map((r) => make("tr", {},
    make("td", {}, make("button", { type: "button", class: "small", on: { click: () => { showGene(r.i); $("gene-input").value = r.symbol; $("gene").scrollIntoView(); } } }, r.symbol)),
    make("td", {}, r.id), cell(r.mean < 100 ? r.mean.toPrecision(3) : whole(r.mean), r.mean), cell(fixed(r.lfc), r.lfc), cell(fixed(r.se), r.se),
    cell(fromLog(r.logp), 10 ** -r.logp), cell(fromLog(r.logq), 10 ** -r.logq)));
  const box = plainTable(`${whole(rows.length)} genes of ${contrast.id}`, BROWSE.map((b) => b[1]), body, "browse-table");
  all("th", box).forEach((th, k) => {
    const key = BROWSE[k][0];
    // p and FDR are kept as −log10: their order is turned round.
    const flip = key === "logp" || key === "logq";
    const button = make("button", { type: "button" }, th.textContent);
    th.replaceChildren(button);
    if (browse.key === key) th.setAttribute("aria-sort", browse.down !== flip ? "descending" : "ascending");
    button.addEventListener("click", () => {
      browse.down = browse.key === key ? !browse.down : flip;
      browse.key = key; browse.page = 0; showBrowse();
    });
  });
  const turn = (by, label, off) => make("button", { type: "button", class: "small", disabled: off, on: { click: () => { browse.page += by; showBrowse(); } } }, label);
  out.replaceChildren(box, make("div", { class: "pager" }, turn(-1, "Previous", browse.page === 0),
    make("span", { role: "status" }, `page ${browse.page + 1} of ${pages}`), turn(1, "Next", browse.page >= pages - 1)));
  $("browse-tsv").hidden = false;
}
function browseText() {
  const rows = browse.rows.map((r) => [r.symbol, r.id, r.mean.toPrecision(4), r.lfc, r.se, 10 ** -r.logp, 10 ** -r.logq].map((v) => (Number.isNaN(v) ? "NA" : v)).join("\t"));
  return ["symbol\tgene_id\tbase_mean\tlog2fc\tlfc_se\tpvalue\tpadj", ...rows].join("\n") + "\n";
}

// ---------------------------------------------------------------- page
all(".js").forEach((node) => { node.hidden = false; });
all(".nojs").forEach((node) => { node.hidden = true; });
all("table.data").forEach(sortable);
all("input[data-filter]").forEach(filterable);
all("button[data-tsv]").forEach((b) => b.addEventListener("click", () => save(`${meta.study}_${b.dataset.tsv}.tsv`, tableText($(b.dataset.tsv)))));
all("button[data-copy]").forEach((b) => b.addEventListener("click", async () => {
  const from = document.getElementById(b.dataset.copy);
  let done = true;
  try {
    await navigator.clipboard.writeText(from.innerText);
  } catch {
    getSelection().selectAllChildren(from);
    done = document.execCommand("copy");
  }
  b.nextElementSibling.textContent = done ? "Copied." : "The text is selected: copy it with the keyboard.";
}));
all("button[data-file]").forEach((b) => b.addEventListener("click", async () => save(b.dataset.file, (await bundle())[b.dataset.file])));

const theme = $("theme");
function dark() {
  const own = document.documentElement.dataset.theme;
  return own ? own === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
theme.setAttribute("aria-pressed", String(dark()));
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  theme.setAttribute("aria-pressed", String(dark()));
});

$("focus").addEventListener("change", (event) => {
  focused = event.target.value;
  all("[data-c]").forEach(visible);
});
const browseIndex = $("browse-contrast");
$("gene-form").addEventListener("submit", (event) => { event.preventDefault(); find($("gene-input").value); });
document.querySelector(".finder-form").addEventListener("submit", (event) => {
  event.preventDefault();
  $("gene-input").value = $("quick").value;
  location.hash = "gene";
  find($("quick").value);
});
const again = () => { browse.page = 0; if ($("browse-out").childElementCount) showBrowse(); };
$("browse-load").addEventListener("click", () => { browse.page = 0; showBrowse(); });
$("browse-form").addEventListener("submit", (event) => { event.preventDefault(); showBrowse(); });
browseIndex.addEventListener("change", again);
$("browse-sig").addEventListener("change", again);
let wait = 0;
$("browse-filter").addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(again, 150); });
$("browse-tsv").addEventListener("click", () => save(`${browse.name}_genes.tsv`, browseText()));

// A link to a row inside a closed part opens it.
function open() {
  const target = location.hash.length > 1 ? $(decodeURIComponent(location.hash.slice(1))) : null;
  for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
}
addEventListener("hashchange", open);
open();

const links = new Map(all("nav a").map((a) => [a.getAttribute("href").slice(1), a]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    links.forEach((a) => a.removeAttribute("aria-current"));
    links.get(entry.target.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "-10% 0px -80% 0px" });
links.forEach((_, id) => { const node = $(id); if (node) seen.observe(node); });
document.documentElement.dataset.ready = "1";
})();
