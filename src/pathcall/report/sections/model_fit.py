"""Do the models fit: dispersions and p-values."""

from __future__ import annotations

from typing import Any

import numpy as np

from pathcall.report import svg as s
from pathcall.report.data import ReportData
from pathcall.report.svg import Scale, Svg
from pathcall.report.view import (
    figure,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {
        "dispersions": [figure("dispersion", draw_dispersion(data, m)) for m in data.models],
        "histograms": [
            figure("p", draw_p_values(data, c.contrast), c.contrast) for c in data.contrasts
        ],
    }


def draw_dispersion(data: ReportData, name: str) -> Svg:
    """Density of dispersion against mean expression of one model."""
    model = data.models[name]
    x_all = np.log10(np.maximum(model.base_mean.to_numpy(dtype=float), 1e-3))
    y_all = np.log10(np.maximum(model.dispersions.to_numpy(dtype=float), 1e-8))
    ok = np.isfinite(x_all) & np.isfinite(y_all)
    left, top, w, h = 50, 10, 300, 220
    figure = Svg(
        left + w + 14,
        top + h + 40,
        f"Dispersion, model {name}",
        f"{int(ok.sum())} genes; darker is more genes.",
        ident=f"f-dispersion-{name}",
    )
    x = Scale(*s.padded(x_all[ok]), left, left + w)
    y = Scale(*s.padded(y_all[ok]), top + h, top)
    bins, side = (
        np.histogram2d(
            x.many(x_all[ok]),
            y.many(y_all[ok]),
            bins=[np.arange(left, left + w + 5, 5.0), np.arange(top, top + h + 5, 5.0)],
        )[0],
        5.0,
    )
    i, j = np.nonzero(bins)
    level = np.log(bins[i, j])
    figure.x_axis(x, top + h, top=top, name="mean of normalised counts (log10)")
    figure.y_axis(y, left, right=left + w, name="dispersion (log10)", offset=38)
    figure.cells(
        np.asarray(left + i * side, dtype=float),
        np.asarray(top + j * side, dtype=float),
        np.maximum(1, s.sequential(level, -0.7, float(max(level.max(), 1)))),
        side,
        side,
        "s",
    )
    return figure


def draw_p_values(data: ReportData, contrast: str) -> Svg:
    """Histogram of p-values; a flat right end is what a fitting model gives."""
    p = data.de[contrast]["pvalue"].dropna().to_numpy()
    counts, _ = np.histogram(p, bins=20, range=(0, 1))
    left, top, w, h = 46, 22, 200, 100
    figure = Svg(
        left + w + 10,
        top + h + 24,
        f"p-values of {contrast}",
        f"{len(p)} genes in 20 bins; the highest holds {counts.max() if len(p) else 0}.",
        ident=f"f-p-{contrast}",
    )
    figure.label(4, 13, contrast, left + w, cls="s b", stands="bottom")
    y = Scale(0, max(1, counts.max()) * 1.04, top + h, top)
    figure.y_axis(y, left, right=left + w, wanted=3)
    for i, n in enumerate(counts):
        figure.rect(left + i * w / 20, y(n), w / 20 - 1, top + h - y(n), "fbar")
    for tick in (0, 0.5, 1):
        figure.text(left + tick * w, top + h + 14, s.label(tick), cls="tick", anchor="middle")
    return figure
