"""Every gene set of the collection in every contrast, as dots."""

from __future__ import annotations

from typing import Any

import numpy as np

from pathcall.report.data import ReportData
from pathcall.report.heatmap import Heatmap, draw_heatmap
from pathcall.report.svg import Svg
from pathcall.report.view import figure, number, pvalue

LEAST, MOST = 1e-10, 1.0  # FDR of the largest and of the smallest dot


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {"set_map": figure("set_map", draw_set_map(data))}


def draw_set_map(data: ReportData) -> Svg | None:
    """Gene sets × contrasts: colour is the NES, area the FDR. From two contrasts on."""
    names = [c.contrast for c in data.contrasts]
    frames = [data.enrichment[name].set_index("gene_set") for name in names]
    if len(names) < 2 or frames[0].empty:
        return None
    sets = frames[0].index
    nes = np.column_stack([f["nes"].reindex(sets).to_numpy(dtype=float) for f in frames])
    fdr = np.column_stack([f["fdr"].reindex(sets).to_numpy(dtype=float) for f in frames])
    order = [i for i in np.argsort(-np.nan_to_num(nes).mean(axis=1), kind="stable")
             if np.isfinite(nes[i]).any()]  # fmt: skip
    nes, fdr, sets = nes[order], fdr[order], sets[order]
    area = np.log10(np.clip(fdr, LEAST, MOST)) / np.log10(LEAST)
    return draw_heatmap(
        Heatmap(
            ident="f-sets",
            title="Every gene set in every contrast",
            desc=f"{len(sets)} gene sets by {len(names)} contrasts.",
            rows=[name.removeprefix("HALLMARK_").replace("_", " ") for name in sets],
            columns=names,
            values=nes,
            sizes=np.sqrt(0.06 + 0.94 * area),
            words=[
                [
                    f"{name}, {contrast}: NES {number(nes[i, j])}, FDR {pvalue(fdr[i, j])}"
                    for j, contrast in enumerate(names)
                ]
                for i, name in enumerate(sets)
            ],
            limit=2.5,
            key="NES; larger dots have a smaller FDR",
        ),
        widest_cell=34.0,
    )
