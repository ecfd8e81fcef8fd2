"""What no engine can fit, said before any computation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathcall.errors import PathcallError


def check_counts(counts: pd.DataFrame) -> None:
    """Counts (``samples × genes``) are integers, 0 or more, of at least one gene.

    Raises
    ------
    PathcallError
        Naming the gene.
    """
    values = counts.to_numpy()
    wrong = np.full(counts.shape[1], values.dtype.kind not in "biuf")
    if not wrong.any():
        wrong = (values < 0).any(axis=0)
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            wrong |= (values % 1 != 0).any(axis=0)
    if wrong.any():
        raise PathcallError(
            "counts must be integers, 0 or more, and none missing or infinite",
            where=f"gene {counts.columns[wrong][0]}",
            fix="give raw counts, not normalised or logged values",
        )
    if counts.shape[1] == 0:
        raise PathcallError(
            "no gene is left to fit",
            where=f"{len(counts)} samples, 0 genes",
            fix="lower filter.min_count or filter.min_samples",
        )


def check_design(design: pd.DataFrame, samples: pd.Index) -> None:
    """A design matrix of full rank for these samples, with residual degrees of freedom.

    Parameters
    ----------
    design
        ``samples × coefficients``.
    samples
        Samples of the counts, in order.

    Raises
    ------
    PathcallError
        Naming the coefficients.
    """
    matrix = design.to_numpy(dtype=np.float64)
    (n, p), names = matrix.shape, ", ".join(map(str, design.columns))
    for wrong, what, where, fix in (
        (not samples.equals(design.index), "counts and design do not list the same samples",
         f"{len(samples)} and {n} rows", "give both with the samples in one order"),
        (not np.isfinite(matrix).all(), "the design has missing values", f"coefficients {names}",
         "fill the column in the sample sheet, or leave those samples out"),
        (n <= p, "there are no replicates to estimate dispersion from",
         f"{n} samples, {p} coefficients", "use a design with fewer terms"),
        (p > 0 and n > p and np.isfinite(matrix).all() and np.linalg.matrix_rank(matrix) < p,
         "the design matrix is not of full rank", f"coefficients {names}",
         "leave out a term that the others determine"),
    ):  # fmt: skip
        if wrong:
            raise PathcallError(what, where=where, fix=fix)
