"""Methods, ready to paste: models and the settings of the rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pathcall import __version__
from pathcall.report import markdown, wording
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
        "rule": rule_table(data.config) if data.has_calls else None,
        "citations": citations(data),
        "how_to_cite": wording.HOW_TO_CITE,
    }


def citations(data: ReportData) -> list[dict[str, str]]:
    """What to cite as BibTeX and RIS: pathcall, the study, and the methods that were run."""
    entries = [
        {"key": "pathcall", "type": "software", "title": wording.TITLE, "author": wording.AUTHOR,
         "note": f"version {__version__}"},
    ]  # fmt: skip
    if data.study.startswith("GSE"):
        to = f"https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc={data.study}"
        entries.append(
            {"key": data.study, "type": "dataset", "title": f"Gene Expression Omnibus series "
             f"{data.study}", "url": to}
        )  # fmt: skip
    for row in data.software[data.software["citation"].notna()].to_dict("records"):
        words, _, doi = str(row["citation"]).partition(", doi:")
        used = f"{row['name']} {row['version']}, used for: {row['used_for']}"
        entry = {"key": str(row["name"]), "type": "misc", "title": words, "note": used}
        entries += [entry | ({"doi": doi} if doi else {})]
    return [
        {"name": "BibTeX", "ident": "cite-bibtex", "text": "\n".join(map(_bibtex, entries))},
        {"name": "RIS", "ident": "cite-ris", "text": "\n".join(map(_ris, entries))},
    ]


def _bibtex(entry: Mapping[str, str]) -> str:
    fields = [f"  {k} = {{{v}}}" for k, v in entry.items() if k not in ("key", "type")]
    return "\n".join([f"@{entry['type']}{{{entry['key']},", ",\n".join(fields), "}"])


def _ris(entry: Mapping[str, str]) -> str:
    kind = {"software": "COMP", "dataset": "DATA", "misc": "GEN"}[entry["type"]]
    tags = {"key": "ID", "title": "TI", "author": "AU", "note": "N1", "doi": "DO", "url": "UR"}
    lines = [f"{tags[k]}  - {v}" for k, v in entry.items() if k in tags]
    return "\n".join([f"TY  - {kind}", *lines, "ER  - "])


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
            "genes": len(m.base_mean),
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
