"""Quality of samples: metrics, principal components, correlations, and what looks wrong.

A flag says what was measured, the limit, the reason and what to do. Nothing is left out of the
analysis because of a flag: that is the user's decision, made in the sample sheet.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.counts.matrix import read_counts_h5ad
from pathcall.deseq.dataset import DeseqDataSet
from pathcall.geo.sources import sample_metadata
from pathcall.qc.confounding import confounding_flags
from pathcall.qc.donors import DonorLimits, donor_flags
from pathcall.qc.expression import (
    N_LABELS,
    N_VARIABLE,
    correlation_table,
    most_variable,
    principal_components,
    spearman,
)
from pathcall.qc.flags import Flag, flag_table
from pathcall.qc.identity import sex_by_expression, sex_flags
from pathcall.qc.label_flags import label_flags, model_labels
from pathcall.qc.libraries import (
    LibraryLimits,
    duplicate_flags,
    library_flags,
    library_metrics,
)
from pathcall.qc.odd_samples import OddLimits
from pathcall.qc.sample_table import sample_table
from pathcall.stats.size_factors import size_factors
from pathcall.tables import (
    QC_CORRELATION,
    QC_FLAGS,
    QC_METRICS,
    QC_PCA,
    SAMPLES,
    write_table,
)

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """Limits of the flags."""

    libraries: LibraryLimits = field(default_factory=LibraryLimits)
    odd: OddLimits = field(default_factory=OddLimits)
    donors: DonorLimits = field(default_factory=DonorLimits)


@dataclass(frozen=True)
class Quality:
    """All tables of the QC step (schemas in `pathcall.tables`)."""

    metrics: pd.DataFrame
    pca: pd.DataFrame
    correlation: pd.DataFrame
    flags: pd.DataFrame
    size_factors: pd.Series


def assess_quality(
    data: ad.AnnData,
    *,
    factors: Sequence[str],
    blocks: Sequence[str] = (),
    covariates: Sequence[str] = (),
    models: Sequence[Sequence[str]] = (),
    metadata: pd.DataFrame | None = None,
    min_count: int = 10,
    limits: Limits | None = None,
) -> Quality:
    """Measure the included samples of a study.

    Parameters
    ----------
    data
        ``counts.h5ad``: samples × genes, raw counts.
    factors
        Columns of the sheet that contrasts name; their combinations are the cells.
    blocks
        Further factors of the designs (donor, batch): their effect is taken out before a sample is
        held against its cell.
    covariates
        Columns of the designs that are numbers, likewise.
    models
        Samples of each model: cells are held against the other cells of their model only, since no
        contrast compares further. None: all samples are one model.
    metadata
        GEO's metadata, index: sample.
    min_count
        A gene enters the VST with at least this count in at least two samples.
    limits
        Limits of the flags.

    Returns
    -------
    Quality
        Tables in the order of the sheet.
    """
    limits = limits or Limits()
    data = data[(data.obs["included"] == "yes").to_numpy()].copy()
    names = [str(s) for s in data.obs_names]
    counts = pd.DataFrame(np.asarray(data.X), index=names, columns=data.var_names)
    factors = [name for name in factors if data.obs[name].nunique() > 1]
    groups = cells_of(data.obs, factors)
    factor = size_factors(counts)
    kept = (counts >= min_count).sum(axis=0) >= 2
    values = stabilised(counts.loc[:, kept], factor)
    logger.info("VST of %d genes (%d below the filter)", int(kept.sum()), int((~kept).sum()))
    correlation = spearman(values.to_numpy())
    included = [[s for s in samples if s in set(names)] for samples in models or [names]]
    judged = [samples for samples in included if len(samples) > 2]
    labels = [
        model_labels(values.loc[samples], data.obs, groups, blocks, covariates, n_genes=N_LABELS)
        for samples in judged
    ]
    odd, distances = label_flags(labels, counts, factor, limits.odd)
    metrics = library_metrics(data)
    own, every = _correlations(correlation, groups.to_numpy())
    metrics = metrics.assign(
        size_factor=factor.to_numpy(),
        median_correlation=every,
        group=groups.to_numpy(),
        group_correlation=own,
        mate_distance=distances.reindex(names).to_numpy(),
    )
    sheet = data.obs.drop(columns=["included", "reason"])
    if metadata is not None:
        sheet = sheet.join(metadata.reindex(sheet.index).add_prefix("geo_"))
    symbols = data.var["symbol"]
    mixed = [flag.sample for flag in odd if flag.flag == "mixture"]
    sex = sex_flags(sex_by_expression(counts, symbols), sheet, mixed)
    people = sheet.drop(columns=factors)
    explained = {flag.sample for flag in (*odd, *sex)}
    donors = [
        donor_flags(
            values.loc[samples], people, groups, blocks, covariates, explained, limits.donors
        )
        for samples in judged
    ]
    flags: list[Flag] = [
        *library_flags(metrics, limits.libraries),
        *duplicate_flags(counts),
        *odd,
        *sex,
        *{flag.sample: flag for model in donors for flag in model}.values(),
        *confounding_flags(sheet, included, factors, [*blocks, *covariates]),
    ]
    table = flag_table(flags, names)
    for row in table.itertuples():
        logger.warning("%s: %s (%s)", row.sample, row.flag, row.reason)
    variable = most_variable(values.to_numpy(), N_VARIABLE)
    return Quality(
        metrics=metrics,
        pca=principal_components(values.iloc[:, variable]),
        correlation=correlation_table(correlation, names),
        flags=table,
        size_factors=factor,
    )


def cells_of(obs: pd.DataFrame, factors: Sequence[str]) -> pd.Series:
    """Name of each sample's combination of levels; factors that do not apply are left out."""
    levels = [obs[name].astype(str).tolist() for name in factors]
    names = [
        ",".join(f"{name}={level}" for name, level in zip(factors, row, strict=True) if level)
        or "all"
        for row in zip(*levels, strict=True)
    ]
    return pd.Series(names or ["all"] * len(obs), index=obs.index)


