"""Leading-edge genes in every sample."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.heatmap import Heatmap, draw_heatmap
from pathcall.report.sections.running_sums import arms, leading_edge, main_readouts
from pathcall.report.sections.sample_scores import MANY, sample_groups
from pathcall.report.svg import Svg


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
    sizes = [np.abs(series.reindex(list(often)).to_numpy()) for series in ranked.values()]
    known = np.isfinite(sizes)
    mean = np.where(known, sizes, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    size = dict(zip(often, mean.tolist(), strict=True))
    return sorted(often, key=lambda g: (-often[g], -size[g], g))[:most]


def draw_leading_edge(
    data: ReportData, pathway: str, ranked: Mapping[str, pd.Series]
) -> Svg | None:
    """VST of the leading genes in every sample, as difference from the model's mean."""
    genes = leading_genes(data, pathway, ranked)
    if not genes:
        return None
    cells = sample_groups(data)
    columns = {f"{g.model}|{name}": None for g in cells for name in g.samples}
    values = np.full((len(genes), len(columns)), np.nan)
    row = {gene: i for i, gene in enumerate(genes)}
    column = {key: i for i, key in enumerate(columns)}
    for name, model in data.models.items():
        kept = data.symbols[name]
        shown = kept[kept.isin(row)]
        vst = model.vst(shown.index)
        centred = (vst - vst.mean()).to_numpy().T
        at = [column[f"{name}|{sample}"] for sample in vst.index]
        values[np.ix_([row[gene] for gene in shown], at)] = centred
    spans = [len(g.samples) for g in cells]
    n_columns = sum(spans)
    if n_columns > MANY:  # a column a group
        starts = np.cumsum([0, *spans[:-1]])
        values, spans = np.add.reduceat(values, starts, axis=1) / spans, [1] * len(cells)
    return draw_heatmap(
        Heatmap(
            ident=f"f-edge-{pathway}",
            title=f"{wording.pathway(pathway)}: leading-edge genes in every sample",
            desc=f"{len(genes)} genes, {n_columns} samples"
            + (", mean of each group" if n_columns > MANY else "")
            + ", difference of VST from the model's mean.",
            rows=genes,
            columns=[g.cell for g in cells],
            spans=spans,
            values=values,
            genes=True,
            limit=2.0,
            key="log2, from mean",
        ),
        widest_cell=26.0,
    )
