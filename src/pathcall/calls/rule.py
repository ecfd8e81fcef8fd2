"""The rule: from what the readouts say to a call for each pathway and contrast.

One rule for every pathway, its numbers in the config (`pathcall.study.config.CallsConfig`); in
words and formulas in ``docs/method.md``. `decide` is vectorised over contrasts and
serves real, mock and simulated contrasts alike.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import special

from pathcall.calls.readout_tests import Prepared, Stats
from pathcall.study.config import CallsConfig

logger = logging.getLogger(__name__)

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
    votes
        −1, 0, +1, ``readouts × contrasts`` (all readouts of the panel).
    lines
        Names of the lines of evidence that can be assessed, by pathway.
    line_votes
        By pathway: ``lines × contrasts``; only independent votes are not 0.
    n_up, n_down
        Evidence readouts that vote for activated and repressed.
    joint_p
        Selection-corrected p of the voting readouts together; NaN where too few lines vote.
    """

    pathways: tuple[str, ...]
    call: Int
    votes: Int = field(repr=False)
    lines: tuple[tuple[str, ...], ...] = field(repr=False)
    line_votes: tuple[Int, ...] = field(repr=False)
    n_up: Int = field(repr=False)
    n_down: Int = field(repr=False)
    joint_p: Float = field(repr=False)


def vote(stats: Stats, assessable: Bool, single: Bool, rule: CallsConfig) -> Int:
    """Vote of each readout, ``readouts × contrasts``.

    +1 or −1, the sign of its sample-score effect, where sample scores, competitive test and random
    signatures are all below `vote_p` and the first two agree in sign; else 0. A readout of one gene
    (`single`) has the gene's FDR among all genes for the latter two.
    """
    sign = np.sign(stats.gate_t)
    with np.errstate(invalid="ignore"):
        agreed = (
            (stats.gate_p < rule.vote_p)
            & (stats.z_p < rule.vote_p)
            & (np.sign(stats.z) == sign)
            & ((stats.random_p < rule.vote_p) | single[:, None])
        )
    return np.where(agreed & assessable[:, None], sign, 0).astype(np.int64)


