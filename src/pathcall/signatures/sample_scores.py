"""One score per sample and signature, and their test across samples: the gate of every call.

Genes are not the replicates of an experiment, samples are. A signature's score in each sample is
therefore tested with the model's own design and contrast, like a gene's expression would be, so
that whatever correlates its genes (a shared latent factor, a batch, sample purity) is part of the
residual variance that the effect is measured against. Variances are moderated across signatures
(`pathcall.stats.ebayes`).

Scores are linear in the VST values: each gene is centred and divided by its moderated residual
standard deviation under the model's design, then summed with the signature's weights, which are
centred over all tested genes (the score compares the signature with the rest of the
transcriptome, as ssGSEA does by ranks) and have unit length. Being linear, they are exact and fast
for hundreds of mock contrasts and thousands of random signatures. gseapy's ssGSEA is reported
beside them; ``docs/method.md`` gives their agreement.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pathcall.stats.ebayes import Prior, squeeze, two_sided
from pathcall.stats.linear_models import column_basis, residual_df, residuals_of

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]


class ScoreTest(NamedTuple):
    """Test of a contrast on several scores: one value a score (or ``scores × contrasts``)."""

    effect: Float
    t: Float
    df: Float
    p: Float
    se: Float


def unit_weights(weights: Float) -> Float:
    """Centre each column over all genes and scale it to unit length (0 where it has no spread)."""
    centred = weights - weights.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    return np.asarray(np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 1e-12))


def joint_weights(weights: Float, others: Float | None = None) -> Float:
    """Weights whose score is the coefficient of a multivariate linear model over genes.

    With ``X = [1, weights, others]``, the columns of ``X (X'X)⁻¹`` that belong to `weights`: the
    score of a signature given all others, so that what two signatures share is credited to
    neither. Linear in the profile; unit length.
    """
    parts = [np.ones((len(weights), 1)), weights]
    if others is not None:
        parts.append(others)
    x = np.hstack(parts)
    solved = x @ np.linalg.pinv(x.T @ x, rcond=1e-10, hermitian=True)
    return unit_weights(solved[:, 1 : 1 + weights.shape[1]])


def residual_variance(values: Float, design: Float) -> tuple[Float, int]:
    """Residual variance of each column of `values` (``samples × columns``), and its df."""
    df = residual_df(design)
    return (residuals_of(values, design) ** 2).sum(axis=0) / max(df, 1), df


def standardise(values: Float, design: Float) -> Float:
    """Centre each gene and divide it by its moderated residual SD.

    The residual SD under the design, not the total one: a gene that responds strongly must not
    lose weight for it.

    Parameters
    ----------
    values
        ``samples × genes``, on a log scale.
    design
        ``samples × coefficients``.
    """
    variance, df = residual_variance(values, design)
    centred = values - values.mean(axis=0)
    if df < 1:
        return np.asarray(centred)
    return np.asarray(centred / np.sqrt(squeeze(variance, df).variance))


def test_scores(
    scores: Float,
    design: Float,
    contrasts: Float,
    *,
    prior: Prior | None = None,  # noqa: PT028
) -> ScoreTest:
    """Test contrasts of a design on scores across samples, variances moderated across scores.

    Parameters
    ----------
    scores
        ``samples × scores``.
    design
        ``samples × coefficients``, may be rank-deficient as long as each contrast is estimable.
    contrasts
        Weights over the coefficients, ``coefficients`` or ``coefficients × contrasts``.
    prior
        Prior of the residual variances; estimated across the scores by default.

    Returns
    -------
    ScoreTest
        ``scores`` or ``scores × contrasts`` arrays. NaN where there are no residual degrees of
        freedom.
    """
    weights = contrasts[:, None] if contrasts.ndim == 1 else contrasts
    xtx = np.linalg.pinv(design.T @ design, hermitian=True)
    effect = (scores.T @ design) @ xtx @ weights
    unscaled = np.sqrt(np.einsum("pk,pq,qk->k", weights, xtx, weights))
    variance, df = residual_variance(scores, design)
    shape = effect.shape
    if df < 1:
        nan = np.full(shape, np.nan)
        made = ScoreTest(effect, nan, nan, nan, nan)
    else:
        squeezed = squeeze(variance, df, prior)
        total = float(np.min(squeezed.df))
        se = np.sqrt(squeezed.variance)[:, None] * unscaled
        t = np.divide(effect, se, out=np.zeros(shape), where=se > 0)
        made = ScoreTest(effect, t, np.full(shape, total), two_sided(t, total), se)
    return ScoreTest(*(a[:, 0] for a in made)) if contrasts.ndim == 1 else made


# pytest collects functions by name wherever they are imported.
test_scores.__test__ = False  # type: ignore[attr-defined]


class AddedTest(NamedTuple):
    """Test of added columns: ``values × columns``, df per column."""

    effect: Float
    t: Float
    df: Float
    se: Float
    prior: Prior


def test_added(
    values: Float,
    design: Float,
    added: Float,
    *,
    prior: Prior | None = None,  # noqa: PT028
) -> AddedTest:
    """Test each column of `added`, put alone into the design, on every column of `values`.

    The moderated t of ``[design, added_j]`` for all j at once (Frisch–Waugh–Lovell: only the part
    of the column outside the design matters). Variances are moderated across values, separately
    for each added column.

    Parameters
    ----------
    values
        ``samples × values`` (VST values or scores).
    design
        ``samples × coefficients``.
    added
        ``samples × columns``; none inside the span of the design.
    prior
        Prior of the residual variances; estimated across the values by default.
    """
    q = column_basis(design)
    df = len(design) - q.shape[1] - 1
    rest = values - q @ (q.T @ values)
    free = added - q @ (q.T @ added)
    length = (free**2).sum(axis=0)
    effect = (rest.T @ free) / length
    rss = (rest**2).sum(axis=0)[:, None] - effect**2 * length
    moderated = squeeze(np.maximum(rss, 0.0) / df, df, prior)
    se = np.sqrt(moderated.variance / length)
    t = effect / se
    return AddedTest(effect, t, np.broadcast_to(moderated.df, t.shape[1:]), se, moderated.prior)


test_added.__test__ = False  # type: ignore[attr-defined]
