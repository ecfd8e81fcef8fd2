"""The report's figures, drawn from the tables: each a function from data to one `Svg`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import escape
from scipy import stats

from pathcall.report import svg as s
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.svg import Scale, Svg, shorten
from pathcall.signatures.panel import Readout

Floats = npt.NDArray[np.float64]
CALL_MARK = {
    "activated": "▲",
    "repressed": "▼",
    "conflicting": "◆",
    "no_evidence": "–",
    "not_assessable": "?",
}
GATE = "sample_score"  # the method of evidence.tsv whose rows carry the rule's votes


# ---------------------------------------------------------------- calls


def calls(data: ReportData) -> Svg:
    """Contrast × pathway matrix of calls."""
    left, top, cell, row = 330, 46, 128, 34
    figure = Svg(
        left + cell * len(data.pathways) + 8,
        top + row * len(data.contrasts) + 12,
        f"Calls in {data.study}",
        "Each row is a contrast, each column a pathway. ▲ activated, ▼ repressed, ◆ conflicting, "
        "– no evidence, ? not assessable; under it the confidence.",
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
            words = wording.CALLS[str(call["call"])]
            figure.text(
                x + cell / 2,
                y + 15,
                f"{CALL_MARK[str(call['call'])]} {words}",
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


# ---------------------------------------------------------------- forest


def intervals(rows: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """`rows` of evidence with ``low`` and ``high``: the interval of ``effect``.

    From the standard error and the degrees of freedom that stand beside the effect.
    """
    half = stats.t.ppf(0.5 + level / 2, rows["df"]) * rows["se"]
    return rows.assign(low=rows["effect"] - half, high=rows["effect"] + half)


def forest(data: ReportData, pathway: str) -> Svg | None:
    """Effect and interval of each evidence readout in each contrast, and combined per group."""
    evidence = data.evidence
    rows = evidence[(evidence["pathway"] == pathway) & (evidence["role"] == "evidence")]
    rows = rows[rows["method"] == GATE]
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
    short = _short_names(pathway, readouts)
    for j, readout in enumerate(readouts):
        own = rows[rows["readout"] == readout]
        pooled = combined[(combined["readout"] == readout) & combined["effect"].notna()]
        ends = [*own["low"], *own["high"], *own["effect"], *pooled["effect"]]
        low, high = s.padded(ends, zero=True)
        start = left + j * (wide + gap)
        x = Scale(low, high, start, start + wide)
        lines = _two_lines(short[readout], int((wide + gap) / 7.8))
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
            name = f"{readout}, {row['contrast']}: {_estimate(row, 'effect', 'low', 'high')}"
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


def _estimate(row: Mapping[Any, Any], effect: str, low: str, high: str) -> str:
    return f"{row[effect]:.3g} [{row[low]:.3g}, {row[high]:.3g}]"


def _short_names(pathway: str, readouts: Sequence[str]) -> dict[str, str]:
    prefix = {name.split("_", 1)[0] for name in readouts}
    cut = len(prefix) == 1
    return {n: (n.split("_", 1)[1] if cut and "_" in n else n).replace("_", " ") for n in readouts}


def _two_lines(text: str, length: int = 17) -> list[str]:
    if len(text) <= length:
        return [text]
    words, first = text.split(" "), ""
    while words and len(first) + len(words[0]) + 1 <= length:
        first = f"{first} {words.pop(0)}".strip()
    rest = " ".join(words)
    return [first, shorten(rest, length + 1)] if first else [shorten(text, length)]


def ranking_rows(frame: pd.DataFrame, contrast: str, most: int = 12) -> pd.DataFrame:
    """The called pathways and the `most` highest of the rest, highest first."""
    own = frame[(frame["contrast"] == contrast) & frame["effect"].notna()].sort_values("rank")
    asked = own["kind"] == "pathway"
    return own[asked | own.index.isin(own[~asked].head(most).index)]


def leads(data: ReportData, contrast: str) -> Svg | None:
    """Effects of all pathways of the panel in one contrast, the strongest and the called ones."""
    frame = data.extra.get("ranking")
    if frame is None or (rows := ranking_rows(frame, contrast)).empty:
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
            title=f"{name}: {_estimate(row, 'effect', 'ci_low', 'ci_high')}",
        )
        figure.text(
            left + wide + 6,
            y + 4,
            f"{row['rank']:.0f} ({row['rank_low']:.0f}–{row['rank_high']:.0f})",
            cls="m",
        )
    return figure


# ---------------------------------------------------------------- scores of samples


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


def groups(data: ReportData) -> list[Group]:
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


def sample_scores(data: ReportData, pathway: str) -> Svg | None:
    """Every sample's score by group, one strip a readout."""
    rows = score_rows(data, pathway)
    if rows.empty:
        return None
    cells = groups(data)
    readouts = list(dict.fromkeys(rows["readout"]))
    short = _short_names(pathway, readouts)
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
        for m, text in enumerate(_two_lines(short[readout], 16)):
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


