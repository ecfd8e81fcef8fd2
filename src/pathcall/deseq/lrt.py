"""Likelihood-ratio tests of whole terms: does this factor matter at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc

from pathcall.deseq.dataset import DeseqDataSet
from pathcall.deseq.inference import MIN_MU
from pathcall.stats.multiple_testing import benjamini_hochberg

Float = npt.NDArray[np.float64]

COLUMNS = ("gene_id", "term", "df", "stat", "pvalue", "padj")


def likelihood_ratio_tests(dds: DeseqDataSet, reduced: Mapping[str, Float]) -> pd.DataFrame:
    """Test each term against the model without it (R's ``nbinomLRT``).

    Parameters
    ----------
    dds
        Fitted; its dispersions are used for the full and the reduced model, as in R.
    reduced
        Term → design matrix of the model without it, ``samples × coefficients``, of full rank.

    Returns
    -------
    pandas.DataFrame
        One row a term and gene (`COLUMNS`); padj is Benjamini-Hochberg within the term, without
        independent filtering. NaN for genes without counts, p-values withheld for Cook's-distance
        outliers as in the Wald test.

    Raises
    ------
    ValueError
        A reduced model is not smaller than the full one, or no part of it.
    """
    if not reduced:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    design, genes = dds.obsm["design_matrix"].to_numpy(dtype=float), dds.var_names
    p = design.shape[1]
    some = np.flatnonzero(dds.estimated)
    y, mu = dds.final_counts[:, some], dds.fitted_means()[:, some]
    alpha = dds.var["dispersions"].to_numpy()[some]
    inference = dds.inference_of(some)
    tables = []
    for term, matrix in reduced.items():
        df = p - matrix.shape[1]
        if df <= 0 or df == p or np.linalg.matrix_rank(np.column_stack([design, matrix])) != p:
            raise ValueError(f"term {term!r}: the reduced model is no part of the full one")
        null = inference.irls(y, dds.obs["size_factors"], matrix, alpha, MIN_MU, dds.beta_tol)[1]
        # What the log likelihoods differ by; rounding may leave it a hair below 0.
        gain = y * np.log(mu / null)
        gain -= (y + 1 / alpha) * (np.log1p(mu * alpha) - np.log1p(null * alpha))
        stat = np.full(len(genes), np.nan)
        stat[some] = 2 * gain.sum(axis=0)
        pvalue = chdtrc(df, np.maximum(stat, 0.0))
        pvalue[dds.cooks_outlier().to_numpy()] = np.nan
        values = (genes, term, df, stat, pvalue, benjamini_hochberg(pvalue))
        tables.append(pd.DataFrame(dict(zip(COLUMNS, values, strict=True))))
    return pd.concat(tables, ignore_index=True)
