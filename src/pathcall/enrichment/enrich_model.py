"""Gene-level evidence of one model's contrasts: GSEA, camera and footprints on Wald statistics.

Three tables a contrast: the whole declared collection (``enrichment``), the footprint models
(``activity``) and the panel's readouts, turned towards their pathway (``readouts``).

Genes are ranked by their Wald statistic. One gene stands for a symbol
(`pathcall.signatures.weights.genes_by_symbol`); genes without a statistic, without a count on
either side of the contrast, or whose p-value was withheld for a Cook's-distance outlier, are
left out. All are counted in the log.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.enrichment import camera
from pathcall.enrichment import mlm as footprints
from pathcall.enrichment.camera import Float
from pathcall.errors import ConfigError, InputError
from pathcall.signatures.panel import Panel, Readout, load_panel
from pathcall.signatures.weights import MIN_GENES, genes_by_symbol, weight_matrix
from pathcall.tables import ACTIVITY, DE, ENRICHMENT, READOUTS, read_table, write_table

logger = logging.getLogger(__name__)

PERMUTATIONS = 1_000
"""Random gene sets behind each normalised enrichment score (Monte-Carlo error about 1%)."""
SAMPLE_SIZE = 101
"""Sample size of the multilevel splits (fgsea's default)."""
SMALLEST_P = 1e-10
"""GSEA p-values are not followed below this (fgsea's default)."""
ATTEMPTS = 10
"""Seeds that are tried where gseapy's sampler fails."""
MIN_TARGETS = 5
"""Measured targets that a footprint needs (decoupler's default)."""


@dataclass(frozen=True)
class ContrastScores:
    """Gene-level evidence of one contrast, by the schemas ENRICHMENT, ACTIVITY and READOUTS."""

    enrichment: pd.DataFrame
    activity: pd.DataFrame
    readouts: pd.DataFrame


@dataclass(frozen=True)
class _Laid:
    """The panel laid over the genes of a model, one gene a symbol.

    `sets`: collection, then curated sets; `footprints`: model → (pathways, weights, correlation);
    correlations are those of the model's residuals.
    """

    genes: pd.Series
    sets: pd.DataFrame
    set_correlation: pd.Series
    readouts: pd.DataFrame
    readout_correlation: pd.Series
    footprints: Mapping[str, tuple[pd.DataFrame, pd.Series]]
    df: float


def enrich_model(
    de: Mapping[str, pd.DataFrame],
    model: FittedModel,
    panel: Panel,
    *,
    confounders: Mapping[str, Sequence[str]],
    seed: int,
    threads: int = 1,
) -> dict[str, ContrastScores]:
    """Score all contrasts of a model on genes.

    Parameters
    ----------
    de
        Contrast → table of schema ``de/{contrast}``.
    model
        The fitted model: its samples give the inter-gene correlation.
    panel
        Signatures.
    confounders
        Pathway → readouts or gene sets beside which its readouts are tested once more.
    seed
        Seed of GSEA's random gene sets.
    threads
        Threads of GSEA; the result does not depend on it.

    Raises
    ------
    ConfigError
        A confounder is neither a readout nor a gene set, or footprints are collinear.
    """
    laid = _lay(panel, model)
    made = {}
    for contrast, table in de.items():
        table = table.set_index("gene_id")
        # A Wald statistic of exactly 0: no count on either side of the contrast, in a model whose
        # other samples express the gene. It says nothing here, and thousands of ties at 0 make
        # gseapy's sampler fail.
        usable = table["stat"].notna() & (table["stat"] != 0) & (table["outlier"] != "yes")
        stats = table["stat"].where(usable).reindex(laid.genes.index)
        logger.info(
            "%s: %d of %d genes with a statistic; %d of %d genes of the panel's ranking are left "
            "out (no statistic, not expressed on either side, or a Cook's-distance outlier)",
            contrast, int(usable.sum()), len(table), int(stats.isna().sum()), len(stats),
        )  # fmt: skip
        stats = stats.dropna()
        ranked = pd.Series(stats.to_numpy(), index=laid.genes[stats.index].to_numpy())
        lfc = pd.Series(
            table["log2fc"].reindex(stats.index).to_numpy(dtype=float), index=ranked.index
        )
        made[contrast] = _score(
            contrast, ranked, lfc, laid, panel,
            confounders=confounders, seed=seed, threads=threads,
        )  # fmt: skip
    return made


def enrich_and_write(
    de: Mapping[str, str],
    *,
    model: str,
    signatures: str,
    confounders: Mapping[str, Sequence[str]],
    seed: int,
    threads: int,
    out: Mapping[str, Mapping[str, str]],
) -> None:
    """Read the tables of a model, score its contrasts and write the results.

    Parameters
    ----------
    de
        Contrast → its table.
    model, signatures
        Fitted model and panel folder.
    out
        Contrast → `enrichment`, `activity` and `readouts` → path.
    """
    scores = enrich_model(
        {contrast: read_table(path, DE) for contrast, path in de.items()},
        read_model(model),
        load_panel(signatures),
        confounders=confounders,
        seed=seed,
        threads=threads,
    )
    for contrast, score in scores.items():
        paths = out[contrast]
        write_table(score.enrichment, paths["enrichment"], ENRICHMENT)
        write_table(score.activity, paths["activity"], ACTIVITY)
        write_table(score.readouts, paths["readouts"], READOUTS)


def gsea(
    ranked: pd.Series, sets: Mapping[str, Sequence[str]], *, seed: int, threads: int = 1
) -> pd.DataFrame:
    """Gene set enrichment analysis of a ranked list: ``gseapy.prerank``, multilevel p-values.

    Parameters
    ----------
    ranked
        Symbol → statistic, no value missing. Ties are ordered by symbol.
    sets
        Name → symbols; each needs `MIN_GENES` ranked genes and must leave one out.
    seed
        Seed of the random gene sets.
    threads
        Threads; the result does not depend on it.

    Returns
    -------
    pandas.DataFrame
        es, nes, pvalue, leading_edge (index: set, as in `sets`).
    """
    columns = ["es", "nes", "pvalue", "leading_edge"]
    if not sets:
        return pd.DataFrame(columns=columns)
    order = np.lexsort((ranked.index.to_numpy(dtype=str), -ranked.to_numpy()))
    ordered = ranked.iloc[order]
    ties = int(ordered.duplicated().sum())
    if ties:
        logger.info("%d tied statistics, ordered by symbol", ties)
    result = _prerank(ordered, sets, seed=seed, threads=threads).set_index("Term")
    frame = pd.DataFrame(
        {
            "es": result["ES"].astype(float),
            "nes": result["NES"].astype(float),
            "pvalue": result["NOM p-val"].astype(float),
            "leading_edge": result["Lead_genes"].astype(str),
        }
    )
    return frame.reindex(list(sets))


def _prerank(
    ordered: pd.Series, sets: Mapping[str, Sequence[str]], *, seed: int, threads: int
) -> pd.DataFrame:
    """Run gseapy; go on with a derived seed where its sampler panics.

    gseapy 1.3.1's multilevel sampler can end in a Rust panic ("user-provided comparison function
    does not correctly implement a total order") for one seed and not for the next, on the same
    ranking. The seeds that follow are derived from the first, so the result stays repeatable.
    """
    import gseapy

    for attempt in range(ATTEMPTS):
        derived = np.random.SeedSequence([seed, attempt]).generate_state(1)[0]
        used = int(derived) if attempt else seed
        try:
            with _stderr_to_log():
                result: pd.DataFrame = gseapy.prerank(
                    ordered,
                    {name: list(genes) for name, genes in sets.items()},
                    outdir=None,
                    no_plot=True,
                    ascending=None,
                    method="multilevel",
                    min_size=MIN_GENES,
                    max_size=len(ordered),
                    permutation_num=PERMUTATIONS,
                    sample_size=SAMPLE_SIZE,
                    eps=SMALLEST_P,
                    weight=1.0,
                    seed=used,
                    threads=threads,
                ).res2d
        # PyO3's PanicException is no Exception and has no importable name.
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            logger.warning("gseapy's sampler failed with seed %d (%s); next seed", used, error)
        else:
            return result
    raise InputError(
        "gseapy's GSEA failed on a ranking",
        where=f"{len(ordered)} genes, {len(sets)} sets, seed {seed} and {ATTEMPTS - 1} after it",
        fix="set another `seed` in the config",
    )


@contextlib.contextmanager
def _stderr_to_log() -> Iterator[None]:
    """Take what gseapy writes to standard error, from Python and from Rust, into the log.

    A warning there would stand among the error lines that a user looks at.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    said = io.StringIO()
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            with contextlib.redirect_stderr(said):
                yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            text = said.getvalue() + file.read().decode(errors="replace")
            for line in filter(None, text.splitlines()):
                # Without its time: a log differs between runs only where the runs did.
                logger.info("gseapy: %s", re.sub(r"^[\d-]+ [\d:,]+ ", "", line))


def _lay(panel: Panel, model: FittedModel) -> _Laid:
    genes = genes_by_symbol(model.symbols, model.base_mean)
    symbols = genes.to_list()
    columns = model.vst.columns.get_indexer(genes.index)
    residuals = camera.residuals_of(
        model.vst.to_numpy(dtype=float)[:, columns], model.design.to_numpy(dtype=float)
    )
    df = model.residual_df
    logger.info(
        "inter-gene correlation: %s (%d residual degrees of freedom)",
        "from the model's residuals" if df >= camera.MIN_RESIDUAL_DF
        else f"preset {camera.PRESET_CORRELATION}",
        df,
    )  # fmt: skip

    def lay(signatures: Mapping[str, Mapping[str, float]]) -> tuple[pd.DataFrame, pd.Series]:
        weights, names = weight_matrix(signatures, symbols)
        correlation = camera.estimate_correlation(residuals, weights, df)
        return pd.DataFrame(weights, index=symbols, columns=names), pd.Series(correlation, names)

    unsigned = {name: dict.fromkeys(s.genes, 1.0) for name, s in panel.gene_sets.items()}
    sets, set_correlation = lay(unsigned)
    readouts, readout_correlation = lay({r.readout: r.weights for r in panel.readouts})
    models = {}
    for name, rows in panel.footprints.groupby("model", sort=True):
        named = {
            str(pathway): dict(zip(group["gene"], group["weight"], strict=True))
            for pathway, group in rows.groupby("pathway", sort=True)
        }
        weights, pathways = weight_matrix(named, symbols)
        fitted = (weights != 0).sum(axis=0) >= MIN_TARGETS
        correlation = np.full(len(pathways), np.nan)
        try:
            correlation[fitted] = footprints.footprint_correlation(
                residuals, weights[:, fitted], df
            )
        except ValueError as error:
            raise ConfigError(
                f"the footprints of a model can't be fitted together: {error}",
                where=f"{panel.folder}/footprints.tsv, model {name}",
                fix="give each pathway targets of its own",
            ) from None
        frame = pd.DataFrame(weights, index=symbols, columns=pathways)
        models[str(name)] = (frame, pd.Series(correlation, pathways))
    return _Laid(
        genes, sets, set_correlation, readouts, readout_correlation, models,
        camera.correlation_df(df),
    )  # fmt: skip


def _score(
    contrast: str,
    ranked: pd.Series,
    lfc: pd.Series,
    laid: _Laid,
    panel: Panel,
    *,
    confounders: Mapping[str, Sequence[str]],
    seed: int,
    threads: int,
) -> ContrastScores:
    stats = ranked.to_numpy(dtype=float)[:, None]
    sets = laid.sets.loc[ranked.index]
    readout_sets = {
        r.readout: r.genes for r in panel.readouts if _unsigned(r) and len(r.weights) > 1
    }
    in_collection = {s.genes: name for name, s in panel.gene_sets.items()}
    own = {n: genes for n, genes in readout_sets.items() if genes not in in_collection}
    testable = {
        name: genes
        for name, genes in {**{n: s.genes for n, s in panel.gene_sets.items()}, **own}.items()
        if MIN_GENES <= sum(g in lfc.index for g in genes) < len(ranked)
    }
    table = gsea(ranked, testable, seed=seed, threads=threads)
    enrichment = _enrichment(stats, sets, laid, panel, table)
    fits, activity = _activity(contrast, ranked, laid)
    by_readout = {
        name: table.loc[in_collection.get(genes, name)]
        for name, genes in readout_sets.items()
        if in_collection.get(genes, name) in table.index
    }
    readouts = _readouts(ranked, lfc, laid, panel, by_readout, fits, confounders)
    return ContrastScores(enrichment, activity, readouts)


def _unsigned(readout: Readout) -> bool:
    return set(readout.weights.values()) == {1.0}


def _enrichment(
    stats: Float, sets: pd.DataFrame, laid: _Laid, panel: Panel, table: pd.DataFrame
) -> pd.DataFrame:
    names = list(panel.gene_sets)
    matched = (sets[names] != 0).sum(axis=0).to_numpy()
    tested = np.array([name in table.index for name in names], dtype=bool)
    z = np.full(len(names), np.nan)
    z[tested] = camera.test_signatures(
        stats,
        sets[names].to_numpy()[:, tested],
        laid.set_correlation[names].to_numpy()[tested],
        df=laid.df,
    )[:, 0]
    scores = table.reindex(names)
    p = camera.two_sided_p(z)
    note = [
        None
        if done
        else f"fewer than {MIN_GENES} genes with a statistic"
        if count < MIN_GENES
        else "all genes with a statistic are in the set"
        for done, count in zip(tested, matched, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "gene_set": names,
            "collection": [panel.gene_sets[name].collection for name in names],
            "n_genes": [len(panel.gene_sets[name].genes) for name in names],
            "n_matched": matched,
            "es": scores["es"].to_numpy(dtype=float),
            "nes": scores["nes"].to_numpy(dtype=float),
            "pvalue": scores["pvalue"].to_numpy(dtype=float),
            "fdr": camera.fdr(scores["pvalue"].to_numpy(dtype=float)),
            "z_camera": z,
            "p_camera": p,
            "fdr_camera": camera.fdr(p),
            "leading_edge": scores["leading_edge"].to_numpy(dtype=object),
            "note": pd.Series(note, dtype=object),
        }
    )
    return frame.sort_values(["collection", "gene_set"], kind="stable", ignore_index=True)


@dataclass(frozen=True)
class _Fit:
    """A footprint model in one contrast: its weights over the ranked genes and its fit."""

    weights: pd.DataFrame
    correlation: pd.Series
    fit: footprints.LinearFit

    def row(self, pathway: str) -> int:
        return int(self.weights.columns.get_loc(pathway))


def _activity(
    contrast: str, ranked: pd.Series, laid: _Laid
) -> tuple[dict[str, _Fit], pd.DataFrame]:
    fits = {}
    parts = []
    for model, (every, correlation) in laid.footprints.items():
        weights = every.loc[ranked.index]
        targets = (weights != 0).sum(axis=0)
        fitted = targets.index[(targets >= MIN_TARGETS) & correlation.notna()]
        if len(fitted) < len(targets):
            logger.info(
                "%s, %s: fewer than %d targets measured, not fitted: %s",
                contrast, model, MIN_TARGETS, ", ".join(targets.index.difference(fitted)),
            )  # fmt: skip
        score = pd.Series(np.nan, index=targets.index)
        p = pd.Series(np.nan, index=targets.index)
        if len(fitted):
            used = weights[fitted]
            fit = footprints.fit_footprints(
                ranked.to_numpy(dtype=float)[:, None],
                used.to_numpy(),
                correlation[fitted].to_numpy(),
                df=laid.df,
            )
            fits[model] = _Fit(used, correlation[fitted], fit)
            score[fitted] = _decoupler_mlm(contrast, ranked, used)
            p[fitted] = camera.two_sided_p(fit.z[:, 0])
        parts.append(
            pd.DataFrame(
                {
                    "model": model,
                    "source": targets.index.to_numpy(dtype=object),
                    "n_targets": targets.to_numpy(),
                    "score": score.to_numpy(),
                    "pvalue": p.to_numpy(),
                    "fdr": camera.fdr(p.to_numpy()),
                }
            )
        )
    empty = pd.DataFrame({name: pd.Series(dtype=object) for name in ACTIVITY.columns})
    return fits, pd.concat(parts, ignore_index=True) if parts else empty


def _decoupler_mlm(contrast: str, ranked: pd.Series, weights: pd.DataFrame) -> Float:
    """*t* values of decoupler's multivariate linear model, one for each column of `weights`."""
    import decoupler

    target, source = np.nonzero(weights.to_numpy())
    net = pd.DataFrame(
        {
            "source": weights.columns.to_numpy()[source],
            "target": weights.index.to_numpy()[target],
            "weight": weights.to_numpy()[target, source],
        }
    )
    values = pd.DataFrame(
        ranked.to_numpy(dtype=float)[None, :], index=[contrast], columns=ranked.index
    )
    score, _ = decoupler.mt.mlm(values, net, tmin=1, empty=False)
    ordered: Float = score[list(weights.columns)].to_numpy(dtype=float)[0]
    return ordered


def _readouts(
    ranked: pd.Series,
    lfc: pd.Series,
    laid: _Laid,
    panel: Panel,
    gsea_rows: Mapping[str, pd.Series],
    fits: Mapping[str, _Fit],
    confounders: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    stats = ranked.to_numpy(dtype=float)[:, None]
    weights = laid.readouts.loc[ranked.index]
    measured = (weights != 0).sum(axis=0)
    plain = footprints.fit_joint(
        stats, weights.to_numpy(), np.empty((len(ranked), 0)),
        laid.readout_correlation.to_numpy(), df=laid.df,
    )  # fmt: skip
    beside = {
        pathway: _nuisance(pathway, names, laid, ranked.index)
        for pathway, names in confounders.items()
    }
    rows: list[dict[str, Any]] = []
    for i, readout in enumerate(panel.readouts):
        n = int(measured.iloc[i])
        base = {
            "pathway": readout.pathway,
            "readout": readout.readout,
            "family": readout.family,
            "role": readout.role,
            "n_genes": n,
            "coverage": n / len(readout.weights) if readout.weights else 0.0,
        }
        sign = readout.expected_direction
        # Scaled so that the coefficient is the mean statistic of genes of average weight.
        scale = float(np.mean(np.abs([*readout.weights.values()]))) if readout.weights else np.nan

        def add(
            method: str,
            effect: float = np.nan,
            stat: float = np.nan,
            p: float = np.nan,
            note: str | None = None,
            base: dict[str, Any] = base,
            sign: int = sign,
        ) -> None:
            rows.append(
                {**base, "method": method, "effect": sign * effect, "stat": sign * stat,
                 "pvalue": p, "note": note}
            )  # fmt: skip

        if len(readout.weights) == 1:
            (gene, weight), *_ = readout.weights.items()
            if n:
                z = float(ranked[gene]) * np.sign(weight)
                add("gene", float(lfc[gene]) * np.sign(weight), z, _p(z))
            else:
                add("gene", note="not measured")
            continue
        few = f"fewer than {MIN_GENES} genes with a statistic" if n < MIN_GENES else None
        if readout.readout in gsea_rows:
            row = gsea_rows[readout.readout]
            add("gsea", row["es"], row["nes"], row["pvalue"])
        elif few and _unsigned(readout):
            add("gsea", note=few)
        if few:
            add("camera", note=few)
        else:
            z = float(plain.z[i, 0])
            add("camera", plain.coefficient[i, 0] * scale, z, _p(z))
        found = [f for f in fits.values() if readout.key in f.weights.columns]
        is_footprint = readout.family == "footprint" and bool(found)
        if is_footprint:
            z = float(found[0].fit.z[found[0].row(readout.key), 0])
            effect = found[0].fit.coefficient[found[0].row(readout.key), 0]
            add("mlm", effect * scale, z, _p(z))
        nuisance = beside.get(readout.pathway)
        if nuisance is None or few:
            continue
        own = nuisance.drop(columns=[readout.readout], errors="ignore")
        if own.shape[1] == 0:
            continue
        note = "adjusted for " + ", ".join(own.columns)
        fit = footprints.fit_joint(
            stats, weights.iloc[:, [i]].to_numpy(), own.to_numpy(),
            laid.readout_correlation.iloc[[i]].to_numpy(), df=laid.df,
        )  # fmt: skip
        z = float(fit.z[0, 0])
        add("camera_adjusted", fit.coefficient[0, 0] * scale, z, _p(z), note)
        if is_footprint:
            effect, z = _joint_footprint(stats, found[0], readout.key, own, laid.df)
            add("mlm_adjusted", effect * scale, z, _p(z), note)
    frame = pd.DataFrame(rows)
    frame["fdr"] = np.nan
    for index in frame.groupby("method", sort=True).groups.values():
        frame.loc[index, "fdr"] = camera.fdr(frame.loc[index, "pvalue"].to_numpy(dtype=float))
    frame["note"] = frame["note"].astype(object)
    return frame[list(READOUTS.columns)]


def _joint_footprint(
    stats: Float, model: _Fit, pathway: str, nuisance: pd.DataFrame, df: float
) -> tuple[float, float]:
    """Coefficient and z of a footprint beside its model's others and the nuisance signatures."""
    others = model.weights.drop(columns=pathway).to_numpy()
    # Columns that the footprint model already holds add nothing: fit_joint drops them.
    fit = footprints.fit_joint(
        stats,
        model.weights[[pathway]].to_numpy(),
        np.column_stack([others, nuisance.to_numpy()]),
        model.correlation[[pathway]].to_numpy(),
        df=df,
    )
    return float(fit.coefficient[0, 0]), float(fit.z[0, 0])


def _nuisance(
    pathway: str, names: Sequence[str], laid: _Laid, symbols: Sequence[str]
) -> pd.DataFrame:
    columns = {}
    for name in names:
        if name in laid.readouts.columns:
            columns[name] = laid.readouts[name]
        elif name in laid.sets.columns:
            columns[name] = laid.sets[name]
        else:
            raise ConfigError(
                "a confounder is neither a readout nor a gene set of the panel",
                where=f"calls.confounders, pathway {pathway}, value {name!r}",
                fix="name a readout of readouts.tsv or a set of gene_sets.tsv or of a GMT file",
            )
    frame = pd.DataFrame(columns, index=laid.readouts.index).loc[symbols]
    return frame.loc[:, (frame != 0).any(axis=0)]


def _p(z: float) -> float:
    return float(camera.two_sided_p(np.array([z]))[0])
