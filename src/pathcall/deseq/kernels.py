"""Compiled inner loops of the negative binomial fits: one pass per gene, no Python between genes.

Every kernel works on a block of genes (``genes × samples`` arrays, C order) and treats each gene
on its own, in one fixed order of operations. Blocks can therefore be spread over threads
(`over_genes`) without changing a single bit of the result, and no BLAS is involved.

Two things make them fast. Samples with the same row of the design share their linear predictor, so
normal equations are summed over the *distinct* rows of the design (`Layout`): 1,000 samples of a
4-level factor cost 4 outer products a step. And where there are as many distinct rows as
coefficients (a "saturated" layout: one coefficient per cell) the Cox–Reid determinant is a product.

Compiled code is cached beside this file, or where ``NUMBA_CACHE_DIR`` says; where neither can be
written, kernels are compiled anew in each process.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

#: Genes in one block of work. Fixed, so that blocks do not depend on the number of threads.
BLOCK = 512


def _jit(function: Kernel) -> Kernel:
    compiled: Any
    try:
        compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError as error:  # numba found no folder that it can write
        logger.info("compiled kernels are not cached: %s", error)
        compiled = numba.njit(nogil=True, error_model="numpy")(function)
    return cast(Kernel, compiled)


@dataclass(frozen=True)
class Layout:
    """A design matrix and its distinct rows.

    Attributes
    ----------
    matrix
        ``samples × coefficients``.
    rows
        ``distinct rows × coefficients``, in order of first appearance.
    group
        For each sample, its row in `rows`.
    sizes
        Samples per distinct row.
    saturated
        As many distinct rows as coefficients.
    log_det
        ``2 log |det rows|`` where saturated, else 0.
    """

    matrix: Float
    rows: Float
    group: Int
    sizes: Int
    saturated: bool
    log_det: float

    @classmethod
    def of(cls, matrix: npt.ArrayLike) -> Layout:
        """Lay out a design matrix (``samples × coefficients``)."""
        x = np.ascontiguousarray(matrix, dtype=np.float64)
        _, first, inverse = np.unique(x, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        group = rank[inverse.reshape(-1)].astype(np.int64)
        rows = np.ascontiguousarray(x[first[order]])
        saturated = rows.shape[0] == rows.shape[1]
        log_det = float(2 * np.linalg.slogdet(rows)[1]) if saturated else 0.0
        sizes = np.bincount(group, minlength=len(rows)).astype(np.int64)
        return cls(x, rows, group, sizes, saturated, log_det)

    @property
    def n_samples(self) -> int:
        """Samples."""
        return int(self.matrix.shape[0])

    @property
    def n_coefficients(self) -> int:
        """Coefficients."""
        return int(self.matrix.shape[1])

    def replicated(self, n: int) -> Bool:
        """Samples whose cell (distinct row) has at least `n` samples."""
        return np.asarray(self.sizes[self.group] >= n)


def over_genes(work: Callable[[slice], None], n_genes: int, threads: int = 1) -> None:
    """Call `work` on blocks of genes, in `threads` threads.

    Blocks are the same for any number of threads and write to their own slices of the results.
    """
    blocks = [slice(i, min(i + BLOCK, n_genes)) for i in range(0, n_genes, BLOCK)]
    if threads <= 1 or len(blocks) <= 1:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, blocks):
            pass


# ---------------------------------------------------------------------------- special functions


@_jit
def _tail(x: float) -> float:
    """What Stirling's formula leaves out of log Γ(x), x ≥ 10."""
    r = 1.0 / x
    q = r * r
    return r * (
        1 / 12 - q * (1 / 360 - q * (1 / 1260 - q * (1 / 1680 - q * (1 / 1188 - q * 691 / 360360))))
    )


@_jit
def _digamma_tail(x: float) -> float:
    """``log x - ψ(x)``, x ≥ 10."""
    r = 1.0 / x
    q = r * r
    return 0.5 * r + q * (
        1 / 12 - q * (1 / 120 - q * (1 / 252 - q * (1 / 240 - q * (1 / 132 - q * 691 / 32760))))
    )


@_jit
def _lgamma(x: float) -> float:
    if x >= 10.0:
        return (x - 0.5) * math.log(x) - x + 0.9189385332046727 + _tail(x)
    product = 1.0
    while x < 10.0:
        product *= x
        x += 1.0
    return (x - 0.5) * math.log(x) - x + 0.9189385332046727 + _tail(x) - math.log(product)


