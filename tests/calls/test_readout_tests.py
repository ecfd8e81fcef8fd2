from types import MappingProxyType

import numpy as np
import pytest
from scipy import stats

from pathcall.calls import readout_tests as ev
from pathcall.signatures.panel import Readout, load_panel
from pathcall.stats.linear_models import residuals_of
from pathcall.study.config import CallsConfig
from tests.calls_data import PANEL, simulated_model

RULE = CallsConfig(random_signatures=400)


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


@pytest.fixture(scope="module")
def random(prepared):
    return ev.draw_random(prepared, n=RULE.random_signatures, seed=1)


def weights_of(model):
    return np.column_stack(list(model.contrasts.values()))


def test_lines_of_the_panel(panel):
    lines = ev.lines_of_evidence(panel.readouts, 0.3)
    assert lines["NFKB_PROGENY_NFKB"] == lines["NFKB_PROGENY_TNFA"]
    assert lines["NFKB_HINATA_FIBROBLAST"] == lines["NFKB_HINATA_KERATINOCYTE"]
    assert lines["NFKB_HALLMARK_TNFA"] == "NFKB_HALLMARK_TNFA"
    assert len({lines[r.readout] for r in panel.readouts_of("AKT", role="evidence")}) == 7


def test_lines_do_not_cross_pathways():
    twin = dict.fromkeys("abc", 1.0)
    lines = ev.lines_of_evidence([readout("x", twin), readout("y", twin, pathway="Q")], 0.3)
    assert lines == {"x": "x", "y": "y"}


def test_shared_genes_stay_with_the_smallest():
    small, large = (
        readout("small", dict.fromkeys("ab", 1.0)),
        readout("large", dict.fromkeys("abcdefgh", 1.0)),
    )
    own = ev.exclusive_genes([large, small], {"small": "small", "large": "large"})
    assert own == {"small": {"a", "b"}, "large": set("cdefgh")}
    same = ev.exclusive_genes([large, small], {"small": "l", "large": "l"})
    assert same["large"] == set("abcdefgh")


def test_footprints_of_one_line_do_not_explain_each_other_away(prepared):
    beside = {prepared.readouts[i].key: rest for i, (_, rest) in prepared.rivals.items()}
    assert "TNFa" not in beside["NFkB"]
    assert "NFkB" not in beside["TNFa"]
    assert {"MAPK", "EGFR", "NFkB", "TNFa"} <= set(beside["PI3K"])
    assert "EGFR" in beside["MAPK"]


def test_few_measured_genes_are_not_assessed(panel, model):
    some = set(panel.readouts_of("NFKB_ALTERNATIVE", role="evidence")[0].genes)
    keep = ~model.symbols.isin(sorted(some)[:4])
    from pathcall.calls.sensitivity import _genes

    table = ev.prepare(panel, _genes(model, keep), RULE).table
    row = table.loc["ALTNFKB_CHEMOKINES"]
    assert not row["assessable"]
    assert "2 of 6 genes" in row["note"]
    assert table.at["FRA1_FOSL1", "assessable"]


def test_the_planted_pathway_moves_in_every_kind_of_test(prepared, random, model):
    stats = ev.real_stats(prepared, weights_of(model), random)
    at = prepared.names.index("AKT_PROGENY_PI3K")
    assert stats.gate_t[at, 2] > 4
    assert stats.z[at, 2] > 3
    assert stats.random_p[at, 2] < 0.01
    assert abs(stats.gate_t[at, 0]) < 3


def test_expected_direction_is_applied(prepared, random, model):
    stats = ev.real_stats(prepared, weights_of(model), random)
    at = prepared.names.index("AKT_FOXO_TARGETS")
    scores = prepared.scores()[:, at]
    hit = (model.design["tumour:drug"] == 1).to_numpy()
    assert scores[hit].mean() < scores[~hit].mean()
    assert stats.effect[at, 2] > 0


def test_random_signatures_match_size_weights_and_expression(prepared, random):
    at = prepared.names.index("AKT_PROGENY_PI3K")
    rows = np.flatnonzero(prepared.raw[:, at])
    assert random.picks[at].shape == (400, len(rows))
    np.testing.assert_array_equal(random.weights[at], prepared.raw[rows, at])
    np.testing.assert_array_equal(
        prepared.bins[random.picks[at]], np.broadcast_to(prepared.bins[rows], (400, len(rows)))
    )


