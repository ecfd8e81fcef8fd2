// Figures: what the pointer is on, which sample or gene it is elsewhere, and saving.
const tip = $("tip");
function say(event, lines) {
  tip.replaceChildren(...lines.map((text, i) => make(i ? "div" : "strong", {}, text)));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const right = event.clientX + 14 + width < innerWidth ? event.clientX + 14 : event.clientX - 14 - width;
  const below = event.clientY + 14 + height < innerHeight ? event.clientY + 14 : event.clientY - 14 - height;
  tip.style.left = `${Math.max(4, right)}px`;
  tip.style.top = `${Math.max(4, below)}px`;
}
const hush = () => { tip.hidden = true; };

// Marks carry their words as <title>; the browser's own tooltip is slow and would come twice.
function words(node) {
  const title = node.querySelector(":scope > title");
  if (title) { node.dataset.t = title.textContent; title.remove(); }
  return node.dataset.t ?? "";
}
function light(sample) {
  all(".lit").forEach((node) => node.classList.remove("lit"));
  if (sample) all(`.fig [data-s="${CSS.escape(sample)}"]`).forEach((node) => node.classList.add("lit"));
}
document.addEventListener("pointerover", (event) => {
  const mark = event.target.closest?.(".fig .mk, .fig .curve, .fig .hover");
  if (!mark || mark.closest("g[data-area]")) return;
  const text = words(mark);
  if (text) say(event, text.split(": "));
  light(mark.dataset.s);
});
document.addEventListener("pointerout", (event) => {
  if (event.target.closest?.(".fig")) { hush(); light(""); }
});

// Volcano and MA plots: every dot is a gene; the nearest one within 9 pixels is meant.
const spots = (area) => once(area, async () => {
  const contrast = meta.contrasts.find((c) => c.id === area.closest("[data-c]").dataset.c);
  const bytes = await lines(contrast.id), mean = await means(contrast.model);
  const [x0, x1, p0, p1, y0, y1, q0, q1] = area.dataset.area.split(" ").map(Number);
  const xs = new Float32Array(n), ys = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const l = line(bytes, i);
    const [x, y] = area.dataset.plot === "volcano" ? [l.lfc, l.logp] : [meanLog(mean, i), l.lfc];
    xs[i] = p0 + ((x - x0) / (x1 - x0)) * (p1 - p0);
    ys[i] = q0 + ((y - y0) / (y1 - y0)) * (q1 - q0);
  }
  return { contrast, bytes, mean, xs, ys };
});
const pointIn = (area, event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(area.getScreenCTM().inverse());
async function nearest(area, event) {
  const at = pointIn(area, event);
  const found = await spots(area);
  let best = -1, least = 81;
  for (let i = 0; i < n; i++) {
    const d = (found.xs[i] - at.x) ** 2 + (found.ys[i] - at.y) ** 2;
    if (d < least) { least = d; best = i; }
  }
  return { gene: best, ...found };
}
function explorable(area) {
  const svg = area.ownerSVGElement;
  let ring = null;
  const clear = () => { ring?.remove(); ring = null; hush(); };
  // Dragging marks a region; a finger that drags scrolls the page.
  let from = null, box = null;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button || event.pointerType === "touch") return;
    from = pointIn(area, event);
    box?.remove(); box = null;
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointerup", (event) => {
    if (from && box) listRegion(area, from, pointIn(area, event), box);
    from = null;
  });
  svg.addEventListener("pointercancel", () => { from = null; box?.remove(); box = null; });
  svg.addEventListener("pointermove", async (event) => {
    if (from) {
      const to = pointIn(area, event);
      if (!box && Math.hypot(to.x - from.x, to.y - from.y) < 5) return;
      clear();
      box ??= area.appendChild(draw("rect", { class: "region" }));
      fill(box, { x: Math.min(from.x, to.x), y: Math.min(from.y, to.y), width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) }, []);
      return;
    }
    const { gene, contrast, bytes, mean, xs, ys } = await nearest(area, event);
    if (gene < 0) { clear(); return; }
    ring ??= area.appendChild(draw("circle", { class: "ring", r: 6 }));
    ring.setAttribute("cx", xs[gene]);
    ring.setAttribute("cy", ys[gene]);
    const l = line(bytes, gene), { symbols } = await names();
    say(event, [symbols[gene], `log2 fold change ${fixed(l.lfc)} (SE ${fixed(l.se)})`,
      `p ${fromLog(l.logp)}, FDR ${fromLog(l.logq)}`, `mean count ${whole(10 ** meanLog(mean, gene))}`, `in ${contrast.id}; click to pin`]);
  });
  svg.addEventListener("pointerleave", clear);
  svg.addEventListener("click", async (event) => {
    if (box) return;
    const { gene } = await nearest(area, event);
    if (gene >= 0) { await showGene(gene); remember(); }
  });
}

