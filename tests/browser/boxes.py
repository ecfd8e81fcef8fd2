"""Boxes of the texts of every figure of a page, measured in the browser."""

from __future__ import annotations

from typing import Any

# A text's box as it is drawn: its own box, turned as it is turned, a little smaller than the line.
MEASURE = """() => {
  document.querySelectorAll('details').forEach((d) => { d.open = true; });
  const turned = (text) => {
    const b = text.getBBox(), m = text.getCTM(), s = 0.18 * b.height;
    return [[b.x + 1, b.y + s], [b.x + b.width - 1, b.y + s],
            [b.x + b.width - 1, b.y + b.height - s], [b.x + 1, b.y + b.height - s]]
      .map(([x, y]) => [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f]);
  };
  const apart = (a, b) => [a, b].some((own) => own.some((p, i) => {
    const q = own[(i + 1) % 4], n = [p[1] - q[1], q[0] - p[0]];
    const along = (box) => box.map(([x, y]) => x * n[0] + y * n[1]);
    const [u, v] = [along(a), along(b)];
    return Math.max(...u) <= Math.min(...v) || Math.max(...v) <= Math.min(...u);
  }));
  const wrong = [];
  let texts = 0;
  for (const svg of document.querySelectorAll('svg.fig')) {
    const name = svg.getAttribute('aria-labelledby') ?? svg.getAttribute('aria-label');
    const { width, height } = svg.getBoundingClientRect();
    if (!width) { wrong.push(`${name}: not laid out`); continue; }
    const shown = [...svg.querySelectorAll('text:not([visibility])')];
    const boxes = shown.map((t) => [t.firstChild.data, turned(t)]);
    texts += boxes.length;
    boxes.forEach(([text, box], i) => {
      if (text.endsWith('…')) wrong.push(`${name}: “${text}” is shortened`);
      if (box.some(([x, y]) => x < -1 || y < -1 || x > width + 1 || y > height + 1))
        wrong.push(`${name}: “${text}” sticks out`);
      for (const [other, box2] of boxes.slice(i + 1))
        if (!apart(box, box2)) wrong.push(`${name}: “${text}” on “${other}”`);
    });
    const room = svg.parentElement;
    if (innerWidth > 1000 && room.scrollWidth > room.clientWidth + 1)
      wrong.push(`${name}: ${room.scrollWidth} pixels wide in ${room.clientWidth}`);
  }
  return [texts, wrong];
}"""


def text_trouble(page: Any) -> tuple[int, list[str]]:
    """How many texts the figures have, and each that is cut or lies on another one."""
    texts, wrong = page.evaluate(MEASURE)
    return texts, wrong
