"""The table of footprint activities of a contrast: all pathways of a model fitted at once."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pathcall.enrichment import mlm
from pathcall.enrichment.matrices import MIN_TARGETS, SignatureMatrices
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.stats.tails import two_sided_p
from pathcall.tables import ACTIVITY

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FootprintFit:
    """A footprint model in one contrast: its weights over the ranked genes and its fit."""

    weights: pd.DataFrame
    correlation: pd.Series
    fit: mlm.LinearFit

    def row(self, pathway: str) -> int:
        """Row of a pathway in the fit."""
        return int(self.weights.columns.get_loc(pathway))


def footprint_activity(
    contrast: str, ranked: pd.Series, matrices: SignatureMatrices
) -> tuple[dict[str, FootprintFit], pd.DataFrame]:
    """Fit every footprint model to the ranked statistics of a contrast.

    Returns
    -------
    tuple
        Footprint model → its fit, and the table of schema ``activity/{contrast}``.
    """
    fits = {}
    parts = []
    for model, (every, correlation) in matrices.footprints.items():
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
            fit = mlm.fit_footprints(
                ranked.to_numpy(dtype=float)[:, None],
                used.to_numpy(),
                correlation[fitted].to_numpy(),
                df=matrices.df,
            )
            fits[model] = FootprintFit(used, correlation[fitted], fit)
            score[fitted] = fit.t[:, 0]
            p[fitted] = two_sided_p(fit.z[:, 0])
        parts.append(
            pd.DataFrame(
                {
                    "model": model,
                    "source": targets.index.to_numpy(dtype=object),
                    "n_targets": targets.to_numpy(),
                    "score": score.to_numpy(),
                    "pvalue": p.to_numpy(),
                    "fdr": benjamini_hochberg(p.to_numpy()),
                }
            )
        )
    empty = pd.DataFrame({name: pd.Series(dtype=object) for name in ACTIVITY.columns})
    return fits, pd.concat(parts, ignore_index=True) if parts else empty
