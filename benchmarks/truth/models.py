"""A case as a fitted model: filter, size factors and VST of its own samples; kept on disk."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.truth.cases import Case
from benchmarks.truth.sets import load
from pathcall.deseq import DeseqDataSet
from pathcall.deseq.fitted import FittedModel


def model_of(case: Case, cache: Path | None = None) -> FittedModel:
    """The fitted model of a case (dispersions left out: nothing here needs them)."""
    samples = list(case.design.index)
    parts = _values(case.study, tuple(samples), min(case.n, 3), cache)
    counts, values, size = parts
    s = load(case.study)
    assert s is not None
    return FittedModel(
        name=case.name, formula="", samples=s.sheet.loc[samples], counts=counts, vst=values,
        symbols=s.symbols[counts.columns], size_factors=size,
        dispersions=pd.Series(np.nan, index=counts.columns),
        base_mean=(counts.div(size, axis=0)).mean(), design=case.design,
        contrasts={case.name: case.weights},
    )  # fmt: skip


def _values(
    study: str, samples: tuple[str, ...], smallest: int, cache: Path | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    ordered = sorted(samples)
    key = hashlib.sha256(repr((study, ordered, smallest)).encode()).hexdigest()[:20]
    path = None if cache is None else cache / f"{key}.pkl"
    if path is not None and path.exists():
        counts, values, size = pickle.loads(path.read_bytes())
    else:
        s = load(study)
        assert s is not None
        counts = s.counts.loc[ordered]
        counts = counts.loc[:, (counts >= 10).sum() >= smallest]
        values, size = transformed(counts)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps((counts, values, size)))
    where = list(samples)
    return counts.loc[where], values.loc[where], size[where]


def transformed(counts: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """VST values (blind to the design) and size factors of counts, ``samples × genes``."""
    one = pd.DataFrame({"Intercept": 1.0}, index=counts.index)
    dds = DeseqDataSet(counts=counts, metadata=one, design=one, n_cpus=1, quiet=True)
    dds.vst()
    values = pd.DataFrame(dds.layers["vst_counts"], counts.index, counts.columns)
    return values, dds.obs["size_factors"]
