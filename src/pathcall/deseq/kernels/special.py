"""Gamma functions of the negative binomial likelihood."""

from __future__ import annotations

import math

from pathcall.deseq.kernels.jit import jit


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
def lgamma(x: float) -> float:
    """``log Γ(x)``, x > 0."""
    if x >= 10.0:
        return (x - 0.5) * math.log(x) - x + 0.9189385332046727 + tail(x)
    product = 1.0
    while x < 10.0:
        product *= x
        x += 1.0
    return (x - 0.5) * math.log(x) - x + 0.9189385332046727 + tail(x) - math.log(product)


@jit
def digamma(x: float) -> float:
    """``ψ(x)``, x > 0."""
    shift = 0.0
    while x < 10.0:
        shift += 1.0 / x
        x += 1.0
    return math.log(x) - digamma_tail(x) - shift


@jit
def rising(y: float, alpha: float, size: float, lgamma_size: float) -> float:
    """``log Γ(y + k) - log Γ(k) - y log k`` for k = 1/alpha, without cancellation for large k."""
    if y == 0.0:
        return 0.0
    if size >= 10.0:
        x = y + size
        return (x - 0.5) * math.log1p(y * alpha) - y + tail(x) - tail(size)
    return lgamma(y + size) - lgamma_size - y * math.log(size)
