"""The page of many studies: one file, no script, in the look of a study's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from pathcall import __version__
from pathcall.report import wording
from pathcall.report.frame import asset, csp_hash, templates
from pathcall.report.sections.labels import estimate
from pathcall.report.svg import Scale, Svg, draw_estimate, figure_css, padded, shorten
from pathcall.report.view import is_missing

_ROW, _PANEL, _LABELS = 20.0, 150.0, 300.0
_LEAST = 0.1
"""Log2 change that a panel spans at least, so that noise is not drawn as an effect."""


@dataclass(frozen=True)
class Group:
    """One question, its contrasts and what they say together."""

    name: str
    n_contrasts: int
    n_studies: int
    figure: Markup
    pathways: Sequence[Mapping[str, Any]]


def render_summary(
    calls: pd.DataFrame, combined: pd.DataFrame, *, absent: Mapping[str, str]
) -> str:
    """The page as text.

    Parameters
    ----------
    calls
        Table of schema SUMMARY_CALLS.
    combined
        Table of schema SUMMARY_COMBINED.
    absent
        Study or config file → the ``error:`` line for which it is not on the page.
    """
    style = figure_css() + asset("report.css") + asset("summary.css", "pathcall.summary")
    pathways = list(dict.fromkeys(calls["pathway"]))
    return (
        templates("pathcall.summary")
        .get_template("summary.html.j2")
        .render(
            version=__version__,
            style=Markup(style),
            policy=f"default-src 'none'; style-src '{csp_hash(style)}'; img-src data:; "
            "base-uri 'none'; form-action 'none'",
            studies=list(dict.fromkeys(calls["study"])),
            absent=absent,
            pathways=[{"id": name, "name": wording.pathway(name)} for name in pathways],
            groups=[
                _group(name, calls, combined, pathways) for name in _in_order(combined["group"])
            ],
            matrix=_matrix(calls, pathways),
        )
    )


def _matrix(calls: pd.DataFrame, pathways: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for (study, contrast), part in calls.groupby(["study", "contrast"], sort=False):
        found = part.set_index("pathway")
        first = part.iloc[0]
        rows.append(
            {
                "study": study,
                "contrast": contrast,
                "label": contrast if is_missing(first["description"]) else first["description"],
                "group": "" if is_missing(first["group"]) else first["group"],
                "cells": [_cell(p, found.loc[p]) if p in found.index else None for p in pathways],
            }
        )
    return rows


def _cell(pathway: str, row: pd.Series) -> dict[str, Any]:
    return {
        "pathway": pathway,
        **row[["call", "confidence", "effect", "pvalue", "reason"]].to_dict(),
        "mark": wording.mark(row),
        "words": wording.answer(row),
        "shared": row["status"] == "not_separable",
    }


def _group(
    name: str, calls: pd.DataFrame, combined: pd.DataFrame, pathways: Sequence[str]
) -> Group:
    members = calls[calls["group"] == name]
    whole = combined[(combined["group"] == name) & combined["readout"].isna()]
    return Group(
        name,
        n_contrasts=len(members[["study", "contrast"]].drop_duplicates()),
        n_studies=members["study"].nunique(),
        figure=_forest(name, members, whole, pathways).markup(),
        pathways=[
            {**row, "name": wording.pathway(row["pathway"])} for row in whole.to_dict("records")
        ],
    )


def _forest(name: str, members: pd.DataFrame, whole: pd.DataFrame, pathways: Sequence[str]) -> Svg:
    """Effects with 95% intervals, a row a contrast, a panel a pathway; the combined one below."""
    rows = list(members[["study", "contrast"]].drop_duplicates().itertuples(index=False))
    ends = {"ci_low": "low", "ci_high": "high"}
    members, whole = members.rename(columns=ends), whole.rename(columns=ends)
    bottom = 30 + _ROW * (len(rows) + 1.5)
    figure = Svg(
        _LABELS + _PANEL * len(pathways),
        bottom + 45,
        f"Effects of {name} in each study",
        "Mean log2 change of each pathway's lines of evidence, with its 95% interval.",
        ident=f"forest-{name}",
    )
    for i, row in enumerate(rows):
        label = f"{row.study}: {row.contrast}"
        figure.text(_LABELS - 12, 46 + _ROW * i, shorten(label, 44), anchor="end", title=label)
    figure.text(_LABELS - 12, bottom - 8, "combined", cls="b", anchor="end")
    for k, pathway in enumerate(pathways):
        left = _LABELS + _PANEL * k
        own = members[members["pathway"] == pathway].set_index(["study", "contrast"])
        total = whole[whole["pathway"] == pathway]
        # The combined interval of two contrasts is far wider than all else, and is cut.
        spanned = padded([*own["low"], *own["high"], -_LEAST, _LEAST])
        scale = Scale(*spanned, left + 14, left + _PANEL - 14)
        figure.text(left + _PANEL / 2, 18, wording.pathway(pathway), cls="b s", anchor="middle")
        if not own["effect"].notna().any():
            figure.text(left + _PANEL / 2, 46, "not assessable", cls="m", anchor="middle")
            continue
        figure.x_axis(scale, bottom, top=26, wanted=3)
        places = {tuple(row): 42 + _ROW * i for i, row in enumerate(rows)}
        for place, found in own[own["effect"].notna()].iterrows():
            cls = {"activated": "up", "repressed": "down"}.get(str(found["call"]), "ns")
            words = estimate(found, "effect", "low", "high")
            draw_estimate(figure, scale, places[place], found, cls, words)
        for found in total[total["effect"].notna()].to_dict("records"):
            words = estimate(found, "effect", "low", "high")
            draw_estimate(figure, scale, bottom - 12, found, "comb", words)
    figure.text(
        _LABELS + _PANEL * len(pathways) / 2, bottom + 34,
        "mean log2 change towards the pathway", cls="axis", anchor="middle",
    )  # fmt: skip
    return figure


def _in_order(values: pd.Series) -> list[str]:
    return list(dict.fromkeys(values.dropna()))
