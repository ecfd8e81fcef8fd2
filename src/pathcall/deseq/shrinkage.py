"""What apeGLM's shrinkage needs beside the posterior modes: a contrast as coefficient, a prior."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

#: Sd of the normal prior on coefficients that are not shrunk (apeglm).
PRIOR_WIDE = 15.0
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
    equation ``Σ w (effect² - se²) / Σ w = a``, ``w = 1 / (2 (a + se²)²)``, in ``1e-6…400``.
    """
    known = np.isfinite(log2fc) & np.isfinite(lfc_se)
    s, d = (log2fc[known] * _LN2) ** 2, (lfc_se[known] * _LN2) ** 2

    def excess(a: float) -> float:
        w = 1 / (a + d) ** 2
        return float(((s - d) * w).sum() / w.sum()) - a

    low, high = 1e-6, 400.0
    if not known.any() or excess(low) < 0:
        return float(np.sqrt(low))
    if excess(high) > 0:
        return 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if excess(middle) > 0:
            low = middle
        else:
            high = middle
    return float(min(np.sqrt(0.5 * (low + high)), 1.0))
