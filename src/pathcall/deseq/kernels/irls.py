"""Coefficients of the GLM of each gene, and what follows from them."""

from __future__ import annotations

import math

import numpy as np

from pathcall.deseq.kernels.jit import Bool, Float, Int, jit
from pathcall.deseq.kernels.linalg import (
    accumulate,
    cholesky,
    normal_equations,
    quadratic,
    solve,
)
from pathcall.deseq.kernels.special import lgamma, rising


@jit
def fit_beta(
    y: Float, log_sf: Float, rows: Float, group: Int, alpha: Float, beta: Float, ok: Bool,
    ridge: float, tol: float, max_iter: int, min_mu: float, large: float,
) -> None:  # fmt: skip
    """Iteratively reweighted least squares of each gene, in place.

    Working means are held at or above `min_mu`. A gene has converged when its deviance changes by
    less than `tol` relative to its size, the first step never being the last; it has not (``ok``
    False, `beta` as it last was) when a coefficient leaves ±`large`, the normal equations break
    down or `max_iter` steps were taken.
    """
    n = log_sf.shape[0]
    k_rows, p = rows.shape
    a = np.empty((p, p))
    b = np.empty(p)
    w = np.empty(k_rows)
    eta = np.empty(k_rows)
    wz = np.empty(k_rows)
    log_min = math.log(min_mu)
    for i in range(y.shape[0]):
        disp = alpha[i]
        size = 1.0 / disp
        lg = lgamma(size) if size < 10.0 else 0.0
        const = 0.0
        for j in range(n):
            const += rising(y[i, j], disp, size, lg) - lgamma(y[i, j] + 1.0)
        for g in range(k_rows):
            s = 0.0
            for c in range(p):
                s += rows[g, c] * beta[i, c]
            eta[g] = s
        dev_old = np.nan
        done = False
        for step in range(max_iter):
            for g in range(k_rows):
                w[g] = 0.0
                wz[g] = 0.0
            for j in range(n):
                g = group[j]
                log_mu = log_sf[j] + eta[g]
                e = eta[g]
                if log_mu < log_min:
                    log_mu = log_min
                    e = log_min - log_sf[j]
                mu = math.exp(log_mu)
                wj = mu / (1.0 + mu * disp)
                w[g] += wj
                wz[g] += wj * (e + (y[i, j] - mu) / mu)
            normal_equations(a, rows, w, ridge, p)
            for c in range(p):
                s = 0.0
                for g in range(k_rows):
                    s += rows[g, c] * wz[g]
                b[c] = s
            if not cholesky(a, p):
                break
            solve(a, b, p)
            far = False
            for c in range(p):
                if not abs(b[c]) <= large:
                    far = True
            if far:
                break
            for c in range(p):
                beta[i, c] = b[c]
            for g in range(k_rows):
                s = 0.0
                for c in range(p):
                    s += rows[g, c] * b[c]
                eta[g] = s
            dev = const
            for j in range(n):
                log_mu = max(log_sf[j] + eta[group[j]], log_min)
                mu_a = math.exp(log_mu) * disp
                dev += y[i, j] * log_mu - (y[i, j] + size) * math.log1p(mu_a)
            dev *= -2.0
            if step > 0:
                ratio = abs(dev - dev_old) / (abs(dev) + 0.1)
                if math.isnan(ratio):
                    break
                if ratio < tol:
                    done = True
                    break
            dev_old = dev
        ok[i] = done


@jit
def fit_beta_bounded(
    y: Float, log_sf: Float, rows: Float, group: Int, alpha: Float, beta: Float, ok: Bool,
    ridge: float, bound: float, max_iter: int,
) -> None:  # fmt: skip
    """Mode of the ridge-penalised likelihood inside ±`bound`, by damped Newton steps, in place.

    The penalised likelihood is concave, so its mode does not depend on the start. Means are not
    held up here. The step is shortened until the objective rises, and clipped to the box.
    """
    n = log_sf.shape[0]
    k_rows, p = rows.shape
    a = np.empty((p, p))
    b = np.empty(p)
    new = np.empty(p)
    grad = np.empty(p)
    free = np.empty(p, dtype=np.bool_)
    w = np.empty(k_rows)
    r = np.empty(k_rows)
    for i in range(y.shape[0]):
        disp = alpha[i]
        size = 1.0 / disp
        for c in range(p):
            if not abs(beta[i, c]) <= bound:
                known = not math.isnan(beta[i, c])
                beta[i, c] = max(-bound, min(bound, beta[i, c])) if known else 0.0
        old = -np.inf
        ok[i] = False
        for _step in range(max_iter):
            for g in range(k_rows):
                w[g] = 0.0
                r[g] = 0.0
            value = 0.0
            for j in range(n):
                g = group[j]
                log_mu = log_sf[j]
                for c in range(p):
                    log_mu += rows[g, c] * beta[i, c]
                mu_a = math.exp(log_mu) * disp
                value += y[i, j] * log_mu - (y[i, j] + size) * math.log1p(mu_a)
                mu = mu_a * size
                r[g] += (y[i, j] - mu) / (1.0 + mu_a)
                w[g] += mu * (1.0 + disp * y[i, j]) / ((1.0 + mu_a) * (1.0 + mu_a))
            for c in range(p):
                value -= 0.5 * ridge * beta[i, c] * beta[i, c]
                s = -ridge * beta[i, c]
                for g in range(k_rows):
                    s += rows[g, c] * r[g]
                grad[c] = s
                free[c] = not (
                    (beta[i, c] >= bound and s > 0.0) or (beta[i, c] <= -bound and s < 0.0)
                )
            normal_equations(a, rows, w, ridge, p)
            for c in range(p):
                b[c] = grad[c] if free[c] else 0.0
                if not free[c]:
                    for d in range(c):
                        a[c, d] = 0.0
                    for d in range(c + 1, p):
                        a[d, c] = 0.0
                    a[c, c] = 1.0
            if not cholesky(a, p):
                break
            solve(a, b, p)
            decrement = 0.0
            for c in range(p):
                decrement += b[c] * grad[c] if free[c] else 0.0
            if decrement < 1e-12 * (abs(value) + 1.0):
                ok[i] = True
                break
            scale = 1.0
            improved = False
            for _ in range(40):
                for c in range(p):
                    new[c] = max(-bound, min(bound, beta[i, c] + scale * b[c]))
                old = 0.0
                for j in range(n):
                    g = group[j]
                    log_mu = log_sf[j]
                    for c in range(p):
                        log_mu += rows[g, c] * new[c]
                    old += y[i, j] * log_mu - (y[i, j] + size) * math.log1p(math.exp(log_mu) * disp)
                for c in range(p):
                    old -= 0.5 * ridge * new[c] * new[c]
                if old > value:
                    improved = True
                    break
                scale *= 0.5
            if not improved:
                ok[i] = True
                break
            for c in range(p):
                beta[i, c] = new[c]


