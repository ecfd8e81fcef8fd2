import numpy as np
import pandas as pd
import pytest
from scipy import special

from pathcall.signatures.sample_scores import test_scores as contrast_scores
from pathcall.stats.ebayes import Prior, fit_prior, squeeze, trigamma_inverse, two_sided
from tests.project import ROOT

REFERENCE = ROOT / "tests" / "reference" / "moderation"


@pytest.mark.parametrize("case", ["df3", "df8", "df24", "alike"])
def test_squeeze_agrees_with_limma(case):
    table = pd.read_csv(REFERENCE / "squeeze_expected.tsv", sep="\t").query("case == @case")
    df = float(table["df"].iloc[0])
    made = squeeze(table["variance"].to_numpy(), df)
    np.testing.assert_allclose(made.variance, table["posterior"], rtol=1e-9)
    np.testing.assert_allclose(made.prior.df, table["df_prior"].iloc[0], rtol=1e-7)
    np.testing.assert_allclose(made.prior.scale, table["scale"].iloc[0], rtol=1e-9)


def test_contrasts_of_scores_agree_with_limma():
    values = pd.read_csv(REFERENCE / "scores_values.tsv", sep="\t", index_col=0)
    expected = pd.read_csv(REFERENCE / "scores_expected.tsv", sep="\t", index_col=0)
    tumour, drug = np.repeat([0.0, 1], 6), np.tile(np.repeat([0.0, 1], 3), 2)
    design = np.column_stack([np.ones(12), tumour, drug, tumour * drug])
    contrasts = np.array([[0, 0, 0, 1], [0, 0, 1, 1]], dtype=float).T
    made = contrast_scores(values.to_numpy().T, design, contrasts)
    for column, name in enumerate(["inter", "sr"]):
        np.testing.assert_allclose(made.effect[:, column], expected[f"effect_{name}"], rtol=1e-9)
        np.testing.assert_allclose(made.t[:, column], expected[f"t_{name}"], rtol=1e-8)
        np.testing.assert_allclose(made.p[:, column], expected[f"p_{name}"], rtol=1e-6)
    np.testing.assert_allclose(made.df[:, 0], expected["df_total"], rtol=1e-8)


def test_trigamma_inverse():
    y = np.array([0.01, 0.5, 3.0, 200.0])
    np.testing.assert_allclose(trigamma_inverse(special.polygamma(1, y)), y, rtol=1e-8)


def test_columns_are_moderated_apart():
    rng = np.random.default_rng(0)
    v = rng.chisquare(5, (30, 3)) / 5 * np.array([1.0, 10.0, 0.1])
    together = squeeze(v, 5)
    for column in range(3):
        alone = squeeze(v[:, column], 5)
        np.testing.assert_allclose(together.variance[:, column], alone.variance)


def test_zero_variances_do_not_break_it():
    v = np.array([0.0, 0.0, 1.0, 2.0, 1.5, 0.7])
    made = squeeze(v, 4)
    assert np.isfinite(made.variance).all()
    assert (made.variance > 0).all()


def test_a_single_variance_is_left_alone():
    prior = fit_prior(np.array([2.0]), 4)
    assert prior.df == 0
    np.testing.assert_allclose(squeeze(np.array([2.0]), 4).variance, [2.0])


def test_a_given_prior_is_used():
    made = squeeze(np.array([4.0]), 2, Prior(np.array(2.0), np.array(1.0)))
    np.testing.assert_allclose(made.variance, [2.5])
    assert made.df == 4


def test_two_sided():
    np.testing.assert_allclose(two_sided(np.array([1.96, -1.96]), np.inf), 0.05, atol=1e-4)
