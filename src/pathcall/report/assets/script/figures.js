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
async function nearest(area, event) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(area.getScreenCTM().inverse());
  const found = await spots(area);
  let best = -1, least = 81;
  for (let i = 0; i < n; i++) {
    const d = (found.xs[i] - at.x) ** 2 + (found.ys[i] - at.y) ** 2;
    if (d < least) { least = d; best = i; }
  }
  return { gene: best, ...found };
}
for (const area of all("g[data-area]")) {
  const svg = area.ownerSVGElement;
  let ring = null;
  const clear = () => { ring?.remove(); ring = null; hush(); };
  svg.addEventListener("pointermove", async (event) => {
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
    const { gene } = await nearest(area, event);
    if (gene >= 0) { await showGene(gene); remember(); }
  });
}

// ---------------------------------------------------------------- saving a figure
function standalone(svg) {
  const copy = svg.cloneNode(true);
  all(".found text, .found circle", copy).forEach((node) => node.removeAttribute("style"));
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
  const tools = make("span", { class: "figtools" }, "Save figure: ", button("svg"), " ", button("png"));
  (figure.querySelector("figcaption") ?? figure).append(tools);
}
