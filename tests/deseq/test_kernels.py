"""Every kernel, compiled and as plain Python, against SciPy where it has the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from pathcall.deseq.kernels import dispersion, irls, jit, linalg, modes
from pathcall.deseq.kernels import special as gamma
from pathcall.deseq.layout import Layout


def both(kernel: Any) -> list[Any]:
    """The compiled kernel and its Python."""
    return [kernel, kernel.py_func]


def problem(*, saturated: bool) -> dict[str, Any]:
    """A handful of genes: counts, means, design."""
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(8), np.repeat([0.0, 1.0], 4)])
    if not saturated:
        x = np.column_stack([x, rng.normal(size=8)])
    layout = Layout.of(x)
    assert layout.saturated is saturated
    beta = np.column_stack([rng.normal(3, 1, 5), *rng.normal(0, 0.4, (x.shape[1] - 1, 5))])
    log_sf = rng.normal(0, 0.2, 8)
    alpha = np.array([0.02, 0.1, 0.3, 0.05, 1.5])
    mu = np.exp(beta @ x.T + log_sf)
    y = rng.poisson(rng.gamma(1 / alpha[:, None], alpha[:, None] * mu)).astype(float)
    return {"y": y, "mu": mu, "x": x, "layout": layout, "beta": beta, "log_sf": log_sf,
            "alpha": alpha, "shape": (layout.rows, layout.group)}  # fmt: skip


@pytest.mark.parametrize("x", [1e-3, 0.4, 3.0, 9.99, 10.0, 250.0])
def test_gamma_functions(x: float) -> None:
    if x >= 10:
        for tail, slope in zip(both(gamma.tail), both(gamma.digamma_tail), strict=True):
            stirling = (x - 0.5) * math.log(x) - x + 0.5 * math.log(2 * math.pi)
            assert tail(x) == pytest.approx(special.gammaln(x) - stirling, abs=1e-12)
            assert slope(x) == pytest.approx(math.log(x) - special.digamma(x), abs=1e-14)
    for terms, rising in zip(both(gamma.size_terms), both(gamma.rising), strict=True):
        for y in (0.0, 7.0, 400.0):
            value, slope = rising(y, x, *terms(x))
            expected = special.gammaln(y + x) - special.gammaln(x) - y * math.log(x)
            assert value == pytest.approx(expected, rel=1e-12, abs=1e-10)
            expected = special.digamma(y + x) - special.digamma(x)
            assert slope == pytest.approx(expected, rel=1e-11)


def test_linear_algebra() -> None:
    rng = np.random.default_rng(1)
    rows, w = rng.normal(size=(5, 3)), rng.uniform(0.5, 2, 5)
    rows[0, 1] = 0.0
    matrix = rows.T @ np.diag(w) @ rows + 0.1 * np.eye(3)
    b, eta = rng.normal(size=3), np.empty(5)
    kernels = linalg.normal_equations, linalg.cholesky, linalg.solve, linalg.forward, linalg.predict
    for normal, cholesky, solve, forward, predict in zip(*map(both, kernels), strict=True):
        a = np.full((3, 3), np.nan)
        normal(a, rows, w, np.full(3, 0.1))
        np.testing.assert_allclose(np.tril(a), np.tril(matrix))
        assert cholesky(a)
        np.testing.assert_allclose(np.tril(a), np.linalg.cholesky(matrix))
        found = b.copy()
        solve(a, found)
        np.testing.assert_allclose(matrix @ found, b)
        assert forward(a, b.copy()) == pytest.approx(b @ np.linalg.solve(matrix, b))
        assert not cholesky(-np.eye(3))
        predict(rows, b, eta)
        np.testing.assert_allclose(eta, rows @ b)


@pytest.mark.parametrize("saturated", [True, False])
def test_coefficients_are_the_mode(saturated: bool) -> None:
    """By reweighted least squares, and by Newton's method where that does not settle."""
    p = problem(saturated=saturated)
    k, x = p["x"].shape[1], p["x"]
    found, ridge = [], np.full(p["x"].shape[1], 1e-6)
    offset = np.tile(p["log_sf"], (5, 1))
    for fit, climb in zip(both(irls.fit_beta), both(modes.modes), strict=True):
        beta, ok = np.zeros((5, k)), np.zeros(5, dtype=bool)
        beta[:, 0] = np.log(p["y"].mean(axis=1) + 0.1)
        fit(p["y"], offset, *p["shape"], p["alpha"], ridge, 1e-12, 200, 1e-6, 30.0, beta, ok)
        other, fine = np.zeros((5, k)), np.zeros(5, dtype=bool)
        climb(p["y"], offset, *p["shape"], 1 / p["alpha"], ridge, -1, 1.0, 200, other, np.empty(5),
              fine)  # fmt: skip
        assert ok.all()
        assert fine.all()
        np.testing.assert_allclose(beta, other, atol=1e-4)
        found.append(beta)
    np.testing.assert_allclose(*found, rtol=1e-12)
    mu = np.exp(found[0] @ x.T + p["log_sf"])
    slope = ((p["y"] - mu) / (1 + p["alpha"][:, None] * mu)) @ x
    np.testing.assert_allclose(slope, 0, atol=1e-3)


