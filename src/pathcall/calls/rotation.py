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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pathcall.stats.ebayes import Prior, fit_prior
from pathcall.stats.linear_models import column_basis, estimate_weights

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

_NEARLY_ONE = 1 - 1e-15
CHUNK = 500
"""Directions that are worked on at once: what a line takes of them stays in the cache."""


@dataclass(frozen=True)
class Samples:
    """The samples of a model, and what all contrasts of its design share.

    Attributes
    ----------
    vst
        ``samples × genes``.
    design
        ``samples × coefficients``, of any rank.
    rows
        Genes that readouts hold; all by default. The others enter a sample's mean and the prior.
    """

    vst: Float = field(repr=False)
    design: Float = field(repr=False)
    rows: Int | None = field(default=None, repr=False)

    @cached_property
    def centred(self) -> Float:
        """Each sample's values less their mean: a score compares its genes with all genes."""
        return np.asarray(self.vst - self.vst.mean(axis=1, keepdims=True))

    @cached_property
    def complement(self) -> Float:
        """Orthonormal basis of what the design leaves, ``samples × residual df``."""
        basis = column_basis(self.design)
        full, _ = np.linalg.qr(basis, mode="complete")
        return np.asarray(full[:, basis.shape[1] :])

    @cached_property
    def residuals(self) -> Float:
        """What the design leaves of the centred values, ``samples × genes``."""
        basis = column_basis(self.design)
        return np.asarray(self.centred - basis @ (basis.T @ self.centred))

    @cached_property
    def square(self) -> Float:
        """Residual sum of squares of each gene."""
        return np.asarray(np.einsum("ng,ng->g", self.residuals, self.residuals))

    @cached_property
    def prior(self) -> Prior:
        """Prior of the genes' residual variances."""
        # Without residuals there is no test, and no prior.
        df = max(self.complement.shape[1], 1)
        return fit_prior(self.square / df, df)

    @cached_property
    def coordinates(self) -> Float:
        """Residual effects of the genes in `rows`, ``rows × residual df``."""
        return np.asarray(self._of_rows.T @ self.complement)

    @property
    def _of_rows(self) -> Float:
        return self.centred if self.rows is None else self.centred[:, self.rows]

    def contrast(self, contrast: Float) -> Space:
        """The space of one contrast.

        Parameters
        ----------
        contrast
            Weights over the coefficients; estimable.
        """
        weights = estimate_weights(self.design, contrast)
        unscaled = float(np.sqrt(weights @ weights))
        values = np.column_stack([(weights / unscaled) @ self._of_rows, self.coordinates])
        return Space(values, np.eye(1, values.shape[1]), np.array([unscaled]), self.prior)

    def added(self, columns: Float) -> Space:
        """The space of columns that are each added to the design alone (mock contrasts).

        One space serves all: the design's residual space, each column a direction in it.

        Parameters
        ----------
        columns
            ``samples × columns``, entries −1, 0, 1; none inside the design. The effect is that of
            1 over −1.
        """
        directions = columns.T @ self.complement
        length = np.sqrt((directions**2).sum(axis=1))
        return Space(self.coordinates, directions / length[:, None], 2.0 / length, self.prior)


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


class Line(NamedTuple):
    """A line of evidence: the genes of its readouts, and these readouts' weights.

    `values`: ``genes × d``, in a space; `weights`: ``genes × readouts``; `square`: squared length
    of each gene; `factor`: ``genes × q`` with as few columns as give the same lengths, |u·values| =
    |u·factor| for any u.
    """

    values: Float
    weights: Float
    square: Float
    factor: Float

    @classmethod
    def of(cls, values: Float, weights: Float) -> Line:
        """Line of the genes that any readout weighs.

        Parameters
        ----------
        values, weights
            ``genes × d`` and ``genes × readouts``, towards the pathway.
        """
        rows = np.flatnonzero(weights.any(axis=1))
        own = values[rows]
        wide = own.shape[1] > len(rows)
        factor = np.asarray(np.linalg.qr(own.T, mode="r")).T if wide else own
        return cls(own, weights[rows], np.einsum("gd,gd->g", own, own), factor)

    def coefficients(self, along: Float, square: Float, prior: Prior, df: int) -> Float:
        """Weight of each gene in the line's score, for the gene variances of each direction.

        Parameters
        ----------
        along
            Genes' effects, ``genes × directions``.
        square
            Squared lengths, of effect and residuals together.
        """
        d0 = float(prior.df)
        if np.isfinite(d0):
            left = np.maximum(square[:, None] - along**2, 0.0)
            sd = np.sqrt((d0 * float(prior.scale) + left) / (d0 + df))
        else:
            sd = np.full(along.shape, np.sqrt(float(prior.scale)))
        total = np.zeros(along.shape)
        for column in self.weights.T:
            scaled = column[:, None] / sd
            size = np.abs(scaled).sum(axis=0) * self.weights.shape[1]
            total += scaled / np.where(size > 0, size, 1.0)
        return total


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


