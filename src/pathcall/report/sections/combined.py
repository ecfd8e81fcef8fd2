"""Effects combined over the contrasts of a group."""

from __future__ import annotations

import pandas as pd

from pathcall import tables
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.view import (
    Table,
    table,
    table_columns,
)


def combined_readouts(data: ReportData, pathway: str) -> Table | None:
    """Combined effects of a pathway's readouts."""
    combined = data.combined_pathways[data.combined_pathways["pathway"] == pathway]
    if combined.empty:
        return None
    return table(
        combined,
        table_columns(
            tables.COMBINED_PATHWAYS,
            "group",
            "readout",
            "effect",
            "ci_low",
            "ci_high",
            "pvalue",
            "fdr",
            "i2",
            "n_contrasts",
            "loo_low",
            "loo_high",
            "error_correlation",
        ),
        ident=f"combined-{pathway}",
        caption=f"{wording.pathway(pathway)}: effects combined over the contrasts of a group",
        file="combined/pathways.tsv",
    )


def combined_genes_table(data: ReportData) -> Table | None:
    """Genes with the smallest combined p of each group."""
    frame = data.combined_genes[data.combined_genes["fdr"].notna()]
    if frame.empty:
        return None
    top = pd.concat(
        [
            rows.sort_values("pvalue", kind="stable").head(30)
            for _, rows in frame.groupby("group", sort=False)
        ]
    )
    return table(
        top,
        table_columns(
            tables.COMBINED_GENES,
            "group",
            "symbol",
            "effect",
            "ci_low",
            "ci_high",
            "pvalue",
            "fdr",
            "i2",
            "n_contrasts",
            "error_correlation",
        ),
        ident="table-combined-genes",
        file="combined/genes.tsv",
        search=True,
        caption="Genes with the smallest combined p, up to 30 a group",
    )
