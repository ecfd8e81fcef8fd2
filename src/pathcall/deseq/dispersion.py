"""Trend of dispersion over the mean, and the prior around it."""

from __future__ import annotations

import gzip
import logging
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import polygamma

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]

MIN_DISP = 1e-8


@dataclass(frozen=True)
class Trend:
    """Dispersion as a function of the mean of normalised counts.

    Attributes
    ----------
    kind
        ``parametric``: ``asymptote + extra / mean``; ``local``: a local regression of log
        dispersion on log mean, where the parametric one does not converge; ``none``: no gene has
        enough dispersion for a trend, gene-wise estimates are final.
    values
        ``asymptote, extra``; or log means and log dispersions at the knots of the local trend.
    """

    kind: Literal["parametric", "local", "none"]
    values: tuple[Any, ...] = ()

    def __call__(self, mean: npt.ArrayLike) -> Float:
        """Dispersion at `mean` (> 0)."""
        x = np.asarray(mean, dtype=np.float64)
        if self.kind == "parametric":
            return np.asarray(self.values[0] + self.values[1] / x)
        if self.kind == "local":
            return np.asarray(np.exp(np.interp(np.log(x), *self.values)))
        return np.full(x.shape, np.nan)


def fit_trend(mean: Float, dispersion: Float, *, min_disp: float = MIN_DISP) -> Trend:
    """Fit the trend as R's DESeq2 does.

    Gene-wise dispersions at or below ``100 × min_disp`` do not count. A gamma GLM with identity
    link on ``1 / mean`` is fitted again and again without the genes whose ratio to the last fit
    lies outside 1e-4…15, until the coefficients settle. Where that fails (a coefficient not above
    0, more than 10 rounds), a local regression takes its place.

    Parameters
    ----------
    mean, dispersion
        One value a gene, means above 0.
    min_disp
        Lower bound of dispersions.
    """
    use = dispersion > 100 * min_disp
    if not use.any():
        logger.warning("no gene has a dispersion above %g: no trend is fitted", 100 * min_disp)
        return Trend("none")
    coefficients = _parametric(mean[use], dispersion[use])
    if coefficients is not None:
        return Trend("parametric", coefficients)
    logger.warning(
        "the dispersion trend a + b / mean does not fit these data: a local regression is used"
    )
    return Trend("local", _local(mean[use], dispersion[use], float(mean.min()), float(mean.max())))


def _parametric(mean: Float, dispersion: Float) -> tuple[float, float] | None:
    coef = np.array([0.1, 1.0])
    for _ in range(11):
        ratio = dispersion / (coef[0] + coef[1] / mean)
        good = (ratio > 1e-4) & (ratio < 15)
        if good.sum() < 2:
            return None
        fitted, converged = _gamma_identity(1 / mean[good], dispersion[good], coef)
        if fitted is None or not (fitted > 0).all():
            return None
        change = float((np.log(fitted / coef) ** 2).sum())
        coef = fitted
        if change < 1e-6 and converged:
            return float(coef[0]), float(coef[1])
    return None


def _gamma_identity(x: Float, y: Float, start: Float) -> tuple[Float | None, bool]:
    """Gamma GLM with identity link, ``E y = b0 + b1 x``, by iteratively reweighted least squares.

    As R's ``glm``: at most 25 steps, until the deviance changes by less than 1e-8 of its size; a
    step to means that are not positive is halved towards the last coefficients. None where that
    finds no valid fit.
    """
    coef, deviance = start, np.inf
    mu = coef[0] + coef[1] * x
    for _ in range(26):
        for _half in range(25):
            if (mu > 0).all():
                break
            start = (start + coef) / 2
            mu = start[0] + start[1] * x
        else:
            return None, False
        coef, last = start, deviance
        deviance = float(-2 * (np.log(y / mu) - (y / mu - 1)).sum())
        if abs(deviance - last) / (abs(deviance) + 0.1) < 1e-8:
            return coef, True
        start = np.polyfit(x, y, 1, w=1 / mu)[::-1]
        mu = start[0] + start[1] * x
    return coef, False


def _local(mean: Float, dispersion: Float, low: float, high: float) -> tuple[Float, Float]:
    """Local quadratic regression of log dispersion on log mean, weighted by the mean.

    Tricube weights over the nearest 70% of genes, at 200 points between the smallest and the
    largest mean.
    """
    x, y = np.log(mean), np.log(dispersion)
    knots = np.linspace(np.log(low), np.log(high), 200) if high > low else np.log([low, low * 2])
    nearest = min(max(int(np.floor(0.7 * len(x))), 1), len(x))
    return knots, np.array([_quadratic_at(x, y, k, nearest, mean)[0] for k in knots])


