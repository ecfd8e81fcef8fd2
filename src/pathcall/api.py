"""The steps of the workflow on an AnnData in memory: fit, score, call (docs/python.md).

Each function does what the rule of the same purpose does, by the same library functions and with
the same defaults: the numbers are those of the workflow's tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import anndata as ad
import numpy as np
import pandas as pd

from pathcall.calls.calibration import calibrate
from pathcall.calls.call_pathways import StudyCalls, call_study
from pathcall.calls.readout_tests import prepare
from pathcall.calls.scores_table import sample_scores
from pathcall.command.project import project_folder
from pathcall.counts.matrix import assemble_counts
from pathcall.deseq.fit_models import fit_study_model
from pathcall.deseq.fitted import FittedModel, fitted_model
from pathcall.enrichment.enrich_model import ContrastScores, enrich_model
from pathcall.errors import ConfigError
from pathcall.signatures.panel import Panel, panel_of
from pathcall.signatures.panel_files import check_panel
from pathcall.study.config import PANELS, CallsConfig, Config, FilterConfig, ModelConfig
from pathcall.study.contrasts import Contrast
from pathcall.study.obs_sheet import rows_of_obs
from pathcall.study.plan import checked_calls
from pathcall.study.sample_sheet import sheet_of_obs

__all__ = ["Fit", "call_pathways", "contrast", "enrich", "fit", "panel", "score_samples"]

MODEL = "model"
SEED: int = Config.model_fields["seed"].default
ALPHA: float = Config.model_fields["alpha"].default
WHERE = "the AnnData"


@dataclass(frozen=True)
class Fit:
    """A fitted model and the tests of its contrasts.

    Attributes
    ----------
    genes
        Contrast → table of its genes, as ``de/{contrast}.tsv``: every gene of the matrix.
    terms
        Likelihood-ratio tests of the design's terms, as ``lrt/{model}.tsv``.
    model
        Counts, variance-stabilised values and design of the genes that count as expressed.
    contrasts
        Contrast → what it compares.
    data
        Assembled counts, ``samples × genes``; ``var``: gene_id, symbol, entrez_id, gene_type.
    panel
        The signatures that later steps use.
    notes
        What was dropped or merged when the counts were read, with counts.
    """

    genes: Mapping[str, pd.DataFrame] = field(repr=False)
    terms: pd.DataFrame = field(repr=False)
    model: FittedModel = field(repr=False)
    contrasts: Mapping[str, Contrast]
    data: ad.AnnData = field(repr=False)
    panel: Panel = field(repr=False)
    notes: tuple[str, ...]


def panel(organism: Literal["human", "mouse"] = "human", folder: str | Path | None = None) -> Panel:
    """The panel of signatures that ships for an organism, or another one.

    Parameters
    ----------
    organism
        Which panel that ships.
    folder
        A folder in the panel's format (docs/panel.md) to use in its place.

    Raises
    ------
    ConfigError
        No such folder, or no panel.
    """
    if folder is None:
        folder = project_folder() / PANELS[organism]
    return panel_of(check_panel(folder))


def contrast(
    test: str | Mapping[str, str],
    reference: str | Mapping[str, str],
    *,
    name: str | None = None,
    subtract: str | None = None,
    expected: Mapping[str, str] | None = None,
    description: str = "",
) -> Contrast:
    """A question: test cell over reference cell.

    Parameters
    ----------
    test, reference
        The two cells, ``"dex=treated"`` or ``{"dex": "treated"}``; several columns separated by
        commas.
    name
        Its id; by default made of the two cells.
    subtract
        Id of another contrast; the result is this one minus that (interaction).
    expected
        Pathway → ``activated`` or ``repressed``: what the treatment must do if it worked.
    description
        One line of text.

    Raises
    ------
    ConfigError
        A cell that is not ``column=level``.
    """
    one, two = _cell(test), _cell(reference)
    words = re.sub(r"[^A-Za-z0-9]+", "_", "_vs_".join("_".join(c.values()) for c in (one, two)))
    return Contrast(
        contrast=name or words.strip("_")[:100],
        model=MODEL,
        test=one,
        reference=two,
        subtract=subtract,
        group=None,
        expected=dict(expected or {}),
        description=description,
    )


def _cell(cell: str | Mapping[str, str]) -> dict[str, str]:
    if not isinstance(cell, str):
        return {str(column): str(level) for column, level in cell.items()}
    pairs = [part.partition("=") for part in cell.split(",") if part.strip()]
    if not pairs or not all(sign and column.strip() and level.strip()
                            for column, sign, level in pairs):  # fmt: skip
        raise ConfigError(
            "a cell of a contrast can't be read",
            where=f"contrast, value {cell!r}",
            fix="write column=level, several separated by commas",
        )
    return {column.strip(): level.strip() for column, _, level in pairs}


def fit(
    adata: ad.AnnData,
    design: str,
    contrasts: Contrast | Sequence[Contrast],
    *,
    layer: str | None = None,
    samples: Mapping[str, Sequence[str]] | None = None,
    continuous: Sequence[str] = (),
    organism: Literal["human", "mouse"] = "human",
    signatures: str | Path | None = None,
    gene_id: Literal["auto", "ensembl", "entrez", "symbol"] = "auto",
    gene_filter: FilterConfig | None = None,
    alpha: float = ALPHA,
    threads: int = 1,
) -> Fit:
    """Fit a negative binomial model and test contrasts, with R DESeq2's answers (docs/de.md).

    Parameters
    ----------
    adata
        ``samples × genes`` with raw counts; ``obs`` is the sample sheet, ``var_names`` are Ensembl
        ids, Entrez ids or symbols.
    design
        Design formula: columns of ``obs`` and ``+ * : - 0 1 ( )``.
    contrasts
        One or more (`contrast`). They are part of the fit: the smallest cell that they name decides
        how many samples a gene must be expressed in.
    layer
        Layer that holds the counts; None: ``X``.
    samples
        Column of ``obs`` → levels to keep. None: all samples.
    continuous
        Columns of the design that are numbers (a slope), not levels.
    organism, signatures
        The panel (`panel`): its gene ids name the genes.
    gene_id
        Kind of ``var_names``; ``auto`` looks at them.
    gene_filter
        Which genes count as expressed.
    alpha
        FDR that independent filtering optimises for.
    threads
        The result does not depend on it.

    Raises
    ------
    ConfigError
        Design, contrasts and ``obs`` do not fit together.
    InputError
        The values are no raw counts, or ids can't be mapped.

    References
    ----------
    Love, Huber & Anders 2014, Genome Biol 15:550; Muzellec et al. 2023, Bioinformatics 39:btad547.
    """
    asked = [contrasts] if isinstance(contrasts, Contrast) else list(contrasts)
    own = {c.contrast: replace(c, model=MODEL) for c in asked}
    if len(own) < len(asked):
        raise ConfigError(
            "two contrasts have one name", where=f"fit, contrasts {', '.join(own)}",
            fix="give each a name: contrast(…, name=…)",
        )  # fmt: skip
    if layer is not None and layer not in adata.layers:
        raise ConfigError(
            "the AnnData has no such layer", where=f"fit, layer {layer!r}",
            fix=f"name one of its layers: {', '.join(adata.layers) or 'it has none'}",
        )  # fmt: skip
    used = panel(organism, signatures)
    values = adata.X if layer is None else adata.layers[layer]
    values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    assembly = assemble_counts(
        pd.DataFrame(values.T, adata.var_names.astype(str), adata.obs_names.astype(str)),
        sheet_of_obs(
            rows_of_obs(list(adata.obs_names), {str(c): list(adata.obs[c]) for c in adata.obs}),
            WHERE,
        ),
        used.gene_ids,
        where=WHERE,
        gene_id=gene_id,
    )
    data, tables, terms = fit_study_model(
        assembly.data,
        name=MODEL,
        model=ModelConfig(
            samples={k: list(v) for k, v in (samples or {}).items()},
            design=design,
            continuous=list(continuous),
        ),
        contrasts=own,
        gene_filter=gene_filter or FilterConfig(),
        alpha=alpha,
        threads=threads,
    )
    return Fit(
        genes=tables,
        terms=terms,
        model=fitted_model(data),
        contrasts=own,
        data=assembly.data,
        panel=used,
        notes=assembly.notes,
    )


def enrich(fit: Fit, *, seed: int = SEED, threads: int = 1) -> dict[str, ContrastScores]:
    """Gene-level evidence: GSEA, camera and footprints of every contrast.

    Returns
    -------
    dict
        Contrast → tables `enrichment`, `activity` and `readouts`, as the workflow's of these names.
    """
    return _enriched(fit, _rule(fit, None), seed=seed, threads=threads)


def score_samples(fit: Fit, *, rule: CallsConfig | None = None) -> pd.DataFrame:
    """Score of every sample by every signature, as ``scores/samples.tsv`` (long format).

    Returns
    -------
    pandas.DataFrame
        sample, signature, method (``weighted_z``: what is tested; ``ssgsea``), score.
    """
    return sample_scores(fit.model, fit.panel, _rule(fit, rule))


def call_pathways(
    fit: Fit, *, rule: CallsConfig | None = None, seed: int = SEED, threads: int = 1
) -> StudyCalls:
    """Call every pathway of the panel in every contrast (docs/method.md).

    The false-call rate that stands beside each call is measured first, on mock contrasts of the
    model or by simulation; that takes most of the time.

    Parameters
    ----------
    fit
        The fitted model.
    rule
        Settings of the rule: section ``calls`` of the config, its defaults by default.
    seed
        Seed of rotations, mock contrasts and simulations.
    threads
        Threads of GSEA; the result does not depend on it.

    Returns
    -------
    StudyCalls
        Tables `calls`, `evidence`, `adjusted` and `nfkb_genes`, as the workflow's of these names.
    """
    checked = _rule(fit, rule)
    prepared = prepare(fit.panel, fit.model, checked)
    scores = _enriched(fit, checked, seed=seed, threads=threads)
    return call_study(
        panel=fit.panel,
        models={MODEL: fit.model},
        contrasts=fit.contrasts,
        de=fit.genes,
        readouts={name: score.readouts for name, score in scores.items()},
        calibration={MODEL: calibrate(fit.model, prepared, checked, seed=seed)},
        rule=checked,
        seed=seed,
    )


def _enriched(fit: Fit, rule: CallsConfig, *, seed: int, threads: int) -> dict[str, ContrastScores]:
    return enrich_model(
        fit.genes, fit.model, fit.panel, confounders=rule.confounders, seed=seed, threads=threads
    )


def _rule(fit: Fit, rule: CallsConfig | None) -> CallsConfig:
    """The rule with the defaults that this panel can hold."""
    return checked_calls(rule or CallsConfig(), fit.panel, source="rule")
