"""Posterior modes of the coefficients of each gene, by damped Newton steps."""

from __future__ import annotations

import math

import numpy as np

from pathcall.deseq.kernels.jit import Bool, Float, Int, jit
from pathcall.deseq.kernels.linalg import cholesky, normal_equations, predict, solve


@jit
def _weigh(
    y: Float, offset: Float, rows: Float, group: Int, size: float, beta: Float, precision: Float,
    coef: int, scale: float, r: Float, w: Float, eta: Float,
) -> float:  # fmt: skip
    """Log posterior at `beta`; residuals and weights of the distinct rows into `r` and `w`."""
    predict(rows, beta, eta)
    alpha = 1.0 / size
    value = 0.0
    for g in range(rows.shape[0]):
        r[g] = 0.0
        w[g] = 0.0
    for j in range(y.shape[0]):
        g = group[j]
        log_mu = offset[j] + eta[g]
        mu_a = math.exp(log_mu) * alpha
        one = 1.0 + mu_a
        value += y[j] * log_mu - (y[j] + size) * math.log1p(mu_a)
        r[g] += (y[j] - mu_a * size) / one
        w[g] += mu_a * size * (1.0 + alpha * y[j]) / (one * one)
    for c in range(rows.shape[1]):
        value -= 0.5 * precision[c] * beta[c] * beta[c]
    if coef >= 0:
        value -= math.log1p(beta[coef] * beta[coef] / (scale * scale))
    return value


@jit
def _factor(
    a: Float, rows: Float, w: Float, precision: Float, beta: Float, coef: int, scale: float
) -> bool:
    """Cholesky factor of the negative Hessian; False where it is not positive definite."""
    normal_equations(a, rows, w, precision)
    if coef >= 0:
        t = beta[coef] * beta[coef]
        s2 = scale * scale
        a[coef, coef] += 2.0 * (s2 - t) / ((s2 + t) * (s2 + t))
    return cholesky(a)


@jit
def _climb(
    y: Float, offset: Float, rows: Float, group: Int, size: float, beta: Float, precision: Float,
    coef: int, scale: float, max_iter: int, a: Float, b: Float, step: Float, trial: Float,
    r: Float, w: Float, eta: Float,
) -> tuple[float, bool]:  # fmt: skip
    """Climb to a mode from `beta` (in place): its value, and whether it was reached."""
    k_rows, p = rows.shape
    value = _weigh(y, offset, rows, group, size, beta, precision, coef, scale, r, w, eta)
    for _ in range(max_iter):
        for c in range(p):
            s = -precision[c] * beta[c]
            if c == coef:
                s -= 2.0 * beta[c] / (scale * scale + beta[c] * beta[c])
            for g in range(k_rows):
                s += rows[g, c] * r[g]
            b[c] = s
            step[c] = s
        # A Cauchy prior's curvature may be negative; a bound from below keeps the step an ascent,
        # and the fixed point is the same.
        if not _factor(a, rows, w, precision, beta, coef, scale):
            normal_equations(a, rows, w, precision)
            if coef >= 0:
                a[coef, coef] += 2.0 / (scale * scale + beta[coef] * beta[coef])
            if not cholesky(a):
                return value, False
        solve(a, step)
        gain = 0.0
        for c in range(p):
            gain += step[c] * b[c]
        if gain < 1e-12 * (1.0 + 1e-3 * abs(value)):
            return value, True
        length = 1.0
        for _half in range(40):
            for c in range(p):
                trial[c] = beta[c] + length * step[c]
            higher = _weigh(y, offset, rows, group, size, trial, precision, coef, scale, r, w, eta)
            if higher > value:
                break
            length *= 0.5
        else:  # as high as numbers go
            return _weigh(
                y, offset, rows, group, size, beta, precision, coef, scale, r, w, eta
            ), True
        value = higher
        for c in range(p):
            beta[c] = trial[c]
    return value, False


@jit
def modes(
    y: Float, offset: Float, rows: Float, group: Int, size: Float, precision: Float, coef: int,
    scale: float, max_iter: int, mode: Float, variance: Float, ok: Bool,
) -> None:  # fmt: skip
    """Posterior mode of all coefficients of each gene, from `mode`, in place.

    Priors are normal with these precisions; where `coef` is 0 or more, a Cauchy prior on that
    coefficient as well (apeGLM), whose variance at the mode goes into `variance`.

    A Cauchy prior can leave two modes. Each gene climbs from `mode` (maximum likelihood) and from
    there with the coefficient at zero and keeps the higher mode. The second climb is left out
    where it cannot win: the mode is next to zero anyway, or twice what the prior gains by going
    back to zero is less than what the likelihood (in quadratic approximation) loses.
    """
    k_rows, p = rows.shape
    a = np.empty((p, p))
    b, step, trial, other = np.empty(p), np.empty(p), np.empty(p), np.empty(p)
    r, w, eta = np.empty(k_rows), np.empty(k_rows), np.empty(k_rows)
    for i in range(y.shape[0]):
        for c in range(p):
            other[c] = mode[i, c] if c != coef else 0.0
        value, done = _climb(
            y[i], offset[i], rows, group, size[i], mode[i], precision, coef, scale, max_iter, a, b,
            step, trial, r, w, eta,
        )  # fmt: skip
        for attempt in range(2 if coef >= 0 else 0):
            found = _factor(a, rows, w, precision, mode[i], coef, scale)
            for c in range(p):
                b[c] = 1.0 if c == coef else 0.0
            if found:
                solve(a, b)
            variance[i] = b[coef] if found else np.nan
            done = done and found
            square = mode[i, coef] * mode[i, coef]
            near = square <= 0.25 * scale * scale
            sure = 0.25 * square / variance[i] >= math.log1p(square / (scale * scale)) + 1.0
            if attempt == 1 or (done and (near or sure)):
                break
            value2, done2 = _climb(
                y[i], offset[i], rows, group, size[i], other, precision, coef, scale, max_iter, a,
                b, step, trial, r, w, eta,
            )  # fmt: skip
            if not (done2 and (value2 > value + 1e-9 or not done)):
                break
            done = True
            for c in range(p):
                mode[i, c] = other[c]
        ok[i] = done
