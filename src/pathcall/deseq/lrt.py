"""Likelihood-ratio tests of whole terms: does this factor matter at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc

from pathcall.deseq.dataset import DeseqDataSet
from pathcall.deseq.inference import coefficients
from pathcall.deseq.kernels import irls
from pathcall.deseq.layout import Layout, over_genes
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
    full = Layout.of(dds.obsm["design_matrix"])
    p, threads = full.n_coefficients, dds.inference.n_cpus
    known = np.isfinite(dds.varm["LFC"].to_numpy()).all(axis=1)
    if "refitted" in dds.var:
        known &= ~(dds.var["replaced"] & ~dds.var["refitted"]).to_numpy()
    some = np.flatnonzero(known)
    y = np.array(dds.final_counts[:, some].T, dtype=np.float64, order="C")
    sf = dds.obs["size_factors"].to_numpy()
    alpha = dds.var["dispersions"].to_numpy()[some]
    beta = np.ascontiguousarray(dds.varm["LFC"].to_numpy()[some])
    best = log_likelihood(y, sf, full, alpha, beta, threads)
    tables = []
    for term, matrix in reduced.items():
        layout = Layout.of(matrix)
        df = p - layout.n_coefficients
        both = np.column_stack([full.matrix, layout.matrix])
        if df <= 0 or df == p or np.linalg.matrix_rank(both) != p:
            raise ValueError(f"term {term!r}: the reduced model is no part of the full one")
        beta, _ = coefficients(y, sf, layout, alpha, threads)
        stat = np.full(len(known), np.nan)
        stat[some] = 2 * (best - log_likelihood(y, sf, layout, alpha, beta, threads))
        pvalue = chdtrc(df, np.maximum(stat, 0.0))  # rounding may leave it a hair below 0
        pvalue[dds.cooks_outlier().to_numpy()] = np.nan
        values = (dds.var_names, term, df, stat, pvalue, benjamini_hochberg(pvalue))
        tables.append(pd.DataFrame(dict(zip(COLUMNS, values, strict=True))))
    return pd.concat(tables, ignore_index=True)


def log_likelihood(
    y: Float, sf: Float, layout: Layout, alpha: Float, beta: Float, threads: int
) -> Float:
    """Log likelihood of each gene (``genes × samples`` counts) at coefficients `beta`."""
    out, log_sf = np.empty(len(y)), np.log(sf)

    def work(block: slice) -> None:
        irls.log_likelihood(
            y[block], log_sf, layout.rows, layout.group, alpha[block], beta[block], out[block]
        )

    over_genes(work, len(y), threads)
    return out
