"""Signatures as a matrix over genes: which gene stands for a symbol, and its weight."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Float = npt.NDArray[np.float64]

MIN_GENES = 3
"""A signature with fewer measured genes is not tested as a set."""

_log = logging.getLogger(__name__)


def genes_by_symbol(symbols: pd.Series, base_mean: pd.Series) -> pd.Series:
    """Choose one gene for each symbol: the one with the highest base mean.

    Of genes with the same symbol and the same base mean, the first in the order of `symbols` is
    kept. Genes without a symbol can't be matched to a signature and are left out. Both are counted
    in the log.

    Parameters
    ----------
    symbols
        gene_id → symbol, NA where there is none.
    base_mean
        gene_id → mean of normalised counts.

    Returns
    -------
    pandas.Series
        gene_id → symbol of the genes kept, in the order of `symbols`.
    """
    named = symbols[symbols.notna()]
    order = np.argsort(-base_mean.reindex(named.index).fillna(-1).to_numpy(), kind="stable")
    kept = named.iloc[np.sort(order[~named.iloc[order].duplicated().to_numpy()])]
    _log.info(
        "%d genes: %d without a symbol, %d not the most expressed of their symbol, %d kept",
        len(symbols), len(symbols) - len(named), len(named) - len(kept), len(kept),
    )  # fmt: skip
    return kept


def weight_matrix(
    signatures: Mapping[str, Mapping[str, float]], symbols: Sequence[str]
) -> tuple[Float, list[str]]:
    """Put signatures side by side as columns over genes.

    Parameters
    ----------
    signatures
        Name → (gene symbol → weight).
    symbols
        Symbols of the rows, each once.

    Returns
    -------
    weights, names
        ``genes × signatures`` (0 where a gene is not in the signature) and the columns' names.
    """
    row = {symbol: index for index, symbol in enumerate(symbols)}
    if len(row) != len(symbols):
        raise ValueError("a symbol stands for more than one row")
    weights = np.zeros((len(symbols), len(signatures)))
    for column, members in enumerate(signatures.values()):
        for gene, weight in members.items():
            if gene in row:
                weights[row[gene], column] = weight
    return weights, list(signatures)
