"""Size factors of count matrices."""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np
import pandas as pd

from pathcall.errors import PathcallError

logger = logging.getLogger(__name__)


def size_factors(
    counts: pd.DataFrame, *, kind: Literal["ratio", "poscounts"] = "ratio"
) -> pd.Series:
    """Median-of-ratios size factors.

    The ratio of each count to the gene's geometric mean over the samples, median over the genes
    without a zero. Where every gene has a zero (R stops there, pydeseq2 turns to an iterative
    search), R's rule ``poscounts`` is used: geometric means take zeros as ones, each sample's
    median runs over its own positive counts, and the factors are scaled to geometric mean 1.

    Parameters
    ----------
    counts
        ``samples × genes``, non-negative.
    kind
        ``poscounts``: that rule whatever the zeros.

    Returns
    -------
    pandas.Series
        Sample → factor (> 0).

    Raises
    ------
    PathcallError
        A sample has no count at all.
    """
    values = counts.to_numpy(dtype=np.float64)
    empty = values.sum(axis=1) == 0
    if empty.any():
        raise PathcallError(
            "a sample has no counts, so it has no size factor",
            where=f"sample {', '.join(map(str, counts.index[empty]))}",
            fix="exclude it in the sample sheet",
        )
    complete = (values > 0).all(axis=0)
    if kind == "ratio" and complete.any():
        logs = np.log(values[:, complete])
        factors = np.exp(np.median(logs - logs.mean(axis=0), axis=1))
    else:
        if kind == "ratio":
            logger.warning("every gene has a zero in some sample: size factors by `poscounts`")
        logs = np.log(np.where(values > 0, values, 1.0))
        ratios = np.where(values > 0, logs - logs.mean(axis=0), np.nan)
        factors = np.exp(np.nanmedian(ratios, axis=1))
        factors /= np.exp(np.log(factors).mean())
    return pd.Series(factors, index=counts.index, name="size_factor")
