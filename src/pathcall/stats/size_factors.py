"""Size factors of count matrices."""

from __future__ import annotations

import logging
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
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
    values = counts.to_numpy()
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
        logs -= logs.mean(axis=0)
        factors = np.exp(np.median(logs, axis=1, overwrite_input=True))
    else:
        if kind == "ratio":
            logger.warning("every gene has a zero in some sample: size factors by `poscounts`")
        logs = np.log(np.where(values > 0, values, 1.0))
        ratios = np.where(values > 0, logs - logs.mean(axis=0), np.nan)
        factors = np.exp(np.nanmedian(ratios, axis=1))
        factors /= np.exp(np.log(factors).mean())
    return pd.Series(factors, index=counts.index, name="size_factor")


def normalisation_factors(
    counts: pd.DataFrame,
    lengths: npt.NDArray[np.float64],
    *,
    kind: Literal["ratio", "poscounts"] = "ratio",
    controls: Any = None,
) -> npt.NDArray[np.float64]:
    """Factors of each sample and gene that hold its average transcript length as well.

    As R's DESeq2 after tximport (``estimateNormFactors``): lengths over their geometric mean in the
    gene; size factors of the counts divided by these; the product of both, again with geometric
    mean 1 in each gene.

    Parameters
    ----------
    counts, lengths
        ``samples × genes``; lengths above 0.
    kind
        Of the size factors.
    controls
        Genes that these are taken from; None: all.
    """
    relative = np.log(lengths)
    relative -= relative.mean(axis=0)
    corrected = counts / np.exp(relative)
    chosen = corrected if controls is None else corrected.loc[:, controls]
    factors = relative + np.log(size_factors(chosen, kind=kind).to_numpy())[:, None]
    return np.asarray(np.exp(factors - factors.mean(axis=0)))
