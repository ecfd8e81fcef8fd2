"""Secreted factors that change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pathcall import tables
from pathcall.report.data import ReportData
from pathcall.report.heatmap import Heatmap, draw_heatmap
from pathcall.report.svg import Svg
from pathcall.report.view import (
    Column,
    figure,
    table,
    table_columns,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {"secretome": secretome_tables(data)}


def secretome_tables(data: ReportData) -> dict[str, Any]:
    """Tables and figure of secreted factors."""
    frames = [
        frame.assign(contrast=c.contrast)
        for c in data.contrasts
        if len(frame := data.secretome[c.contrast])
    ]
    columns = [
        Column("contrast", "Contrast"),
        *table_columns(
            tables.SECRETOME,
            "symbol",
            "class",
            "direction",
            "log2fc",
            "log2fc_shrunk",
            "padj",
            "n_in_group",
        ),
    ]
    names = [c.key for c in columns] + ["osteoclast", "gene_id", "group"]
    everything = pd.concat(frames) if frames else pd.DataFrame(columns=names)
    # Classes that signal; 20 lines a contrast.
    signalling = everything[~everything["class"].isin(["other_secreted", "ecm"])]
    shown = (
        pd.concat(
            [
                rows.sort_values("padj", kind="stable").head(20)
                for _, rows in signalling.groupby("contrast", sort=False)
            ]
        )
        if len(signalling)
        else signalling
    )
    osteo = everything[everything["osteoclast"].notna()]
    overlap = data.overlap.assign(
        **{"class": [str(v).replace("_", " ") for v in data.overlap["class"]]}
    )
    return {
        "figure": figure("secretome", draw_secretome(data), file="secretome/overlap.tsv"),
        "n_all": len(everything),
        "n_shown": len(shown),
        "table": table(
            _pretty(shown),
            columns,
            ident="table-secretome",
            search=True,
            caption="Signalling factors that change (cytokines, chemokines, growth factors, "
            "hormones, proteases), up to 20 a contrast",
            empty="No secreted factor changes.",
        ),
        "osteoclast": table(
            _pretty(osteo),
            [*columns, *table_columns(tables.SECRETOME, "osteoclast")],
            ident="table-osteoclast",
            caption="Osteoclast-activating and osteolytic factors that change",
            search=True,
            empty="None of the panel's osteoclast-activating factors changes.",
        ),
        "overlap": table(
            overlap,
            table_columns(
                tables.SECRETOME_OVERLAP,
                "contrast",
                "class",
                "direction",
                "n_class",
                "n_changed",
                "n_overlap",
                "odds_ratio",
                "pvalue",
                "fdr",
            ),
            ident="table-overlap",
            caption="Are secreted factors over-represented among the changed genes?",
            file="secretome/overlap.tsv",
            search=True,
        ),
    }


def draw_secretome(data: ReportData, most: int = 40) -> Svg | None:
    """Secreted factors that change in most contrasts: log2 fold change, dots where padj < alpha."""
    often: dict[str, list[float]] = {}  # by id: a symbol can stand for several genes
    symbols: dict[str, str] = {}
    for frame in data.secretome.values():
        for gene, symbol, lfc in zip(
            frame["gene_id"], frame["symbol"], frame["log2fc"], strict=True
        ):
            often.setdefault(gene, []).append(abs(float(lfc)))
            symbols[gene] = symbol
    if not often:
        return None
    genes = sorted(often, key=lambda g: (-len(often[g]), -max(often[g]), symbols[g]))[:most]
    change = {c: data.de[c].set_index("gene_id")["log2fc"].reindex(genes) for c in data.secretome}
    hits = {c: np.isin(genes, frame["gene_id"]) for c, frame in data.secretome.items()}
    shown = [c.contrast for c in data.contrasts]
    return draw_heatmap(
        Heatmap(
            ident="f-secretome",
            title="Secreted factors that change in most contrasts",
            desc=f"{len(genes)} of {len(often)} factors that change in at least one contrast; a "
            f"dot marks FDR < {data.alpha:g}.",
            rows=[symbols[g] for g in genes],
            columns=shown,
            values=np.column_stack([change[c].to_numpy(dtype=float) for c in shown]),
            dots=np.column_stack([hits[c] for c in shown]),
            genes=True,
            limit=3.0,
            key="log2 fold change",
        )
    )


def _pretty(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{"class": [str(v).replace("_", " ") for v in frame["class"]]})