@_jit
def _digamma(x: float) -> float:
    shift = 0.0
    while x < 10.0:
        shift += 1.0 / x
        x += 1.0
    return math.log(x) - _digamma_tail(x) - shift


@_jit
def _rising(y: float, alpha: float, size: float, lgamma_size: float) -> float:
    """``log Γ(y + k) - log Γ(k) - y log k`` for k = 1/alpha, without cancellation for large k."""
    if y == 0.0:
        return 0.0
    if size >= 10.0:
        x = y + size
        return (x - 0.5) * math.log1p(y * alpha) - y + _tail(x) - _tail(size)
    return _lgamma(y + size) - lgamma_size - y * math.log(size)


# ---------------------------------------------------------------------------- small linear algebra


@_jit
def _cholesky(a: Float, p: int) -> bool:
    """Lower Cholesky factor in place; False where `a` is not positive definite."""
    for j in range(p):
        s = a[j, j]
        for k in range(j):
            s -= a[j, k] * a[j, k]
        if not s > 0.0:
            return False
        d = math.sqrt(s)
        a[j, j] = d
        for i in range(j + 1, p):
            t = a[i, j]
            for k in range(j):
                t -= a[i, k] * a[j, k]
            a[i, j] = t / d
    return True


@_jit
def _solve(lower: Float, b: Float, p: int) -> None:
    """Solve ``L Lᵀ x = b`` in place."""
    for i in range(p):
        t = b[i]
        for k in range(i):
            t -= lower[i, k] * b[k]
        b[i] = t / lower[i, i]
    for i in range(p - 1, -1, -1):
        t = b[i]
        for k in range(i + 1, p):
            t -= lower[k, i] * b[k]
        b[i] = t / lower[i, i]


@_jit
def _quadratic(lower: Float, x: Float, work: Float, p: int) -> float:
    """``xᵀ (L Lᵀ)⁻¹ x``."""
    s = 0.0
    for i in range(p):
        t = x[i]
        for k in range(i):
            t -= lower[i, k] * work[k]
        t /= lower[i, i]
        work[i] = t
        s += t * t
    return s


@_jit
def _normal(a: Float, rows: Float, w: Float, ridge: float, p: int) -> None:
    """Lower triangle of ``Xᵀ W X + ridge I`` from the weights of the distinct rows."""
    for i in range(p):
        for j in range(i + 1):
            a[i, j] = 0.0
        a[i, i] = ridge
    for g in range(rows.shape[0]):
        wg = w[g]
        for i in range(p):
            xi = rows[g, i]
            if xi != 0.0:
                t = wg * xi
                for j in range(i + 1):
                    a[i, j] += t * rows[g, j]


# ---------------------------------------------------------------------------- coefficients


