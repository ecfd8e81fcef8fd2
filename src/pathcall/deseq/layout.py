"""A design matrix as the kernels take it, and how genes are spread over threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

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
        ``distinct rows × coefficients``, in order of first appearance.
    group
        For each sample, its row in `rows`.
    sizes
        Samples per distinct row.
    saturated
        As many distinct rows as coefficients.
    log_det
        ``2 log |det rows|`` where saturated, else 0.
    """

    matrix: Float
    rows: Float
    group: Int
    sizes: Int
    saturated: bool
    log_det: float

    @classmethod
    def of(cls, matrix: npt.ArrayLike) -> Layout:
        """Lay out a design matrix (``samples × coefficients``)."""
        x = np.ascontiguousarray(matrix, dtype=np.float64)
        _, first, inverse = np.unique(x, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        group = rank[inverse.reshape(-1)].astype(np.int64)
        rows = np.ascontiguousarray(x[first[order]])
        saturated = rows.shape[0] == rows.shape[1]
        log_det = float(2 * np.linalg.slogdet(rows)[1]) if saturated else 0.0
        sizes = np.bincount(group, minlength=len(rows)).astype(np.int64)
        return cls(x, rows, group, sizes, saturated, log_det)

    @property
    def n_samples(self) -> int:
        """Samples."""
        return int(self.matrix.shape[0])

    @property
    def n_coefficients(self) -> int:
        """Coefficients."""
        return int(self.matrix.shape[1])

    def replicated(self, n: int) -> Bool:
        """Samples whose cell (distinct row) has at least `n` samples."""
        return np.asarray(self.sizes[self.group] >= n)


def over_genes(work: Callable[[slice], None], n_genes: int, threads: int = 1) -> None:
    """Call `work` on blocks of genes, in `threads` threads.

    Blocks are the same for any number of threads and write to their own slices of the results.
    """
    blocks = [slice(i, min(i + BLOCK, n_genes)) for i in range(0, n_genes, BLOCK)]
    if threads <= 1 or len(blocks) <= 1:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, blocks):
            pass
