"""Each contrast: its genes, gene sets and footprints; genes combined over a group."""

from __future__ import annotations

from typing import Any

from pathcall import tables
from pathcall.report.data import ContrastInfo, ReportData
from pathcall.report.sections.combined import combined_genes_table
from pathcall.report.sections.scatter import draw_ma, draw_volcano, gene_classes
from pathcall.report.view import (
    figure,
    table,
    table_columns,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {
        "details": [contrast_detail(data, c) for c in data.contrasts],
        "combined_genes": combined_genes_table(data),
    }


GENE_COLUMNS = table_columns(
    tables.DE,
    "symbol",
    "gene_id",
    "base_mean",
    "log2fc",
    "lfc_se",
    "log2fc_shrunk",
    "pvalue",
    "padj",
)


TOP_GENES = 25  # per direction and contrast


def contrast_detail(data: ReportData, c: ContrastInfo) -> dict[str, Any]:
    """What the section of one contrast shows."""
    de = data.de[c.contrast]
    side = gene_classes(de, data.alpha)
    top = [
        de[side == name].sort_values(["pvalue", "gene_id"], kind="stable").head(TOP_GENES)
        for name in ("up", "down")
    ]
    enrichment = data.enrichment[c.contrast].sort_values("p_camera", kind="stable")
    model = data.models[c.model]
    file = f"de/{c.contrast}.tsv"
    return {
        "info": c,
        "n_tested": int(de["stat"].notna().sum()),
        "n_fdr": int(de["padj"].notna().sum()),
        "n_up": int((side == "up").sum()),
        "n_down": int((side == "down").sum()),
        "n_outlier": int((de["outlier"] == "yes").sum()),
        "formula": model.formula,
        "n_samples": len(model.samples),
        "residual_df": model.residual_df,
        "volcano": figure("volcano", draw_volcano(data, c.contrast), c.contrast, file=file),
        "ma": figure("ma", draw_ma(data, c.contrast), c.contrast, file=file),
        "top": [
            table(
                rows,
                GENE_COLUMNS,
                ident=f"top-{name}-{c.contrast}",
                contrast=c.contrast,
                caption=f"{len(rows)} genes {name} with the smallest p in {c.contrast} "
                f"(FDR < {data.alpha:g})",
                file=file,
                empty=f"No gene is {name} at FDR < {data.alpha:g}.",
            )
            for name, rows in zip(("up", "down"), top, strict=True)
        ],
        "enrichment": table(
            enrichment,
            table_columns(
                tables.ENRICHMENT,
                "gene_set",
                "collection",
                "n_matched",
                "nes",
                "fdr",
                "z_camera",
                "p_camera",
                "fdr_camera",
                "note",
            ),
            ident=f"enrichment-{c.contrast}",
            contrast=c.contrast,
            caption=f"Every set of the declared collection in {c.contrast}",
            file=f"enrichment/{c.contrast}.tsv",
            search=True,
        ),
        "activity": table(
            data.activity[c.contrast].sort_values("pvalue", kind="stable"),
            table_columns(tables.ACTIVITY, "source", "n_targets", "score", "pvalue", "fdr"),
            ident=f"activity-{c.contrast}",
            contrast=c.contrast,
            caption=f"Footprints in {c.contrast}, all in one linear model",
            file=f"activity/{c.contrast}.tsv",
        ),
    }
