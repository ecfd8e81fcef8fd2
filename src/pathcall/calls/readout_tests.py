"""What each readout of the panel says, by three kinds of test, for many contrasts at once.

The same code serves real contrasts, mock contrasts and simulated data, so that the false-call rate
is that of the rule that makes the calls. All statistics point towards the pathway: they are
multiplied by the readout's expected direction.

* *sample scores* (`pathcall.signatures.sample_scores`): the gate; samples are the replicates;
* *competitive*, on genes: the readout's genes against all others, with the variance inflation of
  correlated genes (`pathcall.enrichment.camera`; for footprints all pathways of the model at once,
  `pathcall.enrichment.mlm`); for a readout of one gene, the gene's own test and its FDR;
* *random signatures*: the weighted sum of the gene statistics among those of signatures with the
  same weights on random genes of like expression.

Readouts of one pathway that share genes are not independent. Those alike beyond a Jaccard index
(`same_line_jaccard`) form one *line of evidence*. What further overlap there is between lines is
removed: every shared gene is left to the smallest readout that holds it, and a line counts as
independent only if it still moves without the genes it gave up (`exclusive`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from pathcall.deseq.fitted import FittedModel
from pathcall.enrichment import camera
from pathcall.enrichment import mlm as footprints
from pathcall.signatures import sample_scores as ss
from pathcall.signatures.panel import Panel, Readout
from pathcall.signatures.weights import genes_by_symbol, weight_matrix
from pathcall.stats.ebayes import fit_prior, squeeze, two_sided
from pathcall.stats.linear_models import residual_df, residuals_of
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.stats.tails import two_sided_p
from pathcall.study.config import CallsConfig

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

EXPRESSION_BINS = 20
TINY = 1e-300


@dataclass(frozen=True)
class Prepared:
    """The panel laid over the genes of one model.

    Genes are those with a symbol, one for each (`pathcall.signatures.weights.genes_by_symbol`).

    Attributes
    ----------
    readouts
        All readouts of the panel, in its order.
    table
        One row a readout (index: readout): pathway, family, role, direction, n_genes, size,
        coverage, single, n_exclusive, assessable, note, line.
    columns
        Positions of the genes among the model's.
    symbols
        Their symbols.
    design
        The model's design, ``samples × coefficients``.
    vst
        VST values, ``samples × genes``.
    raw
        Weights of the readouts, ``genes × readouts``.
    footprint_raw
        Footprint model → its pathways and weights, ``genes × pathways``.
    rivals
        Position of a footprint readout → its model and the pathways it is fitted jointly with.
    unit
        Weights of the sample scores of readouts, of their exclusive versions, and of `further`
        signatures, side by side: ``genes × (2 readouts + further)``, unit length.
    further
        Names of the further signatures: gene sets and footprints of the panel.
    bins
        Expression bin of each gene.
    """

    readouts: tuple[Readout, ...]
    table: pd.DataFrame
    columns: Int = field(repr=False)
    symbols: tuple[str, ...] = field(repr=False)
    design: Float = field(repr=False)
    vst: Float = field(repr=False)
    raw: Float = field(repr=False)
    footprint_raw: Mapping[str, tuple[tuple[str, ...], Float]] = field(repr=False)
    rivals: Mapping[int, tuple[str, tuple[str, ...]]] = field(repr=False)
    unit: Float = field(repr=False)
    further: tuple[str, ...] = field(repr=False)
    bins: Int = field(repr=False)

    @property
    def names(self) -> list[str]:
        """Names of the readouts."""
        return [r.readout for r in self.readouts]

    @property
    def n(self) -> int:
        """Number of readouts."""
        return len(self.readouts)

    @property
    def direction(self) -> Float:
        """Expected direction of each readout."""
        return np.array([float(r.expected_direction) for r in self.readouts])

    @property
    def pathways(self) -> tuple[str, ...]:
        """Pathways with evidence readouts, in the order of the panel."""
        table = self.table
        return tuple(dict.fromkeys(table["pathway"][table["role"] == "evidence"]))

    @property
    def residual_df(self) -> int:
        """Samples less the rank of the design."""
        return residual_df(self.design)

    def scores(self, vst: Float | None = None) -> Float:
        """Scores of every column of `unit` in each sample, ``samples × (2 readouts + further)``."""
        vst = self.vst if vst is None else vst
        return np.asarray(ss.standardise(vst, self.design) @ self.unit)


class Joint(NamedTuple):
    """Sample scores in units of their residual SD, to test any weighted sum of them.

    `effect`: ``readouts × contrasts``, towards the pathway; `covariance`: residual covariance of
    the scaled scores, ``contrasts × readouts × readouts`` (one for all contrasts of a design:
    ``1 × …``); `unscaled`: standard error of a score of unit variance, per contrast; `df`:
    residual degrees of freedom; `prior_df`: of the prior, whose scale is 1.
    """

    effect: Float
    covariance: Float
    unscaled: Float
    df: float
    prior_df: Float

    def test(self, weights: Float) -> tuple[Float, Float]:
        """Moderated t and two-sided p of the sum with ``readouts × contrasts`` weights.

        The weights of a contrast are scaled to unit length; t is 0 where all are 0.
        """
        norm = np.sqrt((weights**2).sum(axis=0))
        unit = np.divide(weights, norm, out=np.zeros_like(weights), where=norm > 0)
        effect = (unit * self.effect).sum(axis=0)
        covariance = np.broadcast_to(
            self.covariance, (weights.shape[1], *self.covariance.shape[1:])
        )
        variance = np.einsum("rk,krs,sk->k", unit, covariance, unit, optimize=True)
        d0 = np.broadcast_to(self.prior_df, variance.shape)
        finite = np.isfinite(d0)
        safe = np.where(finite, d0, 1.0)
        shrunk = np.where(finite, (safe + self.df * variance) / (safe + self.df), 1.0)
        t = effect / np.sqrt(shrunk) / self.unscaled
        return t, two_sided(t, np.where(finite, safe + self.df, 1e9))


class Stats(NamedTuple):
    """Statistics of ``readouts × contrasts``, all towards the pathway.

    `effect`, `gate_se`, `gate_df`, `gate_t`, `gate_p`: sample scores; `exclusive_t`,
    `exclusive_p`: sample scores without shared genes; `z`, `z_p`: competitive; `random_p`: rank
    among random signatures; `joint`: what the test of several readouts together needs.
    """

    effect: Float
    gate_se: Float
    gate_df: Float
    gate_t: Float
    gate_p: Float
    exclusive_t: Float
    exclusive_p: Float
    z: Float
    z_p: Float
    random_p: Float
    joint: Joint


def prepare(panel: Panel, model: FittedModel, rule: CallsConfig) -> Prepared:
    """Lay the panel over the genes of a model: weights, coverage, lines of evidence."""
    kept = genes_by_symbol(model.symbols, model.base_mean)
    columns = model.vst.columns.get_indexer(kept.index)
    symbols = tuple(str(s) for s in kept)
    have = set(symbols)
    readouts = panel.readouts
    raw, _ = weight_matrix({r.readout: r.weights for r in readouts}, symbols)
    footprint_raw: dict[str, tuple[tuple[str, ...], Float]] = {}
    joint: dict[tuple[str, str], Float] = {}
    for name, rows in panel.footprints.groupby("model", sort=True):
        named = {
            str(pathway): dict(zip(group["gene"], group["weight"], strict=True))
            for pathway, group in rows.groupby("pathway", sort=True)
        }
        weights, listed = weight_matrix(named, symbols)
        measured = (weights != 0).any(axis=0)
        weights = weights[:, measured]
        kept_names = [p for p, ok in zip(listed, measured, strict=True) if ok]
        footprint_raw[str(name)] = (tuple(kept_names), weights)
        solved = ss.joint_weights(weights)
        joint |= {(str(name), p): solved[:, i] for i, p in enumerate(kept_names)}
    unit = ss.unit_weights(raw)
    lines = lines_of_evidence(readouts, rule.same_line_jaccard)
    rivals = footprint_rivals(readouts, lines, footprint_raw)
    for i, (name, beside) in rivals.items():
        pathways, weights = footprint_raw[name]
        at = beside.index(readouts[i].key)
        chosen = weights[:, [pathways.index(p) for p in beside]]
        unit[:, i] = ss.joint_weights(chosen)[:, at]
    own = exclusive_genes(readouts, lines)
    exclusive = unit.copy()
    row = {symbol: i for i, symbol in enumerate(symbols)}
    for i, readout in enumerate(readouts):
        given = sorted(set(readout.weights) - own.get(readout.readout, set(readout.weights)))
        rows = [row[g] for g in given if g in row]
        if rows:
            exclusive[rows, i] = 0.0
            exclusive[:, [i]] = ss.unit_weights(exclusive[:, [i]])
    sets = {s.name: dict.fromkeys(s.genes, 1.0) for s in panel.gene_sets.values()}
    set_raw, set_names = weight_matrix(sets, symbols)
    further = [*set_names, *(f"{m}:{p}" for m, p in joint)]
    parts = [unit, exclusive, ss.unit_weights(set_raw), *(w[:, None] for w in joint.values())]
    n_genes = len(symbols)
    order = model.base_mean.reindex(kept.index).rank(method="first").to_numpy()
    bins = ((order - 1) * EXPRESSION_BINS // n_genes).astype(np.int64)
    return Prepared(
        readouts=readouts,
        table=_readout_table(readouts, raw, lines, own, have, rule),
        columns=np.asarray(columns),
        symbols=symbols,
        design=model.design.to_numpy(dtype=float),
        vst=model.vst.to_numpy(dtype=float)[:, columns],
        raw=raw,
        footprint_raw=footprint_raw,
        rivals=rivals,
        unit=np.hstack(parts),
        further=tuple(further),
        bins=bins,
    )


def footprint_rivals(
    readouts: Sequence[Readout],
    lines: Mapping[str, str],
    footprint_raw: Mapping[str, tuple[tuple[str, ...], Float]],
) -> dict[int, tuple[str, tuple[str, ...]]]:
    """Position of each measured footprint readout → model, and the pathways fitted beside it.

    All pathways of the model, so that one does not leak into another, but those of the readout's
    own line of evidence: two readings of one thing must not explain each other away.
    """
    made: dict[int, tuple[str, tuple[str, ...]]] = {}
    for i, readout in enumerate(readouts):
        if readout.family != "footprint":
            continue
        line = lines.get(readout.readout)
        kin = {
            r.key
            for r in readouts
            if line is not None and lines.get(r.readout) == line and r.key != readout.key
        }
        for name, (pathways, _) in footprint_raw.items():
            if readout.key in pathways:
                made[i] = (name, tuple(p for p in pathways if p not in kin))
    return made


def _readout_table(
    readouts: Sequence[Readout],
    raw: Float,
    lines: Mapping[str, str],
    own: Mapping[str, set[str]],
    have: set[str],
    rule: CallsConfig,
) -> pd.DataFrame:
    measured = (raw != 0).sum(axis=0)
    size = np.array([len(r.weights) for r in readouts])
    coverage = measured / np.maximum(size, 1)
    single = size == 1
    enough = (measured >= rule.min_genes) | (single & (measured == 1))
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
            "single": single,
            "n_exclusive": [len(own.get(r.readout, set(r.weights)) & have) for r in readouts],
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


def exclusive_genes(readouts: Sequence[Readout], lines: Mapping[str, str]) -> dict[str, set[str]]:
    """Evidence readout → its genes but those left to a smaller readout of another line.

    Within a pathway. Ties in size go to the readout that stands first in the panel.
    """
    kept: dict[str, set[str]] = {}
    for pathway in dict.fromkeys(r.pathway for r in readouts):
        own = [r for r in readouts if r.pathway == pathway and r.role == "evidence"]
        order = sorted(range(len(own)), key=lambda i: (len(own[i].weights), i))
        for rank, i in enumerate(order):
            taken: set[str] = set()
            for j in order[:rank]:
                if lines[own[j].readout] != lines[own[i].readout]:
                    taken |= set(own[j].weights)
            kept[own[i].readout] = set(own[i].weights) - taken
    return kept


@dataclass(frozen=True)
class RandomSignatures:
    """Random signatures matched to each readout: same weights, genes of like expression.

    `picks` holds, per readout, ``signatures × genes`` positions; drawn once and used for all
    contrasts.
    """

    picks: tuple[Int, ...] = field(repr=False)
    weights: tuple[Float, ...] = field(repr=False)


def draw_random(prepared: Prepared, *, n: int, seed: int) -> RandomSignatures:
    """Draw `n` random signatures for each readout.

    Each gene of a readout is replaced by a random tested gene of the same expression bin (one of
    20 equal bins of mean normalised count; with replacement), keeping its weight.
    """
    picks, weights = [], []
    pools = [np.flatnonzero(prepared.bins == b) for b in range(EXPRESSION_BINS)]
    for column in range(prepared.raw.shape[1]):
        # A stream of its own for each readout: adding one to the panel leaves the others alone.
        rng = np.random.default_rng([seed, *prepared.readouts[column].readout.encode()])
        rows = np.flatnonzero(prepared.raw[:, column])
        pick = np.empty((n, len(rows)), dtype=np.int64)
        for b in np.unique(prepared.bins[rows]):
            at = np.flatnonzero(prepared.bins[rows] == b)
            pool = pools[b]
            pick[:, at] = pool[rng.integers(len(pool), size=(n, len(at)))]
        picks.append(pick)
        weights.append(prepared.raw[rows, column])
    return RandomSignatures(tuple(picks), tuple(weights))


def random_p(
    prepared: Prepared, random: RandomSignatures, gene_stats: Float, *, which: Iterable[int]
) -> Float:
    """Two-sided empirical p of each readout among its random signatures.

    Statistic: weighted sum of the gene statistics, centred on the random signatures' mean. p is
    ``(1 + number at least as extreme) / (1 + signatures)``; NaN for readouts not in `which` and
    without genes.

    Where a contrast does not use some genes (NaN), sums run over the used ones and are divided by
    the length of their weights.

    Parameters
    ----------
    gene_stats
        ``genes × contrasts``.
    which
        Positions of the readouts wanted.
    """
    made = np.full((len(prepared.readouts), gene_stats.shape[1]), np.nan)
    used = (~np.isnan(gene_stats)).astype(float)
    whole = bool(used.all())
    gene_stats = np.nan_to_num(gene_stats)
    for i in which:
        pick, weights = random.picks[i], random.weights[i]
        n, m = pick.shape
        if m == 0:
            continue
        matrix = sparse.csr_matrix(
            (np.tile(weights, n), pick.ravel(), np.arange(0, n * m + 1, m)),
            shape=(n, len(gene_stats)),
        )
        null = np.asarray(matrix @ gene_stats)
        rows = np.flatnonzero(prepared.raw[:, i])
        seen = weights @ gene_stats[rows]
        if not whole:
            null /= np.sqrt(np.maximum(matrix.power(2) @ used, TINY))
            seen /= np.sqrt(np.maximum(weights**2 @ used[rows], TINY))
        centre = null.mean(axis=0)
        beyond = (np.abs(null - centre) >= np.abs(seen - centre)).sum(axis=0)
        made[i] = (1 + beyond) / (1 + n)
    return made


def competitive(
    prepared: Prepared, gene_stats: Float, gene_df: Float | float
) -> tuple[Float, Float]:
    """Competitive z and p of each readout, ``readouts × contrasts``, towards the pathway.

    With the preset inter-gene correlation: the gate already measures, on the samples, how the
    readout's genes vary together, and the vote needs both. (The tables in ``enrichment/`` and the
    methods `camera` and `mlm` in the evidence have it estimated from the residuals.)

    Parameters
    ----------
    gene_stats
        Moderated t (or Wald) statistics, ``genes × contrasts``; NaN for genes that a contrast does
        not use.
    gene_df
        Degrees of freedom of the statistics, for the FDR of readouts of one gene.
    """
    z = np.full((prepared.n, gene_stats.shape[1]), np.nan)
    for used, columns in patterns(gene_stats):
        z[:, columns] = _competitive_z(prepared, gene_stats[np.ix_(used, columns)], used)
    p = two_sided_p(z)
    singles = [
        int(i) for i in np.flatnonzero(prepared.table["single"]) if (prepared.raw[:, i] != 0).any()
    ]
    if singles:
        gene_fdr = benjamini_hochberg(two_sided(gene_stats, gene_df))
        for i in singles:
            gene = int(np.flatnonzero(prepared.raw[:, i])[0])
            z[i] = np.nan_to_num(gene_stats[gene]) * np.sign(prepared.raw[gene, i])
            p[i] = np.where(np.isnan(gene_fdr[gene]), 1.0, gene_fdr[gene])
    return z * prepared.direction[:, None], p


def patterns(gene_stats: Float) -> list[tuple[Int, Int]]:
    """Sets of genes that some contrasts use, each with those contrasts (positions of both)."""
    used = ~np.isnan(gene_stats)
    made: dict[bytes, list[int]] = {}
    for column in range(used.shape[1]):
        made.setdefault(used[:, column].tobytes(), []).append(column)
    return [(np.flatnonzero(used[:, group[0]]), np.array(group)) for group in made.values()]


def _competitive_z(prepared: Prepared, gene_stats: Float, used: Int) -> Float:
    z = camera.test_signatures(gene_stats, prepared.raw[used])
    fitted: dict[tuple[str, tuple[str, ...]], dict[str, Float]] = {}
    for i, (name, beside) in prepared.rivals.items():
        if (name, beside) not in fitted:
            pathways, weights = prepared.footprint_raw[name]
            chosen = weights[used][:, [pathways.index(p) for p in beside]]
            some = (chosen != 0).any(axis=0)
            kept = [p for p, ok in zip(beside, some, strict=True) if ok]
            fit = footprints.fit_footprints(gene_stats, chosen[:, some])
            fitted[name, beside] = dict(zip(kept, fit.z, strict=True))
        z[i] = fitted[name, beside].get(prepared.readouts[i].key, np.nan)
    return z


def real_stats(
    prepared: Prepared,
    contrasts: Float,
    random: RandomSignatures,
    *,
    vst: Float | None = None,
    gene_stats: Float | None = None,
    design: Float | None = None,
) -> Stats:
    """All statistics of contrasts of a design.

    Parameters
    ----------
    contrasts
        ``coefficients × contrasts``.
    vst
        Other values in place of the model's (simulated ones), ``samples × genes``.
    gene_stats
        Gene statistics, ``genes × contrasts`` (the Wald statistics); by default the moderated t of
        the values.
    design
        Another design in place of the model's.
    """
    vst = prepared.vst if vst is None else vst
    design = prepared.design if design is None else design
    scores = prepared.scores(vst)
    gate = ss.test_scores(scores, design, contrasts)
    gene_df: Float | float = np.inf
    if gene_stats is None:
        gene = ss.test_scores(vst, design, contrasts)
        gene_stats, gene_df = gene.t, gene.df[0]
    joint = _joint(prepared, scores, design, gate.effect, unscaled_errors(design, contrasts))
    return _stats(prepared, gate, gene_stats, gene_df, random, joint)


def mock_stats(
    prepared: Prepared,
    columns: Float,
    random: RandomSignatures,
) -> Stats:
    """All statistics of mock contrasts, each column put alone into the design."""
    scores = prepared.scores()
    gate = ss.test_added(scores, prepared.design, columns)
    gene = ss.test_added(prepared.vst, prepared.design, columns)
    free = residuals_of(columns, prepared.design)
    length = (free**2).sum(axis=0)
    joint = _joint(
        prepared, scores, prepared.design, gate.effect, 1 / np.sqrt(length), added=length
    )
    df = np.broadcast_to(gate.df, gate.t.shape)
    test = ss.ScoreTest(gate.effect, gate.t, df, two_sided(gate.t, df), gate.se)
    return _stats(prepared, test, gene.t, gene.df, random, joint)


def gathered_stats(
    prepared: Prepared,
    vsts: Sequence[Float],
    contrasts: Sequence[Float],
    random: RandomSignatures,
) -> Stats:
    """Statistics of one contrast in each of several data sets, side by side.

    Parameters
    ----------
    vsts
        Values of each data set, ``samples × genes``, all of the model's design.
    contrasts
        Weights over the coefficients, one each.
    """
    gates, genes, dfs, joints = [], [], [], []
    for vst, contrast in zip(vsts, contrasts, strict=True):
        weights = contrast[:, None]
        scores = prepared.scores(vst)
        gate = ss.test_scores(scores, prepared.design, weights)
        gene = ss.test_scores(vst, prepared.design, weights)
        gates.append(gate)
        genes.append(gene.t)
        dfs.append(gene.df[0])
        unscaled = unscaled_errors(prepared.design, weights)
        joints.append(_joint(prepared, scores, prepared.design, gate.effect, unscaled))
    joint = Joint(
        np.hstack([j.effect for j in joints]),
        np.concatenate([j.covariance for j in joints]),
        np.concatenate([j.unscaled for j in joints]),
        joints[0].df,
        np.concatenate([j.prior_df for j in joints]),
    )
    gate = ss.ScoreTest(*(np.hstack(parts) for parts in zip(*gates, strict=True)))
    return _stats(prepared, gate, np.hstack(genes), np.concatenate(dfs), random, joint)


def unscaled_errors(design: Float, contrasts: Float) -> Float:
    """Standard error of each contrast for a score of unit variance."""
    xtx = np.linalg.pinv(design.T @ design, hermitian=True)
    return np.asarray(np.sqrt(np.einsum("pk,pq,qk->k", contrasts, xtx, contrasts)))


def _joint(
    prepared: Prepared,
    scores: Float,
    design: Float,
    effect: Float,
    unscaled: Float,
    *,
    added: Float | None = None,
    own: str | None = None,
) -> Joint:
    """Joint statistics; `own`: only this pathway's readouts (others may have no variance left)."""
    n = prepared.n
    residuals = residuals_of(scores, design)
    df = residual_df(design)
    variance = (residuals**2).sum(axis=0) / df
    if own is not None:
        variance = variance[: prepared.n]
        mine = (prepared.table["pathway"] == own).to_numpy()
        prior = fit_prior(variance[mine], df)
        moderated = squeeze(variance, df, prior)
    else:
        moderated = squeeze(variance, df)
    scale = np.sqrt(np.maximum(moderated.variance[:n], 1e-12))
    sign = prepared.direction
    scaled = residuals[:, :n] / scale * sign
    towards = effect[:n] / scale[:, None] * sign[:, None]
    products = (scaled.T @ scaled)[None, :, :]
    prior_df = np.full(effect.shape[1], float(moderated.prior.df))
    if added is not None:
        # An added column takes its share of the residuals and one degree of freedom.
        df -= 1
        products = products - np.einsum("rk,sk,k->krs", towards, towards, added)
    return Joint(towards, products / df, unscaled, float(df), prior_df)


