"""The panel as weight matrices over the genes of a model, with correlations between genes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pathcall.deseq.fitted import FittedModel
from pathcall.enrichment import camera, mlm
from pathcall.errors import ConfigError
from pathcall.signatures.panel import Panel
from pathcall.signatures.weights import genes_by_symbol, weight_matrix
from pathcall.stats.linear_models import residuals_of

logger = logging.getLogger(__name__)

MIN_TARGETS = 5
"""Measured targets that a footprint needs (decoupler's default)."""


@dataclass(frozen=True)
class SignatureMatrices:
    """Signature weights over the genes of a model (one gene a symbol), symbols × signatures.

    Attributes
    ----------
    genes
        Gene id → symbol, of the genes that stand for their symbols.
    sets, readouts
        Weights of the panel's gene sets and readouts; 0 where a gene is no member.
    set_correlation, readout_correlation
        Mean correlation between a signature's genes, from the model's residuals.
    footprints
        Footprint model → (weights symbols × pathways, correlation of each pathway).
    df
        Degrees of freedom of the correlations.
    """

    genes: pd.Series
    sets: pd.DataFrame
    set_correlation: pd.Series
    readouts: pd.DataFrame
    readout_correlation: pd.Series
    footprints: Mapping[str, tuple[pd.DataFrame, pd.Series]]
    df: float


def build_matrices(panel: Panel, model: FittedModel) -> SignatureMatrices:
    """Build the signature weight matrices of a panel over the genes of a model.

    Raises
    ------
    ConfigError
        The pathways of a footprint model are collinear over the measured genes.
    """
    genes = genes_by_symbol(model.symbols, model.base_mean)
    symbols = genes.to_list()
    columns = model.vst.columns.get_indexer(genes.index)
    residuals = residuals_of(
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
            correlation[fitted] = mlm.footprint_correlation(residuals, weights[:, fitted], df)
        except ValueError as error:
            raise ConfigError(
                f"the footprints of a model can't be fitted together: {error}",
                where=f"{panel.folder}/footprints.tsv, model {name}",
                fix="give each pathway targets of its own",
            ) from None
        frame = pd.DataFrame(weights, index=symbols, columns=pathways)
        models[str(name)] = (frame, pd.Series(correlation, pathways))
    return SignatureMatrices(
        genes, sets, set_correlation, readouts, readout_correlation, models,
        camera.correlation_df(df),
    )  # fmt: skip
