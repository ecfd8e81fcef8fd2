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
from pathcall.calls.call_pathways import used_genes
from pathcall.calls.readout_tests import Evidence, Prepared, contrast_evidence, prepare
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
CALL_P = (0.01, 0.1)
ROTATIONS = 1999
"""Rotations of a variant: enough for a p of `call_p`."""

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
        Seed of the rotations.
    """
    prepared = prepare(panel, model, rule)
    used = used_genes(prepared, model.vst.columns, [tables[c] for c in contrasts])
    weights = np.column_stack([np.asarray(model.contrasts[c], dtype=float) for c in contrasts])
    # As in the main analysis, so that what it is compared with is the main analysis.
    found = contrast_evidence(prepared, weights, rule, seed=seed, used=used)
    main = _named(rule_of.decide(prepared, found, rule), contrasts)
    rows: list[dict[str, Any]] = []
    for kind, name, calls in _variants(
        panel, model, prepared, found, contrasts, tables, weights, rule, seed
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
    found: Evidence,
    contrasts: Sequence[str],
    tables: Mapping[str, pd.DataFrame],
    weights: Float,
    rule: CallsConfig,
    seed: int,
) -> Iterator[Variant]:
    def called(
        laid: Prepared,
        own: Float,
        names: Sequence[str],
        own_rule: CallsConfig = rule,
        used: npt.NDArray[np.bool_] | None = None,
    ) -> dict[str, Mapping[str, str]]:
        made = contrast_evidence(
            laid, own, own_rule, seed=seed, rotations=min(rule.rotations, ROTATIONS), used=used
        )
        return _named(rule_of.decide(laid, made, own_rule), names)  # fmt: skip

    for share in FILTERS:
        keep = model.base_mean >= model.base_mean.quantile(share)
        fewer = _genes(model, keep)
        laid = prepare(panel, fewer, rule)
        used = used_genes(laid, fewer.vst.columns, [tables[c] for c in contrasts])
        name = f"without the {share:.0%} least expressed genes"
        yield "filter", name, called(laid, weights, contrasts, used=used)

    used = used_genes(prepared, model.vst.columns, [tables[c] for c in contrasts])
    for family in dict.fromkeys(prepared.table["family"]):
        table = prepared.table.assign(
            assessable=prepared.table["assessable"] & (prepared.table["family"] != family)
        )
        left = replace(prepared, table=table)
        name = f"without readouts of family {family}"
        yield "evidence", name, called(left, weights, contrasts, used=used)

    for p in CALL_P:
        other = rule.model_copy(update={"call_p": p})
        made = _named(rule_of.decide(prepared, found, other), contrasts)
        yield "threshold", f"calls at p < {p:g}", made

    at = {
        c: samples_used(prepared.design, np.asarray(model.contrasts[c], dtype=float))
        for c in contrasts
    }
    for position, sample in enumerate(model.vst.index):
        those = [c for c in contrasts if at[c][position]]
        fewer = _without(model, position)
        those = [c for c in those if _estimable(fewer, model.contrasts[c])]
        if not those or fewer.residual_df < 1:
            continue
        own = np.column_stack([np.asarray(model.contrasts[c], dtype=float) for c in those])
        yield "sample", f"without {sample}", called(prepare(panel, fewer, rule), own, those)


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
