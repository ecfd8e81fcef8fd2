"""Variance-stabilising transformation against R's ``vst``."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pathcall.deseq import de
from pathcall.deseq.dispersion import Trend
from pathcall.deseq.vst import transform, vst
from tests.project import ROOT

REFERENCE = ROOT / "tests" / "reference" / "replicated"


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "counts.tsv.gz", sep="\t", index_col=0).T


def test_values_are_r_s(counts: pd.DataFrame) -> None:
    expected = pd.read_csv(REFERENCE / "vst.tsv.gz", sep="\t", index_col=0).T
    ours = vst(counts, de.size_factors(counts), n_sub=200)
    assert ours.index.equals(counts.index)
    np.testing.assert_allclose(ours.to_numpy(), expected[ours.columns].to_numpy(), atol=1e-7)


def test_variance_is_about_constant() -> None:
    rng = np.random.default_rng(4)
    mean = np.exp(rng.uniform(3, 10, 3000))
    alpha = 0.05 + 3 / mean
    values = rng.poisson(rng.gamma(1 / alpha, alpha * mean, (12, 3000)))
    counts = pd.DataFrame(values, columns=[f"g{i}" for i in range(3000)])
    result = vst(counts, de.size_factors(counts))
    sd = result.std()
    low, high = sd[mean < 100].median(), sd[mean > 2000].median()
    assert 0.7 < low / high < 1.4


def test_few_genes_and_other_trends(counts: pd.DataFrame) -> None:
    few = counts.iloc[:, :40]
    result = vst(few, de.size_factors(few))
    assert np.isfinite(result.to_numpy()).all()
    # Other trends agree with log2 at high counts and keep the order of counts.
    q = np.linspace(0, 5000, 200)
    knots = np.linspace(0, 10, 50)
    local = Trend("local", log_mean=knots, log_dispersion=np.log(0.05 + 3 / np.exp(knots)))
    for trend in (local, Trend("parametric", 0.05, 3.0), Trend("none")):
        values = transform(q, trend, np.ones(4), np.linspace(0, 5000, 1000))
        assert (np.diff(values) > 0).all()
        assert values[-1] == pytest.approx(np.log2(5000), abs=0.4)


def test_design_and_threads(counts: pd.DataFrame) -> None:
    design = pd.DataFrame({"Intercept": 1.0, "b": np.repeat([0.0, 1.0], 8)}, index=counts.index)
    sf = de.size_factors(counts)
    one, two = (vst(counts, sf, design=design, n_sub=200, threads=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert np.abs(one - vst(counts, sf, n_sub=200)).to_numpy().max() > 0.01


def test_zeros_only() -> None:
    counts = pd.DataFrame(np.zeros((4, 3), dtype=int))
    result = vst(counts, pd.Series(1.0, index=counts.index))
    assert np.isfinite(result.to_numpy()).all()
