r"""How well labels explain the expression of samples: one linear model, and what would improve it.

The values :math:`Y` (samples × genes) are fitted by the design :math:`D` of the labels, with
:math:`P = (D^T D)^-`, fitted values :math:`F = D P D^T Y` and leverages :math:`H = D P D^T`. A
wrong label leaves its sample far from where its mates say it should be. Three changes are weighed,
each by how far it lowers the residual sum of squares, in closed form:

* *leaving sample i out*: :math:`|e_i|^2 (1 - h_i)`, with :math:`e_i = (y_i - f_i) / (1 - h_i)` the
  distance from what the other samples predict;
* *exchanging the labels of samples i and j*: this permutes rows of :math:`D`, so :math:`D^T D`
  stays and the gain is :math:`2 (y_i - y_j) \cdot (f_j - f_i) + (h_{ii} + h_{jj} - 2 h_{ij})
  |y_i - y_j|^2`;
* *a sample between two groups*: its row of the design becomes :math:`(1 - p) a + p b`, from 0, its
  own group, to 1, the other one; the gain is against what the other samples predict at that point.

All need inner products between samples only: the cost is samples² × genes once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

_FREE = 1e-6
"""A sample with less than this share of its own residual is predicted by nobody else."""
SHARES = np.linspace(0.05, 1.0, 20)


@dataclass(frozen=True)
class LabelFit:
    """The fit of some samples' labels, and the distance of every sample from it.

    Attributes
    ----------
    values
        ``samples × genes``.
    design
        ``samples × coefficients``.
    kept
        Samples that are fitted.
    rows
        Distinct rows of the design, ``groups × coefficients``, and `group` of each sample.
    error
        What each sample differs from what the others predict, ``samples × genes``; 0 where nobody
        predicts it.
    spread
        Variance of `error`, in units of the residual variance.
    predicted
        Samples that others predict.
    noise
        Residual variance over all genes: the median over the predicted, fitted samples.
    df
        Residual degrees of freedom.
    rss
        Residual sum of squares.
    """

    values: Float = field(repr=False)
    design: Float = field(repr=False)
    kept: Bool
    rows: Float = field(repr=False)
    group: Int
    error: Float = field(repr=False)
    spread: Float
    predicted: Bool
    noise: float
    df: int
    rss: float
    inverse: Float = field(repr=False)
    coefficients: Float = field(repr=False)

    @property
    def distance(self) -> Float:
        """Distance of each sample from what others predict, over the median; 0: not predicted."""
        square = np.einsum("ng,ng->n", self.error, self.error) / self.spread
        return np.asarray(np.sqrt(square / self.noise)) if self.noise > 0 else square * 0.0

    @property
    def estimable(self) -> Bool:
        """Groups that the kept samples determine."""
        x = self.design[self.kept]
        projection = x.T @ x @ self.inverse
        return np.asarray(np.abs(self.rows @ projection.T - self.rows).max(axis=1) < _FREE)


def fit_labels(values: Float, design: Float, kept: Bool | None = None) -> LabelFit:
    """Fit the labels of the kept samples; others are measured against them.

    Parameters
    ----------
    values
        ``samples × genes``.
    design
        ``samples × coefficients``, of any rank.
    kept
        Samples to fit; all by default.
    """
    n = len(values)
    kept = np.ones(n, dtype=bool) if kept is None else kept
    x = design[kept]
    inverse = np.asarray(np.linalg.pinv(x.T @ x, rcond=1e-10, hermitian=True), dtype=np.float64)
    coefficients = inverse @ x.T @ values[kept]
    residual = values - design @ coefficients
    leverage = np.einsum("np,pq,nq->n", design, inverse, design)
    projection = x.T @ x @ inverse
    inside = np.abs(design @ projection.T - design).max(axis=1) < _FREE
    predicted = np.where(kept, leverage < 1 - _FREE, inside)
    free = np.where(kept & predicted, 1 - leverage, 1.0)
    error = residual / free[:, None]
    error[~predicted] = 0.0
    spread = np.where(kept, 1 / free, 1 + leverage)
    square = np.einsum("ng,ng->n", error, error) / spread
    known = kept & predicted
    rows, group = np.unique(np.round(design, 9), axis=0, return_inverse=True)
    return LabelFit(
        values=values,
        design=design,
        kept=kept,
        rows=rows,
        group=group.reshape(-1).astype(np.int64),
        error=error,
        spread=spread,
        predicted=predicted,
        noise=float(np.median(square[known])) if known.any() else 0.0,
        df=len(x) - int(np.linalg.matrix_rank(x)),
        rss=float((residual[kept] ** 2).sum()),
        inverse=inverse,
        coefficients=coefficients,
    )


def exchange_gains(fit: LabelFit) -> Float:
    """What exchanging the labels of two kept samples takes off the residual sum of squares.

    ``samples × samples``, symmetric; −inf where the two have one label or are not kept.
    """
    y = fit.values - fit.values[fit.kept].mean(axis=0)
    fitted = fit.design @ fit.coefficients - fit.values[fit.kept].mean(axis=0)
    hat = fit.design @ fit.inverse @ fit.design.T
    own = np.einsum("ng,ng->n", y, fitted)
    cross = y @ fitted.T
    towards = cross + cross.T - own[:, None] - own[None, :]
    square = np.einsum("ng,ng->n", y, y)
    apart = np.maximum(square[:, None] + square[None, :] - 2 * y @ y.T, 0.0)
    leverage = np.diag(hat)
    gain = 2 * towards + (leverage[:, None] + leverage[None, :] - 2 * hat) * apart
    pairs = fit.kept[:, None] & fit.kept[None, :] & (fit.group[:, None] != fit.group[None, :])
    return np.where(pairs, gain, -np.inf)


@dataclass(frozen=True)
class Between:
    """Where each sample stands between its own group and the one that explains it best.

    Attributes
    ----------
    group
        Row of `LabelFit.rows`; −1 where no other group explains the sample better than its own.
    share
        Share of that group, 1: the sample belongs there.
    gain
        What it takes off the residual sum of squares, in units of the noise.
    explained
        Part of the sample's distance beyond noise that it explains.
    """

    group: Int
    share: Float
    gain: Float
    explained: Float


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
    n, own = len(fit.values), fit.group
    at = np.arange(n)
    means = fit.rows @ fit.coefficients
    inner = fit.rows @ fit.inverse @ fit.rows.T
    products = means @ means.T
    error = np.einsum("ng,ng->n", fit.error, fit.error)
    towards = fit.error @ means.T
    towards -= towards[at, own][:, None]
    length = np.diag(products)[own][:, None] + np.diag(products)[None, :] - 2 * products[own]
    # Terms of a rank-one update: the estimates without the sample itself.
    taken = np.where(fit.kept & fit.predicted, 1.0, 0.0)
    across = inner[own] - inner[own, own][:, None]
    shift = across * taken[:, None]
    along = towards - shift * error[:, None]
    size = length - 2 * shift * towards + shift**2 * error[:, None]
    free = np.where(taken > 0, 1 / fit.spread, 1.0)[:, None]
    here = inner[own, own]
    leverage = np.where(taken > 0, here + here**2 / free[:, 0], here)
    mixed = across * (1 + taken[:, None] * here[:, None] / free)
    apart = np.diag(inner)[own][:, None] + np.diag(inner)[None, :] - 2 * inner[own]
    apart = apart + taken[:, None] * across**2 / free
    allowed = np.broadcast_to(fit.estimable[None, :], towards.shape).copy()
    cell_of = np.zeros(len(fit.rows), dtype=np.int64)
    cell_of[own] = cells
    allowed &= (cell_of[None, :] != cells[:, None]) & fit.predicted[:, None]
    square = error / (1 + leverage)
    best = np.zeros(n)
    group, share = np.full(n, -1), np.zeros(n)
    for s in SHARES:
        left = error[:, None] - 2 * s * along + s**2 * size
        gain = square[:, None] - left / (1 + leverage[:, None] + 2 * s * mixed + s**2 * apart)
        gain = np.where(allowed, gain, -np.inf)
        column = gain.argmax(axis=1)
        better = gain[at, column] > best
        best = np.where(better, gain[at, column], best)
        group, share = np.where(better, column, group), np.where(better, s, share)
    noise = max(fit.noise, 1e-300)
    excess = np.maximum(square - noise, 1e-12 * noise)
    return Between(group.astype(np.int64), share, best / noise, np.minimum(best / excess, 1.0))
