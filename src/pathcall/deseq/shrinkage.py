"""What apeGLM's shrinkage needs beside the posterior modes: a contrast as coefficient, a prior."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

Float = npt.NDArray[np.float64]
_LN2 = float(np.log(2))


def reparametrise(matrix: Float, weights: Float) -> tuple[Float, Float, int]:
    """The same model with the contrast as a coefficient.

    The coefficient with the largest weight (the last of equals) makes room for the contrast, the
    others stay; a contrast and its negative thus meet the same model.

    Returns
    -------
    tuple
        New design matrix, the map ``new = map @ old`` of coefficients, position of the contrast.
    """
    size = np.abs(weights)
    position = int(np.flatnonzero(size >= size.max() * (1 - 1e-9))[-1])
    transform = np.eye(len(weights))
    transform[position] = weights
    return matrix @ np.linalg.inv(transform), transform, position


def prior_scale(log2fc: Float, lfc_se: Float) -> float:
    """Scale of the Cauchy prior (natural log), from all genes' estimates (log2), at most 1.

    The root of their variance beyond their errors (apeglm). In natural logs it solves the moment
    equation ``Σ w (effect² - se²) / Σ w = a``, ``w = 1 / (a + se²)²``, for a of 1e-6 or more.
    """
    known = np.isfinite(log2fc) & np.isfinite(lfc_se)
    s, d = (log2fc[known] * _LN2) ** 2, (lfc_se[known] * _LN2) ** 2

    def excess(a: float) -> float:
        w = 1 / (a + d) ** 2
        return float(((s - d) * w).sum() / w.sum()) - a

    if not known.any() or excess(1e-6) < 0:
        return 1e-3
    return 1.0 if excess(1.0) > 0 else float(np.sqrt(brentq(excess, 1e-6, 1.0)))