def _stats(
    prepared: Prepared,
    gate: ss.ScoreTest,
    gene_t: Float,
    gene_df: Float | float,
    random: RandomSignatures,
    joint: Joint,
) -> Stats:
    n = prepared.n
    sign = prepared.direction[:, None]
    z, z_p = competitive(prepared, gene_t, gene_df)
    usable = (prepared.table["role"] == "evidence") & prepared.table["assessable"]
    which = [int(i) for i in np.flatnonzero(usable)]
    return Stats(
        effect=gate.effect[:n] * sign,
        gate_se=gate.se[:n],
        gate_df=gate.df[:n],
        gate_t=gate.t[:n] * sign,
        gate_p=gate.p[:n],
        exclusive_t=gate.t[n : 2 * n] * sign,
        exclusive_p=gate.p[n : 2 * n],
        z=z,
        z_p=z_p,
        random_p=random_p(prepared, random, gene_t, which=which),
        joint=joint,
    )


def confounder_weights(
    prepared: Prepared, panel: Panel, pathway: str, names: Sequence[str]
) -> tuple[list[str], Float]:
    """Raw weights of a pathway's confounders over the genes, ``genes × confounders``.

    A confounder is a readout or a gene set of the panel. Genes that belong to an evidence readout
    of the pathway are taken out of it: they can't speak for both. Confounders that the panel does
    not hold or that have fewer than three genes left are left out, and logged.
    """
    own = {
        gene
        for r in prepared.readouts
        if r.pathway == pathway and r.role == "evidence"
        for gene in r.weights
    }
    known = {r.readout: r.weights for r in prepared.readouts}
    sign = {r.readout: float(r.expected_direction) for r in prepared.readouts}
    kept: dict[str, dict[str, float]] = {}
    have = set(prepared.symbols)
    for name in names:
        members = known.get(name)
        if members is None and name in panel.gene_sets:
            members = dict.fromkeys(panel.gene_sets[name].genes, 1.0)
        if members is None:
            logger.warning("%s: confounder %s is not in the panel: left out", pathway, name)
            continue
        left = {g: w * sign.get(name, 1.0) for g, w in members.items() if g not in own}
        if len(have & set(left)) < 3:
            logger.info(
                "%s: confounder %s has fewer than 3 measured genes of its own: left out",
                pathway, name,
            )  # fmt: skip
            continue
        kept[name] = left
    weights, found = weight_matrix(kept, prepared.symbols)
    return found, weights


