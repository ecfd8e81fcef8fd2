import numpy as np
import pytest

from pathcall.calls import readout_tests as ev
from pathcall.calls import rule as rule_of
from pathcall.signatures.panel import load_panel
from pathcall.study.config import CallsConfig
from tests.calls_data import PANEL, simulated_model

RULE = CallsConfig(random_signatures=400)
DRUG = ["alone_drug", "mixed_drug", "interaction"]


@pytest.fixture(scope="module")
def panel():
    return load_panel(PANEL)


def decide(panel, planted, **kw):
    model = simulated_model(panel, planted, **kw)
    prepared = ev.prepare(panel, model, RULE)
    random = ev.draw_random(prepared, n=RULE.random_signatures, seed=1)
    stats = ev.real_stats(prepared, np.column_stack(list(model.contrasts.values())), random)
    return prepared, stats, rule_of.decide(prepared, stats, RULE)


@pytest.mark.parametrize(
    ("pathway", "strength"),
    [("AKT", -1.0), ("NFKB_CANONICAL", 1.0), ("MAPK", -1.0), ("FRA1_AP1", 1.0)],
)
def test_what_is_planted_is_called_and_nothing_else(panel, pathway, strength):
    _, _, decision = decide(panel, {pathway: strength})
    at = decision.pathways.index(pathway)
    sign = int(np.sign(strength))
    assert list(decision.call[at]) == [rule_of.NO_EVIDENCE, sign, sign]
    # FOSL1 is itself a MAPK target: planted with MAPK, it moves FRA1 too.
    linked = [at, decision.pathways.index("FRA1_AP1")] if pathway == "MAPK" else [at]
    others = np.delete(decision.call, linked, axis=0)
    assert not np.isin(others, (1, -1)).any()


@pytest.fixture(scope="module")
def akt(panel):
    return decide(panel, {"AKT": 1.0})


def test_the_rule_is_symmetric(akt):
    prepared, stats, decision = akt
    joint = stats.joint._replace(effect=-stats.joint.effect)
    mirrored = stats._replace(
        effect=-stats.effect, gate_t=-stats.gate_t, exclusive_t=-stats.exclusive_t, z=-stats.z,
        joint=joint,
    )  # fmt: skip
    other = rule_of.decide(prepared, mirrored, RULE)
    swap = {1: -1, -1: 1}
    expected = np.vectorize(lambda c: swap.get(c, c))(decision.call)
    np.testing.assert_array_equal(other.call, expected)
    np.testing.assert_array_equal(other.n_up, decision.n_down)


def test_no_call_without_the_gate(akt):
    prepared, stats, decision = akt
    assert (decision.call == rule_of.ACTIVATED).any()
    shut = stats._replace(gate_p=np.ones_like(stats.gate_p))
    assert not (rule_of.decide(prepared, shut, RULE).votes != 0).any()


@pytest.mark.parametrize("part", ["z_p", "random_p"])
def test_no_vote_without_the_genes(akt, part):
    prepared, stats, _ = akt
    shut = stats._replace(**{part: np.ones_like(stats.z_p)})
    assert not (rule_of.decide(prepared, shut, RULE).votes != 0).any()


def test_a_vote_takes_every_test_in_one_direction(akt):
    """Each condition alone, on made-up statistics that otherwise vote."""
    prepared, stats, _ = akt
    n, k = prepared.n, 3
    single = prepared.table["single"].to_numpy()
    assert single.any()
    assert not single.all()
    ones = np.ones((n, k))
    agreed = stats._replace(
        gate_t=5 * ones, gate_p=0.01 * ones, z=5 * ones, z_p=0.01 * ones, random_p=0.01 * ones
    )
    every = np.ones(n, dtype=bool)

    def votes(assessable=every, **changed):
        return rule_of.vote(agreed._replace(**changed), assessable, single, RULE)

    assert (votes() == 1).all()
    assert (votes(gate_t=-5 * ones, z=-5 * ones) == -1).all()
    for part in ("gate_p", "z_p"):
        assert not votes(**{part: 0.2 * ones}).any()
    assert not votes(z=-5 * ones).any()
    assert not votes(assessable=~every).any()
    # One gene has no random signatures of its like: its FDR among all genes stands for them.
    for unlikely in (0.2 * ones, np.nan * ones):
        np.testing.assert_array_equal(votes(random_p=unlikely) == 1, single[:, None] & (ones > 0))