def decide(prepared: Prepared, stats: Stats, rule: CallsConfig) -> Decision:
    """Apply the rule to statistics of many contrasts.

    A line of evidence votes if one of its readouts does and none the other way. A line that shares
    genes with smaller readouts must also move, in that direction, without them. Then, with U lines
    up: `activated` if U ≥ `min_lines`, they come from `min_families` families, at least
    `min_agreement` of the voting lines' strength (|t|) points up, and the sample scores of the
    voting readouts taken together move up with p < `call_p`, corrected for having chosen them;
    `repressed` likewise; `conflicting` if neither, `min_lines` lines vote one way and at least one
    the other; else `no_evidence`; `not_assessable` if fewer than `min_lines` lines can be assessed.
    """
    table = prepared.table
    votes = vote(stats, table["assessable"].to_numpy(), table["single"].to_numpy(), rule)
    evidence = (table["role"] == "evidence").to_numpy()
    pathways = prepared.pathways
    k = votes.shape[1]
    calls = np.zeros((len(pathways), k), dtype=np.int64)
    ups, downs = np.zeros_like(calls), np.zeros_like(calls)
    joint_p = np.full((len(pathways), k), np.nan)
    lines_of: list[tuple[str, ...]] = []
    votes_of: list[Int] = []
    moves_alone = _moves_alone(prepared, stats, rule)
    for i, pathway in enumerate(pathways):
        own = evidence & (table["pathway"] == pathway).to_numpy()
        usable = own & table["assessable"].to_numpy()
        lines = tuple(dict.fromkeys(table["line"][usable]))
        line_of = np.array([lines.index(x) if x in lines else -1 for x in table["line"]])
        needed = min(rule.min_families, table["family"][own].nunique())
        line_votes = np.zeros((len(lines), k), dtype=np.int64)
        families: dict[tuple[str, int], Bool] = {}
        others = {1: np.zeros(k, dtype=bool), -1: np.zeros(k, dtype=bool)}
        for j, line in enumerate(lines):
            members = np.flatnonzero(usable & (table["line"] == line).to_numpy())
            up, down = (votes[members] > 0).any(axis=0), (votes[members] < 0).any(axis=0)
            for sign, this, that in ((1, up, down), (-1, down, up)):
                alone = ((votes[members] == sign) & (moves_alone[members] == sign)).any(axis=0)
                counts = this & ~that & alone
                line_votes[j, counts] = sign
                for m in members:
                    hit = counts & (votes[m] == sign)
                    key = (str(table["family"].iloc[m]), sign)
                    families[key] = families.get(key, np.zeros(k, dtype=bool)) | hit
                    if table.index[m] not in rule.never_alone:
                        others[sign] |= hit
        n_up, n_down = (line_votes > 0).sum(axis=0), (line_votes < 0).sum(axis=0)
        strength = _line_strength(stats, votes, usable, line_of, line_votes)
        total = np.maximum(strength.sum(axis=0), 1e-300)
        # A vote each way happens by chance; a conflict takes as many lines as a call would.
        divided = (np.maximum(n_up, n_down) >= rule.min_lines) & (np.minimum(n_up, n_down) > 0)
        call = np.where(divided, CONFLICTING, NO_EVIDENCE)
        for sign, count in ((1, n_up), (-1, n_down)):
            n_families = sum(
                (hit.astype(np.int64) for (_, s), hit in families.items() if s == sign),
                np.zeros(k, dtype=np.int64),
            )
            made = (
                (count >= rule.min_lines)
                & (n_families >= needed)
                & ((strength * (line_votes == sign)).sum(axis=0) / total >= rule.min_agreement)
                & others[sign]
            )
            if made.any():
                p_joint = _joint_p(stats, votes, usable, line_of, line_votes, sign)
                made &= p_joint < rule.call_p
                joint_p[i] = np.where(made | (count >= rule.min_lines), p_joint, joint_p[i])
            call = np.where(made, sign, call)
        if len(lines) < rule.min_lines:
            call = np.full(k, NOT_ASSESSABLE)
        calls[i] = call
        ups[i] = (votes[usable] > 0).sum(axis=0)
        downs[i] = (votes[usable] < 0).sum(axis=0)
        lines_of.append(lines)
        votes_of.append(line_votes)
    return Decision(pathways, calls, votes, tuple(lines_of), tuple(votes_of), ups, downs, joint_p)


def _line_strength(stats: Stats, votes: Int, usable: Bool, line_of: Int, line_votes: Int) -> Float:
    """Largest |t| among the voting readouts of each line, 0 for lines that do not vote."""
    made = np.zeros(line_votes.shape)
    for line in range(len(line_votes)):
        members = np.flatnonzero(usable & (line_of == line))
        same = votes[members] == line_votes[line]
        made[line] = np.where(same, np.abs(stats.gate_t[members]), 0.0).max(axis=0)
    return np.where(line_votes != 0, made, 0.0)


def _joint_p(
    stats: Stats, votes: Int, usable: Bool, line_of: Int, line_votes: Int, sign: int
) -> Float:
    """Selection-corrected p of the voting readouts' sample scores taken together.

    The readouts of a line are averaged, the lines summed; Bonferroni over the sets of as many
    readouts that could have voted.
    """
    chosen = np.zeros(votes.shape)
    for line in range(len(line_votes)):
        members = np.flatnonzero(usable & (line_of == line))
        voting = (votes[members] == sign) & (line_votes[line] == sign)
        chosen[members] = voting / np.maximum(voting.sum(axis=0), 1)
    t, p = stats.joint.test(chosen)
    ways = special.comb(int(usable.sum()), (chosen > 0).sum(axis=0))
    return np.where(np.sign(t) == sign, np.minimum(p * ways, 1.0), 1.0)


def _moves_alone(prepared: Prepared, stats: Stats, rule: CallsConfig) -> Int:
    """Direction in which each readout moves without the genes left to smaller readouts, or 0."""
    table = prepared.table
    shares = (table["n_exclusive"] < table["n_genes"]).to_numpy()[:, None]
    enough = (table["n_exclusive"] >= rule.min_genes).to_numpy()[:, None]
    sign = np.sign(stats.exclusive_t)
    with np.errstate(invalid="ignore"):
        alone = np.where(enough & (stats.exclusive_p < rule.vote_p), sign, 0)
    return np.where(shares, alone, np.sign(stats.gate_t)).astype(np.int64)
