import numpy as np
import pytest

from pathcall.calls import rule as rule_of
from pathcall.calls import simulation as simulate
from pathcall.calls.calibration import calibrate
from pathcall.calls.readout_tests import prepare
from pathcall.signatures.panel import load_panel
from pathcall.study.config import CallsConfig
from pathcall.tables import CALIBRATION
from tests.calls_data import PANEL, simulated_model
from tests.planted_study import write_study

RULE = CallsConfig(rotations=999, mock_contrasts=60, simulations=6)


@pytest.fixture(scope="module")
def panel():
    return load_panel(PANEL)


@pytest.fixture(scope="module")
def model(panel):
    return simulated_model(panel, {"AKT": 1.5})


def test_false_calls_are_rare_whatever_the_treatment_does(panel, model):
    prepared = prepare(panel, model, RULE)
    table = calibrate(model, prepared, RULE, seed=1)
    CALIBRATION.validate(table)
    assert set(table["source"]) == {"mock_contrasts"}
    assert (table["n_contrasts"] == 60).all()
    assert (table["false_call_rate"] <= 0.05).all()
    assert (table["ci_high"] > table["false_call_rate"]).all()
    assert (table["ci_low"] <= table["false_call_rate"]).all()
    again = calibrate(model, prepared, RULE, seed=1)
    assert again.equals(table)


def test_two_against_two_falls_back_on_simulation(panel):
    model = simulated_model(panel, {}, replicates=2)
    from dataclasses import replace

    at = np.arange(4)
    small = replace(
        model,
        samples=model.samples.iloc[at], counts=model.counts.iloc[at], vst=model.vst.iloc[at],
        size_factors=model.size_factors.iloc[at],
        design=model.design.iloc[at][["Intercept", "drug"]],
        contrasts={"drug": np.array([0.0, 1])},
    )  # fmt: skip
    table = calibrate(small, prepare(panel, small, RULE), RULE, seed=1)
    used = table[table["used"] == "yes"]
    assert set(used["source"]) == {"simulation"}
    assert (used["n_contrasts"] == 6).all()
    mock = table[table["source"] == "mock_contrasts"]
    assert (mock["n_contrasts"] == 2).all()
    assert (mock["used"] == "no").all()


def test_simulated_counts_follow_mean_and_dispersion():
    rng = np.random.default_rng(0)
    source = simulate.Source(("A", "B"), np.array([100.0, 1000]), np.array([0.1, 0.01]),
                             np.zeros((2, 0)))  # fmt: skip
    counts = simulate.simulate_counts(source, np.full(20000, 2.0), None, rng=rng)
    np.testing.assert_allclose(counts.mean(axis=0), [200, 2000], rtol=0.02)
    np.testing.assert_allclose(
        counts.var(axis=0), [200 + 0.1 * 200**2, 2000 + 0.01 * 2000**2], rtol=0.05
    )


def test_latent_loadings_find_a_shared_factor_and_no_more():
    rng = np.random.default_rng(1)
    design = np.ones((30, 1))
    noise = rng.normal(size=(30, 2000))
    assert (simulate.latent_loadings(noise, design) ** 2).sum() < 0.5 * 2000
    loading = np.full(2000, 0.7)
    found = simulate.latent_loadings(noise + rng.normal(size=(30, 1)) * loading, design)
    assert abs(np.corrcoef(found[:, 0] + rng.normal(0, 1e-9, 2000), loading)[0, 1]) >= 0
    np.testing.assert_allclose(np.abs(found[:, 0].mean()), 0.7, rtol=0.4)


def test_planted_effects_follow_the_panel(panel):
    symbols = sorted({g for r in panel.readouts for g in r.weights})
    rng = np.random.default_rng(2)
    effect = simulate.planted_effects(panel, symbols, "AKT", -0.5, rng=rng)
    foxo = panel.readouts_of("AKT", role="evidence")
    foxo = next(r for r in foxo if r.readout == "AKT_FOXO_TARGETS")
    own = effect[[symbols.index(g) for g in foxo.genes if g != "CDKN1B"]]
    assert own.mean() > 0
    untouched = effect[symbols.index("CCL19")]
    assert untouched == 0


def test_a_simulated_study_is_complete_and_repeatable(panel, tmp_path):
    first = write_study(
        tmp_path / "a", panel=panel, planted={"MAPK": -1.0}, seed=3, interaction=True, n_genes=3000
    )
    write_study(
        tmp_path / "b", panel=panel, planted={"MAPK": -1.0}, seed=3, interaction=True, n_genes=3000
    )
    names = {p.name for p in first.parent.iterdir()}
    assert names == {
        "ORIGIN.tsv", "config.yaml", "contrasts.tsv", "counts.tsv", "samples.tsv", "truth.tsv"
    }  # fmt: skip
    for name in ("counts.tsv", "samples.tsv", "contrasts.tsv", "truth.tsv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    import yaml

    from pathcall.study.config import load_config
    from pathcall.study.contrasts import plan_models, read_contrasts
    from pathcall.study.sample_sheet import read_sheet

    config = load_config(yaml.safe_load(first.read_text()), source="here")
    contrasts = read_contrasts(config.contrasts)
    plans = plan_models(config, read_sheet(config.samples), contrasts)
    assert list(plans["simulated"].weights) == ["alone_drug", "mixed_drug", "interaction"]


def test_names_cover_all_codes():
    assert set(rule_of.NAMES.values()) == {
        "activated", "repressed", "conflicting", "no_evidence", "not_assessable"
    }  # fmt: skip
