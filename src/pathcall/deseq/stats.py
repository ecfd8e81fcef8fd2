"""pydeseq2's ``DeseqStats`` with R DESeq2's answers, for any contrast."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.deseq import stock
from pathcall.deseq.dataset import DeseqDataSet
from pathcall.deseq.filtering import independent_filtering
from pathcall.deseq.inference import RIDGE, RInference
from pathcall.deseq.shrinkage import prior_scale, reparametrise
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
        self.prior_LFC_var: Any
        weights: Float = np.asarray(self.__dict__["contrast_vector"], dtype=np.float64)
        p = self.design_matrix.shape[1]
        if weights.shape != (p,) or not np.isfinite(weights).all() or not weights.any():
            raise ValueError(f"{p} finite weights, not all zero, are needed: {weights}")
        self.contrast_vector: Float = weights
        if self.prior_LFC_var is None:
            self.prior_LFC_var = np.full(p, RIDGE**-0.5)

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
        dds, weights, genes = self.dds, self.contrast_vector, self.dds.var_names
        p, stat, se = self.inference.wald_test(
            self.design_matrix, dds.var["dispersions"], self.LFC, dds.fitted_means(),
            np.diag(1 / self.prior_LFC_var**2), weights, self.lfc_null * _LN2, self.alt_hypothesis,
        )  # fmt: skip
        effect = np.einsum("gp,p->g", self.LFC.to_numpy(), weights) / _LN2
        used = samples_used(self.design_matrix.to_numpy(dtype=float), weights)
        silent = (dds.X[used].sum(axis=0) == 0) & dds.var["non_zero"].to_numpy()
        effect[silent], stat[silent], p[silent] = 0.0, 0.0, 1.0
        emptied = genes.isin(dds.new_all_zeroes_genes)
        effect[emptied], se[emptied], stat[emptied], p[emptied] = 0.0, 0.0, 0.0, 1.0
        self.p_values = pd.Series(p, index=genes)
        self.statistics = pd.Series(stat, index=genes)
        self.SE = pd.Series(se, index=genes)
        self._log2fc = pd.Series(effect, index=genes)

    def _cooks_filtering(self) -> None:
        super()._cooks_filtering()
        self.p_values.loc[self.dds.new_all_zeroes_genes] = 1.0

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
        tested, dds, genes = self, self.dds, self.dds.var_names
        if coeff is not None:
            if coeff not in self.LFC.columns:
                raise KeyError(f"{coeff!r} is none of the coefficients {list(self.LFC.columns)}")
            one = (self.LFC.columns == coeff).astype(float)
            if not np.array_equal(one, self.contrast_vector):
                tested = type(self)(dds, one, inference=self.inference, quiet=True)
        if not hasattr(tested, "p_values"):
            tested.run_wald_test()
        some = np.flatnonzero(dds.estimated)
        scale = 1.0
        if adapt:
            scale = prior_scale(tested._log2fc.to_numpy()[some], tested.SE.to_numpy()[some] / _LN2)
        matrix, transform, index = reparametrise(
            self.design_matrix.to_numpy(float), tested.contrast_vector
        )
        start = np.einsum("gp,qp->gq", self.LFC.to_numpy()[some], transform)
        counts = dds.final_counts if len(some) == len(genes) else dds.final_counts[:, some]
        found, variance, ok = dds.inference_of(some).posterior_modes(
            counts, dds.obs["size_factors"], matrix, dds.var["dispersions"].to_numpy()[some], start,
            index, scale,
        )  # fmt: skip
        if not ok.all():
            logger.info("shrinkage: %d genes did not converge, left missing", int((~ok).sum()))
        mode, sd = np.full((2, len(genes)), np.nan)
        mode[some] = np.where(ok, found, np.nan)
        sd[some] = np.where(ok, np.sqrt(variance), np.nan)
        self.SE = pd.Series(sd, index=genes)
        self._log2fc = pd.Series(mode / _LN2, index=genes)
        if coeff is not None:
            self.LFC[coeff] = mode
        self._LFC_shrink_converged = pd.Series(np.isfinite(mode), index=genes)
        self.shrunk_LFCs = True
        if hasattr(self, "results_df"):
            self.results_df["log2FoldChange"] = self._log2fc
            self.results_df["lfcSE"] = self.SE / _LN2
