from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from scipy import stats

from pathcall.calls import readout_tests as ev
from pathcall.signatures.panel import Readout, load_panel
from pathcall.study.config import CallsConfig
from tests.calls_data import PANEL, simulated_model

RULE = CallsConfig(rotations=999)


def readout(name, weights, *, pathway="P", family="gene_set", role="evidence", direction=1):
    return Readout(
        pathway=pathway, readout=name, family=family, role=role, expected_direction=direction,
        weights=MappingProxyType(weights), key=name, source="", version="", citation="", note="",
    )  # fmt: skip


@pytest.fixture(scope="module")
def panel():
    return load_panel(PANEL)


@pytest.fixture(scope="module")
def model(panel):
    return simulated_model(panel, {"AKT": 0.8})


@pytest.fixture(scope="module")
def prepared(panel, model):
    return ev.prepare(panel, model, RULE)


def weights_of(model):
    return np.column_stack(list(model.contrasts.values()))


def test_lines_of_the_panel(panel):
    lines = ev.lines_of_evidence(panel.readouts, 0.3)
    assert lines["NFKB_PROGENY_NFKB"] == lines["NFKB_PROGENY_TNFA"]
    assert lines["NFKB_HINATA_FIBROBLAST"] == lines["NFKB_HINATA_KERATINOCYTE"]
    assert lines["NFKB_TIAN_VIA_NFKB"] == "NFKB_TIAN_VIA_NFKB"
    assert len({lines[r.readout] for r in panel.readouts_of("AKT", role="evidence")}) == 4


def test_lines_do_not_cross_pathways():
    twin = dict.fromkeys("abc", 1.0)
    three = [readout("x", twin), readout("y", twin, pathway="Q"), readout("z", twin, pathway="R")]
    assert ev.lines_of_evidence(three, 0.3) == {"x": "x", "y": "y", "z": "z"}


def test_few_measured_genes_are_not_assessed(panel, model):
    some = set(panel.readouts_of("NFKB_ALTERNATIVE", role="evidence")[0].genes)
    keep = ~model.symbols.isin(sorted(some)[:4])
    from pathcall.calls.sensitivity import of_genes

    made = ev.prepare(panel, of_genes(model, keep), RULE)
    row = made.table.loc["ALTNFKB_CHEMOKINES"]
    assert not row["assessable"]
    assert "2 of 6 genes" in row["note"]
    assert made.table.at["FRA1_FOSL1", "assessable"]
    assert "ALTNFKB_CHEMOKINES" not in made.lines("NFKB_ALTERNATIVE")


def test_a_readout_is_tested_across_samples_in_log2_units(prepared, model):
    found = ev.contrast_evidence(prepared, weights_of(model), RULE, seed=1)
    at = prepared.names.index("AKT_PROGENY_PI3K")
    assert found.t[at, 2] > 4
    assert abs(found.t[at, 0]) < 4
    # The score of a two-cell comparison, by hand: cells 0 and 1 are the first contrast.
    score = prepared.readout_scores()[:, at]
    np.testing.assert_allclose(found.effect[at, 0], score[3:6].mean() - score[:3].mean(), rtol=1e-9)
    np.testing.assert_allclose(found.t, found.effect / found.se, rtol=1e-9)
    cells = np.repeat(np.arange(4), 3)
    rest = score - np.array([score[cells == c].mean() for c in cells])
    se = np.sqrt((rest**2).sum() / 8 * (2 / 3))
    np.testing.assert_allclose(found.se[at, 1], se, rtol=1e-9)
    assert found.df == 8


def test_expected_direction_is_applied(prepared, panel):
    at = prepared.names.index("AKT_FOXO_TARGETS")
    assert panel.readouts[at].expected_direction == -1
    assert (prepared.weights[:, at] <= 0).all()


def test_genes_that_a_contrast_does_not_use_move_nothing(prepared, model):
    at = prepared.names.index("AKT_FOXO_TARGETS")
    genes = np.flatnonzero(prepared.weights[:, at])[:4]
    used = np.ones((len(prepared.symbols), 3), dtype=bool)
    used[genes] = False
    quiet = ev.contrast_evidence(prepared, weights_of(model), RULE, seed=1, used=used)
    wild = prepared.vst.copy()
    wild[0, genes] += 8.0
    loud = ev.contrast_evidence(
        replace(prepared, vst=wild), weights_of(model), RULE, seed=1, used=used
    )
    # What is left is the sample's mean over all genes, and the genes' common prior.
    np.testing.assert_allclose(loud.effect[at], quiet.effect[at], atol=0.01)
    kept = ev.contrast_evidence(replace(prepared, vst=wild), weights_of(model), RULE, seed=1)
    assert np.abs(kept.effect[at] - quiet.effect[at]).max() > 0.1


def test_evidence_of_contrasts_is_side_by_side(prepared, model):
    weights = weights_of(model)
    both = ev.contrast_evidence(prepared, weights, RULE, seed=1)
    alone = ev.contrast_evidence(prepared, weights[:, [1]], RULE, seed=1)
    np.testing.assert_array_equal(both.t[:, [1]], alone.t)
    np.testing.assert_array_equal(both.tested["AKT"].p[[1]], alone.tested["AKT"].p)
    assert both.tested["AKT"].line_t.shape == (4, 3)


def test_mock_contrasts_share_one_space(prepared):
    rng = np.random.default_rng(2)
    column = np.tile([1.0, -1, 1, -1, 1, -1], 2)
    columns = np.column_stack([column, np.roll(column, 1) * rng.choice([1, 1], 12)])
    found = ev.mock_evidence(prepared, columns, RULE, seed=1)
    assert found.df == prepared.residual_df - 1
    assert found.t.shape == (prepared.n, 2)


def test_without_residuals_nothing_is_tested(prepared):
    full = replace(prepared, vst=prepared.vst[:4], design=np.eye(4))
    found = ev.contrast_evidence(full, np.array([[1.0], [-1], [0], [0]]), RULE, seed=1)
    assert found.df == 0
    assert np.isnan(found.t).all()
    assert not found.tested


def test_p_of_a_readout_is_that_of_its_t(prepared, model):
    from pathcall.calls.rule import vote

    found = ev.contrast_evidence(prepared, weights_of(model), RULE, seed=1)
    p = 2 * stats.t.sf(np.abs(found.t), found.df)
    expected = np.where(p < RULE.vote_p, np.sign(found.t), 0)
    np.testing.assert_array_equal(vote(found.t, found.df, RULE), expected)


def test_scores_do_not_depend_on_run(prepared):
    np.testing.assert_array_equal(prepared.readout_scores(), prepared.readout_scores())
    np.testing.assert_array_equal(prepared.further_scores(), prepared.further_scores())
