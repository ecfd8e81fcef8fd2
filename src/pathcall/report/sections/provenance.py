"""Provenance: inputs and software."""

from __future__ import annotations

from typing import Any

from pathcall.report.data import ReportData
from pathcall.report.view import (
    Column,
    Table,
    integer,
    table,
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
        [
            Column("file", "File"),
            Column("kind", "Kind"),
            Column("source", "Source"),
            Column("bytes", "Bytes", integer),
            Column("retrieved", "Retrieved (UTC)"),
            Column("url", "Address"),
            Column("sha256", "SHA-256"),
            Column("note", "Note"),
        ],
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
        [
            Column("name", "Package"),
            Column("version", "Version"),
            Column("used_for", "Used for"),
            Column("citation", "Citation"),
        ],
        ident="table-software",
        caption="Software that made the results",
        file="provenance/software.tsv",
    )
