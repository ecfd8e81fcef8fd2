"""The space in which samples are compared: its genes, its components, correlations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from pathcall.stats.linear_models import residuals_of

Float = npt.NDArray[np.float64]

N_VARIABLE = 2000
"""Most variable genes behind the principal components."""
N_LABELS = 500
"""Most variable genes on which labels are judged."""
N_COMPONENTS = 10


def most_variable(values: Float, n: int, *, design: Float | None = None) -> npt.NDArray[np.int64]:
    """Positions of the `n` genes of largest variance, in matrix order.

    Parameters
    ----------
    values
        ``samples × genes``.
    design
        What is taken out before (donors, batches), ``samples × coefficients``.
    """
    left = values if design is None else residuals_of(values, design)
    # Ties in variance are broken by the order of the matrix.
    order = np.argsort(-left.var(axis=0), kind="stable")
    return np.sort(order[:n])


def spearman(values: Float) -> Float:
    """Spearman correlation between samples, ``samples × samples``."""
    ranks = rankdata(values, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    ranks /= np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    made: Float = np.clip(ranks @ ranks.T, -1.0, 1.0)
    np.fill_diagonal(made, 1.0)
    return (made + made.T) / 2


def correlation_table(correlation: Float, samples: list[str]) -> pd.DataFrame:
    """Table of schema ``qc/correlation``: every ordered pair."""
    n = len(samples)
    names = np.array(samples, dtype=object)
    return pd.DataFrame(
        {
            "sample": np.repeat(names, n),
            "other": np.tile(names, n),
            "correlation": correlation.ravel(),
        }
    )


def principal_components(values: pd.DataFrame) -> pd.DataFrame:
    """Table of schema ``qc/pca``, by a full SVD; the sign makes the largest loading positive."""
    centred = values.to_numpy() - values.to_numpy().mean(axis=0)
    left, singular, right = np.linalg.svd(centred, full_matrices=False)
    n = min(N_COMPONENTS, len(values) - 1, len(singular))
    largest = np.abs(right[:n]).argmax(axis=1)
    sign = np.sign(right[np.arange(n), largest])
    scores = left[:, :n] * singular[:n] * sign
    total = float((singular**2).sum()) or 1.0
    rows = [
        (sample, f"PC{k + 1}", float(scores[i, k]), float(singular[k] ** 2 / total))
        for i, sample in enumerate(values.index)
        for k in range(n)
    ]
    return pd.DataFrame(rows, columns=["sample", "component", "score", "explained_variance"])
