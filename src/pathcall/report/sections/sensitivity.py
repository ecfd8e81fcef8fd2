"""Whether the calls would change with another analysis."""

from __future__ import annotations

from typing import Any

from pathcall import tables
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.sections.readouts import call_before_confounders
from pathcall.report.view import (
    Cell,
    Column,
    Row,
    Table,
    integer,
    percent,
    precise,
    table,
    table_columns,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {"sensitivity": sensitivity_tables(data)}


def sensitivity_tables(data: ReportData) -> dict[str, Any]:
    """Share of analyses that agree, per contrast and pathway; and what differs."""
    frame = data.sensitivity
    columns = [Column("label", "Contrast")]
    columns += [Column(p, wording.pathway(p), percent) for p in data.pathways]
    rows = []
    for c in data.contrasts:
        cells = [Cell(c.label, short=c.contrast)]
        for p in data.pathways:
            own = frame[(frame["contrast"] == c.contrast) & (frame["pathway"] == p)]
            if own.empty:
                cells.append(Cell("–"))
                continue
            n = int((own["agrees"] == "yes").sum())
            share = float(own["agreement"].iloc[0])
            call = wording.CALLS[call_before_confounders(data, c.contrast, p)]
            cells.append(
                Cell(f"{call}: {n} of {len(own)}", precise(share), "bad" if share < 0.8 else "")
            )
        rows.append(Row(tuple(cells), contrast=c.contrast))
    kinds = frame.assign(yes=frame["agrees"] == "yes").groupby(["kind", "variant"], sort=False)
    variants = kinds["yes"].agg(["sum", "size"]).reset_index()
    variants["share"] = variants["sum"] / variants["size"]
    differ = frame[frame["agrees"] != "yes"]
    differ = differ.assign(
        main=[
            wording.CALLS[call_before_confounders(data, r["contrast"], r["pathway"])]
            for r in differ.to_dict("records")
        ],
        call=[wording.CALLS.get(v, v) for v in differ["call"]],
        pathway=[wording.pathway(v) for v in differ["pathway"]],
    )
    return {
        "matrix": Table(
            "table-sensitivity",
            "The rule's call before confounders are considered, and how many of the alternative "
            "analyses give the same call",
            tuple(columns),
            tuple(rows),
            "sensitivity.tsv",
        ),
        "variants": table(
            variants,
            [
                Column("kind", "Kind of choice"),
                Column("variant", "Choice"),
                Column("sum", "Same call", integer),
                Column("size", "Calls", integer),
                Column("share", "Agree", percent),
            ],
            ident="table-variants",
            search=True,
            caption="Each alternative choice, and how many calls stay the same under it",
        ),
        "differ": table(
            differ,
            [
                *table_columns(tables.SENSITIVITY, "contrast", "pathway"),
                Column("main", "Call before confounders"),
                *table_columns(tables.SENSITIVITY, "kind", "variant", "call"),
            ],
            ident="table-differ",
            search=True,
            caption="Where an alternative choice gives another call",
            empty="No alternative choice changes any call.",
        ),
    }
