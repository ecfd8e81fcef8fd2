"""Controls: whether the treatment was on target."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.view import (
    Column,
    Table,
    number,
    pvalue,
    table,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {"controls": controls_table(data)}


def controls_table(data: ReportData) -> Table:
    """Expected effects and control readouts, and what was found."""
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
                    "reason": found["reason"] if found else None,
                }
            )
    control = data.evidence[
        (data.evidence["role"] == "control") & (data.evidence["method"] == wording.GATE)
    ]
    moves = {1: "moves up", -1: "moves down", 0: "does not move"}
    rows += [
        {
            "contrast": row["contrast"],
            "label": data.contrast(row["contrast"]).label,
            "pathway": wording.pathway(row["pathway"]),
            "expected": "control readout",
            "found": f"{row['readout']}: t {number(row['stat'])}, p {pvalue(row['pvalue'])}",
            "ok": moves[int(row["vote"])],
            "reason": row["note"],
        }
        for row in control.to_dict("records")
    ]
    return table(
        pd.DataFrame(
            rows, columns=["contrast", "label", "pathway", "expected", "found", "ok", "reason"]
        ),
        [
            Column("label", "Contrast"),
            Column("pathway", "Pathway"),
            Column("expected", "Expected"),
            Column("found", "Found"),
            Column("ok", "Met"),
            Column("reason", "Reason"),
        ],
        ident="table-controls",
        caption="Controls: what each treatment had to do, and readouts that must stay still",
        css=lambda r, key: {"yes": "good", "no": "bad"}.get(r["ok"], "") if key == "ok" else "",
        search=True,
        empty="No contrast declares an expected effect.",
    )
