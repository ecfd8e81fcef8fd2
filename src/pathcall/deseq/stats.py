"""pydeseq2's ``DeseqStats`` with R DESeq2's answers, for any contrast."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydeseq2 import ds as stock

from pathcall.deseq.dataset import DeseqDataSet
from pathcall.deseq.filtering import independent_filtering
from pathcall.deseq.inference import RIDGE, RInference
from pathcall.deseq.shrinkage import PRIOR_WIDE, prior_scale, reparametrise
from pathcall.stats.linear_models import samples_used

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
_LN2 = float(np.log(2))


class DeseqStats(stock.DeseqStats):  # type: ignore[misc]
    """Wald test and shrinkage of one contrast; use as pydeseq2's class of the same name.

    Parameters
    ----------
    dds
        A fitted `DeseqDataSet`.
    contrast
        Weights over the coefficients: a cell against a cell, an interaction, a slope; or a factor
        and two levels, where the design was given as a formula.
    inference
        None: that of `dds`.
    **kwargs
        As of pydeseq2's class.

    Raises
    ------
    ValueError
        The weights do not fit the design.
    """

    def __init__(
        self,
        dds: DeseqDataSet,
        contrast: Any,
        *,
        inference: RInference | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dds, contrast, inference=inference or dds.inference, **kwargs)
        self.quiet: bool
        weights: Float = np.asarray(self.__dict__["contrast_vector"], dtype=np.float64)
        p = self.design_matrix.shape[1]
        if weights.shape != (p,) or not np.isfinite(weights).all() or not weights.any():
            raise ValueError(f"{p} finite weights, not all zero, are needed: {weights}")
        self.contrast_vector: Float = weights

    def summary(self, **kwargs: Any) -> None:
        """Run the test; the table is in ``results_df``."""
        quiet = self.quiet
        self.quiet = True
        super().summary(**kwargs)
        self.quiet = quiet
        self.results_df["log2FoldChange"] = self._log2fc
        if not quiet:
            print(self.results_df)

    def run_wald_test(self) -> None:
        """Wald test of the contrast; samples without any count in it say that nothing changed."""
        genes = self.dds.var_names
        p, stat, se = self._wald(self.contrast_vector, self.lfc_null, self.alt_hypothesis)
        effect = np.einsum("gp,p->g", self.LFC.to_numpy(), self.contrast_vector) / _LN2
        used = samples_used(self.design_matrix.to_numpy(dtype=float), self.contrast_vector)
        silent = (self.dds.X[used].sum(axis=0) == 0) & self.dds.var["non_zero"].to_numpy()
        effect[silent], stat[silent], p[silent] = 0.0, 0.0, 1.0
        emptied = genes.isin(self._emptied)
        effect[emptied], se[emptied], stat[emptied], p[emptied] = 0.0, 0.0, 0.0, 1.0
        self.p_values = pd.Series(p, index=genes)
        self.statistics = pd.Series(stat, index=genes)
        self.SE = pd.Series(se, index=genes)
        self._log2fc = pd.Series(effect, index=genes)

    def _wald(
        self, weights: Float, null: float = 0.0, alternative: Any = None
    ) -> tuple[Float, Float, Float]:
        dds, p = self.dds, len(weights)
        prior = self.prior_LFC_var
        ridge = np.diag(np.full(p, RIDGE)) if prior is None else np.diag(1 / np.asarray(prior) ** 2)
        mu = self.inference.fitted_means(dds.obs["size_factors"], self.design_matrix, self.LFC)
        result: tuple[Float, Float, Float] = self.inference.wald_test(
            self.design_matrix, dds.var["dispersions"], self.LFC, mu, ridge, weights, null * _LN2,
            alternative,
        )  # fmt: skip
        return result

    @property
    def _emptied(self) -> pd.Index:
        """Genes that the replacement of outliers left without any count."""
        found: pd.Index = getattr(self.dds, "new_all_zeroes_genes", pd.Index([]))
        return found

    def _cooks_filtering(self) -> None:
        super()._cooks_filtering()
        self.p_values.loc[self._emptied] = 1.0

    def _independent_filtering(self) -> None:
        if not hasattr(self, "p_values"):
            self.run_wald_test()
        padj = independent_filtering(
            self.base_mean.to_numpy(), self.p_values.to_numpy(), self.alpha
        )
        self.padj = pd.Series(padj, index=self.p_values.index)

    def lfc_shrink(self, coeff: str | None = None, adapt: bool = True) -> None:
        """Shrink the contrast, or a coefficient, by apeGLM's prior.

        Its estimate and error in ``results_df`` become the posterior's mode and sd; p-values stay.
        A gene that does not converge gets NaN. The contrast is made a coefficient
        (`reparametrise`), so that any contrast can be shrunken.

        Parameters
        ----------
        coeff
            Coefficient (a column of ``LFC``); None: the contrast of this object.
        adapt
            Scale of the prior from all genes' estimates; False: 1.
        """
        if not hasattr(self, "p_values"):
            self.run_wald_test()
        weights, effect, se = self.contrast_vector, self._log2fc, self.SE
        if coeff is not None:
            if coeff not in self.LFC.columns:
                raise KeyError(f"{coeff!r} is none of the coefficients {list(self.LFC.columns)}")
            one = (self.LFC.columns == coeff).astype(float)
            if not np.array_equal(one, weights):
                effect = self.LFC[coeff] / _LN2
                se = pd.Series(self._wald(one)[2], index=effect.index)
            weights = one
        dds, genes = self.dds, self.dds.var_names
        beta = self.LFC.to_numpy()
        some = np.flatnonzero(np.isfinite(beta).all(axis=1) & ~genes.isin(self._emptied))
        mode, sd = np.full(len(genes), np.nan), np.full(len(genes), np.nan)
        scale = 1.0
        if adapt:
            scale = prior_scale(effect.to_numpy()[some], se.to_numpy()[some] / _LN2)
        matrix, transform, index = reparametrise(self.design_matrix.to_numpy(float), weights)
        counts = dds.final_counts if len(some) == len(genes) else dds.final_counts[:, some]
        modes, inverse, ok = self.inference.posterior_modes(
            counts, dds.obs["size_factors"], matrix, dds.var["dispersions"].to_numpy()[some],
            np.einsum("gp,qp->gq", beta[some], transform), index, scale, PRIOR_WIDE,
        )  # fmt: skip
        if not ok.all():
            logger.info("shrinkage: %d genes did not converge, left missing", int((~ok).sum()))
        mode[some] = np.where(ok, modes[:, index], np.nan)
        sd[some] = np.where(ok, np.sqrt(inverse[:, index]), np.nan)
        self.SE = pd.Series(sd, index=genes)
        self._log2fc = pd.Series(mode / _LN2, index=genes)
        if coeff is not None:
            self.LFC[coeff] = mode
        self._LFC_shrink_converged = pd.Series(np.isfinite(mode), index=genes)
        self.shrunk_LFCs = True
        if hasattr(self, "results_df"):
            self.results_df["log2FoldChange"] = self._log2fc
            self.results_df["lfcSE"] = self.SE / _LN2
