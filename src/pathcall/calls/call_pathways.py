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
from pathcall.calls.readout_tests import (
    Adjusted,
    Prepared,
    RandomSignatures,
    Stats,
    adjusted_stats,
    draw_random,
    prepare,
    real_stats,
)
from pathcall.calls.replication import Replication, replication
from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.enrichment.used_genes import used_statistics
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

Float = npt.NDArray[np.float64]

HIGH_P = 1e-3


@dataclass(frozen=True)
class StudyCalls:
    """The tables of this step (schemas of the same names in `pathcall.tables`)."""

    evidence: pd.DataFrame
    calls: pd.DataFrame
    adjusted: pd.DataFrame
    nfkb_genes: pd.DataFrame


def gene_column(
    prepared: Prepared, gene_ids: pd.Index, tables: Sequence[pd.DataFrame], column: str
) -> Float:
    """A column of contrasts' tables on the prepared genes, ``genes × contrasts``; NaN: not used."""
    own = gene_ids[prepared.columns]
    return np.column_stack([used_statistics(t, column).reindex(own).to_numpy() for t in tables])


def contrast_stats(
    prepared: Prepared,
    model: FittedModel,
    random: RandomSignatures,
    contrasts: Sequence[str],
    tables: Mapping[str, pd.DataFrame],
) -> tuple[Stats, Float]:
    """Statistics of a model's contrasts on Wald statistics, and these, ``genes × contrasts``.

    Genes that a contrast does not use (`pathcall.enrichment.used_genes`) are NaN. A readout of one
    gene takes the gene's FDR from the table.
    """
    ids = model.vst.columns
    wald = gene_column(prepared, ids, [tables[c] for c in contrasts], "stat")
    for contrast, unused in zip(contrasts, np.isnan(wald).sum(axis=0), strict=True):
        if unused:
            logger.info("%s: %d of %d genes are not used", contrast, unused, len(wald))
    weights = np.column_stack([np.asarray(model.contrasts[c], dtype=float) for c in contrasts])
    stats = real_stats(prepared, weights, random, gene_stats=wald)
    z_p = stats.z_p.copy()
    for i in np.flatnonzero(prepared.table["single"] & (prepared.table["n_genes"] == 1)):
        gene = ids[prepared.columns[int(np.flatnonzero(prepared.raw[:, i])[0])]]
        for k, contrast in enumerate(contrasts):
            table = tables[contrast]
            padj = table.loc[table["gene_id"] == gene, "padj"]
            z_p[i, k] = float(padj.iloc[0]) if len(padj) and pd.notna(padj.iloc[0]) else 1.0
    return stats._replace(z_p=z_p), wald


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
        Seed of the random signatures.
    """
    evidence: dict[str, pd.DataFrame] = {}
    called: dict[str, pd.DataFrame] = {}
    adjusted: dict[str, pd.DataFrame] = {}
    for name, model in models.items():
        own = [c for c in contrasts if contrasts[c].model == name]
        if not own:
            continue
        prepared = prepare(panel, model, rule)
        random = draw_random(prepared, n=rule.random_signatures, seed=seed)
        stats, wald = contrast_stats(prepared, model, random, own, de)
        weights = np.column_stack([np.asarray(model.contrasts[c], dtype=float) for c in own])
        decision = rule_of.decide(prepared, stats, rule)
        beyond: dict[str, tuple[Adjusted, rule_of.Decision]] = {}
        for pathway, names in rule.confounders.items():
            if pathway not in prepared.pathways:
                continue
            got = adjusted_stats(prepared, panel, pathway, names, stats, weights, wald)
            if got is not None:
                beyond[pathway] = (got, rule_of.decide(prepared, got.stats, rule))
        replicates = {c: replication(model, contrasts[c], contrasts) for c in own}
        for k, contrast in enumerate(own):
            context = _Context(
                contrasts[contrast], k, prepared, stats, decision, beyond, calibration[name],
                replicates[contrast], rule,
            )  # fmt: skip
            evidence[contrast] = _evidence_rows(context, readouts[contrast])
            called[contrast], adjusted[contrast] = _call_rows(context)
    order = list(contrasts)
    genes = [
        nfkb.arm_genes(c, de[c], expressed=set(models[contrasts[c].model].counts.columns))
        for c in order
    ]
    return StudyCalls(
        evidence=_stack([evidence[c] for c in order], list(EVIDENCE.columns)),
        calls=_stack([called[c] for c in order], list(CALLS_TABLE.columns)),
        adjusted=_stack([adjusted[c] for c in order], list(ADJUSTED.columns)),
        nfkb_genes=_stack(genes, list(NFKB_GENES.columns)),
    )


def _stack(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    kept = [f for f in frames if len(f)]
    if not kept:
        return pd.DataFrame({c: [] for c in columns})
    return pd.concat(kept, ignore_index=True)[columns]


@dataclass(frozen=True)
class _Context:
    contrast: Contrast
    k: int
    prepared: Prepared
    stats: Stats
    decision: rule_of.Decision
    beyond: Mapping[str, tuple[Adjusted, rule_of.Decision]]
    calibration: pd.DataFrame
    replicates: Replication
    rule: CallsConfig


def _evidence_rows(context: _Context, gene_level: pd.DataFrame) -> pd.DataFrame:
    """Evidence of one contrast: the rule's own tests, then the gene-level ones."""
    k, prepared, stats, rule = context.k, context.prepared, context.stats, context.rule
    table = prepared.table
    frames = [
        _block(
            table, "sample_score", stats.gate_t[:, k], stats.gate_p[:, k], rule,
            effect=stats.effect[:, k], se=stats.gate_se[:, k], df=stats.gate_df[:, k],
        ),
        _block(table, "competitive", stats.z[:, k], stats.z_p[:, k], rule),
        _block(table, "random_signatures", stats.z[:, k], stats.random_p[:, k], rule),
    ]  # fmt: skip
    shares = (table["n_exclusive"] < table["n_genes"]).to_numpy()
    alone = _block(
        table, "sample_score_exclusive", stats.exclusive_t[:, k], stats.exclusive_p[:, k], rule,
        df=stats.gate_df[:, k],
    )  # fmt: skip
    frames.append(alone[shares])
    for pathway, (adjusted, _) in context.beyond.items():
        if not adjusted.possible:
            continue
        mine = ((table["pathway"] == pathway) & (table["role"] == "evidence")).to_numpy()
        own = adjusted.stats
        scores = _block(
            table, "sample_score_adjusted", own.gate_t[:, k], own.gate_p[:, k], rule,
            effect=own.effect[:, k], se=own.gate_se[:, k], df=own.gate_df[:, k],
        )  # fmt: skip
        genes = _block(table, "competitive_adjusted", own.z[:, k], own.z_p[:, k], rule)
        frames += [scores[mine], genes[mine]]
    made = pd.concat(frames)
    # The readout's vote of the rule stands in its gate row.
    gate = made["method"] == "sample_score"
    evidence = made["role"] == "evidence"
    made.loc[gate & evidence, "vote"] = context.decision.votes[evidence[gate].to_numpy(), k]
    other = gene_level.reindex(columns=[*EVIDENCE.columns]).assign(vote=0)
    if len(other):
        with np.errstate(invalid="ignore"):
            hit = (other["fdr"].fillna(1) < rule.vote_p).to_numpy()
        other["vote"] = np.where(hit, np.sign(other["stat"].fillna(0)), 0).astype(int)
        made = pd.concat([made, other])
    order = {name: i for i, name in enumerate(table.index)}
    made = made.assign(contrast=context.contrast.contrast, _at=made["readout"].map(order))
    made = made.sort_values("_at", kind="stable").drop(columns="_at")
    made["note"] = made["note"].where(made["note"] != "", np.nan)
    return made[list(EVIDENCE.columns)]


