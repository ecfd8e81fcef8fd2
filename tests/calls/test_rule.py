import numpy as np
import pytest

from pathcall.calls import readout_tests as ev
from pathcall.calls import rule as rule_of
from pathcall.calls.rotation import JointTest
from pathcall.signatures.panel import load_panel
from pathcall.study.config import CallsConfig
from tests.calls_data import PANEL, simulated_model

RULE = CallsConfig(rotations=1999)


@pytest.fixture(scope="module")
def panel():
    return load_panel(PANEL)


def decide(panel, planted, **kw):
    model = simulated_model(panel, planted, **kw)
    prepared = ev.prepare(panel, model, RULE)
    weights = np.column_stack(list(model.contrasts.values()))
    found = ev.contrast_evidence(prepared, weights, RULE, seed=1)
    return prepared, rule_of.decide(prepared, found, RULE)


@pytest.mark.parametrize(
    ("pathway", "strength"),
    [("AKT", -1.0), ("NFKB_CANONICAL", 1.0), ("MAPK", -1.0), ("FRA1_AP1", 1.0)],
)
def test_what_is_planted_is_called_and_hardly_anything_else(panel, pathway, strength):
    _, decision = decide(panel, {pathway: strength})
    at = decision.pathways.index(pathway)
    sign = int(np.sign(strength))
    assert list(decision.call[at]) == [rule_of.NO_EVIDENCE, sign, sign]
    assert np.sign(decision.effect[at, 1]) == sign
    # FOSL1 is itself a MAPK target: planted with MAPK, it moves FRA1 too. Of others, at most the
    # genes that two pathways share move.
    linked = [at, decision.pathways.index("FRA1_AP1")] if pathway == "MAPK" else [at]
    others = np.delete(np.arange(len(decision.pathways)), linked)
    called = np.isin(decision.call[others], (1, -1))
    assert called.sum() <= 1
    assert not called[:, 0].any()
    assert (np.abs(decision.effect[others][called]) < 0.3 * np.abs(decision.effect[at, 1])).all()


@pytest.fixture(scope="module")
def prepared(panel):
    return ev.prepare(panel, simulated_model(panel, {}), RULE)


def called(prepared, *, line_t, p=0.001, effect=0.5, direction=1, rule=RULE):
    """The call of MAPK (lines of any number, 10 degrees of freedom) on made-up evidence."""
    k = 1
    tested = JointTest(
        direction=np.array([direction]), p=np.array([p]), line_t=np.array(line_t)[:, None],
        mean_t=np.array([3.0]), effect=np.array([effect]), se=np.array([0.1]),
    )  # fmt: skip
    zero = np.zeros((prepared.n, k))
    found = ev.Evidence(10, zero, zero + 1, zero, {"MAPK": tested})
    decision = rule_of.decide(prepared, found, rule)
    return rule_of.NAMES[int(decision.call[decision.pathways.index("MAPK"), 0])]


def test_each_condition_of_a_call(prepared):
    fine = {"line_t": [4.0, 3, 2, 1]}
    assert called(prepared, **fine) == "activated"
    assert called(prepared, line_t=[-4.0, -3, -2, -1], direction=-1, effect=-0.5) == "repressed"
    assert called(prepared, **fine, p=0.06) == "no_evidence"
    assert called(prepared, **fine, effect=0.04) == "no_evidence"
    assert called(prepared, **fine, effect=-0.5) == "no_evidence"
    # One line moves by itself; the others are below vote_p.
    assert called(prepared, line_t=[9.0, 1, 1, 1]) == "no_evidence"
    assert called(prepared, line_t=[4.0, 3, -3, 0]) == "conflicting"
    assert called(prepared, line_t=[9.0, 8, -3, 0]) == "activated"


def test_limits_themselves_are_enough_but_for_p(prepared):
    fine = {"line_t": [3.0, 3.0, -2.0, 0]}
    three_quarters = RULE.model_copy(update={"min_agreement": 0.75})
    assert called(prepared, **fine, rule=three_quarters) == "activated"
    assert called(prepared, line_t=[3.0, 3.0, -2.01, 0], rule=three_quarters) == "conflicting"
    assert called(prepared, line_t=[4.0, 3, 2, 1], effect=RULE.min_effect) == "activated"
    assert called(prepared, line_t=[4.0, 3, 2, 1], p=RULE.call_p) == "no_evidence"
    assert called(prepared, line_t=[4.0, 3, 0, 0]) == "activated"  # two lines


def test_limits_are_those_of_the_config(prepared):
    fine = {"line_t": [4.0, 3, 2, 1]}
    for changed in ({"call_p": 0.0005}, {"min_effect": 0.6}, {"min_lines": 4}, {"vote_p": 0.001}):
        other = RULE.model_copy(update=changed)
        assert called(prepared, **fine, rule=other) == "no_evidence"


@pytest.mark.parametrize(
    ("line_t", "call"), [([4.0, 3, -3, 0], "conflicting"), ([4.0, 0, -3, 0], "no_evidence")]
)
def test_a_conflict_takes_as_many_lines_as_a_call(prepared, line_t, call):
    assert called(prepared, line_t=line_t, p=0.5) == call


@pytest.mark.slow
def test_stronger_signals_are_not_called_less(panel):
    """Dilution: as the effect grows, p falls and the effect rises."""
    p, effect = [], []
    for strength in (0.1, 0.2, 0.4, 0.8, 1.6):
        _, decision = decide(panel, {"NFKB_CANONICAL": strength}, seed=4)
        at = decision.pathways.index("NFKB_CANONICAL")
        p.append(decision.p[at, 1])
        effect.append(decision.effect[at, 1])
    assert (np.diff(p) <= 0).all()
    assert (np.diff(effect) > 0).all()


def test_too_few_lines_are_not_assessable(panel):
    model = simulated_model(panel, {})
    gone = {g for r in panel.readouts_of("NFKB_ALTERNATIVE") for g in r.weights}
    from pathcall.calls.sensitivity import of_genes

    few = ev.prepare(panel, of_genes(model, ~model.symbols.isin(sorted(gone))), RULE)
    weights = np.column_stack(list(model.contrasts.values()))
    decision = rule_of.decide(few, ev.contrast_evidence(few, weights, RULE, seed=1), RULE)
    at = decision.pathways.index("NFKB_ALTERNATIVE")
    assert (decision.call[at] == rule_of.NOT_ASSESSABLE).all()
    assert np.isnan(decision.p[at]).all()
