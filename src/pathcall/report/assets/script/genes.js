// The gene finder: a gene's counts, its line in every contrast, the readouts that hold it.
function shell(title, label, width, height) {
  return draw("svg", { class: "fig", role: "img", width, height, viewBox: `0 0 ${width} ${height}`, "aria-label": label, "aria-labelledby": null });
}
// Every sample of one model by group: log2 of normalised counts.
function strip(title, groups, values) {
  const left = 46, top = 24, high = 150;
  const shown = groups.filter((g) => g.samples.length);
  const longest = Math.max(...shown.map((g) => g.cell.length)) * 7;
  const step = Math.max(34, Math.min(96, 300 / shown.length));
  const reach = Math.max(0, longest * 0.77 - step / 2 - left);
  const start = left + reach;
  const width = start + Math.max(200, step * shown.length) + 16, bottom = 26 + longest * 0.65;
  const logs = shown.flatMap((g) => g.samples.map((s) => Math.log2(values[s] + 1)));
  const max = Math.max(1, ...logs) * 1.05;
  const y = (v) => top + high - (v / max) * high;
  const svg = shell(title, `${title}: ${logs.length} samples`, width, top + high + bottom);
  svg.append(draw("text", { class: "b s", x: start, y: 12 }, title),
    draw("text", { class: "axis", x: start - 33, y: top + high / 2, "text-anchor": "middle", transform: `rotate(-90 ${start - 33} ${top + high / 2})` }, "log2(normalised + 1)"));
  const every = Math.max(1, Math.ceil(max / 5));
  for (let v = 0; v <= max; v += every) {
    svg.append(draw("path", { class: "grid", d: `M${start} ${y(v)}H${width - 16}` }),
      draw("text", { class: "tick", x: start - 6, y: y(v) + 4, "text-anchor": "end" }, v));
  }
  shown.forEach((g, i) => {
    const x = start + (i + 0.5) * step;
    const own = g.samples.map((s) => Math.log2(values[s] + 1));
    const mean = own.reduce((a, b) => a + b, 0) / own.length;
    svg.append(draw("path", { class: "mean", d: `M${x - 11} ${y(mean)}H${x + 11}` }));
    g.samples.forEach((s, k) => {
      const dot = draw("circle", { class: "mk k0", r: 3.4, cx: x + (k - (own.length - 1) / 2) * Math.min(8, 26 / own.length), cy: y(own[k]), "data-s": meta.samples[s] });
      dot.append(draw("title", {}, `${meta.samples[s]} (${g.cell}): ${values[s].toFixed(1)} normalised counts`));
      svg.append(dot);
    });
    svg.append(draw("text", { class: "s", x: x + 3, y: top + high + 14, "text-anchor": "end", transform: `rotate(-40 ${x + 3} ${top + high + 14})` }, g.cell));
  });
  return svg;
}
// log2 fold change and its 95% interval in every contrast, as one row each.
function across(title, rows) {
  const longest = Math.max(...rows.map((r) => r.id.length)) * 7.2;
  const left = longest + 12, wide = 300, step = 20, top = 24;
  const ends = rows.flatMap((r) => (Number.isFinite(r.lfc) ? [r.lfc - 1.96 * r.se, r.lfc + 1.96 * r.se] : [])).filter(Number.isFinite);
  const low = Math.min(-0.5, ...ends), high = Math.max(0.5, ...ends);
  const x = (v) => left + ((v - low) / (high - low)) * wide;
  const svg = shell(title, `${title}: log2 fold change in every contrast`, left + wide + 20, top + step * rows.length + 40);
  svg.append(draw("text", { class: "b s", x: left, y: 12 }, "log2 fold change, 95% interval"));
  const bottom = top + step * rows.length;
  const every = [0.5, 1, 2, 5, 10].find((s) => (high - low) / s <= 7) ?? 20;
  for (let v = Math.ceil(low / every) * every; v <= high; v += every) {
    svg.append(draw("path", { class: v ? "grid" : "zero", d: `M${x(v)} ${top}V${bottom}` }),
      draw("text", { class: "tick", x: x(v), y: bottom + 14, "text-anchor": "middle" }, minus(String(v))));
  }
  rows.forEach((r, i) => {
    const y = top + (i + 0.5) * step;
    svg.append(draw("text", { class: "s", x: left - 8, y: y + 4, "text-anchor": "end" }, r.id));
    if (!Number.isFinite(r.lfc)) { svg.append(draw("text", { class: "m", x: x(0) + 6, y: y + 4 }, "not tested")); return; }
    const side = r.logq > -Math.log10(meta.alpha) ? (r.lfc > 0 ? "up" : "down") : "ns";
    svg.append(draw("path", { class: `i${side}`, d: `M${x(r.lfc - 1.96 * r.se)} ${y}H${x(r.lfc + 1.96 * r.se)}` }));
    const dot = draw("circle", { class: `mk f${side}`, r: 4, cx: x(r.lfc), cy: y });
    dot.append(draw("title", {}, `${r.id}: log2 fold change ${fixed(r.lfc)}: FDR ${fromLog(r.logq)}`));
    svg.append(dot);
  });
  return svg;
}
const figureOf = (svg) => {
  const made = make("figure", {}, make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": svg.getAttribute("aria-label") }, svg));
  savable(made);
  return made;
};
const ranks = (contrast) => once("ranks-" + contrast, async () => {
  const bytes = await lines(contrast), sorted = [];
  for (let i = 0; i < n; i++) { const p = code(bytes, 2, i); if (!Number.isNaN(p)) sorted.push(p); }
  return Float64Array.from(sorted).sort();
});
async function rankOf(contrast, logp) {
  if (!Number.isFinite(logp)) return "–";
  const sorted = await ranks(contrast), p = Math.round(logp * 100);
  return `${whole(sorted.length - sorted.findLastIndex((v) => v <= p))} of ${whole(sorted.length)}`;
}
function countsOf(title, symbol, raw, normal) {
  const rows = meta.samples.map((s, i) => make("tr", {}, make("th", { scope: "row" }, s),
    make("td", {}, meta.groups.filter((g) => g.samples.includes(i)).map((g) => g.cell).join("; ") || "–"),
    cell(whole(raw[i]), raw[i]), cell(normal[i].toFixed(1), normal[i])));
  const samples = plainTable(`${title}: counts of every sample`, ["Sample", "Group", "Count", "Normalised"], rows, "gene-counts");
  const keep = (form) => make("button", { type: "button", class: "small", on: { click: () => saveTable(`${meta.study}_${symbol}_counts`, tableRows($("gene-counts")), form) } }, form.toUpperCase());
  return make("details", {}, make("summary", {}, "Counts of every sample"), make("p", {}, "Save: ", keep("tsv"), " ", keep("csv")), samples);
}
async function showGene(gene) {
  const { ids, symbols, entrez, aliases, readouts } = await names();
  const raw = await geneCounts(gene);
  const normal = raw?.map((c, s) => c / meta.sizeFactors[s]);
  const rows = [], at = new Map();
  for (const c of meta.contrasts) {
    const l = line(await lines(c.id), gene);
    at.set(c.id, { ...l, id: c.id, mean: meanLog(await means(c.model), gene) });
    const half = 1.96 * l.se;
    rows.push(make("tr", { "data-c": c.id },
      make("th", { scope: "row" }, make("a", { href: "#contrast-" + c.id }, c.label)),
      cell(fixed(l.lfc), l.lfc), cell(fixed(l.se), l.se),
      cell(Number.isFinite(l.lfc) ? `${fixed(l.lfc - half, 2)} to ${fixed(l.lfc + half, 2)}` : "–", NaN),
      cell(fromLog(l.logp), 10 ** -l.logp), cell(fromLog(l.logq), 10 ** -l.logq), cell(await rankOf(c.id, l.logp), NaN)));
  }
  const title = symbols[gene] === ids[gene] ? ids[gene] : `${symbols[gene]} (${ids[gene]})`;
  const links = [];
  if (entrez[gene]) links.push(outside(`https://www.ncbi.nlm.nih.gov/gene/${entrez[gene]}`, "NCBI Gene"));
  if (/^ENS/.test(ids[gene])) links.push(outside(`https://www.ensembl.org/id/${ids[gene].split(".")[0]}`, "Ensembl"));
  else if (meta.species && symbols[gene] !== ids[gene]) links.push(outside(`https://www.ensembl.org/${meta.species}/Gene/Summary?g=${encodeURIComponent(symbols[gene])}`, "Ensembl"));
  const about = make("p", { class: "about" }, links.flatMap((l) => [l, " · "]), aliases[gene].length ? `also called ${aliases[gene].join(", ")}` : "no other names known");
  const held = readouts[gene].map((k) => {
    const r = meta.readouts[Math.abs(k) - 1];
    return make("li", {}, make("a", { href: "#why-" + r.pathway }, r.name), ` (${r.role}): ${k > 0 ? "rises" : "falls"} with the pathway`);
  });
  const plots = raw ? meta.models.map((m) => figureOf(strip(m, meta.groups.filter((g) => g.model === m), normal))) : [];
  if (meta.contrasts.length > 1) plots.unshift(figureOf(across(title, [...at.values()])));
  const table = plainTable(`${title} in every contrast`, ["Contrast", "log2 FC", "SE", "95% interval", "p", "FDR", "rank by p"], rows, "gene-lines");
  $("gene-out").replaceChildren(make("h3", { tabindex: -1 }, title), about,
    held.length ? make("details", { open: true }, make("summary", {}, `In ${held.length} of the panel's readouts`), make("ul", { class: "held" }, held))
      : make("p", {}, "In none of the panel's readouts."),
    make("div", { class: "plots" }, plots), table, raw ? countsOf(title, symbols[gene], raw, normal)
      : make("p", {}, "The counts of this gene are not in this page; they are in counts.h5ad beside it."));
  sortable($("gene-lines"));
  if (raw) sortable($("gene-counts"));
  all("#gene-lines tbody tr").forEach(visible);
  highlight(symbols[gene], at);
  state.gene = await nameOf(gene);
  $("pin-name").textContent = symbols[gene];
  $("pin").hidden = false;
  $("gene-input").value = symbols[gene];
  $("gene-status").textContent = `${title}: shown below, and ringed in every volcano and MA plot.`;
}
function clearGene() {
  $("gene-out").replaceChildren();
  unmark();
  $("pin").hidden = true;
  state.gene = "";
}
function unmark() {
  pinned = null;
  all("g.found").forEach((g) => g.remove());
  all("text.name[visibility]").forEach((t) => t.removeAttribute("visibility"));
}
let pinned = null; // name, and where it stands in each contrast
function highlight(name, at) {
  unmark();
  pinned = { name, at };
  ringed(document);
}
function ringed(root) {
  const { name, at } = pinned ?? {};
  for (const g of pinned ? all("g[data-area]", root) : []) {
    const l = at.get(g.closest("[data-c]").dataset.c);
    if (!l || !Number.isFinite(l.lfc)) continue;
    const [x0, x1, p0, p1, y0, y1, q0, q1] = g.dataset.area.split(" ").map(Number);
    const [x, y] = g.dataset.plot === "volcano" ? [l.lfc, l.logp] : [l.mean, l.lfc];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    const px = p0 + ((x - x0) / (x1 - x0)) * (p1 - p0), py = q0 + ((y - y0) / (y1 - y0)) * (q1 - q0);
    const right = px > (p0 + p1) / 2;
    const x0name = px + (right ? -11 - 8 * name.length : 11), yname = Math.max(py - 8, 14);
    g.append(draw("g", { class: "found" }, draw("circle", { class: "ring", cx: px, cy: py, r: 7 }),
      draw("text", { class: "hit", x: px + (right ? -11 : 11), y: yname, "text-anchor": right ? "end" : "start" }, name)));
    // Names that it would cover step back.
    for (const other of all("text.name", g)) {
      const x = Number(other.getAttribute("x")), wide = 8 * other.textContent.length;
      const clear = x > x0name + 8 * name.length || x + wide < x0name || Math.abs(Number(other.getAttribute("y")) - yname) > 14;
      if (!clear) other.setAttribute("visibility", "hidden");
    }
  }
}
async function find(query) {
  const wanted = query.trim().toUpperCase();
  const status = $("gene-status"), list = $("gene-matches");
  list.replaceChildren();
  if (!wanted) { clearGene(); status.textContent = ""; return; }
  status.textContent = "Searching …";
  const { ids, symbols, index, other } = await names();
  const exact = index.get(wanted) ?? [], alias = exact.length ? [] : other.get(wanted) ?? [];
  const hits = [...exact, ...alias], near = [];
  for (let i = 0; i < n && near.length < 24; i++) {
    if (!hits.includes(i) && (symbols[i].toUpperCase().startsWith(wanted) || ids[i].toUpperCase().startsWith(wanted))) near.push(i);
  }
  for (const i of [...hits.slice(1), ...near].slice(0, 24)) {
    list.append(make("li", {}, make("button", { type: "button", class: "small", on: { click: async () => { await showGene(i); remember(); } } }, hits.includes(i) ? `${symbols[i]} (${ids[i]})` : symbols[i])));
  }
  if (!hits.length) {
    clearGene();
    status.textContent = near.length ? `No gene is called “${query.trim()}”; these begin so:` : `No gene is called “${query.trim()}”.`;
    return;
  }
  await showGene(hits[0]);
  if (alias.length) status.textContent = `“${query.trim()}” is another name of ${symbols[hits[0]]}. ${status.textContent}`;
}
async function suggest(text) {
  const wanted = text.trim().toUpperCase();
  const { symbols, index, other } = await names();
  const made = new Map();
  if (wanted.length > 1) {
    for (const map of [index, other]) {
      for (const [key, genes] of map) {
        if (made.size >= 12) break;
        if (key.startsWith(wanted)) for (const i of genes) made.set(symbols[i], map === other ? `${symbols[i]}, also called ${key}` : "");
      }
    }
  }
  $("gene-names").replaceChildren(...[...made].map(([value, label]) => make("option", { value, label: label || null })));
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
    make("td", {}, make("a", { href: "#gene", "data-gene": r.i }, r.symbol)),
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
  all("[data-browse]").forEach((b) => { b.hidden = false; });
}
function browseTable() {
  const rows = browse.rows.map((r) => [r.symbol, r.id, r.mean.toPrecision(4), r.lfc, r.se, 10 ** -r.logp, 10 ** -r.logq].map((v) => (Number.isNaN(v) ? "NA" : v)));
  return [["symbol", "gene_id", "base_mean", "log2fc", "lfc_se", "pvalue", "padj"], ...rows];
}
