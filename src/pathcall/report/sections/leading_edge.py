"""Leading-edge genes in every sample."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.heatmap import Heatmap, draw_heatmap
from pathcall.report.sections.running_sums import arms, leading_edge, main_readouts
from pathcall.report.sections.sample_scores import sample_groups
from pathcall.report.svg import Svg
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
    return draw_heatmap(
        Heatmap(
            ident=f"f-edge-{pathway}",
            title=f"{wording.pathway(pathway)}: leading-edge genes in every sample",
            desc=f"{len(genes)} genes, {len(columns)} samples, difference of VST from the model's "
            "mean.",
            rows=genes,
            columns=[g.cell for g in cells],
            spans=[len(g.samples) for g in cells],
            values=np.array([[rows[g].get(c, np.nan) for c in columns] for g in genes]),
            genes=True,
            limit=2.0,
            key="log2, from mean",
        ),
        widest_cell=26.0,
    )
