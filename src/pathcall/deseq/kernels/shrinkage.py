"""apeGLM's posterior mode of each gene."""

from __future__ import annotations

import math

import numpy as np

from pathcall.deseq.kernels.jit import Bool, Float, Int, jit
from pathcall.deseq.kernels.linalg import cholesky, normal_equations, solve


@jit
def _predict(rows: Float, beta: Float, eta: Float) -> None:
    """Linear predictor of the distinct rows."""
    for g in range(rows.shape[0]):
        s = 0.0
        for c in range(rows.shape[1]):
            s += rows[g, c] * beta[c]
        eta[g] = s


@jit
def _shrink_value(
    y: Float, log_sf: Float, rows: Float, group: Int, size: float, beta: Float, coef: int,
    wide: float, scale: float, eta: Float,
) -> float:  # fmt: skip
    n = log_sf.shape[0]
    p = rows.shape[1]
    alpha = 1.0 / size
    value = 0.0
    _predict(rows, beta, eta)
    for j in range(n):
        log_mu = log_sf[j] + eta[group[j]]
        value += y[j] * log_mu - (y[j] + size) * math.log1p(math.exp(log_mu) * alpha)
    for c in range(p):
        if c == coef:
            value -= math.log1p(beta[c] * beta[c] / (scale * scale))
        else:
            value -= 0.5 * beta[c] * beta[c] / (wide * wide)
    return value


@jit
def _shrink_climb(
    y: Float, log_sf: Float, rows: Float, group: Int, size: float, beta: Float, coef: int,
    wide: float, scale: float, max_iter: int, a: Float, b: Float, new: Float, w: Float, r: Float,
    eta: Float,
) -> tuple[float, float, bool]:  # fmt: skip
    """Climb to a mode from `beta` (in place): value, variance of the coefficient, converged."""
    n = log_sf.shape[0]
    k_rows, p = rows.shape
    alpha = 1.0 / size
    s2 = scale * scale
    done = False
    value = -np.inf
    for _ in range(max_iter):
        for g in range(k_rows):
            w[g] = 0.0
            r[g] = 0.0
        value = 0.0
        _predict(rows, beta, eta)
        for j in range(n):
            g = group[j]
            log_mu = log_sf[j] + eta[g]
            mu_a = math.exp(log_mu) * alpha
            one = 1.0 + mu_a
            value += y[j] * log_mu - (y[j] + size) * math.log1p(mu_a)
            mu = mu_a * size
            r[g] += (y[j] - mu) / one
            w[g] += mu * (1.0 + alpha * y[j]) / (one * one)
        normal_equations(a, rows, w, 0.0, p)
        t = beta[coef]
        for c in range(p):
            s = 0.0
            for g in range(k_rows):
                s += rows[g, c] * r[g]
            if c == coef:
                value -= math.log1p(t * t / s2)
                s -= 2.0 * t / (s2 + t * t)
            else:
                value -= 0.5 * beta[c] * beta[c] / (wide * wide)
                s -= beta[c] / (wide * wide)
                a[c, c] += 1.0 / (wide * wide)
            b[c] = s
        # The prior's curvature may be negative; a bound from below keeps the step an ascent and
        # the fixed point is the same.
        curvature = 2.0 * (s2 - t * t) / ((s2 + t * t) * (s2 + t * t))
        ascent = 2.0 / (s2 + t * t)
        plain = a[coef, coef]
        a[coef, coef] = plain + curvature
        for c in range(p):
            new[c] = b[c]
        if not cholesky(a, p):
            normal_equations(a, rows, w, 0.0, p)
            for c in range(p):
                if c != coef:
                    a[c, c] += 1.0 / (wide * wide)
            a[coef, coef] += ascent
            if not cholesky(a, p):
                break
        solve(a, new, p)
        gain = 0.0
        for c in range(p):
            gain += new[c] * b[c]
        if gain < 1e-12 * (1.0 + 1e-3 * abs(value)):
            done = True
            break
        step = 1.0
        improved = False
        for _half in range(30):
            for c in range(p):
                b[c] = beta[c] + step * new[c]
            if _shrink_value(y, log_sf, rows, group, size, b, coef, wide, scale, eta) > value:
                improved = True
                break
            step *= 0.5
        if not improved:
            done = True
            break
        for c in range(p):
            beta[c] = b[c]
    # Posterior variance from the Hessian at the mode.
    for c in range(p):
        b[c] = 0.0
    b[coef] = 1.0
    t = beta[coef]
    for g in range(k_rows):
        w[g] = 0.0
    _predict(rows, beta, eta)
    for j in range(n):
        g = group[j]
        log_mu = log_sf[j] + eta[g]
        mu_a = math.exp(log_mu) * alpha
        w[g] += mu_a * size * (1.0 + alpha * y[j]) / ((1.0 + mu_a) * (1.0 + mu_a))
    normal_equations(a, rows, w, 0.0, p)
    for c in range(p):
        if c != coef:
            a[c, c] += 1.0 / (wide * wide)
    a[coef, coef] += 2.0 * (s2 - t * t) / ((s2 + t * t) * (s2 + t * t))
    if not cholesky(a, p):
        return value, np.nan, False
    solve(a, b, p)
    return value, b[coef], done


@jit
def shrink(
    y: Float, log_sf: Float, rows: Float, group: Int, size: Float, start: Float, other: Float,
    coef: int, wide: float, scale: float, max_iter: int, mode: Float, inverse: Float, ok: Bool,
) -> None:  # fmt: skip
    """Posterior mode of all coefficients, one of them under a Cauchy prior (apeGLM).

    `inverse` is that coefficient's column of the inverse Hessian at the mode, which holds its
    posterior variance.

    A heavy-tailed prior can leave two modes. Each gene climbs from `start` (maximum likelihood)
    and from `other` (coefficient at zero) and keeps the higher mode. The second climb is left out
    where it cannot win: the mode is next to zero anyway, or twice what the prior gains by going
    back to zero is less than what the likelihood (in quadratic approximation) loses.
    """
    k_rows, p = rows.shape
    a = np.empty((p, p))
    b = np.empty(p)
    new = np.empty(p)
    w = np.empty(k_rows)
    r = np.empty(k_rows)
    eta = np.empty(k_rows)
    beta = np.empty(p)
    for i in range(y.shape[0]):
        for c in range(p):
            beta[c] = start[i, c]
        value, var, done = _shrink_climb(
            y[i], log_sf, rows, group, size[i], beta, coef, wide, scale, max_iter, a, b, new, w, r,
            eta,
        )  # fmt: skip
        for c in range(p):
            mode[i, c] = beta[c]
            inverse[i, c] = b[c]
        square = beta[coef] * beta[coef]
        gain = math.log1p(square / (scale * scale))
        if not done or (square > 0.25 * scale * scale and 0.25 * square / var < gain + 1.0):
            for c in range(p):
                beta[c] = other[i, c]
            value2, _, done2 = _shrink_climb(
                y[i], log_sf, rows, group, size[i], beta, coef, wide, scale, max_iter, a, b, new,
                w, r, eta,
            )  # fmt: skip
            if done2 and (value2 > value + 1e-9 or not done):
                for c in range(p):
                    mode[i, c] = beta[c]
                    inverse[i, c] = b[c]
                done = done2
        ok[i] = done
