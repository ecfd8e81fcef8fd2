"""Differential expression of one model: negative binomial GLMs as DESeq2 fits them.

This is the first stage: the calls below stay, what is inside them is being replaced by the batched
engine.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """One fitted model."""

    counts: pd.DataFrame
    design: pd.DataFrame
    size_factors: pd.Series
    base_mean: pd.Series
    dispersions: pd.Series
    beta: pd.DataFrame
    outlier: pd.Series
    r_agreement: bool
    stock: Any = None


def size_factors(counts: pd.DataFrame) -> pd.Series:
    """Median-of-ratios size factors of the samples (``samples × genes`` counts)."""
    values = counts.to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore"):
        logs = np.log(values)
    complete = np.isfinite(logs).all(axis=0)
    if complete.any():
        centred = logs[:, complete] - logs[:, complete].mean(axis=0)
        factors = np.exp(np.median(centred, axis=1))
    else:
        positive = np.where(values > 0, logs, 0.0)
        means = positive.mean(axis=0)
        use = means > 0
        factors = np.array(
            [
                np.exp(np.median((row - means)[use & (v > 0)]))
                for row, v in zip(logs, values, strict=True)
            ]
        )
        factors /= np.exp(np.log(factors).mean())
    return pd.Series(factors, index=counts.index, name="size_factor")


def filter_genes(counts: pd.DataFrame, *, min_count: int, min_samples: int) -> pd.Series:
    """Genes with at least `min_count` counts in at least `min_samples` samples."""
    return pd.Series((counts.to_numpy() >= min_count).sum(axis=0) >= min_samples, counts.columns)


def fit_model(
    counts: pd.DataFrame,
    design: pd.DataFrame,
    *,
    size_factors: pd.Series | None = None,
    r_agreement: bool = True,
    inference: Any = None,
    threads: int = 1,
) -> Fit:
    """Fit one model to integer counts (``samples × tested genes``)."""
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        dds = DeseqDataSet(
            counts=counts,
            metadata=pd.DataFrame({"x": 1}, index=counts.index),
            design=design.astype(float),
            inference=inference or DefaultInference(n_cpus=threads),
            quiet=True,
        )
        dds.deseq2()
    return Fit(
        counts=counts,
        design=design,
        size_factors=pd.Series(dds.obs["size_factors"], index=counts.index),
        base_mean=dds.var["_normed_means"],
        dispersions=dds.var["dispersions"],
        beta=dds.varm["LFC"],
        outlier=dds.cooks_outlier(),
        r_agreement=r_agreement,
        stock=dds,
    )


def test_contrast(
    fit: Fit, weights: npt.ArrayLike, *, alpha: float, shrink: bool = True
) -> pd.DataFrame:
    """Wald test of one contrast; columns of the ``de/{contrast}`` table but the ids."""
    from pydeseq2.ds import DeseqStats
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        result = DeseqStats(
            fit.stock, contrast=np.asarray(weights, dtype=float), alpha=alpha, quiet=True
        )
        result.summary()
    table = result.results_df.rename(
        columns={"baseMean": "base_mean", "log2FoldChange": "log2fc", "lfcSE": "lfc_se"}
    )
    table["log2fc_shrunk"] = table["log2fc"]
    table["lfc_se_shrunk"] = table["lfc_se"]
    table["outlier"] = np.where(fit.outlier, "yes", "no")
    table.index.name = "gene_id"
    return table


test_contrast.__test__ = False  # type: ignore[attr-defined]


def lrt(fit: Fit, terms: Mapping[str, list[str]]) -> pd.DataFrame:
    """Likelihood-ratio test of each term: its coefficients left out of the design."""
    dds = fit.stock
    keep = dds.var["non_zero"].to_numpy()
    y = fit.counts.to_numpy()[:, keep]
    size = 1 / fit.dispersions.to_numpy()[keep]

    def loglik(design: pd.DataFrame) -> Float:
        _, mu, _, _ = dds.inference.irls(
            y, fit.size_factors.to_numpy(), design.to_numpy(float), 1 / size, 0.5, 1e-8
        )
        return stats.nbinom.logpmf(y, size, size / (size + mu)).sum(axis=0)

    full = loglik(fit.design)
    rows = []
    for term, columns in terms.items():
        stat = np.full(len(keep), np.nan)
        stat[keep] = 2 * (full - loglik(fit.design.drop(columns=columns)))
        p = stats.chi2.sf(stat, len(columns))
        q = np.full(len(keep), np.nan)
        q[keep] = stats.false_discovery_control(p[keep])
        rows.append(
            pd.DataFrame(
                {
                    "gene_id": fit.counts.columns,
                    "term": term,
                    "df": len(columns),
                    "stat": stat,
                    "pvalue": p,
                    "padj": q,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)