def _block(
    table: pd.DataFrame,
    method: str,
    stat: Float,
    p: Float,
    rule: CallsConfig,
    *,
    effect: Float | float = np.nan,
    se: Float | float = np.nan,
    df: Float | float = np.nan,
) -> pd.DataFrame:
    usable = table["assessable"].to_numpy() & np.isfinite(p)
    p = np.where(usable, p, np.nan)
    fdr = np.full(len(p), np.nan)
    # One family of tests: the evidence readouts of the contrast.
    family = usable & (table["role"] == "evidence").to_numpy()
    fdr[family] = benjamini_hochberg(p[family])
    with np.errstate(invalid="ignore"):
        vote = np.where(usable & (p < rule.vote_p), np.sign(np.nan_to_num(stat)), 0)
    return pd.DataFrame(
        {
            "pathway": table["pathway"],
            "readout": table.index,
            "family": table["family"],
            "role": table["role"],
            "method": method,
            "n_genes": table["n_genes"],
            "coverage": table["coverage"],
            "effect": np.where(usable, effect, np.nan),
            "stat": np.where(usable, stat, np.nan),
            "pvalue": p,
            "fdr": fdr,
            "vote": vote.astype(int),
            "note": table["note"],
            "se": np.where(usable, se, np.nan),
            "df": np.where(usable, df, np.nan),
        }
    )


