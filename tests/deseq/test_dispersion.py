"""Trend and prior of dispersions."""

from __future__ import annotations

import numpy as np
import pytest

from pathcall.deseq.dispersion import Trend, fit_prior, fit_trend, loess


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
