"""Libraries: their size, the genes they show, and counts that occur twice."""

from __future__ import annotations

from dataclasses import dataclass

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.qc.flags import Flag

Float = npt.NDArray[np.float64]

# Entrez ids of the human mitochondrial genes; NCBI's symbols (ND1, COX1) carry no MT- prefix.
MITOCHONDRIAL = frozenset(
    str(i) for i in (4508, 4509, 4512, 4513, 4514, 4519, *range(4535, 4542), 4549, 4550)
)
TOP = 50


@dataclass(frozen=True)
class LibraryLimits:
    """Limits of libraries.

    Attributes
    ----------
    library_share
        A library below this share of the median library is flagged; below its square, severe.
    genes_mad
        Detected genes this many (scaled) median absolute deviations below the median.
    """

    library_share: float = 0.3
    genes_mad: float = 6.0


def library_metrics(data: ad.AnnData) -> pd.DataFrame:
    """Size, detected genes, percent in top and in mitochondrial genes (as scanpy's metrics)."""
    counts = np.asarray(data.X, dtype=np.float64)
    symbols, entrez = data.var["symbol"], data.var["entrez_id"]
    mitochondrial = symbols.str.upper().str.startswith("MT-") | entrez.isin(MITOCHONDRIAL)
    total = counts.sum(axis=1)
    top = np.partition(counts, max(counts.shape[1] - TOP, 0), axis=1)[:, -TOP:].sum(axis=1)
    of_mitochondria = counts[:, mitochondrial.to_numpy(dtype=bool)].sum(axis=1)
    with np.errstate(invalid="ignore"):
        return pd.DataFrame(
            {
                "sample": data.obs_names.to_numpy(),
                "library_size": total,
                "n_genes": np.count_nonzero(counts, axis=1),
                "pct_top_50": top / total * 100,
                "pct_mitochondrial": of_mitochondria / total * 100,
            }
        )


def library_flags(metrics: pd.DataFrame, limits: LibraryLimits) -> list[Flag]:
    """Libraries much smaller than the others, and libraries that show far fewer genes."""
    flags: list[Flag] = []
    median = float(metrics["library_size"].median())
    for sample, size in zip(metrics["sample"], metrics["library_size"], strict=True):
        limit = limits.library_share * median
        if size < limit:
            severe = size < limits.library_share**2 * median
            flags.append(
                Flag(
                    sample, "library_size", "severe" if severe else "warning", size, limit,
                    f"{size:,.0f} counts, {size / median:.1%} of the median library",
                    "check how many reads it has and how many were assigned; exclude it if it was "
                    "sequenced or counted incompletely",
                )
            )  # fmt: skip
    genes = metrics["n_genes"].to_numpy(dtype=float)
    low = robust_low(genes, limits.genes_mad, floor=0.03)
    for sample, n in zip(metrics["sample"], metrics["n_genes"], strict=True):
        if n < low:
            flags.append(
                Flag(
                    sample, "few_genes", "warning", float(n), low,
                    f"{n:,} genes detected, far below the other samples",
                    "check RNA quality and depth; exclude it if it is degraded",
                )
            )  # fmt: skip
    return flags


def duplicate_flags(counts: pd.DataFrame) -> list[Flag]:
    """Samples with the counts of another one, number by number."""
    seen: dict[bytes, str] = {}
    flags: list[Flag] = []
    for sample, row in zip(counts.index, counts.to_numpy(), strict=True):
        first = seen.setdefault(row.tobytes(), sample)
        if first != sample:
            flags += [
                Flag(
                    one, "duplicate", "severe", 1.0, 1.0,
                    f"its counts are those of {other}, number by number",
                    f"find out which of {first} and {sample} the counts belong to, and exclude the "
                    "other: one library twice makes every p-value too small",
                )
                for one, other in ((first, sample), (sample, first))
            ]  # fmt: skip
    return flags


def robust_low(values: Float, mads: float, *, floor: float) -> float:
    """Median less `mads` scaled MADs; the MAD is at least `floor` × median."""
    median = float(np.median(values))
    mad = 1.4826 * float(np.median(np.abs(values - median)))
    return median - mads * max(mad, floor * abs(median))
