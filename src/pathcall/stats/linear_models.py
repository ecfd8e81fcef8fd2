"""Least squares shared by all rooms: the space of a design, residuals, weights of an estimate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

RANK_TOLERANCE = 1e-10
"""Share of a design's largest singular value below which a direction counts as absent."""
_UNUSED = 1e-8


def column_basis(design: Float) -> Float:
    """Orthonormal basis of a design's column space, ``samples × rank``."""
    u, s, _ = np.linalg.svd(design, full_matrices=False)
    return np.asarray(u[:, s > s.max(initial=0.0) * RANK_TOLERANCE])


def residuals_of(values: Float, design: Float) -> Float:
    """Values less their least-squares fit.

    Parameters
    ----------
    values
        ``samples × columns``, such as VST values or scores.
    design
        ``samples × coefficients``, of any rank.
    """
    basis = column_basis(design)
    return np.asarray(values - basis @ (basis.T @ values))


def residual_df(design: Float) -> int:
    """Residual degrees of freedom: samples less the rank of the design."""
    return len(design) - int(column_basis(design).shape[1])


def estimate_weights(design: Float, contrast: Float) -> Float:
    """Weight of each sample in the least-squares estimate of a contrast.

    With design X and contrast c, ``X (X'X)⁻ c``: the estimate is its product with the values, its
    variance the residual variance times its squared length, and two contrasts' errors covary as the
    product of their weights over the samples they share.

    Parameters
    ----------
    design
        ``samples × coefficients``.
    contrast
        Weights over the coefficients; estimable.
    """
    solved = np.linalg.pinv(design.T @ design, hermitian=True)
    return np.asarray(design @ solved @ np.asarray(contrast, dtype=float))


def samples_used(design: Float, contrast: Float) -> npt.NDArray[np.bool_]:
    """Samples that a contrast's estimate draws on."""
    weights = np.abs(estimate_weights(design, contrast))
    return np.asarray(weights > _UNUSED * max(weights.max(), 1e-300))


def effective_samples(weights: Float) -> float:
    """Number of samples that carry the sparser side of an estimate.

    The samples of positive and of negative weight are its two sides; each counts
    ``(Σ |w|)² / Σ w²`` samples (Kish), which is their number where all weigh the same: the size of
    the smaller group of a two-group comparison. For a slope it falls towards 1 as a single extreme
    value of the covariate decides the estimate.

    Parameters
    ----------
    weights
        `estimate_weights` of a contrast.
    """
    weights = np.where(np.abs(weights) > _UNUSED * np.abs(weights).max(initial=0.0), weights, 0.0)
    sides = [side for sign in (1, -1) if (side := np.maximum(sign * weights, 0.0)).any()]
    return min((float(side.sum() ** 2 / (side @ side)) for side in sides), default=0.0)
