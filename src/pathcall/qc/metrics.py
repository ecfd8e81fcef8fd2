"""Quality of samples: metrics, principal components, correlations, and what looks wrong.

Flags rest on distances between samples in VST space. They say what was measured, the limit and the
reason; nothing is left out of the analysis because of a flag: that is the user's decision, made in
the sample sheet.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.counts.matrix import read_counts_h5ad
from pathcall.deseq.vst import vst
from pathcall.geo.sources import sample_metadata
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
N_VARIABLE = 2000
N_PAIR = 500
# Entrez ids of the human mitochondrial genes; NCBI's symbols (ND1, COX1) carry no MT- prefix.
MITOCHONDRIAL = frozenset(
    str(i) for i in (4508, 4509, 4512, 4513, 4514, 4519, *range(4535, 4542), 4549, 4550)
)
N_COMPONENTS = 10


@dataclass(frozen=True)
class Limits:
    """Limits of the flags.

    Attributes
    ----------
    library_share
        A library below this share of the median library is flagged; below its square, severe.
    genes_mad
        Detected genes this many (scaled) median absolute deviations below the median.
    outlier_mad
        Median correlation with the other samples of its cell, likewise.
    separation
        Two groups count as apart where the mean silhouette of their other samples is above this.
    misfit
        A sample sits with another group where its silhouette is below minus this.
    """

    library_share: float = 0.3
    genes_mad: float = 6.0
    outlier_mad: float = 6.0
    separation: float = 0.22
    misfit: float = 0.3


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
    models: Sequence[Sequence[str]] = (),
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
    models
        Samples of each model: cells are held against the other cells of their model only, since no
        contrast compares further. None: all samples are one model.
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
    counts = pd.DataFrame(np.asarray(data.X), index=data.obs_names, columns=data.var_names)
    factors = [name for name in factors if data.obs[name].nunique() > 1]
    groups = _cells(data.obs, factors)
    factor = size_factors(counts)
    kept = (counts >= min_count).sum(axis=0) >= 2
    values = vst(counts.loc[:, kept], factor)
    logger.info("VST of %d genes (%d below the filter)", int(kept.sum()), int((~kept).sum()))
    correlation = values.T.corr(method="spearman")
    off = correlation.mask(np.eye(len(correlation), dtype=bool))
    metrics = _metrics(data).assign(
        size_factor=factor.to_numpy(),
        median_correlation=off.median(axis=1).to_numpy(),
        group=groups.to_numpy(),
        group_correlation=[_median(off.loc[s, groups == groups[s]]) for s in groups.index],
    )
    order = list(off.index)
    long = [(a, b, float(correlation.at[a, b])) for a in order for b in order]
    variable = _most_variable(values)
    centred = _centre(values, _cells(data.obs, blocks))
    flags = [
        *_library_flags(metrics, limits),
        *_duplicate_flags(counts),
        *_outlier_flags(metrics, limits),
        *_group_flags(centred, groups, models or [list(groups.index)], limits),
        *_label_flags(_most_variable(centred), data.obs, factors, limits),
    ]
    columns = ["sample", "flag", "severity", "value", "threshold", "reason"]
    position = {sample: i for i, sample in enumerate(order)}
    table = pd.DataFrame(flags, columns=columns)
    table = table.sort_values(
        ["sample", "flag"], key=lambda c: c.map(position) if c.name == "sample" else c,
        kind="stable",
    ).reset_index(drop=True)  # fmt: skip
    for row in table.itertuples():
        logger.warning("%s: %s (%s)", row.sample, row.flag, row.reason)
    return Quality(
        metrics=metrics,
        pca=_pca(variable),
        correlation=pd.DataFrame(long, columns=["sample", "other", "correlation"]),
        flags=table.astype({"value": float, "threshold": float}),
        size_factors=factor,
    )


def sample_table(
    data: ad.AnnData, factor: pd.Series, metadata: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Join the sheet with size factors and GEO's metadata (schema ``samples``).

    Parameters
    ----------
    data
        ``counts.h5ad``, all samples of the sheet that have counts.
    factor
        Sample → size factor, included samples.
    metadata
        GEO's metadata, index: sample; its columns get the prefix ``geo_``.
    """
    library = pd.Series(np.asarray(data.X).sum(axis=1), index=data.obs_names).astype(float)
    sheet = data.obs.drop(columns=["included", "reason"])
    table = pd.DataFrame(
        {
            "sample": data.obs_names,
            "included": data.obs["included"].to_numpy(),
            "reason": data.obs["reason"].replace("", None).to_numpy(),
            "library_size": library.to_numpy(),
            "size_factor": factor.reindex(data.obs_names).to_numpy(),
            **{name: sheet[name].replace("", None).to_numpy() for name in sheet.columns},
        }
    )
    outside = [
        *((s, "not in the sample sheet") for s in data.uns.get("not_in_sheet", [])),
        *((s, "excluded; no counts") for s in data.uns.get("no_counts", [])),
    ]
    if outside:
        extra = pd.DataFrame(
            [{"sample": s, "included": "no", "reason": reason} for s, reason in outside]
        )
        table = pd.concat([table, extra], ignore_index=True)
    if metadata is not None:
        own = metadata.reindex(table["sample"])
        for name in own.columns:
            column = own[name].astype(object).to_numpy()
            table[f"geo_{name}"] = [None if pd.isna(v) or v == "" else str(v) for v in column]
    return table


