"""Trend and prior of dispersions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import polygamma

from pathcall.deseq.dispersion import (
    Trend,
    _gamma_identity,
    _quadratic_at,
    fit_prior,
    fit_trend,
    loess,
)


def test_loess_reproduces_a_quadratic() -> None:
    x = np.linspace(0, 8, 200)
    at = np.linspace(0, 8, 57)
    np.testing.assert_allclose(
        loess(x, 3 - 2 * x + 0.5 * x**2, at, span=0.2), 3 - 2 * at + 0.5 * at**2, atol=1e-9
    )


def test_prior_at_few_residual_degrees_of_freedom_finds_the_spread() -> None:
    rng = np.random.default_rng(5)
    for df in (1, 2, 3):
        for variance in (0.5, 1.5):
            log_ratio = np.log(rng.chisquare(df, 20_000) / df)
            log_ratio += rng.normal(0, np.sqrt(variance), 20_000)
            _, prior = fit_prior(np.exp(log_ratio), np.ones(20_000), df)
            assert prior == pytest.approx(variance, abs=0.2)


def test_trend_falls_back_to_a_local_fit_where_the_parametric_one_fails() -> None:
    rng = np.random.default_rng(2)
    mean = np.exp(rng.normal(5, 1.5, 2000))
    rising = 0.01 * mean**0.7 * np.exp(rng.normal(0, 0.2, 2000))
    trend = fit_trend(mean, rising)
    assert trend.kind == "local"
    middle = np.exp(np.linspace(4, 6, 5))
    np.testing.assert_allclose(trend(middle), 0.01 * middle**0.7, rtol=0.1)
    assert fit_trend(mean, np.full(2000, 1e-8)).kind == "none"
    falling = fit_trend(mean, (0.05 + 2 / mean) * np.exp(rng.normal(0, 0.2, 2000)))
    assert falling.kind == "parametric"
    assert Trend("parametric", (0.1, 2.0))(np.array([4.0]))[0] == pytest.approx(0.6)


def test_loess_is_r_s() -> None:
    """``predict(loess(dist ~ speed, cars))`` as printed by R's ``?predict.loess``.

    At speeds in cells that are cut between different speeds; where a cut falls on a speed that
    repeats, R moves it. Variances of the prior, what this is for, do not repeat.
    """
    speed = np.repeat(
        [4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23, 24, 25],
        [2, 2, 1, 1, 3, 2, 4, 4, 4, 3, 2, 3, 4, 3, 5, 1, 1, 4, 1],
    ).astype(float)
    dist = [2, 10, 4, 22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28, 26, 34, 34, 46, 26, 36, 60,
            80, 20, 26, 54, 32, 40, 32, 40, 50, 42, 56, 76, 84, 36, 46, 68, 32, 48, 52, 56, 64, 66,
            54, 70, 92, 93, 120, 85]  # fmt: skip
    expected = {
        11: 25.517015, 12: 29.350386, 13: 33.230660, 15: 41.205226, 19: 51.986702, 20: 56.461318,
        21: 61.959729, 22: 68.569313, 23: 76.316068, 24: 85.212121, 25: 95.324047,
    }  # fmt: skip
    made = loess(speed, np.array(dist, dtype=float), np.array(list(expected), float), span=0.75)
    np.testing.assert_allclose(made, list(expected.values()), atol=1e-6)


def test_the_gamma_fit_is_the_likeliest() -> None:
    rng = np.random.default_rng(8)
    x = rng.uniform(0.01, 2, 300)
    y = (0.1 + 2 * x) * rng.gamma(4, 1 / 4, 300)

    def deviance(b: np.ndarray) -> float:
        mu = b[0] + b[1] * x
        return float(-2 * (np.log(y / mu) - (y / mu - 1)).sum())

    fitted, converged = _gamma_identity(x, y, np.array([0.1, 1.0]))
    assert converged
    assert fitted is not None
    best = minimize(deviance, fitted * 1.1, method="Nelder-Mead", options={"xatol": 1e-9})
    np.testing.assert_allclose(fitted, best.x, rtol=1e-4)
    # From means that are not positive there is a way back, if the start is positive somewhere.
    assert _gamma_identity(x, y, np.array([-3.0, 1.0])) == (None, False)
    again, _ = _gamma_identity(x, y, np.array([5.0, 0.1]))
    np.testing.assert_allclose(again, fitted, rtol=1e-5)


def test_the_parametric_trend_leaves_outliers_out() -> None:
    rng = np.random.default_rng(9)
    mean = np.exp(rng.uniform(1, 9, 800))
    alpha = (0.05 + 2 / mean) * rng.gamma(6, 1 / 6, 800)
    trend = fit_trend(mean, alpha)
    assert trend.kind == "parametric"
    np.testing.assert_allclose(trend.values, (0.05, 2.0), rtol=0.1)
    mixed = np.concatenate([alpha, 40 * (0.05 + 2 / mean[:50]), np.full(50, 1.1e-6)])
    far = fit_trend(np.concatenate([mean, mean[:50], mean[50:100]]), mixed)
    np.testing.assert_allclose(far.values, trend.values, rtol=1e-9)
    low = np.concatenate([alpha, np.full(50, 1e-6)])  # 100 × the least dispersion does not count
    kept = fit_trend(np.concatenate([mean, mean[:50]]), low)
    np.testing.assert_allclose(kept.values, trend.values, rtol=1e-12)
    assert fit_trend(mean[:1], alpha[:1]).kind == "local"


def test_a_local_fit_at_a_point() -> None:
    rng = np.random.default_rng(10)
    x, y, weight = np.sort(rng.normal(size=30)), rng.normal(size=30), rng.uniform(1, 9, 30)
    near = np.argsort(np.abs(x - 0.3))[:12]
    h = np.abs(x[near] - 0.3).max()
    tricube = (1 - (np.abs(x[near] - 0.3) / h) ** 3) ** 3
    value, slope = _quadratic_at(x, y, 0.3, 12, weight)
    c = np.polyfit(x[near] - 0.3, y[near], 2, w=np.sqrt(weight[near] * tricube))
    assert (value, slope) == pytest.approx((c[2], c[1]))


def test_knots_of_the_local_trend() -> None:
    rng = np.random.default_rng(11)
    mean = np.exp(rng.uniform(1, 8, 300))
    trend = fit_trend(mean, 0.01 * mean**0.5 * np.exp(rng.normal(0, 0.1, 300)))
    assert trend.kind == "local"
    knots, values = trend.values
    assert len(knots) == 200
    assert (np.exp(knots[0]), np.exp(knots[-1])) == pytest.approx((mean.min(), mean.max()))
    at = np.exp(knots[[0, 70, 199]])
    np.testing.assert_allclose(trend(at), np.exp(values[[0, 70, 199]]))
    y = np.log(0.01 * mean**0.5)
    exact = fit_trend(mean, np.exp(y)).values
    np.testing.assert_allclose(exact[1], np.log(0.01) + 0.5 * exact[0], atol=1e-9)


@pytest.mark.parametrize("df", [4, 10])
def test_the_prior_by_its_formula(df: int) -> None:
    rng = np.random.default_rng(df)
    residual = rng.normal(0.3, 1.5, 999)
    observed, prior = fit_prior(np.exp(residual) * 2, np.full(999, 2.0), df)
    mad = 1.4826 * np.median(np.abs(residual - np.median(residual)))
    assert observed == pytest.approx(mad**2)
    assert prior == pytest.approx(mad**2 - polygamma(1, df / 2))


def test_limits_of_the_prior() -> None:
    narrow = np.exp(np.random.default_rng(1).normal(0, 0.1, 500))
    for df in (1, 3, 4, 30):
        assert fit_prior(narrow, np.ones(500), df)[1] == 0.25
    with_floor = np.concatenate([narrow, np.full(500, 0.9e-6)])
    assert fit_prior(with_floor, np.ones(1000), 30) == fit_prior(narrow, np.ones(500), 30)
    at_floor = fit_prior(np.concatenate([narrow, np.full(500, 1e-6)]), np.ones(1000), 30)
    assert at_floor[0] > 1  # 100 × the least dispersion counts
    assert fit_prior(np.full(5, 1e-8), np.ones(5), 30)[1] == 0.25
    assert np.isnan(fit_prior(np.full(5, 1e-8), np.ones(5), 30)[0])