def _call_rows(context: _Context) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Calls and adjusted calls of one contrast."""
    judged = {p: _judge(context, p) for p in context.decision.pathways}
    expected = context.contrast.expected
    checked = {
        pathway: judged[pathway]["call"] == direction
        for pathway, direction in expected.items()
        if pathway in judged and judged[pathway]["call"] != "not_assessable"
    }
    control = "not_applicable" if not checked else "yes" if all(checked.values()) else "no"
    failed = [f"{p} not {expected[p]}" for p, ok in checked.items() if not ok]
    rows, adjusted = [], []
    for pathway, found in judged.items():
        confidence, reason = found["confidence"], found["reason"]
        if failed and confidence in ("high", "moderate"):
            confidence = "low"
        if failed:
            reason += f". On-target control failed: {', '.join(failed)}"
        rows.append(
            {
                "contrast": context.contrast.contrast,
                "pathway": pathway,
                "call": found["call"],
                "confidence": confidence,
                "n_readouts": found["n_readouts"],
                "n_up": found["n_up"],
                "n_down": found["n_down"],
                "families": found["families"],
                "control_ok": control,
                "false_call_rate": found["false_call_rate"],
                "reason": reason,
            }
        )
        if found["adjusted"] is not None:
            adjusted.append(found["adjusted"])
    return pd.DataFrame(rows), pd.DataFrame(adjusted)


def _judge(context: _Context, pathway: str) -> dict[str, Any]:
    k, rule, decision, prepared = context.k, context.rule, context.decision, context.prepared
    table = prepared.table
    i = decision.pathways.index(pathway)
    code = int(decision.call[i, k])
    usable = (
        (table["pathway"] == pathway) & (table["role"] == "evidence") & table["assessable"]
    ).to_numpy()
    lines, line_votes = decision.lines[i], decision.line_votes[i][:, k]
    rate, rate_source, n_null = _rate(context.calibration, pathway)
    made: dict[str, Any] = {
        "n_readouts": int(usable.sum()),
        "n_up": int(decision.n_up[i, k]),
        "n_down": int(decision.n_down[i, k]),
        "families": np.nan,
        "false_call_rate": rate,
        "adjusted": None,
    }
    few = context.replicates.samples < rule.min_replicates or prepared.residual_df < 1
    if few:
        code = rule_of.NOT_ASSESSABLE
    votes = decision.votes[:, k]
    adjusted, beside, explained = _adjusted_row(context, pathway, code, usable)
    made["adjusted"] = adjusted
    withheld = adjusted is not None and adjusted["withheld"] == "yes"
    parts: list[str] = []
    weak: list[str] = []
    if few:
        parts.append(f"{context.replicates}, {rule.min_replicates} needed")
    elif code == rule_of.NOT_ASSESSABLE:
        lost = table[(table["pathway"] == pathway) & (table["role"] == "evidence") & ~usable]
        missing = "; ".join(f"{name}: {note}" for name, note in lost["note"].items())
        parts.append(
            f"{len(lines)} of the {rule.min_lines} independent lines of evidence needed can be "
            f"assessed" + (f" ({missing})" if missing else "")
        )
    else:
        parts.append(_lines_text(lines, line_votes, votes, table, context))
    if code in (rule_of.ACTIVATED, rule_of.REPRESSED):
        carrying = usable & (votes == code)
        made["families"] = ";".join(dict.fromkeys(table["family"][carrying]))
        p_joint = float(decision.joint_p[i, k])
        parts.append(f"together p = {p_joint:.1e} after correction for their choice")
        if explained and not withheld:
            weak.append(beside)
        if rate > rule.max_false_call_rate:
            weak.append(f"false-call rate {rate:.0%} is above {rule.max_false_call_rate:.0%}")
        if context.replicates.samples < 3:
            weak.append(f"only {context.replicates}")
        if (line_votes == -code).any():
            weak.append("a line points the other way")
        n_families = table["family"][carrying].nunique()
        if n_families < 2:
            weak.append("all evidence is of one family")
        strong = (
            (line_votes == code).sum() >= 3 or (line_votes == code).all()
        ) and p_joint < HIGH_P
        confidence = "low" if weak else "high" if strong else "moderate"
    else:
        confidence = "none"
    if withheld:
        code, confidence = rule_of.NO_EVIDENCE, "none"
        made["families"] = np.nan
    parts += weak
    if beside and beside not in parts:
        parts.append(beside)
    if np.isfinite(rate):
        parts.append(f"false-call rate {rate:.1%} in {n_null} {rate_source}")
    else:
        parts.append("false-call rate not known")
    if pathway.startswith("NFKB") and code in (rule_of.ACTIVATED, rule_of.REPRESSED):
        parts.append(nfkb.STATEMENT)
    made |= {
        "call": rule_of.NAMES[code],
        "confidence": confidence,
        "reason": ". ".join(p[:1].upper() + p[1:] for p in parts),
    }
    return made


def _lines_text(
    lines: tuple[str, ...],
    line_votes: npt.NDArray[np.int64],
    votes: npt.NDArray[np.int64],
    table: pd.DataFrame,
    context: _Context,
) -> str:
    def named(sign: int) -> str:
        shown = []
        for line, vote in zip(lines, line_votes, strict=True):
            if vote != sign:
                continue
            members = table.index[(table["line"] == line) & (votes == sign)]
            t = [context.stats.gate_t[table.index.get_loc(m), context.k] for m in members]
            shown.append("+".join(f"{m} (t {x:.1f})" for m, x in zip(members, t, strict=True)))
        return ", ".join(shown)

    up, down = int((line_votes > 0).sum()), int((line_votes < 0).sum())
    text = f"{up} up and {down} down of {len(lines)} independent lines of evidence"
    if up:
        text += f"; up: {named(1)}"
    if down:
        text += f"; down: {named(-1)}"
    lost = [
        line
        for line, vote in zip(lines, line_votes, strict=True)
        if vote == 0 and (votes[(table["line"] == line).to_numpy()] != 0).any()
    ]
    if lost:
        text += f"; not independent or divided within: {', '.join(lost)}"
    return text


def _adjusted_row(
    context: _Context, pathway: str, code: int, usable: npt.NDArray[np.bool_]
) -> tuple[dict[str, Any] | None, str, bool]:
    """The row of ``adjusted.tsv``, words about the confounders, and whether one explains the call.

    A confounder counts where it moves the way of the call and the call does not survive adjustment
    for it; the call is withheld if one of them also moves more than `confounder_ratio` times as
    far (|t|) as the strongest readout of the call, and its confidence lowered otherwise.
    """
    if pathway not in context.beyond:
        return None, "", False
    adjusted, beyond = context.beyond[pathway]
    k, rule, stats = context.k, context.rule, context.stats
    i = context.decision.pathways.index(pathway)
    other = int(beyond.call[i, k]) if adjusted.possible else rule_of.NOT_ASSESSABLE
    if code == rule_of.NOT_ASSESSABLE:
        other = code
    made = code in (rule_of.ACTIVATED, rule_of.REPRESSED)
    direction = code if made else 0
    t, p = adjusted.t[:, k], adjusted.p[:, k]
    moved = np.flatnonzero(made & (p < rule.vote_p) & (np.sign(t) == direction))
    voting = usable & (context.decision.votes[:, k] == direction) & bool(direction)
    strongest = float(np.abs(stats.gate_t[voting, k]).max()) if voting.any() else np.nan
    confounder = float(np.abs(t[moved]).max()) if len(moved) else np.nan
    survives = other == code
    withheld = made and not survives and bool(confounder > rule.confounder_ratio * strongest)
    names = [adjusted.names[j] for j in moved]
    words = ""
    if made and len(moved) and not survives:
        which = ", ".join(f"{adjusted.names[j]} (t {t[j]:.1f})" for j in moved)
        if withheld:
            words = (
                f"withheld: the readouts say {rule_of.NAMES[code]}, but so would {which}, and the "
                f"call does not survive adjustment for it: the two can't be told apart here"
            )
        else:
            words = f"not specific: {which} moves the same way; adjusted for it there is no call"
    elif code != rule_of.NOT_ASSESSABLE:
        beside = [
            f"{name} (t {x:.1f})"
            for name, x, y in zip(adjusted.names, t, p, strict=True)
            if y < rule.vote_p
        ]
        words = f"beside it move {', '.join(beside)}" if beside else ""
    row = {
        "contrast": context.contrast.contrast,
        "pathway": pathway,
        "call_unadjusted": rule_of.NAMES[code],
        "call_adjusted": rule_of.NAMES[other],
        "confounders": ";".join(adjusted.names),
        "moved": ";".join(names) if names else np.nan,
        "strongest_t": strongest,
        "confounder_t": confounder,
        "withheld": "yes" if withheld else "no",
    }
    explained = bool(made and len(moved) and not survives)
    return row, words, explained


def _rate(calibration: pd.DataFrame, pathway: str) -> tuple[float, str, int]:
    rows = calibration[(calibration["pathway"] == pathway) & (calibration["used"] == "yes")]
    if rows.empty:
        return np.nan, "", 0
    row = rows.iloc[0]
    words = {"mock_contrasts": "mock contrasts", "simulation": "simulated null contrasts"}
    return float(row["false_call_rate"]), words[str(row["source"])], int(row["n_contrasts"])


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
        de={c.contrast: read_table(p, DE) for c, p in zip(listed, de, strict=True)},
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
