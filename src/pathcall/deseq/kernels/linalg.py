"""Linear predictors, normal equations and Cholesky factors of one gene; no BLAS."""

from __future__ import annotations

import math

from pathcall.deseq.kernels.jit import Float, jit


@jit
def predict(rows: Float, beta: Float, eta: Float) -> None:
    """Linear predictors of the distinct rows, into `eta`."""
    for g in range(rows.shape[0]):
        s = 0.0
        for c in range(rows.shape[1]):
            s += rows[g, c] * beta[c]
        eta[g] = s


@jit
def normal_equations(a: Float, rows: Float, w: Float, ridge: Float) -> None:
    """Lower triangle of ``Xᵀ W X + diag(ridge)``, from the weights of the distinct rows."""
    p = rows.shape[1]
    for i in range(p):
        for j in range(i):
            a[i, j] = 0.0
        a[i, i] = ridge[i]
    for g in range(rows.shape[0]):
        for i in range(p):
            xi = rows[g, i]
            if xi != 0.0:
                t = w[g] * xi
                for j in range(i + 1):
                    a[i, j] += t * rows[g, j]


@jit
def cholesky(a: Float) -> bool:
    """Lower Cholesky factor in place; False where `a` is not positive definite."""
    p = a.shape[0]
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
def forward(lower: Float, b: Float) -> float:
    """Solve ``L x = b`` in place: the square of x, which is ``bᵀ (L Lᵀ)⁻¹ b``."""
    square = 0.0
    for i in range(b.shape[0]):
        t = b[i]
        for k in range(i):
            t -= lower[i, k] * b[k]
        t /= lower[i, i]
        b[i] = t
        square += t * t
    return square


@jit
def solve(lower: Float, b: Float) -> None:
    """Solve ``L Lᵀ x = b`` in place."""
    forward(lower, b)
    for i in range(b.shape[0] - 1, -1, -1):
        t = b[i]
        for k in range(i + 1, b.shape[0]):
            t -= lower[k, i] * b[k]
        b[i] = t / lower[i, i]
