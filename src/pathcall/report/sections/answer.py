"""Answer: the matrix of calls and one sentence a pathway."""

from __future__ import annotations

import re
from typing import Any

from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.lettering import wrap
from pathcall.report.sections.caveats import caveats
from pathcall.report.sections.labels import contrast_names
from pathcall.report.svg import Svg
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
                # What is said of each contrast where only that one is shown.
                "each": [
                    (c.contrast, wording.finding([data.call(c.contrast, p)], {c.contrast: c.label}))
                    for c in (data.contrasts if len(data.contrasts) > 1 else ())
                ],
                # With many contrasts the reasons stand in the section of the pathway.
                "reason": str(calls_of(data, p)[0]["reason"]) if len(data.contrasts) == 1 else "",
            }
            for p in data.pathways
        ],
        "questions": wording.QUESTIONS,
        "study_links": study_links(data),
        "question": wording.listed([wording.pathway(p) for p in data.pathways], most=12),
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


def study_size(data: ReportData) -> dict[str, int]:
    """Samples and genes of the study."""
    return {
        "n_samples": len(data.samples),
        "n_included": int((data.samples["included"] == "yes").sum()),
        "n_genes": len(data.genes),
    }


def calls_of(data: ReportData, pathway: str) -> list[dict[str, Any]]:
    """Rows of calls.tsv of a pathway, in the order of the contrasts."""
    return [dict(data.call(c.contrast, pathway)) for c in data.contrasts]


def finding_of(data: ReportData, pathway: str) -> str:
    """One sentence on a pathway over all contrasts."""
    return wording.finding(calls_of(data, pathway), contrast_names(data))


def study_links(data: ReportData) -> list[tuple[str, str]]:
    """Pages of the study elsewhere, by the accessions that the config and the inputs name."""
    ncbi = "https://www.ncbi.nlm.nih.gov"
    made = []
    if re.fullmatch(r"GSE\d+", data.study):
        made.append(("GEO", f"{ncbi}/geo/query/acc.cgi?acc={data.study}"))
        made.append(("PubMed", f"{ncbi}/pubmed/?term={data.study}%5BSecondary%20Source%20ID%5D"))
    run = str((data.config.get("counts") or {}).get("sra_study") or "")
    if re.fullmatch(r"[SED]RP\d+", run):
        made.append(("SRA", f"{ncbi}/sra/?term={run}"))
    noted = " ".join(str(v) for v in data.inputs["note"].dropna())
    made += [
        (f"PMID {n}", f"https://pubmed.ncbi.nlm.nih.gov/{n}/")
        for n in dict.fromkeys(re.findall(r"PMID:? ?(\d+)", noted))
    ]
    return made


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
    if found.empty:
        return ""
    name = str(found.iloc[0])
    of = next((r.pathway for r in data.panel.readouts if r.readout == name), name)
    return wording.pathway(name if of == pathway else of)


def draw_calls(data: ReportData) -> Svg:
    """Contrast × pathway matrix of calls."""
    labels = [c.label for c in data.contrasts]
    left, top, cell = 330, 46, 150
    row = max(34, 10 + 13 * max(len(wrap(text, left - 20)) for text in labels))
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
        figure.label(left - 10, y + row / 2, c.label, left - 20, anchor="end")
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
