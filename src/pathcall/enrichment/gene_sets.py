"""The table of gene sets of a contrast: GSEA and camera of the whole declared collection."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathcall.enrichment import camera
from pathcall.enrichment.camera import Float
from pathcall.enrichment.matrices import SignatureMatrices
from pathcall.signatures.panel import Panel
from pathcall.signatures.weights import MIN_GENES
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.stats.tails import two_sided_p


def gene_set_table(
    stats: Float, sets: pd.DataFrame, matrices: SignatureMatrices, panel: Panel, table: pd.DataFrame
) -> pd.DataFrame:
    """Table of schema ``enrichment/{contrast}``: GSEA and camera of every set of the collection.

    Parameters
    ----------
    stats
        Wald statistics, ranked genes × 1.
    sets
        Weights of the sets over the ranked genes.
    matrices, panel
        Correlations and the collection's order.
    table
        GSEA's results (`pathcall.enrichment.gsea.gsea`), index: set.
    """
    names = list(panel.gene_sets)
    matched = (sets[names] != 0).sum(axis=0).to_numpy()
    tested = np.array([name in table.index for name in names], dtype=bool)
    z = np.full(len(names), np.nan)
    z[tested] = camera.test_signatures(
        stats,
        sets[names].to_numpy()[:, tested],
        matrices.set_correlation[names].to_numpy()[tested],
        df=matrices.df,
    )[:, 0]
    scores = table.reindex(names)
    p = two_sided_p(z)
    note = [
        None
        if done
        else f"fewer than {MIN_GENES} genes with a statistic"
        if count < MIN_GENES
        else "all genes with a statistic are in the set"
        for done, count in zip(tested, matched, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "gene_set": names,
            "collection": [panel.gene_sets[name].collection for name in names],
            "n_genes": [len(panel.gene_sets[name].genes) for name in names],
            "n_matched": matched,
            "es": scores["es"].to_numpy(dtype=float),
            "nes": scores["nes"].to_numpy(dtype=float),
            "pvalue": scores["pvalue"].to_numpy(dtype=float),
            "fdr": benjamini_hochberg(scores["pvalue"].to_numpy(dtype=float)),
            "z_camera": z,
            "p_camera": p,
            "fdr_camera": benjamini_hochberg(p),
            "leading_edge": scores["leading_edge"].to_numpy(dtype=object),
            "note": pd.Series(note, dtype=object),
        }
    )
    return frame.sort_values(["collection", "gene_set"], kind="stable", ignore_index=True)
