"""The table of scores of single samples: the rule's own scores and gseapy's ssGSEA beside them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.calls.readout_tests import Prepared, prepare
from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.signatures.panel import Panel, load_panel
from pathcall.study.config import CallsConfig
from pathcall.tables import SCORES, write_table

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]

WEIGHTED_Z = "weighted_z"
SSGSEA = "ssgsea"


def weighted_scores(prepared: Prepared, samples: Sequence[str]) -> pd.DataFrame:
    """Scores that the rule tests, as rows of schema ``scores/samples``.

    Readouts, every gene set and every footprint of the panel; signs are those of the signature,
    not yet of the pathway. Readouts in log2 units, the others in moderated residual standard
    deviations of a single gene.
    """
    direction = prepared.table["direction"].to_numpy(dtype=float)
    own, others = prepared.readout_scores() * direction, prepared.further_scores()
    assessable = prepared.table["assessable"].to_numpy()
    names = [n for n, ok in zip(prepared.table.index, assessable, strict=True) if ok]
    values = np.hstack([own[:, assessable], others])
    return _long(values, samples, [*names, *prepared.further], WEIGHTED_Z)


def ssgsea_scores(prepared: Prepared, panel: Panel, samples: Sequence[str]) -> pd.DataFrame:
    """Gseapy's ssGSEA of every gene set of the panel and of each arm of the signed readouts.

    A signed readout scores up arm less down arm. Footprints have no ssGSEA: their weights are not
    a set. Sets with fewer than three measured genes are left out.
    """
    import gseapy

    sets: dict[str, list[str]] = {}
    have = set(prepared.symbols)
    signed: dict[str, tuple[str | None, str | None]] = {}
    for gene_set in panel.gene_sets.values():
        sets[gene_set.name] = [g for g in gene_set.genes if g in have]
    for readout in panel.readouts:
        if readout.family == "footprint" or not prepared.table.at[readout.readout, "assessable"]:
            continue
        arms = []
        for suffix, sign in (("up", 1), ("down", -1)):
            genes = [g for g, w in readout.weights.items() if np.sign(w) == sign and g in have]
            name = f"{readout.readout}|{suffix}"
            if len(genes) >= 3:
                sets[name] = genes
            arms.append(name if len(genes) >= 3 else None)
        signed[readout.readout] = (arms[0], arms[1])
    sets = {name: genes for name, genes in sets.items() if len(genes) >= 3}
    frame = pd.DataFrame(prepared.vst.T, index=list(prepared.symbols), columns=list(samples))
    result = gseapy.ssgsea(
        data=frame, gene_sets=sets, outdir=None, sample_norm_method="rank", min_size=1,
        max_size=len(frame), threads=1, no_plot=True, verbose=False,
    )  # fmt: skip
    table = result.res2d.set_index(["Name", "Term"])["ES"].astype(float).unstack()  # noqa: PD010
    table = table.loc[list(samples)]
    values: dict[str, Float] = {}
    for name, (up, down) in signed.items():
        if up is None and down is None:
            continue
        zero = np.zeros(len(table))
        above = table[up].to_numpy() if up else zero
        values[name] = above - (table[down].to_numpy() if down else zero)
    values |= {s: table[s].to_numpy() for s in panel.gene_sets if s in table.columns}
    return _long(np.column_stack(list(values.values())), samples, list(values), SSGSEA)


def _long(
    values: Float, samples: Sequence[str], signatures: Sequence[str], method: str
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sample": np.repeat(list(samples), len(signatures)),
            "signature": list(signatures) * len(samples),
            "method": method,
            "score": values.ravel(),
        }
    )


def sample_scores(model: FittedModel, panel: Panel, rule: CallsConfig) -> pd.DataFrame:
    """Scores of a model's samples by both methods: rows of schema ``scores/samples``."""
    prepared = prepare(panel, model, rule)
    samples = [str(s) for s in model.vst.index]
    parts = [weighted_scores(prepared, samples), ssgsea_scores(prepared, panel, samples)]
    return pd.concat(parts, ignore_index=True)


def score_and_write(
    models: Sequence[str], *, signatures: str, rule: Mapping[str, Any], out: str
) -> None:
    """Score the samples of all fitted models and write ``scores/samples.tsv``.

    A sample of several models is scored in the first: scores are standardised within a model, so
    that one sample has one row a signature and method.
    """
    panel = load_panel(signatures)
    checked = CallsConfig.model_validate(dict(rule))
    frames: list[pd.DataFrame] = []
    seen: set[str] = set()
    for path in models:
        model = read_model(path)
        samples = [str(s) for s in model.vst.index]
        fresh = [s for s in samples if s not in seen]
        if len(fresh) < len(samples):
            logger.info(
                "%s: %d of %d samples were scored with an earlier model",
                model.name, len(samples) - len(fresh), len(samples),
            )  # fmt: skip
        both = sample_scores(model, panel, checked)
        frames.append(both[both["sample"].isin(fresh)])
        seen |= set(fresh)
        logger.info("%s: %d samples, %d scores", model.name, len(fresh), len(frames[-1]))
    write_table(pd.concat(frames, ignore_index=True), out, SCORES)
