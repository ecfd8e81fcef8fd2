"""The fit of the workflow: one model of the config on the assembled counts, all its contrasts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from pathcall.counts.matrix import read_counts_h5ad
from pathcall.deseq import stock
from pathcall.deseq.checks import check_design
from pathcall.deseq.dataset import DeseqDataSet
from pathcall.deseq.fitted import known_symbols, write_dataset
from pathcall.deseq.inference import RInference
from pathcall.deseq.lrt import likelihood_ratio_tests
from pathcall.deseq.shrinkage import reparametrise
from pathcall.deseq.stats import DeseqStats
from pathcall.errors import InputError
from pathcall.study.config import DeConfig, FilterConfig, ModelConfig
from pathcall.study.contrasts import Contrast, ModelPlan, plan_model
from pathcall.study.sample_sheet import Sheet
from pathcall.tables import DE, LRT, write_table

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
Engine = Literal["exact", "pydeseq2"]

NAMES = {"baseMean": "base_mean", "log2FoldChange": "log2fc", "lfcSE": "lfc_se"}
MIN_TOTAL = 10  # counts over all samples of a model, for a gene to be fitted


def sheet_of(data: ad.AnnData) -> Sheet:
    """The sample sheet that was joined to ``counts.h5ad``."""
    columns = tuple(c for c in data.obs.columns if c not in ("included", "reason"))
    rows = {str(s): {c: str(data.obs.at[s, c]) for c in columns} for s in data.obs_names}
    excluded = {
        str(s): str(data.obs.at[s, "reason"]) for s in data.obs_names[data.obs["included"] == "no"]
    }
    return Sheet("counts.h5ad", columns, rows, excluded)


def fit_dataset(
    counts: pd.DataFrame,
    samples: pd.DataFrame,
    design: pd.DataFrame,
    *,
    expressed: npt.NDArray[np.bool_],
    lengths: Float | None = None,
    engine: Engine = "exact",
    threads: int = 1,
) -> DeseqDataSet:
    """Fit one model, and variance-stabilise its counts.

    Parameters
    ----------
    counts
        ``samples × genes``, raw integers.
    samples
        Their sheet.
    design
        ``samples × coefficients``: a matrix, since pydeseq2 evaluates formulas as Python.
    expressed
        Genes that the transformation's trend is fitted on (engine ``exact``).
    lengths
        Average transcript lengths, of the shape of `counts` (engine ``exact``).
    engine, threads
        As in the config; the result does not depend on the number of threads.
    """
    check_design(design)
    exact = engine == "exact"
    kind, inference = (
        (DeseqDataSet, RInference) if exact else (stock.DeseqDataSet, stock.DefaultInference)
    )
    dds = kind(
        counts=counts, metadata=samples, design=design, inference=inference(n_cpus=threads),
        quiet=True, low_memory=True,
    )  # fmt: skip
    if lengths is not None:
        dds.layers["avg_tx_length"] = lengths
    options: dict[str, Any] = {"genes": expressed} if exact else {}
    dds.vst(**options)
    dds.deseq2()
    return dds


def contrast_table(
    dds: DeseqDataSet, weights: Float, *, alpha: float, engine: Engine = "exact"
) -> pd.DataFrame:
    """Wald test and shrinkage of one contrast.

    Returns
    -------
    pandas.DataFrame
        Index gene_id: base_mean, log2fc, lfc_se, stat, pvalue, padj, log2fc_shrunk, lfc_se_shrunk,
        outlier (yes/no). Values of a gene without any count are NaN.
    """
    kind = DeseqStats if engine == "exact" else stock.DeseqStats
    stats = kind(dds, weights, alpha=alpha, inference=dds.inference, quiet=True)
    stats.summary()
    table = stats.results_df.copy()
    if engine == "exact":
        stats.lfc_shrink()
    else:
        # pydeseq2 shrinks coefficients only: its own shrinkage, on the same model with the contrast
        # as a coefficient.
        matrix, transform, position = reparametrise(stats.design_matrix.to_numpy(float), weights)
        names = ["contrast" if i == position else f"other{i}" for i in range(len(weights))]
        stats.design_matrix = pd.DataFrame(matrix, dds.obs_names, names)
        stats.LFC = (stats.LFC @ transform.T).set_axis(names, axis=1)
        stats.lfc_shrink("contrast")
    table["log2fc_shrunk"] = stats.results_df["log2FoldChange"]
    table["lfc_se_shrunk"] = stats.results_df["lfcSE"]
    table["outlier"] = np.where(dds.cooks_outlier(), "yes", "no")
    return table.rename(columns=NAMES).rename_axis("gene_id")


def fit_study_model(
    data: ad.AnnData,
    *,
    name: str,
    model: ModelConfig,
    contrasts: Mapping[str, Contrast],
    gene_filter: FilterConfig,
    alpha: float,
    engine: Engine = "exact",
    threads: int = 1,
) -> tuple[ad.AnnData, dict[str, pd.DataFrame], pd.DataFrame]:
    """Fit one model and test every contrast and every term of it.

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
    engine, threads
        As in the config; the result does not depend on the number of threads.

    Returns
    -------
    tuple
        The fitted data set, with what the config says about it in ``uns["pathcall"]``; a table of
        schema ``de/{contrast}`` for each contrast (every gene of the matrix, in matrix order); that
        of schema ``lrt/{model}``.

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
    fitted, expressed = _genes(counts, plan, gene_filter)
    counts = counts.loc[:, fitted]
    samples = own.obs.drop(columns=["included", "reason"]).astype(str)
    design = pd.DataFrame(
        plan.design.matrix, index=own.obs_names, columns=list(plan.design.coefficients)
    )
    lengths = own.layers["avg_tx_length"][:, fitted] if "avg_tx_length" in own.layers else None
    symbols = known_symbols(own.var["symbol"])
    with threadpool_limits(1):  # so that no last digit depends on BLAS's threads
        dds = fit_dataset(
            counts, samples, design, expressed=expressed[fitted], lengths=lengths, engine=engine,
            threads=threads,
        )  # fmt: skip
        tables = {
            key: _whole(contrast_table(dds, weights, alpha=alpha, engine=engine), symbols)
            for key, weights in plan.weights.items()
        }
        for key, table in tables.items():
            logger.info("%s: %d genes at padj < %g", key, int((table["padj"] < alpha).sum()), alpha)
        # pydeseq2 has no likelihood-ratio test.
        lrt = likelihood_ratio_tests(dds, plan.reduced if engine == "exact" else {})
    lrt.insert(1, "symbol", symbols.reindex(lrt["gene_id"]).to_numpy())
    # h5ad has no missing text: the empty string stands for "no symbol".
    dds.var["symbol"] = own.var["symbol"][fitted].fillna("").astype(str)
    dds.var["expressed"] = expressed[fitted]
    dds.uns["pathcall"] = {
        "name": name,
        "formula": plan.design.formula.text,
        "coefficients": list(plan.design.coefficients),
        "continuous": ",".join(plan.design.continuous),
        "contrasts": {key: np.asarray(value) for key, value in plan.weights.items()},
        "engine": engine,
    }
    return dds, tables, lrt