def assess_study(
    counts: str,
    source: str,
    *,
    factors: Sequence[str],
    blocks: Sequence[str],
    models: Sequence[Sequence[str]],
    min_count: int,
    out: Mapping[str, str],
) -> None:
    """Write the quality tables and ``samples.tsv``; `out` maps the table's name to its path."""
    data = read_counts_h5ad(counts)
    quality = assess_quality(
        data, factors=factors, blocks=blocks, models=models, min_count=min_count
    )
    metadata = sample_metadata(source)
    write_table(sample_table(data, quality.size_factors, metadata), out["samples"], SAMPLES)
    write_table(quality.metrics, out["metrics"], QC_METRICS)
    write_table(quality.pca, out["pca"], QC_PCA)
    write_table(quality.correlation, out["correlation"], QC_CORRELATION)
    write_table(quality.flags, out["flags"], QC_FLAGS)


def _metrics(data: ad.AnnData) -> pd.DataFrame:
    import scanpy as sc

    data = ad.AnnData(
        X=np.asarray(data.X, dtype=np.float64), obs=data.obs[[]].copy(), var=data.var.copy()
    )
    data.var["mt"] = data.var["symbol"].str.upper().str.startswith("MT-") | data.var[
        "entrez_id"
    ].isin(MITOCHONDRIAL)
    top = min(50, data.n_vars)
    sc.pp.calculate_qc_metrics(data, qc_vars=["mt"], percent_top=[top], log1p=False, inplace=True)
    obs = data.obs
    return pd.DataFrame(
        {
            "sample": obs.index.to_numpy(),
            "library_size": obs["total_counts"].to_numpy(dtype=float),
            "n_genes": obs["n_genes_by_counts"].to_numpy(dtype=int),
            "pct_top_50": obs[f"pct_counts_in_top_{top}_genes"].to_numpy(dtype=float),
            "pct_mitochondrial": obs["pct_counts_mt"].to_numpy(dtype=float),
        }
    )


def _cells(obs: pd.DataFrame, factors: Sequence[str]) -> pd.Series:
    """Name of each sample's combination of levels; factors that do not apply are left out."""
    names = [
        ",".join(f"{name}={obs.at[s, name]}" for name in factors if obs.at[s, name]) or "all"
        for s in obs.index
    ]
    return pd.Series(names, index=obs.index)


def _median(values: pd.Series) -> float:
    known = values.dropna()
    return float(known.median()) if len(known) else float("nan")


def _centre(values: pd.DataFrame, blocks: pd.Series) -> pd.DataFrame:
    """Values less the mean of their block."""
    return values - values.groupby(blocks).transform("mean")


def _most_variable(values: pd.DataFrame, n: int = N_VARIABLE) -> pd.DataFrame:
    spread = values.var(axis=0, ddof=1)
    # Ties in variance are broken by the order of the matrix.
    chosen = spread.sort_values(ascending=False, kind="stable").index[:n]
    return values.loc[:, values.columns.isin(chosen)]


