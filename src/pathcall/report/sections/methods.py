"""Methods, ready to paste: models and the settings of the rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pathcall.report import markdown
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
        "methods": markdown.render(data.methods, level=3),
        "models": models_table(data),
        "rule": rule_table(data.config),
    }


def rule_table(config: Mapping[str, Any]) -> Table | None:
    """The rule's settings in this run."""
    rule = config.get("calls")
    if not isinstance(rule, Mapping):
        return None
    rows = [{"key": f"calls.{k}", "value": str(v)} for k, v in rule.items()]
    return table(
        pd.DataFrame(rows),
        [Column("key", "Setting"), Column("value", "Value")],
        ident="table-rule",
        caption="The rule's settings in this run",
    )


def models_table(data: ReportData) -> Table:
    """The fitted models."""
    rows = [
        {
            "model": name,
            "formula": m.formula,
            "samples": len(m.samples),
            "genes": m.counts.shape[1],
            "df": m.residual_df,
            "contrasts": ", ".join(c.contrast for c in data.contrasts if c.model == name),
        }
        for name, m in data.models.items()
    ]
    return table(
        pd.DataFrame(rows),
        [
            Column("model", "Model"),
            Column("formula", "Design"),
            Column("samples", "Samples", integer),
            Column("genes", "Genes tested", integer),
            Column("df", "Residual df", integer),
            Column("contrasts", "Contrasts"),
        ],
        ident="table-models",
        caption="Models",
    )
