"""Volcano and MA plot: one dot a gene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.report import svg as s
from pathcall.report.data import ReportData
from pathcall.report.lettering import text_width
from pathcall.report.svg import Floats, Scale, Svg, shorten

AXES_W, AXES_H = 420, 340


@dataclass(frozen=True)
class PlotArea:
    """Where data land in a scatter plot; the page's script uses the same numbers."""

    x: Scale
    y: Scale

    def attributes(self) -> str:
        """As one attribute value: x0 x1 px0 px1 y0 y1 py0 py1."""
        return " ".join(
            f"{v:.6g}"
            for scale in (self.x, self.y)
            for v in (scale.low, scale.high, scale.start, scale.end)
        )


def gene_classes(de: pd.DataFrame, alpha: float) -> npt.NDArray[np.str_]:
    """``up``, ``down`` (padj < alpha) or ``ns`` of each gene."""
    hit = (de["padj"] < alpha).to_numpy()
    up = (de["log2fc"] > 0).to_numpy()
    return np.where(hit & up, "up", np.where(hit, "down", "ns"))


def log_p(pvalue: pd.Series) -> Floats:
    """−log10 p; a p of zero is set to the smallest double."""
    return np.asarray(-np.log10(np.maximum(pvalue.to_numpy(dtype=float), 5e-324)), dtype=float)


def draw_volcano(data: ReportData, contrast: str) -> Svg:
    """−log10 p against log2 fold change, one dot a gene that has a p."""
    de = data.de[contrast]
    rows = de[de["pvalue"].notna() & de["log2fc"].notna()]
    return _scatter(
        rows,
        rows["log2fc"].to_numpy(),
        log_p(rows["pvalue"]),
        data.alpha,
        kind="volcano",
        contrast=contrast,
        x_name="log2 fold change, test over reference",
        y_name="−log10 p",
        symmetric=True,
    )


def draw_ma(data: ReportData, contrast: str) -> Svg:
    """Log2 fold change against mean expression, one dot a tested gene."""
    de = data.de[contrast]
    rows = de[de["log2fc"].notna() & (de["base_mean"] > 0)]
    return _scatter(
        rows,
        np.log10(rows["base_mean"].to_numpy()),
        rows["log2fc"].to_numpy(),
        data.alpha,
        kind="ma",
        contrast=contrast,
        x_name="mean of normalised counts (log10)",
        y_name="log2 fold change",
        symmetric=False,
    )


def _scatter(
    rows: pd.DataFrame,
    x: Floats,
    y: Floats,
    alpha: float,
    *,
    kind: str,
    contrast: str,
    x_name: str,
    y_name: str,
    symmetric: bool,
) -> Svg:
    left, top = 46, 12
    title = {"volcano": "Volcano plot", "ma": "MA plot"}[kind]
    side = gene_classes(rows, alpha)
    counts = {k: int((side == k).sum()) for k in ("up", "down", "ns")}
    figure = Svg(
        left + AXES_W + 10,
        top + AXES_H + 40,
        f"{title} of {contrast}",
        f"{len(rows)} genes; {counts['up']} up and {counts['down']} down at FDR < {alpha:g}.",
        ident=f"f-{kind}-{contrast}",
    )
    low, high = s.padded(x, share=0.03)
    if symmetric:
        high = max(abs(low), abs(high), 0.5)
        low = -high
    area = PlotArea(
        Scale(low, high, left, left + AXES_W),
        Scale(*s.padded(y, zero=True, share=0.03), top + AXES_H, top),
    )
    figure.x_axis(area.x, top + AXES_H, top=top, name=x_name)
    figure.y_axis(area.y, left, right=left + AXES_W, name=y_name, offset=34)
    figure.add(f'<g data-area="{area.attributes()}" data-plot="{kind}">')
    px, py = area.x.many(x), area.y.many(y)
    for name in ("ns", "down", "up"):
        at = side == name
        figure.dots(px[at], py[at], f"d{name}", grid=1.0 if name == "ns" else 2.0)
    _names(figure, rows, px, py, side, (left, left + AXES_W, top, top + AXES_H))
    figure.add("</g>")
    return figure


def _names(
    figure: Svg,
    rows: pd.DataFrame,
    px: Floats,
    py: Floats,
    side: npt.NDArray[np.str_],
    box: tuple[float, float, float, float],
    most: int = 7,
) -> None:
    """Names of the most significant genes of each direction, where they do not collide."""
    taken: list[tuple[float, float, float, float]] = []
    order = np.argsort(rows["pvalue"].fillna(1).to_numpy(), kind="stable")
    symbols = rows["symbol"].fillna(rows["gene_id"]).to_numpy()
    for direction in ("up", "down"):
        placed = 0
        for i in order[:400]:
            if side[i] != direction or placed >= most:
                continue
            text = shorten(str(symbols[i]), 16)
            wide = text_width(text)
            x = px[i] + 6 if px[i] + 6 + wide <= box[1] else px[i] - 6 - wide
            y = min(max(py[i] + 4, box[2] + 9), box[3] - 2)
            spot = (x - 2, x + wide, y - 11, y + 3)
            clear = all(
                spot[1] < t[0] or spot[0] > t[1] or spot[3] < t[2] or spot[2] > t[3] for t in taken
            )
            if clear and x >= box[0]:
                taken.append(spot)
                figure.text(x, y, text, cls="name")
                placed += 1
