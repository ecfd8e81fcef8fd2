r"""Evidence of a contrast without each of its samples, from the fit of all.

Without a sample, the space of the test (`pathcall.calls.rotation`) loses one dimension. With
:math:`b` the sample's own row of the space's basis, scaled to unit length, what is left are the
vectors orthogonal to :math:`b`: a gene's vector :math:`v` becomes :math:`v - (v \cdot b) b`, a
random direction likewise, and the contrast's direction is what is left of the first axis,
:math:`o = (e_1 - b_1 b) / \sqrt{1 - b_1^2}`. The contrast's unscaled standard error grows by
:math:`1 / \sqrt{1 - b_1^2}`; where that is infinite, the sample is needed. All of this is the fit
without the sample, to the last digits of the arithmetic, at a small part of its cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pathcall.calls.readout_tests import Evidence, Prepared
from pathcall.calls.rotation import (
    JointTest,
    Line,
    Scores,
    Space,
    p_values,
    random_directions,
    strongest,
)
from pathcall.stats.ebayes import Prior, fit_prior
from pathcall.stats.linear_models import estimate_weights, samples_used
from pathcall.study.config import CallsConfig

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

_NEEDED = 1e-8
"""A contrast of which less than this share is left without a sample can't do without it."""


class Without(NamedTuple):
    """The space of a contrast without one sample.

    `sample`: its position; `taken`: unit vector of the sample, `observed`: direction of the
    contrast, both ``d``; `unscaled`: standard error of the contrast for a value of unit variance;
    `prior`: of the genes' residual variances.
    """

    sample: int
    taken: Float
    observed: Float
    unscaled: float
    prior: Prior


def spaces_without(prepared: Prepared, contrast: Float, space: Space) -> list[Without]:
    """The space of a contrast without each sample that it draws on and can do without."""
    samples, df = prepared.samples, space.df - 1
    weights = estimate_weights(prepared.design, contrast)
    unit = weights / np.sqrt(weights @ weights)
    effect = unit @ samples.centred
    made = []
    for i in np.flatnonzero(samples_used(prepared.design, contrast)):
        row = np.concatenate([unit[[i]], samples.complement[i]])
        size = float(np.sqrt(row @ row))
        taken = row / size
        left = 1.0 - taken[0] ** 2
        if left < _NEEDED or df < 1:
            continue
        observed = (np.eye(1, len(row))[0] - taken[0] * taken) / np.sqrt(left)
        # Of all genes, for their prior: the sample's coordinate, and the contrast's.
        gone = (samples.residuals[i] + unit[i] * effect) / size
        along = (effect - taken[0] * gone) / np.sqrt(left)
        square = samples.square + effect**2 - gone**2 - along**2
        prior = fit_prior(np.maximum(square, 0.0) / df, df)
        unscaled = float(space.unscaled[0] / np.sqrt(left))
        made.append(Without(int(i), taken, observed, unscaled, prior))
    return made


def evidence_without(
    prepared: Prepared,
    contrast: Float,
    rule: CallsConfig,
    *,
    seed: int,
    rotations: int,
    needed: Callable[[JointTest, int], Bool],
) -> tuple[list[int], Evidence]:
    """Evidence of the lines of a contrast without each of its samples.

    Parameters
    ----------
    contrast
        Weights over the coefficients.
    needed
        Of a test and its degrees of freedom, whether its p is needed; NaN where it is not.

    Returns
    -------
    list, Evidence
        Positions of the samples, and one column each; single readouts are not tested (NaN).
    """
    space = prepared.samples.contrast(contrast)
    without = spaces_without(prepared, contrast, space)
    nan = np.full((prepared.n, len(without)), np.nan)
    tested = {}
    if without:
        random = random_directions(rotations, space.df + 1, seed)
        weights = prepared.weights[prepared.samples.rows]
        for pathway in prepared.pathways:
            lines = prepared.lines(pathway)
            if len(lines) >= rule.min_lines:
                own = [Line.of(space.values, weights[:, at]) for at in lines.values()]
                tested[pathway] = _tests(own, space.df - 1, without, random, rule, needed)
    return [w.sample for w in without], Evidence(space.df - 1, nan, nan, nan, tested)


def _tests(
    lines: Sequence[Line],
    df: int,
    without: Sequence[Without],
    random: Float,
    rule: CallsConfig,
    needed: Callable[[JointTest, int], Bool],
) -> JointTest:
    """A pathway's test without each sample, side by side."""
    along_all: list[Float] = []
    made = []
    for w in without:
        gone = [line.values @ w.taken for line in lines]
        one, statistic = _observed(lines, gone, df, w, rule.min_lines)
        if needed(one, df).any():
            if not along_all:
                along_all = [line.values @ random.T for line in lines]
            shift = random @ w.taken
            length = np.sqrt(1.0 - shift**2)
            cosine = np.empty((len(lines), len(random)))
            for i, (line, own, whole) in enumerate(zip(lines, gone, along_all, strict=True)):
                along = (whole - own[:, None] * shift) / length
                u = line.coefficients(along, line.square - own**2, w.prior, df)
                square = ((u.T @ line.factor) ** 2).sum(axis=1) - (own @ u) ** 2
                size = np.sqrt(np.maximum(square, 0.0))
                cosine[i] = Scores((u * along).sum(axis=0), size).cosine
            null = np.maximum(*strongest(cosine, rule.min_lines))
            one = one._replace(p=p_values(statistic, null))
        made.append(one)
    parts = zip(*made, strict=True)
    return JointTest(*(np.concatenate(part, axis=-1) for part in parts))


def _observed(
    lines: Sequence[Line], gone: Sequence[Float], df: int, w: Without, min_lines: int
) -> tuple[JointTest, Float]:
    """The test of the contrast itself, its p still open, and the statistic."""
    effect, length = np.empty((2, len(lines) + 1, 1))
    total = np.zeros(len(w.observed))
    for i, (line, own) in enumerate(zip(lines, gone, strict=True)):
        along = (line.values @ w.observed)[:, None]
        vector = (line.coefficients(along, line.square - own**2, w.prior, df).T @ line.values)[0]
        vector -= (vector @ w.taken) * w.taken
        total += vector / len(lines)
        effect[i], length[i] = vector @ w.observed, np.sqrt(vector @ vector)
    effect[-1], length[-1] = total @ w.observed, np.sqrt(total @ total)
    seen = Scores(effect, length)
    t, se = seen.t(df), seen.sd(df)[-1] * w.unscaled
    up, down = strongest(seen.cosine[:-1], min_lines)
    direction = np.where(up >= down, 1, -1)
    made = JointTest(direction, np.full(1, np.nan), t[:-1], t[-1], effect[-1] * w.unscaled, se)
    return made, np.maximum(up, down)
