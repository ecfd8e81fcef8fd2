"""Footprint regressions against decoupler, statsmodels and one another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from pathcall.enrichment import camera
from pathcall.enrichment import mlm as footprints
from pathcall.stats.tails import t_to_z, two_sided_p


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    rng = np.random.default_rng(11)
    return rng.normal(size=(400, 5)) * 3 * (rng.random((400, 5)) < 0.2)


@pytest.fixture(scope="module")
def stats(weights: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(12)
    return rng.normal(size=(400, 6)) + weights @ rng.normal(scale=0.2, size=(5, 6))


@pytest.mark.slow
def test_mlm_agrees_with_decoupler(stats, weights):
    import decoupler

    genes = [f"g{i}" for i in range(400)]
    sources = [f"p{i}" for i in range(5)]
    gene, source = np.nonzero(weights)
    net = pd.DataFrame(
        {
            "source": [sources[i] for i in source],
            "target": [genes[i] for i in gene],
            "weight": weights[gene, source],
        }
    )
    score, _ = decoupler.mt.mlm(pd.DataFrame(stats.T, columns=genes), net, tmin=1)
    np.testing.assert_allclose(
        footprints.fit_footprints(stats, weights).t, score[sources].T, rtol=1e-8
    )


def test_without_correlation_the_corrected_value_is_the_t(stats, weights):
    fit = footprints.fit_footprints(stats, weights, 0.0)
    np.testing.assert_allclose(fit.z, t_to_z(fit.t, 394.0), rtol=1e-10)


def test_one_footprint_is_camera(stats, weights):
    one = weights[:, :1]
    fit = footprints.fit_footprints(stats, one, 0.03, df=9)
    np.testing.assert_allclose(fit.z, camera.test_signatures(stats, one, 0.03, df=9), rtol=1e-9)


def test_shared_targets_go_to_the_pathway_that_explains_them():
    rng = np.random.default_rng(13)
    weights = np.zeros((3000, 2))
    weights[:200, 0] = 1
    weights[100:300, 1] = 1
    stat = rng.normal(size=(3000, 1)) + weights[:, :1]
    alone = camera.test_signatures(stat, weights, 0.0)[1, 0]
    joint = footprints.fit_footprints(stat, weights).t[1, 0]
    assert alone > 5
    assert abs(joint) < 3


def test_joint_model_agrees_with_statsmodels(stats, weights):
    fit = footprints.fit_joint(stats, weights[:, :2], weights[:, 2:], 0.0)
    for target in range(2):
        columns = [weights[:, target], *weights[:, 2:].T]
        for k in range(stats.shape[1]):
            reference = sm.OLS(stats[:, k], sm.add_constant(np.column_stack(columns))).fit()
            np.testing.assert_allclose(fit.t[target, k], reference.tvalues[1], rtol=1e-9)
            np.testing.assert_allclose(fit.coefficient[target, k], reference.params[1], rtol=1e-9)


def test_a_nuisance_can_not_be_adjusted_for_itself(stats, weights):
    fit = footprints.fit_joint(stats, weights[:, :2], weights[:, [1, 2]])
    assert np.isfinite(fit.z[0]).all()
    assert np.isnan(fit.z[1]).all()


def test_adjusting_takes_away_what_the_nuisance_explains():
    rng = np.random.default_rng(14)
    nuisance = (rng.random((2000, 1)) < 0.1).astype(float)
    target = np.where(nuisance[:, 0] == 1, rng.random(2000) < 0.6, rng.random(2000) < 0.02)
    stat = rng.normal(size=(2000, 1)) - nuisance
    plain = camera.test_signatures(stat, target[:, None].astype(float))[0, 0]
    adjusted = footprints.fit_joint(stat, target[:, None].astype(float), nuisance).z[0, 0]
    assert plain < -5
    assert abs(adjusted) < 3


def test_size_with_correlated_targets():
    rng = np.random.default_rng(15)
    genes, df, trials = 800, 10, 600
    weights = np.zeros((genes, 2))
    weights[:80, 0] = rng.normal(size=80)
    weights[60:140, 1] = rng.normal(size=80)
    loading = 0.4 * np.sign(weights[:, 0])

    def draw(count: int) -> np.ndarray:
        common = rng.normal(size=(count, 1))
        return common * loading + np.sqrt(1 - loading**2) * rng.normal(size=(count, genes))

    z, t = [], []
    for _ in range(trials):
        rho = footprints.footprint_correlation(draw(df), weights, df)
        fit = footprints.fit_footprints(draw(1).T, weights, rho, df=df)
        z.append(fit.z[0, 0])
        t.append(fit.t[0, 0])
    rate = np.mean(two_sided_p(np.array(z)) < 0.05)
    assert 0.02 < rate < 0.08
    assert np.mean(np.abs(t) > 1.96) > 0.2


def test_collinear_footprints_are_refused(stats, weights):
    with pytest.raises(ValueError, match="collinear"):
        footprints.fit_footprints(stats, np.column_stack([weights, weights[:, 0]]))