def only(akt, names, *, pathway):
    """The rule where only these readouts of a pathway vote, upwards."""
    prepared, stats, _ = akt
    named = np.isin(prepared.table.index, names)[:, None] & np.ones((1, 3), dtype=bool)
    forced = stats._replace(
        gate_t=np.where(named, 8.0, 0.1), gate_p=np.where(named, 1e-4, 0.9),
        exclusive_t=np.where(named, 8.0, 0.1), exclusive_p=np.where(named, 1e-4, 0.9),
        z=np.where(named, 5.0, 0.1), z_p=np.where(named, 1e-4, 0.9),
        random_p=np.where(named, 1e-3, 0.9),
        joint=stats.joint._replace(effect=np.where(named, 8.0, 0.1)),
    )  # fmt: skip
    decision = rule_of.decide(prepared, forced, RULE)
    return rule_of.NAMES[int(decision.call[decision.pathways.index(pathway), 0])]


def test_hallmark_tnfa_never_carries_a_call_alone(akt):
    assert only(akt, ["NFKB_HALLMARK_TNFA"], pathway="NFKB_CANONICAL") == "no_evidence"


def test_one_family_is_not_enough(akt):
    sets = ["NFKB_HALLMARK_TNFA", "NFKB_HINATA_FIBROBLAST", "NFKB_TIAN_VIA_NFKB"]
    assert only(akt, sets, pathway="NFKB_CANONICAL") == "no_evidence"
    both = [*sets, "NFKB_PROGENY_NFKB"]
    assert only(akt, both, pathway="NFKB_CANONICAL") == "activated"


def test_two_readouts_of_one_line_count_once(akt):
    pair = ["NFKB_PROGENY_NFKB", "NFKB_PROGENY_TNFA"]
    assert only(akt, pair, pathway="NFKB_CANONICAL") == "no_evidence"
    assert only(akt, [*pair, "NFKB_TIAN_VIA_NFKB"], pathway="NFKB_CANONICAL") == "activated"


def test_a_pathway_of_one_family_needs_two_lines_of_it(akt):
    both = ["ALTNFKB_CHEMOKINES", "ALTNFKB_MYELOMA_INDEX"]
    assert only(akt, both, pathway="NFKB_ALTERNATIVE") == "activated"
    assert only(akt, both[:1], pathway="NFKB_ALTERNATIVE") == "no_evidence"


@pytest.mark.parametrize(
    ("ups", "call"),
    [
        (["MAPK_PROGENY_MAPK", "MAPK_MEK_FUNCTIONAL"], "conflicting"),
        (["MAPK_PROGENY_MAPK"], "no_evidence"),
    ],
)
def test_a_conflict_takes_as_many_lines_as_a_call(akt, ups, call):
    prepared, stats, _ = akt
    up = prepared.table.index.isin(ups)
    down = prepared.table.index == "MAPK_MPAS"
    sign = (up.astype(float) - down)[:, None] * np.ones((1, 3))
    p = np.where(sign != 0, 1e-4, 0.9)
    forced = stats._replace(
        gate_t=8 * sign, gate_p=p, exclusive_t=8 * sign, exclusive_p=p, z=5 * sign, z_p=p,
        random_p=p,
    )  # fmt: skip
    decision = rule_of.decide(prepared, forced, RULE)
    at = decision.pathways.index("MAPK")
    assert rule_of.NAMES[int(decision.call[at, 0])] == call
    assert (decision.n_up[at, 0], decision.n_down[at, 0]) == (len(ups), 1)


def test_a_line_must_move_without_the_genes_it_shares(akt):
    prepared, stats, _ = akt
    names = ["MAPK_MPAS", "MAPK_PROGENY_MAPK"]
    assert only(akt, names, pathway="MAPK") == "activated"
    table = prepared.table
    assert table.at["MAPK_PROGENY_MAPK", "n_exclusive"] < table.at["MAPK_PROGENY_MAPK", "n_genes"]
    named = np.isin(table.index, names)[:, None] & np.ones((1, 3), dtype=bool)
    forced = stats._replace(
        exclusive_p=np.ones_like(stats.gate_p),
        gate_t=np.where(named, 8.0, 0.1), gate_p=np.where(named, 1e-4, 0.9),
        z=np.where(named, 5.0, 0.1), z_p=np.where(named, 1e-4, 0.9),
        random_p=np.where(named, 1e-3, 0.9),
    )  # fmt: skip
    decision = rule_of.decide(prepared, forced, RULE)
    assert decision.call[decision.pathways.index("MAPK"), 0] == rule_of.NO_EVIDENCE


def test_too_few_lines_are_not_assessable(panel):
    model = simulated_model(panel, {})
    gone = {g for r in panel.readouts_of("NFKB_ALTERNATIVE") for g in r.weights}
    from pathcall.calls.sensitivity import _genes

    prepared = ev.prepare(panel, _genes(model, ~model.symbols.isin(sorted(gone))), RULE)
    random = ev.draw_random(prepared, n=100, seed=1)
    stats = ev.real_stats(prepared, np.column_stack(list(model.contrasts.values())), random)
    decision = rule_of.decide(prepared, stats, RULE)
    at = decision.pathways.index("NFKB_ALTERNATIVE")
    assert (decision.call[at] == rule_of.NOT_ASSESSABLE).all()