# ---------------------------------------------------------------- running sums


@dataclass(frozen=True)
class RunningSum:
    """GSEA's weighted running sum of one set in one ranked list (Subramanian 2005, weight 1)."""

    curve: Floats
    hits: npt.NDArray[np.int64]
    genes: tuple[str, ...]

    @property
    def score(self) -> float:
        """Enrichment score: the deviation from zero of largest size."""
        return float(self.curve[int(np.argmax(np.abs(self.curve)))])

    @property
    def leading_edge(self) -> tuple[str, ...]:
        """Members up to the peak (from the peak on where the score is negative)."""
        peak = int(np.argmax(np.abs(self.curve)))
        if self.score >= 0:
            return tuple(g for g, h in zip(self.genes, self.hits, strict=True) if h <= peak)
        return tuple(g for g, h in zip(self.genes, self.hits, strict=True) if h >= peak)[::-1]


def ranking(de: pd.DataFrame) -> pd.Series:
    """Wald statistic by symbol, largest first; of genes that share a symbol the strongest."""
    rows = de[de["stat"].notna() & de["symbol"].notna()]
    size = rows["stat"].abs()
    rows = rows.loc[size.sort_values(ascending=False, kind="stable").index]
    rows = rows.drop_duplicates("symbol")
    return rows.set_index("symbol")["stat"].sort_values(ascending=False, kind="stable")


def running_sum(ranked: pd.Series, members: set[str]) -> RunningSum | None:
    """Running sum of `members` along `ranked`; None with fewer than 3 members in it."""
    inside = ranked.index.isin(members)
    if inside.sum() < 3 or inside.all():
        return None
    weight = np.where(inside, np.abs(ranked.to_numpy()), 0.0)
    curve = np.cumsum(weight / weight.sum() - (~inside) / (~inside).sum())
    return RunningSum(curve, np.flatnonzero(inside), tuple(ranked.index[inside]))


def arms(readout: Readout) -> list[tuple[str, set[str]]]:
    """The readout's genes by sign, oriented so that ``+`` follows the pathway."""
    plus = {g for g, w in readout.weights.items() if w * readout.expected_direction > 0}
    minus = set(readout.weights) - plus
    made = [("with the pathway", plus), ("against it", minus)]
    return [(name, genes) for name, genes in made if len(genes) >= 3]


def main_readouts(data: ReportData, pathway: str, most: int = 3) -> list[Readout]:
    """The first evidence readout of each family, then the next ones, in the panel's order."""
    all_of = data.panel.readouts_of(pathway, role="evidence")
    first = {r.family: r for r in reversed(all_of)}
    chosen = [r for r in all_of if first[r.family] is r]
    chosen += [r for r in all_of if r not in chosen]
    return sorted(chosen[:most], key=all_of.index)