@lru_cache(maxsize=1)
def random_directions(n: int, d: int, seed: int) -> Float:
    """Directions drawn uniformly, ``n × d``."""
    drawn = np.random.default_rng([seed, d]).standard_normal((n, d))
    return np.asarray(drawn / np.sqrt((drawn**2).sum(axis=1, keepdims=True)))


def score(space: Space, lines: Sequence[Line]) -> Scores:
    """Scores of lines along the observed directions; the last row is the mean of the lines."""
    directions = space.observed
    effect = np.empty((len(lines) + 1, len(directions)))
    length = np.empty_like(effect)
    total = np.zeros(directions.shape)
    for i, line in enumerate(lines):
        along = line.values @ directions.T
        vector = line.coefficients(along, line.square, space.prior, space.df).T @ line.values
        total += vector / len(lines)
        effect[i] = (vector * directions).sum(axis=1)
        length[i] = np.sqrt((vector**2).sum(axis=1))
    effect[-1] = (total * directions).sum(axis=1)
    length[-1] = np.sqrt((total**2).sum(axis=1))
    return Scores(effect, length)


def strongest(cosine: Float, min_lines: int) -> tuple[Float, Float]:
    """The statistic upwards and downwards, from the lines' cosines (``lines × directions``)."""
    ordered = np.sort(np.arctanh(np.clip(cosine, -_NEARLY_ONE, _NEARLY_ONE)), axis=0)
    return ordered[-min_lines:].mean(axis=0), -ordered[:min_lines].mean(axis=0)


def rotation_test(
    space: Space,
    lines: Sequence[Line],
    random: Float,
    *,
    min_lines: int,
    needed: Callable[[JointTest], Bool] | None = None,
) -> JointTest:
    """Test a pathway's lines of evidence in each contrast of a space.

    Parameters
    ----------
    lines
        At least `min_lines` lines.
    random
        Random directions, ``directions × d``.
    min_lines
        Lines that a call takes, and that the statistic is of.
    needed
        Of a test whose p is still NaN, whether its p is needed; where no contrast needs it, it
        stays NaN.
    """
    seen = score(space, lines)
    up, down = strongest(seen.cosine[:-1], min_lines)
    t, se = seen.t(space.df), seen.sd(space.df)[-1] * space.unscaled
    direction = np.where(up >= down, 1, -1)
    nan = np.full(len(up), np.nan)
    made = JointTest(direction, nan, t[:-1], t[-1], seen.effect[-1] * space.unscaled, se)
    if needed is not None and not needed(made).any():
        return made
    cosine = np.empty((len(lines), len(random)))
    for i, line in enumerate(lines):
        for start in range(0, len(random), CHUNK):
            along = line.values @ random[start : start + CHUNK].T
            u = line.coefficients(along, line.square, space.prior, space.df)
            length = np.sqrt(((u.T @ line.factor) ** 2).sum(axis=1))
            cosine[i, start : start + CHUNK] = Scores((u * along).sum(axis=0), length).cosine
    null = np.maximum(*strongest(cosine, min_lines))
    return made._replace(p=p_values(np.maximum(up, down), null))


def p_values(statistic: Float, null: Float) -> Float:
    """P of statistics among random ones: (1 + as large) / (1 + random)."""
    null = np.sort(null)
    return (1 + len(null) - np.searchsorted(null, statistic - 1e-12)) / (1 + len(null))
