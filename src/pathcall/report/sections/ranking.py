"""Which pathway leads in each contrast."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from pathcall import tables
from pathcall.report import svg as s
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.heatmap import Heatmap, draw_heatmap
from pathcall.report.lettering import widest
from pathcall.report.sections.labels import estimate
from pathcall.report.svg import Scale, Svg
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
    one = len(data.contrasts) == 1
    return {
        "leads": figure(
            "ranking", draw_ranking(data, data.contrasts[0].contrast), file="ranking.tsv"
        )
        if one
        else figure("ranking_map", draw_ranking_map(data), file="ranking.tsv"),
        "ranking": ranking_table(data),
    }


def ranking_rows(frame: pd.DataFrame, contrast: str, most: int = 12) -> pd.DataFrame:
    """The called pathways and the `most` highest of the rest, highest first."""
    own = frame[(frame["contrast"] == contrast) & frame["effect"].notna()].sort_values("rank")
    asked = own["kind"] == "pathway"
    return own[asked | own.index.isin(own[~asked].head(most).index)]


def signature_name(name: str, kind: str) -> str:
    """A pathway, footprint or gene set as figures name it."""
    if kind == "pathway":
        return wording.pathway(name)
    if kind == "footprint":
        return f"{name} footprint"
    return name.removeprefix("HALLMARK_").replace("_", " ")


def draw_ranking(data: ReportData, contrast: str) -> Svg | None:
    """Effects of all pathways of the panel in one contrast, the strongest and the called ones."""
    frame = data.ranking
    rows = ranking_rows(frame, contrast)
    if rows.empty:
        return None
    records = rows.to_dict("records")
    names = [signature_name(str(r["name"]), str(r["kind"])) for r in records]
    left, top, wide, step = widest(names, bold=True) + 12, 24.0, 330.0, 18.0
    figure = Svg(
        left + wide + 92,
        top + step * len(rows) + 40,
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
    figure.x_axis(x, bottom, top=top, wanted=6, name="effect (residual SD of the score)")
    figure.text(left + wide + 12, top - 8, "rank (95%)", cls="m")
    for i, row in enumerate(records):
        y = top + (i + 0.5) * step
        name = str(row["name"])
        asked = row["kind"] == "pathway" and name in data.pathways
        side = "comb" if asked else "ns"
        figure.text(
            left - 8,
            y + 4,
            names[i],
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
            left + wide + 12,
            y + 4,
            f"{row['rank']:.0f} ({row['rank_low']:.0f}–{row['rank_high']:.0f})",
            cls="m",
        )
    return figure


def draw_ranking_map(data: ReportData, most: int = 5) -> Svg | None:
    """Signatures × contrasts: the called pathways, and the `most` strongest others of each."""
    frame = data.ranking
    shown = pd.concat([ranking_rows(frame, c.contrast, most) for c in data.contrasts])
    if shown.empty:
        return None
    keys = shown[["kind", "name"]].drop_duplicates()
    size = frame.assign(size=frame["effect"].abs()).groupby(["kind", "name"])["size"].max()
    asked = [(k, n) for k, n in keys.itertuples(index=False) if k == "pathway"]
    rest = [(k, n) for k, n in keys.itertuples(index=False) if k != "pathway"]
    rows = [*asked, *sorted(rest, key=lambda key: (-size[key], key))]
    contrasts = [c.contrast for c in data.contrasts]
    at = frame.set_index(["kind", "name", "contrast"])[["effect", "fdr"]]
    wanted = pd.MultiIndex.from_tuples([(k, n, c) for k, n in rows for c in contrasts])
    values = at.reindex(wanted)
    shape = (len(rows), len(contrasts))
    return draw_heatmap(
        Heatmap(
            ident="f-leads",
            title="Which pathways lead in which contrast",
            desc=f"{len(rows)} signatures; a dot marks FDR < {data.alpha:g}.",
            rows=[signature_name(n, k) for k, n in rows],
            columns=contrasts,
            values=values["effect"].to_numpy(dtype=float).reshape(shape),
            dots=(values["fdr"] < data.alpha).to_numpy().reshape(shape),
            limit=float(np.nanquantile(values["effect"].abs(), 0.9).round(1)) or 1.0,
            key="effect, residual SD of the score",
        )
    )


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