def enrichment(data: ReportData, pathway: str, contrast: str, ranked: pd.Series) -> Svg | None:
    """Running sums of the main readouts in one contrast, ticks at the members."""
    readouts = main_readouts(data, pathway)
    curves = []
    for i, readout in enumerate(readouts):
        for arm, genes in arms(readout):
            found = running_sum(ranked, genes)
            if found is not None:
                curves.append((i, readout.readout, arm, found))
    if not curves:
        return None
    left, top, wide, high = 40, 10, 250, 120
    row = 9
    figure = Svg(
        left + wide + 12,
        top + high + row * len(curves) + 32,
        f"{wording.pathway(pathway)} in {contrast}: running sums",
        "; ".join(
            f"{name}, genes {arm}: enrichment score {c.score:.2f} ({len(c.genes)} genes)"
            for _, name, arm, c in curves
        ),
        ident=f"f-enrichment-{pathway}-{contrast}",
    )
    x = Scale(0, len(ranked) - 1, left, left + wide)
    biggest = max(0.3, max(abs(c.score) for *_, c in curves) * 1.08)
    y = Scale(-biggest, biggest, top + high, top)
    figure.y_axis(y, left, right=left + wide, wanted=4)
    for k, (hue, name, arm, curve) in enumerate(curves):
        at = _corners(curve, wide)
        dash = " dash" if arm == "against it" else ""
        d = s.polyline([x(float(i)) for i in at], [y(float(curve.curve[i])) for i in at])
        figure.add(
            f'<path class="curve l{hue}{dash}" d="{d}"><title>'
            f"{escape(f'{name}, genes {arm}: ES {curve.score:.2f}')}</title></path>"
        )
        y0 = top + high + 4 + k * row
        pixels = np.unique(np.rint(x.many(curve.hits.astype(float))).astype(int))
        steps = np.diff(pixels, prepend=0)
        ticks = (
            f"M0 {s.num(y0)}"
            + f"v{row - 2}".join(f"m{p} {-(row - 2) if k else 0}" for k, p in enumerate(steps))
            + f"v{row - 2}"
        )
        figure.add(f'<path class="tickrow l{hue}" d="{ticks}"/>')
    base = top + high + row * len(curves) + 20
    figure.text(left, base, "up in test", cls="m")
    figure.text(left + wide, base, "down in test", cls="m", anchor="end")
    return figure


def _corners(curve: RunningSum, pixels: int) -> npt.NDArray[np.int64]:
    """Indices that draw the curve: at most two a column of two pixels, and the peak.

    The first and the last of the corners (just before and at each hit) that fall into a column.
    """
    n = len(curve.curve)
    near = np.unique(np.concatenate([curve.hits, np.maximum(curve.hits - 1, 0), [0, n - 1]]))
    column = (near * (pixels / 2) / n).astype(np.int64)
    first = np.flatnonzero(np.diff(column, prepend=-1))
    last = np.append(first[1:], len(near)) - 1
    peak = int(np.argmax(np.abs(curve.curve)))
    return np.unique(np.concatenate([near[first], near[last], [peak]]))


# ---------------------------------------------------------------- leading edge


def leading_genes(
    data: ReportData, pathway: str, ranked: Mapping[str, pd.Series], most: int = 24
) -> list[str]:
    """Genes most often in the leading edge of the main readouts, over contrasts and arms.

    Ties by the mean size of the statistic, then by name.
    """
    often: dict[str, int] = {}
    for readout in main_readouts(data, pathway):
        for _, genes in arms(readout):
            for series in ranked.values():
                found = running_sum(series, genes)
                for gene in found.leading_edge if found else ():
                    often[gene] = often.get(gene, 0) + 1
    size = {g: float(np.mean([abs(r[g]) for r in ranked.values() if g in r.index])) for g in often}
    return sorted(often, key=lambda g: (-often[g], -size[g], g))[:most]


