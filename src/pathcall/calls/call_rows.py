"""Rows of the tables of calls for one contrast: evidence, calls, confounders, with their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit

from pathcall.calls import nfkb_arms as nfkb
from pathcall.calls import rule as rule_of
from pathcall.calls.confounders import Confounders
from pathcall.calls.readout_tests import Evidence, Prepared
from pathcall.calls.replication import Replication
from pathcall.stats.ebayes import two_sided
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.study.config import CallsConfig
from pathcall.study.contrasts import Contrast
from pathcall.tables import EVIDENCE

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

HIGH_P = 1e-3
"""A call of high confidence needs a p below this."""
MANY_LINES = 3
"""A call of more than low confidence needs this many lines, or all that can be assessed."""


@dataclass(frozen=True)
class Context:
    """What the rows of one contrast, the `k`-th of its model, are made from."""

    contrast: Contrast
    k: int
    prepared: Prepared
    evidence: Evidence
    decision: rule_of.Decision
    beside: Mapping[str, Confounders]
    calibration: pd.DataFrame
    replicates: Replication
    rule: CallsConfig


def evidence_rows(context: Context, gene_level: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``evidence.tsv``: the sample scores of all readouts, then the gene-level tests."""
    k, rule, evidence = context.k, context.rule, context.evidence
    table = context.prepared.table
    t = evidence.t[:, k]
    usable = table["assessable"].to_numpy(dtype=bool) & np.isfinite(t)
    p = np.where(usable, two_sided(t, max(evidence.df, 1)), np.nan)
    fdr = np.full(len(p), np.nan)
    # One family of tests: the evidence readouts of the contrast.
    family = usable & (table["role"] == "evidence").to_numpy()
    fdr[family] = benjamini_hochberg(p[family])
    scores = pd.DataFrame(
        {
            "pathway": table["pathway"],
            "readout": table.index,
            "family": table["family"],
            "role": table["role"],
            "method": "sample_score",
            "n_genes": table["n_genes"],
            "coverage": table["coverage"],
            "effect": np.where(usable, evidence.effect[:, k], np.nan),
            "stat": np.where(usable, t, np.nan),
            "pvalue": p,
            "fdr": fdr,
            "vote": context.decision.votes[:, k],
            "note": table["note"],
            "se": np.where(usable, evidence.se[:, k], np.nan),
            "df": np.where(usable, float(evidence.df), np.nan),
        }
    )
    frames = [scores]
    if len(gene_level):
        other = gene_level.reindex(columns=[*EVIDENCE.columns])
        hit = (other["fdr"].fillna(1) < rule.vote_p).to_numpy()
        other["vote"] = np.where(hit, np.sign(other["stat"].fillna(0)), 0).astype(int)
        frames.append(other)
    made = pd.concat(frames)
    order = {name: i for i, name in enumerate(table.index)}
    made = made.assign(contrast=context.contrast.contrast, _at=made["readout"].map(order))
    made = made.sort_values("_at", kind="stable").drop(columns="_at")
    made["note"] = made["note"].where(made["note"] != "", np.nan)
    return made[list(EVIDENCE.columns)]


