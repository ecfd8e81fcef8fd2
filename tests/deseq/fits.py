"""Fits and data for the tests of this room."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.deseq import DeseqDataSet, DeseqStats
from pathcall.deseq.fit_models import contrast_table
from tests.project import ROOT

REFERENCE = ROOT / "tests" / "reference"
LENGTHS = {path.parent.name for path in REFERENCE.glob("*/lengths.tsv.gz")}
SETS = sorted({path.parent.name for path in REFERENCE.glob("*/weights.tsv")} - LENGTHS)


def table(name: str, file: str, index: str | None = None) -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / name / file, sep="\t")
    return frame if index is None else frame.set_index(index)


def data(name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Counts, design and R's size factors of a reference set."""
    counts = table(name, "counts.tsv.gz", "gene_id").T
    design = table(name, "design.tsv", "sample")
    return counts, design, design.pop("size_factor")


def dataset(counts: pd.DataFrame, design: pd.DataFrame, **options: Any) -> DeseqDataSet:
    """A data set that is not fitted yet."""
    metadata = pd.DataFrame({"x": "1"}, index=counts.index)
    options = {"n_cpus": 1, "quiet": True, **options}
    return DeseqDataSet(counts=counts, metadata=metadata, design=design, **options)


def fit(counts: pd.DataFrame, design: pd.DataFrame, **options: Any) -> DeseqDataSet:
    dds = dataset(counts, design, **options)
    dds.deseq2()
    return dds


def contrast(dds: DeseqDataSet, weights: npt.ArrayLike) -> pd.DataFrame:
    """The workflow's table of a contrast."""
    return contrast_table(dds, np.asarray(weights, dtype=float), alpha=0.05)


def stats(dds: DeseqDataSet, weights: npt.ArrayLike, **options: Any) -> DeseqStats:
    """Tested, not shrunken."""
    tested = DeseqStats(dds, np.asarray(weights, dtype=float), quiet=True, **options)
    tested.summary()
    return tested


def close(ours: pd.Series, r: pd.Series, **tolerance: float) -> None:
    np.testing.assert_allclose(ours.to_numpy(float), r.to_numpy(float), **tolerance)


def simulated(
    design: pd.DataFrame, n_genes: int, *, seed: int = 1, effect: float = 1.0, depth: float = 5.0
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    base = np.exp(rng.normal(depth, 1.5, n_genes))
    beta = rng.normal(0, effect, (n_genes, design.shape[1])) * (rng.random((n_genes, 1)) < 0.3)
    beta[:, 0] = 0
    mu = base * np.exp(design.to_numpy() @ beta.T)
    alpha = 0.05 + 1 / base
    counts = rng.poisson(rng.gamma(1 / alpha, alpha * mu))
    names = [f"g{i}" for i in range(n_genes)]
    return pd.DataFrame(counts, index=design.index, columns=names)


def two_groups(n: int) -> pd.DataFrame:
    x = np.repeat([0.0, 1.0], n)
    index = [f"s{i}" for i in range(2 * n)]
    return pd.DataFrame({"Intercept": 1.0, "b": x}, index=index)


def factorial() -> pd.DataFrame:
    index = [f"s{i}" for i in range(12)]
    a, b = np.tile([0.0, 0.0, 1.0, 1.0], 3), np.tile([0.0, 1.0], 6)
    return pd.DataFrame({"Intercept": 1.0, "a": a, "b": b, "a:b": a * b}, index=index)
