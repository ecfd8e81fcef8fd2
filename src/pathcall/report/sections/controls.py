"""Controls: whether the treatment was on target."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pathcall import tables
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.view import (
    Column,
    Table,
    table,
    table_columns,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {"controls": controls_table(data), "control_readouts": control_readouts(data)}


def controls_table(data: ReportData) -> Table:
    """Expected effects, and what was found."""
    rows = []
    for c in data.contrasts:
        for name, wanted in c.expected.items():
            found = data.call(c.contrast, name) if name in data.pathways else None
            state = str(found["call"]) if found else ""
            met = state == wanted
            rows.append(
                {
                    "contrast": c.contrast,
                    "label": c.label,
                    "pathway": wording.pathway(name),
                    "expected": wanted,
                    "found": wording.CALLS[state] if found else "not a called pathway",
                    "ok": "yes" if met else "no",
                    "effect": found["effect"] if found else None,
                    "pvalue": found["pvalue"] if found else None,
                }
            )
    return table(
        pd.DataFrame(
            rows,
            columns=["contrast", "label", "pathway", "expected", "found", "ok", "effect", "pvalue"],
        ),
        [
            Column("label", "Contrast"),
            Column("pathway", "Pathway"),
            Column("expected", "Expected"),
            Column("found", "Found"),
            Column("ok", "Met"),
            *table_columns(tables.CALLS_TABLE, "effect", "pvalue"),
        ],
        ident="table-controls",
        caption="What each treatment had to do, and what was found",
        css=lambda r, key: {"yes": "good", "no": "bad"}.get(r["ok"], "") if key == "ok" else "",
        search=True,
        empty="No contrast declares an expected effect.",
    )


def control_readouts(data: ReportData) -> Table:
    """Readouts that must stay still."""
    frame = data.evidence
    frame = frame[(frame["role"] == "control") & (frame["method"] == wording.GATE)]
    moves = {1: "moves up", -1: "moves down", 0: "does not move"}
    return table(
        frame.assign(
            pathway=[wording.pathway(p) for p in frame["pathway"]],
            found=[moves[int(v)] for v in frame["vote"]],
        ),
        [
            *table_columns(tables.EVIDENCE, "contrast"),
            Column("pathway", "Pathway"),
            *table_columns(tables.EVIDENCE, "readout", "effect", "stat", "pvalue"),
            Column("found", "Found"),
            *table_columns(tables.EVIDENCE, "note"),
        ],
        ident="table-control-readouts",
        caption="Control readouts, which the treatment should not move",
        file="evidence.tsv",
        search=True,
    )