def leading_edge(data: ReportData, pathway: str, ranked: Mapping[str, pd.Series]) -> Svg | None:
    """VST of the leading genes in every sample, as difference from the model's mean."""
    genes = leading_genes(data, pathway, ranked)
    if not genes:
        return None
    rows: dict[str, dict[str, float]] = {g: {} for g in genes}
    cells = groups(data)
    for name, model in data.models.items():
        vst = model.vst.set_axis(model.symbols.to_numpy(), axis=1)
        vst = vst.loc[:, ~vst.columns.duplicated()]
        for gene in genes:
            if gene in vst.columns:
                centred = vst[gene] - vst[gene].mean()
                rows[gene] |= {f"{name}|{k}": float(v) for k, v in centred.items()}
    columns = [f"{g.model}|{sample}" for g in cells for sample in g.samples]
    sizes = [len(g.samples) for g in cells]
    cell_w = max(8.0, min(26.0, 700 / len(columns)))
    cell_h, left, top = 15, 96, 8
    bottom = 24 + 6.2 * min(28, max(len(g.cell) for g in cells)) * 0.75
    figure = Svg(
        left + cell_w * len(columns) + 3 * len(cells) + 120,
        top + cell_h * len(genes) + bottom,
        f"{wording.pathway(pathway)}: leading-edge genes in every sample",
        f"{len(genes)} genes, {len(columns)} samples, difference of VST from the model's mean.",
        ident=f"f-edge-{pathway}",
    )
    xs, ys, values = [], [], []
    offset = float(left)
    spot: dict[str, float] = {}
    for group, size in zip(cells, sizes, strict=True):
        for m, sample in enumerate(group.samples):
            spot[f"{group.model}|{sample}"] = offset + m * cell_w
        figure.text(
            offset + size * cell_w / 2 + 3,
            top + cell_h * len(genes) + 12,
            shorten(group.cell, 28),
            cls="s",
            anchor="end",
            rotate=-38,
            title=group.cell,
        )
        offset += size * cell_w + 3
    for i, gene in enumerate(genes):
        figure.text(left - 6, top + i * cell_h + 12, gene, cls="s", anchor="end")
        for column in columns:
            if column in rows[gene]:
                xs.append(spot[column])
                ys.append(top + i * cell_h)
                values.append(rows[gene][column])
    limit = 2.0
    figure.cells(
        np.array(xs, dtype=float),
        np.array(ys, dtype=float),
        s.diverging(np.array(values), limit),
        cell_w,
        cell_h - 1,
        "d",
    )
    _diverging_key(figure, offset + 16, top, limit, "log2, from mean")
    return figure


def _diverging_key(figure: Svg, x: float, y: float, limit: float, name: str) -> None:
    for k in range(s.DIVERGING):
        figure.rect(x, y + (s.DIVERGING - 1 - k) * 11, 14, 11, f"d{k}")
    for value, where in ((limit, 9), (0, 5 * 11 + 9), (-limit, 10 * 11 + 9)):
        text = f"≥ {value:g}" if value > 0 else f"≤ −{limit:g}" if value < 0 else "0"
        figure.text(x + 19, y + where, text, cls="tick")
    figure.text(x, y + 11 * s.DIVERGING + 16, name, cls="tick")


# ---------------------------------------------------------------- volcano, MA


AXES_W, AXES_H = 420, 340


@dataclass(frozen=True)
class PlotArea:
    """Where data land in a scatter plot; the page's script uses the same numbers."""

    x: Scale
    y: Scale

    def attributes(self) -> str:
        """As one attribute value: x0 x1 px0 px1 y0 y1 py0 py1."""
        return " ".join(
            f"{v:.6g}"
            for scale in (self.x, self.y)
            for v in (scale.low, scale.high, scale.start, scale.end)
        )


