"""Gamma functions of the negative binomial likelihood."""

from __future__ import annotations

import math

from pathcall.deseq.kernels.jit import jit

HALF_LOG_TAU = 0.9189385332046727


@jit
def tail(x: float) -> float:
    """What Stirling's formula leaves out of log Γ(x), x ≥ 10."""
    r = 1.0 / x
    q = r * r
    return r * (
        1 / 12 - q * (1 / 360 - q * (1 / 1260 - q * (1 / 1680 - q * (1 / 1188 - q * 691 / 360360))))
    )


@jit
def digamma_tail(x: float) -> float:
    """``log x - ψ(x)``, x ≥ 10."""
    r = 1.0 / x
    q = r * r
    return 0.5 * r + q * (
        1 / 12 - q * (1 / 120 - q * (1 / 252 - q * (1 / 240 - q * (1 / 132 - q * 691 / 32760))))
    )


@jit
def size_terms(size: float) -> tuple[float, float, float]:
    """What `rising` needs of k: the tails of its log Γ and ψ where k ≥ 10, else them; log k."""
    if size >= 10.0:
        return tail(size), digamma_tail(size), math.log(size)
    x = size
    psi = 0.0
    while x < 10.0:
        psi -= 1.0 / x
        x += 1.0
    return math.lgamma(size), psi + math.log(x) - digamma_tail(x), math.log(size)


@jit
def rising(y: float, size: float, gamma: float, psi: float, log_size: float) -> tuple[float, float]:
    """``log Γ(y + k) - log Γ(k) - y log k`` and ``ψ(y + k) - ψ(k)``, y an integer.

    No large numbers cancel where k is large. The last three are `size_terms`.
    """
    if y == 0.0:
        return 0.0, 0.0
    x = y + size
    if size >= 10.0:
        log_x = math.log1p(y / size)
        return (x - 0.5) * log_x - y + tail(x) - gamma, log_x - digamma_tail(x) + psi
    if x >= 10.0:
        log_x = math.log(x)
        value = (x - 0.5) * log_x - x + HALF_LOG_TAU + tail(x) - gamma - y * log_size
        return value, log_x - digamma_tail(x) - psi
    product = 1.0
    slope = 0.0
    step = size
    while step < x - 0.5:
        product *= step / size
        slope += 1.0 / step
        step += 1.0
    return math.log(product), slope
