r"""Competitive tests of signatures that allow for correlation between genes (camera).

For a signature with weights :math:`w_g` over all :math:`G` genes (0 or 1 for a set, signed for an
up/down pair or a footprint) and gene statistics :math:`z_g`, the score is the slope of the
regression of :math:`z` on :math:`w` with an intercept, a linear functional of the statistics:

.. math::

    b = \sum_g c_g z_g, \qquad c_g = (w_g - \bar w) / \sum_h (w_h - \bar w)^2

For a 0/1 set, :math:`b` is the mean in the set less the mean outside. Its variance is

.. math::

    \operatorname{Var}(b) = s^2 \Bigl( \sum_g c_g^2 + \rho \bigl[ (\sum_{g \in S} |c_g|)^2
        - \sum_{g \in S} c_g^2 \bigr] \Bigr)

with :math:`s^2` the residual variance of that regression on :math:`G - 2` degrees of freedom,
:math:`S` the genes of non-zero weight and :math:`\rho` the mean correlation between them, each
pair taken with its sign: two genes of one arm correlate by :math:`\rho`, two genes of opposite
arms by :math:`-\rho`, which is what a pathway whose activity varies between samples does to its
targets. For a 0/1 set of :math:`m` genes the bracket is :math:`(m - 1) / m` and
:math:`b / \sqrt{\operatorname{Var}(b)}` is the two-sample *t* of camera with its variance inflation
factor :math:`1 + (m - 1) \rho` (Wu & Smyth 2012, Nucleic Acids Res 40:e133), as in limma's
``cameraPR`` on statistics that are not turned into ranks.

The *t* is given as the normal deviate of the same tail probability, so that values of different
degrees of freedom can be compared: :math:`G - 2` where :math:`\rho` is preset, the residual degrees
of freedom of the samples (if fewer) where it is estimated from them.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from pathcall.stats.tails import t_to_z

Float = npt.NDArray[np.float64]
Weights: TypeAlias = Any
"""``genes × s``: a dense array, or a sparse matrix where there are thousands of signatures."""

PRESET_CORRELATION = 0.01
"""Inter-gene correlation where it can't be estimated (the default of limma since 3.30)."""

MIN_RESIDUAL_DF = 6
"""Residual degrees of freedom from which on the correlation is estimated from the samples.

A variance inflation factor estimated on d degrees of freedom has a relative standard error of
sqrt(2 / d): 58% at 6, 82% at 3. Below 6 the preset value is the lesser evil.
"""


def test_signatures(
    stats: Float,
    weights: Weights,
    correlation: Float | float = PRESET_CORRELATION,  # noqa: PT028
    *,
    df: Float | float = np.inf,  # noqa: PT028
) -> Float:
    """Test every signature on every column of statistics.

    Parameters
    ----------
    stats
        Gene statistics, ``genes × k``, none missing (leave out untested genes before).
    weights
        ``genes × s``, 0 for genes outside the signature; dense or sparse (CSC).
    correlation
        Mean inter-gene correlation, one for all or one for each signature.
    df
        Degrees of freedom of the correlation's estimate; infinite where it is preset. The test
        has ``min(df, genes − 2)``.

    Returns
    -------
    z
        ``s × k``; NaN for a signature that has no gene or has every gene with the same weight.
    """
    stats = _checked(stats)
    genes = len(stats)
    if sparse.issparse(weights):
        matrix = weights.tocsc().astype(float)
        matrix.eliminate_zeros()
        size = np.diff(matrix.indptr).astype(float)
        total = np.asarray(matrix.sum(axis=0)).ravel()
        square = np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel()
        mean = total / genes
        apart = matrix.copy()
        apart.data = np.abs(matrix.data - np.repeat(mean, np.diff(matrix.indptr)))
        absolute = np.asarray(apart.sum(axis=0)).ravel()
        own = np.asarray(apart.multiply(apart).sum(axis=0)).ravel()
    else:
        matrix = np.asarray(weights, dtype=float)
        inside = matrix != 0
        size = inside.sum(axis=0).astype(float)
        total = matrix.sum(axis=0)
        square = np.einsum("gs,gs->s", matrix, matrix)
        mean = total / genes
        # |w − mean| over the members only, without a second genes × s array.
        centred = np.where(inside, matrix - mean, 0.0)
        absolute = np.abs(centred).sum(axis=0)
        own = np.einsum("gs,gs->s", centred, centred)
    spread = square - total * mean
    spread[(size == 0) | (spread <= 1e-12 * np.maximum(square, 1e-300))] = np.nan
    centre = stats - stats.mean(axis=0)
    slope = np.asarray(matrix.T @ centre) / spread[:, None]
    whole = np.einsum("gk,gk->k", centre, centre)
    residual = np.maximum(whole - slope**2 * spread[:, None], 0.0) / (genes - 2)
    variance = 1 / spread + correlation * (absolute**2 - own) / spread**2
    with np.errstate(divide="ignore", invalid="ignore"):
        t = slope / np.sqrt(residual * variance[:, None])
    return t_to_z(t, _column(np.minimum(df, genes - 2)))


