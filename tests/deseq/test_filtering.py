"""Independent filtering."""

from __future__ import annotations

import numpy as np

from pathcall.deseq.filtering import independent_filtering, lowess
from pathcall.stats.multiple_testing import benjamini_hochberg


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


def test_lowess_of_a_line_and_of_ties() -> None:
    x = np.linspace(0, 1, 50)
    np.testing.assert_allclose(lowess(x, 3 - 2 * x, span=0.2), 3 - 2 * x, atol=1e-12)
    flat = np.where(np.arange(50) == 20, 9.0, 1.0)  # most residuals are 0: one outlier is ignored
    assert lowess(x, flat, span=0.4)[[19, 21]].max() < 2


def filtered(base_mean: np.ndarray, p: np.ndarray, cut: float) -> np.ndarray:
    return benjamini_hochberg(np.where(base_mean >= cut, p, np.nan))


def test_the_cut_is_the_lowest_near_the_most_rejections() -> None:
    """Genes of low means that never change: the filter drops them, and no others."""
    rng = np.random.default_rng(2)
    mean = np.concatenate([rng.uniform(1, 10, 1000), rng.uniform(20, 900, 1000)])
    p = np.concatenate([rng.uniform(0.2, 1, 1000), rng.beta(0.3, 4, 1000)])
    made = independent_filtering(mean, p, 0.05)
    theta = np.linspace(0, 0.95, 50)
    cuts = np.quantile(mean, theta)
    rejected = np.array([(filtered(mean, p, c) < 0.05).sum() for c in cuts])
    smooth = lowess(theta, rejected.astype(float), span=0.2)
    limit = smooth.max() - np.sqrt(np.mean((rejected - smooth) ** 2))
    chosen = cuts[np.flatnonzero(rejected > limit)[0]]
    np.testing.assert_array_equal(made, filtered(mean, p, chosen))
    assert 0.3 < np.isnan(made).mean() < 0.6
    assert (made < 0.05).sum() > (benjamini_hochberg(p) < 0.05).sum()


def test_few_rejections_filter_nothing() -> None:
    rng = np.random.default_rng(3)
    mean, p = rng.uniform(1, 100, 500), rng.uniform(0.01, 1, 500)
    for n, everything in ((10, True), (40, False)):
        few = p.copy()
        few[np.argsort(-mean)[:n]] = 1e-9
        made = independent_filtering(mean, few, 0.1)
        assert np.isnan(made).any() != everything
        assert (made < 0.1).sum() >= n


def test_genes_without_counts_or_p_are_left_out() -> None:
    rng = np.random.default_rng(4)
    mean, p = rng.uniform(1, 100, 400), rng.beta(0.3, 4, 400)
    made = independent_filtering(mean, p, 0.05)
    more = independent_filtering(
        np.concatenate([mean, [50.0] * 9]), np.concatenate([p, [np.nan] * 9]), 0.05
    )
    assert np.isnan(more[-9:]).all()
    assert ((more[:400] < 0.05) == (made < 0.05)).mean() > 0.98
    silent = np.concatenate([np.zeros(9_600), mean])  # 96% without counts
    made = independent_filtering(silent, np.concatenate([np.full(9_600, np.nan), p]), 0.05)
    assert np.isnan(made[:9_600]).all()
    assert (made[9_600:] < 0.05).sum() > 50