def classes(de: pd.DataFrame, alpha: float) -> npt.NDArray[np.str_]:
    """``up``, ``down`` (padj < alpha) or ``ns`` of each gene."""
    hit = (de["padj"] < alpha).to_numpy()
    up = (de["log2fc"] > 0).to_numpy()
    return np.where(hit & up, "up", np.where(hit, "down", "ns"))


def log_p(pvalue: pd.Series) -> Floats:
    """−log10 p; a p of zero is set to the smallest double."""
    return np.asarray(-np.log10(np.maximum(pvalue.to_numpy(dtype=float), 5e-324)), dtype=float)


def volcano(data: ReportData, contrast: str) -> Svg:
    """−log10 p against log2 fold change, one dot a gene that has a p."""
    de = data.de[contrast]
    rows = de[de["pvalue"].notna() & de["log2fc"].notna()]
    return _scatter(
        rows,
        rows["log2fc"].to_numpy(),
        log_p(rows["pvalue"]),
        data.alpha,
        kind="volcano",
        contrast=contrast,
        x_name="log2 fold change, test over reference",
        y_name="−log10 p",
        symmetric=True,
    )


def ma(data: ReportData, contrast: str) -> Svg:
    """Log2 fold change against mean expression, one dot a tested gene."""
    de = data.de[contrast]
    rows = de[de["log2fc"].notna() & (de["base_mean"] > 0)]
    return _scatter(
        rows,
        np.log10(rows["base_mean"].to_numpy()),
        rows["log2fc"].to_numpy(),
        data.alpha,
        kind="ma",
        contrast=contrast,
        x_name="mean of normalised counts (log10)",
        y_name="log2 fold change",
        symmetric=False,
    )


def _scatter(
    rows: pd.DataFrame,
    x: Floats,
    y: Floats,
    alpha: float,
    *,
    kind: str,
    contrast: str,
    x_name: str,
    y_name: str,
    symmetric: bool,
) -> Svg:
    left, top = 46, 12
    title = {"volcano": "Volcano plot", "ma": "MA plot"}[kind]
    side = classes(rows, alpha)
    counts = {k: int((side == k).sum()) for k in ("up", "down", "ns")}
    figure = Svg(
        left + AXES_W + 10,
        top + AXES_H + 40,
        f"{title} of {contrast}",
        f"{len(rows)} genes; {counts['up']} up and {counts['down']} down at FDR < {alpha:g}.",
        ident=f"f-{kind}-{contrast}",
    )
    low, high = s.padded(x, share=0.03)
    if symmetric:
        high = max(abs(low), abs(high), 0.5)
        low = -high
    area = PlotArea(
        Scale(low, high, left, left + AXES_W),
        Scale(*s.padded(y, zero=True, share=0.03), top + AXES_H, top),
    )
    figure.x_axis(area.x, top + AXES_H, top=top, name=x_name)
    figure.y_axis(area.y, left, right=left + AXES_W, name=y_name, offset=34)
    figure.add(f'<g data-area="{area.attributes()}" data-plot="{kind}">')
    px, py = area.x.many(x), area.y.many(y)
    for name in ("ns", "down", "up"):
        at = side == name
        figure.dots(px[at], py[at], f"d{name}", grid=1.0 if name == "ns" else 2.0)
    _names(figure, rows, px, py, side, (left, left + AXES_W, top, top + AXES_H))
    figure.add("</g>")
    return figure


