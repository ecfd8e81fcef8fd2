"""Dispersion of each gene: Cox–Reid adjusted profile likelihood, with or without a prior."""

from __future__ import annotations

import math

import numpy as np

from pathcall.deseq.kernels.jit import Float, Int, jit
from pathcall.deseq.kernels.linalg import cholesky, forward, normal_equations
from pathcall.deseq.kernels.special import rising, size_terms


@jit
def _profile(
    y: Float, mu: Float, rows: Float, group: Int, saturated: bool, log_det: float, log_alpha: float,
    prior_mean: float, prior_var: float, a: Float, work: Float, w: Float, dw: Float,
) -> tuple[float, float]:  # fmt: skip
    """Cox–Reid adjusted log likelihood of one gene in log alpha, and its slope.

    `prior_var` > 0 adds a normal prior on log alpha. Constants that do not depend on alpha are
    left out.
    """
    k_rows, p = rows.shape
    alpha = math.exp(log_alpha)
    size = 1.0 / alpha
    gamma, psi, log_size = size_terms(size)
    for g in range(k_rows):
        w[g] = 0.0
        dw[g] = 0.0
    value = 0.0
    slope = 0.0
    for j in range(y.shape[0]):
        m = mu[j]
        one = 1.0 + m * alpha
        wj = m / one
        w[group[j]] += wj
        dw[group[j]] -= wj * wj
        log_one = math.log1p(m * alpha)
        rise, rise_slope = rising(y[j], size, gamma, psi, log_size)
        value += rise - (y[j] + size) * log_one
        slope += log_one + (y[j] - m) * alpha / one - rise_slope
    slope *= size
    if saturated:
        s = log_det
        t = 0.0
        for g in range(k_rows):
            s += math.log(w[g])
            t += dw[g] / w[g]
    else:
        for c in range(p):
            work[c] = 0.0
        normal_equations(a, rows, w, work)
        s = 0.0
        t = 0.0
        if cholesky(a):
            for c in range(p):
                s += 2.0 * math.log(a[c, c])
            for g in range(k_rows):
                for c in range(p):
                    work[c] = rows[g, c]
                t += dw[g] * forward(a, work)
        else:
            s = np.inf
    value -= 0.5 * s
    slope -= 0.5 * t * alpha
    if prior_var > 0.0:
        d = log_alpha - prior_mean
        value -= 0.5 * d * d / prior_var
        slope -= d / prior_var
    return value, slope


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
    a, work = np.empty((p, p)), np.empty(p)
    w, dw = np.empty(k_rows), np.empty(k_rows)
    for i in range(y.shape[0]):
        x = start[i]
        mean = prior_mean[i] if prior_var > 0.0 else 0.0
        value, slope = _profile(
            y[i], mu[i], rows, group, saturated, log_det, x, mean, prior_var, a, work, w, dw
        )
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
            higher, new_slope = _profile(
                y[i], mu[i], rows, group, saturated, log_det, trial, mean, prior_var, a, work, w, dw
            )
            if higher >= value + kappa * 1e-4 * slope * slope:
                accepted += 1
                x = trial
                change = higher - value
                if change >= tol and x < min_log_alpha:
                    break
                value = higher
                if change < tol:
                    break
                slope = new_slope
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
    a, work = np.empty((p, p)), np.empty(p)
    w, dw = np.empty(k_rows), np.empty(k_rows)
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
                value, _ = _profile(
                    y[i], mu[i], rows, group, saturated, log_det, x, mean, prior_var, a, work, w, dw
                )
                if value > best:
                    best = value
                    best_x = x
            lo = best_x - delta
            hi = best_x + delta
        log_alpha[i] = best_x