@pytest.mark.parametrize("saturated", [True, False])
def test_leverage_and_variance(saturated: bool) -> None:
    p = problem(saturated=saturated)
    x, mu, alpha = p["x"], p["mu"], p["alpha"]
    mu[0] = 0.1  # held at 0.5
    weights, ridge = np.array([0.0, 1.0, 0.5][: x.shape[1]]), np.full(x.shape[1], 1e-6)
    kernels = irls.leverage, irls.contrast_variance
    for lever, variance in zip(*map(both, kernels), strict=True):
        hat, spread = np.empty_like(mu), np.empty(5)
        lever(mu, *p["shape"], alpha, ridge, 0.5, hat)
        variance(mu, *p["shape"], alpha, ridge, weights, 0.5, spread)
        for g in range(5):
            held = np.maximum(mu[g], 0.5)
            w = np.diag(held / (1 + alpha[g] * held))
            inverse = np.linalg.inv(x.T @ w @ x + 1e-6 * np.eye(x.shape[1]))
            np.testing.assert_allclose(hat[g], np.diag(w @ x @ inverse @ x.T), rtol=1e-8)
            expected = weights @ inverse @ (x.T @ w @ x) @ inverse @ weights
            assert spread[g] == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize("saturated", [True, False])
@pytest.mark.parametrize("variance", [0.0, 0.5])
def test_dispersions_are_the_mode(saturated: bool, variance: float) -> None:
    p = problem(saturated=saturated)
    y, mu, x, layout = p["y"], p["mu"], p["x"], p["layout"]
    shape = (*p["shape"], layout.saturated, layout.log_det)
    prior = np.log(p["alpha"]) if variance else np.empty(0)

    def value(gene: int, log_alpha: float) -> float:
        a = math.exp(log_alpha)
        w = np.diag(mu[gene] / (1 + a * mu[gene]))
        adjusted = stats.nbinom.logpmf(y[gene], 1 / a, 1 / (1 + a * mu[gene])).sum()
        adjusted -= 0.5 * np.linalg.slogdet(x.T @ w @ x)[1]
        return float(adjusted - ((log_alpha - prior[gene]) ** 2 / 2 / variance if variance else 0))

    grid = np.linspace(-8, 2, 2001)
    for ascent, search in zip(
        both(dispersion.dispersion_ascent), both(dispersion.dispersion_grid), strict=True
    ):
        found, first, last, rough = (np.empty(5) for _ in range(4))
        steps = np.empty(5, dtype=np.int64)
        start = np.log(np.full(5, 0.1))
        ascent(y, mu, *shape, start, prior, variance, -20.0, 1e-9, 200, found, steps, first, last)
        search(y, mu, *shape, prior, variance, -8.0, 2.0, 20, rough)
        for g in range(5):
            best = grid[np.argmax([value(g, at) for at in grid])]
            assert rough[g] == pytest.approx(best, abs=0.06)
            if best > -7.9:
                assert found[g] == pytest.approx(best, abs=0.05)
            gain = value(g, found[g]) - value(g, start[g])
            assert last[g] - first[g] == pytest.approx(gain, abs=1e-8)


def test_modes_under_a_cauchy_prior() -> None:
    p = problem(saturated=False)
    results = []
    precision = np.array([15.0**-2, 0.0, 15.0**-2])
    for modes_of in both(modes.modes):
        mode, variance, ok = p["beta"].copy(), np.empty(5), np.zeros(5, dtype=bool)
        modes_of(p["y"], np.tile(p["log_sf"], (5, 1)), *p["shape"], 1 / p["alpha"], precision, 1,
                 0.3, 200, mode, variance, ok)  # fmt: skip
        assert ok.all()
        results.append((mode, variance))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    mode, variance = results[0]
    size = 1 / p["alpha"]
    for g in range(5):  # the variance is that of the inverse Hessian

        def loss(b: Any, g: int = g) -> float:
            mu = np.exp(p["x"] @ b + p["log_sf"])
            prior = math.log1p((b[1] / 0.3) ** 2) + (b[0] ** 2 + b[2] ** 2) / (2 * 15**2)
            value = stats.nbinom.logpmf(p["y"][g], size[g], size[g] / (size[g] + mu)).sum()
            return float(prior - value)

        h = 1e-4
        e = np.eye(3) * h
        hessian = np.array(
            [[(loss(mode[g] + a + b) - loss(mode[g] + a - b) - loss(mode[g] - a + b)
               + loss(mode[g] - a - b)) / (4 * h * h) for a in e] for b in e]
        )  # fmt: skip
        assert variance[g] == pytest.approx(np.linalg.inv(hessian)[1, 1], rel=2e-3)


def test_the_cache_follows_the_source_of_all_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """numba looks at a function's own file only; kernels inline those of other files."""
    for path in Path(jit.__file__).parent.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(jit, "_HERE", tmp_path)
    before = jit._digest()
    assert before == jit._SOURCE
    with (tmp_path / "linalg.py").open("a") as file:
        file.write("# a remark\n")
    assert jit._digest() != before
