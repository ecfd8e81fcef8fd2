"""pydeseq2's ``DeseqDataSet`` with R DESeq2's answers.

The steps, their order and where they leave their results are pydeseq2's. A method stands here only
where R 1.38.3 does something else, or where pydeseq2 0.5.4 would build a plain ``DeseqDataSet`` of
its own; docs/de.md lists them all. Some are private to pydeseq2, which is why it is pinned.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydeseq2 import dds as stock
from pydeseq2.preprocessing import deseq2_norm_fit, deseq2_norm_transform
from scipy.special import fdtri

from pathcall.deseq.checks import check_counts, check_design
from pathcall.deseq.dispersion import Trend, fit_prior, fit_trend, robust_dispersions
from pathcall.deseq.inference import RInference, base_mean_of
from pathcall.deseq.layout import BLOCK, Layout
from pathcall.deseq.vst import transform, trend_genes
from pathcall.stats.size_factors import size_factors

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
#: Columns of genes that a second fit without outliers replaces.
REFITTED = (
    "_normed_means", "genewise_dispersions", "fitted_dispersions", "MAP_dispersions", "dispersions",
    "_outlier_genes", "_LFC_converged",
)  # fmt: skip


class DeseqDataSet(stock.DeseqDataSet):  # type: ignore[misc]
    """Counts and the model fitted to them; use as pydeseq2's class of the same name.

    Further slots: ``layers["replace_counts"]`` where outliers were replaced,
    ``uns["disp_function_type"]`` may also be ``local`` or ``none`` (`Trend`).

    Parameters
    ----------
    inference
        None: `RInference` with `n_cpus` threads; no other will do.
    **kwargs
        As of pydeseq2's class. With `adata` of a fitted data set, that fit is continued.

    Raises
    ------
    PathcallError
        Counts or design cannot be fitted.
    """

    def __init__(
        self, *, inference: RInference | None = None, n_cpus: int | None = None, **kwargs: Any
    ) -> None:
        adata, design = kwargs.get("adata"), kwargs.get("design")
        counts = kwargs.get("counts") if adata is None else adata.to_df()
        if counts is not None:
            check_counts(counts)
            if isinstance(design, pd.DataFrame):
                check_design(design, counts.index)
        if not isinstance(inference, RInference | None):
            raise TypeError("pathcall's DeseqDataSet needs RInference; pydeseq2's takes any other")
        super().__init__(inference=inference or RInference(n_cpus), n_cpus=n_cpus, **kwargs)
        if "non_zero" in self.var:
            self._continue()

    def _continue(self) -> None:
        """What pydeseq2 keeps beside the AnnData, from a fit that was read from a file."""
        self.non_zero_idx = np.flatnonzero(self.var["non_zero"])
        self.non_zero_genes = self.var_names[self.non_zero_idx]
        if "refitted" in self.var:
            emptied = self.var["replaced"] & ~self.var["refitted"]
            self.new_all_zeroes_genes = self.var_names[emptied]

    def _check_full_rank_design(self) -> None:
        check_design(self.obsm["design_matrix"], self.obs_names)

    @property
    def final_counts(self) -> npt.NDArray[np.int64]:
        """Counts of the final fit: with outliers replaced, where there were any."""
        return np.asarray(self.layers["replace_counts"] if self._replaced else self.X)

    @property
    def _replaced(self) -> bool:
        return "replace_counts" in self.layers

    @property
    def trend(self) -> Trend:
        """The trend of dispersion over the mean."""
        kind, uns = self.uns["disp_function_type"], self.uns
        if kind == "parametric":
            asymptote, extra = np.asarray(uns["trend_coeffs"], dtype=float)
            return Trend(kind, float(asymptote), float(extra))
        if kind == "local":
            return Trend(kind, log_mean=uns["trend_mean"], log_dispersion=uns["trend_dispersion"])
        return Trend("none")

    # ------------------------------------------------------------------ size factors

    def fit_size_factors(
        self, fit_type: Literal["ratio", "poscounts", "iterative"] | None = None,
        control_genes: Any = None,
    ) -> None:  # fmt: skip
        """Median of ratios, or R's ``poscounts``, also where every gene has a zero."""
        kind = fit_type or self.size_factors_fit_type
        if kind == "iterative":
            super().fit_size_factors(kind, control_genes)
        else:
            controls = self.control_genes if control_genes is None else control_genes
            counts = self.to_df() if controls is None else self[:, controls].to_df()
            self.obs["size_factors"] = size_factors(counts, kind=kind)
        self._normalise()

    def _of(self, genes: Any, counts: npt.NDArray[Any], design: pd.DataFrame) -> DeseqDataSet:
        """Some genes with other counts or another design; size factors and settings stay."""
        sub = type(self)(
            counts=pd.DataFrame(counts, self.obs_names, self.var_names[genes]),
            metadata=self.obs[["size_factors"]],
            design=design, inference=self.inference, min_mu=self.min_mu, min_disp=self.min_disp,
            max_disp=self.max_disp, beta_tol=self.beta_tol, quiet=True,
        )  # fmt: skip
        sub._normalise()
        return sub

    def _normalise(self) -> None:
        sf = self.obs["size_factors"].to_numpy()
        self.layers["normed_counts"] = self.X / sf[:, None]
        self.var["_normed_means"] = base_mean_of(np.ascontiguousarray(self.X.T, dtype=float), sf)

    # ------------------------------------------------------------------ dispersions

    def _fit_parametric_dispersion_trend(self, vst: bool = False) -> None:
        """R's iteration, which falls back to a local regression (``vst`` is `vst_fit`'s own)."""
        use = self.var["non_zero"].to_numpy()
        mean = self.var["_normed_means"].to_numpy()[use]
        trend = fit_trend(mean, self.var["genewise_dispersions"].to_numpy()[use])
        self.uns["disp_function_type"] = trend.kind
        if trend.kind == "parametric":
            coefficients = pd.Series([trend.asymptote, trend.extra], index=["a0", "a1"])
            self.uns["trend_coeffs"] = coefficients
        elif trend.kind == "local":
            self.uns["trend_mean"] = trend.log_mean
            self.uns["trend_dispersion"] = trend.log_dispersion
        fitted = np.full(self.n_vars, np.nan)
        fitted[use] = trend(mean)
        self.var["fitted_dispersions"] = fitted

    def disp_function(self, x: Any) -> Float:
        """The trend at means `x`."""
        if self.uns["disp_function_type"] == "mean":
            return np.full(np.shape(x), self.uns["mean_disp"])
        return self.trend(x)

    def fit_dispersion_prior(self) -> None:
        """Spread of gene-wise dispersions around the trend, also at few degrees of freedom."""
        if "fitted_dispersions" not in self.var:
            self.fit_dispersion_trend()
        use = self.var["non_zero"].to_numpy()
        observed = variance = np.nan
        if self.uns["disp_function_type"] != "none":
            prior = fit_prior(
                self.var["genewise_dispersions"].to_numpy()[use],
                self.var["fitted_dispersions"].to_numpy()[use],
                self.n_obs - self.obsm["design_matrix"].shape[1],
            )
            observed, variance = prior.observed, prior.variance
        self.uns["_squared_logres"] = np.float64(observed)
        self.uns["prior_disp_var"] = np.float64(variance)

    def fit_MAP_dispersions(self) -> None:  # noqa: N802 (pydeseq2's name)
        """Posterior modes, from R's start; without a trend, gene-wise dispersions are final."""
        if "prior_disp_var" not in self.uns:
            self.fit_dispersion_prior()
        use = self.var["non_zero"].to_numpy()
        gene, trend = (
            self.var.loc[use, key].to_numpy()
            for key in ("genewise_dispersions", "fitted_dispersions")
        )
        if np.isnan(self.uns["prior_disp_var"]):
            found, ok = gene, np.ones(len(gene), dtype=bool)
        else:
            found, ok = self.inference.alpha_mle(
                self._used(self.X), self.obsm["design_matrix"], self._used(self.layers["_mu_hat"]),
                trend, self.min_disp, self.max_disp, self.uns["prior_disp_var"], prior_reg=True,
                start=np.where(gene > 0.1 * trend, gene, trend),
            )  # fmt: skip
            found = np.clip(found, self.min_disp, self.max_disp)
        far = np.log(gene) > np.log(trend) + 2 * np.sqrt(self.uns["_squared_logres"])
        self._set("MAP_dispersions", found, np.nan)
        self._set("_MAP_converged", ok, True)
        self._set("_outlier_genes", far, False)
        self._set("dispersions", np.where(far, gene, found), np.nan)
        if self.low_memory:
            del self.layers["_mu_hat"]

    def _used(self, values: Any) -> Any:
        """Columns of genes with any count; no copy where that is all of them."""
        return values if len(self.non_zero_idx) == self.n_vars else values[:, self.non_zero_idx]

    def _set(self, key: str, values: Any, fill: Any) -> None:
        column = np.full(self.n_vars, fill, dtype=np.asarray(values).dtype)
        column[self.non_zero_idx] = values
        self.var[key] = column

    # ------------------------------------------------------------------ outliers

    def calculate_cooks(self) -> None:
        """Cook's distances, block by block of genes."""
        if "_mu_LFC" not in self.obsm:
            self.fit_LFC()
        use, sf = self.non_zero_idx, self.obs["size_factors"].to_numpy()
        layout = Layout.of(self.obsm["design_matrix"])
        cooks = np.full((self.n_obs, self.n_vars), np.nan)
        for i in range(0, len(use), BLOCK):
            genes = use[i : i + BLOCK]
            y = np.ascontiguousarray(self.X[:, genes].T, dtype=float)
            mu, hat = (self.obsm[key][:, i : i + BLOCK].T for key in ("_mu_LFC", "_hat_diagonals"))
            variance = mu + robust_dispersions(y / sf, layout)[:, None] * mu**2
            distance = (y - mu) ** 2 / variance / layout.n_coefficients * hat / (1 - hat) ** 2
            cooks[:, genes] = distance.T
        self.layers["cooks"] = cooks
        if self.low_memory:
            del self.obsm["_mu_LFC"], self.obsm["_hat_diagonals"]

    def _refit_without_outliers(self) -> None:
        """Fit genes with replaced counts again, in a data set of this class."""
        again = self.counts_to_refit
        replaced = self.var["replaced"].to_numpy().copy()
        left = (again.X > 0).any(axis=0)
        self.layers["replace_counts"] = self.X.copy()
        self.layers["replace_counts"][:, replaced] = again.X
        refitted = replaced.copy()
        refitted[replaced] = left
        self.var["refitted"] = refitted
        self.new_all_zeroes_genes = self.var_names[replaced & ~refitted]
        self.var.loc[replaced & ~refitted, "_normed_means"] = 0.0
        self.varm["LFC"].loc[replaced & ~refitted] = 0.0
        if not left.any():
            return
        sub = self._of(refitted, again.X[:, left], self.obsm["design_matrix"])
        sub.uns.update(self.uns)
        sub.fit_genewise_dispersions()
        sub.var["fitted_dispersions"] = self.disp_function(sub.var["_normed_means"].to_numpy())
        sub.fit_MAP_dispersions()
        sub.fit_LFC()
        for key in REFITTED:
            self.var.loc[refitted, key] = sub.var[key].to_numpy()
        self.varm["LFC"].loc[refitted] = sub.varm["LFC"].to_numpy()
        # Distances stay those of the first fit; samples that can be replaced no longer count.
        kept = self.layers["cooks"].copy()
        kept[self.obs["replaceable"].to_numpy()] = 0.0
        self.layers["replace_cooks"] = kept
        logger.info("%d genes with outlier counts replaced and fitted again", int(replaced.sum()))

    def cooks_outlier(self) -> pd.Series:
        """Genes whose p-values are withheld."""
        if "_pvalue_cooks_outlier" in self.var:
            return self.var["_pvalue_cooks_outlier"]
        layout = Layout.of(self.obsm["design_matrix"])
        first = self.layers["cooks"]
        cooks = self.layers.get("replace_cooks", first)
        p = layout.n_coefficients
        over = cooks > fdtri(p, self.n_obs - p, 0.99)
        outlier = over[layout.replicated(3)].any(axis=0)
        if "replace_cooks" in self.layers and self.obs["replaceable"].all():
            outlier[:] = False
        # With a single two-level factor, an outlier that three samples exceed is none.
        if p == 2 and len(layout.rows) == 2:
            genes = np.flatnonzero(outlier)
            worst = self.X[first[:, genes].argmax(axis=0), genes]
            outlier[genes] = (self.X[:, genes] > worst).sum(axis=0) < 3
        self.var["_pvalue_cooks_outlier"] = outlier
        if self.low_memory:
            del first, cooks
            for key in ("cooks", "replace_cooks"):
                self.layers.pop(key, None)
        return self.var["_pvalue_cooks_outlier"]

    # ------------------------------------------------------------------ VST

    def vst(
        self,
        use_design: bool = False,
        fit_type: Any = None,
        *,
        n_sub: int = 1000,
        genes: Any = None,
    ) -> None:
        """Variance-stabilised counts into ``layers["vst_counts"]``, as R's ``vst``.

        Parameters
        ----------
        use_design
            Take the design for the dispersions; else ``~ 1``, blind to the experiment.
        fit_type
            pydeseq2's; R's trend is the only one here.
        n_sub
            Genes that the trend is fitted on.
        genes
            Mask of genes to choose them from; None: all.
        """
        self.vst_fit(use_design, n_sub=n_sub, genes=genes)
        self.layers["vst_counts"] = self.vst_transform()

    def vst_fit(self, use_design: bool = False, *, n_sub: int = 1000, genes: Any = None) -> None:
        """Fit the trend of the transformation on `n_sub` genes; no other gene is fitted."""
        if "size_factors" not in self.obs:
            self.fit_size_factors()
        elif "normed_counts" not in self.layers:
            self._normalise()
        mask = np.ones(self.n_vars, dtype=bool) if genes is None else np.asarray(genes)
        sf = self.obs["size_factors"].to_numpy()
        self._vst_mean = base_mean_of(np.ascontiguousarray(self.X.T, dtype=float), sf)[mask]
        chosen = trend_genes(self._vst_mean, n_sub)
        self._vst_trend = Trend("none")
        design = self.obsm["design_matrix"]
        if not use_design:
            design = pd.DataFrame({"Intercept": 1.0}, index=self.obs_names)
        if len(chosen) and self.n_obs > design.shape[1]:
            at = np.flatnonzero(mask)[chosen]
            sub = self._of(at, self.X[:, at], design)
            sub.fit_genewise_dispersions()
            self._vst_trend = fit_trend(
                self._vst_mean[chosen], sub.var["genewise_dispersions"].to_numpy()
            )

    def vst_transform(self, counts: npt.NDArray[Any] | None = None) -> Float:
        """Apply the transformation to this data set, or to other samples of the same genes."""
        if not hasattr(self, "_vst_trend"):
            raise RuntimeError("vst_fit comes before vst_transform")
        normed = self.layers["normed_counts"]
        if counts is not None:
            normed, _ = deseq2_norm_transform(counts, *deseq2_norm_fit(self.X))
        sf = self.obs["size_factors"].to_numpy()
        return transform(normed, self._vst_trend, sf, self._vst_mean)
