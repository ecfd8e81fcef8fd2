"""How often the rule calls a pathway where there is nothing, for one model.

Two kinds of null contrasts go through the whole rule of `pathcall.calls.rule`:

* *mock contrasts* of the model's own replicates (`pathcall.calls.mock_contrasts`);
* *simulated* ones: counts with the model's means, dispersions and latent factors
  (`pathcall.calls.simulation`), without any effect, tested with the model's own contrasts.

The p of the rule is exact if replicates are exchangeable and normal on the VST scale; these rates
say whether they are. Mock contrasts of one model overlap, so the limits of their rate, which take
them for independent, are optimistic.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betaincinv

from pathcall.calls import rule as rule_of
from pathcall.calls import simulation as simulate
from pathcall.calls.mock_contrasts import mock_columns
from pathcall.calls.readout_tests import (
    Evidence,
    Prepared,
    contrast_evidence,
    mock_evidence,
    prepare,
    stacked,
)
from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.signatures.panel import load_panel
from pathcall.study.config import CallsConfig
from pathcall.tables import CALIBRATION, write_table

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]

SIMULATION_ROTATIONS = 999
"""Rotations for each simulated data set: enough for a p of `call_p`."""


def mock_decision(
    prepared: Prepared, model: FittedModel, rule: CallsConfig, *, seed: int
) -> rule_of.Decision | None:
    """The rule on the mock contrasts of a model; None where the design allows none."""
    # One degree of freedom goes to the mock column: none left, no test.
    if prepared.residual_df < 2 or rule.mock_contrasts == 0:
        return None
    columns = mock_columns(prepared.design, model.contrasts, limit=rule.mock_contrasts, seed=seed)
    if columns.shape[1] == 0:
        return None
    return rule_of.decide(prepared, mock_evidence(prepared, columns, rule, seed=seed), rule)


def simulated_null(
    prepared: Prepared, model: FittedModel, rule: CallsConfig, *, n: int, seed: int
) -> Evidence:
    """Evidence of `n` simulated null data sets, each tested with one contrast of the model.

    The contrasts take turns.
    """
    source = simulate.source_of(model)
    size = model.size_factors.to_numpy(dtype=float)
    typical = float(np.median(source.dispersion))
    weights = [np.asarray(w, dtype=float) for w in model.contrasts.values()]
    found = []
    for turn in range(n):
        rng = np.random.default_rng([seed, 2, turn])
        counts = simulate.simulate_counts(source, size, None, rng=rng)
        vst = simulate.log_transform(counts, typical)[:, prepared.columns]
        found.append(
            contrast_evidence(
                replace(prepared, vst=vst), weights[turn % len(weights)][:, None], rule,
                seed=seed, rotations=min(rule.rotations, SIMULATION_ROTATIONS),
            )
        )  # fmt: skip
    return stacked(found)


def calibrate(
    model: FittedModel, prepared: Prepared, rule: CallsConfig, *, seed: int
) -> pd.DataFrame:
    """False-call rate of each pathway: rows of schema ``calibration/{model}``.

    Mock contrasts are used where there are at least `min_mock_contrasts` distinct ones; else
    simulation, and both are in the table.
    """
    decisions: dict[str, rule_of.Decision] = {}
    mock = mock_decision(prepared, model, rule, seed=seed)
    n_mock = 0 if mock is None else mock.call.shape[1]
    if mock is not None:
        decisions["mock_contrasts"] = mock
    enough = n_mock >= rule.min_mock_contrasts
    if not enough and prepared.residual_df >= 1 and rule.simulations:
        made = simulated_null(prepared, model, rule, n=rule.simulations, seed=seed)
        decisions["simulation"] = rule_of.decide(prepared, made, rule)
        logger.info(
            "%s: %d distinct mock contrasts, fewer than %d: the false-call rate comes from "
            "simulation",
            model.name, n_mock, rule.min_mock_contrasts,
        )  # fmt: skip
    best = "mock_contrasts" if enough else "simulation"
    rows: list[dict[str, Any]] = []
    for source, decision in decisions.items():
        for i, pathway in enumerate(decision.pathways):
            called = np.isin(decision.call[i], (rule_of.ACTIVATED, rule_of.REPRESSED))
            n, k = len(called), int(called.sum())
            low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, 0.025))
            high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 0.975))
            rows.append(
                {
                    "model": model.name,
                    "pathway": pathway,
                    "source": source,
                    "n_contrasts": n,
                    "n_called": k,
                    "false_call_rate": k / n,
                    "ci_high": high,
                    "used": "yes" if source == best else "no",
                    "ci_low": low,
                }
            )
    return pd.DataFrame(rows, columns=list(CALIBRATION.columns))


def calibrate_and_write(
    model: str, *, signatures: str, rule: Mapping[str, Any], seed: int, out: str
) -> None:
    """Calibrate the rule on one fitted model's file and write ``calibration/{model}.tsv``."""
    fitted = read_model(model)
    checked = CallsConfig.model_validate(dict(rule))
    prepared = prepare(load_panel(signatures), fitted, checked)
    table = calibrate(fitted, prepared, checked, seed=seed)
    for row in table.itertuples():
        logger.info(
            "%s %s: %d of %d null contrasts called (%s)",
            row.model, row.pathway, row.n_called, row.n_contrasts, row.source,
        )  # fmt: skip
    write_table(table, out, CALIBRATION)
