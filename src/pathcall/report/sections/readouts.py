"""Readouts of a pathway: their statistics, every line of evidence, calls without confounders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pathcall import tables
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.view import (
    Cell,
    Column,
    Row,
    Table,
    cell,
    integer,
    is_missing,
    number,
    precise,
    pvalue,
    table,
    table_columns,
    text,
)


def summary(data: ReportData, pathway: str, own: pd.DataFrame) -> Table:
    """Readout × contrast matrix: the statistic of the sample scores, with the vote."""
    gate = own[own["method"] == wording.GATE]
    found = {(row["readout"], row["contrast"]): row for row in gate.to_dict("records")}
    columns = table_columns(tables.EVIDENCE, "readout", "family", "role")
    columns += [Column(c.contrast, c.contrast, number, c.label) for c in data.contrasts]
    rows = []
    for readout, part in own.groupby("readout", sort=False):
        first = part.iloc[0]
        cells = [Cell(str(readout)), Cell(str(first["family"]).replace("_", " "))]
        cells.append(Cell(str(first["role"])))
        cells += [_statistic(found.get((readout, c.contrast)), p=False) for c in data.contrasts]
        rows.append(Row(tuple(cells)))
    return Table(
        f"summary-{pathway}",
        f"{wording.pathway(pathway)}: t of the sample scores of every readout, turned towards the "
        "pathway; ▲ and ▼ are the votes of the rule",
        tuple(columns),
        tuple(rows),
        "evidence.tsv",
    )


def _statistic(row: Mapping[Any, Any] | None, *, p: bool) -> Cell:
    """A statistic with its p, and a mark where it votes."""
    if row is None or (is_missing(row["stat"]) and is_missing(row["pvalue"])):
        return Cell("–")
    vote = int(row["vote"])
    mark = " ▲" if vote > 0 else " ▼" if vote < 0 else ""
    shown = "–" if is_missing(row["stat"]) else f"{row['stat']:.2f}".replace("-", "−")
    more = f" ({pvalue(row['pvalue'])})" if p else ""
    value = "" if is_missing(row["stat"]) else precise(row["stat"])
    return Cell(f"{shown}{more}{mark}", value, "vup" if vote > 0 else "vdown" if vote < 0 else "")


def evidence_lines(data: ReportData, pathway: str, own: pd.DataFrame) -> Table:
    """One row a contrast and readout, one column a test: statistic (p) and vote."""
    methods = list(dict.fromkeys(own["method"]))
    found = {
        (row["contrast"], row["readout"], row["method"]): row for row in own.to_dict("records")
    }
    columns = [
        *table_columns(
            tables.EVIDENCE, "contrast", "readout", "role", "n_genes", "coverage", "effect"
        ),
        *[Column(m, str(m).replace("_", " "), number) for m in methods],
        *table_columns(tables.EVIDENCE, "note"),
    ]
    rows = []
    for (contrast, readout), part in own.groupby(["contrast", "readout"], sort=False):
        first = part.iloc[0]
        gate = found.get((contrast, readout, wording.GATE))
        notes = [n for n in dict.fromkeys(part["note"]) if isinstance(n, str)]
        cells = [Cell(str(contrast)), Cell(str(readout)), Cell(str(first["role"]))]
        cells.append(cell(first["n_genes"], columns[3]))
        cells.append(cell(first["coverage"], columns[4]))
        cells.append(cell(gate["effect"] if gate else None, columns[5]))
        cells += [_statistic(found.get((contrast, readout, m)), p=True) for m in methods]
        cells.append(Cell("; ".join(notes) or "–"))
        rows.append(Row(tuple(cells), contrast=str(contrast)))
    return Table(
        f"evidence-{pathway}",
        f"{wording.pathway(pathway)}: every line of evidence, statistic (p) of each test; ▲ and ▼ "
        "are votes",
        tuple(columns),
        tuple(rows),
        "evidence.tsv",
        search=True,
    )


def readouts_of_panel(data: ReportData, pathway: str) -> Table:
    """The panel's readouts of a pathway and what they measure."""
    about = [
        {
            "readout": r.readout,
            "family": r.family.replace("_", " "),
            "role": r.role,
            "size": len(r.weights),
            "direction": "same" if r.expected_direction > 0 else "opposite",
            "source": f"{r.source} {r.version}".strip(),
            "citation": r.citation,
            "note": r.note,
        }
        for r in data.panel.readouts_of(pathway)
    ]
    return table(
        pd.DataFrame(about),
        [
            Column("readout", "Readout"),
            Column("family", "Family"),
            Column("role", "Role"),
            Column("size", "Genes", integer),
            Column("direction", "Direction"),
            Column("source", "Source"),
            Column("citation", "Citation"),
            Column("note", "What it really measures"),
        ],
        ident=f"readouts-{pathway}",
        caption=f"{wording.pathway(pathway)}: the readouts of the panel",
    )


def adjusted_calls(data: ReportData, pathway: str) -> Table | None:
    """Calls with and without adjustment for confounders."""
    own = data.adjusted[data.adjusted["pathway"] == pathway]
    if own.empty:
        return None
    own = own.assign(
        label=[data.contrast(c).label for c in own["contrast"]],
        call_unadjusted=[wording.CALLS.get(v, v) for v in own["call_unadjusted"]],
        call_adjusted=[wording.CALLS.get(v, v) for v in own["call_adjusted"]],
        confounders=[text(v).replace(";", ", ") for v in own["confounders"]],
        moved=[text(v).replace(";", ", ") for v in own["moved"]],
    )
    return table(
        own,
        [
            Column("label", "Contrast"),
            *table_columns(
                tables.ADJUSTED,
                "call_unadjusted",
                "call_adjusted",
                "confounders",
                "moved",
                "strongest_t",
                "confounder_t",
                "separable",
            ),
        ],
        ident=f"adjusted-{pathway}",
        file="adjusted.tsv",
        caption=f"{wording.pathway(pathway)}: the call with and without its confounders",
        css=lambda r, key: "warn" if key == "separable" and r[key] == "no" else "",
    )


def call_before_confounders(data: ReportData, contrast: str, pathway: str) -> str:
    """The call that the alternative analyses are compared with."""
    frame = data.adjusted
    at = (frame["contrast"] == contrast) & (frame["pathway"] == pathway)
    if at.any():
        return str(frame.loc[at, "call_unadjusted"].iloc[0])
    return str(data.call(contrast, pathway)["call"])
