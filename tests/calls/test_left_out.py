"""The fit without a sample, from the fit of all samples, is the fit without the sample."""

from dataclasses import replace

import numpy as np
import pytest

from pathcall.calls import left_out
from pathcall.calls import readout_tests as ev
from pathcall.signatures.panel import load_panel
from pathcall.stats.linear_models import residual_df
from pathcall.study.config import CallsConfig
from tests.calls_data import PANEL, simulated_model

RULE = CallsConfig(rotations=1999)
CONTRASTS = ("alone_drug", "interaction")


def always(_tested, _df):
    return np.ones(1, dtype=bool)


@pytest.fixture(scope="module")
def model():
    return simulated_model(load_panel(PANEL), {"AKT": 0.8})


@pytest.fixture(scope="module")
def prepared(model):
    return ev.prepare(load_panel(PANEL), model, RULE)


def refitted(prepared, at, weights):
    keep = np.arange(len(prepared.vst)) != at
    own = replace(prepared, vst=prepared.vst[keep], design=prepared.design[keep])
    return ev.contrast_evidence(own, weights[:, None], RULE, seed=1)


def without(prepared, weights, needed=always):
    return left_out.evidence_without(
        prepared, weights, RULE, seed=1, rotations=RULE.rotations, needed=needed
    )


@pytest.mark.slow
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_it_is_the_fit_without_the_sample(prepared, model, contrast):
    weights = np.asarray(model.contrasts[contrast], dtype=float)
    samples, found = without(prepared, weights)
    assert len(samples) == {"alone_drug": 6, "interaction": 12}[contrast]
    for k, at in enumerate(samples):
        whole = refitted(prepared, at, weights)
        assert found.df == whole.df
        for pathway, test in whole.tested.items():
            own = found.tested[pathway]
            np.testing.assert_array_equal(own.direction[k], test.direction[0])
            for name in ("line_t", "mean_t", "effect", "se"):
                one = np.asarray(getattr(own, name))[..., k]
                np.testing.assert_allclose(one, getattr(test, name)[..., 0], rtol=1e-8)
            # Other rotations: three standard errors of both.
            error = np.sqrt(2 * test.p[0] * (1 - test.p[0]) / RULE.rotations) + 2 / RULE.rotations
            assert abs(own.p[k] - test.p[0]) < 3 * error


def test_the_prior_is_that_of_the_fit_without_the_sample(prepared, model):
    weights = np.asarray(model.contrasts["alone_drug"], dtype=float)
    made = left_out.spaces_without(prepared, weights, prepared.samples.contrast(weights))
    for one in made:
        keep = np.arange(len(prepared.vst)) != one.sample
        own = replace(prepared, vst=prepared.vst[keep], design=prepared.design[keep])
        np.testing.assert_allclose(one.prior.df, own.samples.prior.df, rtol=1e-8)
        np.testing.assert_allclose(one.prior.scale, own.samples.prior.scale, rtol=1e-8)


def test_a_sample_that_a_contrast_needs_is_not_left_out(prepared, model):
    # The first cell has one sample left: without it there is no contrast.
    keep = np.array([0, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    own = replace(prepared, vst=prepared.vst[keep], design=prepared.design[keep])
    weights = np.asarray(model.contrasts["alone_drug"], dtype=float)
    samples, found = without(own, weights)
    assert samples == [1, 2, 3]
    assert found.df == residual_df(own.design) - 1
    assert without(replace(own, vst=own.vst[:3], design=own.design[:3]), weights)[0] == []


def test_p_is_found_only_where_it_is_needed(prepared, model):
    weights = np.asarray(model.contrasts["alone_drug"], dtype=float)
    _, found = without(prepared, weights, lambda tested, _df: tested.effect > np.inf)
    assert all(np.isnan(test.p).all() for test in found.tested.values())
