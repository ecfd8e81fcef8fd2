r"""How well labels explain the expression of samples: one linear model, and what would improve it.

The values :math:`Y` (samples × genes) are fitted by the design :math:`D` of the labels, with
:math:`P = (D^T D)^-`, fitted values :math:`F = D P D^T Y` and leverages :math:`H = D P D^T`. A
wrong label leaves its sample far from where its mates say it should be. Two changes are weighed,
each by how far it lowers the residual sum of squares, in closed form:

* *leaving sample i out*: :math:`|e_i|^2 (1 - h_i)`, with :math:`e_i = (y_i - f_i) / (1 - h_i)` the
  distance from what the other samples predict;
* *exchanging the labels of samples i and j*: this permutes rows of :math:`D`, so :math:`D^T D`
  stays and the gain is :math:`2 (y_i - y_j) \cdot (f_j - f_i) + (h_{ii} + h_{jj} - 2 h_{ij})
  |y_i - y_j|^2`.

Both need inner products between samples only: the cost is samples² × genes once.
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
    def hat(self) -> Float:
        """How much each sample's value weighs in each fitted one, ``samples × samples``."""
        return np.asarray(self.design @ self.inverse @ self.design.T)

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
    hat = fit.hat
    own = np.einsum("ng,ng->n", y, fitted)
    cross = y @ fitted.T
    towards = cross + cross.T - own[:, None] - own[None, :]
    square = np.einsum("ng,ng->n", y, y)
    apart = np.maximum(square[:, None] + square[None, :] - 2 * y @ y.T, 0.0)
    leverage = np.diag(hat)
    gain = 2 * towards + (leverage[:, None] + leverage[None, :] - 2 * hat) * apart
    pairs = fit.kept[:, None] & fit.kept[None, :] & (fit.group[:, None] != fit.group[None, :])
    return np.where(pairs, gain, -np.inf)
