"""Answer: the matrix of calls and one sentence a pathway."""

from __future__ import annotations

from typing import Any

from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.sections.caveats import caveats
from pathcall.report.svg import Svg, shorten
from pathcall.report.view import (
    percent,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {
        "pathways": [
            {
                "id": p,
                "name": wording.pathway(p),
                "finding": finding_of(data, p),
                # With many contrasts the reasons stand in the section of the pathway.
                "reason": str(calls_of(data, p)[0]["reason"]) if len(data.contrasts) == 1 else "",
            }
            for p in data.pathways
        ],
        "question": wording.listed([wording.pathway(p) for p in data.pathways], most=12),
        "n_samples": len(data.samples),
        "n_included": int((data.samples["included"] == "yes").sum()),
        "n_genes": len(data.genes),
        "matrix": call_matrix(data),
        "meanings": [
            *[
                (wording.CALL_MARK[k], wording.CALLS[k], v)
                for k, v in wording.CALL_MEANING.items()
                if k != "no_evidence"
            ],
            *[
                (
                    wording.mark({"call": "no_evidence", "status": k}),
                    words,
                    wording.STATUS_MEANING[k],
                )
                for k, words in wording.STATUS.items()
            ],
            ("", "not separable from a confounder", wording.STATUS_MEANING["not_separable"]),
        ],
        "caveats": caveats(data),
        "max_false_call_rate": percent(data.max_false_call_rate),
    }


def calls_of(data: ReportData, pathway: str) -> list[dict[str, Any]]:
    """Rows of calls.tsv of a pathway, in the order of the contrasts."""
    return [dict(data.call(c.contrast, pathway)) for c in data.contrasts]


def finding_of(data: ReportData, pathway: str) -> str:
    """One sentence on a pathway over all contrasts."""
    # Ids where there are many: descriptions would bury the sentence.
    many = len(data.contrasts) > 3
    labels = {c.contrast: c.contrast if many else c.label for c in data.contrasts}
    return wording.finding(calls_of(data, pathway), labels)


def call_matrix(data: ReportData) -> list[dict[str, Any]]:
    """Rows of the matrix: a contrast and its call of each pathway."""
    rows = []
    for c in data.contrasts:
        cells = []
        for p in data.pathways:
            call = data.call(c.contrast, p)
            cells.append(
                {
                    **call,
                    "mark": wording.mark(call),
                    "words": wording.answer(call),
                    "name": wording.pathway(p),
                    "votes": wording.votes(call),
                    "confounder": explaining(data, c.contrast, p),
                }
            )
        rows.append({"contrast": c, "cells": cells})
    return rows


def explaining(data: ReportData, contrast: str, pathway: str) -> str:
    """The confounder that explains a call as well, by name; empty if there is none."""
    frame = data.adjusted
    at = (frame["contrast"] == contrast) & (frame["pathway"] == pathway)
    found = frame.loc[at, "confounder"].dropna()
    return wording.pathway(str(found.iloc[0])) if len(found) else ""


def draw_calls(data: ReportData) -> Svg:
    """Contrast × pathway matrix of calls."""
    left, top, cell, row = 330, 46, 128, 34
    figure = Svg(
        left + cell * len(data.pathways) + 8,
        top + row * len(data.contrasts) + 12,
        f"Calls in {data.study}",
        "Each row is a contrast, each column a pathway. ▲ activated, ▼ repressed, ◆ conflicting, "
        "≈ moves, rule not met, – no change shown, ? not assessable; under it the confidence.",
        ident="f-calls",
    )
    for j, pathway in enumerate(data.pathways):
        figure.text(
            left + cell * (j + 0.5), top - 14, wording.pathway(pathway), cls="b s", anchor="middle"
        )
    tint = {"activated": "d7", "repressed": "d3", "conflicting": "s2"}
    for i, c in enumerate(data.contrasts):
        y = top + i * row
        figure.text(left - 10, y + 21, shorten(c.label, 48), cls="s", anchor="end", title=c.label)
        for j, pathway in enumerate(data.pathways):
            call = data.call(c.contrast, pathway)
            x = left + cell * j
            figure.rect(x + 1, y + 1, cell - 2, row - 2, tint.get(str(call["call"]), "band"))
            ink = " ink" if call["call"] in tint else ""
            figure.text(
                x + cell / 2,
                y + 15,
                f"{wording.mark(call)} {wording.answer(call)}",
                cls=f"b s{ink}",
                anchor="middle",
            )
            if call["confidence"] != "none":
                figure.text(
                    x + cell / 2,
                    y + 28,
                    f"confidence {call['confidence']}",
                    cls=f"m{ink}",
                    anchor="middle",
                )
    return figure
