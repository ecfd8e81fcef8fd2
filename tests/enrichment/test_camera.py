"""camera against limma (tests/reference/camera_make.R), and where limma has no counterpart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from pathcall.enrichment import camera
from pathcall.stats.linear_models import residuals_of
from pathcall.stats.tails import two_sided_p
from tests.project import ROOT

REFERENCE = ROOT / "tests" / "reference"


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "camera_values.tsv", sep="\t", index_col="gene")


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "camera_expected.tsv", sep="\t", index_col="set")


@pytest.fixture(scope="module")
def weights(values: pd.DataFrame, expected: pd.DataFrame) -> np.ndarray:
    return np.column_stack(
        [values.index.isin(genes.split(";")).astype(float) for genes in expected["genes"]]
    )


@pytest.fixture(scope="module")
def residuals(values: pd.DataFrame) -> np.ndarray:
    samples = values.drop(columns="stat").to_numpy().T
    design = np.column_stack([np.ones(12), np.repeat([0.0, 1.0], 6)])
    return residuals_of(samples, design)


@pytest.mark.parametrize(("rho", "column"), [(0.01, "p_001"), (0.0, "p_0"), (0.1, "p_01")])
def test_sets_agree_with_limma(values, expected, weights, rho, column):
    z = camera.test_signatures(values[["stat"]].to_numpy(), weights, rho)[:, 0]
    np.testing.assert_allclose(two_sided_p(z), expected[column], rtol=1e-9)
    assert (np.sign(z) == expected["sign"]).all()


def test_correlation_agrees_with_limma(expected, weights, residuals):
    found = camera.estimate_correlation(residuals, weights, 10)
    # limma reports negative values; a test must not gain from one, so they become 0 here.
    np.testing.assert_allclose(found, expected["correlation"].fillna(0).clip(lower=0), atol=1e-12)
    assert expected["correlation"].min() < 0


def test_too_few_residual_df_give_the_preset(weights, residuals):
    found = camera.estimate_correlation(residuals, weights, camera.MIN_RESIDUAL_DF - 1)
    assert (found == camera.PRESET_CORRELATION).all()
    assert camera.correlation_df(camera.MIN_RESIDUAL_DF - 1) == np.inf
    assert camera.correlation_df(10) == 10


def test_each_column_of_statistics_is_tested_on_its_own(weights):
    many = np.random.default_rng(1).normal(size=(240, 7))
    together = camera.test_signatures(many, weights)
    alone = np.column_stack([camera.test_signatures(many[:, [i]], weights) for i in range(7)])
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_sparse_weights_give_the_same(residuals):
    rng = np.random.default_rng(2)
    many = rng.normal(size=(240, 3))
    signed = rng.normal(size=(240, 5)) * (rng.random((240, 5)) < 0.2)
    rho = camera.estimate_correlation(residuals, signed, 10)
    thin = sparse.csc_matrix(signed)
    np.testing.assert_allclose(camera.estimate_correlation(residuals, thin, 10), rho, rtol=1e-10)
    np.testing.assert_allclose(
        camera.test_signatures(many, thin, rho),
        camera.test_signatures(many, signed, rho),
        rtol=1e-10,
    )


def test_weights_without_correlation_are_simple_regression():
    rng = np.random.default_rng(3)
    stat = rng.normal(size=60)
    weight = np.where(rng.random(60) < 0.5, rng.normal(size=60), 0.0)
    line = stats.linregress(weight, stat)
    z = camera.test_signatures(stat[:, None], weight[:, None], 0.0)[0, 0]
    np.testing.assert_allclose(two_sided_p(z), line.pvalue, rtol=1e-9)
    assert np.sign(z) == np.sign(line.slope)


def test_swapping_the_arms_turns_the_sign():
    rng = np.random.default_rng(4)
    stat = rng.normal(size=(200, 1))
    signed = np.zeros((200, 1))
    signed[:30] = 1
    signed[30:70] = -1
    one = camera.test_signatures(stat, signed)
    np.testing.assert_allclose(camera.test_signatures(stat, -signed), -one)
    np.testing.assert_allclose(camera.test_signatures(-stat, signed), -one)
    np.testing.assert_allclose(camera.test_signatures(stat, 7.5 * signed), one)


def test_correlation_is_signed_across_arms():
    rng = np.random.default_rng(5)
    activity = rng.normal(size=(30, 1))
    noise = rng.normal(size=(30, 60))
    arms = np.r_[np.ones(10), -np.ones(10), np.zeros(40)][:, None]
    follows = camera.estimate_correlation(noise + 2 * activity * arms.T, arms, 30)
    against = camera.estimate_correlation(noise + 2 * activity * np.abs(arms.T), arms, 30)
    assert follows[0] > 0.6
    assert against[0] == 0


@pytest.mark.parametrize("signed", [False, True])
def test_size_under_correlated_genes(signed):
    """Correlated targets: the corrected test keeps its level where the naive one floods."""
    rng = np.random.default_rng(6)
    genes, members, df, trials, rho = 1000, 60, 10, 800, 0.15
    weights = np.zeros((genes, 1))
    weights[:members] = 1
    if signed:
        weights[members // 2 : members] = -1
    loading = np.sqrt(rho) * weights.T

    def draw(count: int) -> np.ndarray:
        common = rng.normal(size=(count, 1))
        return common * loading + np.sqrt(1 - loading**2) * rng.normal(size=(count, genes))

    corrected, naive = [], []
    for _ in range(trials):
        stat = draw(1).T
        correlation = camera.estimate_correlation(draw(df), weights, df)
        corrected.append(camera.test_signatures(stat, weights, correlation, df=df)[0, 0])
        naive.append(camera.test_signatures(stat, weights, 0.0)[0, 0])
    rate = np.mean(two_sided_p(np.array(corrected)) < 0.05)
    assert 0.02 < rate < 0.075
    assert np.mean(two_sided_p(np.array(naive)) < 0.05) > 0.3


def test_empty_and_constant_signatures_have_no_value():
    stat = np.random.default_rng(7).normal(size=(50, 2))
    weights = np.zeros((50, 2))
    weights[:, 1] = 1
    assert np.isnan(camera.test_signatures(stat, weights)).all()


def test_missing_statistics_are_refused():
    stat = np.array([[1.0], [np.nan], [0.5], [0.2]])
    with pytest.raises(ValueError, match="finite"):
        camera.test_signatures(stat, np.array([[1.0], [0], [0], [0]]))


def test_residuals_are_orthogonal_to_a_design_of_deficient_rank(values):
    samples = values.drop(columns="stat").to_numpy().T
    half = np.repeat([0.0, 1.0], 6)
    left = residuals_of(samples, np.column_stack([np.ones(12), half, 1 - half]))
    np.testing.assert_allclose(left[:6].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(left[6:].mean(axis=0), 0, atol=1e-12)
