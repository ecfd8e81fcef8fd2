"""What no engine can fit, said before any computation; counts are pydeseq2's own check."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathcall.errors import PathcallError


def check_design(design: pd.DataFrame) -> None:
    """A design matrix (``samples × coefficients``) of full rank, with residual degrees of freedom.

    Raises
    ------
    PathcallError
        Naming the coefficients.
    """
    n, p = design.shape
    if n <= p:
        raise PathcallError(
            "there are no replicates to estimate dispersion from",
            where=f"{n} samples, {p} coefficients",
            fix="use a design with fewer terms",
        )
    if np.linalg.matrix_rank(design.to_numpy(dtype=np.float64)) < p:
        raise PathcallError(
            "the design matrix is not of full rank",
            where=f"coefficients {', '.join(map(str, design.columns))}",
            fix="leave out a term that the others determine",
        )
