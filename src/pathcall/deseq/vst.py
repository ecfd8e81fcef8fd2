"""Variance-stabilising transformation of a dispersion trend (`pathcall.deseq.DeseqDataSet.vst`)."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from pathcall.deseq.dispersion import Trend

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]


def trend_genes(mean: Float, n_sub: int) -> npt.NDArray[np.intp]:
    """Positions of the genes that the trend is fitted on, as R's ``vst`` chooses them.

    `n_sub` genes, evenly spread over the order of their means above 5. Where fewer genes have such
    a mean, all of them are taken (or all with any count, if there are none).

    Parameters
    ----------
    mean
        Mean of normalised counts of each gene.
    n_sub
        How many.
    """
    candidates = np.flatnonzero(mean > 5)
    if not len(candidates):
        candidates = np.flatnonzero(mean > 0)
    order = candidates[np.argsort(mean[candidates], kind="stable")]
    if len(order) <= n_sub:
        logger.info("VST: trend on all %d genes with enough counts (%d asked)", len(order), n_sub)
        return order
    spread = np.rint(np.linspace(0, len(order) - 1, n_sub)).astype(int)
    return np.asarray(order[spread])


def transform(normalised: Float, trend: Trend, size_factors: Float, mean: Float) -> Float:
    """Apply the transformation that belongs to `trend` to normalised counts of any shape.

    Parameters
    ----------
    normalised
        Normalised counts.
    trend
        Dispersion trend. Where there is none, dispersion is taken as 0.01 of every gene.
    size_factors, mean
        Of the samples and genes that the trend belongs to; used with a local trend only.
    """
    q = normalised
    if trend.kind == "parametric":
        a, b = trend.values
        return np.asarray(
            np.log2((1 + b + 2 * a * q + 2 * np.sqrt(a * q * (1 + b + a * q))) / (4 * a))
        )
    if trend.kind == "none":
        logger.warning("VST: no dispersion trend, a constant dispersion of 0.01 is taken")
        alpha = 0.01
        return np.asarray(
            (2 * np.arcsinh(np.sqrt(alpha * q)) - np.log(alpha) - np.log(4)) / np.log(2)
        )
    # The integral of 1 / sd over the mean, by the trapezium rule on an asinh grid, scaled so that
    # it agrees with log2 at two high quantiles of the means.
    grid = np.sinh(np.linspace(0, np.arcsinh(q.max()), 1000))[1:]
    density = 1 / np.sqrt(trend(grid) * grid**2 + (1 / size_factors).mean() * grid)
    area = np.cumsum(np.diff(grid) * (density[1:] + density[:-1]) / 2)
    integral = CubicSpline(np.arcsinh((grid[1:] + grid[:-1]) / 2), area)
    low, high = np.quantile(mean, [0.95, 0.999])
    if not high > low > 0:
        low, high = grid[len(grid) // 2], grid[-1]
    at_low, at_high = integral(np.arcsinh(low)), integral(np.arcsinh(high))
    slope = (np.log2(high) - np.log2(low)) / (at_high - at_low)
    return np.asarray(slope * (integral(np.arcsinh(q)) - at_low) + np.log2(low))
