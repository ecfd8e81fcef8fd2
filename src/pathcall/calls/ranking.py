r"""Which pathway leads: all pathways of the panel side by side, with intervals.

Every pathway has one score a sample (`pathcall.signatures.sample_scores`), tested with the model's
design and contrast, so that the interval rests on samples, not genes. Three kinds stand
beside one another: the footprints, the Hallmark sets, and the panel's own pathways (the mean of
their evidence readouts' scores divided by their residual SD; readouts of one line of evidence share
one part). A pathway of the panel without evidence readouts,
such as a control, is scored by its control readouts.

Effects are divided by the score's (moderated) residual standard deviation, which makes them
comparable: :math:`d = t \cdot u`, with :math:`u = \sqrt{c^T (X^T X)^{-1} c}` of the contrast.
Rank 1 has the largest :math:`|d|`. Intervals of ranks come from simulated contrasts: :math:`d` plus
noise with the correlation of the scores' own residuals, on their degrees of freedom. A pathway
leads if its rank interval says so, not because it stands first.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from pathcall.calls import readout_tests as evidence
from pathcall.calls.readout_tests import Prepared
from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.signatures import sample_scores as ss
from pathcall.signatures.panel import Panel, load_panel
from pathcall.stats.linear_models import Float, residual_df, residuals_of
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.study.config import CallsConfig
from pathcall.tables import RANKING, write_table

logger = logging.getLogger(__name__)

SIMULATIONS = 2000
"""Simulated contrasts behind the rank intervals."""
HALLMARK = "H"
"""Collection of the Hallmark sets."""
LEVEL = 0.95


def rank_pathways(
    model: FittedModel, panel: Panel, *, rule: CallsConfig, seed: int
) -> dict[str, pd.DataFrame]:
    """Rank all pathways in each contrast of a model.

    Parameters
    ----------
    model
        The fitted model.
    panel
        Signatures.
    rule
        Coverage and lines of evidence.
    seed
        Seed of the simulated contrasts.

    Returns
    -------
    dict
        Contrast → table RANKING, sorted by rank; rows without a value last.
    """
    prepared = evidence.prepare(panel, model, rule)
    names, values = pathway_scores(prepared, panel)
    residuals = residuals_of(values, prepared.design)
    df = residual_df(prepared.design)
    scored = np.einsum("ns,ns->s", residuals, residuals) > 1e-12
    logger.info(
        "%s: %d pathways, %d of them with a score; %d residual degrees of freedom",
        model.name, len(names), int(scored.sum()), df,
    )  # fmt: skip
    return {
        contrast: _rank(
            contrast, names, values, residuals, scored, prepared.design, weights, df, seed
        )
        for contrast, weights in model.contrasts.items()
    }


def rank_and_write(
    models: Sequence[str],
    *,
    contrasts: Sequence[str],
    signatures: str,
    rule: Mapping[str, object],
    seed: int,
    out: str,
) -> None:
    """Read all models, rank the pathways of their contrasts, write one table.

    Parameters
    ----------
    models
        Files of the fitted models.
    contrasts
        Ids, in the order of the contrasts table.
    rule
        Section `calls` of the config, as plain data.
    """
    panel = load_panel(signatures)
    tables: dict[str, pd.DataFrame] = {}
    for path in models:
        tables |= rank_pathways(
            read_model(path), panel, rule=CallsConfig.model_validate(rule), seed=seed
        )
    write_table(pd.concat([tables[c] for c in contrasts], ignore_index=True), out, RANKING)


def pathway_scores(prepared: Prepared, panel: Panel) -> tuple[pd.DataFrame, Float]:
    """Scores of all pathways in each sample.

    Returns
    -------
    names, scores
        Frame with the columns kind and name; ``samples × pathways``, constant where a pathway
        can't be scored.
    """
    scores, others = prepared.readout_scores(), prepared.further_scores()
    residual = np.sqrt(ss.residual_variance(scores, prepared.design)[0])
    readouts = np.divide(scores, residual, out=np.zeros_like(scores), where=residual > 1e-12)
    table = prepared.table.reset_index()
    kinds: list[tuple[str, str]] = []
    columns: list[Float] = []
    for pathway in dict.fromkeys(table["pathway"]):
        own = table[(table["pathway"] == pathway) & table["assessable"]]
        for role in ("evidence", "control"):
            if (table.loc[table["pathway"] == pathway, "role"] == role).any():
                own = own[own["role"] == role]
                break
        else:
            continue
        lines = [readouts[:, rows].mean(axis=1) for rows in own.groupby("line").indices.values()
                 for rows in [own.index[rows]]]  # fmt: skip
        kinds.append(("pathway", str(pathway)))
        columns.append(np.mean(lines, axis=0) if lines else np.zeros(len(readouts)))
    models = set(panel.footprints["model"].astype(str))
    several = len(models) > 1
    for column, name in enumerate(prepared.further):
        model, colon, source = name.partition(":")
        if colon and model in models:
            kinds.append(("footprint", name if several else source))
        elif name in panel.gene_sets and panel.gene_sets[name].collection == HALLMARK:
            kinds.append(("hallmark", name))
        else:
            continue
        columns.append(others[:, column])
    return pd.DataFrame(kinds, columns=["kind", "name"]), np.column_stack(columns)


def _rank(
    contrast: str,
    names: pd.DataFrame,
    values: Float,
    residuals: Float,
    scored: np.typing.NDArray[np.bool_],
    design: Float,
    weights: Float,
    df: int,
    seed: int,
) -> pd.DataFrame:
    frame = pd.DataFrame({"contrast": contrast, "kind": names["kind"], "name": names["name"]})
    for column in list(RANKING.columns)[3:]:
        frame[column] = np.nan
    if df < 1 or not scored.any():
        return frame
    test = ss.test_scores(values[:, scored], design, weights)
    unscaled = float(np.sqrt(weights @ np.linalg.pinv(design.T @ design, hermitian=True) @ weights))
    effect = test.t * unscaled
    half = stdtrit(test.df, (1 + LEVEL) / 2) * unscaled
    frame.loc[scored, "effect"] = effect
    frame.loc[scored, "ci_low"] = effect - half
    frame.loc[scored, "ci_high"] = effect + half
    frame.loc[scored, "stat"] = test.t
    frame.loc[scored, "pvalue"] = test.p
    frame["fdr"] = benjamini_hochberg(frame["pvalue"].to_numpy(dtype=float))
    # The seed goes with the contrast's name, not its place among the others.
    rng = np.random.default_rng([seed, zlib.crc32(contrast.encode())])
    unit = residuals[:, scored] / np.sqrt((residuals[:, scored] ** 2).sum(axis=0))
    total = float(test.df[0])
    noise = rng.normal(size=(SIMULATIONS, len(unit))) @ unit
    scale = np.sqrt(rng.chisquare(total, size=(SIMULATIONS, 1)) / total) if total < 1e6 else 1.0
    drawn = np.abs(effect + unscaled * noise / scale)
    kinds = frame.loc[scored, "kind"].to_numpy()
    _put_ranks(frame, np.flatnonzero(scored), np.abs(effect), drawn, "rank")
    for kind in dict.fromkeys(kinds):
        own = kinds == kind
        rows = np.flatnonzero(scored)[own]
        simulated = _put_ranks(frame, rows, np.abs(effect)[own], drawn[:, own], "kind_rank")
        frame.loc[rows, "p_first"] = (simulated == 1).mean(axis=0)
    return frame.sort_values("rank", kind="stable", na_position="last", ignore_index=True)


def _put_ranks(
    frame: pd.DataFrame, rows: np.typing.NDArray[np.int64], size: Float, drawn: Float, name: str
) -> Float:
    simulated = _ranks(drawn)
    frame.loc[rows, name] = _ranks(size[None, :])[0]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(simulated, [tail, 1 - tail], axis=0, method="nearest")
    # The rank that was seen belongs to its interval, also where noise moves ranks to the middle.
    frame.loc[rows, f"{name}_low"] = np.minimum(low, frame.loc[rows, name])
    frame.loc[rows, f"{name}_high"] = np.maximum(high, frame.loc[rows, name])
    return simulated


def _ranks(size: Float) -> Float:
    """Rank within each row, 1 for the largest; ties in the order of the columns."""
    order = np.argsort(-size, axis=1, kind="stable")
    ranks = np.empty(size.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, size.shape[1] + 1)[None, :], axis=1)
    return ranks
