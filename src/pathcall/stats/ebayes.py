"""Moderated variances: a residual variance of few degrees of freedom, squeezed towards its peers.

The empirical-Bayes model of Smyth (2004, Stat Appl Genet Mol Biol 3:3): true variances follow a
scaled inverse chi-square distribution, whose two parameters are estimated from all residual
variances of one family (genes, or signature scores) by matching the mean and variance of
log s². Written from the paper's equations; tested against reference values of R's limma.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

Float = npt.NDArray[np.float64]

# A variance of zero has no logarithm: it is lifted to this share of the median (as in limma).
FLOOR = 1e-5


class Prior(NamedTuple):
    """Prior of a family of variances: `df` degrees of freedom (may be inf) around `scale`."""

    df: Float
    scale: Float


class Moderated(NamedTuple):
    """Moderated variances and the degrees of freedom of a t statistic that uses them."""

    variance: Float
    df: Float
    prior: Prior


def trigamma_inverse(x: Float) -> Float:
    """Solve ``trigamma(y) = x`` for y > 0, element by element (Newton steps on 1/trigamma)."""
    x = np.asarray(x, dtype=float)
    y = 0.5 + 1.0 / x
    for _ in range(50):
        tri = special.polygamma(1, y)
        step = tri * (1.0 - tri / x) / special.polygamma(2, y)
        y = y + step
        if np.all(np.abs(step) < 1e-10 * y):
            break
    return y


def fit_prior(variances: Float, df: float) -> Prior:
    """Estimate the prior of each column of residual variances.

    Parameters
    ----------
    variances
        ``members × families``, residual variances on `df` degrees of freedom each.
    df
        Residual degrees of freedom, > 0.

    Returns
    -------
    Prior
        One value a family. A single member, or members all alike beyond what chance allows, give
        0 and infinite prior degrees of freedom.
    """
    v = np.asarray(variances, dtype=float)
    n = v.shape[0]
    if n < 2:
        return Prior(np.zeros(v.shape[1:]), v[0] if n else np.full(v.shape[1:], np.nan))
    median = np.median(v, axis=0)
    median = np.where(median > 0, median, 1.0)
    v = np.maximum(v, FLOOR * median)
    e = np.log(v) - special.digamma(df / 2) + np.log(df / 2)
    mean = e.mean(axis=0)
    spread = ((e - mean) ** 2).sum(axis=0) / (n - 1) - special.polygamma(1, df / 2)
    finite = spread > 0
    d0 = 2.0 * trigamma_inverse(np.where(finite, spread, 1.0))
    scale = np.exp(mean + special.digamma(d0 / 2) - np.log(d0 / 2))
    return Prior(np.where(finite, d0, np.inf), np.where(finite, scale, v.mean(axis=0)))


def squeeze(variances: Float, df: float, prior: Prior | None = None) -> Moderated:
    """Moderate each column of residual variances by its own prior, or by a given one.

    Parameters
    ----------
    variances
        ``members × families`` (or ``members``), residual variances.
    df
        Their residual degrees of freedom.
    prior
        Use this prior instead of estimating it from `variances`.

    Returns
    -------
    Moderated
        Variances of the same shape; degrees of freedom per family, at most the pooled residual
        degrees of freedom of all members where the prior comes from them.
    """
    v = np.asarray(variances, dtype=float)
    pooled = np.inf if prior is not None else df * v.shape[0]
    prior = fit_prior(v, df) if prior is None else prior
    d0 = np.where(np.isfinite(prior.df), prior.df, 1.0)
    shrunk = (d0 * prior.scale + df * v) / (d0 + df)
    shrunk = np.where(np.isfinite(prior.df), shrunk, np.broadcast_to(prior.scale, v.shape))
    total = np.minimum(df + prior.df, pooled)
    return Moderated(shrunk, total, prior)


def two_sided(t: Float, df: Float | float) -> Float:
    """Two-sided p of t statistics; infinite degrees of freedom are those of the normal."""
    size, df = np.abs(t), np.asarray(df, dtype=float)
    tail = np.where(np.isinf(df), special.ndtr(-size), special.stdtr(df, -size))
    return np.asarray(2.0 * tail)
