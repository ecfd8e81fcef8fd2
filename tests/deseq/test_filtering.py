"""Independent filtering."""

from __future__ import annotations

import numpy as np

from pathcall.deseq.filtering import lowess


def test_lowess_is_r_s() -> None:
    """R 4.2.2: ``lowess(c(1,3,2,5,4,8,9,7,12,30), f = 0.6)$y``."""
    y = np.array([1, 3, 2, 5, 4, 8, 9, 7, 12, 30.0])
    expected = [
        1.26016789221,
        2.18698248506,
        3.14229279846,
        4.11256713170,
        5.62688269726,
        6.90244181000,
        8.04341908995,
        9.21468408447,
        10.39933432067,
        11.95597165865,
    ]
    np.testing.assert_allclose(lowess(np.arange(1.0, 11), y, span=0.6), expected, rtol=1e-6)
