"""Confidence of the calls on real perturbations, three against three."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from scipy.stats import t as student

from benchmarks.truth.cases import perturbations
from benchmarks.truth.models import model_of
from benchmarks.truth.sets import PANEL
from benchmarks.truth.tally import SIGN
from pathcall.calls import rule as rule_of
from pathcall.calls.call_rows import confidence_of
from pathcall.calls.readout_tests import Evidence, contrast_evidence, prepare
from pathcall.signatures.panel import load_panel
from pathcall.study.config import CallsConfig

LEVELS = ("high", "moderate", "low")


def confidence(
    decision: rule_of.Decision, found: Evidence, pathway: str, rule: CallsConfig
) -> str | None:
    """Confidence of the call of a model's one contrast; None where nothing is called.

    A run lowers it where the study's own false-call rate is high.
    """
    i = decision.pathways.index(pathway)
    code = int(decision.call[i, 0])
    if code not in (rule_of.ACTIVATED, rule_of.REPRESSED):
        return None
    effect, se, p = (float(a[i, 0]) for a in (decision.effect, decision.se, decision.p))
    half = float(student.ppf(0.975, found.df)) * se
    votes = decision.line_votes[i][:, 0]
    return confidence_of(code, p, effect - half, effect + half, votes, rule)


def confidences(cache: Path | None) -> pd.DataFrame:
    """Perturbations of each pathway, those called in the right direction, and how firmly."""
    panel, rule = load_panel(PANEL), CallsConfig()
    rows = []
    for case in perturbations():
        if case.kind != "alone" or case.n != 3:
            continue
        prepared = prepare(panel, model_of(case, cache), rule)
        found = contrast_evidence(prepared, case.weights[:, None], rule, seed=1)
        decision = rule_of.decide(prepared, found, rule)
        for pathway, expected in case.expected.items():
            right = int(decision.call[decision.pathways.index(pathway), 0]) == SIGN[expected]
            level = confidence(decision, found, pathway, rule) if right else None
            rows.append({"pathway": pathway, "perturbations": 1, "called": int(right)}
                        | {name: int(level == name) for name in LEVELS})  # fmt: skip
    return pd.DataFrame(rows).groupby("pathway", sort=False, as_index=False).sum()
