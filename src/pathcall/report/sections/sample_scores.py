"""Score of every sample, by group."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pathcall.report import svg as s
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.sections.labels import short_names, two_lines
from pathcall.report.svg import Scale, Svg, shorten


@dataclass(frozen=True)
class Group:
    """Samples of one cell of one model, the factors of its contrasts making the cell.

    `blocks` names each sample's donor, batch or the like (further columns of the design); empty
    where there are none.
    """

    model: str
    cell: str
    samples: tuple[str, ...]
    blocks: tuple[str, ...]


def sample_groups(data: ReportData) -> list[Group]:
    """Cells of each model in the order of its contrasts, reference first, then the others."""
    made = []
    for name, model in data.models.items():
        own = [c for c in data.contrasts if c.model == name]
        asked = {k for c in own for k in (*c.test, *c.reference)}
        used = set(re.findall(r"\w+", model.formula))
        factors = [k for k in model.samples.columns if k in asked]
        further = [k for k in model.samples.columns if k in used and k not in asked]
        cells: dict[str, list[tuple[str, str]]] = {}
        for c in own:
            for side in (c.reference, c.test):
                if set(side) == set(factors):
                    cells.setdefault(", ".join(side[k] for k in factors), [])
        for sample, row in model.samples.astype(str).iterrows():
            cell = ", ".join(row[k] for k in factors)
            block = ", ".join(row[k] for k in further)
            cells.setdefault(cell, []).append((str(sample), block))
        for cell, members in cells.items():
            if members:
                members.sort(key=lambda pair: pair[1])
                names, blocks = zip(*members, strict=True)
                made.append(Group(name, cell, names, blocks if further else ()))
    return made


def score_rows(data: ReportData, pathway: str) -> pd.DataFrame:
    """Scores of the pathway's evidence readouts, one method a readout."""
    readouts = [r.readout for r in data.panel.readouts_of(pathway, role="evidence")]
    keys = {r.key: r.readout for r in data.panel.readouts_of(pathway, role="evidence")}
    rows = data.scores[data.scores["signature"].isin({*readouts, *keys})]
    rows = rows.assign(readout=[keys.get(v, v) for v in rows["signature"]])
    # The gate's own score where there is one: that is what the test on samples saw.
    preferred = rows.assign(other=rows["method"] != "weighted_z").sort_values(
        "other", kind="stable"
    )
    first = preferred.drop_duplicates("readout").set_index("readout")["method"]
    rows = rows[rows["method"] == rows["readout"].map(first)]
    order = {name: i for i, name in enumerate(readouts)}
    # The table's signs are those of the signature.
    turn = {
        r.readout: r.expected_direction for r in data.panel.readouts_of(pathway, role="evidence")
    }
    rows = rows.assign(score=rows["score"] * rows["readout"].map(turn))
    return rows.assign(order=rows["readout"].map(order)).sort_values("order", kind="stable")


def draw_scores(data: ReportData, pathway: str) -> Svg | None:
    """Every sample's score by group, one strip a readout."""
    rows = score_rows(data, pathway)
    if rows.empty:
        return None
    cells = sample_groups(data)
    readouts = list(dict.fromkeys(rows["readout"]))
    short = short_names(pathway, readouts)
    left, top, high, gap = 150, 22, 78, 14
    step = max(44.0, min(90.0, 760 / len(cells)))
    bottom = 24 + 6.2 * min(28, max(len(g.cell) for g in cells)) * 0.75
    width = left + step * len(cells) + 46
    height = top + len(readouts) * (high + gap) + bottom
    figure = Svg(
        width,
        height,
        f"{wording.pathway(pathway)}: score of every sample",
        f"{len(readouts)} readouts, {sum(len(g.samples) for g in cells)} sample scores each; "
        "the bar is the mean of the group.",
        ident=f"f-scores-{pathway}",
    )
    for k, readout in enumerate(readouts):
        own = rows[rows["readout"] == readout].set_index("sample")["score"]
        y0 = top + k * (high + gap)
        y = Scale(*s.padded(own, share=0.1), y0 + high, y0)
        figure.rect(left, y0, step * len(cells), high, "band")
        figure.y_axis(y, left, right=left + step * len(cells), wanted=3)
        for m, text in enumerate(two_lines(short[readout], 16)):
            figure.text(4, y0 + high / 2 + 13 * m, text, cls="s b", title=readout)
        before: dict[str, tuple[float, float]] = {}
        for i, group in enumerate(cells):
            middle = left + (i + 0.5) * step
            values = [(name, own[name]) for name in group.samples if name in own.index]
            if not values:
                continue
            mean = float(np.mean([v for _, v in values]))
            figure.line(middle - step * 0.3, y(mean), middle + step * 0.3, y(mean), "mean")
            for m, (name, value) in enumerate(values):
                x = middle + (m - (len(values) - 1) / 2) * min(9.0, step * 0.7 / len(values))
                hue = list(data.models).index(group.model) % s.HUES
                block = dict(zip(group.samples, group.blocks, strict=False)).get(name, "")
                key = f"{group.model}|{block}"
                if block and key in before:
                    figure.line(*before[key], x, y(value), "pairline")
                before[key] = (x, y(value))
                figure.mark(
                    x,
                    y(value),
                    "circle",
                    f"k{hue}",
                    3.4,
                    title=f"{name} ({', '.join(filter(None, (group.cell, block)))}): {value:.4g}",
                )
    _group_labels(figure, data, cells, left, step, top + len(readouts) * (high + gap) + 2, top)
    return figure


def _group_labels(
    figure: Svg,
    data: ReportData,
    cells: Sequence[Group],
    left: float,
    step: float,
    y: float,
    top: float,
) -> None:
    for i, group in enumerate(cells):
        x = left + (i + 0.5) * step
        if i == 0 or cells[i - 1].model != group.model:
            size = sum(g.model == group.model for g in cells)
            name = shorten(group.model, max(6, int(size * step / 6.5)))
            figure.text(left + i * step + 4, top - 6, name, cls="m", title=f"model {group.model}")
        figure.text(
            x + 3,
            y + 8,
            shorten(group.cell, 28),
            cls="s",
            anchor="end",
            rotate=-38,
            title=group.cell,
        )
        if i and cells[i - 1].model != group.model:
            figure.line(left + i * step, top, left + i * step, y, "cut")
