import numpy as np
import pytest

from pathcall.stats.linear_models import (
    effective_samples,
    estimate_weights,
    residual_df,
    residuals_of,
    samples_used,
)


def groups(*sizes):
    return np.repeat(np.eye(len(sizes)), sizes, axis=0)


def slope(values):
    return np.column_stack([np.ones(len(values)), values])


def test_residuals_and_their_degrees_of_freedom_with_a_redundant_column():
    rng = np.random.default_rng(0)
    design = slope(rng.normal(size=9) * 1e6)
    values = rng.normal(size=(9, 4))
    left = residuals_of(values, design)
    np.testing.assert_allclose(left.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(left, residuals_of(values, np.hstack([design, design[:, :1] * 2])))
    assert residual_df(design) == residual_df(np.hstack([design, design])) == 7


def test_estimates_and_their_covariance_follow_from_the_weights():
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(8), rng.normal(size=(8, 2))])
    values = rng.normal(size=8)
    one, two = np.array([0.0, 1.0, 0.0]), np.array([0.0, 1.0, -1.0])
    beta = np.linalg.lstsq(design, values, rcond=None)[0]
    inverse = np.linalg.inv(design.T @ design)
    a, b = estimate_weights(design, one), estimate_weights(design, two)
    assert a @ values == pytest.approx(beta @ one)
    assert a @ b == pytest.approx(one @ inverse @ two)


def test_only_the_cells_of_a_contrast_are_used():
    design = groups(2, 2, 2)
    assert list(samples_used(design, np.array([1.0, -1, 0]))) == [True] * 4 + [False] * 2


@pytest.mark.parametrize(
    ("design", "contrast", "samples"),
    [
        (groups(3, 5), [1.0, -1.0], 3),
        (groups(4, 2, 9), [1.0, -1.0, 0.0], 2),
        (slope([0.0, 0, 1, 1, 2, 2]), [0.0, 1.0], 2),
        (slope([0.0, 0, 0, 0, 0, 100]), [0.0, 1.0], 1),  # one value decides the slope
        (slope([0.0, 1, 2, 3]), [0.0, 1.0], 1.6),
        (slope([0.0, 1, 2, 3]), [0.0, -7.0], 1.6),
    ],
)
def test_effective_samples(design, contrast, samples):
    weights = estimate_weights(design, np.array(contrast))
    assert effective_samples(weights) == pytest.approx(samples)


def test_an_estimate_without_weights_has_no_samples():
    assert effective_samples(np.zeros(4)) == 0
