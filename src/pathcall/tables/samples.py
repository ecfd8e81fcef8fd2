"""Samples: the sheet with what was measured of each, and what looks wrong."""

from __future__ import annotations

from pathcall.sample_columns import COMPUTED
from pathcall.tables.columns import (
    YES_NO,
    choice,
    integer,
    number,
    schema,
    text,
)

SAMPLES = schema(
    "samples",
    "The sample sheet joined with GEO's metadata. Further columns: every column of the sheet, "
    "then GEO's characteristics as `geo_…`.",
    {
        "sample": text(
            "column of the count matrix (GSM accession for GEO sources)",
            unique=True,
            label="Sample",
        ),
        "included": choice(COMPUTED["included"], YES_NO),
        "reason": text(COMPUTED["reason"], nullable=True, label="Why it is not used"),
        "library_size": number(COMPUTED["library_size"], label="Library size", show="integer"),
        "size_factor": number(COMPUTED["size_factor"]),
    },
    strict=False,
)

QC_METRICS = schema(
    "qc/metrics",
    "Quality of each included sample (scanpy's metrics on raw counts).",
    {
        "sample": text("sample", unique=True, label="Sample"),
        "library_size": number("sum of counts", label="Library size", show="integer"),
        "n_genes": integer("genes with at least one count", label="Genes seen"),
        "pct_top_50": number("percent of counts in the 50 highest genes", label="% in top 50"),
        "pct_mitochondrial": number(
            "percent of counts in genes named MT-…", label="% mitochondrial"
        ),
        "size_factor": number("median-of-ratios size factor", label="Size factor"),
        "median_correlation": number(
            "median Spearman correlation with the other samples (VST)", label="Median ρ"
        ),
        "group": text("the sample's cell: its levels of all design columns", label="Group"),
        "group_correlation": number(
            "median correlation with samples of the same cell", label="Median ρ in group"
        ),
        "mate_distance": number(
            "distance from what the other samples of its model predict for its labels, over the "
            "model's median; NA: nobody shares them",
            label="Distance from mates",
        ),
    },
)

QC_PCA = schema(
    "qc/pca",
    "Principal components of the VST values of the most variable genes, one row a sample and "
    "component; sign fixed so that the largest loading is positive.",
    {
        "sample": text("sample"),
        "component": text("PC1, PC2, …"),
        "score": number("coordinate", nullable=False),
        "explained_variance": number("share of variance, 0 to 1", nullable=False),
    },
)

QC_CORRELATION = schema(
    "qc/correlation",
    "Spearman correlation of VST values between samples, every ordered pair.",
    {
        "sample": text("sample"),
        "other": text("other sample"),
        "correlation": number("Spearman correlation", nullable=False),
    },
)

QC_FLAGS = schema(
    "qc/flags",
    "What looks wrong and why; empty when nothing does.",
    {
        "sample": text("sample; `(all samples)`: the study as a whole", label="Sample"),
        "flag": choice(
            "what is wrong",
            [
                "library_size",
                "few_genes",
                "duplicate",
                "sits_with_other_group",
                "mixture",
                "outlier",
                "sex",
                "donor",
                "confounded",
            ],
            label="Flag",
        ),
        "severity": choice("how bad", ["info", "warning", "severe"], label="Severity"),
        "value": number("what was measured", label="Value"),
        "threshold": number("the limit it crossed", label="Limit"),
        "reason": text("in words", label="Reason"),
        "advice": text("what to do about it", label="What to do"),
    },
)
