"""A design matrix as the kernels take it, and how genes are spread over threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

#: Genes in one block of work. Fixed, so that blocks do not depend on the number of threads.
BLOCK = 512


@dataclass(frozen=True)
class Layout:
    """A design matrix and its distinct rows.

    Attributes
    ----------
    matrix
        ``samples × coefficients``.
    rows
        ``distinct rows × coefficients``.
    group
        For each sample, its row in `rows`.
    saturated
        As many distinct rows as coefficients.
    log_det
        ``2 log |det rows|`` where saturated, else 0.
    """

    matrix: Float
    rows: Float
    group: Int
    saturated: bool
    log_det: float

    @classmethod
    def of(cls, matrix: npt.ArrayLike) -> Layout:
        """Lay out a design matrix (``samples × coefficients``)."""
        x = np.ascontiguousarray(matrix, dtype=np.float64)
        rows, group = np.unique(x, axis=0, return_inverse=True)
        saturated = rows.shape[0] == rows.shape[1]
        log_det = float(2 * np.linalg.slogdet(rows)[1]) if saturated else 0.0
        return cls(x, np.ascontiguousarray(rows), group.reshape(-1), saturated, log_det)


def over_genes(work: Callable[[slice], None], n_genes: int, threads: int) -> None:
    """Call `work` on blocks of genes, in `threads` threads.

    Blocks are the same for any number of threads and write to their own slices of the results.
    """
    blocks = [slice(i, min(i + BLOCK, n_genes)) for i in range(0, n_genes, BLOCK)]
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        list(pool.map(work, blocks))


def by_gene(values: npt.ArrayLike, block: slice) -> Float:
    """A block of ``samples × genes`` values as ``genes × samples``; the same for all if 1-d."""
    v = np.asarray(values)
    if v.ndim == 1:
        return np.tile(v.astype(np.float64), (block.stop - block.start, 1))
    return np.array(v[:, block].T, dtype=np.float64, order="C")
