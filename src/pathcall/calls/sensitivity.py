"""The calls under other, equally defensible choices, to see whether one of them decides.

A *multiverse* (Steegen et al. 2016, Perspect Psychol Sci 11:702) in one table: each variant changes
one choice and keeps all others. Calls are those of the rule before confounders are looked at, in
the variants as in the main analysis they are compared with.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.calls import rule as rule_of
from pathcall.calls.call_pathways import contrast_stats, gene_column
from pathcall.calls.readout_tests import (
    Prepared,
    RandomSignatures,
    draw_random,
    prepare,
    real_stats,
)
from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.signatures.panel import Panel, load_panel
from pathcall.stats.linear_models import samples_used
from pathcall.study.config import CallsConfig
from pathcall.study.contrasts import Contrast
from pathcall.tables import DE, SENSITIVITY, read_table, write_table

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]

# Shares of the least expressed genes left out, and thresholds tried.
FILTERS = (0.25, 0.5)
VOTE_P = (0.01, 0.05)
# Variants need a rank among random signatures to two digits, not to three.
RANDOM = 200

Variant = tuple[str, str, dict[str, Mapping[str, str]]]


def vary_model(
    *,
    panel: Panel,
    model: FittedModel,
    contrasts: Sequence[str],
    tables: Mapping[str, pd.DataFrame],
    rule: CallsConfig,
    seed: int,
) -> pd.DataFrame:
    """All variants of one model's calls: rows of schema ``sensitivity``.

    Parameters
    ----------
    panel
        The signatures.
    model
        The fitted model.
    contrasts
        Its contrasts.
    tables
        Contrast → ``de/{contrast}.tsv``.
    rule
        The rule.
    seed
        Seed of the random signatures.
    """
    prepared = prepare(panel, model, rule)
    random = draw_random(prepared, n=rule.random_signatures, seed=seed)
    stats, wald = contrast_stats(prepared, model, random, contrasts, tables)
    main = _named(rule_of.decide(prepared, stats, rule), contrasts)
    rows: list[dict[str, Any]] = []
    for kind, name, calls in _variants(
        panel, model, prepared, random, contrasts, tables, wald, rule, seed
    ):
        for contrast in contrasts:
            if contrast not in calls:
                continue
            for pathway, call in calls[contrast].items():
                rows.append(
                    {
                        "contrast": contrast,
                        "pathway": pathway,
                        "kind": kind,
                        "variant": name,
                        "call": call,
                        "agrees": "yes" if call == main[contrast][pathway] else "no",
                    }
                )
    made = pd.DataFrame(rows, columns=[c for c in SENSITIVITY.columns if c != "agreement"])
    same = (made["agrees"] == "yes").astype(float)
    made["agreement"] = same.groupby([made["contrast"], made["pathway"]]).transform("mean")
    order = {c: i for i, c in enumerate(contrasts)}
    paths = {p: i for i, p in enumerate(prepared.pathways)}
    made = made.assign(_c=made["contrast"].map(order), _p=made["pathway"].map(paths))
    made = made.sort_values(["_c", "_p"], kind="stable").drop(columns=["_c", "_p"])
    return made.reset_index(drop=True)[list(SENSITIVITY.columns)]


def _variants(
    panel: Panel,
    model: FittedModel,
    prepared: Prepared,
    random: RandomSignatures,
    contrasts: Sequence[str],
    tables: Mapping[str, pd.DataFrame],
    wald: Float,
    rule: CallsConfig,
    seed: int,
) -> Iterator[Variant]:
    weights = np.column_stack([np.asarray(model.contrasts[c], dtype=float) for c in contrasts])
    decide = rule_of.decide

    stats = real_stats(prepared, weights, random)
    yield "ranking", "moderated t on VST", _named(decide(prepared, stats, rule), contrasts)
    ids = model.vst.columns
    shrunk = gene_column(prepared, ids, [tables[c] for c in contrasts], "log2fc_shrunk")
    stats = real_stats(prepared, weights, random, gene_stats=shrunk)
    # A shrunken fold change has no p of its own: a readout of one gene keeps the Wald test's FDR.
    exact, _ = contrast_stats(prepared, model, random, contrasts, tables)
    single = prepared.table["single"].to_numpy()[:, None]
    stats = stats._replace(z_p=np.where(single, exact.z_p, stats.z_p))
    yield "ranking", "shrunken log2 fold change", _named(decide(prepared, stats, rule), contrasts)

    for share in FILTERS:
        keep = model.base_mean >= model.base_mean.quantile(share)
        fewer = _genes(model, keep)
        laid = prepare(panel, fewer, rule)
        drawn = draw_random(laid, n=RANDOM, seed=seed)
        made, _ = contrast_stats(laid, fewer, drawn, contrasts, tables)
        name = f"without the {share:.0%} least expressed genes"
        yield "filter", name, _named(decide(laid, made, rule), contrasts)

    for family in dict.fromkeys(prepared.table["family"]):
        table = prepared.table.assign(
            assessable=prepared.table["assessable"] & (prepared.table["family"] != family)
        )
        left = replace(prepared, table=table)
        name = f"without readouts of family {family}"
        yield "evidence", name, _named(decide(left, exact, rule), contrasts)

    for p in VOTE_P:
        other = rule.model_copy(update={"vote_p": p})
        yield "threshold", f"votes at p < {p:g}", _named(decide(prepared, exact, other), contrasts)

    used = {
        c: samples_used(prepared.design, np.asarray(model.contrasts[c], dtype=float))
        for c in contrasts
    }
    for position, sample in enumerate(model.vst.index):
        those = [c for c in contrasts if used[c][position]]
        fewer = _without(model, position)
        those = [c for c in those if _estimable(fewer, model.contrasts[c])]
        if not those or fewer.residual_df < 1:
            continue
        laid = prepare(panel, fewer, rule)
        drawn = draw_random(laid, n=RANDOM, seed=seed)
        own = np.column_stack([np.asarray(model.contrasts[c], dtype=float) for c in those])
        made = real_stats(laid, own, drawn)
        yield "sample", f"without {sample}", _named(decide(laid, made, rule), those)


def _named(decision: rule_of.Decision, contrasts: Sequence[str]) -> dict[str, Mapping[str, str]]:
    return {
        contrast: {
            pathway: rule_of.NAMES[int(decision.call[i, k])]
            for i, pathway in enumerate(decision.pathways)
        }
        for k, contrast in enumerate(contrasts)
    }


def _genes(model: FittedModel, keep: pd.Series) -> FittedModel:
    at = keep.to_numpy()
    return replace(
        model,
        counts=model.counts.loc[:, at],
        vst=model.vst.loc[:, at],
        symbols=model.symbols[at],
        dispersions=model.dispersions[at],
        base_mean=model.base_mean[at],
    )


def _without(model: FittedModel, position: int) -> FittedModel:
    at = np.arange(len(model.vst)) != position
    return replace(
        model,
        samples=model.samples[at],
        counts=model.counts[at],
        vst=model.vst[at],
        size_factors=model.size_factors[at],
        design=model.design[at],
    )


def _estimable(model: FittedModel, weights: Float) -> bool:
    x = model.design.to_numpy(dtype=float)
    w = np.asarray(weights, dtype=float)
    return bool(np.allclose(np.linalg.pinv(x) @ x @ w, w, atol=1e-8))


def vary_and_write(
    *,
    models: Sequence[str],
    de: Sequence[str],
    contrasts: Sequence[Mapping[str, Any]],
    signatures: str,
    rule: Mapping[str, Any],
    seed: int,
    out: str,
) -> None:
    """Read the inputs of the rule test_sensitivity, vary all calls, write ``sensitivity.tsv``."""
    listed = [Contrast.from_dict(raw) for raw in contrasts]
    tables = {c.contrast: read_table(p, DE) for c, p in zip(listed, de, strict=True)}
    panel, checked = load_panel(signatures), CallsConfig.model_validate(dict(rule))
    frames = []
    for path in models:
        model = read_model(path)
        own = [c.contrast for c in listed if c.model == model.name]
        if own:
            frames.append(
                vary_model(
                    panel=panel, model=model, contrasts=own, tables=tables, rule=checked, seed=seed
                )
            )
    made = pd.concat(frames, ignore_index=True)
    agree = (made["agrees"] == "yes").mean()
    logger.info("%d variants of calls, %.1f%% agree with the main one", len(made), 100 * agree)
    order = {c.contrast: i for i, c in enumerate(listed)}
    made = made.sort_values("contrast", key=lambda s: s.map(order), kind="stable")
    write_table(made.reset_index(drop=True), out, SENSITIVITY)
