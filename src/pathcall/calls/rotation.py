r"""The test of a pathway: do its lines move between samples by more than replicates differ.

**Coordinates.** A gene's values, less what the rest of the design explains, are a vector of
:math:`d = df + 1` coordinates: the first is the contrast's estimate divided by its unscaled
standard error, the others are the residual effects (limma's *effects*). Without an effect, and
with normal errors of equal variance, all directions of that space are alike: a rotation of all
genes together changes nothing in their joint distribution, however the genes are correlated. So
the statistic along the contrast is compared with the statistic along random directions. This is
the rotation test of Langsrud (2005, Stat Comput 15:53) and ROAST (Wu et al. 2010, Bioinformatics
26:2176), and it is exact for any statistic, with three samples a side as with thirty.

**Statistic.** A readout's score is a mean over its genes in log2 units, each gene weighted by its
published weight over its moderated residual standard deviation; a line is the mean of its
readouts. Each line has its *t*, with its own residual variance; nothing is assumed of how lines are
correlated. The statistic is the mean of :math:`\operatorname{arsinh}(t / \sqrt{df})` of the
`min_lines` strongest lines, in the direction where that is larger: as many lines as a call takes,
whichever they are. (Fisher's transformation of the cosine between a line and the contrast; it keeps
one enormous *t* from speaking for all.) Gene variances, and so weights, are computed anew along
every direction: nothing is tuned to the observed one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pathcall.stats.ebayes import Prior, fit_prior
from pathcall.stats.linear_models import column_basis, estimate_weights

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

_NEARLY_ONE = 1 - 1e-15
CHUNK = 2000
"""Directions that are worked on at once, to bound memory."""


class Space(NamedTuple):
    """Genes as vectors, and the directions in which their effects are looked at.

    `values`: ``genes × d``; `observed`: ``contrasts × d``, unit length; `unscaled`: standard error
    of each contrast for a value of unit variance; `prior`: of the genes' residual variances.
    """

    values: Float
    observed: Float
    unscaled: Float
    prior: Prior

    @property
    def df(self) -> int:
        """Residual degrees of freedom of a contrast."""
        return int(self.values.shape[1]) - 1


class Scores(NamedTuple):
    """Scores along directions: `effect` and `length` of ``scores × directions``.

    `effect` is the score's coordinate along the direction, `length` its norm; what is left of it
    are residuals.
    """

    effect: Float
    length: Float

    def sd(self, df: int) -> Float:
        """Residual standard deviations."""
        return np.asarray(np.sqrt(np.maximum(self.length**2 - self.effect**2, 0.0) / df))

    def t(self, df: int) -> Float:
        """Ordinary t statistics; 0 where a score has no residual variance."""
        sd = self.sd(df)
        return np.divide(self.effect, sd, out=np.zeros_like(sd), where=sd > 0)

    @property
    def cosine(self) -> Float:
        """Effect over length, in [−1, 1]: rises with t, and stays finite."""
        return np.divide(
            self.effect, self.length, out=np.zeros_like(self.effect), where=self.length > 0
        )


class JointTest(NamedTuple):
    """Test of one pathway in each contrast.

    `direction`: −1 or 1; `p`; `line_t`: ``lines × contrasts``; `mean_t`, `effect`, `se`: of the
    mean of the lines, log2 units.
    """

    direction: Int
    p: Float
    line_t: Float
    mean_t: Float
    effect: Float
    se: Float


def centred(vst: Float) -> Float:
    """Each sample's values less their mean: a score compares its genes with all genes."""
    return np.asarray(vst - vst.mean(axis=1, keepdims=True))


def contrast_space(vst: Float, design: Float, contrast: Float) -> Space:
    """The space of one contrast of a design.

    Parameters
    ----------
    vst
        ``samples × genes``.
    design
        ``samples × coefficients``, of any rank.
    contrast
        Weights over the coefficients; estimable.
    """
    weights = estimate_weights(design, contrast)
    unscaled = float(np.sqrt(weights @ weights))
    basis = np.column_stack([weights / unscaled, _complement(design)])
    values = centred(vst).T @ basis
    observed = np.eye(1, basis.shape[1])
    return Space(values, observed, np.array([unscaled]), _prior(values[:, 1:]))


def added_space(vst: Float, design: Float, columns: Float) -> Space:
    """The space of columns that are each added to a design alone (mock contrasts).

    One space serves all: the design's residual space, each column a direction in it.

    Parameters
    ----------
    columns
        ``samples × columns``, entries −1, 0, 1; none inside the design. The effect is that of 1
        over −1.
    """
    basis = _complement(design)
    values = centred(vst).T @ basis
    directions = columns.T @ basis
    length = np.sqrt((directions**2).sum(axis=1))
    return Space(values, directions / length[:, None], 2.0 / length, _prior(values))