@jit
def log_likelihood(
    y: Float, log_sf: Float, rows: Float, group: Int, alpha: Float, beta: Float, out: Float
) -> None:
    """Log likelihood of each gene."""
    n = log_sf.shape[0]
    k_rows, p = rows.shape
    eta = np.empty(k_rows)
    for i in range(y.shape[0]):
        disp = alpha[i]
        size = 1.0 / disp
        lg = lgamma(size) if size < 10.0 else 0.0
        for g in range(k_rows):
            s = 0.0
            for c in range(p):
                s += rows[g, c] * beta[i, c]
            eta[g] = s
        total = 0.0
        for j in range(n):
            mu = math.exp(log_sf[j] + eta[group[j]])
            total += rising(y[i, j], disp, size, lg) - lgamma(y[i, j] + 1.0)
            if y[i, j] > 0.0:
                total += y[i, j] * math.log(mu)
            total -= (y[i, j] + size) * math.log1p(mu * disp)
        out[i] = total


@jit
def fitted_means(log_sf: Float, rows: Float, group: Int, beta: Float, mu: Float) -> None:
    """Means of each gene (``genes × samples``), not held up."""
    for i in range(beta.shape[0]):
        for j in range(log_sf.shape[0]):
            s = log_sf[j]
            for c in range(rows.shape[1]):
                s += rows[group[j], c] * beta[i, c]
            mu[i, j] = math.exp(s)


@jit
def leverage(
    mu: Float, rows: Float, group: Int, alpha: Float, ridge: float, min_mu: float, hat: Float
) -> None:
    """Diagonal of the hat matrix of each gene, means held at or above `min_mu`."""
    n = group.shape[0]
    k_rows, p = rows.shape
    a = np.empty((p, p))
    work = np.empty(p)
    w = np.empty(k_rows)
    q = np.empty(k_rows)
    for i in range(mu.shape[0]):
        for g in range(k_rows):
            w[g] = 0.0
        for j in range(n):
            m = max(mu[i, j], min_mu)
            hat[i, j] = m / (1.0 + m * alpha[i])
            w[group[j]] += hat[i, j]
        normal_equations(a, rows, w, ridge, p)
        good = cholesky(a, p)
        for g in range(k_rows):
            q[g] = quadratic(a, rows[g], work, p) if good else np.nan
        for j in range(n):
            hat[i, j] *= q[group[j]]


@jit
def contrast_variance(
    mu: Float, rows: Float, group: Int, alpha: Float, ridge: Float, weights: Float, out: Float
) -> None:
    """Variance of ``weights · beta`` of each gene at the means `mu`, natural log scale.

    The ridge-corrected sandwich ``cᵀ H⁻¹ Xᵀ W X H⁻¹ c`` with ``H = Xᵀ W X + ridge`` (a matrix).
    """
    k_rows, p = rows.shape
    a = np.empty((p, p))
    b = np.empty(p)
    w = np.empty(k_rows)
    for i in range(mu.shape[0]):
        for g in range(k_rows):
            w[g] = 0.0
        for j in range(group.shape[0]):
            w[group[j]] += mu[i, j] / (1.0 + mu[i, j] * alpha[i])
        for c in range(p):
            for d in range(c + 1):
                a[c, d] = ridge[c, d]
            b[c] = weights[c]
        accumulate(a, rows, w, p)
        if not cholesky(a, p):
            out[i] = np.nan
            continue
        solve(a, b, p)
        total = 0.0
        for g in range(k_rows):
            s = 0.0
            for c in range(p):
                s += rows[g, c] * b[c]
            total += w[g] * s * s
        out[i] = total
