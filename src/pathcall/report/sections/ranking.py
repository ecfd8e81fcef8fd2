"""Which pathway leads in each contrast."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from pathcall import tables
from pathcall.report import svg as s
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.sections.labels import estimate
from pathcall.report.svg import Scale, Svg, shorten
from pathcall.report.view import (
    Column,
    Table,
    figure,
    is_missing,
    table,
    table_columns,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {
        "leads": [
            f
            for c in data.contrasts
            if (f := figure("ranking", draw_ranking(data, c.contrast), c.contrast))
        ],
        "ranking": ranking_table(data),
    }


def ranking_rows(frame: pd.DataFrame, contrast: str, most: int = 12) -> pd.DataFrame:
    """The called pathways and the `most` highest of the rest, highest first."""
    own = frame[(frame["contrast"] == contrast) & frame["effect"].notna()].sort_values("rank")
    asked = own["kind"] == "pathway"
    return own[asked | own.index.isin(own[~asked].head(most).index)]


def draw_ranking(data: ReportData, contrast: str) -> Svg | None:
    """Effects of all pathways of the panel in one contrast, the strongest and the called ones."""
    frame = data.ranking
    rows = ranking_rows(frame, contrast)
    if rows.empty:
        return None
    left, top, wide, step = 216, 8, 170, 18
    figure = Svg(
        left + wide + 82,
        top + step * len(rows) + 36,
        f"Which pathway leads in {contrast}",
        f"{len(rows)} of {int((frame['contrast'] == contrast).sum())} signatures, by size.",
        ident=f"f-leads-{contrast}",
    )
    x = Scale(
        *s.padded([*rows["ci_low"], *rows["ci_high"], *rows["effect"]], zero=True),
        left,
        left + wide,
    )
    bottom = top + step * len(rows)
    figure.x_axis(x, bottom, top=top, wanted=4, name="effect (residual SD of the score)")
    for i, row in enumerate(rows.to_dict("records")):
        y = top + (i + 0.5) * step
        name = str(row["name"])
        asked = row["kind"] == "pathway" and name in data.pathways
        shown = (
            wording.pathway(name)
            if row["kind"] == "pathway"
            else f"{name} footprint"
            if row["kind"] == "footprint"
            else name.removeprefix("HALLMARK_").replace("_", " ")
        )
        side = "comb" if asked else "ns"
        figure.text(
            left - 8,
            y + 4,
            shorten(shown, 28),
            cls="s b" if asked else "s",
            anchor="end",
            title=f"{name} ({row['kind']})",
        )
        if math.isfinite(row["ci_low"]):
            figure.line(x(row["ci_low"]), y, x(row["ci_high"]), y, f"i{side}")
        figure.mark(
            x(row["effect"]),
            y,
            "circle",
            f"f{side}",
            3.6,
            title=f"{name}: {estimate(row, 'effect', 'ci_low', 'ci_high')}",
        )
        figure.text(
            left + wide + 6,
            y + 4,
            f"{row['rank']:.0f} ({row['rank_low']:.0f}–{row['rank_high']:.0f})",
            cls="m",
        )
    return figure


def ranking_table(data: ReportData) -> Table:
    """The ranking of each contrast as a table."""
    frame = data.ranking
    shown = pd.concat([ranking_rows(frame, c.contrast, 12) for c in data.contrasts])
    ranks = [
        "–" if is_missing(r["rank"]) else f"{r['rank_low']:.0f}–{r['rank_high']:.0f}"
        for r in shown.to_dict("records")
    ]
    return table(
        shown.assign(interval=ranks),
        [
            *table_columns(
                tables.RANKING,
                "contrast",
                "name",
                "kind",
                "effect",
                "ci_low",
                "ci_high",
                "stat",
                "pvalue",
                "fdr",
                "rank",
            ),
            Column("interval", "95% of the rank"),
        ],
        ident="table-ranking",
        caption="The called pathways and the 12 strongest other signatures of each contrast",
        file="ranking.tsv",
        search=True,
    )
