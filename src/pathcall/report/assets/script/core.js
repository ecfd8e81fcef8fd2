// No framework, no eval, no innerHTML: every piece of data reaches the page as text.
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
// A line a gene: id, symbol, Entrez id, aliases, and readouts that hold it (negative: against the pathway).
const names = () => once("names", async () => {
  const ids = [], symbols = [], entrez = [], aliases = [], readouts = [], index = new Map(), other = new Map();
  const add = (map, key, i) => {
    const k = key.toUpperCase();
    if (!map.has(k)) map.set(k, []);
    if (!map.get(k).includes(i)) map.get(k).push(i);
  };
  decode(await unpack("data-names")).split("\n").forEach((row, i) => {
    const [id, symbol, number, more, held] = row.split("\t");
    ids.push(id); symbols.push(symbol || id); entrez.push(number || "");
    aliases.push(more ? more.split("|") : []);
    readouts.push(held ? held.split(",").map(Number) : []);
  });
  symbols.forEach((s, i) => add(index, s, i));
  ids.forEach((s, i) => add(index, s, i));
  aliases.forEach((list, i) => list.forEach((a) => { if (!index.has(a.toUpperCase())) add(other, a, i); }));
  return { ids, symbols, entrez, aliases, readouts, index, other };
});
// What a link says to name this gene: its symbol, or its id where others share the symbol.
async function nameOf(gene) {
  const { ids, symbols, index } = await names();
  return index.get(symbols[gene].toUpperCase())[0] === gene ? symbols[gene] : ids[gene];
}
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
// Where a gene's counts stand among those that the page holds; undefined where it does not.
const counted = () => once("counted", async () => {
  if (!$("data-counted")) return null;
  const bytes = await unpack("data-counted"), at = new Map();
  for (let i = 0; i < meta.counted; i++) at.set([0, 1, 2, 3].reduce((sum, k) => sum + bytes[k * meta.counted + i] * 256 ** k, 0), i);
  return at;
});
async function geneCounts(gene) {
  const at = await counted(), place = at ? at.get(gene) : gene;
  if (place === undefined) return null;
  const bytes = await counts(), samples = meta.samples.length, total = meta.counted * samples, out = [];
  for (let s = 0; s < samples; s++) {
    let value = 0;
    for (let k = 0; k < meta.width; k++) value += bytes[k * total + place * samples + s] * 256 ** k;
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
function save(name, content, type = "text/tab-separated-values") {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = make("a", { href: url, download: name.replaceAll("/", "_") });
  document.body.append(link); link.click(); link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 5000);
}
function tableRows(table) {
  const head = all("thead th", table).map((c) => (c.querySelector("button") ?? c).textContent.trim());
  const body = all("tbody tr", table).filter((r) => !r.hidden).map((row) =>
    [...row.cells].map((c) => c.dataset.v ?? (c.textContent.trim() === "–" ? "NA" : c.textContent.trim())));
  return [head, ...body];
}
const quoted = (v) => (/[",\n]/.test(v) ? `"${v.replaceAll('"', '""')}"` : v);
function saveTable(name, rows, form) {
  const line = form === "csv" ? (row) => row.map((v) => quoted(String(v))).join(",") : (row) => row.map((v) => String(v).replaceAll(/[\t\n]/g, " ")).join("\t");
  save(`${name}.${form}`, rows.map(line).join("\n") + "\n", form === "csv" ? "text/csv" : undefined);
}
const outside = (href, text) => make("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);