def stabilised(counts: pd.DataFrame, factor: pd.Series) -> pd.DataFrame:
    """Variance-stabilised counts, ``samples × genes``, blind to the experiment."""
    dds = DeseqDataSet(
        counts=counts,
        metadata=pd.DataFrame({"size_factors": factor}),
        design=pd.DataFrame({"Intercept": 1.0}, index=counts.index),
        quiet=True,
        n_cpus=1,
    )
    dds.vst()
    return pd.DataFrame(dds.layers["vst_counts"], index=counts.index, columns=counts.columns)


def _correlations(correlation: Float, groups: npt.NDArray[np.object_]) -> tuple[Float, Float]:
    """Median correlation of each sample with its group, and with all others; NaN: has none."""
    off = correlation.copy()
    np.fill_diagonal(off, np.nan)
    own = np.full(len(off), np.nan)
    for group in dict.fromkeys(groups):
        at = np.flatnonzero(groups == group)
        if len(at) > 1:
            own[at] = np.nanmedian(off[np.ix_(at, at)], axis=1)
    every = np.nanmedian(off, axis=1) if len(off) > 1 else own
    return own, every


def assess_study(
    counts: str,
    source: str,
    *,
    factors: Sequence[str],
    blocks: Sequence[str],
    covariates: Sequence[str],
    models: Sequence[Sequence[str]],
    min_count: int,
    out: Mapping[str, str],
) -> None:
    """Write the quality tables and ``samples.tsv``; `out` maps the table's name to its path."""
    data = read_counts_h5ad(counts)
    metadata = sample_metadata(source)
    quality = assess_quality(
        data,
        factors=factors,
        blocks=blocks,
        covariates=covariates,
        models=models,
        metadata=metadata,
        min_count=min_count,
    )
    write_table(sample_table(data, quality.size_factors, metadata), out["samples"], SAMPLES)
    write_table(quality.metrics, out["metrics"], QC_METRICS)
    write_table(quality.pca, out["pca"], QC_PCA)
    write_table(quality.correlation, out["correlation"], QC_CORRELATION)
    write_table(quality.flags, out["flags"], QC_FLAGS)