def _pca(values: pd.DataFrame) -> pd.DataFrame:
    """PCA by a full SVD; the sign makes the largest absolute loading positive."""
    centred = values.to_numpy() - values.to_numpy().mean(axis=0)
    left, singular, right = np.linalg.svd(centred, full_matrices=False)
    n = min(N_COMPONENTS, len(values) - 1, len(singular))
    largest = np.abs(right[:n]).argmax(axis=1)
    sign = np.sign(right[np.arange(n), largest])
    scores = left[:, :n] * singular[:n] * sign
    total = float((singular**2).sum()) or 1.0
    rows = [
        (sample, f"PC{k + 1}", float(scores[i, k]), float(singular[k] ** 2 / total))
        for i, sample in enumerate(values.index)
        for k in range(n)
    ]
    return pd.DataFrame(rows, columns=["sample", "component", "score", "explained_variance"])


Flag = tuple[str, str, str, float, float, str]


def _library_flags(metrics: pd.DataFrame, limits: Limits) -> list[Flag]:
    flags: list[Flag] = []
    median = float(metrics["library_size"].median())
    for sample, size in zip(metrics["sample"], metrics["library_size"], strict=True):
        limit = limits.library_share * median
        if size < limit:
            severity = "severe" if size < limits.library_share**2 * median else "warning"
            reason = f"{size:,.0f} counts, {size / median:.0%} of the median library"
            flags.append((sample, "library_size", severity, size, limit, reason))
    low = _robust_low(metrics["n_genes"].to_numpy(dtype=float), limits.genes_mad, floor=0.03)
    for sample, n in zip(metrics["sample"], metrics["n_genes"], strict=True):
        if n < low:
            reason = f"{n:,} genes detected, far below the other samples"
            flags.append((sample, "few_genes", "warning", float(n), low, reason))
    return flags


def _robust_low(values: Float, mads: float, *, floor: float) -> float:
    """Median less `mads` scaled MADs; the MAD is at least `floor` × median."""
    median = float(np.median(values))
    mad = 1.4826 * float(np.median(np.abs(values - median)))
    return median - mads * max(mad, floor * abs(median))


def _duplicate_flags(counts: pd.DataFrame) -> list[Flag]:
    seen: dict[bytes, str] = {}
    flags: list[Flag] = []
    for sample in counts.index:
        key = counts.loc[sample].to_numpy().tobytes()
        if key in seen:
            reason = f"its counts are those of {seen[key]}, number by number"
            flags += [(sample, "duplicate", "severe", 1.0, 1.0, reason)]
        seen.setdefault(key, sample)
    return flags


def _outlier_flags(metrics: pd.DataFrame, limits: Limits) -> list[Flag]:
    """Samples that correlate poorly with their own cell, as cells of this study go."""
    own = metrics["group_correlation"].to_numpy(dtype=float)
    known = np.isfinite(own)
    if known.sum() < 4:
        return []
    # On Fisher's scale, where the spread of a correlation does not depend on its size.
    fisher = np.arctanh(np.clip(own[known], -0.999999, 0.999999))
    low = _robust_low(fisher, limits.outlier_mad, floor=0.04)
    return [
        (
            sample,
            "outlier",
            "warning",
            float(value),
            float(np.tanh(low)),
            f"median correlation with its own group ({group}) is {value:.3f}, far below the others",
        )
        for sample, group, value, z in zip(
            metrics["sample"][known], metrics["group"][known], own[known], fisher, strict=True
        )
        if z < low
    ]


def _distances(values: pd.DataFrame) -> pd.DataFrame:
    x = values.to_numpy() - values.to_numpy().mean(axis=0)
    square = (x**2).sum(axis=1)
    gap = np.sqrt(np.maximum(square[:, None] + square[None, :] - 2 * x @ x.T, 0))
    np.fill_diagonal(gap, 0)
    return pd.DataFrame(gap, index=values.index, columns=values.index)


