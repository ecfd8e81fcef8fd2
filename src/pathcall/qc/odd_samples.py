"""Samples that are not what their labels say: exchanged, of another group, a mixture, or far off.

The best single explanation is taken first, and everything is looked at again with it put right:
labels that were exchanged are exchanged back, an odd sample is left out. So the mates of an odd
sample, which it pulls away from one another, are judged without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pathcall.qc.label_fit import LabelFit, exchange_gains, fit_labels
from pathcall.qc.mixtures import Between, between_groups

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

_CLEARLY = 1.2
"""Of two that are equally far apart, the one this much farther from others of its cell is odd."""
_ALIKE = 0.8
"""Of two that are equally far apart, the one whose explanation is weaker by this is let be."""
_SAME = 0.02
"""Exchanges whose gains differ by less than this share can't be told apart."""
_PER_ROUND = 100
"""Samples of a study for each one that is set aside in a round before all are judged again."""
Kind = Literal["exchanged", "other_group", "mixture", "outlier"]


@dataclass(frozen=True)
class OddLimits:
    """Limits of the search; gains are in units of the residual variance.

    Attributes
    ----------
    exchange, exchange_severe, exchange_apart
        Gain of exchanging two labels; beyond doubt if both samples also are this far from their
        mates, over the study's median.
    exchange_both
        Gain of an exchange over that of leaving out the odder of the two samples.
    look
        Distance, over the study's median, from which on a sample is set aside and looked at.
    between, between_severe
        Gain of another group or a mixture with it (`pathcall.qc.mixtures`).
    explained, explained_severe
        Part of the distance that it must explain.
    between_left
        Distance that it may leave: a sample that agrees with nobody is nearest to some group, too.
    between_t
        Position between the two groups, over the standard deviation of mates on that axis.
    whole_share
        Share of the other group up to which a sample is a mixture; above, it belongs there.
    outlier, outlier_severe
        Distance of a sample that no group explains.
    """

    exchange: float = 2.0
    exchange_severe: float = 5.0
    exchange_apart: float = 2.0
    exchange_both: float = 0.85
    look: float = 1.6
    between: float = 0.8
    between_severe: float = 6.0
    explained: float = 0.85
    explained_severe: float = 0.85
    between_left: float = 5.0
    between_t: float = 3.0
    whole_share: float = 0.8
    outlier: float = 2.5
    outlier_severe: float = 5.0


@dataclass(frozen=True)
class Odd:
    """One odd sample.

    Attributes
    ----------
    sample
        Its position.
    kind
        What it seems to be.
    value, limit
        Gain, or distance of an outlier, and the limit that it crossed.
    severe
        Beyond doubt.
    partner
        Position of the sample it was exchanged with; of another kind, of the one that predicts it
        and is as far from it: one of the two is odd.
    others
        Positions of two samples whose exchange would explain as much: in cells of two, that of the
        mates.
    group
        A sample (position) of the group that it belongs to or is mixed with.
    share
        Share of that group.
    distance
        Distance from its mates, over the study's median.
    """

    sample: int
    kind: Kind
    value: float
    limit: float
    severe: bool
    partner: int | None = None
    others: tuple[int, int] | None = None
    group: int | None = None
    share: float = field(default=np.nan)
    distance: float = field(default=np.nan)


