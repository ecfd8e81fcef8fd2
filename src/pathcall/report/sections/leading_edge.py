"""Leading-edge genes in every sample."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pathcall.report import svg as s
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.sections.running_sums import arms, leading_edge, main_readouts
from pathcall.report.sections.sample_scores import sample_groups
from pathcall.report.svg import Svg, diverging_key, shorten
from pathcall.signatures.weights import genes_by_symbol


def leading_genes(
    data: ReportData, pathway: str, ranked: Mapping[str, pd.Series], most: int = 24
) -> list[str]:
    """Genes most often in the leading edge of the main readouts, over contrasts and arms.

    Ties by the mean size of the statistic, then by name.
    """
    often: dict[str, int] = {}
    for readout in main_readouts(data, pathway):
        for _, genes in arms(readout):
            for contrast, series in ranked.items():
                for gene in leading_edge(data, contrast, series, genes):
                    often[gene] = often.get(gene, 0) + 1
    size = {
        g: float(np.mean([abs(r[g]) for r in ranked.values() if g in r.index] or [0.0]))
        for g in often
    }
    return sorted(often, key=lambda g: (-often[g], -size[g], g))[:most]


def draw_leading_edge(
    data: ReportData, pathway: str, ranked: Mapping[str, pd.Series]
) -> Svg | None:
    """VST of the leading genes in every sample, as difference from the model's mean."""
    genes = leading_genes(data, pathway, ranked)
    if not genes:
        return None
    rows: dict[str, dict[str, float]] = {g: {} for g in genes}
    cells = sample_groups(data)
    for name, model in data.models.items():
        kept = genes_by_symbol(model.symbols, model.base_mean)
        vst = model.vst[kept.index].set_axis(kept.to_numpy(), axis=1)
        for gene in genes:
            if gene in vst.columns:
                centred = vst[gene] - vst[gene].mean()
                rows[gene] |= {f"{name}|{k}": float(v) for k, v in centred.items()}
    columns = [f"{g.model}|{sample}" for g in cells for sample in g.samples]
    sizes = [len(g.samples) for g in cells]
    cell_w = max(8.0, min(26.0, 700 / len(columns)))
    cell_h, left, top = 15, 96, 8
    bottom = 24 + 6.2 * min(28, max(len(g.cell) for g in cells)) * 0.75
    figure = Svg(
        left + cell_w * len(columns) + 3 * len(cells) + 120,
        top + cell_h * len(genes) + bottom,
        f"{wording.pathway(pathway)}: leading-edge genes in every sample",
        f"{len(genes)} genes, {len(columns)} samples, difference of VST from the model's mean.",
        ident=f"f-edge-{pathway}",
    )
    xs, ys, values = [], [], []
    offset = float(left)
    spot: dict[str, float] = {}
    for group, size in zip(cells, sizes, strict=True):
        for m, sample in enumerate(group.samples):
            spot[f"{group.model}|{sample}"] = offset + m * cell_w
        figure.text(
            offset + size * cell_w / 2 + 3,
            top + cell_h * len(genes) + 12,
            shorten(group.cell, 28),
            cls="s",
            anchor="end",
            rotate=-38,
            title=group.cell,
        )
        offset += size * cell_w + 3
    for i, gene in enumerate(genes):
        figure.text(left - 6, top + i * cell_h + 12, gene, cls="s", anchor="end")
        for column in columns:
            if column in rows[gene]:
                xs.append(spot[column])
                ys.append(top + i * cell_h)
                values.append(rows[gene][column])
    limit = 2.0
    figure.cells(
        np.array(xs, dtype=float),
        np.array(ys, dtype=float),
        s.diverging(np.array(values), limit),
        cell_w,
        cell_h - 1,
        "d",
    )
    diverging_key(figure, offset + 16, top, limit, "log2, from mean")
    return figure
