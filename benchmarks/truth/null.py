"""The rotation test without an effect: whether its p is what it says, with correlated lines."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathcall.calls import rotation

SIZES = (9, 60, 120, 160)
GENES = 400


def uniformity(draws: int) -> pd.DataFrame:
    """Share of p at most some levels at 2, 3 and 6 samples a side (simulated normal values)."""
    rows = []
    for n in (2, 3, 6):
        rng = np.random.default_rng([n, 11])
        design = np.column_stack([np.ones(2 * n), np.repeat([0.0, 1.0], n)])
        groups, loading = [], np.zeros(GENES)
        scale = np.exp(rng.normal(-1, 0.4, GENES))
        for size in SIZES:
            weights = np.zeros((GENES, 1))
            weights[rng.choice(GENES, size, replace=False)] = 1.0
            groups.append(weights)
            loading += 0.6 * scale * weights[:, 0] * rng.normal(0.5, 0.3, GENES)
        p = np.empty(draws)
        for i in range(draws):
            noise = rng.standard_normal((2 * n, GENES)) * np.sqrt(8 / rng.chisquare(8, GENES))
            values = noise * scale + np.outer(rng.standard_normal(2 * n), loading)
            space = rotation.Samples(values, design).contrast(np.array([0.0, 1.0]))
            # Fresh rotations each time: with one set for all, its own error would be shared.
            random = rotation.random_directions(299, 2 * n - 1, i)
            lines = [rotation.Line.of(space.values, weights) for weights in groups]
            p[i] = rotation.rotation_test(space, lines, random, min_lines=2).p[0]
        levels = {f"p ≤ {q:g}": f"{(p <= q).mean():.4f}" for q in (0.01, 0.02, 0.05, 0.1, 0.5)}
        rows.append({"a side": str(n), "draws": str(draws), **levels})
    return pd.DataFrame(rows)
