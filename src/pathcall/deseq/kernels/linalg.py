"""Normal equations and Cholesky factors of one gene; no BLAS."""

from __future__ import annotations

import math

from pathcall.deseq.kernels.jit import Float, jit


@jit
def cholesky(a: Float, p: int) -> bool:
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


@jit
def solve(lower: Float, b: Float, p: int) -> None:
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


@jit
def quadratic(lower: Float, x: Float, work: Float, p: int) -> float:
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


@jit
def accumulate(a: Float, rows: Float, w: Float, p: int) -> None:
    """Add ``Xᵀ W X`` to the lower triangle of `a`, from the weights of the distinct rows."""
    for g in range(rows.shape[0]):
        wg = w[g]
        for i in range(p):
            xi = rows[g, i]
            if xi != 0.0:
                t = wg * xi
                for j in range(i + 1):
                    a[i, j] += t * rows[g, j]


@jit
def normal_equations(a: Float, rows: Float, w: Float, ridge: float, p: int) -> None:
    """Lower triangle of ``Xᵀ W X + ridge I``."""
    for i in range(p):
        for j in range(i + 1):
            a[i, j] = 0.0
        a[i, i] = ridge
    accumulate(a, rows, w, p)