def call_rows(context: Context) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of ``calls.tsv`` (FDR left open) and of ``adjusted.tsv``."""
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
    for pathway, row in judged.items():
        beside = row.pop("adjusted")
        if failed:
            if row["confidence"] in ("high", "moderate"):
                row["confidence"] = "low"
            row["reason"] += f". On-target control failed: {', '.join(failed)}"
        rows.append(
            {"contrast": context.contrast.contrast, "pathway": pathway, "control_ok": control} | row
        )
        if beside is not None:
            adjusted.append(beside)
    return pd.DataFrame(rows), pd.DataFrame(adjusted)


def confidence_of(
    code: int, p: float, low: float, high: float, line_votes: Int, rule: CallsConfig
) -> str:
    """Confidence in a call of direction `code`, before replicates or its false-call rate lower it.

    Parameters
    ----------
    code
        +1 activated, -1 repressed.
    p, low, high
        Of the lines together, and the 95% interval of their mean (log2).
    line_votes
        Vote of each line.
    rule
        Section ``calls`` of the config.
    """
    if (line_votes == code).sum() < min(MANY_LINES, len(line_votes)):
        return "low"
    firm = p < HIGH_P and min(low * code, high * code) >= rule.min_effect
    return "high" if firm else "moderate"


def _judge(context: Context, pathway: str) -> dict[str, Any]:
    k, rule, decision, prepared = context.k, context.rule, context.decision, context.prepared
    i = decision.pathways.index(pathway)
    usable = prepared.usable(pathway)
    votes = decision.votes[:, k]
    few = context.replicates.samples < rule.min_replicates or context.evidence.df < 1
    code = rule_of.NOT_ASSESSABLE if few else int(decision.call[i, k])
    called = code in (rule_of.ACTIVATED, rule_of.REPRESSED)
    assessed = code != rule_of.NOT_ASSESSABLE
    effect, se, p = (float(a[i, k]) if assessed else np.nan for a in _tested(decision))
    half = float(stdtrit(context.evidence.df, 0.975)) * se if assessed else np.nan
    low, high = effect - half, effect + half
    rate, rate_low, source, n_null = _rate(context.calibration, pathway)
    adjusted, explained, beside = _beside(context, pathway, code, effect)
    parts: list[str] = []
    if few:
        parts.append(f"{context.replicates}, {rule.min_replicates} needed")
    elif not assessed:
        parts.append(_not_assessable(context, pathway))
    else:
        parts.append(_lines_text(context, i))
        parts.append(
            f"mean log2 change {effect:+.2f} (95% interval {low:+.2f} to {high:+.2f}), "
            f"p = {p:.2g} of the lines together"
        )
    confidence = "none"
    line_votes = decision.line_votes[i][:, k]
    if called:
        weak = []
        if rate_low > rule.max_false_call_rate:
            weak.append(f"false-call rate {rate:.0%} is above {rule.max_false_call_rate:.0%}")
        if context.replicates.samples < 3:
            weak.append(f"only {context.replicates}")
        parts += weak
        confidence = "low" if weak else confidence_of(code, p, low, high, line_votes, rule)
    elif assessed and p < rule.call_p:
        parts.append(_not_met(context, i, effect))
    if beside:
        parts.append(beside)
    if np.isfinite(rate):
        parts.append(f"false-call rate {rate:.1%} in {n_null} {source}")
    else:
        parts.append("false-call rate not known")
    if pathway.startswith("NFKB") and called:
        parts.append(nfkb.STATEMENT)
    carrying = usable & (votes == code)
    moves = assessed and not called and (p < rule.call_p or code == rule_of.CONFLICTING)
    return {
        "call": rule_of.NAMES[code],
        "confidence": confidence,
        "n_readouts": int(usable.sum()),
        "n_up": int((votes[usable] > 0).sum()),
        "n_down": int((votes[usable] < 0).sum()),
        "families": ";".join(dict.fromkeys(prepared.table["family"][carrying]))
        if called
        else np.nan,
        "false_call_rate": rate,
        "reason": ". ".join(part[:1].upper() + part[1:] for part in parts),
        "status": "not_separable" if explained
        else "called" if called
        else "not_assessable" if not assessed
        else "rule_not_met" if moves
        else "no_change_seen",
        "effect": effect,
        "ci_low": low,
        "ci_high": high,
        "pvalue": p,
        "n_lines": len(line_votes),
        "lines_up": int((line_votes > 0).sum()),
        "lines_down": int((line_votes < 0).sum()),
        "se": se,
        "df": context.evidence.df if assessed else np.nan,
        "adjusted": adjusted,
    }  # fmt: skip


def _tested(decision: rule_of.Decision) -> tuple[Float, Float, Float]:
    return decision.effect, decision.se, decision.p


def _not_assessable(context: Context, pathway: str) -> str:
    table = context.prepared.table
    own = (table["pathway"] == pathway) & (table["role"] == "evidence")
    lost = table[own & ~context.prepared.usable(pathway)]
    missing = "; ".join(f"{name}: {note}" for name, note in lost["note"].items())
    return (
        f"{len(context.prepared.lines(pathway))} of the {context.rule.min_lines} lines of evidence "
        f"needed can be assessed" + (f" ({missing})" if missing else "")
    )


def _not_met(context: Context, i: int, effect: float) -> str:
    """Why lines that move together make no call."""
    decision, rule, k = context.decision, context.rule, context.k
    if abs(effect) < rule.min_effect:
        return f"the change is smaller than the least that is called ({rule.min_effect:g} log2)"
    if decision.agreement[i, k] < rule.min_agreement:
        return "the lines do not agree"
    return f"fewer than {rule.min_lines} lines move by themselves"


def _lines_text(context: Context, i: int) -> str:
    decision, table, k = context.decision, context.prepared.table, context.k
    lines, line_votes = decision.lines[i], decision.line_votes[i][:, k]
    t = context.evidence.tested[decision.pathways[i]].line_t[:, k]

    def named(sign: int) -> str:
        shown = [
            f"{'+'.join(table.index[table['line'] == line])} (t {x:.1f})"
            for line, x, vote in zip(lines, t, line_votes, strict=True)
            if vote == sign
        ]
        return ", ".join(shown)

    up, down = int((line_votes > 0).sum()), int((line_votes < 0).sum())
    text = f"{up} up and {down} down of {len(lines)} lines of evidence"
    if up:
        text += f"; up: {named(1)}"
    if down:
        text += f"; down: {named(-1)}"
    return text


def _beside(
    context: Context, pathway: str, code: int, effect: float
) -> tuple[dict[str, Any] | None, bool, str]:
    """The row of ``adjusted.tsv``, whether a confounder explains the call, and words about it."""
    if pathway not in context.beside:
        return None, False, ""
    found, k, rule = context.beside[pathway], context.k, context.rule
    called = code in (rule_of.ACTIVATED, rule_of.REPRESSED)
    moved = found.moved(code, k, rule) if called else []
    explaining = found.explaining(code, effect, k, rule) if called else []
    other = rule_of.NO_EVIDENCE if explaining else code
    i = context.decision.pathways.index(pathway)
    t = context.evidence.tested[pathway].mean_t[k] if pathway in context.evidence.tested else np.nan
    row = {
        "contrast": context.contrast.contrast,
        "pathway": pathway,
        "call_unadjusted": rule_of.NAMES[code],
        "call_adjusted": rule_of.NAMES[other],
        "confounders": ";".join(found.names),
        "moved": ";".join(found.names[j] for j in moved) or np.nan,
        "strongest_t": abs(float(t)) if called else np.nan,
        "confounder_t": max((abs(float(found.t[j, k])) for j in moved), default=np.nan),
        "separable": "no" if explaining else "yes",
        "effect": float(context.decision.effect[i, k]),
        "confounder": found.names[explaining[0]] if explaining else np.nan,
    }

    def named(positions: list[int]) -> str:
        return ", ".join(
            f"{found.names[j]} (log2 {found.effect[j, k]:+.2f}, t {found.t[j, k]:.1f})"
            for j in positions
        )

    if explaining:
        words = f"not separable from {named(explaining)}, which moves the same way at least as far"
    elif code == rule_of.NOT_ASSESSABLE:
        words = ""
    else:
        changed = [int(j) for j in np.flatnonzero(found.p[:, k] < rule.vote_p)]
        words = f"confounders that also change: {named(changed)}" if changed else ""
    return row, bool(explaining), words


def _rate(calibration: pd.DataFrame, pathway: str) -> tuple[float, float, str, int]:
    rows = calibration[(calibration["pathway"] == pathway) & (calibration["used"] == "yes")]
    if rows.empty:
        return np.nan, np.nan, "", 0
    row = rows.iloc[0]
    words = {"mock_contrasts": "mock contrasts", "simulation": "simulated null contrasts"}
    return (
        float(row["false_call_rate"]),
        float(row["ci_low"]),
        words[str(row["source"])],
        int(row["n_contrasts"]),
    )
