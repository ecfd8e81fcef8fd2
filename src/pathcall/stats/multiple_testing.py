"""Error rates over many tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control

Float = npt.NDArray[np.float64]


def benjamini_hochberg(p: Float) -> Float:
    """False discovery rates (Benjamini & Hochberg 1995); NaN stays NaN and does not count.

    Parameters
    ----------
    p
        p-values, one family: ``tests``, or one family a column: ``tests × families``.
    """
    p = np.asarray(p, dtype=float)
    if p.ndim == 2:
        return np.column_stack([benjamini_hochberg(column) for column in p.T])
    adjusted = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        adjusted[known] = false_discovery_control(p[known])
    return adjusted
