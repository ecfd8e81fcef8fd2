"""Genes shown one by one: the arms of NF-κB, FOSL1 and its targets."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pathcall.report.data import ReportData
from pathcall.report.sections.contrasts import GENE_COLUMNS
from pathcall.report.view import (
    Cell,
    Column,
    Row,
    Table,
    is_missing,
    number,
    precise,
    table,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the sections of NF-κB and FRA1."""
    return {
        "nfkb_genes": gene_matrix(
            data,
            data.nfkb_genes,
            "nfkb_genes.tsv",
            by="part",
            ident="table-nfkb-genes",
            caption="Genes that tell the arms of NF-κB apart",
        ),
        "fra1_genes": gene_matrix(
            data,
            data.fra1,
            "secretome/fra1.tsv",
            by="readout",
            ident="table-fra1",
            caption="FOSL1 and the genes of its readouts",
        ),
        "fox": fosl1_table(data),
    }


def gene_matrix(
    data: ReportData, frame: pd.DataFrame, file: str, *, by: str, ident: str, caption: str
) -> Table:
    """Gene × contrast: log2 fold change, marked where FDR < alpha."""
    found = {(r["symbol"], r[by], r["contrast"]): r for r in frame.to_dict("records")}
    columns = [Column("symbol", "Gene"), Column(by, by.capitalize())]
    columns += [Column(c.contrast, c.contrast, number, c.label) for c in data.contrasts]
    rows = []
    for (symbol, part), _ in frame.groupby(["symbol", by], sort=False):
        cells = [Cell(str(symbol)), Cell(str(part).replace("_", " "))]
        for c in data.contrasts:
            row = found.get((symbol, part, c.contrast))
            if row is None or is_missing(row["log2fc"]):
                cells.append(Cell("–"))
                continue
            hit = not is_missing(row["padj"]) and row["padj"] < data.alpha
            up = row["log2fc"] > 0
            mark = (" ▲" if up else " ▼") if hit else ""
            style = ("vup" if up else "vdown") if hit else ""
            shown = f"{row['log2fc']:.2f}".replace("-", "−")
            cells.append(Cell(shown + mark, precise(row["log2fc"]), style))
        rows.append(Row(tuple(cells)))
    return Table(
        ident,
        f"{caption}: log2 fold change, ▲ ▼ at FDR < {data.alpha:g}",
        tuple(columns),
        tuple(rows),
        file,
        search=True,
    )


def fosl1_table(data: ReportData) -> Table:
    """FOSL1's own change in each contrast."""
    rows = []
    for c in data.contrasts:
        de = data.de[c.contrast]
        own = de[de["symbol"].str.upper() == "FOSL1"].to_dict("records")
        rows += [{**row, "contrast": c.contrast, "label": c.label} for row in own]
    frame = pd.DataFrame(rows, columns=["contrast", "label", *data.de[data.contrasts[0].contrast]])
    return table(
        frame,
        [Column("label", "Contrast"), *GENE_COLUMNS[2:]],
        ident="table-fosl1",
        caption="FOSL1 (FRA1), its own change in each contrast",
        empty="FOSL1 is not in the matrix.",
    )
