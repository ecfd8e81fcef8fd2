"""Tail probabilities, safe where they leave the range of a double."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtr

Float = npt.NDArray[np.float64]


def t_to_z(t: Float, df: Float | float) -> Float:
    """Give the normal deviate with the tail probability of a *t* value.

    Exact wherever the tail fits a double; beyond, Wallace's approximation (1959, Ann Math Stat
    30:1121), which is closer the larger `df`.
    """
    df = np.broadcast_to(np.asarray(df, dtype=float), np.shape(t))
    size = np.abs(t)
    tail = stdtr(df, -size)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.sqrt(df * np.log1p(size**2 / df)) * (8 * df + 1) / (8 * df + 3)
        exact = -ndtri(tail)
    z: Float = np.copysign(np.where(tail > 1e-290, exact, far), t)
    return np.where(np.isnan(t), np.nan, z)


def two_sided_p(z: Float) -> Float:
    """Two-sided normal p; the smallest positive double is the floor, so that no p is 0."""
    p: Float = 2 * ndtr(-np.abs(z))
    return np.where((p == 0) & ~np.isnan(z), np.nextafter(0, 1), p)
