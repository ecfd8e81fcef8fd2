"""Effects of the readouts with intervals, by contrast and combined."""

from __future__ import annotations

import math

import pandas as pd
from scipy import stats

from pathcall.report import svg as s
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.sections.labels import estimate, short_names, two_lines
from pathcall.report.svg import Scale, Svg, shorten


def intervals(rows: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """`rows` of evidence with ``low`` and ``high``: the interval of ``effect``.

    From the standard error and the degrees of freedom that stand beside the effect.
    """
    half = stats.t.ppf(0.5 + level / 2, rows["df"]) * rows["se"]
    return rows.assign(low=rows["effect"] - half, high=rows["effect"] + half)


def draw_forest(data: ReportData, pathway: str) -> Svg | None:
    """Effect and interval of each evidence readout in each contrast, and combined per group."""
    evidence = data.evidence
    rows = evidence[(evidence["pathway"] == pathway) & (evidence["role"] == "evidence")]
    rows = rows[rows["method"] == wording.GATE]
    rows = rows[rows["effect"].notna()].drop_duplicates(["contrast", "readout"])
    if rows.empty:
        return None
    rows = intervals(rows)
    readouts = list(dict.fromkeys(rows["readout"]))
    combined = data.combined_pathways
    combined = combined[(combined["pathway"] == pathway) & combined["readout"].isin(readouts)]
    groups = list(dict.fromkeys(combined["group"]))
    longest = max(len(shorten(c.label, 46)) for c in data.contrasts)
    left, top, step, gap = 22 + 6.3 * max(longest, 14), 58, 24, 18
    wide = max(84.0, min(150.0, (1006 - left) / len(readouts) - gap))
    n = len(data.contrasts) + len(groups)
    height = top + n * step + (10 if groups else 0) + 34
    figure = Svg(
        left + len(readouts) * (wide + gap) + 6,
        height,
        f"{wording.pathway(pathway)}: effect of each readout in each contrast",
        f"{len(rows)} estimates with 95% intervals; to the right of the line is activation.",
        ident=f"f-forest-{pathway}",
    )
    y_of = {c.contrast: top + (i + 0.5) * step for i, c in enumerate(data.contrasts)}
    for i, c in enumerate(data.contrasts):
        if i % 2 == 0:
            figure.rect(0, top + i * step, figure.width, step, "band")
        figure.text(
            left - 12,
            y_of[c.contrast] + 4,
            shorten(c.label, 46),
            cls="s",
            anchor="end",
            title=c.label,
        )
    for k, group in enumerate(groups):
        y = top + 10 + (len(data.contrasts) + k + 0.5) * step
        y_of[f"group {group}"] = y
        figure.text(left - 12, y + 4, f"combined: {shorten(group, 36)}", cls="s b", anchor="end")
    short = short_names(pathway, readouts)
    for j, readout in enumerate(readouts):
        own = rows[rows["readout"] == readout]
        pooled = combined[(combined["readout"] == readout) & combined["effect"].notna()]
        ends = [*own["low"], *own["high"], *own["effect"], *pooled["effect"]]
        low, high = s.padded(ends, zero=True)
        start = left + j * (wide + gap)
        x = Scale(low, high, start, start + wide)
        lines = two_lines(short[readout], int((wide + gap) / 7.8))
        for k, text in enumerate(lines):
            figure.text(
                start + wide / 2,
                top - 12 - 13 * (len(lines) - 1 - k),
                text,
                cls="b s",
                anchor="middle",
                title=readout,
            )
        figure.x_axis(x, height - 34, top=top, wanted=3)
        for row in own.to_dict("records"):
            y = y_of[row["contrast"]]
            side = "up" if row["vote"] > 0 else "down" if row["vote"] < 0 else "ns"
            name = f"{readout}, {row['contrast']}: {estimate(row, 'effect', 'low', 'high')}"
            if math.isfinite(row["low"]):
                figure.line(x(max(low, row["low"])), y, x(min(high, row["high"])), y, f"i{side}")
            figure.mark(x(row["effect"]), y, "circle", f"f{side}", 4, title=name)
        for row in pooled.to_dict("records"):
            y = y_of[f"group {row['group']}"]
            a, b = max(low, row["ci_low"]), min(high, row["ci_high"])
            if math.isfinite(a) and math.isfinite(b):
                figure.line(x(a), y, x(b), y, "icomb")
            figure.mark(
                x(row["effect"]),
                y,
                "diamond",
                "fcomb",
                5,
                title=f"{readout}, combined over {row['n_contrasts']} contrasts of "
                f"{row['group']}: {row['effect']:.3g} [{row['ci_low']:.3g}, "
                f"{row['ci_high']:.3g}], I² {100 * row['i2']:.0f}%",
            )
    return figure