def test_random_p_is_uniform_without_signal(prepared, random):
    stats = np.random.default_rng(3).normal(size=(len(prepared.symbols), 200))
    at = prepared.names.index("AKT_HALLMARK_MTORC1")
    p = ev.random_p(prepared, random, stats, which=[at])[at]
    assert 0.01 < (p < 0.05).mean() < 0.11
    assert abs(p.mean() - 0.5) < 0.08


def test_random_streams_do_not_depend_on_other_readouts(prepared, panel, model):
    from dataclasses import replace

    fewer = replace(panel, readouts=panel.readouts[1:])
    other = ev.prepare(fewer, model, RULE)
    drawn = ev.draw_random(other, n=50, seed=1)
    again = ev.draw_random(prepared, n=50, seed=1)
    np.testing.assert_array_equal(drawn.picks[0], again.picks[1])


def test_the_fdr_of_one_gene_is_that_among_all_genes(prepared):
    at = prepared.names.index("FRA1_FOSL1")
    gene = int(np.flatnonzero(prepared.raw[:, at])[0])
    t = np.random.default_rng(0).normal(size=(len(prepared.symbols), 2)) * 1.2
    t[gene] = 4.0
    _, p = ev.competitive(prepared, t, np.inf)
    expected = [
        stats.false_discovery_control(2 * stats.norm.sf(np.abs(t[:, k])))[gene] for k in (0, 1)
    ]
    np.testing.assert_allclose(p[at], expected)


def test_joint_test_of_one_readout_is_its_own_test(prepared, random, model):
    stats = ev.real_stats(prepared, weights_of(model), random)
    at = prepared.names.index("AKT_C6_AKT_UP")
    weights = np.zeros((prepared.n, 3))
    weights[at] = 2.0
    t, _ = stats.joint.test(weights)
    # Scaled by its own moderated SD, the variance is moderated once more: close, not equal.
    np.testing.assert_allclose(t, stats.gate_t[at], rtol=0.35)
    assert (np.sign(t) == np.sign(stats.gate_t[at])).all()


def test_readouts_of_both_directions_add_up_towards_the_pathway(prepared, random, model):
    stats = ev.real_stats(prepared, weights_of(model), random)
    up, down = (prepared.names.index(r) for r in ("AKT_PROGENY_PI3K", "AKT_FOXO_TARGETS"))
    assert list(prepared.direction[[up, down]]) == [1, -1]
    assert (np.sign(stats.joint.effect) == np.sign(stats.effect)).all()
    weights = np.zeros((prepared.n, 3))
    weights[[up, down]] = 1.0
    t, _ = stats.joint.test(weights)
    # The sum of both scores, each over its residual SD and turned towards the pathway.
    scores = prepared.scores()[:, [up, down]]
    left = residuals_of(scores, prepared.design)
    scale = np.sqrt((left**2).sum(axis=0) / prepared.residual_df)
    both = (scores / scale * [1, -1]).sum(axis=1)
    expected = ev.ss.test_scores(both[:, None], prepared.design, weights_of(model)).t[0]
    assert np.corrcoef(t, expected)[0, 1] > 0.99
    assert t[2] > 4


def test_confounders_give_up_shared_genes(prepared, panel):
    names, weights = ev.confounder_weights(
        prepared, panel, "NFKB_CANONICAL", ["GC_RESPONSE", "NO_SUCH_SET"]
    )
    assert names == ["GC_RESPONSE"]
    own = {g for r in panel.readouts_of("NFKB_CANONICAL", role="evidence") for g in r.weights}
    used = {prepared.symbols[i] for i in np.flatnonzero(weights[:, 0])}
    assert used
    assert not used & own


def test_adjusted_statistics_keep_a_planted_pathway(prepared, panel, random, model):
    contrasts = weights_of(model)
    stats = ev.real_stats(prepared, contrasts, random)
    gene = ev.ss.test_scores(prepared.vst, prepared.design, contrasts).t
    adjusted = ev.adjusted_stats(
        prepared, panel, "AKT", RULE.confounders["AKT"], stats, contrasts, gene
    )
    at = prepared.names.index("AKT_PROGENY_PI3K")
    assert adjusted.possible
    assert adjusted.stats.gate_p[at, 2] < 0.05
    assert adjusted.stats.z[at, 2] > 3


def test_without_confounders_there_is_nothing_to_adjust(prepared, panel, random, model):
    stats = ev.real_stats(prepared, weights_of(model), random)
    assert ev.adjusted_stats(
        prepared, panel, "AKT", ["NO_SUCH_SET"], stats, weights_of(model), stats.z
    ) is None  # fmt: skip
