"""Running sums along the ranked genes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import escape

from pathcall.enrichment.gsea import in_order
from pathcall.enrichment.used_genes import ranked_statistics
from pathcall.report import svg as s
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.svg import Floats, Scale, Svg
from pathcall.signatures.panel import Readout


@dataclass(frozen=True)
class RunningSum:
    """GSEA's weighted running sum of one set in one ranked list (Subramanian 2005, weight 1)."""

    curve: Floats
    hits: npt.NDArray[np.int64]
    genes: tuple[str, ...]

    @property
    def peak(self) -> int:
        """Where the deviation from zero is largest."""
        return int(np.argmax(np.abs(self.curve)))

    @property
    def score(self) -> float:
        """Enrichment score: the deviation from zero of largest size."""
        return float(self.curve[self.peak])

    @property
    def leading_edge(self) -> tuple[str, ...]:
        """Members up to the peak (from the peak on where the score is negative)."""
        if self.score >= 0:
            return tuple(g for g, h in zip(self.genes, self.hits, strict=True) if h <= self.peak)
        return tuple(g for g, h in zip(self.genes, self.hits, strict=True) if h >= self.peak)[::-1]


def gene_rankings(data: ReportData) -> dict[str, pd.Series]:
    """Contrast → the ranked list of the run's GSEA: symbol → Wald statistic, largest first."""
    return {
        c.contrast: in_order(ranked_statistics(data.de[c.contrast], data.symbols[c.model]))
        for c in data.contrasts
    }


def running_sum(ranked: pd.Series, members: set[str]) -> RunningSum | None:
    """Running sum of `members` along `ranked`; None with fewer than 3 members in it."""
    found = ranked.index.get_indexer(list(members))
    hits = np.sort(found[found >= 0])
    if len(hits) < 3 or len(hits) == len(ranked):
        return None
    weight = np.abs(ranked.to_numpy()[hits])
    steps = np.full(len(ranked), -1.0 / (len(ranked) - len(hits)))
    steps[hits] = weight / weight.sum()
    return RunningSum(np.cumsum(steps), hits, tuple(ranked.index[hits]))


def leading_edge(
    data: ReportData, contrast: str, ranked: pd.Series, genes: Collection[str]
) -> tuple[str, ...]:
    """Leading edge of a set: that of the run's table; an arm that is no gene set has its own."""
    row = data.enrichment_row(contrast, genes)
    if row is not None:
        return tuple(str(row["leading_edge"]).split(";"))
    found = running_sum(ranked, set(genes))
    return found.leading_edge if found else ()


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


def draw_running_sums(
    data: ReportData, pathway: str, contrast: str, ranked: pd.Series
) -> Svg | None:
    """Running sums of the main readouts in one contrast, ticks at the members."""
    readouts = main_readouts(data, pathway)
    curves = []
    for i, readout in enumerate(readouts):
        for arm, genes in arms(readout):
            found = running_sum(ranked, genes)
            if found is not None:
                tested = data.enrichment_row(contrast, genes)
                score = found.score if tested is None else float(tested["es"])
                curves.append((i, readout.readout, arm, found, score))
    if not curves:
        return None
    left, top, wide, high = 40, 10, 250, 120
    row = 9
    figure = Svg(
        left + wide + 12,
        top + high + row * len(curves) + 32,
        f"{wording.pathway(pathway)} in {contrast}: running sums",
        "; ".join(
            f"{name}, genes {arm}: enrichment score {score:.2f} ({len(c.genes)} genes)"
            for _, name, arm, c, score in curves
        ),
        ident=f"f-enrichment-{pathway}-{contrast}",
    )
    x = Scale(0, len(ranked) - 1, left, left + wide)
    biggest = max(0.3, max(abs(score) for *_, score in curves) * 1.08)
    y = Scale(-biggest, biggest, top + high, top)
    figure.y_axis(y, left, right=left + wide, wanted=4)
    for k, (hue, name, arm, curve, score) in enumerate(curves):
        at = _corners(curve, wide)
        dash = " dash" if arm == "against it" else ""
        d = s.polyline([x(float(i)) for i in at], [y(float(curve.curve[i])) for i in at])
        figure.add(
            f'<path class="curve l{hue}{dash}" d="{d}"><title>'
            f"{escape(f'{name}, genes {arm}: ES {score:.2f}')}</title></path>"
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
    return np.unique(np.concatenate([near[first], near[last], [curve.peak]]))