// Genes in a region of a plot, below it: the first ones, and all of them to save.
const LISTED = 100;
async function listRegion(area, from, to, box) {
  const { contrast, bytes, xs, ys } = await spots(area), { ids, symbols } = await names();
  const [x0, x1, y0, y1] = [Math.min(from.x, to.x), Math.max(from.x, to.x), Math.min(from.y, to.y), Math.max(from.y, to.y)];
  const found = [];
  for (let i = 0; i < n; i++) if (xs[i] >= x0 && xs[i] <= x1 && ys[i] >= y0 && ys[i] <= y1) found.push({ i, ...line(bytes, i) });
  found.sort((a, b) => (b.logp || 0) - (a.logp || 0));
  const figure = area.closest("figure"), id = `region-${area.dataset.plot}-${contrast.id}`;
  const rows = found.slice(0, LISTED).map((g) => make("tr", {}, make("td", {}, make("a", { href: "#gene", "data-gene": g.i }, symbols[g.i])),
    cell(fixed(g.lfc), g.lfc), cell(fromLog(g.logp), 10 ** -g.logp), cell(fromLog(g.logq), 10 ** -g.logq)));
  const count = `${whole(found.length)} ${found.length === 1 ? "gene" : "genes"} in the region`;
  const caption = found.length > LISTED ? `${count}; the ${LISTED} of smallest p` : count;
  const every = () => [["symbol", "gene_id", "log2fc", "pvalue", "padj"], ...found.map((g) => [symbols[g.i], ids[g.i], g.lfc, 10 ** -g.logp, 10 ** -g.logq].map((v) => (Number.isNaN(v) ? "NA" : v)))];
  const keep = (form) => make("button", { type: "button", class: "small", "data-region": form, on: { click: () => saveTable(`${meta.study}_${id}`, every(), form) } }, form.toUpperCase());
  const close = make("button", { type: "button", class: "small", on: { click: () => { box.remove(); figure.querySelector(".region-list").remove(); } } }, "Close");
  figure.querySelector(".region-list")?.remove();
  figure.append(make("div", { class: "region-list" }, plainTable(caption, ["Gene", "log2 FC", "p", "FDR"], rows, id),
    make("p", { class: "figtools" }, "Save all: ", keep("tsv"), " ", keep("csv"), " ", close)));
}

// ---------------------------------------------------------------- saving a figure
function standalone(svg) {
  const copy = svg.cloneNode(true);
  all(".region", copy).forEach((node) => node.remove());
  copy.setAttribute("xmlns", SVG);
  const style = draw("style");
  style.textContent = $("figure-style").textContent;
  const { width, height } = svg.viewBox.baseVal;
  copy.prepend(style, draw("rect", { class: "back", width, height }));
  return new XMLSerializer().serializeToString(copy);
}
async function saveFigure(svg, name, form) {
  const text = standalone(svg);
  if (form === "svg") { save(`${name}.svg`, text, "image/svg+xml"); return; }
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  await image.decode();
  const { width, height } = svg.viewBox.baseVal;
  const canvas = make("canvas", { width: Math.round(3 * width), height: Math.round(3 * height) });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  save(`${name}.png`, blob);
}
function savable(figure) {
  const svg = figure.querySelector("svg");
  const name = `${meta.study}_${(svg.getAttribute("aria-labelledby") ?? "figure-t").replace(/^f-|-t$/g, "")}`;
  const button = (form) => make("button", { type: "button", class: "small", "data-save": form, on: { click: () => saveFigure(svg, name, form) } }, form.toUpperCase());
  const tools = make("span", { class: "figtools" }, "Save figure: ", button("svg"), " ", button("png"), svg.querySelector("g[data-area]") ? " · drag over dots to list their genes" : "");
  (figure.querySelector("figcaption") ?? figure).append(tools);
}
