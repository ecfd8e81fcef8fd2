"""Rows of calls.tsv from made-up evidence: each word and number is that of its condition."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from pathcall.calls import call_rows as rows_of
from pathcall.calls import readout_tests as ev
from pathcall.calls import rule as rule_of
from pathcall.calls.confounders import Confounders
from pathcall.calls.replication import Replication
from pathcall.calls.rotation import JointTest
from pathcall.signatures.panel import load_panel
from pathcall.study.config import CallsConfig
from tests.calls_data import PANEL, simulated_model

RULE = CallsConfig(rotations=1999)
DF = 10


@pytest.fixture(scope="module")
def prepared():
    panel = load_panel(PANEL)
    return ev.prepare(panel, simulated_model(panel, {}), RULE)


def calibration(rate=0.01, low=0.0, used="yes"):
    return pd.DataFrame(
        [("MAPK", "mock_contrasts", 99, 0.9, 0.9, "yes"),
         ("AKT", "simulation", 50, 0.5, 0.5, "no"),
         ("AKT", "mock_contrasts", 200, rate, low, used)],
        columns=["pathway", "source", "n_contrasts", "false_call_rate", "ci_low", "used"],
    )  # fmt: skip


def confounders(effect=0.0, p=0.5, adjusted_effect=0.5, adjusted_p=0.001):
    def one(value):
        return np.array([[value]])

    return Confounders(("OTHER",), one(effect), one(7.0 * np.sign(effect)), one(p),
                       one(adjusted_effect), one(adjusted_p))  # fmt: skip


def context(prepared, *, line_t=(4.0, 3, 2, 1), p=0.0001, effect=0.5, direction=1, se=0.1,
            samples=3, df=DF, rule=RULE, expected=None, beside=None, rates=None):  # fmt: skip
    """AKT by the lines that are given, as the only contrast of its model."""
    tested = JointTest(
        direction=np.array([direction]), p=np.array([p]), line_t=np.array(line_t)[:, None],
        mean_t=np.array([3.0]), effect=np.array([effect]), se=np.array([se]),
    )  # fmt: skip
    zero = np.zeros((prepared.n, 1))
    usable = prepared.usable("AKT")
    readout_t = np.where(usable, 3.0 * direction, 0.0)[:, None]
    evidence = ev.Evidence(df, zero, zero + 1, readout_t, {"AKT": tested})
    return rows_of.Context(
        contrast=SimpleNamespace(contrast="c", expected=expected or {}), k=0, prepared=prepared,
        evidence=evidence, decision=rule_of.decide(prepared, evidence, rule),
        beside={"AKT": beside} if beside else {},
        calibration=calibration() if rates is None else rates,
        replicates=Replication(samples, "in the smallest cell"), rule=rule,
    )  # fmt: skip


def akt(prepared, **how):
    rows, _ = rows_of.call_rows(context(prepared, **how))
    return rows.set_index("pathway").loc["AKT"]


def test_a_call(prepared):
    row = akt(prepared)
    assert (row["call"], row["status"], row["confidence"]) == ("activated", "called", "high")
    assert (row["effect"], row["se"], row["pvalue"], row["df"]) == (0.5, 0.1, 0.0001, DF)
    half = student.ppf(0.975, DF) * 0.1
    assert row["ci_low"] == pytest.approx(0.5 - half)
    assert row["ci_high"] == pytest.approx(0.5 + half)
    assert (row["n_lines"], row["lines_up"], row["lines_down"]) == (4, 3, 0)
    n = int(prepared.usable("AKT").sum())
    assert (row["n_readouts"], row["n_up"], row["n_down"]) == (n, n, 0)
    assert row["families"] == "signed_gene_set;curated;gene_set;footprint"
    assert row["false_call_rate"] == 0.01
    assert row["control_ok"] == "not_applicable"
    assert row["reason"].startswith("3 up and 0 down of 4 lines of evidence; up: ")
    assert (
        "mean log2 change +0.50 (95% interval +0.28 to +0.72), p = 0.0001" in row["reason"].lower()
    )
    assert row["reason"].endswith("False-call rate 1.0% in 200 mock contrasts")


def test_a_repressed_pathway_is_the_mirror_image(prepared):
    row = akt(prepared, line_t=(-4.0, -3, -2, -1), effect=-0.5, direction=-1)
    assert (row["call"], row["confidence"]) == ("repressed", "high")
    assert (row["lines_up"], row["lines_down"]) == (0, 3)
    assert row["n_down"] == row["n_readouts"]
    assert "; down: " in row["reason"]
    assert "; up: " not in row["reason"]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({}, "called"),
        ({"p": 0.2}, "no_change_seen"),
        ({"p": 0.05}, "no_change_seen"),
        ({"effect": 0.01}, "rule_not_met"),
        ({"line_t": (4.0, 3, -3, 0), "p": 0.5}, "rule_not_met"),  # conflicting
        ({"samples": 1}, "not_assessable"),
        ({"df": 0}, "not_assessable"),
        ({"beside": confounders(0.6, 0.01, 0.1, 0.5)}, "not_separable"),
    ],
)
def test_status(prepared, how, status):
    row = akt(prepared, **how)
    assert row["status"] == status
    called = status in ("called", "not_separable")
    assert (row["call"] in ("activated", "repressed")) == called
    assert (row["confidence"] != "none") == called
    assert isinstance(row["families"], str) == called
    assert np.isnan(row["effect"]) == (status == "not_assessable")
    assert np.isnan(row["df"]) == (status == "not_assessable")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"effect": 0.04}, "the change is smaller than the least that is called (0.05 log2)"),
        ({"line_t": (9.0, 8, -3, -4), "effect": 0.3}, "the lines do not agree"),
        ({"line_t": (9.0, 1, 1, 1)}, "fewer than 2 lines move by themselves"),
        ({"samples": 1}, "1 sample in the smallest cell, 2 needed"),
        ({"p": 0.5}, None),
    ],
)
def test_why_there_is_no_call(prepared, how, words):
    reason = akt(prepared, **how)["reason"].lower()
    said = [w for w in ("smaller than", "do not agree", "fewer than", "needed") if w in reason]
    assert len(said) == (words is not None)
    assert words is None or words in reason


@pytest.mark.parametrize(
    ("how", "confidence"),
    [
        ({}, "high"),
        ({"p": 0.001}, "moderate"),
        ({"p": 0.0009}, "high"),
        ({"effect": 0.25}, "moderate"),  # the interval begins at 0.03
        ({"line_t": (4.0, 3, 1, 1)}, "low"),  # two lines of four
        ({"samples": 2}, "low"),
        ({"samples": 3}, "high"),
        ({"rates": calibration(0.2, 0.051)}, "low"),
        ({"rates": calibration(0.2, 0.05)}, "high"),
        ({"expected": {"AKT": "repressed"}}, "low"),
        ({"expected": {"AKT": "activated"}}, "high"),
    ],
)
def test_confidence(prepared, how, confidence):
    assert akt(prepared, **how)["confidence"] == confidence


def test_what_lowers_the_confidence_is_said(prepared):
    reason = akt(prepared, samples=2, rates=calibration(0.2, 0.06))["reason"]
    assert "False-call rate 20% is above 5%. Only 2 samples in the smallest cell" in reason
    unknown = akt(prepared, rates=calibration(used="no"))
    assert unknown["reason"].endswith("False-call rate not known")
    assert np.isnan(unknown["false_call_rate"])
    assert unknown["confidence"] == "high"


@pytest.mark.parametrize(
    ("votes", "high"),
    [([1, 1, 1], True), ([1, 1], True), ([1, 1, 0, 0], False), ([1, 1, 1, -1], True), ([1], True)],
)
def test_three_lines_or_all_that_there_are(votes, high):
    made = rows_of.confidence_of(1, 1e-4, 0.06, 0.9, np.array(votes), RULE)
    assert made == ("high" if high else "low")


@pytest.mark.parametrize(
    ("code", "low", "high", "firm"),
    [
        (1, 0.05, 0.9, True),
        (1, 0.049, 0.9, False),
        (-1, -0.9, -0.05, True),
        (-1, -0.9, -0.049, False),
    ],
)
def test_the_interval_of_high_confidence(code, low, high, firm):
    made = rows_of.confidence_of(code, 1e-4, low, high, np.full(4, code), RULE)
    assert made == ("high" if firm else "moderate")


def test_the_control_of_a_contrast(prepared):
    assert akt(prepared, expected={"AKT": "activated"})["control_ok"] == "yes"
    failed = akt(prepared, expected={"AKT": "repressed"})
    assert failed["control_ok"] == "no"
    assert failed["reason"].endswith("On-target control failed: AKT not repressed")
    # A pathway that cannot be assessed is no control.
    assert akt(prepared, expected={"MAPK": "activated"})["control_ok"] == "not_applicable"
    both = akt(prepared, expected={"AKT": "activated", "MAPK": "activated"})
    assert both["control_ok"] == "yes"


@pytest.mark.parametrize(
    ("effect", "p", "adjusted", "explains", "moves"),
    [
        (0.5, 0.05, (0.1, 0.5), True, True),
        (0.49, 0.05, (0.1, 0.5), False, True),  # moves less far than the call
        (0.9, 0.1, (0.1, 0.5), False, False),  # does not move by itself
        (-0.9, 0.05, (0.1, 0.5), False, False),  # moves the other way
        (0.9, 0.05, (0.1, 0.09), False, True),  # the pathway remains beside it
        (0.9, 0.05, (0.1, 0.1), True, True),
        (0.9, 0.05, (-0.1, 0.01), True, True),  # beside it, the pathway turns
        (0.9, 0.05, (np.nan, np.nan), True, True),  # no degree of freedom is left
    ],
)
def test_what_explains_a_call_as_well(prepared, effect, p, adjusted, explains, moves):
    beside = confounders(effect, p, *adjusted)
    rows, adjusted_rows = rows_of.call_rows(context(prepared, beside=beside))
    row, other = rows.set_index("pathway").loc["AKT"], adjusted_rows.iloc[0]
    assert row["status"] == ("not_separable" if explains else "called")
    assert row["call"] == other["call_unadjusted"] == "activated"
    assert other["call_adjusted"] == ("no_evidence" if explains else "activated")
    assert other["separable"] == ("no" if explains else "yes")
    assert (other["confounder"] == "OTHER") == explains
    assert (other["moved"] == "OTHER") == moves
    assert other["strongest_t"] == 3.0
    assert (other["confounder_t"] == 7.0) == moves
    assert ("Not separable from OTHER (log2 +" in row["reason"]) == explains
    changed = p < RULE.vote_p and not explains
    assert ("Confounders that also change: OTHER (log2 " in row["reason"]) == changed


def test_without_a_call_nothing_is_explained(prepared):
    rows, adjusted = rows_of.call_rows(
        context(prepared, p=0.5, beside=confounders(0.9, 0.01, 0.1, 0.5))
    )
    assert rows.set_index("pathway").at["AKT", "status"] == "no_change_seen"
    assert adjusted.iloc[0]["separable"] == "yes"
    assert np.isnan(adjusted.iloc[0]["strongest_t"])
    assert np.isnan(adjusted.iloc[0]["confounder_t"])
    few, _ = rows_of.call_rows(context(prepared, samples=1, beside=confounders(0.9, 0.01)))
    assert "onfounders that also change" not in few.set_index("pathway").at["AKT", "reason"]


def test_pathways_without_lines_say_what_is_missing(prepared):
    rows, _ = rows_of.call_rows(context(prepared))
    row = rows.set_index("pathway").loc["MAPK"]
    assert (row["call"], row["status"]) == ("not_assessable", "not_assessable")
    assert " of the 2 lines of evidence needed can be assessed" in row["reason"]


def test_evidence_rows(prepared):
    made_up = context(prepared)
    genes = pd.DataFrame(
        {"pathway": "AKT", "readout": [prepared.names[0]] * 3, "method": "ora",
         "stat": [2.0, -2, 2], "fdr": [0.09, 0.09, 0.1]}
    )  # fmt: skip
    rows = rows_of.evidence_rows(made_up, genes)
    scores = rows[rows["method"] == "sample_score"]
    assert list(scores["readout"]) == list(prepared.names)
    assert rows[rows["method"] == "ora"]["vote"].tolist() == [1, -1, 0]
    assert rows["readout"].iloc[1] == prepared.names[0]  # beside its sample score
    family = scores["fdr"].notna()
    table = prepared.table
    assert family.tolist() == (table["assessable"] & (table["role"] == "evidence")).tolist()
    usable = table["assessable"].to_numpy(bool)
    assert scores["pvalue"].notna().tolist() == usable.tolist()
    assert (scores["df"].dropna() == DF).all()
    assert (scores["note"].fillna("x") != "").all()
