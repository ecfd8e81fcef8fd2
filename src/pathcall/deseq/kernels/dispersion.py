"""Dispersion of each gene: Cox–Reid adjusted profile likelihood, with or without a prior."""

from __future__ import annotations

import math

import numpy as np

from pathcall.deseq.kernels.jit import Float, Int, jit
from pathcall.deseq.kernels.linalg import cholesky, normal_equations, quadratic
from pathcall.deseq.kernels.special import digamma, digamma_tail, lgamma, tail


@jit
def _profile(
    y: Float, mu: Float, rows: Float, group: Int, saturated: bool, log_det: float, log_alpha: float,
    prior_mean: float, prior_var: float, a: Float, work: Float, w: Float, dw: Float, out: Float,
) -> None:  # fmt: skip
    """Cox–Reid adjusted log likelihood of one gene in log alpha, and its slope, into `out`.

    `prior_var` > 0 adds a normal prior on log alpha. Constants that do not depend on alpha are
    left out.
    """
    n = y.shape[0]
    k_rows, p = rows.shape
    alpha = math.exp(log_alpha)
    size = 1.0 / alpha
    for g in range(k_rows):
        w[g] = 0.0
        dw[g] = 0.0
    value = 0.0
    slope = 0.0
    large = size >= 10.0
    if large:
        tail_size = tail(size)
        psi_tail_size = digamma_tail(size)
        lgamma_size = 0.0
        psi_size = 0.0
        log_size = 0.0
    else:
        tail_size = 0.0
        psi_tail_size = 0.0
        lgamma_size = lgamma(size)
        psi_size = digamma(size)
        log_size = math.log(size)
    for j in range(n):
        m = mu[j]
        yj = y[j]
        one = 1.0 + m * alpha
        log_one = math.log1p(m * alpha)
        g = group[j]
        wj = m / one
        w[g] += wj
        dw[g] -= wj * wj
        if yj > 0.0:
            x = yj + size
            if large:
                log_x = math.log1p(yj * alpha)
                value += (x - 0.5) * log_x - yj + tail(x) - tail_size
                slope -= log_x - digamma_tail(x) + psi_tail_size
            elif x >= 10.0:
                log_x = math.log(x)
                value += (x - 0.5) * log_x - x + 0.9189385332046727 + tail(x)
                value -= lgamma_size + yj * log_size
                slope -= log_x - digamma_tail(x) - psi_size
            else:
                # y is an integer below 10: products and sums over its steps
                product = 1.0
                steps = size
                while steps < x - 0.5:
                    product *= steps * alpha
                    slope -= 1.0 / steps
                    steps += 1.0
                value += math.log(product)
        value -= (yj + size) * log_one
        slope += log_one + (yj - m) * alpha / one
    slope *= size
    if saturated:
        s = log_det
        t = 0.0
        for g in range(k_rows):
            s += math.log(w[g])
            t += dw[g] / w[g]
    else:
        normal_equations(a, rows, w, 0.0, p)
        if cholesky(a, p):
            s = 0.0
            for c in range(p):
                s += 2.0 * math.log(a[c, c])
            t = 0.0
            for g in range(k_rows):
                t += dw[g] * quadratic(a, rows[g], work, p)
        else:
            s = np.inf
            t = 0.0
    value -= 0.5 * s
    slope -= 0.5 * t * alpha
    if prior_var > 0.0:
        d = log_alpha - prior_mean
        value -= 0.5 * d * d / prior_var
        slope -= d / prior_var
    out[0] = value
    out[1] = slope


@jit
def dispersion_ascent(
    y: Float, mu: Float, rows: Float, group: Int, saturated: bool, log_det: float, start: Float,
    prior_mean: Float, prior_var: float, min_log_alpha: float, tol: float, max_iter: int,
    log_alpha: Float, steps: Int, initial: Float, last: Float,
) -> None:  # fmt: skip
    """Gradient ascent in log alpha with Armijo backtracking, as R's DESeq2 does it.

    The first step is the whole gradient; a step that raises the objective too little is halved,
    an accepted one lets the next be a tenth longer, up to the whole gradient again, and every
    fifth accepted step is halved against overshooting. It ends when the objective rises by less
    than `tol`, when log alpha falls below `min_log_alpha` or after `max_iter` trials.
    """
    k_rows, p = rows.shape
    a = np.empty((p, p))
    work = np.empty(p)
    w = np.empty(k_rows)
    dw = np.empty(k_rows)
    out = np.empty(2)
    for i in range(y.shape[0]):
        x = start[i]
        mean = prior_mean[i] if prior_var > 0.0 else 0.0
        _profile(y[i], mu[i], rows, group, saturated, log_det, x, mean, prior_var, a, work, w, dw,
                 out)  # fmt: skip
        value = out[0]
        slope = out[1]
        initial[i] = value
        kappa = 1.0
        accepted = 0
        count = 0
        while count < max_iter:
            count += 1
            if x + kappa * slope < -30.0:
                kappa = (-30.0 - x) / slope
            if x + kappa * slope > 10.0:
                kappa = (10.0 - x) / slope
            trial = x + kappa * slope
            _profile(y[i], mu[i], rows, group, saturated, log_det, trial, mean, prior_var, a, work,
                     w, dw, out)  # fmt: skip
            if out[0] >= value + kappa * 1e-4 * slope * slope:
                accepted += 1
                x = trial
                change = out[0] - value
                if change < tol:
                    value = out[0]
                    break
                if x < min_log_alpha:
                    break
                value = out[0]
                slope = out[1]
                kappa = min(kappa * 1.1, 1.0)
                if accepted % 5 == 0:
                    kappa /= 2.0
            else:
                kappa /= 2.0
        log_alpha[i] = x
        steps[i] = count
        last[i] = value


@jit
def dispersion_grid(
    y: Float, mu: Float, rows: Float, group: Int, saturated: bool, log_det: float,
    prior_mean: Float, prior_var: float, low: float, high: float, length: int, log_alpha: Float,
) -> None:  # fmt: skip
    """Best log alpha on a grid, then on a grid of the same length around it."""
    k_rows, p = rows.shape
    a = np.empty((p, p))
    work = np.empty(p)
    w = np.empty(k_rows)
    dw = np.empty(k_rows)
    out = np.empty(2)
    for i in range(y.shape[0]):
        mean = prior_mean[i] if prior_var > 0.0 else 0.0
        lo = low
        hi = high
        best_x = lo
        for _ in range(2):
            best = -np.inf
            delta = (hi - lo) / (length - 1)
            for t in range(length):
                x = lo + t * delta
                _profile(y[i], mu[i], rows, group, saturated, log_det, x, mean, prior_var, a, work,
                         w, dw, out)  # fmt: skip
                if out[0] > best:
                    best = out[0]
                    best_x = x
            lo = best_x - delta
            hi = best_x + delta
        log_alpha[i] = best_x