def _complement(design: Float) -> Float:
    """Orthonormal basis of what a design leaves, ``samples × residual df``."""
    basis = column_basis(design)
    full, _ = np.linalg.qr(basis, mode="complete")
    return np.asarray(full[:, basis.shape[1] :])


def _prior(residuals: Float) -> Prior:
    df = residuals.shape[1]
    # Without residuals there is no test, and no prior.
    return fit_prior((residuals**2).sum(axis=1) / max(df, 1), max(df, 1))


def random_directions(n: int, d: int, seed: int) -> Float:
    """Directions drawn uniformly, ``n × d``."""
    drawn = np.random.default_rng([seed, d]).standard_normal((n, d))
    return np.asarray(drawn / np.sqrt((drawn**2).sum(axis=1, keepdims=True)))


def score(space: Space, groups: Sequence[Float], directions: Float) -> Scores:
    """Scores along directions: one for each group of readouts, the mean of its readouts.

    Parameters
    ----------
    groups
        Weights of each group's readouts, ``genes × readouts``, towards the pathway. The last row
        of the result is the mean of the groups.
    directions
        ``directions × d``, unit length.
    """
    effect = np.empty((len(groups) + 1, len(directions)))
    length = np.empty_like(effect)
    for start in range(0, len(directions), CHUNK):
        part = directions[start : start + CHUNK]
        total = np.zeros(part.shape)
        for i, weights in enumerate(groups):
            vector = np.zeros(part.shape)
            for column in weights.T:
                vector += _vectors(space, column, part) / weights.shape[1]
            total += vector / len(groups)
            effect[i, start : start + CHUNK] = (vector * part).sum(axis=1)
            length[i, start : start + CHUNK] = np.sqrt((vector**2).sum(axis=1))
        effect[-1, start : start + CHUNK] = (total * part).sum(axis=1)
        length[-1, start : start + CHUNK] = np.sqrt((total**2).sum(axis=1))
    return Scores(effect, length)


def _vectors(space: Space, weights: Float, directions: Float) -> Float:
    """A readout's score as a vector, for the gene variances of each direction."""
    rows = np.flatnonzero(weights)
    if not len(rows):
        return np.zeros(directions.shape)
    values, df, prior = space.values[rows], space.df, space.prior
    squared = (values**2).sum(axis=1)[:, None] - (values @ directions.T) ** 2
    d0 = float(prior.df)
    if np.isfinite(d0):
        variance = (d0 * float(prior.scale) + np.maximum(squared, 0.0)) / (d0 + df)
    else:
        variance = np.full(squared.shape, float(prior.scale))
    scaled = weights[rows, None] / np.sqrt(variance)
    scaled /= np.abs(scaled).sum(axis=0)
    return np.asarray(scaled.T @ values)


def rotation_test(
    space: Space, groups: Sequence[Float], random: Float, *, min_lines: int
) -> JointTest:
    """Test a pathway's lines of evidence in each contrast of a space.

    Parameters
    ----------
    groups
        Weights of each line's readouts, ``genes × readouts``; at least `min_lines` lines.
    random
        Random directions, ``directions × d``.
    min_lines
        Lines that a call takes, and that the statistic is of.
    """
    k = len(space.observed)
    scores = score(space, groups, np.vstack([space.observed, random]))
    ordered = np.sort(np.arctanh(np.clip(scores.cosine[:-1], -_NEARLY_ONE, _NEARLY_ONE)), axis=0)
    up = ordered[-min_lines:].mean(axis=0)
    down = -ordered[:min_lines].mean(axis=0)
    direction = np.where(up[:k] >= down[:k], 1, -1)
    seen = Scores(scores.effect[:, :k], scores.length[:, :k])
    t, se = seen.t(space.df), seen.sd(space.df)[-1] * space.unscaled
    effect = seen.effect[-1] * space.unscaled
    p = _p_values(np.maximum(up, down), k)
    return JointTest(direction, p, t[:-1], t[-1], effect, se)


def _p_values(statistic: Float, k: int) -> Float:
    """P of the first `k` among the others, which are random: (1 + as large) / (1 + others)."""
    null = np.sort(statistic[k:])
    return (1 + len(null) - np.searchsorted(null, statistic[:k] - 1e-12)) / (1 + len(null))
