"""How often a call would be wrong."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pathcall import tables
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.view import (
    Column,
    Table,
    is_missing,
    percent,
    table,
    table_columns,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {"false_calls": false_call_rates(data), "calibration": calibration_table(data)}


def false_call_rates(data: ReportData) -> Table:
    """False-call rate of each pathway in each contrast."""
    columns = [Column("label", "Contrast")]
    columns += [Column(p, wording.pathway(p), percent) for p in data.pathways]
    frame = pd.DataFrame(
        [
            {"contrast": c.contrast, "label": c.label}
            | {p: data.call(c.contrast, p)["false_call_rate"] for p in data.pathways}
            for c in data.contrasts
        ]
    )
    return table(
        frame,
        columns,
        ident="table-false",
        caption="False-call rate: share of mock contrasts of the model in which this pathway would "
        "have been called",
        file="calls.tsv",
        css=lambda r, key: (
            "bad"
            if key in data.pathways and not is_missing(r[key]) and r[key] > data.max_false_call_rate
            else ""
        ),
    )


def calibration_table(data: ReportData) -> Table:
    """Null contrasts and false calls of each model."""
    frame = pd.concat([data.calibration[m] for m in data.models])
    frame = frame.assign(
        pathway=[wording.pathway(v) for v in frame["pathway"]],
        source=[str(v).replace("_", " ") for v in frame["source"]],
    )
    return table(
        frame,
        table_columns(
            tables.CALIBRATION,
            "model",
            "pathway",
            "source",
            "n_contrasts",
            "n_called",
            "false_call_rate",
            "ci_high",
            "used",
        ),
        ident="table-calibration",
        caption="How often the whole rule makes a call where nothing changes",
        css=lambda r, key: (
            "bad" if key == "false_call_rate" and r[key] > data.max_false_call_rate else ""
        ),
    )
