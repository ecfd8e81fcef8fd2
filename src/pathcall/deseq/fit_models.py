"""Fit a model of the config to the assembled counts and test all its contrasts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from pathcall.counts.matrix import read_counts_h5ad
from pathcall.deseq import de
from pathcall.deseq.fitted import FittedModel, write_model
from pathcall.deseq.vst import vst
from pathcall.errors import InputError
from pathcall.study.config import FilterConfig, ModelConfig
from pathcall.study.contrasts import Contrast, ModelPlan, plan_model
from pathcall.study.sample_sheet import Sheet
from pathcall.tables import DE, LRT, write_table

logger = logging.getLogger(__name__)

MIN_TOTAL = 10  # counts over all samples of a model, for a gene to be fitted


@dataclass(frozen=True)
class ModelResult:
    """What a fit gives: the fitted model, its tests of contrasts and of terms.

    Attributes
    ----------
    model
        The fitted model.
    tables
        Contrast → table of schema ``de/{contrast}``: every gene of the matrix, in matrix order.
    lrt
        Table of schema ``lrt/{model}``.
    """

    model: FittedModel
    tables: Mapping[str, pd.DataFrame]
    lrt: pd.DataFrame


def sheet_of(data: ad.AnnData) -> Sheet:
    """The sample sheet that was joined to ``counts.h5ad``."""
    columns = tuple(c for c in data.obs.columns if c not in ("included", "reason"))
    rows = {str(s): {c: str(data.obs.at[s, c]) for c in columns} for s in data.obs_names}
    excluded = {
        str(s): str(data.obs.at[s, "reason"]) for s in data.obs_names[data.obs["included"] == "no"]
    }
    return Sheet("counts.h5ad", columns, rows, excluded)


def fit_study_model(
    data: ad.AnnData,
    *,
    name: str,
    model: ModelConfig,
    contrasts: Mapping[str, Contrast],
    gene_filter: FilterConfig,
    alpha: float,
    threads: int = 1,
) -> ModelResult:
    """Fit one model and test every contrast of it.

    Parameters
    ----------
    data
        ``counts.h5ad``: samples × genes, raw integer counts, the sheet in obs.
    name, model
        Key and section of the config.
    contrasts
        Contrasts of this model.
    gene_filter
        Which genes are tested.
    alpha
        FDR that independent filtering optimises for.
    threads
        Threads of the fit; the result does not depend on it.

    Raises
    ------
    InputError
        No gene passes the filter.
    ConfigError
        The design or a contrast does not fit the samples that have counts.
    """
    plan = plan_model(name, model, sheet_of(data), contrasts, contrasts_path="the contrasts table")
    own = data[list(plan.samples)]
    counts = pd.DataFrame(np.asarray(own.X), index=own.obs_names, columns=own.var_names)
    min_samples = (
        plan.smallest_group if gene_filter.min_samples == "auto" else gene_filter.min_samples
    )
    kept = de.filter_genes(counts, min_count=gene_filter.min_count, min_samples=min_samples)
    # DESeq2's customary pre-filter decides what is fitted and reported, and its independent filter
    # which p-values are adjusted; the config's filter decides which genes count as expressed, and
    # so enter rankings, scores and calls.
    fitted = kept | (counts.sum(axis=0) >= MIN_TOTAL)
    logger.info(
        "%s: %d samples; of %d genes %d are fitted (at least %d counts in total), %d of them are "
        "expressed (at least %d counts in at least %d samples)",
        name,
        len(counts),
        len(fitted),
        int(fitted.sum()),
        MIN_TOTAL,
        int(kept.sum()),
        gene_filter.min_count,
        min_samples,
    )
    if not kept.any():
        raise InputError(
            "no gene counts as expressed",
            where=f"model {name}, filter min_count={gene_filter.min_count}, "
            f"min_samples={min_samples}",
            fix="lower the filter, or check that the counts are of this study",
        )
    expressed = counts.columns[kept]
    design = pd.DataFrame(
        plan.design.matrix, index=list(plan.samples), columns=list(plan.design.coefficients)
    )
    fit = de.fit_model(counts.loc[:, fitted], design, threads=threads)
    symbols = own.var["symbol"].replace("", np.nan)
    tables = {
        key: _whole(de.test_contrast(fit, weights, alpha=alpha), symbols)
        for key, weights in plan.weights.items()
    }
    for key, table in tables.items():
        logger.info("%s: %d genes at padj < %g", key, int((table["padj"] < alpha).sum()), alpha)
    lrt = de.lrt(fit, plan.terms)
    lrt.insert(1, "symbol", symbols.reindex(lrt["gene_id"]).to_numpy())
    values = FittedModel(
        name=name,
        formula=plan.design.formula.text,
        samples=_samples(own, plan),
        counts=counts[expressed],
        vst=vst(counts[expressed], fit.size_factors),
        symbols=symbols[expressed],
        size_factors=fit.size_factors,
        dispersions=fit.dispersions[expressed],
        base_mean=fit.base_mean[expressed],
        design=design,
        contrasts=dict(plan.weights),
        continuous=plan.design.continuous,
    )
    return ModelResult(values, tables, lrt)


def _samples(data: ad.AnnData, plan: ModelPlan) -> pd.DataFrame:
    frame: pd.DataFrame = data.obs.loc[list(plan.samples)].drop(columns=["included", "reason"])
    return frame


def _whole(table: pd.DataFrame, symbols: pd.Series) -> pd.DataFrame:
    """Every gene of the matrix, in its order; genes that were not fitted have NA."""
    whole = table.reindex(symbols.index)
    whole["outlier"] = whole["outlier"].fillna("no")
    whole.insert(0, "gene_id", symbols.index.to_numpy())
    whole.insert(1, "symbol", symbols.to_numpy())
    return whole.reset_index(drop=True)


def fit_and_write(
    counts: str,
    *,
    name: str,
    model: Mapping[str, Any],
    contrasts: Sequence[Mapping[str, Any]],
    gene_filter: Mapping[str, Any],
    alpha: float,
    threads: int,
    de_out: Sequence[str],
    model_out: str,
    lrt_out: str,
) -> None:
    """Fit a model and write its tables; `de_out` is in the order of `contrasts`."""
    own = [Contrast.from_dict(raw) for raw in contrasts]
    result = fit_study_model(
        read_counts_h5ad(counts),
        name=name,
        model=ModelConfig.model_validate(model),
        contrasts={c.contrast: c for c in own},
        gene_filter=FilterConfig.model_validate(gene_filter),
        alpha=alpha,
        threads=threads,
    )
    for contrast, path in zip(own, de_out, strict=True):
        write_table(result.tables[contrast.contrast], path, DE)
    write_table(result.lrt, lrt_out, LRT)
    write_model(result.model, model_out)
