r"""Mixtures: whether a sample lies between its own group and another one, and how surely.

RNA mixes on the scale of counts. With :math:`f` and :math:`g` what the other samples predict for a
sample in its own and in another group (log2), a sample with a share :math:`s` of the other group is
at :math:`m_s = \log_2((1 - s) 2^f + s 2^g)`: a curve, not the straight line between the two. Its
distance :math:`e` from :math:`f` is held against the curve, genes weighted by their moderated
residual variance :math:`v` (Smyth 2004), all estimated without the sample:

* *gain*: what the share takes off the squared distance, :math:`\sum_g (e^2 - (e - \delta_s)^2) /
  v` with :math:`\delta_s = m_s - f`, in units of what a sample differs from its mates by chance;
* *explained*: the gain over what of the distance exceeds chance; *left*: what it leaves of the
  distance, in the same units as the gain: 1 is what replicates differ by;
* *t*: the sample's position along :math:`\delta_s` over the standard deviation of its mates' along
  the same axis. Genes are correlated, so that a study varies more along some axes than along
  others; this t test takes the axis as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pathcall.qc.label_fit import LabelFit
from pathcall.stats.ebayes import squeeze

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

SHARES = np.array([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])


@dataclass(frozen=True)
class Between:
    """Where each sample stands between its own group and the one that explains it best.

    Attributes
    ----------
    group
        Row of `LabelFit.rows`; −1 where no other group explains the sample better than its own.
    share
        Share of that group, 1: the sample belongs there.
    gain, explained, left, t
        As in the module's text.
    """

    group: Int
    share: Float
    gain: Float
    explained: Float
    left: Float
    t: Float


def between_groups(fit: LabelFit, cells: Int) -> Between:
    """Try every group of another cell, and every share of it, on each sample.

    Groups that the kept samples determine. A fitted sample is held against what the others say
    without it. Groups of the sample's own cell (the same treatment in another donor) are left out:
    they explain every sample whose only partner in its donor is odd.

    Parameters
    ----------
    cells
        Cell of each sample, as numbers.
    """
    n = len(fit.values)
    made = Between(np.full(n, -1), *(np.zeros(n) for _ in range(5)))
    cell_of = np.zeros(len(fit.rows), dtype=np.int64)
    cell_of[fit.group] = cells
    hat = fit.hat
    across = fit.rows @ fit.inverse @ fit.design.T
    fitted = np.flatnonzero(fit.kept)
    residual = (fit.values - fit.design @ fit.coefficients)[fitted]
    squared = residual**2
    total = squared.sum(axis=0)
    estimable = fit.estimable
    for i in np.flatnonzero(fit.predicted):
        others = np.flatnonzero(estimable & (cell_of != cells[i]))
        inside = bool(fit.kept[i])
        df = fit.df - inside
        if df < 1 or not len(others):
            continue
        # Without the sample, its own error moves no estimate.
        error = fit.error[i]
        taken = error if inside else 0.0 * error
        # Residuals of the others without it are those with it plus `weighs` times its error.
        rest, weighs = fitted != i, hat[fitted, i]
        own = fit.values[i] - error
        theirs = fit.rows[others] @ fit.coefficients - np.outer(across[others, i], taken)
        variance = np.maximum(total - taken**2 * (1 - hat[i, i]), 0.0) / df
        weight = 1 / np.maximum(squeeze(variance, df).variance, 1e-12)
        apart = squared @ weight + 2 * weighs * (residual @ (taken * weight))
        apart += weighs**2 * float(taken**2 @ weight)
        noise = float(np.median(apart[rest])) * int(rest.sum()) / df
        square = float(error**2 @ weight) / fit.spread[i]
        if noise <= 0 or square <= noise:
            continue
        ratio = np.exp2(np.clip(theirs - own, -60.0, 60.0))
        path = np.log2(1 - SHARES[:, None, None] + SHARES[:, None, None] * ratio)
        path = path.reshape(-1, path.shape[-1])
        along = path @ (weight * error)
        gains = (2 * along - path**2 @ weight) / fit.spread[i]
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            continue
        axis = weight * path[best]
        mates = (residual @ axis + weighs * float(taken @ axis))[rest]
        sd = np.sqrt(float(mates @ mates) / df * fit.spread[i])
        share, group = divmod(best, len(others))
        made.group[i], made.share[i] = others[group], SHARES[share]
        made.gain[i] = gains[best] / noise
        made.explained[i] = min(gains[best] / (square - noise), 1.0)
        made.left[i] = (square - gains[best]) / noise
        made.t[i] = along[best] / max(sd, 1e-300)
    return made