@_jit
def fit_beta(
    y: Float, log_sf: Float, rows: Float, group: Int, alpha: Float, beta: Float, ok: Bool,
    ridge: float, tol: float, max_iter: int, min_mu: float, large: float, dev_start: float,
) -> None:  # fmt: skip
    """Iteratively reweighted least squares of each gene, in place.

    Working means are held at or above `min_mu`. A gene has converged when its deviance changes by
    less than `tol` relative to its size; it has not (``ok`` False, `beta` as it last was) when a
    coefficient leaves ±`large`, the normal equations break down or `max_iter` steps were taken.
    `dev_start`: the deviance before the first step; NaN: the first step is never the last.
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
        lg = _lgamma(size) if size < 10.0 else 0.0
        const = 0.0
        for j in range(n):
            const += _rising(y[i, j], disp, size, lg) - _lgamma(y[i, j] + 1.0)
        for g in range(k_rows):
            s = 0.0
            for c in range(p):
                s += rows[g, c] * beta[i, c]
            eta[g] = s
        dev_old = dev_start
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
            _normal(a, rows, w, ridge, p)
            for c in range(p):
                s = 0.0
                for g in range(k_rows):
                    s += rows[g, c] * wz[g]
                b[c] = s
            if not _cholesky(a, p):
                break
            _solve(a, b, p)
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
            if step > 0 or not math.isnan(dev_start):
                ratio = abs(dev - dev_old) / (abs(dev) + 0.1)
                if math.isnan(ratio):
                    break
                if ratio < tol:
                    done = True
                    break
            dev_old = dev
        ok[i] = done


@_jit
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
            _normal(a, rows, w, ridge, p)
            for c in range(p):
                b[c] = grad[c] if free[c] else 0.0
                if not free[c]:
                    for d in range(c):
                        a[c, d] = 0.0
                    for d in range(c + 1, p):
                        a[d, c] = 0.0
                    a[c, c] = 1.0
            if not _cholesky(a, p):
                break
            _solve(a, b, p)
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


@_jit
def log_likelihood(
    y: Float, log_sf: Float, rows: Float, group: Int, alpha: Float, beta: Float, min_mu: Float,
    out: Float,
) -> None:  # fmt: skip
    """Log likelihood of each gene; means held at or above ``min_mu[gene]``."""
    n = log_sf.shape[0]
    k_rows, p = rows.shape
    eta = np.empty(k_rows)
    for i in range(y.shape[0]):
        disp = alpha[i]
        size = 1.0 / disp
        lg = _lgamma(size) if size < 10.0 else 0.0
        for g in range(k_rows):
            s = 0.0
            for c in range(p):
                s += rows[g, c] * beta[i, c]
            eta[g] = s
        total = 0.0
        for j in range(n):
            mu = max(math.exp(log_sf[j] + eta[group[j]]), min_mu[i])
            total += _rising(y[i, j], disp, size, lg) - _lgamma(y[i, j] + 1.0)
            if y[i, j] > 0.0:
                total += y[i, j] * math.log(mu)
            total -= (y[i, j] + size) * math.log1p(mu * disp)
        out[i] = total


@_jit
def means_and_leverage(
    y: Float, log_sf: Float, rows: Float, group: Int, alpha: Float, beta: Float,
    ridge: float, min_mu: float, mu: Float, hat: Float,
) -> None:  # fmt: skip
    """Fitted means (not held up) and diagonal of the hat matrix (means held at `min_mu`)."""
    n = log_sf.shape[0]
    k_rows, p = rows.shape
    a = np.empty((p, p))
    work = np.empty(p)
    w = np.empty(k_rows)
    eta = np.empty(k_rows)
    q = np.empty(k_rows)
    for i in range(y.shape[0]):
        disp = alpha[i]
        for g in range(k_rows):
            s = 0.0
            for c in range(p):
                s += rows[g, c] * beta[i, c]
            eta[g] = s
            w[g] = 0.0
        for j in range(n):
            g = group[j]
            mu[i, j] = math.exp(log_sf[j] + eta[g])
            m = max(mu[i, j], min_mu)
            hat[i, j] = m / (1.0 + m * disp)
            w[g] += hat[i, j]
        _normal(a, rows, w, ridge, p)
        good = _cholesky(a, p)
        for g in range(k_rows):
            q[g] = _quadratic(a, rows[g], work, p) if good else np.nan
        for j in range(n):
            hat[i, j] *= q[group[j]]


@_jit
def contrast_variance(
    log_sf: Float, rows: Float, group: Int, alpha: Float, beta: Float, weights: Float,
    ridge: float, min_mu: float, out: Float,
) -> None:  # fmt: skip
    """Variance of ``weights · beta`` of each gene (ridge-corrected sandwich, natural log scale)."""
    n = log_sf.shape[0]
    k_rows, p = rows.shape
    a = np.empty((p, p))
    b = np.empty(p)
    w = np.empty(k_rows)
    for i in range(alpha.shape[0]):
        for g in range(k_rows):
            w[g] = 0.0
        for j in range(n):
            g = group[j]
            s = log_sf[j]
            for c in range(p):
                s += rows[g, c] * beta[i, c]
            m = max(math.exp(s), min_mu)
            w[g] += m / (1.0 + m * alpha[i])
        _normal(a, rows, w, ridge, p)
        if not _cholesky(a, p):
            out[i] = np.nan
            continue
        for c in range(p):
            b[c] = weights[c]
        _solve(a, b, p)
        total = 0.0
        for g in range(k_rows):
            s = 0.0
            for c in range(p):
                s += rows[g, c] * b[c]
            total += w[g] * s * s
        out[i] = total


# ---------------------------------------------------------------------------- dispersion


@_jit
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
        tail_size = _tail(size)
        psi_tail_size = _digamma_tail(size)
        lgamma_size = 0.0
        psi_size = 0.0
        log_size = 0.0
    else:
        tail_size = 0.0
        psi_tail_size = 0.0
        lgamma_size = _lgamma(size)
        psi_size = _digamma(size)
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
                value += (x - 0.5) * log_x - yj + _tail(x) - tail_size
                slope -= log_x - _digamma_tail(x) + psi_tail_size
            elif x >= 10.0:
                log_x = math.log(x)
                value += (x - 0.5) * log_x - x + 0.9189385332046727 + _tail(x)
                value -= lgamma_size + yj * log_size
                slope -= log_x - _digamma_tail(x) - psi_size
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
        _normal(a, rows, w, 0.0, p)
        if _cholesky(a, p):
            s = 0.0
            for c in range(p):
                s += 2.0 * math.log(a[c, c])
            t = 0.0
            for g in range(k_rows):
                t += dw[g] * _quadratic(a, rows[g], work, p)
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


@_jit
def _constant(y: Float, mu: Float) -> float:
    """``Σ y log mu``, which with ``Σ log y!`` is what `_profile` leaves out."""
    s = 0.0
    for j in range(y.shape[0]):
        if y[j] > 0.0:
            s += y[j] * math.log(mu[j])
    return s


@_jit
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


@_jit
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


@_jit
def _trial_step(
    low: float, f_low: float, g_low: float, high: float, f_high: float, g_high: float,
    at: float, f: float, g: float, bracketed: bool, at_min: float, at_max: float,
) -> tuple[float, float, float, float, float, float, float, bool]:  # fmt: skip
    """Next trial of Moré & Thuente's line search (1994, ACM Trans Math Softw 20:286, section 4).

    `low` is the best step so far, `high` the other end of the interval. Returns the new interval
    (step, value, slope at both ends), the next step and whether a minimum is bracketed.
    """
    opposite = g * (g_low / abs(g_low)) < 0.0
    if f > f_low:  # higher value: a minimum lies between
        theta = 3.0 * (f_low - f) / (at - low) + g_low + g
        s = max(abs(theta), abs(g_low), abs(g))
        gamma = s * math.sqrt((theta / s) ** 2 - (g_low / s) * (g / s))
        if at < low:
            gamma = -gamma
        r = ((gamma - g_low) + theta) / (((gamma - g_low) + gamma) + g)
        cubic = low + r * (at - low)
        quadratic = low + g_low / ((f_low - f) / (at - low) + g_low) / 2.0 * (at - low)
        if abs(cubic - low) < abs(quadratic - low):
            step = cubic
        else:
            step = cubic + (quadratic - cubic) / 2.0
        bracketed = True
    elif opposite:  # lower value, slopes of opposite sign: a minimum lies between
        theta = 3.0 * (f_low - f) / (at - low) + g_low + g
        s = max(abs(theta), abs(g_low), abs(g))
        gamma = s * math.sqrt((theta / s) ** 2 - (g_low / s) * (g / s))
        if at > low:
            gamma = -gamma
        r = ((gamma - g) + theta) / (((gamma - g) + gamma) + g_low)
        cubic = at + r * (low - at)
        secant = at + g / (g - g_low) * (low - at)
        step = cubic if abs(cubic - at) > abs(secant - at) else secant
        bracketed = True
    elif abs(g) < abs(g_low):  # lower value, same sign, slope flattens
        theta = 3.0 * (f_low - f) / (at - low) + g_low + g
        s = max(abs(theta), abs(g_low), abs(g))
        gamma = s * math.sqrt(max(0.0, (theta / s) ** 2 - (g_low / s) * (g / s)))
        if at > low:
            gamma = -gamma
        r = ((gamma - g) + theta) / ((gamma + (g_low - g)) + gamma)
        if r < 0.0 and gamma != 0.0:
            cubic = at + r * (low - at)
        elif at > low:
            cubic = at_max
        else:
            cubic = at_min
        secant = at + g / (g - g_low) * (low - at)
        if bracketed:
            step = cubic if abs(cubic - at) < abs(secant - at) else secant
            if at > low:
                step = min(at + 0.66 * (high - at), step)
            else:
                step = max(at + 0.66 * (high - at), step)
        else:
            step = cubic if abs(cubic - at) > abs(secant - at) else secant
            step = max(at_min, min(at_max, step))
    elif bracketed:  # lower value, same sign, slope does not flatten
        theta = 3.0 * (f - f_high) / (high - at) + g_high + g
        s = max(abs(theta), abs(g_high), abs(g))
        gamma = s * math.sqrt((theta / s) ** 2 - (g_high / s) * (g / s))
        if at > high:
            gamma = -gamma
        r = ((gamma - g) + theta) / (((gamma - g) + gamma) + g_high)
        step = at + r * (high - at)
    elif at > low:
        step = at_max
    else:
        step = at_min
    if f > f_low:
        high, f_high, g_high = at, f, g
    else:
        if opposite:
            high, f_high, g_high = low, f_low, g_low
        low, f_low, g_low = at, f, g
    return low, f_low, g_low, high, f_high, g_high, step, bracketed


@_jit
def dispersion_quasi_newton(
    y: Float, mu: Float, rows: Float, group: Int, saturated: bool, log_det: float, start: Float,
    prior_mean: Float, prior_var: float, low: float, high: float, max_iter: int,
    log_alpha: Float, ok: Bool,
) -> None:  # fmt: skip
    """The local optimum of log alpha that L-BFGS-B reaches from `start`, in ``[low, high]``.

    In one dimension L-BFGS-B is a secant method: the first direction is the gradient, later ones
    the gradient over the last secant's curvature, clipped to the bounds, each with Moré & Thuente's
    line search. Tolerances are scipy's defaults: relative change 2.2e-9, projected slope 1e-5, 20
    trials a search.
    """
    k_rows, p = rows.shape
    a = np.empty((p, p))
    work = np.empty(p)
    w = np.empty(k_rows)
    dw = np.empty(k_rows)
    out = np.empty(2)
    for i in range(y.shape[0]):
        mean = prior_mean[i] if prior_var > 0.0 else 0.0
        const = _constant(y[i], mu[i])
        for j in range(y.shape[1]):
            const -= _lgamma(y[i, j] + 1.0)
        x = min(max(start[i], low), high)
        _profile(y[i], mu[i], rows, group, saturated, log_det, x, mean, prior_var, a, work, w, dw,
                 out)  # fmt: skip
        f = -(out[0] + const)  # minimised from here on
        g = -out[1]
        curvature = 1.0
        fresh = True  # no curvature known
        ok[i] = False
        for iteration in range(max_iter):
            if abs(min(max(x - g, low), high) - x) <= 1e-5:
                ok[i] = True
                break
            d = min(max(x - g / curvature, low), high) - x
            slope0 = g * d
            if not slope0 < 0.0:
                break
            longest = 1.0
            if iteration > 0:
                longest = 1e10
                room = (high - x) if d > 0.0 else (low - x)
                if abs(d) * longest > abs(room):
                    longest = room / d
            t = min(1.0, longest)
            f0 = f
            test = 1e-3 * slope0
            bracketed = False
            stage = 1
            width = longest
            width1 = 2.0 * width
            t_low, f_low, g_low = 0.0, f0, slope0
            t_high, f_high, g_high = 0.0, f0, slope0
            t_min = 0.0
            t_max = 5.0 * t
            found = False
            ft = f0
            gt = g
            xt = x
            for _try in range(20):
                xt = x + t * d
                xt = min(max(xt, low), high)
                _profile(y[i], mu[i], rows, group, saturated, log_det, xt, mean, prior_var, a,
                         work, w, dw, out)  # fmt: skip
                ft = -(out[0] + const)
                gt = -out[1]
                slope = gt * d
                bound = f0 + t * test
                if stage == 1 and ft <= bound and slope >= 0.0:
                    stage = 2
                if not math.isfinite(ft):
                    break
                if (
                    (bracketed and (t <= t_min or t >= t_max))
                    or (bracketed and t_max - t_min <= 0.1 * t_max)
                    or (t == longest and ft <= bound and slope <= test)
                    or (t == 0.0 and (ft > bound or slope >= test))
                    or (ft <= bound and abs(slope) <= -0.9 * slope0)
                ):
                    found = True
                    break
                if stage == 1 and ft <= f_low and ft > bound:
                    (t_low, f_low, g_low, t_high, f_high, g_high, t, bracketed) = _trial_step(
                        t_low, f_low - t_low * test, g_low - test, t_high, f_high - t_high * test,
                        g_high - test, t, ft - t * test, slope - test, bracketed, t_min, t_max,
                    )  # fmt: skip
                    f_low += t_low * test
                    f_high += t_high * test
                    g_low += test
                    g_high += test
                else:
                    (t_low, f_low, g_low, t_high, f_high, g_high, t, bracketed) = _trial_step(
                        t_low, f_low, g_low, t_high, f_high, g_high, t, ft, slope, bracketed,
                        t_min, t_max,
                    )  # fmt: skip
                if bracketed:
                    if abs(t_high - t_low) >= 0.66 * width1:
                        t = t_low + 0.5 * (t_high - t_low)
                    width1 = width
                    width = abs(t_high - t_low)
                    t_min = min(t_low, t_high)
                    t_max = max(t_low, t_high)
                else:
                    t_min = t + 1.1 * (t - t_low)
                    t_max = t + 4.0 * (t - t_low)
                t = min(max(t, 0.0), longest)
                if bracketed and (t <= t_min or t >= t_max or t_max - t_min <= 0.1 * t_max):
                    t = t_low
            if not found:
                if fresh:
                    break
                curvature = 1.0
                fresh = True
                continue
            moved = xt - x
            turned = gt - g
            old_slope = g * d * t
            x, f, g = xt, ft, gt
            if abs(min(max(x - g, low), high) - x) <= 1e-5:
                ok[i] = True
                break
            if f0 - f <= 2.220446049250313e-9 * max(abs(f0), abs(f), 1.0):
                ok[i] = True
                break
            if turned * moved > -2.220446049250313e-16 * old_slope:
                curvature = turned / moved
                fresh = False
        log_alpha[i] = x


# ---------------------------------------------------------------------------- shrinkage


@_jit
def _predict(rows: Float, beta: Float, eta: Float) -> None:
    """Linear predictor of the distinct rows."""
    for g in range(rows.shape[0]):
        s = 0.0
        for c in range(rows.shape[1]):
            s += rows[g, c] * beta[c]
        eta[g] = s


@_jit
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


@_jit
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
        _normal(a, rows, w, 0.0, p)
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
        if not _cholesky(a, p):
            _normal(a, rows, w, 0.0, p)
            for c in range(p):
                if c != coef:
                    a[c, c] += 1.0 / (wide * wide)
            a[coef, coef] += ascent
            if not _cholesky(a, p):
                break
        _solve(a, new, p)
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
    _normal(a, rows, w, 0.0, p)
    for c in range(p):
        if c != coef:
            a[c, c] += 1.0 / (wide * wide)
    a[coef, coef] += 2.0 * (s2 - t * t) / ((s2 + t * t) * (s2 + t * t))
    if not _cholesky(a, p):
        return value, np.nan, False
    _solve(a, b, p)
    return value, b[coef], done


@_jit
def shrink(
    y: Float, log_sf: Float, rows: Float, group: Int, size: Float, start: Float, other: Float,
    coef: int, wide: float, scale: float, max_iter: int, mode: Float, variance: Float, ok: Bool,
) -> None:  # fmt: skip
    """Posterior mode of all coefficients, one of them under a Cauchy prior (apeGLM).

    `variance` is the posterior variance of that coefficient, from the Hessian at the mode.

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
        square = beta[coef] * beta[coef]
        gain = math.log1p(square / (scale * scale))
        if not done or (square > 0.25 * scale * scale and 0.25 * square / var < gain + 1.0):
            for c in range(p):
                beta[c] = other[i, c]
            value2, var2, done2 = _shrink_climb(
                y[i], log_sf, rows, group, size[i], beta, coef, wide, scale, max_iter, a, b, new,
                w, r, eta,
            )  # fmt: skip
            if done2 and (value2 > value + 1e-9 or not done):
                for c in range(p):
                    mode[i, c] = beta[c]
                var = var2
                done = done2
        variance[i] = var
        ok[i] = done


@_jit
def contrast_variance_at(
    mu: Float, rows: Float, group: Int, alpha: Float, ridge: Float, weights: Float, out: Float
) -> None:
    """As `contrast_variance`, at given means (``genes × samples``) and with a ridge matrix."""
    n = group.shape[0]
    k_rows, p = rows.shape
    a = np.empty((p, p))
    b = np.empty(p)
    w = np.empty(k_rows)
    for i in range(mu.shape[0]):
        for g in range(k_rows):
            w[g] = 0.0
        for j in range(n):
            w[group[j]] += mu[i, j] / (1.0 + mu[i, j] * alpha[i])
        _normal(a, rows, w, 0.0, p)
        for c in range(p):
            for d in range(c + 1):
                a[c, d] += ridge[c, d]
            b[c] = weights[c]
        if not _cholesky(a, p):
            out[i] = np.nan
            continue
        _solve(a, b, p)
        total = 0.0
        for g in range(k_rows):
            s = 0.0
            for c in range(p):
                s += rows[g, c] * b[c]
            total += w[g] * s * s
        out[i] = total
