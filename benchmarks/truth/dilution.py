"""Treated samples diluted with reads of the controls: a weaker signal of the same kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.truth.cases import Case, perturbations
from benchmarks.truth.confidence import confidence
from benchmarks.truth.models import model_of, transformed
from benchmarks.truth.sets import PANEL, load
from pathcall.calls import rule as rule_of
from pathcall.calls.readout_tests import contrast_evidence, prepare
from pathcall.signatures.panel import load_panel
from pathcall.study.config import CallsConfig

SHARES = (0.1, 0.3, 0.5, 0.7, 1.0)
CASES = {
    "a66_t300-wt_t300": "AKT",
    "wt_t180-wt_t0": "MAPK",
    "WT.vem-WT.none": "MAPK",
    "SL1344-naive:diku_1+fikt_3+ieki_2": "NFKB_CANONICAL",
}


def mixed(case: Case, share: float, seed: int) -> pd.DataFrame:
    """Counts in which each treated sample keeps `share` of its reads, the rest from a control."""
    s = load(case.study)
    assert s is not None
    counts = s.counts.loc[list(case.design.index)].copy()
    treated = case.design.index[case.design["test"] == 1.0]
    control = case.design.index[case.design["test"] == 0.0]
    rng = np.random.default_rng(seed)
    for a, b in zip(treated, control, strict=True):
        x, y = counts.loc[a].to_numpy(), counts.loc[b].to_numpy()
        keep = rng.binomial(x, share)
        from_b = min(1.0, (1 - share) * x.sum() / y.sum())
        counts.loc[a] = keep + rng.binomial(y, from_b)
    return counts


def dilution(cache: Path | None) -> pd.DataFrame:
    """Effect, p, call and confidence of the rule at each share."""
    panel, rule = load_panel(PANEL), CallsConfig()
    rows = []
    for case in perturbations():
        if case.kind != "alone" or case.name not in CASES:
            continue
        model = model_of(case, cache)
        pathway = CASES[case.name]
        row = {"contrast": case.name, "pathway": pathway}
        for share in SHARES:
            counts = mixed(case, share, 1)[model.counts.columns]
            values, size = transformed(counts)
            other = replace(model, counts=counts, size_factors=size, vst=values)
            prepared = prepare(panel, other, rule)
            found = contrast_evidence(prepared, case.weights[:, None], rule, seed=1)
            decision = rule_of.decide(prepared, found, rule)
            i = decision.pathways.index(pathway)
            level = confidence(decision, found, pathway, rule)
            row[f"{share:.0%}"] = (
                f"{decision.effect[i, 0]:+.2f}, p {decision.p[i, 0]:.2g}, "
                f"{rule_of.NAMES[int(decision.call[i, 0])]}{f', {level}' if level else ''}"
            )
        rows.append(row)
    return pd.DataFrame(rows)