def estimate_correlation(
    residuals: Float,
    weights: Weights,
    residual_df: int,
    *,
    preset: float = PRESET_CORRELATION,
    minimum_df: int = MIN_RESIDUAL_DF,
) -> Float:
    r"""Estimate the mean correlation between the genes of each signature from residuals.

    The mean over pairs of different genes of :math:`w_g w_h r_{gh}`, divided by that of
    :math:`|w_g w_h|`, with :math:`r` the correlation of the two genes' residuals about their fitted
    values: pairs of one arm count as they are, pairs across arms with the opposite sign. For a 0/1
    set this is the mean pairwise correlation (``interGeneCorrelation`` of limma). Values below 0
    become 0, as in limma: a test must not gain from a negative estimate.

    Parameters
    ----------
    residuals
        ``samples × genes``: values less the fitted values of the model's design.
    weights
        ``genes × s``.
    residual_df
        Samples less the rank of the design.
    preset
        Used for all signatures where `residual_df` is below `minimum_df`.

    Returns
    -------
    correlation
        ``(s,)``; 0 for signatures with one gene. Genes whose residuals are all 0 count as
        uncorrelated.
    """
    count = weights.shape[1]
    if residual_df < minimum_df:
        return np.full(count, preset)
    norm = np.sqrt(np.einsum("ng,ng->g", residuals, residuals))
    unit = np.divide(residuals, norm, out=np.zeros_like(residuals, dtype=float), where=norm > 1e-8)
    if sparse.issparse(weights):
        matrix = weights.tocsc().astype(float)
        absolute = np.asarray(abs(matrix).sum(axis=0)).ravel()
        square = np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel()
        own = np.asarray(matrix.multiply(matrix).T @ (norm > 1e-8)).ravel()
    else:
        matrix = np.asarray(weights, dtype=float)
        absolute = np.abs(matrix).sum(axis=0)
        square = np.einsum("gs,gs->s", matrix, matrix)
        own = np.einsum("gs,gs,g->s", matrix, matrix, (norm > 1e-8).astype(float))
    score = np.asarray(matrix.T @ unit.T)
    pairs = absolute**2 - square
    raw = np.einsum("sn,sn->s", score, score) - own
    correlation = np.zeros(count)
    several = pairs > 1e-12 * np.maximum(square, 1e-300)
    correlation[several] = raw[several] / pairs[several]
    return np.clip(correlation, 0.0, 1.0)


def correlation_df(residual_df: int, *, minimum_df: int = MIN_RESIDUAL_DF) -> float:
    """Degrees of freedom that go with `estimate_correlation`: infinite where it is preset."""
    return float(residual_df) if residual_df >= minimum_df else np.inf


def _checked(stats: Float) -> Float:
    stats = np.asarray(stats, dtype=float)
    if stats.ndim != 2 or len(stats) < 3:
        raise ValueError(
            f"statistics must be genes × k with three genes or more, not {stats.shape}"
        )
    if not np.isfinite(stats).all():
        raise ValueError("statistics must be finite: leave out genes without one")
    return stats


def _column(values: Float | float) -> Float:
    values = np.asarray(values, dtype=float)
    return values if values.ndim == 0 else values[:, None]
