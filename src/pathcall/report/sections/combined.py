"""Effects combined over the contrasts of a group."""

from __future__ import annotations

import pandas as pd

from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.view import Column, Table, integer, number, percent, pvalue, table

ERROR_CORRELATION = Column(
    "error_correlation",
    "Error correlation",
    number,
    "largest correlation between the errors of two contrasts, from samples they share",
)


def combined_readouts(data: ReportData, pathway: str) -> Table | None:
    """Combined effects of a pathway's readouts."""
    combined = data.combined_pathways[data.combined_pathways["pathway"] == pathway]
    if combined.empty:
        return None
    return table(
        combined,
        [
            Column("group", "Group"),
            Column("readout", "Readout"),
            Column("effect", "Effect", number),
            Column("ci_low", "95% low", number),
            Column("ci_high", "95% high", number),
            Column("pvalue", "p", pvalue),
            Column("fdr", "FDR", pvalue),
            Column("i2", "I²", percent),
            Column("n_contrasts", "Contrasts", integer),
            Column("loo_low", "Leave-one-out low", number),
            Column("loo_high", "Leave-one-out high", number),
            ERROR_CORRELATION,
        ],
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
        [
            Column("group", "Group"),
            Column("symbol", "Gene"),
            Column("effect", "log2 FC", number),
            Column("ci_low", "95% low", number),
            Column("ci_high", "95% high", number),
            Column("pvalue", "p", pvalue),
            Column("fdr", "FDR", pvalue),
            Column("i2", "I²", percent),
            Column("n_contrasts", "Contrasts", integer),
            ERROR_CORRELATION,
        ],
        ident="table-combined-genes",
        file="combined/genes.tsv",
        search=True,
        caption="Genes with the smallest combined p, up to 30 a group",
    )