def find_odd_samples(
    values: Float, design: Float, cells: Sequence[object], limits: OddLimits | None = None
) -> tuple[list[Odd], Float]:
    """Find the samples whose labels do not fit.

    Parameters
    ----------
    values
        ``samples × genes``, variance-stabilised.
    design
        ``samples × coefficients``: cells, and what is adjusted for.
    cells
        Cell of each sample. A cell of three or more keeps two samples, a cell of two keeps one.
    limits
        Limits.

    Returns
    -------
    odd, distance
        The odd samples, and every sample's distance from its mates over the study's median (NaN
        where it has none), the odd ones left out of the fit.
    """
    limits = limits or OddLimits()
    n = len(values)
    cell = np.unique([str(c) for c in cells], return_inverse=True)[1]
    size = np.bincount(cell)
    design, kept = design.copy(), np.ones(n, dtype=bool)
    found: list[Odd] = []
    aside: list[int] = []
    exchanged: set[int] = set()
    while len(aside) + len(exchanged) <= max(2, n // 3):
        fit = fit_labels(values, design, kept)
        if fit.df < 1 or fit.noise <= 0:
            break
        pair = _exchange(fit, limits, exchanged)
        if pair is not None:
            i, j, strength, others = pair
            apart = min(fit.distance[i], fit.distance[j])
            severe = others is None and apart >= limits.exchange_apart
            severe &= strength >= limits.exchange_severe
            both = [(i, j), *([others] if others is not None else [])]
            found += [
                Odd(a, "exchanged", strength, limits.exchange, severe, b,
                    both[1 - k] if len(both) > 1 else None, b, distance=float(fit.distance[a]))
                for k, (one, two) in enumerate(both)
                for a, b in ((one, two), (two, one))
            ]  # fmt: skip
            exchanged |= {i, j, *(others or ())}
            design[[i, j]] = design[[j, i]]
            cell[[i, j]] = cell[[j, i]]
            continue
        between = between_groups(fit, cell)
        mates = np.bincount(cell[kept], minlength=len(size))
        spare = kept & fit.predicted & (mates[cell] > np.where(size >= 3, 2, 1)[cell])
        # One that another group explains comes before the mates that it pulls towards itself.
        suspect = spare & _convincing(between, limits)
        if not suspect.any():
            suspect = spare & (fit.distance > limits.look)
        if not suspect.any():
            break
        # One a round; of hundreds of samples several, of different cells.
        for _ in range(max(1, n // _PER_ROUND)):
            i = _oddest(fit, between, suspect, cell, limits)
            kept[i] = False
            aside.append(i)
            suspect &= cell != cell[i]
            if not suspect.any():
                break
    fit = fit_labels(values, design, kept)
    between = between_groups(fit, cell)
    for i in aside:
        odd = _verdict(fit, between, i, limits)
        if odd is not None:
            found += _with_twin(values, design, kept, cell, odd, limits)
    distance = np.where(fit.predicted, fit.distance, np.nan)
    return found, distance


def _exchange(
    fit: LabelFit, limits: OddLimits, exchanged: set[int]
) -> tuple[int, int, float, tuple[int, int] | None] | None:
    """The best exchange, its strength, and another that is as good, if it is good enough."""
    gains = exchange_gains(fit)
    if exchanged:
        done = sorted(exchanged)
        gains[done] = gains[:, done] = -np.inf
    i, j = np.unravel_index(int(np.argmax(gains)), gains.shape)
    gain = float(gains[i, j])
    if not np.isfinite(gain) or gain <= 0:
        return None
    left = max(fit.rss - gain, 1e-12 * fit.rss) / fit.df
    strength = gain / left
    # A mixture is farther from its mates than the innocent sample it would be exchanged with.
    alone = fit.distance**2 * fit.noise
    if strength < limits.exchange or gain < limits.exchange_both * max(alone[i], alone[j]):
        return None
    gains[[i, j]] = gains[:, [i, j]] = -np.inf
    a, b = np.unravel_index(int(np.argmax(gains)), gains.shape)
    same = gains[a, b] > (1 - _SAME) * gain
    others = (int(min(a, b)), int(max(a, b))) if same else None
    return int(min(i, j)), int(max(i, j)), strength, others


def _oddest(fit: LabelFit, between: Between, candidates: Bool, cell: Int, limits: OddLimits) -> int:
    """The candidate that is farthest from its mates.

    Two samples that only predict each other, of a pair or of a cell of two, are equally far apart.
    Then the one that is farther from the other samples of its cell; where there are none, the one
    that another group explains, or that is farther from all other samples.
    """
    distance = np.where(candidates, fit.distance, 0.0)
    first = int(np.argmax(distance))
    tied = np.flatnonzero(candidates & (distance > 0.999 * distance[first]))
    if len(tied) == 1:
        return first
    apart = np.array([_apart(fit, i, tied, cell) for i in tied])
    if np.isfinite(apart).all():
        return int(tied[int(np.argmax(apart))])
    gain = (between.gain * between.explained * _convincing(between, limits))[tied]
    if gain.max() > 1.1 * np.sort(gain)[-2] + 0.1:
        return int(tied[int(np.argmax(gain))])
    far = [_median_distance(fit, i, np.flatnonzero(cell != cell[i])) for i in tied]
    return int(tied[int(np.argmax(far))])


def _apart(fit: LabelFit, i: int | np.integer[Any], tied: Int, cell: Int) -> float:
    """Median distance from the samples of the same cell that are not in question; NaN: none."""
    mates = np.flatnonzero(fit.kept & (cell == cell[i]))
    return _median_distance(fit, i, np.setdiff1d(mates, tied))


def _median_distance(fit: LabelFit, i: int | np.integer[Any], others: Int) -> float:
    if not len(others):
        return np.nan
    return float(np.median(np.sqrt(((fit.values[i] - fit.values[others]) ** 2).sum(axis=1))))


def _with_twin(
    values: Float, design: Float, kept: Bool, cell: Int, odd: Odd, limits: OddLimits
) -> list[Odd]:
    """The odd sample, with its twin where nobody else can say which of the two is odd.

    Two samples of a donor in a paired design stand and fall together: what one of them says of the
    other, the other says of it.
    """
    i = odd.sample
    together = kept.copy()
    together[i] = True
    fit = fit_labels(values, design, together)
    tied = together & fit.predicted & (fit.distance > 0.999 * fit.distance[i])
    tied &= fit.distance < 1.001 * fit.distance[i]
    tied[i] = False
    if tied.sum() != 1:
        return [odd]
    twin = int(np.flatnonzero(tied)[0])
    both = np.array([i, twin])
    if _apart(fit, i, both, cell) > _CLEARLY * _apart(fit, twin, both, cell):
        return [odd]
    together[twin] = False
    fit = fit_labels(values, design, together)
    other = _verdict(fit, between_groups(fit, cell), twin, limits)
    odd = replace(odd, severe=False, partner=twin)
    if odd.kind == "outlier" or other is None or other.kind == "outlier":
        return [odd]
    if other.value < _ALIKE * odd.value:
        return [odd]
    return [odd, replace(other, severe=False, partner=i, distance=odd.distance)]


def _convincing(between: Between, limits: OddLimits) -> Bool:
    """Samples that another group, or a mixture with it, explains."""
    return np.asarray(
        (between.group >= 0)
        & (between.gain >= limits.between)
        & (between.explained >= limits.explained)
        & (between.left <= limits.between_left)
        & (between.t >= limits.between_t)
    )


def _verdict(fit: LabelFit, between: Between, i: int, limits: OddLimits) -> Odd | None:
    distance = float(fit.distance[i])
    share, gain = float(between.share[i]), float(between.gain[i])
    explained = float(between.explained[i])
    if _convincing(between, limits)[i]:
        example = int(np.flatnonzero(fit.group == between.group[i])[0])
        return Odd(
            i,
            "other_group" if share > limits.whole_share else "mixture",
            gain,
            limits.between,
            gain >= limits.between_severe and explained >= limits.explained_severe,
            group=example,
            share=share,
            distance=distance,
        )
    if distance >= limits.outlier:
        severe = distance >= limits.outlier_severe
        return Odd(i, "outlier", distance, limits.outlier, severe=severe, distance=distance)
    return None
