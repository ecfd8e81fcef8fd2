"""Names of sample columns that the sheet cannot use. Imports nothing: the Snakefile reads it."""

from __future__ import annotations

COMPUTED = {
    "included": "used in the analysis",
    "reason": "why a sample is not used",
    "library_size": "sum of counts",
    "size_factor": "median-of-ratios size factor over the included samples",
}
"""Columns that `samples.tsv` and the fitted models have beside those of the sheet, with their
meaning; the schema of that table is made from it (`pathcall.tables.SAMPLES`)."""
GEO_PREFIX = "geo_"
"""What GEO's own columns begin with in `samples.tsv`."""
FITTED = ("size_factors", "replaceable")
"""Columns of samples that a fitted model has of its own (pydeseq2's names)."""
