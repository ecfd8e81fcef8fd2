"""The rule: from what the lines of evidence say to a call for each pathway and contrast.

One rule for every pathway, its numbers in the config (`pathcall.study.config.CallsConfig`); in
words and formulas in ``docs/method.md``. `decide` is vectorised over contrasts and serves real,
mock and simulated contrasts alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pathcall.calls.readout_tests import Evidence, Prepared
from pathcall.calls.rotation import JointTest
from pathcall.stats.ebayes import two_sided
from pathcall.study.config import CallsConfig

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

ACTIVATED, REPRESSED, CONFLICTING, NO_EVIDENCE, NOT_ASSESSABLE = 1, -1, 2, 0, 3
NAMES = {
    ACTIVATED: "activated",
    REPRESSED: "repressed",
    CONFLICTING: "conflicting",
    NO_EVIDENCE: "no_evidence",
    NOT_ASSESSABLE: "not_assessable",
}


@dataclass(frozen=True)
class Decision:
    """Calls and what they rest on, ``pathways × contrasts`` unless said otherwise.

    Attributes
    ----------
    pathways
        Names, in the order of the panel.
    call
        Codes of `NAMES`.
    p, effect, se
        Test of the lines; mean of the lines in log2 units and its standard error. NaN where the
        pathway cannot be assessed.
    agreement
        Share of the lines' |t| that points in the direction of the test.
    votes
        −1, 0, +1, ``readouts × contrasts`` (all readouts of the panel).
    lines
        Names of the lines of evidence that can be assessed, by pathway.
    line_votes
        By pathway: ``lines × contrasts``.
    """

    pathways: tuple[str, ...]
    call: Int
    p: Float = field(repr=False)
    effect: Float = field(repr=False)
    se: Float = field(repr=False)
    agreement: Float = field(repr=False)
    votes: Int = field(repr=False)
    lines: tuple[tuple[str, ...], ...] = field(repr=False)
    line_votes: tuple[Int, ...] = field(repr=False)


def vote(t: Float, df: int, rule: CallsConfig) -> Int:
    """−1 or +1, the sign of t, where its two-sided p is below `vote_p`; else 0."""
    with np.errstate(invalid="ignore"):
        significant = two_sided(t, df) < rule.vote_p
    return np.where(significant, np.sign(np.nan_to_num(t)), 0).astype(np.int64)


def agreement_of(tested: JointTest) -> Float:
    """Share of the lines' strength, |t|, that points in the direction of the test."""
    size = np.abs(tested.line_t)
    same = np.sign(tested.line_t) == tested.direction
    return np.asarray((size * same).sum(axis=0) / np.maximum(size.sum(axis=0), 1e-300))


def moves(tested: JointTest, df: int, rule: CallsConfig) -> Bool:
    """Whether a contrast meets all conditions of a call but that on the p of the lines together."""
    own = vote(tested.line_t, df, rule)
    return np.asarray(
        ((own == tested.direction).sum(axis=0) >= rule.min_lines)
        & (agreement_of(tested) >= rule.min_agreement)
        & (tested.effect * tested.direction >= rule.min_effect)
    )


def decide(prepared: Prepared, evidence: Evidence, rule: CallsConfig) -> Decision:
    """Apply the rule to the evidence of many contrasts.

    `activated`, where the test of the lines points up: its p is below `call_p`, at least
    `min_lines` lines vote up by themselves, at least `min_agreement` of the lines' strength (|t|)
    points up, and their mean effect is at least `min_effect`. `repressed` likewise. `conflicting`
    if neither, `min_lines` lines vote one way and at least one the other; else `no_evidence`;
    `not_assessable` if fewer than `min_lines` lines can be assessed or no residual degree of
    freedom is left.
    """
    votes = vote(evidence.t, evidence.df, rule)
    votes[~prepared.table["assessable"].to_numpy(dtype=bool)] = 0
    pathways = prepared.pathways
    k = votes.shape[1]
    call = np.full((len(pathways), k), NOT_ASSESSABLE)
    p, effect, se, agreement = (np.full(call.shape, np.nan) for _ in range(4))
    lines = tuple(tuple(prepared.lines(pathway)) for pathway in pathways)
    line_votes: list[Int] = []
    for i, pathway in enumerate(pathways):
        tested = evidence.tested.get(pathway)
        if tested is None:
            line_votes.append(np.zeros((len(lines[i]), k), dtype=np.int64))
            continue
        own = vote(tested.line_t, evidence.df, rule)
        line_votes.append(own)
        p[i], effect[i], se[i] = tested.p, tested.effect, tested.se
        agreement[i] = agreement_of(tested)
        with np.errstate(invalid="ignore"):
            met = (tested.p < rule.call_p) & moves(tested, evidence.df, rule)
        up, down = (own > 0).sum(axis=0), (own < 0).sum(axis=0)
        # A vote each way happens by chance; a conflict takes as many lines as a call would.
        divided = (np.maximum(up, down) >= rule.min_lines) & (np.minimum(up, down) > 0)
        call[i] = np.where(met, tested.direction, np.where(divided, CONFLICTING, NO_EVIDENCE))
    return Decision(pathways, call, p, effect, se, agreement, votes, lines, tuple(line_votes))
