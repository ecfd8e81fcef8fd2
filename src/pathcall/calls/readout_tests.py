"""The panel laid over a model's genes, and what its readouts and lines say in many contrasts.

The same code serves real contrasts, mock contrasts and simulated data, so that the false-call rate
is that of the rule that makes the calls. All statistics point towards the pathway: they are
multiplied by the readout's expected direction.

Readouts of one pathway that share genes are not two observations. Those alike beyond a Jaccard
index (`same_line_jaccard`) form one *line of evidence*. Genes that lines share need no further
care: the test (`pathcall.calls.rotation`) takes correlation between lines as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.calls.rotation import (
    JointTest,
    Line,
    Samples,
    Space,
    random_directions,
    rotation_test,
    score,
)
from pathcall.deseq.fitted import FittedModel
from pathcall.signatures import sample_scores as ss
from pathcall.signatures.panel import Panel, Readout
from pathcall.signatures.weights import genes_by_symbol, weight_matrix
from pathcall.stats.ebayes import squeeze
from pathcall.stats.linear_models import residual_df
from pathcall.study.config import CallsConfig

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Prepared:
    """The panel laid over the genes of one model. What takes long is found when it is asked for.

    Genes are those with a symbol, one for each (`pathcall.signatures.weights.genes_by_symbol`).

    Attributes
    ----------
    readouts
        All readouts of the panel, in its order.
    table
        One row a readout (index: readout): pathway, family, role, direction, n_genes, size,
        coverage, assessable, note, line.
    columns
        Positions of the genes among the model's.
    symbols
        Their symbols.
    design
        The model's design, ``samples × coefficients``.
    vst
        VST values, ``samples × genes``.
    weights
        Weights of the readouts towards their pathways, ``genes × readouts``.
    panel
        The signatures.
    """

    readouts: tuple[Readout, ...]
    table: pd.DataFrame
    columns: Int = field(repr=False)
    symbols: tuple[str, ...] = field(repr=False)
    design: Float = field(repr=False)
    vst: Float = field(repr=False)
    weights: Float = field(repr=False)
    panel: Panel = field(repr=False)

    @property
    def names(self) -> list[str]:
        """Names of the readouts."""
        return [r.readout for r in self.readouts]

    @property
    def n(self) -> int:
        """Number of readouts."""
        return len(self.readouts)

    @property
    def pathways(self) -> tuple[str, ...]:
        """Pathways with evidence readouts, in the order of the panel."""
        table = self.table
        return tuple(dict.fromkeys(table["pathway"][table["role"] == "evidence"]))

    @property
    def residual_df(self) -> int:
        """Samples less the rank of the design."""
        return residual_df(self.design)

    def usable(self, pathway: str) -> Bool:
        """Evidence readouts of a pathway that can be assessed."""
        table = self.table
        own = (table["pathway"] == pathway) & (table["role"] == "evidence") & table["assessable"]
        return np.asarray(own.to_numpy(dtype=bool))

    def lines(self, pathway: str) -> dict[str, Int]:
        """Lines of evidence of a pathway that can be assessed → positions of their readouts."""
        usable = self.usable(pathway)
        names = self.table["line"].to_numpy()
        return {
            str(line): np.flatnonzero(usable & (names == line))
            for line in dict.fromkeys(names[usable])
        }

    def readout_scores(self, weights: Float | None = None) -> Float:
        """Score of each sample by signatures, log2 units: ``samples × signatures``.

        The mean over the genes, each weighted by its published weight over its moderated residual
        standard deviation, less the mean of all genes of the sample.

        Parameters
        ----------
        weights
            ``genes × signatures``; the readouts' by default, towards their pathways.
        """
        weights = self.weights if weights is None else weights
        samples = self.samples
        df = self.residual_df
        sd = np.sqrt(squeeze(samples.square / df, df).variance) if df else np.ones(len(weights))
        scaled = weights / sd[:, None]
        total = np.abs(scaled).sum(axis=0)
        return np.asarray(samples.centred @ (scaled / np.where(total > 0, total, 1.0)))

    @cached_property
    def samples(self) -> Samples:
        """The samples, as all tests of the readouts see them."""
        return Samples(self.vst, self.design, np.flatnonzero(self.weights.any(axis=1)))

    def further_scores(self) -> Float:
        """Scores of the further signatures, ``samples × further``, in residual SDs of a gene."""
        return np.asarray(ss.standardise(self.vst, self.design) @ self._further[1])

    @property
    def further(self) -> tuple[str, ...]:
        """Further signatures: gene sets and footprints (``model:pathway``) of the panel."""
        return self._further[0]

    @cached_property
    def _further(self) -> tuple[tuple[str, ...], Float]:
        """Names of the further signatures, and weights of unit length, ``genes × further``."""
        sets = {s.name: dict.fromkeys(s.genes, 1.0) for s in self.panel.gene_sets.values()}
        weights, found = weight_matrix(sets, self.symbols)
        names, parts = list(found), [ss.unit_weights(weights)]
        for name, rows in self.panel.footprints.groupby("model", sort=True):
            named = {
                str(pathway): dict(zip(group["gene"], group["weight"], strict=True))
                for pathway, group in rows.groupby("pathway", sort=True)
            }
            weights, listed = weight_matrix(named, self.symbols)
            measured = (weights != 0).any(axis=0)
            names += [f"{name}:{p}" for p, ok in zip(listed, measured, strict=True) if ok]
            parts.append(ss.joint_weights(weights[:, measured]))
        return tuple(names), np.hstack(parts)


@dataclass(frozen=True)
class Evidence:
    """What readouts and lines say, towards the pathway.

    Attributes
    ----------
    df
        Residual degrees of freedom.
    effect, se, t
        Sample scores of each readout, log2 units: ``readouts × contrasts``.
    tested
        Pathway → test of its lines; pathways with fewer than `min_lines` lines are left out.
    """

    df: int
    effect: Float = field(repr=False)
    se: Float = field(repr=False)
    t: Float = field(repr=False)
    tested: Mapping[str, JointTest] = field(repr=False)


def prepare(panel: Panel, model: FittedModel, rule: CallsConfig) -> Prepared:
    """Lay the panel over the genes of a model: weights, coverage, lines of evidence."""
    kept = genes_by_symbol(model.symbols, model.base_mean)
    columns = model.vst.columns.get_indexer(kept.index)
    symbols = tuple(str(s) for s in kept)
    readouts = panel.readouts
    raw, _ = weight_matrix({r.readout: r.weights for r in readouts}, symbols)
    return Prepared(
        readouts=readouts,
        table=_readout_table(readouts, raw, rule),
        columns=np.asarray(columns),
        symbols=symbols,
        design=model.design.to_numpy(dtype=float),
        vst=model.vst.to_numpy(dtype=float)[:, columns],
        weights=raw * np.array([float(r.expected_direction) for r in readouts]),
        panel=panel,
    )


def _readout_table(readouts: Sequence[Readout], raw: Float, rule: CallsConfig) -> pd.DataFrame:
    lines = lines_of_evidence(readouts, rule.same_line_jaccard)
    measured = (raw != 0).sum(axis=0)
    size = np.array([len(r.weights) for r in readouts])
    coverage = measured / np.maximum(size, 1)
    enough = (measured >= rule.min_genes) | ((size == 1) & (measured == 1))
    why = [
        "" if some and share >= rule.min_coverage else f"{m} of {s} genes measured: not assessed"
        for some, share, m, s in zip(enough, coverage, measured, size, strict=True)
    ]
    return pd.DataFrame(
        {
            "pathway": [r.pathway for r in readouts],
            "family": [r.family for r in readouts],
            "role": [r.role for r in readouts],
            "direction": [r.expected_direction for r in readouts],
            "n_genes": measured,
            "size": size,
            "coverage": coverage,
            "assessable": [not w for w in why],
            "note": why,
            "line": [lines.get(r.readout, r.readout) for r in readouts],
        },
        index=pd.Index([r.readout for r in readouts], name="readout"),
    )


def lines_of_evidence(readouts: Sequence[Readout], jaccard: float) -> dict[str, str]:
    """Evidence readout → its line: readouts of one pathway alike beyond `jaccard` form one.

    Single linkage. A line of one readout bears the readout's name, a larger one the names joined
    by ``+``. Uses all genes of the readouts, measured or not, so that lines do not depend on the
    data.
    """
    lines: dict[str, str] = {}
    for pathway in dict.fromkeys(r.pathway for r in readouts):
        own = [r for r in readouts if r.pathway == pathway and r.role == "evidence"]
        label = list(range(len(own)))
        genes = [set(r.weights) for r in own]
        for i in range(len(own)):
            for j in range(i):
                shared = len(genes[i] & genes[j])
                if shared and shared / len(genes[i] | genes[j]) >= jaccard:
                    old, new = max(label[i], label[j]), min(label[i], label[j])
                    label = [new if x == old else x for x in label]
        for group in dict.fromkeys(label):
            members = [r.readout for r, x in zip(own, label, strict=True) if x == group]
            lines |= dict.fromkeys(members, "+".join(members))
    return lines


def contrast_evidence(
    prepared: Prepared,
    contrasts: Float,
    rule: CallsConfig,
    *,
    seed: int,
    rotations: int | None = None,
    used: Bool | None = None,
    needed: Callable[[JointTest, int], Bool] | None = None,
) -> Evidence:
    """Evidence of contrasts of the model.

    Parameters
    ----------
    contrasts
        ``coefficients × contrasts``.
    seed
        Seed of the rotations.
    rotations
        Their number, if not that of the rule.
    used
        Genes that a contrast uses, ``genes × contrasts``; all by default.
    needed
        Of a test and its degrees of freedom, whether its p is needed; by default it always is.
    """
    n = rotations or rule.rotations
    found = []
    for k, contrast in enumerate(contrasts.T):
        space = prepared.samples.contrast(contrast)
        own = None if used is None else used[:, k]
        found.append(
            space_evidence(prepared, space, rule, seed=seed, rotations=n, used=own, needed=needed)
        )
    return stacked(found)


def mock_evidence(prepared: Prepared, columns: Float, rule: CallsConfig, *, seed: int) -> Evidence:
    """Evidence of mock contrasts, ``samples × mocks``, each put alone into the design."""
    space = prepared.samples.added(columns)
    return space_evidence(prepared, space, rule, seed=seed, rotations=rule.rotations)


def stacked(parts: Sequence[Evidence]) -> Evidence:
    """Evidence of several contrasts, side by side."""
    return Evidence(
        parts[0].df,
        np.hstack([p.effect for p in parts]),
        np.hstack([p.se for p in parts]),
        np.hstack([p.t for p in parts]),
        {
            pathway: JointTest(
                *(
                    np.concatenate([getattr(p.tested[pathway], name) for p in parts], axis=-1)
                    for name in JointTest._fields
                )
            )
            for pathway in parts[0].tested
        },
    )


def space_evidence(
    prepared: Prepared,
    space: Space,
    rule: CallsConfig,
    *,
    seed: int,
    rotations: int,
    used: Bool | None = None,
    needed: Callable[[JointTest, int], Bool] | None = None,
) -> Evidence:
    """Evidence of the contrasts of one space of `prepared.samples`; as `contrast_evidence`.

    Parameters
    ----------
    used
        Genes that are used, ``genes``.
    """
    weights = prepared.weights if used is None else prepared.weights * used[:, None]
    weights = weights[prepared.samples.rows]
    if space.df < 1:
        nan = np.full((prepared.n, len(space.observed)), np.nan)
        return Evidence(space.df, nan, nan, nan, {})
    scores = score(space, [Line.of(space.values, column[:, None]) for column in weights.T])
    random = random_directions(rotations, space.df + 1, seed)
    tested = {}
    for pathway in prepared.pathways:
        lines = prepared.lines(pathway)
        if len(lines) >= rule.min_lines:
            tested[pathway] = rotation_test(
                space,
                [Line.of(space.values, weights[:, at]) for at in lines.values()],
                random,
                min_lines=rule.min_lines,
                needed=None if needed is None else lambda made: needed(made, space.df),
            )
    return Evidence(
        space.df,
        scores.effect[:-1] * space.unscaled,
        scores.sd(space.df)[:-1] * space.unscaled,
        scores.t(space.df)[:-1],
        tested,
    )
