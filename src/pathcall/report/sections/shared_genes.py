"""Genes that contrasts share: an UpSet plot, with the direction of each change."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pathcall.report import svg as s
from pathcall.report.data import ReportData
from pathcall.report.lettering import widest
from pathcall.report.svg import Scale, Svg
from pathcall.report.view import figure, integer


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {"shared_genes": figure("shared_genes", draw_shared_genes(data))}


def directions(data: ReportData) -> npt.NDArray[np.int8]:
    """``genes × contrasts``: +1 up, −1 down (FDR below the limit of the config), else 0."""
    columns = []
    for c in data.contrasts:
        de = data.de[c.contrast]
        hit = (de["padj"] < data.alpha).to_numpy()
        columns.append(np.where(hit, np.sign(de["log2fc"].fillna(0).to_numpy()), 0))
    return np.column_stack(columns).astype(np.int8)


def patterns(changes: npt.NDArray[np.int8]) -> list[tuple[tuple[int, ...], int]]:
    """Each pattern of changes over the contrasts and its genes, the most frequent first."""
    rows, counts = np.unique(changes[changes.any(axis=1)], axis=0, return_counts=True)
    found = [(tuple(row), n) for row, n in zip(rows.tolist(), counts.tolist(), strict=True)]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def draw_shared_genes(data: ReportData, most: int = 24) -> Svg | None:
    """Bars: genes of each pattern; below, where they go up and down. From three contrasts on."""
    if len(data.contrasts) < 3:
        return None
    changes = directions(data)
    found = patterns(changes)
    if not found:
        return None
    shown = found[:most]
    names = [c.contrast for c in data.contrasts]
    totals = [
        f"{integer((changes[:, i] > 0).sum())} ▲  {integer((changes[:, i] < 0).sum())} ▼"
        for i in range(len(names))
    ]
    step, row, high = 29.0, 20.0, 130.0
    left = widest(names) + widest(totals) + 36
    top, middle = 18.0, 18.0 + high + 14
    figure = Svg(
        left + step * len(shown) + 8,
        middle + row * len(names) + 6,
        "Genes that change in several contrasts",
        f"The {len(shown)} most frequent of {len(found)} patterns over {len(names)} contrasts; "
        f"they hold {integer(sum(n for _, n in shown))} of the "
        f"{integer(changes.any(axis=1).sum())} genes that change anywhere.",
        ident="f-shared-genes",
    )
    y = Scale(0, shown[0][1], top + high, top)
    figure.line(left, top + high, left + step * len(shown), top + high, "zero")
    for i, (name, total) in enumerate(zip(names, totals, strict=True)):
        if i % 2 == 0:
            figure.rect(0, middle + i * row, figure.width, row, "band")
        figure.text(4, middle + i * row + 14, name, cls="s")
        figure.text(left - 12, middle + i * row + 14, total, cls="m", anchor="end")
    for k, (pattern, n) in enumerate(shown):
        x = left + (k + 0.5) * step
        moved = [(i, v) for i, v in enumerate(pattern) if v]
        words = ", ".join(f"{'up' if v > 0 else 'down'} in {names[i]}" for i, v in moved)
        figure.rect(
            x - 9, y(n), 18, top + high - y(n), "fbar hover", title=f"{integer(n)} genes: {words}"
        )
        figure.text(x, y(n) - 4, s.label(n), cls="tick", anchor="middle")
        at = [middle + (i + 0.5) * row for i, _ in moved]
        if len(at) > 1:
            figure.line(x, at[0], x, at[-1], "zero")
        for (_, value), height in zip(moved, at, strict=True):
            figure.mark(x, height, "circle", "fup" if value > 0 else "fdown", 5.5)
    return figure