class Adjusted(NamedTuple):
    """Statistics adjusted for confounders, and how the confounders themselves move.

    `t`, `p`: ``confounders × contrasts``, sample-score test of each confounder; `possible`: the
    design leaves residual degrees of freedom for the adjustment.
    """

    stats: Stats
    names: tuple[str, ...]
    t: Float
    p: Float
    possible: bool


def adjusted_stats(
    prepared: Prepared,
    panel: Panel,
    pathway: str,
    names: Sequence[str],
    stats: Stats,
    contrasts: Float,
    gene_stats: Float,
) -> Adjusted | None:
    """Statistics of a pathway's readouts beyond what its confounders do; None without confounders.

    On samples, the confounders' scores join the design as covariates; on genes, each readout and
    all confounders enter one regression (`pathcall.enrichment.mlm.fit_joint`). Only the rows of the
    pathway's readouts mean anything. Where a confounder moves with the contrast itself, the
    adjusted standard error is large: the two can't be told apart, which is the answer.
    """
    found, weights = confounder_weights(prepared, panel, pathway, names)
    if not found:
        return None
    n = prepared.n
    standard = ss.standardise(prepared.vst, prepared.design)
    covariates = standard @ ss.unit_weights(weights)
    scores = standard @ prepared.unit
    variance, df = ss.residual_variance(scores, prepared.design)
    prior = fit_prior(variance, df) if df > 0 else None
    own = ss.test_scores(covariates, prepared.design, contrasts, prior=prior)
    design = np.hstack([prepared.design, covariates - covariates.mean(axis=0)])
    possible = residual_df(design) >= 2
    if not possible:
        return Adjusted(stats, tuple(found), own.t, own.p, possible=False)
    padded = np.vstack([contrasts, np.zeros((len(found), contrasts.shape[1]))])
    gate = ss.test_scores(scores[:, : 2 * n], design, padded, prior=prior)
    z = np.full((n, gene_stats.shape[1]), np.nan)
    for used, columns in patterns(gene_stats):
        z[:, columns] = footprints.fit_joint(
            gene_stats[np.ix_(used, columns)], prepared.raw[used], weights[used],
            camera.PRESET_CORRELATION,
        ).z  # fmt: skip
    sign = prepared.direction[:, None]
    z = np.nan_to_num(z) * sign
    single = prepared.table["single"].to_numpy()[:, None]
    joint = _joint(
        prepared, scores, design, gate.effect, unscaled_errors(design, padded), own=pathway
    )
    made = stats._replace(
        effect=gate.effect[:n] * sign,
        gate_se=gate.se[:n],
        gate_df=gate.df[:n],
        gate_t=gate.t[:n] * sign,
        gate_p=gate.p[:n],
        exclusive_t=gate.t[n : 2 * n] * sign,
        exclusive_p=gate.p[n : 2 * n],
        z=np.where(single, stats.z, z),
        z_p=np.where(single, stats.z_p, two_sided_p(z)),
        joint=joint,
    )
    return Adjusted(made, tuple(found), own.t, own.p, possible=True)
