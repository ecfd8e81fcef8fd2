"""Variance-stabilising transformation against R's ``vst``."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pathcall.deseq.dispersion import Trend
from pathcall.deseq.vst import transform, trend_genes
from tests.deseq.fits import data, dataset, table


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return data("replicated")[0]


def vst(
    counts: pd.DataFrame, design: pd.DataFrame | None = None, *, n_cpus: int = 1, n_sub: int = 1000
) -> pd.DataFrame:
    plain = pd.DataFrame({"Intercept": 1.0}, index=counts.index)
    dds = dataset(counts, plain if design is None else design, n_cpus=n_cpus)
    dds.vst(use_design=design is not None, n_sub=n_sub)
    return pd.DataFrame(dds.layers["vst_counts"], counts.index, counts.columns)


def test_values_match_deseq2(counts: pd.DataFrame) -> None:
    expected = table("replicated", "vst.tsv.gz", "gene_id").T
    ours = vst(counts, n_sub=200)
    np.testing.assert_allclose(ours.to_numpy(), expected[ours.columns].to_numpy(), atol=1e-7)


def test_variance_is_about_constant() -> None:
    rng = np.random.default_rng(4)
    mean = np.exp(rng.uniform(3, 10, 3000))
    alpha = 0.05 + 3 / mean
    values = rng.poisson(rng.gamma(1 / alpha, alpha * mean, (12, 3000)))
    index = [f"s{i}" for i in range(12)]
    sd = vst(pd.DataFrame(values, index, [f"g{i}" for i in range(3000)])).std()
    low, high = sd[mean < 100].median(), sd[mean > 2000].median()
    assert 0.7 < low / high < 1.4


def test_few_genes_and_other_trends(counts: pd.DataFrame) -> None:
    assert np.isfinite(vst(counts.iloc[:, :40]).to_numpy()).all()
    # Other trends agree with log2 at high counts and keep the order of counts.
    q = np.linspace(0, 5000, 200)
    knots = np.linspace(0, 10, 50)
    local = Trend("local", (knots, np.log(0.05 + 3 / np.exp(knots))))
    for trend in (local, Trend("parametric", (0.05, 3.0)), Trend("none")):
        values = transform(q, trend, np.ones(4), np.linspace(0, 5000, 1000))
        assert (np.diff(values) > 0).all()
        assert values[-1] == pytest.approx(np.log2(5000), abs=0.4)


def test_design_and_threads(counts: pd.DataFrame) -> None:
    design = pd.DataFrame({"Intercept": 1.0, "b": np.repeat([0.0, 1.0], 8)}, index=counts.index)
    one, two = (vst(counts, design, n_cpus=n, n_sub=200) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert np.abs(one - vst(counts, n_sub=200)).to_numpy().max() > 0.01


def test_genes_outside_the_mask_do_not_touch_the_trend(counts: pd.DataFrame) -> None:
    plain = pd.DataFrame({"Intercept": 1.0}, index=counts.index)
    genes = np.arange(counts.shape[1]) % 2 == 0
    whole, part = dataset(counts, plain), dataset(counts.loc[:, genes], plain)
    whole.fit_size_factors()
    part.obs["size_factors"] = whole.obs["size_factors"]
    whole.vst(genes=genes)
    part.vst()
    np.testing.assert_array_equal(whole.layers["vst_counts"][:, genes], part.layers["vst_counts"])
    assert np.isfinite(whole.layers["vst_counts"]).all()


def test_other_samples_are_transformed_alike(counts: pd.DataFrame) -> None:
    dds = dataset(counts, pd.DataFrame({"Intercept": 1.0}, index=counts.index))
    dds.vst()
    again = dds.vst_transform(counts.to_numpy()[:3])
    np.testing.assert_allclose(again, dds.layers["vst_counts"][:3], rtol=1e-9)
    with pytest.raises(RuntimeError, match="vst_fit"):
        dataset(counts, pd.DataFrame({"Intercept": 1.0}, index=counts.index)).vst_transform()


def test_genes_of_the_trend_are_spread_over_the_means() -> None:
    mean = np.array([5.0, 6, 9, 7, 8, 10, 4, 0])
    np.testing.assert_array_equal(trend_genes(mean, 5), [1, 3, 4, 2, 5])
    np.testing.assert_array_equal(trend_genes(mean, 3), [1, 4, 5])
    np.testing.assert_array_equal(trend_genes(mean, 99), [1, 3, 4, 2, 5])
    np.testing.assert_array_equal(trend_genes(np.array([5.0, 0, 1]), 9), [2, 0])
    assert len(trend_genes(np.zeros(3), 9)) == 0


def test_the_local_transformation_is_the_integral_of_one_over_sd() -> None:
    size_factors, knots = np.array([0.5, 2.0]), np.linspace(0, 10, 50)
    trend = Trend("local", (knots, np.log(0.05 + 3 / np.exp(knots))))
    mean = np.linspace(1, 5000, 2000)
    made = transform(np.array([100.0, 400, 1600, 5000]), trend, size_factors, mean)
    grid = np.linspace(100, 5000, 400_000)
    density = 1 / np.sqrt(trend(grid) * grid**2 + (1 / size_factors).mean() * grid)
    area = np.concatenate([[0.0], np.cumsum(np.diff(grid) * (density[1:] + density[:-1]) / 2)])
    integral = np.interp([100, 400, 1600, 5000], grid, area)
    low, high = np.quantile(mean, [0.95, 0.999])
    slope = np.log2(high / low) / np.diff(np.interp([low, high], grid, area))[0]
    np.testing.assert_allclose(np.diff(made), slope * np.diff(integral), rtol=1e-3)
    at = transform(np.append([low, high], 5000.0), trend, size_factors, mean)
    np.testing.assert_allclose(at[:2], np.log2([low, high]), atol=1e-3)


def test_genes_of_one_mean_fix_no_scale_but_the_grid_s_own() -> None:
    knots = np.linspace(0, 10, 50)
    trend = Trend("local", (knots, np.log(0.05 + 3 / np.exp(knots))))
    made = transform(np.array([1.0, 50, 3000]), trend, np.ones(2), np.full(9, 7.0))
    assert (np.diff(made) > 0).all()
    assert made[-1] == pytest.approx(np.log2(3000), abs=1e-6)