def _group_flags(
    values: pd.DataFrame, groups: pd.Series, models: Sequence[Sequence[str]], limits: Limits
) -> list[Flag]:
    """Samples nearer to another cell than to their own, where the two cells are apart otherwise.

    Each pair of cells is looked at in the genes that vary most within the pair: among all samples,
    differences between cell lines would hide those between treatments.
    """
    worst: dict[str, tuple[float, str]] = {}
    pairs = dict.fromkeys(
        pair for samples in models for pair in combinations(dict.fromkeys(groups[samples]), 2)
    )
    for one, two in pairs:
        members = {cell: list(groups.index[groups == cell]) for cell in (one, two)}
        if min(map(len, members.values())) < 2:
            continue
        gap = _distances(_most_variable(values.loc[members[one] + members[two]], N_PAIR))
        for own, other in ((one, two), (two, one)):
            for sample in members[own]:
                mates = [s for s in members[own] if s != sample]
                width = _silhouette(gap, sample, mates, members[other])
                # In this order: the last test is the expensive one.
                if (
                    width < -limits.misfit
                    and width < worst.get(sample, (0.0, ""))[0]
                    and _separation(gap, mates, members[other]) > limits.separation
                ):
                    worst[sample] = (width, other)
    return [
        (
            sample,
            "sits_with_other_group",
            "severe",
            width,
            -limits.misfit,
            f"labelled {groups[sample]}, it sits with {other} (silhouette {width:.2f})",
        )
        for sample, (width, other) in worst.items()
    ]


def _silhouette(gap: pd.DataFrame, sample: object, own: list[str], other: list[str]) -> float:
    a = float(gap.loc[sample, own].mean())
    b = float(gap.loc[sample, other].mean())
    return (b - a) / max(a, b) if max(a, b) > 0 else 0.0


def _separation(gap: pd.DataFrame, one: list[str], two: list[str]) -> float:
    """Mean silhouette of two groups; a group of one counts by its distance to the other group."""
    widths = []
    for own, other in ((one, two), (two, one)):
        for sample in own:
            mates = [s for s in own if s != sample]
            if mates:
                widths.append(_silhouette(gap, sample, mates, other))
    return float(np.mean(widths)) if widths else 0.0


def _mean_silhouette(gap: pd.DataFrame, labels: pd.Series) -> float:
    """Mean silhouette of labelled samples, each against its nearest other level."""
    widths = []
    for sample, own in labels.items():
        mates = [s for s in labels.index[labels == own] if s != sample]
        others = [list(labels.index[labels == level]) for level in dict.fromkeys(labels)]
        if mates:
            widths.append(
                min(_silhouette(gap, sample, mates, o) for o in others if labels[o[0]] != own)
            )
    return float(np.mean(widths)) if widths else 0.0


def _label_flags(
    values: pd.DataFrame, obs: pd.DataFrame, factors: Sequence[str], limits: Limits
) -> list[Flag]:
    """Samples whose nearest neighbours carry another level of a factor the expression knows.

    A factor is known where the nearest neighbours give back at least 70% of its labels and the
    levels are apart without the samples in question. The neighbours are as many as the smallest
    level has mates, at most three.
    """
    gap = _distances(values)
    others = gap.mask(np.eye(len(gap), dtype=bool), np.inf)
    flags: list[Flag] = []
    for name in factors:
        labels = obs[name][obs[name] != ""]
        sizes = labels.value_counts()
        labels = labels[labels.isin(sizes.index[sizes >= 3])]
        if labels.nunique() < 2:
            continue
        near = others.loc[labels.index, labels.index]
        k = int(min(3, sizes[sizes >= 3].min() - 1))
        votes = {}
        for sample in labels.index:
            nearest = near.loc[sample].sort_values(kind="stable").index[:k]
            votes[sample] = labels[nearest].value_counts(normalize=True)
        guess = pd.Series({s: v.index[0] for s, v in votes.items()})
        share = pd.Series({s: float(v.get(labels[s], 0.0)) for s, v in votes.items()})
        wrong = guess != labels
        suspects = labels.index[wrong.to_numpy() & (share == 0).to_numpy()]
        rest = labels.drop(suspects)
        if wrong.mean() > 0.3 or _mean_silhouette(gap, rest) < limits.separation:
            continue
        for sample in suspects:
            reason = (
                f"labelled {name}={labels[sample]}, its {k} nearest samples are all "
                f"{name}={guess[sample]}" if votes[sample].iloc[0] == 1 else
                f"labelled {name}={labels[sample]}, none of its {k} nearest samples is"
            )  # fmt: skip
            flags.append((sample, "label_contradicted", "severe", 0.0, 1 / k, reason))
    return flags
