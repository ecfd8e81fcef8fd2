"""All calls of a study: evidence, calls, adjusted calls and NF-κB's arms, from the steps before."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.calls import nfkb_arms as nfkb
from pathcall.calls import rule as rule_of
from pathcall.calls.call_rows import Context, call_rows, evidence_rows
from pathcall.calls.confounders import look_beside
from pathcall.calls.readout_tests import Prepared, contrast_evidence, prepare
from pathcall.calls.replication import replication
from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.enrichment.used_genes import USED, used_statistics
from pathcall.errors import InputError
from pathcall.signatures.panel import Panel, load_panel
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.study.config import CallsConfig
from pathcall.study.contrasts import Contrast
from pathcall.tables import (
    ADJUSTED,
    CALIBRATION,
    CALLS_TABLE,
    DE,
    EVIDENCE,
    NFKB_GENES,
    READOUTS,
    read_table,
    write_table,
)

logger = logging.getLogger(__name__)


COLUMNS = (*USED, "symbol", "base_mean", "log2fc", "lfc_se", "padj")
"""Columns of ``de/{contrast}`` that are read."""


@dataclass(frozen=True)
class StudyCalls:
    """The tables of this step (schemas of the same names in `pathcall.tables`)."""

    evidence: pd.DataFrame
    calls: pd.DataFrame
    adjusted: pd.DataFrame
    nfkb_genes: pd.DataFrame


def used_genes(
    prepared: Prepared, gene_ids: pd.Index, tables: Sequence[pd.DataFrame]
) -> npt.NDArray[np.bool_]:
    """Genes that each contrast uses (no outlier count, no failed fit), ``genes × contrasts``."""
    own = gene_ids[prepared.columns]
    return np.column_stack(
        [used_statistics(t, "stat").reindex(own).notna().to_numpy() for t in tables]
    )


def call_study(
    *,
    panel: Panel,
    models: Mapping[str, FittedModel],
    contrasts: Mapping[str, Contrast],
    de: Mapping[str, pd.DataFrame],
    readouts: Mapping[str, pd.DataFrame],
    calibration: Mapping[str, pd.DataFrame],
    rule: CallsConfig,
    seed: int,
) -> StudyCalls:
    """Make all calls of a study.

    Parameters
    ----------
    panel
        The signatures.
    models
        Model → fitted model.
    contrasts
        Contrast → contrast, in the order of the contrasts table.
    de
        Contrast → ``de/{contrast}.tsv``.
    readouts
        Contrast → ``readouts/{contrast}.tsv``: gene-level tests, shown beside the rule's own.
    calibration
        Model → ``calibration/{model}.tsv``.
    rule
        The rule.
    seed
        Seed of the rotations.
    """
    evidence: dict[str, pd.DataFrame] = {}
    called: dict[str, pd.DataFrame] = {}
    adjusted: dict[str, pd.DataFrame] = {}
    for name, model in models.items():
        own = [c for c in contrasts if contrasts[c].model == name]
        if not own:
            continue
        prepared = prepare(panel, model, rule)
        used = used_genes(prepared, model.vst.columns, [de[c] for c in own])
        weights = np.column_stack([np.asarray(model.contrasts[c], dtype=float) for c in own])
        found = contrast_evidence(prepared, weights, rule, seed=seed, used=used)
        decision = rule_of.decide(prepared, found, rule)
        beside = {
            pathway: confounders
            for pathway, names in rule.confounders.items()
            if pathway in prepared.pathways
            and (confounders := look_beside(prepared, panel, pathway, names, weights)) is not None
        }
        for k, contrast in enumerate(own):
            context = Context(
                contrasts[contrast], k, prepared, found, decision, beside, calibration[name],
                replication(model, contrasts[contrast], contrasts), rule,
            )  # fmt: skip
            evidence[contrast] = evidence_rows(context, readouts[contrast])
            called[contrast], adjusted[contrast] = call_rows(context)
    order = list(contrasts)
    genes = [
        nfkb.arm_genes(c, de[c], expressed=set(models[contrasts[c].model].counts.columns))
        for c in order
    ]
    return StudyCalls(
        evidence=_stack([evidence[c] for c in order], list(EVIDENCE.columns)),
        calls=_with_fdr(
            _stack([called[c].assign(fdr=np.nan) for c in order], list(CALLS_TABLE.columns))
        ),
        adjusted=_stack([adjusted[c] for c in order], list(ADJUSTED.columns)),
        nfkb_genes=_stack(genes, list(NFKB_GENES.columns)),
    )


def _with_fdr(calls: pd.DataFrame) -> pd.DataFrame:
    """False discovery rates over all pathways and contrasts of the study."""
    return calls.assign(fdr=benjamini_hochberg(calls["pvalue"].to_numpy(dtype=float)))


def _stack(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    kept = [f for f in frames if len(f)]
    if not kept:
        return pd.DataFrame({c: [] for c in columns})
    return pd.concat(kept, ignore_index=True)[columns]


def call_and_write(
    *,
    models: Sequence[str],
    de: Sequence[str],
    readouts: Sequence[str],
    calibration: Sequence[str],
    contrasts: Sequence[Mapping[str, Any]],
    signatures: str,
    rule: Mapping[str, Any],
    seed: int,
    out: Mapping[str, str],
) -> None:
    """Read the inputs of the rule call_pathways, make all calls, write its tables.

    Parameters
    ----------
    models, calibration
        Files of the models, one each.
    de, readouts
        Tables of the contrasts, in the order of `contrasts`.
    contrasts
        Contrasts as plain data.
    signatures
        The panel's folder.
    rule
        Section `calls` of the config.
    out
        evidence, calls, adjusted, nfkb_genes → path.
    """
    listed = [Contrast.from_dict(raw) for raw in contrasts]
    fitted = [read_model(path) for path in models]
    rates = [read_table(path, CALIBRATION) for path in calibration]
    made = call_study(
        panel=load_panel(signatures),
        models={m.name: m for m in fitted},
        contrasts={c.contrast: c for c in listed},
        de={c.contrast: read_table(p, DE, COLUMNS) for c, p in zip(listed, de, strict=True)},
        readouts={
            c.contrast: read_table(p, READOUTS) for c, p in zip(listed, readouts, strict=True)
        },
        calibration={m.name: r for m, r in zip(fitted, rates, strict=True)},
        rule=CallsConfig.model_validate(dict(rule)),
        seed=seed,
    )
    missing = {c.contrast for c in listed} - set(made.calls["contrast"])
    if missing:
        raise InputError(
            "contrasts without a fitted model",
            where=f"contrasts {', '.join(sorted(missing))}",
            fix="delete results/ of the study and run again",
        )
    write_table(made.evidence, out["evidence"], EVIDENCE)
    write_table(made.calls, out["calls"], CALLS_TABLE)
    write_table(made.adjusted, out["adjusted"], ADJUSTED)
    write_table(made.nfkb_genes, out["nfkb_genes"], NFKB_GENES)
    for row in made.calls.itertuples():
        logger.info("%s %s: %s (%s)", row.contrast, row.pathway, row.call, row.confidence)
    logger.info("written to %s", Path(out["calls"]).parent)