def _genes(
    counts: pd.DataFrame, plan: ModelPlan, gene_filter: FilterConfig
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Genes to fit, and those of them that count as expressed.

    DESeq2's customary pre-filter decides what is fitted and reported, and its independent filter
    which p-values are adjusted; the config's filter decides which genes enter rankings, scores and
    calls.
    """
    min_samples = (
        plan.smallest_group if gene_filter.min_samples == "auto" else gene_filter.min_samples
    )
    values = counts.to_numpy()
    expressed = (values >= gene_filter.min_count).sum(axis=0) >= min_samples
    fitted = expressed | (values.sum(axis=0) >= MIN_TOTAL)
    logger.info(
        "%s: %d samples; of %d genes %d are fitted (at least %d counts in total), %d of them are "
        "expressed (at least %d counts in at least %d samples)",
        plan.name, len(counts), len(fitted), int(fitted.sum()), MIN_TOTAL, int(expressed.sum()),
        gene_filter.min_count, min_samples,
    )  # fmt: skip
    if not expressed.any():
        raise InputError(
            "no gene counts as expressed",
            where=f"model {plan.name}, filter min_count={gene_filter.min_count}, "
            f"min_samples={min_samples}",
            fix="lower the filter, or check that the counts are of this study",
        )
    return fitted, expressed


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
    de: Mapping[str, Any],
    alpha: float,
    threads: int,
    de_out: Sequence[str],
    model_out: str,
    lrt_out: str,
) -> None:
    """Fit a model and write its tables; `de_out` is in the order of `contrasts`."""
    own = [Contrast.from_dict(raw) for raw in contrasts]
    fitted, tables, lrt = fit_study_model(
        read_counts_h5ad(counts),
        name=name,
        model=ModelConfig.model_validate(model),
        contrasts={c.contrast: c for c in own},
        gene_filter=FilterConfig.model_validate(gene_filter),
        alpha=alpha,
        engine=DeConfig.model_validate(de).engine,
        threads=threads,
    )
    for contrast, path in zip(own, de_out, strict=True):
        write_table(tables[contrast.contrast], path, DE)
    write_table(lrt, lrt_out, LRT)
    write_dataset(fitted, model_out)
