"""How often the rule calls a pathway where there is nothing, for one model.

Two kinds of null contrasts go through the whole rule of `pathcall.calls.rule` (the step that
withholds a call for a confounder left out, which could only lower the rate):

* *mock contrasts* of the model's own replicates (`pathcall.calls.mock_contrasts`);
* *simulated* ones: counts with the model's means, dispersions and latent factors
  (`pathcall.calls.simulation`), without any effect, tested with the model's own contrasts.

Gene statistics are moderated t on VST values in place of the negative binomial's Wald statistic:
refitting hundreds of times is not needed, since the two agree on real contrasts (``docs/method.md``
gives the correlations).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats as distributions

from pathcall.calls import rule as rule_of
from pathcall.calls import simulation as simulate
from pathcall.calls.mock_contrasts import mock_columns
from pathcall.calls.readout_tests import (
    Prepared,
    RandomSignatures,
    Stats,
    draw_random,
    gathered_stats,
    mock_stats,
    prepare,
)
from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.signatures import sample_scores as ss
from pathcall.signatures.panel import load_panel
from pathcall.study.config import CallsConfig
from pathcall.tables import CALIBRATION, write_table

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


def mock_decision(
    prepared: Prepared,
    model: FittedModel,
    random: RandomSignatures,
    rule: CallsConfig,
    *,
    seed: int,
) -> rule_of.Decision | None:
    """The rule on the mock contrasts of a model; None where the design allows none."""
    # One degree of freedom goes to the mock column: none left, no test.
    if prepared.residual_df < 2 or rule.mock_contrasts == 0:
        return None
    columns = mock_columns(prepared.design, model.contrasts, limit=rule.mock_contrasts, seed=seed)
    if columns.shape[1] == 0:
        return None
    return rule_of.decide(prepared, mock_stats(prepared, columns, random), rule)


def simulated_null(
    prepared: Prepared,
    model: FittedModel,
    random: RandomSignatures,
    *,
    n: int,
    seed: int,
) -> Stats:
    """Statistics of `n` simulated null data sets, each tested with one contrast of the model.

    The contrasts take turns. ``readouts × n``.
    """
    source = simulate.source_of(model)
    size = model.size_factors.to_numpy(dtype=float)
    typical = float(np.median(source.dispersion))
    weights = [np.asarray(w, dtype=float) for w in model.contrasts.values()]
    vsts, contrasts = [], []
    for turn in range(n):
        rng = np.random.default_rng([seed, 2, turn])
        counts = simulate.simulate_counts(source, size, None, rng=rng)
        vsts.append(simulate.log_transform(counts, typical)[:, prepared.columns])
        contrasts.append(weights[turn % len(weights)])
    return gathered_stats(prepared, vsts, contrasts, random)


def calibrate(
    model: FittedModel, prepared: Prepared, rule: CallsConfig, *, seed: int
) -> pd.DataFrame:
    """False-call rate of each pathway: rows of schema ``calibration/{model}``.

    Mock contrasts are used where there are at least `min_mock_contrasts` distinct ones; else
    simulation, and both are in the table.
    """
    random = draw_random(prepared, n=rule.random_signatures, seed=seed)
    decisions: dict[str, rule_of.Decision] = {}
    mock = mock_decision(prepared, model, random, rule, seed=seed)
    n_mock = 0 if mock is None else mock.call.shape[1]
    if mock is not None:
        decisions["mock_contrasts"] = mock
    enough = n_mock >= rule.min_mock_contrasts
    if not enough and prepared.residual_df >= 1 and rule.simulations:
        made = simulated_null(prepared, model, random, n=rule.simulations, seed=seed)
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
            high = 1.0 if k == n else float(distributions.beta.ppf(0.975, k + 1, n - k))
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


def standin(prepared: Prepared, model: FittedModel) -> tuple[list[str], Float]:
    """Moderated t of the model's contrasts, ``genes × contrasts``: the stand-in for Wald."""
    names = list(model.contrasts)
    weights = np.column_stack([np.asarray(model.contrasts[c], dtype=float) for c in names])
    return names, ss.test_scores(prepared.vst, prepared.design, weights).t