def _names(
    figure: Svg,
    rows: pd.DataFrame,
    px: Floats,
    py: Floats,
    side: npt.NDArray[np.str_],
    box: tuple[float, float, float, float],
    most: int = 7,
) -> None:
    """Names of the most significant genes of each direction, where they do not collide."""
    taken: list[tuple[float, float, float, float]] = []
    order = np.argsort(rows["pvalue"].fillna(1).to_numpy(), kind="stable")
    symbols = rows["symbol"].fillna(rows["gene_id"]).to_numpy()
    for direction in ("up", "down"):
        placed = 0
        for i in order[:400]:
            if side[i] != direction or placed >= most:
                continue
            text = shorten(str(symbols[i]), 14)
            wide = 7.2 * len(text)
            x = px[i] + 6 if px[i] + 6 + wide <= box[1] else px[i] - 6 - wide
            y = min(max(py[i] + 4, box[2] + 9), box[3] - 2)
            spot = (x - 2, x + wide, y - 11, y + 3)
            clear = all(
                spot[1] < t[0] or spot[0] > t[1] or spot[3] < t[2] or spot[2] > t[3] for t in taken
            )
            if clear and x >= box[0]:
                taken.append(spot)
                figure.text(x, y, text, cls="name")
                placed += 1


# ---------------------------------------------------------------- quality


def library_sizes(data: ReportData) -> Svg:
    """Library size of every sample, excluded ones open."""
    rows = data.samples
    left, top, step = 250, 10, 17
    sizes = rows["library_size"].to_numpy(dtype=float) / 1e6
    figure = Svg(
        left + 420 + 90,
        top + step * len(rows) + 40,
        "Library sizes",
        f"{len(rows)} samples; excluded samples are pale.",
        ident="f-library",
    )
    x = Scale(0, max(1e-6, float(np.nanmax(sizes)) * 1.02), left, left + 420)
    figure.x_axis(x, top + step * len(rows), top=top, name="million counts")
    flagged = set(data.flags["sample"])
    cell = dict(zip(data.metrics["sample"], data.metrics["group"], strict=True))
    for i, row in enumerate(rows.to_dict("records")):
        y = top + i * step
        name = f"{row['sample']}  {cell.get(row['sample'], '')}"
        figure.text(left - 6, y + 12, shorten(name, 38), cls="s", anchor="end", title=name)
        size = sizes[i] if math.isfinite(sizes[i]) else 0.0
        figure.rect(
            left, y + 2, x(size) - left, step - 4, "fbar" if row["included"] == "yes" else "fpale"
        )
        note = (
            "excluded" if row["included"] == "no" else "flagged" if row["sample"] in flagged else ""
        )
        if note:
            figure.text(x(size) + 5, y + 12, note, cls="m")
    return figure


