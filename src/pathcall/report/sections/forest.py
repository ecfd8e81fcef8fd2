"""Effects of the readouts with intervals, of the lines together, and combined over a group.

One contrast: readouts are rows on one axis, with their numbers. Several: contrasts are rows,
readouts are columns.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from pathcall.report import svg as s
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.lettering import LEADING, widest, wrap
from pathcall.report.sections.labels import contrast_names, estimate, short_names
from pathcall.report.svg import Scale, Svg, draw_estimate
from pathcall.report.view import number, pvalue

TOGETHER = "all lines together"


def intervals(rows: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """`rows` of evidence with ``low`` and ``high``: the interval of ``effect``.

    From the standard error and the degrees of freedom that stand beside the effect.
    """
    df, at = rows["df"].to_numpy(dtype=float), 0.5 + level / 2
    # scipy.stats takes a second to import.
    t = np.where(np.isinf(df), special.ndtri(at), special.stdtrit(df, at))
    half = t * rows["se"]
    return rows.assign(low=rows["effect"] - half, high=rows["effect"] + half)


def forest_rows(data: ReportData, pathway: str) -> pd.DataFrame:
    """Evidence readouts of a pathway that have an effect on samples, with intervals."""
    evidence = data.evidence
    rows = evidence[(evidence["pathway"] == pathway) & (evidence["role"] == "evidence")]
    rows = rows[(rows["method"] == wording.GATE) & rows["effect"].notna()]
    return intervals(rows.drop_duplicates(["contrast", "readout"]))


def draw_forest(data: ReportData, pathway: str) -> Svg | None:
    """Effect and interval of each evidence readout in each contrast, and combined per group."""
    rows = forest_rows(data, pathway)
    if rows.empty:
        return None
    one = len(data.contrasts) == 1
    return (_readouts_as_rows if one else _contrasts_as_rows)(data, pathway, rows)


def _side(vote: float) -> str:
    return "up" if vote > 0 else "down" if vote < 0 else "ns"


def _readouts_as_rows(data: ReportData, pathway: str, rows: pd.DataFrame) -> Svg:
    names = short_names(pathway, rows["readout"].tolist())
    call = data.call(data.contrasts[0].contrast, pathway)
    records: list[dict[str, Any]] = [
        {**row, "name": names[row["readout"]], "cls": _side(row["vote"])}
        for row in rows.to_dict("records")
    ]
    if math.isfinite(call["effect"]):
        together = {"low": call["ci_low"], "high": call["ci_high"], "stat": math.nan}
        records.append({**call, **together, "name": TOGETHER, "cls": "comb"})
    left = min(240.0, widest([r["name"] for r in records], bold=True) + 18)
    wide, room, top, bottom = 330.0, 236.0, 30.0, 42.0
    lines = [wrap(r["name"], left - 12, bold=r["cls"] != "ns") for r in records]
    steps = [max(24.0, len(text) * LEADING + 8) for text in lines]
    figure = Svg(
        left + wide + room,
        top + sum(steps) + bottom,
        f"{wording.pathway(pathway)}: effect of each readout",
        f"{len(rows)} estimates with 95% intervals; to the right of the line is activation.",
        ident=f"f-forest-{pathway}",
    )
    x = Scale(
        *s.padded([*(r["low"] for r in records), *(r["high"] for r in records)], zero=True),
        left,
        left + wide,
    )
    end = left + wide
    for at, head in ((end + 14, "log2 [95% interval]"), (end + 168, "p")):
        figure.text(at, top - 10, head, cls="m")
    y = top
    for i, step in enumerate(steps):
        if i % 2 == 0:
            figure.rect(0, y, figure.width, step, "band")
        y += step
    figure.x_axis(x, y, top=top, name="repression ← log2 change of the score → activation")
    y = top
    for row, step in zip(records, steps, strict=True):
        middle = y + step / 2
        bold = " b" if row["cls"] != "ns" else ""
        figure.label(4, middle, row["name"], left - 12, cls=f"s{bold}")
        shown = f"{number(row['effect'], 2)} [{number(row['low'], 2)}, {number(row['high'], 2)}]"
        figure.text(end + 14, middle + 4, shown, cls="s")
        mark = {"up": " ▲", "down": " ▼"}.get(row["cls"], "")
        figure.text(end + 168, middle + 4, f"{pvalue(row['pvalue'])}{mark}", cls=f"s{bold}")
        draw_estimate(figure, x, middle, row, row["cls"], f"{row['name']}: {shown}")
        y += step
    return figure


def _contrasts_as_rows(data: ReportData, pathway: str, rows: pd.DataFrame) -> Svg:
    readouts = list(dict.fromkeys(rows["readout"]))
    combined = data.combined_pathways
    combined = combined[(combined["pathway"] == pathway) & combined["readout"].isin(readouts)]
    groups = list(dict.fromkeys(combined["group"]))
    names = contrast_names(data)
    labels = {**names, **{f"group {g}": f"combined: {g}" for g in groups}}
    left, gap, full = 190.0, 16.0, 950.0
    calls = data.calls[(data.calls["pathway"] == pathway) & data.calls["effect"].notna()]
    together = calls.rename(columns={"ci_low": "low", "ci_high": "high"})
    n = len(readouts) + (len(together) > 0)
    wide = min(170.0, (full - left) / n - gap)
    short = short_names(pathway, readouts)
    head = max(len(wrap(t, wide + gap - 6, bold=True)) for t in [*short.values(), TOGETHER])
    top = 10 + head * LEADING
    steps = {k: max(23.0, len(wrap(t, left - 14)) * LEADING + 6) for k, t in labels.items()}
    bottom = top + sum(steps.values()) + (8 if groups else 0)
    figure = Svg(
        left + n * (wide + gap),
        bottom + 26,
        f"{wording.pathway(pathway)}: effect of each readout in each contrast",
        f"{len(rows)} estimates with 95% intervals; to the right of the line is activation.",
        ident=f"f-forest-{pathway}",
    )
    y_of, y = {}, top
    for i, (key, text) in enumerate(labels.items()):
        if key == f"group {groups[0]}" if groups else False:
            y += 8
        y_of[key] = y + steps[key] / 2
        if i % 2 == 0:
            figure.rect(0, y, figure.width, steps[key], "band")
        cls = "s b" if key.startswith("group ") else "s"
        about = "" if key.startswith("group ") else data.contrast(key).label
        figure.label(left - 10, y_of[key], text, left - 14, cls=cls, anchor="end", title=about)
        y += steps[key]
    columns = [(short[r], rows[rows["readout"] == r], r) for r in readouts]
    columns += [(TOGETHER, together, "")] if len(together) else []
    for j, (name, own, readout) in enumerate(columns):
        pooled = combined[(combined["readout"] == readout) & combined["effect"].notna()]
        pooled = pooled.rename(columns={"ci_low": "low", "ci_high": "high"})
        ends = [*own["low"], *own["high"], *own["effect"], *pooled["effect"]]
        start = left + j * (wide + gap)
        x = Scale(*s.padded(ends, zero=True), start, start + wide)
        figure.label(
            start + wide / 2,
            top - 8,
            name,
            wide + gap - 6,
            cls="b s",
            anchor="middle",
            stands="bottom",
            title=readout,
        )
        figure.x_axis(x, bottom, top=top, wanted=2 if wide < 100 else 3)
        for row in own.to_dict("records"):
            if readout:
                side = _side(row["vote"])
            else:
                side = {"activated": "up", "repressed": "down"}.get(row["call"], "ns")
            text = f"{name}, {row['contrast']}: {estimate(row, 'effect', 'low', 'high')}"
            draw_estimate(figure, x, y_of[row["contrast"]], row, side, text)
        for row in pooled.to_dict("records"):
            text = (
                f"{readout}, combined over {row['n_contrasts']} contrasts of {row['group']}: "
                f"{estimate(row, 'effect', 'low', 'high')}, I² {100 * row['i2']:.0f}%"
            )
            draw_estimate(figure, x, y_of[f"group {row['group']}"], row, "comb", text)
    return figure
