"""The calls under other, equally defensible choices, to see whether one of them decides.

A *multiverse* (Steegen et al. 2016, Perspect Psychol Sci 11:702) in one table: each variant changes
one choice and keeps all others. Calls are those of the rule before confounders are looked at, in
the variants as in the main analysis they are compared with.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.calls import rule as rule_of
from pathcall.calls.call_pathways import used_genes
from pathcall.calls.left_out import evidence_without
from pathcall.calls.readout_tests import (
    Prepared,
    contrast_evidence,
    prepare,
    space_evidence,
)
from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.enrichment.used_genes import USED
from pathcall.signatures.panel import Panel, load_panel
from pathcall.study.config import CallsConfig
from pathcall.study.contrasts import Contrast
from pathcall.tables import DE, SENSITIVITY, read_table, write_table

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

# Shares of the least expressed genes left out, and thresholds tried.
FILTERS = (0.25, 0.5)
CALL_P = (0.01, 0.1)
ROTATIONS = 1999
"""Rotations of a variant: enough for a p of `call_p`."""


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
    weights = {c: np.asarray(model.contrasts[c], dtype=float) for c in contrasts}
    fewer = [_of_fewer_genes(panel, model, share, weights, tables, rule, seed) for share in FILTERS]
    rows: list[dict[str, Any]] = []
    for k, contrast in enumerate(contrasts):
        used = used_genes(prepared, model.vst.columns, [tables[contrast]])[:, 0]
        main, *others = _variants(model, prepared, weights[contrast], used, rule, seed)
        variants = [*(Variant("filter", name, calls[:, k]) for name, calls in fewer), *others]
        for i, pathway in enumerate(prepared.pathways):
            for kind, name, calls in variants:
                rows.append(
                    {
                        "contrast": contrast,
                        "pathway": pathway,
                        "kind": kind,
                        "variant": name,
                        "call": rule_of.NAMES[int(calls[i])],
                        "agrees": "yes" if calls[i] == main.calls[i] else "no",
                    }
                )
    made = pd.DataFrame(rows, columns=[c for c in SENSITIVITY.columns if c != "agreement"])
    same = (made["agrees"] == "yes").astype(float)
    made["agreement"] = same.groupby([made["contrast"], made["pathway"]]).transform("mean")
    return made[list(SENSITIVITY.columns)]


class Variant(NamedTuple):
    """The calls of one contrast under one choice, codes of `rule.NAMES`, by pathway."""

    kind: str
    name: str
    calls: npt.NDArray[np.int64]


def _variants(
    model: FittedModel,
    prepared: Prepared,
    weights: Float,
    used: Bool,
    rule: CallsConfig,
    seed: int,
) -> Iterator[Variant]:
    """The call as it is, then its variants on all genes."""
    needed = partial(rule_of.moves, rule=rule)
    few = min(rule.rotations, ROTATIONS)
    space = prepared.samples.contrast(weights)
    # As in the main analysis, so that what it is compared with is the main analysis.
    found = space_evidence(
        prepared, space, rule, seed=seed, rotations=rule.rotations, used=used, needed=needed
    )
    yield Variant("main", "", rule_of.decide(prepared, found, rule).call[:, 0])

    for family in dict.fromkeys(prepared.table["family"]):
        assessable = prepared.table["assessable"] & (prepared.table["family"] != family)
        left = replace(prepared, table=prepared.table.assign(assessable=assessable))
        made = space_evidence(
            left, space, rule, seed=seed, rotations=few, used=used, needed=needed
        )  # fmt: skip
        name = f"without readouts of family {family}"
        yield Variant("evidence", name, rule_of.decide(left, made, rule).call[:, 0])

    for p in CALL_P:
        other = rule.model_copy(update={"call_p": p})
        calls = rule_of.decide(prepared, found, other).call[:, 0]
        yield Variant("threshold", f"calls at p < {p:g}", calls)

    samples, made = evidence_without(
        prepared, weights, rule, seed=seed, rotations=few, needed=needed
    )
    if samples:
        calls = rule_of.decide(prepared, made, rule).call
        for k, at in enumerate(samples):
            yield Variant("sample", f"without {model.vst.index[at]}", calls[:, k])


def _of_fewer_genes(
    panel: Panel,
    model: FittedModel,
    share: float,
    weights: Mapping[str, Float],
    tables: Mapping[str, pd.DataFrame],
    rule: CallsConfig,
    seed: int,
) -> tuple[str, npt.NDArray[np.int64]]:
    """Name of a variant and its calls without rare genes, ``pathways × contrasts``."""
    fewer = of_genes(model, model.base_mean >= model.base_mean.quantile(share))
    laid = prepare(panel, fewer, rule)
    found = contrast_evidence(
        laid,
        np.column_stack(list(weights.values())),
        rule,
        seed=seed,
        rotations=min(rule.rotations, ROTATIONS),
        used=used_genes(laid, fewer.vst.columns, [tables[c] for c in weights]),
        needed=partial(rule_of.moves, rule=rule),
    )
    return f"without the {share:.0%} least expressed genes", rule_of.decide(laid, found, rule).call


def of_genes(model: FittedModel, keep: pd.Series) -> FittedModel:
    """A model of some of its genes."""
    at = keep.to_numpy()
    return replace(
        model,
        counts=model.counts.loc[:, at],
        vst=model.vst.loc[:, at],
        symbols=model.symbols[at],
        dispersions=model.dispersions[at],
        base_mean=model.base_mean[at],
    )


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
    tables = {c.contrast: read_table(p, DE, USED) for c, p in zip(listed, de, strict=True)}
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