def pca(data: ReportData) -> Svg | None:
    """First two principal components; colour and shape are the sample's cell."""
    rows = data.pca[data.pca["component"].isin(["PC1", "PC2"])]
    wide = rows.pivot_table(index="sample", columns="component", values="score", sort=False)
    if not {"PC1", "PC2"} <= set(wide.columns):
        return None
    share = rows.drop_duplicates("component").set_index("component")["explained_variance"]
    cell = dict(zip(data.metrics["sample"], data.metrics["group"], strict=True))
    names = list(dict.fromkeys(cell.get(n, "") for n in wide.index))
    left, top, w, h = 56, 12, 430, 360
    key = 34 + 7 * max(len(shorten(n, 34)) for n in names)
    figure = Svg(
        left + w + 24 + key,
        max(top + h + 44, 30 + 18 * len(names)),
        "Principal components of the samples",
        f"{len(wide)} samples; PC1 {100 * share['PC1']:.0f}%, PC2 {100 * share['PC2']:.0f}% "
        "of the variance.",
        ident="f-pca",
    )
    x = Scale(*s.padded(wide["PC1"], share=0.06), left, left + w)
    y = Scale(*s.padded(wide["PC2"], share=0.06), top + h, top)
    figure.x_axis(x, top + h, top=top, name=f"PC1 ({100 * share['PC1']:.0f}% of variance)")
    figure.y_axis(
        y, left, right=left + w, offset=44, name=f"PC2 ({100 * share['PC2']:.0f}% of variance)"
    )
    # Hue and shape move together, so that every cell has a pair of its own.
    style = {
        n: (f"k{i % s.HUES}", s.MARKS[(i // s.HUES + i) % len(s.MARKS)])
        for i, n in enumerate(names)
    }
    for sample, row in wide.iterrows():
        hue, mark = style[cell.get(sample, "")]
        figure.mark(
            x(row["PC1"]), y(row["PC2"]), mark, hue, 5, title=f"{sample} ({cell.get(sample, '')})"
        )
    for i, name in enumerate(names):
        hue, mark = style[name]
        figure.mark(left + w + 28, top + 10 + 18 * i, mark, hue, 5)
        figure.text(
            left + w + 40, top + 14 + 18 * i, shorten(name or "no cell", 34), cls="s", title=name
        )
    return figure


def correlation(data: ReportData) -> Svg:
    """Spearman correlation between samples."""
    names = list(dict.fromkeys(data.correlation["sample"]))
    square = data.correlation.pivot_table(
        index="sample", columns="other", values="correlation", sort=False
    ).reindex(index=names, columns=names)
    cell = dict(zip(data.metrics["sample"], data.metrics["group"], strict=True))
    size = max(9.0, min(28.0, 460 / len(names)))
    left, top = 232, 8
    figure = Svg(
        left + size * len(names) + 96,
        top + size * len(names) + 10,
        "Correlation between samples",
        f"{len(names)} by {len(names)} samples, Spearman, VST values.",
        ident="f-correlation",
    )
    values = square.to_numpy()
    off = values[~np.eye(len(names), dtype=bool)]
    low = float(np.nanmin(off)) if len(off) else 0.0
    index = np.arange(len(names)) * size
    xs, ys = np.meshgrid(left + index, top + index)
    ok = np.isfinite(values)
    figure.cells(xs[ok], ys[ok], s.sequential(values[ok], low, 1.0), size - 0.6, size - 0.6, "s")
    for i, name in enumerate(names):
        text = f"{name}  {cell.get(name, '')}"
        figure.text(
            left - 6,
            top + i * size + size / 2 + 3.5,
            shorten(text, 38),
            cls="xs" if size < 12 else "s",
            anchor="end",
            title=text,
        )
    x = left + size * len(names) + 14
    for k in range(s.SEQUENTIAL):
        figure.rect(x, top + (s.SEQUENTIAL - 1 - k) * 13, 14, 13, f"s{k}")
    figure.text(x + 19, top + 10, "1", cls="tick")
    figure.text(x + 19, top + 13 * s.SEQUENTIAL, f"{low:.3f}", cls="tick")
    return figure


def dispersion(data: ReportData, name: str) -> Svg:
    """Density of dispersion against mean expression of one model."""
    model = data.models[name]
    x_all = np.log10(np.maximum(model.base_mean.to_numpy(dtype=float), 1e-3))
    y_all = np.log10(np.maximum(model.dispersions.to_numpy(dtype=float), 1e-8))
    ok = np.isfinite(x_all) & np.isfinite(y_all)
    left, top, w, h = 50, 10, 300, 220
    figure = Svg(
        left + w + 14,
        top + h + 40,
        f"Dispersion, model {name}",
        f"{int(ok.sum())} genes; darker is more genes.",
        ident=f"f-dispersion-{name}",
    )
    x = Scale(*s.padded(x_all[ok]), left, left + w)
    y = Scale(*s.padded(y_all[ok]), top + h, top)
    bins, side = (
        np.histogram2d(
            x.many(x_all[ok]),
            y.many(y_all[ok]),
            bins=[np.arange(left, left + w + 5, 5.0), np.arange(top, top + h + 5, 5.0)],
        )[0],
        5.0,
    )
    i, j = np.nonzero(bins)
    level = np.log(bins[i, j])
    figure.x_axis(x, top + h, top=top, name="mean of normalised counts (log10)")
    figure.y_axis(y, left, right=left + w, name="dispersion (log10)", offset=38)
    figure.cells(
        np.asarray(left + i * side, dtype=float),
        np.asarray(top + j * side, dtype=float),
        np.maximum(1, s.sequential(level, -0.7, float(max(level.max(), 1)))),
        side,
        side,
        "s",
    )
    return figure


def p_values(data: ReportData, contrast: str) -> Svg:
    """Histogram of p-values; a flat right end is what a fitting model gives."""
    p = data.de[contrast]["pvalue"].dropna().to_numpy()
    counts, _ = np.histogram(p, bins=20, range=(0, 1))
    left, top, w, h = 46, 22, 200, 100
    figure = Svg(
        left + w + 10,
        top + h + 24,
        f"p-values of {contrast}",
        f"{len(p)} genes in 20 bins; the highest holds {counts.max() if len(p) else 0}.",
        ident=f"f-p-{contrast}",
    )
    figure.text(left, 13, shorten(contrast, 34), cls="s b", title=contrast)
    y = Scale(0, max(1, counts.max()) * 1.04, top + h, top)
    figure.y_axis(y, left, right=left + w, wanted=3)
    for i, n in enumerate(counts):
        figure.rect(left + i * w / 20, y(n), w / 20 - 1, top + h - y(n), "fbar")
    for tick in (0, 0.5, 1):
        figure.text(left + tick * w, top + h + 14, s.label(tick), cls="tick", anchor="middle")
    return figure


# ---------------------------------------------------------------- secretome


def secretome(data: ReportData, most: int = 40) -> Svg | None:
    """Secreted factors that change in most contrasts: log2 fold change, dots where padj < alpha."""
    often: dict[str, list[float]] = {}
    for frame in data.secretome.values():
        for symbol, lfc in zip(frame["symbol"], frame["log2fc"], strict=True):
            often.setdefault(symbol, []).append(abs(float(lfc)))
    if not often:
        return None
    genes = sorted(often, key=lambda g: (-len(often[g]), -max(often[g]), g))[:most]
    cell_w, cell_h, left = 40, 15, 96
    bottom = 150
    figure = Svg(
        left + cell_w * len(data.contrasts) + 130,
        8 + cell_h * len(genes) + bottom,
        "Secreted factors that change in most contrasts",
        f"{len(genes)} of {len(often)} factors that change in at least one contrast; a dot "
        f"marks FDR < {data.alpha:g}.",
        ident="f-secretome",
    )
    xs, ys, values = [], [], []
    dots = []
    for j, c in enumerate(data.contrasts):
        de = data.de[c.contrast].dropna(subset=["symbol"]).drop_duplicates("symbol")
        de = de.set_index("symbol")
        hits = set(data.secretome[c.contrast]["symbol"])
        for i, gene in enumerate(genes):
            lfc = de["log2fc"].get(gene, np.nan)
            if math.isfinite(lfc):
                xs.append(left + j * cell_w)
                ys.append(8 + i * cell_h)
                values.append(lfc)
            if gene in hits:
                dots.append((left + (j + 0.5) * cell_w, 8 + (i + 0.5) * cell_h))
        figure.text(
            left + (j + 0.5) * cell_w + 3,
            8 + cell_h * len(genes) + 12,
            shorten(c.contrast, 26),
            cls="s",
            anchor="end",
            rotate=-38,
            title=c.label,
        )
    figure.cells(
        np.array(xs, dtype=float),
        np.array(ys, dtype=float),
        s.diverging(np.array(values), 3.0),
        cell_w - 1,
        cell_h - 1,
        "d",
    )
    for i, gene in enumerate(genes):
        figure.text(left - 6, 8 + i * cell_h + 12, gene, cls="s", anchor="end")
    for x, y in dots:
        figure.mark(x, y, "circle", "fdot", 2.6)
    _diverging_key(figure, left + cell_w * len(data.contrasts) + 18, 8, 3.0, "log2 fold change")
    return figure
