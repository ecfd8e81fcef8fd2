"""Independent filtering: which genes' p-values are adjusted, as R's DESeq2 chooses them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pathcall.stats.multiple_testing import benjamini_hochberg

Float = npt.NDArray[np.float64]


def independent_filtering(base_mean: Float, p: Float, alpha: float) -> Float:
    """Benjamini-Hochberg adjusted p-values of the genes above the best cut on the mean.

    50 cuts between the share of genes with mean 0 and the 95% quantile; numbers of rejections at
    `alpha` are smoothed (`lowess`) and the lowest cut is taken whose number comes within one root
    mean squared residual of the smooth maximum. Genes below it get NaN.
    """
    lowest = float(np.mean(base_mean == 0))
    theta = np.linspace(lowest, 0.95 if lowest < 0.95 else 1.0, 50)
    cuts = np.quantile(base_mean, theta)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    sorted_p, sorted_mean = p[order], base_mean[order]
    rejected = np.zeros(len(theta))
    for i, cut in enumerate(cuts):
        kept = sorted_p[sorted_mean >= cut]
        below = np.flatnonzero(kept * len(kept) / np.arange(1, len(kept) + 1) < alpha)
        rejected[i] = below[-1] + 1 if len(below) else 0
    chosen = 0
    if rejected.max() > 10:
        smooth = lowess(theta, rejected, span=0.2)
        some = rejected > 0
        limit = smooth.max() - np.sqrt(np.mean((rejected[some] - smooth[some]) ** 2))
        over = np.flatnonzero(rejected > limit)
        chosen = int(over[0]) if len(over) else 0
    return benjamini_hochberg(np.where(base_mean >= cuts[chosen], p, np.nan))


def lowess(x: Float, y: Float, *, span: float, robust: int = 3) -> Float:
    """Robust locally weighted linear regression (Cleveland 1979), at each `x`.

    Parameters
    ----------
    x
        Ascending.
    y
        Values.
    span
        Share of points in each local fit.
    robust
        Rounds with bisquare weights of the residuals.
    """
    nearest = min(max(int(span * len(x) + 1e-7), 2), len(x))
    away = x - x[:, None]  # of each point (column) from each that is fitted (row)
    d = np.abs(away)
    h = np.sort(d, axis=1)[:, nearest - 1, None]
    near = np.where(d <= 0.001 * h, 1.0, (1 - np.minimum(d / h, 1) ** 3) ** 3)
    near[d > 0.999 * h] = 0.0
    fitted, weight = y, np.ones(len(x))
    for round_ in range(robust + 1):
        w = near * weight
        total = w.sum(axis=1)
        known = total > 0
        w[known] /= total[known, None]
        offset = -(w * away).sum(axis=1)  # of the fitted point from the weighted mean
        spread = (w * (away + offset[:, None]) ** 2).sum(axis=1)
        slope = np.sqrt(spread) > 0.001 * (x[-1] - x[0])
        lean = (offset[slope] / spread[slope])[:, None]
        w[slope] *= 1 + lean * (away + offset[:, None])[slope]
        fitted = np.where(known, (w * y).sum(axis=1), y)
        residual = np.abs(y - fitted)
        scale = 6 * np.median(residual)
        if round_ == robust or scale < 1e-7 * residual.mean():
            break
        weight = (1 - np.minimum(residual / scale, 1) ** 2) ** 2
        weight[residual <= 0.001 * scale] = 1.0
        weight[residual > 0.999 * scale] = 0.0
    return fitted
