"""Gene-level evidence of one model's contrasts: GSEA, camera and footprints on Wald statistics.

Three tables a contrast: the whole declared collection (``enrichment``), the footprint models
(``activity``) and the panel's readouts, turned towards their pathway (``readouts``).

Genes are ranked by their Wald statistic. One gene stands for a symbol
(`pathcall.signatures.weights.genes_by_symbol`), and genes that say nothing about a contrast are
left out (`pathcall.enrichment.used_genes`). All are counted in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.enrichment.activity import footprint_activity
from pathcall.enrichment.gene_sets import gene_set_table
from pathcall.enrichment.gsea import gsea
from pathcall.enrichment.matrices import SignatureMatrices, build_matrices
from pathcall.enrichment.readouts import is_unsigned, readout_table
from pathcall.enrichment.used_genes import USED, ranked_statistics, used_genes
from pathcall.signatures.panel import Panel, load_panel
from pathcall.signatures.weights import MIN_GENES
from pathcall.tables import ACTIVITY, DE, ENRICHMENT, READOUTS, read_table, write_table

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ContrastScores:
    """Gene-level evidence of one contrast, by the schemas ENRICHMENT, ACTIVITY and READOUTS."""

    enrichment: pd.DataFrame
    activity: pd.DataFrame
    readouts: pd.DataFrame


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
    matrices = build_matrices(panel, model)
    made = {}
    for contrast, table in de.items():
        used = used_genes(table)
        ranked = ranked_statistics(table, matrices.genes)
        logger.info(
            "%s: %d of %d genes with a statistic; %d of %d genes of the panel's ranking are left "
            "out (no statistic, not expressed on either side, or a Cook's-distance outlier)",
            contrast, int(used.sum()), len(table), len(matrices.genes) - len(ranked),
            len(matrices.genes),
        )  # fmt: skip
        lfc = ranked_statistics(table, matrices.genes, "log2fc")
        made[contrast] = _score(
            contrast, ranked, lfc, matrices, panel,
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
        Contrast → `enrichment`, `activity` and `readouts` → path; what is left out is not written.
    """
    scores = enrich_model(
        {contrast: read_table(path, DE, (*USED, "log2fc")) for contrast, path in de.items()},
        read_model(model),
        load_panel(signatures),
        confounders=confounders,
        seed=seed,
        threads=threads,
    )
    for contrast, score in scores.items():
        tables = {
            "enrichment": (score.enrichment, ENRICHMENT),
            "activity": (score.activity, ACTIVITY),
            "readouts": (score.readouts, READOUTS),
        }
        for kind, path in out[contrast].items():
            write_table(tables[kind][0], path, tables[kind][1])


def _score(
    contrast: str,
    ranked: pd.Series,
    lfc: pd.Series,
    matrices: SignatureMatrices,
    panel: Panel,
    *,
    confounders: Mapping[str, Sequence[str]],
    seed: int,
    threads: int,
) -> ContrastScores:
    stats = ranked.to_numpy(dtype=float)[:, None]
    sets = matrices.sets.loc[ranked.index]
    readout_sets = {
        r.readout: r.genes for r in panel.readouts if is_unsigned(r) and len(r.weights) > 1
    }
    in_collection = {s.genes: name for name, s in panel.gene_sets.items()}
    own = {n: genes for n, genes in readout_sets.items() if genes not in in_collection}
    testable = {
        name: genes
        for name, genes in {**{n: s.genes for n, s in panel.gene_sets.items()}, **own}.items()
        if MIN_GENES <= sum(g in lfc.index for g in genes) < len(ranked)
    }
    table = gsea(ranked, testable, seed=seed, threads=threads)
    enrichment = gene_set_table(stats, sets, matrices, panel, table)
    fits, activity = footprint_activity(contrast, ranked, matrices)
    by_readout = {
        name: table.loc[in_collection.get(genes, name)]
        for name, genes in readout_sets.items()
        if in_collection.get(genes, name) in table.index
    }
    readouts = (
        readout_table(ranked, lfc, matrices, panel, by_readout, fits, confounders)
        if panel.readouts
        else pd.DataFrame(columns=list(READOUTS.columns))
    )
    return ContrastScores(enrichment, activity, readouts)
