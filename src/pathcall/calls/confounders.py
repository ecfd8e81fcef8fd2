"""Confounders: whether a call can be told apart from what else moves its readouts.

Other pathways and treatments move a pathway's readouts without the pathway: BRAF and MEK
inhibitors those of AKT, glucocorticoids and interferon those of NF-κB. Each declared confounder is
looked at by itself. Its score is made as a readout's (log2 units), without the genes of the
pathway's own evidence. A confounder *explains a call as well* if it moves the same way (its own t
test at `vote_p`), at least `confounder_ratio` times as far, and the pathway's effect does not
remain (at `vote_p`) once the confounder's score is in the design. Effects, not t statistics, are
compared: more samples do not make a confounder larger.

Where a confounder moves with the treatment in every sample, the standard error beside it is large:
the two cannot be told apart in these data, which is the answer. Where the design leaves no degree
of freedom for it, the first two conditions decide.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pathcall.calls.readout_tests import Prepared
from pathcall.signatures import sample_scores as ss
from pathcall.signatures.panel import Panel
from pathcall.signatures.weights import weight_matrix
from pathcall.stats.ebayes import Prior
from pathcall.stats.linear_models import residual_df
from pathcall.study.config import CallsConfig

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]

_UNMODERATED = Prior(np.array(0.0), np.array(1.0))


class Confounders(NamedTuple):
    """Confounders of one pathway, ``confounders × contrasts``.

    `effect`, `t`, `p`: of the confounder's own score; `adjusted_effect`, `adjusted_p`: of the
    pathway with the confounder in the design (NaN where that leaves no degree of freedom).
    """

    names: tuple[str, ...]
    effect: Float
    t: Float
    p: Float
    adjusted_effect: Float
    adjusted_p: Float

    def moved(self, direction: int, k: int, rule: CallsConfig) -> list[int]:
        """Positions of those that move in a direction in contrast `k`."""
        same = (self.p[:, k] < rule.vote_p) & (np.sign(self.effect[:, k]) == direction)
        return [int(i) for i in np.flatnonzero(same)]

    def explaining(self, direction: int, effect: float, k: int, rule: CallsConfig) -> list[int]:
        """Positions of those that explain a call with this effect in contrast `k` as well."""
        return [
            i
            for i in self.moved(direction, k, rule)
            if abs(self.effect[i, k]) >= rule.confounder_ratio * abs(effect)
            and not (
                self.adjusted_p[i, k] < rule.vote_p
                and np.sign(self.adjusted_effect[i, k]) == direction
            )
        ]


def confounder_weights(
    prepared: Prepared, panel: Panel, pathway: str, names: Sequence[str]
) -> tuple[list[str], Float]:
    """Weights of a pathway's confounders over the genes, ``genes × confounders``.

    A confounder is a readout or a gene set of the panel. Genes that belong to an evidence readout
    of the pathway are taken out of it: they cannot speak for both. Confounders that the panel does
    not hold or that have fewer than three genes left are left out, and logged.
    """
    own = {g for r in panel.readouts_of(pathway, role="evidence") for g in r.weights}
    known = {
        r.readout: {g: w * r.expected_direction for g, w in r.weights.items()}
        for r in prepared.readouts
    }
    have = set(prepared.symbols)
    kept: dict[str, dict[str, float]] = {}
    for name in names:
        members = known.get(name)
        if members is None and name in panel.gene_sets:
            members = dict.fromkeys(panel.gene_sets[name].genes, 1.0)
        if members is None:
            logger.warning("%s: confounder %s is not in the panel: left out", pathway, name)
            continue
        left = {g: w for g, w in members.items() if g not in own}
        if len(have & set(left)) < 3:
            logger.info(
                "%s: confounder %s has fewer than 3 measured genes of its own: left out",
                pathway, name,
            )  # fmt: skip
            continue
        kept[name] = left
    weights, found = weight_matrix(kept, prepared.symbols)
    return found, weights


def look_beside(
    prepared: Prepared, panel: Panel, pathway: str, names: Sequence[str], contrasts: Float
) -> Confounders | None:
    """Test a pathway's confounders, and the pathway beside each; None where there are none.

    Parameters
    ----------
    contrasts
        ``coefficients × contrasts``.
    """
    found, weights = confounder_weights(prepared, panel, pathway, names)
    design = prepared.design
    lines = prepared.lines(pathway)
    if not found or not lines or residual_df(design) < 1:
        return None
    scores = prepared.readout_scores(weights)
    readouts = prepared.readout_scores()
    own = np.mean([readouts[:, at].mean(axis=1) for at in lines.values()], axis=0)[:, None]
    alone = ss.test_scores(scores, design, contrasts, prior=_UNMODERATED)
    shape = alone.effect.shape
    effect, p = np.full(shape, np.nan), np.full(shape, np.nan)
    padded = np.vstack([contrasts, np.zeros((1, contrasts.shape[1]))])
    for i, score in enumerate(scores.T):
        beside = np.column_stack([design, score - score.mean()])
        if residual_df(beside) >= 1:
            made = ss.test_scores(own, beside, padded, prior=_UNMODERATED)
            effect[i], p[i] = made.effect[0], made.p[0]
    return Confounders(tuple(found), alone.effect, alone.t, alone.p, effect, p)
