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
from pathcall.report.lettering import LEADING, text_width, widest, wrap
from pathcall.report.sections.labels import short_names
from pathcall.report.svg import Scale, Svg

MANY = 150  # samples beyond which dots carry no name: a page of thousands of them would be slow


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
        for sample, row in model.samples.to_dict("index").items():
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
    """Every sample's score by group: a panel a readout, side by side where groups are few."""
    rows = score_rows(data, pathway)
    if rows.empty:
        return None
    groups = sample_groups(data)
    readouts = list(dict.fromkeys(rows["readout"]))
    names = short_names(pathway, readouts)
    few = len(groups) <= 6
    step = 62.0 if few else max(20.0, min(90.0, 760 / len(groups)))
    inner = step * len(groups)
    across = max(1, int(950 // (inner + 62))) if few else 1
    left, high = (46.0, 104.0) if few else (176.0, 72.0)
    head = max(len(wrap(n, inner + 40, bold=True)) for n in names.values()) * LEADING + 8
    cells = [g.cell for g in groups]
    feet = max(len(wrap(c, step - 4)) for c in cells) * LEADING + 8 if few else 0.0
    top = 4.0 if few else 24.0
    tall = head + high + feet + 10 if few else high + 14
    n_rows = -(-len(readouts) // across)
    tilted = 0.0 if few else widest(cells) * 0.64 + 24
    reach = 0.0 if few else max(0.0, widest(cells[:1]) * 0.77 - step / 2 - left)
    left += reach
    width = left + inner + 16
    figure = Svg(
        width * min(across, len(readouts)),
        top + n_rows * tall + tilted,
        f"{wording.pathway(pathway)}: score of every sample",
        f"{len(readouts)} readouts, {sum(len(g.samples) for g in groups)} sample scores each; "
        "the bar is the mean of the group.",
        ident=f"f-scores-{pathway}",
    )
    for k, readout in enumerate(readouts):
        x0 = left + (k % across) * width
        y0 = top + (k // across) * tall + (head if few else 0)
        own = rows[rows["readout"] == readout].set_index("sample")["score"]
        y = Scale(*s.padded(own, share=0.1), y0 + high, y0)
        figure.rect(x0, y0, inner, high, "band")
        figure.y_axis(y, x0, right=x0 + inner, wanted=3)
        if few:
            figure.label(
                x0 - 40, y0 - 6, names[readout], inner + 40, cls="s b", stands="bottom",
                title=readout,
            )  # fmt: skip
        else:
            figure.label(4, y0 + high / 2, names[readout], 126, cls="s b", title=readout)
        _dots(figure, data, groups, own, x0, step, y)
        for i, group in enumerate(groups if few else []):
            figure.label(
                x0 + (i + 0.5) * step, y0 + high + 4, group.cell, step - 4, anchor="middle",
                stands="top",
            )  # fmt: skip
    if not few:
        _tilted_labels(figure, groups, left, step, top + n_rows * tall, top)
    return figure


def _dots(
    figure: Svg,
    data: ReportData,
    groups: Sequence[Group],
    scores: pd.Series,
    left: float,
    step: float,
    y: Scale,
) -> None:
    """One panel: dots of the samples, the mean of each group, lines along the blocks."""
    if sum(len(g.samples) for g in groups) > MANY:
        _many_dots(figure, data, groups, scores, left, step, y)
        return
    before: dict[str, tuple[float, float]] = {}
    for i, group in enumerate(groups):
        middle = left + (i + 0.5) * step
        values = [(name, scores[name]) for name in group.samples if name in scores.index]
        if not values:
            continue
        mean = float(np.mean([v for _, v in values]))
        figure.line(middle - step * 0.3, y(mean), middle + step * 0.3, y(mean), "mean")
        hue = list(data.models).index(group.model) % s.HUES
        block_of = dict(zip(group.samples, group.blocks, strict=False))
        for m, (name, value) in enumerate(values):
            x = middle + (m - (len(values) - 1) / 2) * min(9.0, step * 0.7 / len(values))
            block = block_of.get(name, "")
            key = f"{group.model}|{block}"
            if block and key in before:
                figure.line(*before[key], x, y(value), "pairline")
            before[key] = (x, y(value))
            about = ", ".join(filter(None, (group.cell, block)))
            figure.mark(
                x, y(value), "circle", f"k{hue}", 3.4, title=f"{name} ({about}): {value:.4g}",
                sample=name,
            )  # fmt: skip


def _many_dots(
    figure: Svg,
    data: ReportData,
    groups: Sequence[Group],
    scores: pd.Series,
    left: float,
    step: float,
    y: Scale,
) -> None:
    """One panel of many samples: one path a group, whose dots carry no name."""
    for i, group in enumerate(groups):
        own = scores.reindex(list(group.samples)).dropna().to_numpy(dtype=float)
        if not len(own):
            continue
        middle, wide = left + (i + 0.5) * step, step * 0.7
        x = middle + (np.arange(len(own)) + 0.5) / len(own) * wide - wide / 2
        figure.dots(x, y.many(own), f"l{list(data.models).index(group.model) % s.HUES}")
        mean = y(float(own.mean()))
        figure.line(middle - step * 0.3, mean, middle + step * 0.3, mean, "mean")


def _tilted_labels(
    figure: Svg, groups: Sequence[Group], left: float, step: float, y: float, top: float
) -> None:
    """Names of many groups below, of their models above."""
    for i, group in enumerate(groups):
        x = left + (i + 0.5) * step
        if i == 0 or groups[i - 1].model != group.model:
            size = sum(g.model == group.model for g in groups)
            name = group.model
            while len(name) > 3 and text_width(name) > size * step - 6:
                name = name[:-2] + "…"
            figure.text(left + i * step + 4, top - 8, name, cls="m", title=f"model {group.model}")
            if i:
                figure.line(left + i * step, top, left + i * step, y, "cut")
        figure.text(x + 3, y + 8, group.cell, cls="s", anchor="end", rotate=-40)
