"""The pydeseq2-facing class against pydeseq2's own, and inside pydeseq2."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from tests.project import ROOT

# Its imports and pandas/anndata versions warn on their own behalf; nothing here depends on it.
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:As the residual degrees of freedom:UserWarning"),
]
REFERENCE = ROOT / "tests" / "reference"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # as above, at import
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from pydeseq2.ds import DeseqStats

    from pathcall.deseq import de
    from pathcall.deseq.inference import BatchedInference


@pytest.fixture(autouse=True)
def one_blas_thread() -> Iterator[None]:
    """Stock pydeseq2 is several times slower with BLAS threads."""
    with threadpool_limits(1):
        yield


def data(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    counts = pd.read_csv(REFERENCE / name / "counts.tsv.gz", sep="\t", index_col=0).T
    design = pd.read_csv(REFERENCE / name / "design.tsv", sep="\t", index_col=0)
    return counts, design.drop(columns="size_factor").astype(float)


def fitted(name: str, inference: Any, n_genes: int = 10_000) -> DeseqDataSet:
    counts, design = data(name)
    counts = counts.iloc[:, :n_genes]
    dds = DeseqDataSet(
        counts=counts, metadata=pd.DataFrame({"x": 1}, index=counts.index), design=design,
        inference=inference, quiet=True,
    )  # fmt: skip
    dds.deseq2()
    return dds


@pytest.mark.parametrize("name", ["replicated", "covariate"])
def test_drop_in_for_pydeseq2_gives_its_answers(name: str) -> None:
    stock = fitted(name, DefaultInference(n_cpus=1), 300)
    ours = fitted(name, BatchedInference(n_cpus=2), 300)
    expressed = (stock.var["_normed_means"] >= 1).to_numpy()
    lfc = np.abs(ours.varm["LFC"].to_numpy() - stock.varm["LFC"].to_numpy())[expressed] / np.log(2)
    assert (lfc.max(axis=1) <= 1e-3).mean() >= 0.99
    ratio = ours.var["dispersions"] / stock.var["dispersions"]
    assert ((ratio - 1).abs() < 0.01)[ratio.notna()].mean() >= 0.995
    contrast = np.zeros(stock.varm["LFC"].shape[1])
    contrast[-1] = 1
    tables = []
    for dds in (stock, ours):
        test = DeseqStats(dds, contrast=contrast, quiet=True, inference=dds.inference)
        test.summary()
        tables.append(test.results_df)
    a, b = (set(t.index[t["padj"] < 0.05]) for t in tables)
    assert len(a & b) / max(len(a | b), 1) >= 0.995


@pytest.mark.parametrize("alternative", [None, "greaterAbs", "lessAbs", "greater", "less"])
def test_wald_tests(alternative: Any) -> None:
    dds = fitted("groups", BatchedInference(n_cpus=1), 150)
    design = dds.obsm["design_matrix"].to_numpy()
    mu = np.exp(design @ dds.varm["LFC"].to_numpy().T) * dds.obs["size_factors"].to_numpy()[:, None]
    for contrast in ([0, 1, 0, 0], [0, 1, -1, 0]):
        arguments = {
            "design_matrix": design, "disp": dds.var["dispersions"].to_numpy(),
            "lfc": dds.varm["LFC"].to_numpy(), "mu": mu, "ridge_factor": np.eye(4) * 1e-6,
            "contrast": np.array(contrast, dtype=float), "lfc_null": 0.3,
            "alt_hypothesis": alternative,
        }  # fmt: skip
        ours = BatchedInference(n_cpus=1).wald_test(**arguments)
        stock = DefaultInference(n_cpus=1).wald_test(**arguments)
        for x, y in zip(ours, stock, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-8, atol=1e-300)


def test_shrinkage_against_pydeseq2() -> None:
    dds = fitted("replicated", BatchedInference(n_cpus=1), 150)
    keep = dds.var["non_zero"].to_numpy()
    arguments = {
        "design_matrix": dds.obsm["design_matrix"].to_numpy(), "counts": dds.X[:, keep],
        "size": 1 / dds.var["dispersions"].to_numpy()[keep],
        "offset": np.log(dds.obs["size_factors"].to_numpy()), "prior_no_shrink_scale": 15,
        "prior_scale": 0.5, "optimizer": "L-BFGS-B", "shrink_index": 1,
    }  # fmt: skip
    mode, inverse, ok = BatchedInference(n_cpus=1).lfc_shrink_nbinom_glm(**arguments)
    stock, _, stock_ok = DefaultInference(n_cpus=1).lfc_shrink_nbinom_glm(**arguments)
    assert ok.all()
    same = np.abs(mode - stock)[stock_ok, 1] < 5e-3
    assert same.mean() >= 0.97  # the rest has two modes, or its search stopped early
    np.testing.assert_allclose(inverse, inverse.transpose(0, 2, 1), rtol=1e-6, atol=1e-9)
    assert (inverse[:, 1, 1] > 0).all()


def test_trend_rough_and_moments() -> None:
    dds = fitted("groups", BatchedInference(n_cpus=1), 200)
    norm, design = dds.layers["normed_counts"], dds.obsm["design_matrix"]
    keep = dds.var["non_zero"].to_numpy()
    ours, stock = BatchedInference(n_cpus=1), DefaultInference(n_cpus=1)
    np.testing.assert_allclose(
        ours.fit_rough_dispersions(norm[:, keep], design),
        stock.fit_rough_dispersions(norm[:, keep], design), rtol=1e-8, atol=1e-12,
    )  # fmt: skip
    sf = dds.obs["size_factors"].to_numpy()
    np.testing.assert_array_equal(
        ours.fit_moments_dispersions(norm, sf), stock.fit_moments_dispersions(norm, sf)
    )
    with pytest.raises(ValueError, match="no replicates"):
        ours.fit_rough_dispersions(norm[:4], np.eye(4))


def test_results_do_not_depend_on_threads() -> None:
    one, two = (fitted("covariate", BatchedInference(n_cpus=n)) for n in (1, 2))
    for key in ("dispersions", "genewise_dispersions"):
        np.testing.assert_array_equal(one.var[key], two.var[key])
    np.testing.assert_array_equal(one.varm["LFC"], two.varm["LFC"])


def test_without_r_agreement_pydeseq2_itself_answers() -> None:
    # Dispersions well above the lower bound: at the bound rounding decides where pydeseq2's search
    # ends (docs/de.md).
    rng = np.random.default_rng(8)
    design = pd.DataFrame({"Intercept": 1.0, "b": np.repeat([0.0, 1.0], 6)})
    design.index = pd.Index([f"s{i}" for i in range(12)])
    mean = np.exp(rng.uniform(0, 8, 300) + np.outer(design["b"], rng.normal(0, 0.7, 300)))
    values = rng.poisson(rng.gamma(1 / 0.4, 0.4 * mean))
    counts = pd.DataFrame(values, index=design.index, columns=[f"g{i}" for i in range(300)])
    ours = de.fit_model(counts, design, r_agreement=False, threads=2)
    stock = de.fit_model(counts, design, r_agreement=False, inference=DefaultInference(n_cpus=1))
    a, b = (de.test_contrast(f, [0, 1], alpha=0.05) for f in (ours, stock))
    expressed = a["base_mean"] >= 1
    assert ((a["log2fc"] - b["log2fc"]).abs()[expressed] <= 1e-3).mean() >= 0.99
    assert ((ours.dispersions / stock.dispersions - 1).abs() < 0.01).mean() >= 0.99
    assert ((a["padj"] < 0.05) == (b["padj"] < 0.05)).mean() >= 0.995
    # R's rules give other standard errors at low counts: the switch does something.
    r = de.test_contrast(de.fit_model(counts, design), [0, 1], alpha=0.05)
    assert (r["lfc_se"] - a["lfc_se"]).abs().max() > 0.01
    with pytest.raises(ValueError, match="r_agreement=False"):
        de.fit_model(counts, design, inference=BatchedInference())
