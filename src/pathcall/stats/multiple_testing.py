"""Error rates over many tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
    order = np.argsort(p[known], kind="stable")
    ranked = p[known][order] * (len(order) / np.arange(1.0, len(order) + 1))
    found = np.empty(len(order))
    found[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1.0)
    adjusted[known] = found
    return adjusted