def _quadratic_at(
    x: Float, y: Float, at: float, nearest: int, weight: Float | float = 1.0
) -> tuple[float, float]:
    """Value and slope at a point of a quadratic through the `nearest` points, tricube weights."""
    d = x - at
    h = np.partition(np.abs(d), nearest - 1)[nearest - 1]
    root = np.sqrt(weight * (1 - np.minimum(np.abs(d) / max(h, 1e-12), 1) ** 3) ** 3)
    design = np.column_stack([np.ones_like(d), d, d * d])
    value, slope, _ = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
    return float(value), float(slope)


def fit_prior(
    dispersion: Float, trend: Float, residual_df: int, *, min_disp: float = MIN_DISP
) -> tuple[float, float]:
    """Spread of log dispersions around the trend, and how much of it sampling does not explain.

    The first is the squared MAD of the log residuals: a gene more than two of its roots above the
    trend keeps its own estimate. The second, the variance of the normal prior on log dispersion, is
    the first less the sampling variance of a log chi-square; with 3 residual degrees of freedom or
    fewer, where that distribution is too skewed for the MAD, it is the variance whose
    ``log chi² + normal`` comes closest to the observed residuals in Kullback-Leibler divergence
    (`_match_spread`). It is never below 0.25.
    """
    use = dispersion >= 100 * min_disp
    if not use.any():
        return np.nan, 0.25
    residual = np.log(dispersion[use]) - np.log(trend[use])
    observed = float((1.4826 * np.median(np.abs(residual - np.median(residual)))) ** 2)
    if residual_df <= 3:
        return observed, max(_match_spread(residual, residual_df), 0.25)
    return observed, max(observed - float(polygamma(1, residual_df / 2)), 0.25)


_BREAKS = np.arange(-20, 21) / 2
_GRID = np.linspace(0, 8, 200)


@cache
def _reference_histograms() -> dict[int, Float]:
    """Densities of ``log(chi²/df) + N(0, v)`` by df, one row a variance v of `_GRID`.

    R draws these 10,000 values a variance anew in each run, always from the same seed, so that
    they are constants; tests/reference/dispersion_prior.R makes the table.
    """
    packed = resources.files("pathcall.deseq").joinpath("dispersion_prior.tsv.gz").read_bytes()
    table = np.array([line.split() for line in gzip.decompress(packed).split(b"\n") if line], int)
    counts = {df: table[table[:, 0] == df, 1:].astype(np.float64) for df in (1, 2, 3)}
    return {df: c / (c.sum(axis=1, keepdims=True) * 0.5) for df, c in counts.items()}


def _match_spread(residual: Float, residual_df: int) -> float:
    inside = residual[(residual > _BREAKS[0]) & (residual < _BREAKS[-1])]
    # Bins are closed on the right.
    bins = np.searchsorted(_BREAKS, inside, side="left") - 1
    observed = np.bincount(bins, minlength=40) / (len(inside) * 0.5)
    divergence = np.empty(len(_GRID))
    for i, expected in enumerate(_reference_histograms()[residual_df]):
        both = np.concatenate([observed, expected])
        small = both[both > 0].min()
        divergence[i] = (observed * (np.log(observed + small) - np.log(expected + small))).sum()
    fine = np.linspace(0, 8, 1000)
    return float(fine[np.argmin(loess(_GRID, divergence, fine, span=0.2))])


def loess(x: Float, y: Float, at: Float, *, span: float) -> Float:
    """Local quadratic regression with tricube weights, as R's ``loess`` with its defaults.

    The fit is made at the vertices of a k-d tree (cells of more than ``n × span / 5`` points are
    cut at their median) and joined by cubics that take values and slopes from there
    (Cleveland & Grosse 1991, Stat Comput 1:47).

    Parameters
    ----------
    x, y
        Data, `x` ascending.
    at
        Where to predict, within the range of `x`.
    span
        Share of the points in each local fit.
    """
    n = len(x)
    leaf = int(np.floor(n * span * 0.2))
    nearest = int(np.floor(n * span + 1e-5))
    margin = 0.005 * (x[-1] - x[0])
    cuts = [float(x[0] - margin), float(x[-1] + margin)]
    cells = [(0, n - 1)]
    while cells:
        first, last = cells.pop()
        if last - first + 1 > leaf:
            middle = (first + last) // 2
            cuts.append(float(x[middle]))
            cells += [(first, middle), (middle + 1, last)]
    knots = np.array(sorted(cuts))
    value, slope = np.array([_quadratic_at(x, y, knot, nearest) for knot in knots]).T
    left = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    width = knots[left + 1] - knots[left]
    t = (at - knots[left]) / width
    return np.asarray(
        value[left] * (1 + 2 * t) * (1 - t) ** 2
        + slope[left] * width * t * (1 - t) ** 2
        + value[left + 1] * t**2 * (3 - 2 * t)
        + slope[left + 1] * width * t**2 * (t - 1)
    )
