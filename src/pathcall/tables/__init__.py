"""The tables between rules: one schema each, checked on write and on read.

Every table is a TSV file: UTF-8, a header, ``NA`` for missing, floats in their shortest form that
reads back to the same double, rows in the order of the frame. Writing is atomic: a table is either
complete at its path or not there. The meaning of a column stands beside the column; `describe`
turns it into the reference documentation (``docs/outputs.md``). A module a group of
tables; `columns` builds them, `files` writes and reads.
"""

from __future__ import annotations

from pathcall.tables.calls import (
    ADJUSTED,
    CALIBRATION,
    CALLS_TABLE,
    EVIDENCE,
    NFKB_GENES,
    SCORES,
    SENSITIVITY,
)
from pathcall.tables.columns import CALLS, YES_NO, describe
from pathcall.tables.combined import (
    COMBINED,
    COMBINED_GENES,
    COMBINED_PATHWAYS,
    FRA1,
    RANKING,
    SECRETOME,
    SECRETOME_OVERLAP,
)
from pathcall.tables.files import read_table, write_table, write_text
from pathcall.tables.genes import ACTIVITY, DE, ENRICHMENT, LRT, READOUTS
from pathcall.tables.provenance import INPUTS, SOFTWARE
from pathcall.tables.samples import QC_CORRELATION, QC_FLAGS, QC_METRICS, QC_PCA, SAMPLES
from pathcall.tables.schema import DataFrameSchema, SchemaError
from pathcall.tables.summary import SUMMARY_CALLS, SUMMARY_COMBINED

__all__ = [
    "ACTIVITY",
    "ADJUSTED",
    "CALIBRATION",
    "CALLS",
    "CALLS_TABLE",
    "COMBINED",
    "COMBINED_GENES",
    "COMBINED_PATHWAYS",
    "DE",
    "ENRICHMENT",
    "EVIDENCE",
    "FRA1",
    "INPUTS",
    "LRT",
    "NFKB_GENES",
    "QC_CORRELATION",
    "QC_FLAGS",
    "QC_METRICS",
    "QC_PCA",
    "RANKING",
    "READOUTS",
    "SAMPLES",
    "SCHEMAS",
    "SCORES",
    "SECRETOME",
    "SECRETOME_OVERLAP",
    "SENSITIVITY",
    "SOFTWARE",
    "SUMMARY_CALLS",
    "SUMMARY_COMBINED",
    "YES_NO",
    "DataFrameSchema",
    "SchemaError",
    "describe",
    "read_table",
    "write_table",
    "write_text",
]

SCHEMAS = (
    SAMPLES,
    QC_METRICS,
    QC_PCA,
    QC_CORRELATION,
    QC_FLAGS,
    DE,
    LRT,
    ENRICHMENT,
    ACTIVITY,
    READOUTS,
    SCORES,
    EVIDENCE,
    CALLS_TABLE,
    ADJUSTED,
    CALIBRATION,
    NFKB_GENES,
    SENSITIVITY,
    COMBINED_GENES,
    COMBINED_PATHWAYS,
    SECRETOME,
    SECRETOME_OVERLAP,
    FRA1,
    RANKING,
    INPUTS,
    SOFTWARE,
    SUMMARY_CALLS,
    SUMMARY_COMBINED,
)
"""All tables, in the order of the data's way."""
