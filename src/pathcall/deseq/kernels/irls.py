"""Coefficients of the GLM of each gene, and what follows from them."""

from __future__ import annotations

import math

import numpy as np

from pathcall.deseq.kernels.jit import Bool, Float, Int, jit
from pathcall.deseq.kernels.linalg import cholesky, forward, normal_equations, predict, solve
from pathcall.deseq.kernels.special import rising, size_terms


@jit
def fit_beta(
    y: Float, offset: Float, rows: Float, group: Int, alpha: Float, ridge: Float, tol: float,
    max_iter: int, min_mu: float, large: float, beta: Float, ok: Bool,
) -> None:  # fmt: skip
    """Iteratively reweighted least squares of each gene, in place.

    Working means are held at or above `min_mu`. A gene has converged when its deviance changes by
    less than `tol` relative to its size, the first step never being the last; it has not (``ok``
    False, `beta` as it last was) when a coefficient leaves ±`large`, the normal equations break
    down or `max_iter` steps were taken.
    """
    n = y.shape[1]
    k_rows, p = rows.shape
    a = np.empty((p, p))
    b = np.empty(p)
    w, eta, wz = np.empty(k_rows), np.empty(k_rows), np.empty(k_rows)
    log_min = math.log(min_mu)
    for i in range(y.shape[0]):
        disp = alpha[i]
        size = 1.0 / disp
        gamma, psi, log_size = size_terms(size)
        const = 0.0
        for j in range(n):
            const += rising(y[i, j], size, gamma, psi, log_size)[0] - math.lgamma(y[i, j] + 1.0)
        predict(rows, beta[i], eta)
        dev_old = np.nan
        ok[i] = False
        for step in range(max_iter):
            for g in range(k_rows):
                w[g] = 0.0
                wz[g] = 0.0
            for j in range(n):
                g = group[j]
                log_mu = max(offset[i, j] + eta[g], log_min)
                mu = math.exp(log_mu)
                wj = mu / (1.0 + mu * disp)
                w[g] += wj
                wz[g] += wj * (log_mu - offset[i, j] + (y[i, j] - mu) / mu)
            normal_equations(a, rows, w, ridge)
            far = False
            for c in range(p):
                b[c] = 0.0
                for g in range(k_rows):
                    b[c] += rows[g, c] * wz[g]
            if not cholesky(a):
                break
            solve(a, b)
            for c in range(p):
                far = far or not abs(b[c]) <= large
            if far:
                break
            for c in range(p):
                beta[i, c] = b[c]
            predict(rows, b, eta)
            dev = const
            for j in range(n):
                log_mu = max(offset[i, j] + eta[group[j]], log_min)
                dev += y[i, j] * log_mu - (y[i, j] + size) * math.log1p(math.exp(log_mu) * disp)
            dev *= -2.0
            ratio = abs(dev - dev_old) / (abs(dev) + 0.1)
            if step > 0 and not ratio >= tol:
                ok[i] = not math.isnan(ratio)
                break
            dev_old = dev


@jit
def leverage(
    mu: Float, rows: Float, group: Int, alpha: Float, ridge: Float, min_mu: float, hat: Float
) -> None:
    """Diagonal of the hat matrix of each gene, means held at or above `min_mu`."""
    k_rows, p = rows.shape
    a = np.empty((p, p))
    b = np.empty(p)
    w, q = np.empty(k_rows), np.empty(k_rows)
    for i in range(mu.shape[0]):
        for g in range(k_rows):
            w[g] = 0.0
        for j in range(group.shape[0]):
            m = max(mu[i, j], min_mu)
            hat[i, j] = m / (1.0 + m * alpha[i])
            w[group[j]] += hat[i, j]
        normal_equations(a, rows, w, ridge)
        good = cholesky(a)
        for g in range(k_rows):
            for c in range(p):
                b[c] = rows[g, c]
            q[g] = forward(a, b) if good else np.nan
        for j in range(group.shape[0]):
            hat[i, j] *= q[group[j]]


@jit
def contrast_variance(
    mu: Float, rows: Float, group: Int, alpha: Float, ridge: Float, weights: Float, min_mu: float,
    out: Float,
) -> None:  # fmt: skip
    """Variance of ``weights · beta`` of each gene, means held at or above `min_mu`.

    The ridge-corrected sandwich ``cᵀ H⁻¹ Xᵀ W X H⁻¹ c`` with ``H = Xᵀ W X + diag(ridge)``.
    """
    k_rows, p = rows.shape
    a = np.empty((p, p))
    b = np.empty(p)
    w, solved = np.empty(k_rows), np.empty(k_rows)
    for i in range(mu.shape[0]):
        for g in range(k_rows):
            w[g] = 0.0
        for j in range(group.shape[0]):
            m = max(mu[i, j], min_mu)
            w[group[j]] += m / (1.0 + m * alpha[i])
        normal_equations(a, rows, w, ridge)
        out[i] = np.nan
        if cholesky(a):
            for c in range(p):
                b[c] = weights[c]
            solve(a, b)
            predict(rows, b, solved)
            out[i] = 0.0
            for g in range(k_rows):
                out[i] += w[g] * solved[g] * solved[g]
