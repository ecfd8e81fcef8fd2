"""Provenance: inputs and software."""

from __future__ import annotations

from typing import Any

from pathcall import tables
from pathcall.report.data import ReportData
from pathcall.report.view import (
    Table,
    table,
    table_columns,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {
        "inputs": inputs_table(data),
        "software": software_table(data),
        "config_text": data.config_text,
    }


def inputs_table(data: ReportData) -> Table:
    """Every file that entered the analysis."""
    return table(
        data.inputs,
        table_columns(
            tables.INPUTS, "file", "kind", "note", "retrieved", "bytes", "source", "url", "sha256"
        ),
        ident="table-inputs",
        caption="Every file that entered the analysis",
        file="provenance/inputs.tsv",
        css=lambda r, key: (
            "warn" if key == "kind" and r["kind"] != "real" else "hash" if key == "sha256" else ""
        ),
    )


def software_table(data: ReportData) -> Table:
    """Software that made the results."""
    return table(
        data.software,
        table_columns(tables.SOFTWARE, "name", "version", "used_for", "citation"),
        ident="table-software",
        caption="Software that made the results",
        file="provenance/software.tsv",
    )
