"""What no engine can fit, said before any computation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathcall.errors import PathcallError


def check_counts(counts: pd.DataFrame) -> None:
    """Counts are integers, 0 or more, of at least one gene.

    Parameters
    ----------
    counts
        ``samples × genes``.

    Raises
    ------
    PathcallError
        Naming the gene.
    """
    values = counts.to_numpy()
    if not np.issubdtype(values.dtype, np.number) or values.dtype.kind == "c":
        raise PathcallError(
            "counts are not numbers",
            where=f"a table of type {values.dtype}",
            fix="give a numeric matrix of integer counts",
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = counts.columns[~np.isfinite(values).all(axis=0)]
        raise PathcallError(
            "counts are missing or infinite", where=f"gene {bad[0]}", fix="remove the gene"
        )
    if (values < 0).any() or (values.dtype.kind == "f" and (values != np.floor(values)).any()):
        wrong = ((values < 0) | (values != np.floor(values))).any(axis=0)
        raise PathcallError(
            "counts must be integers, 0 or more",
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
    n, p = matrix.shape
    if not samples.equals(design.index):
        raise PathcallError(
            "counts and design do not list the same samples",
            where=f"{len(samples)} and {n} rows",
            fix="give both with the samples in one order",
        )
    if not np.isfinite(matrix).all():
        raise PathcallError(
            "the design has missing values",
            where=f"coefficient {design.columns[~np.isfinite(matrix).all(axis=0)][0]}",
            fix="fill the column in the sample sheet, or leave those samples out",
        )
    if n <= p:
        raise PathcallError(
            "there are no replicates to estimate dispersion from",
            where=f"{n} samples, {p} coefficients",
            fix="use a design with fewer terms",
        )
    if np.linalg.matrix_rank(matrix) < p:
        raise PathcallError(
            "the design matrix is not of full rank",
            where=f"coefficients {', '.join(map(str, design.columns))}",
            fix="leave out a term that the others determine",
        )
