"""A heatmap: labelled rows and columns, one colour a cell, and the key of the colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pathcall.report.lettering import SMALL, text_width, widest
from pathcall.report.svg import DIVERGING, Floats, Svg, diverging

_TILT = 40.0  # degrees of column labels that do not fit their cell
_KEY = 120.0


@dataclass(frozen=True)
class Heatmap:
    """What a heatmap shows.

    Attributes
    ----------
    values
        ``rows × columns``; NaN leaves a cell empty.
    limit
        Where the colours end, either side of zero.
    spans
        Columns under each of `columns`, one each by default: samples of a group share a label.
    dots
        Cells with a dot, ``rows × columns``.
    sizes
        Radius of each cell's dot as a share of the largest, ``rows × columns``: dots of the value's
        colour are drawn in place of cells.
    words
        What the pointer says of each dot.
    genes
        Whether the rows are genes: a click on a name pins the gene.
    """

    ident: str
    title: str
    desc: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Floats = field(repr=False)
    limit: float
    key: str
    spans: Sequence[int] = ()
    dots: npt.NDArray[np.bool_] | None = field(default=None, repr=False)
    sizes: Floats | None = field(default=None, repr=False)
    words: Sequence[Sequence[str]] = field(default=(), repr=False)
    row_height: float = 15.0
    genes: bool = False


def draw_heatmap(shown: Heatmap, *, width: float = 940.0, widest_cell: float = 44.0) -> Svg:
    """Draw a heatmap no wider than `width`, if its labels and 6 pixels a column allow it."""
    spans = list(shown.spans) or [1] * len(shown.columns)
    n, gap = sum(spans), 3.0 if shown.spans else 0.0
    left = widest(list(shown.rows)) + 14
    room = width - left - _KEY - gap * len(spans)
    cell = max(6.0, min(widest_cell, room / max(n, 1)))
    starts = np.cumsum([0.0, *[k * cell + gap for k in spans]])
    flat = all(
        text_width(name) <= k * cell + gap - 4 for name, k in zip(shown.columns, spans, strict=True)
    )
    slope = np.deg2rad(_TILT)
    below = 20.0 if flat else 14 + widest(list(shown.columns)) * float(np.sin(slope)) + SMALL
    if not flat:  # a tilted label reaches back to the left
        reach = [
            text_width(name) * float(np.cos(slope)) - (starts[i] + spans[i] * cell / 2)
            for i, name in enumerate(shown.columns)
        ]
        left = max(left, max(reach, default=0) + 8)
    top, high = 8.0, shown.row_height
    bottom = top + high * len(shown.rows)
    height = max(bottom + below, top + 11 * DIVERGING + 34)
    figure = Svg(left + starts[-1] + _KEY, height, shown.title, shown.desc, ident=shown.ident)
    for i, name in enumerate(shown.rows):
        cls = "s gene" if shown.genes else "s"
        figure.text(left - 6, top + i * high + high / 2 + 4, name, cls=cls, anchor="end")
    for i, name in enumerate(shown.columns):
        x = left + starts[i] + spans[i] * cell / 2
        if flat:
            figure.text(x, bottom + 14, name, cls="s", anchor="middle")
        else:
            figure.text(x + 4, bottom + 12, name, cls="s", anchor="end", rotate=-_TILT)
    offset = np.concatenate(
        [starts[i] + np.arange(k) * cell for i, k in enumerate(spans)] or [np.zeros(0)]
    )
    xs, ys = np.meshgrid(left + offset, top + np.arange(len(shown.rows)) * high)
    ok = np.isfinite(shown.values)
    levels = diverging(shown.values[ok], shown.limit)
    if shown.sizes is None:
        figure.cells(xs[ok], ys[ok], levels, cell - (0 if shown.spans else 1), high - 1, "d")
    else:
        for level, i, j in zip(levels, *np.nonzero(ok), strict=True):
            x, y, r = xs[i, j] + cell / 2, ys[i, j] + high / 2, shown.sizes[i, j] * high / 2
            figure.mark(x, y, "circle", f"d{level}", r, title=shown.words[i][j])
    if shown.dots is not None:
        for x, y in zip(xs[shown.dots], ys[shown.dots], strict=True):
            figure.mark(x + (cell - 1) / 2, y + (high - 1) / 2, "circle", "fdot", 2.6)
    _key(figure, left + starts[-1] + 16, top, shown.limit, shown.key)
    return figure


def _key(figure: Svg, x: float, y: float, limit: float, name: str) -> None:
    for k in range(DIVERGING):
        figure.rect(x, y + (DIVERGING - 1 - k) * 11, 14, 11, f"d{k}")
    for text, where in ((f"≥ {limit:g}", 9), ("0", 64), (f"≤ −{limit:g}", 120)):
        figure.text(x + 19, y + where, text, cls="tick")
    figure.label(x, y + 11 * DIVERGING + 4, name, _KEY - 20, cls="tick", stands="top")
