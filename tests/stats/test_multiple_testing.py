import numpy as np

from pathcall.stats.multiple_testing import benjamini_hochberg


def test_missing_values_stay_missing_and_do_not_count():
    # R 4.2.2: p.adjust(c(0.01, NA, 0.04, 0.03, 0.9), "BH")
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.9])
    expected = [0.04, np.nan, 0.16 / 3, 0.16 / 3, 0.9]
    np.testing.assert_allclose(benjamini_hochberg(p), expected)


def test_columns_are_families_of_their_own():
    p = np.random.default_rng(0).uniform(size=(30, 3)) ** 3
    both = benjamini_hochberg(p)
    for k in range(3):
        np.testing.assert_array_equal(both[:, k], benjamini_hochberg(p[:, k]))


def test_nothing_known_is_no_error():
    assert len(benjamini_hochberg(np.array([]))) == 0
    assert np.isnan(benjamini_hochberg(np.full(3, np.nan))).all()
