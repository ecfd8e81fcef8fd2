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
from scipy.special import fdtri

from pathcall.deseq import stock
from pathcall.deseq.checks import check_design
from pathcall.deseq.dispersion import Trend, fit_prior, fit_trend
from pathcall.deseq.inference import RInference
from pathcall.deseq.vst import transform, trend_genes
from pathcall.stats.size_factors import normalisation_factors, size_factors

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
#: Genes whose Cook's distances are computed together.
COOKS_BLOCK = 2048
#: Columns of genes that a second fit without outliers replaces.
REFITTED = (
    "_normed_means", "genewise_dispersions", "fitted_dispersions", "MAP_dispersions", "dispersions",
    "_outlier_genes", "_LFC_converged",
)  # fmt: skip


class DeseqDataSet(stock.DeseqDataSet):  # type: ignore[misc]
    """Counts and the model fitted to them; use as pydeseq2's class of the same name.

    Further slots: ``layers["replace_counts"]`` where outliers were replaced,
    ``layers["normalization_factors"]`` where lengths of transcripts are given;
    ``uns["disp_function_type"]`` may also be ``local`` or ``none`` (`Trend`).

    Parameters
    ----------
    inference
        None: `RInference` with `n_cpus` threads; no other will do.
    **kwargs
        As of pydeseq2's class. With `adata` of a fitted data set, that fit is continued.

    Raises
    ------
    ValueError
        Counts that are no counts; a design for other samples or with missing values.
    PathcallError
        A design that is not of full rank, or leaves no replicates.
    """

    def __init__(
        self, *, inference: RInference | None = None, n_cpus: int | None = None, **kwargs: Any
    ) -> None:
        if not isinstance(inference, RInference | None):
            raise TypeError("pathcall's DeseqDataSet needs RInference; pydeseq2's takes any other")
        super().__init__(inference=inference or RInference(n_cpus=n_cpus), n_cpus=n_cpus, **kwargs)
        self.new_all_zeroes_genes = self.var_names[:0]
        if "non_zero" in self.var:  # a fit that was read from a file
            self.non_zero_idx = np.flatnonzero(self.var["non_zero"])
            self.non_zero_genes = self.var_names[self.non_zero_idx]
            if "refitted" in self.var:
                emptied = self.var["replaced"] & ~self.var["refitted"]
                self.new_all_zeroes_genes = self.var_names[emptied]

    def _check_full_rank_design(self) -> None:
        check_design(self.obsm["design_matrix"])

    @property
    def final_counts(self) -> npt.NDArray[np.int64]:
        """Counts of the final fit: with outliers replaced, where there were any."""
        return np.asarray(self.layers.get("replace_counts", self.X))

    @property
    def trend(self) -> Trend:
        """The trend of dispersion over the mean."""
        values = np.asarray(self.uns.get("trend_coeffs", ()), dtype=float)
        return Trend(self.uns["disp_function_type"], tuple(values))

    @property
    def factors(self) -> Float:
        """What counts are divided by: normalisation factors, else size factors as a column."""
        if "normalization_factors" in self.layers:
            return np.asarray(self.layers["normalization_factors"])
        return np.asarray(self.obs["size_factors"])[:, None]

    @property
    def estimated(self) -> npt.NDArray[np.bool_]:
        """Genes with coefficients: any count, also after the replacement of outliers."""
        emptied = self.var_names.isin(self.new_all_zeroes_genes)
        return np.asarray(np.isfinite(self.varm["LFC"].to_numpy()).all(axis=1) & ~emptied)

    def fitted_means(self) -> Float:
        """Means of the fitted model, ``samples × genes``; NaN for genes without coefficients."""
        design, lfc = self.obsm["design_matrix"].to_numpy(float), self.varm["LFC"].to_numpy()
        mu = np.einsum("np,gp->ng", design, lfc)
        np.exp(mu, out=mu)
        mu *= self.factors
        return np.asarray(mu)

    def inference_of(self, genes: Any) -> RInference:
        """The inference for some genes: normalisation factors are a gene's own."""
        some = self.factors[:, genes] if "normalization_factors" in self.layers else None
        return self.inference.told(factors=some)

    # ------------------------------------------------------------------ size factors

    def fit_size_factors(
        self, fit_type: Literal["ratio", "poscounts", "iterative"] | None = None,
        control_genes: Any = None,
    ) -> None:  # fmt: skip
        """Median of ratios, or R's ``poscounts``, also where every gene has a zero.

        With ``layers["avg_tx_length"]``, average lengths of transcripts, normalisation factors of
        each gene and sample as well (R after tximport); size factors are their means then.
        """
        kind = fit_type or self.size_factors_fit_type
        controls = self.control_genes if control_genes is None else control_genes
        if kind == "iterative":
            super().fit_size_factors(kind, control_genes)
        elif "avg_tx_length" in self.layers:
            factors = normalisation_factors(
                self.to_df(), self.layers["avg_tx_length"], kind=kind, controls=controls
            )
            self.layers["normalization_factors"] = factors
            self.obs["size_factors"] = factors.mean(axis=1)
        else:
            counts = self.to_df() if controls is None else self[:, controls].to_df()
            self.obs["size_factors"] = size_factors(counts, kind=kind)
        self._normalise()

    def _normalise(self) -> None:
        self.layers["normed_counts"] = self.X / self.factors
        self.var["_normed_means"] = self.layers["normed_counts"].mean(axis=0)
        self.inference = self.inference_of((self.X > 0).any(axis=0))

    def _of(self, genes: Any, counts: npt.NDArray[Any], design: pd.DataFrame) -> DeseqDataSet:
        """Some genes with other counts or another design; size factors and settings stay."""
        sub = type(self)(
            counts=pd.DataFrame(counts, self.obs_names, self.var_names[genes]),
            metadata=self.obs[["size_factors"]],
            design=design, inference=self.inference, min_mu=self.min_mu, min_disp=self.min_disp,
            max_disp=self.max_disp, beta_tol=self.beta_tol, quiet=True,
        )  # fmt: skip
        if "normalization_factors" in self.layers:
            sub.layers["normalization_factors"] = self.factors[:, genes]
        sub._normalise()
        return sub

    # ------------------------------------------------------------------ dispersions

    def _fit_parametric_dispersion_trend(self, vst: bool = False) -> None:
        """R's iteration, which falls back to a local regression (``vst`` is `vst_fit`'s own)."""
        use = self.var["non_zero"].to_numpy()
        mean = self.var["_normed_means"].to_numpy()[use]
        trend = fit_trend(mean, self.var["genewise_dispersions"].to_numpy()[use])
        self.uns["disp_function_type"] = trend.kind
        if trend.kind == "parametric":
            self.uns["trend_coeffs"] = pd.Series(trend.values, index=["a0", "a1"])
        elif trend.kind == "local":
            self.uns["trend_coeffs"] = np.stack(trend.values)
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
            observed, variance = fit_prior(
                self.var["genewise_dispersions"].to_numpy()[use],
                self.var["fitted_dispersions"].to_numpy()[use],
                self.n_obs - self.obsm["design_matrix"].shape[1],
            )
        self.uns["_squared_logres"] = np.float64(observed)
        self.uns["prior_disp_var"] = np.float64(variance)

    def fit_MAP_dispersions(self) -> None:  # noqa: N802 (pydeseq2's name)
        """Posterior modes, from R's start; without a trend, gene-wise dispersions are final."""
        if "prior_disp_var" not in self.uns:
            self.fit_dispersion_prior()
        keys = ["genewise_dispersions", "fitted_dispersions"]
        gene, trend = self.var.loc[self.var["non_zero"], keys].to_numpy().T
        plain = self.inference
        self.inference = plain.told(start=np.where(gene <= 0.1 * trend, trend, gene))
        super().fit_MAP_dispersions()
        self.inference = plain

    # ------------------------------------------------------------------ outliers

    def calculate_cooks(self) -> None:
        """Cook's distances, block by block of genes."""
        if "_mu_LFC" not in self.obsm:
            self.fit_LFC()
        use, design = self.non_zero_idx, self.obsm["design_matrix"]
        means, distance = self.obsm["_mu_LFC"], self.obsm["_hat_diagonals"]
        if self.low_memory:
            del self.obsm["_mu_LFC"], self.obsm["_hat_diagonals"]
        else:
            distance = distance.copy()
        for i in range(0, len(use), COOKS_BLOCK):
            genes, part = use[i : i + COOKS_BLOCK], slice(i, i + COOKS_BLOCK)
            mu, hat = means[:, part], distance[:, part]
            robust = stock.utils.robust_method_of_moments_disp(
                self.layers["normed_counts"][:, genes], design
            )
            residual = (self.X[:, genes] - mu) ** 2 / (mu + robust * mu**2) / design.shape[1]
            distance[:, part] = residual * hat / (1 - hat) ** 2
        cooks = distance
        if len(use) < self.n_vars:
            cooks = np.full((self.n_obs, self.n_vars), np.nan)
            cooks[:, use] = distance
        self.layers["cooks"] = cooks

    def _replace_outliers(self) -> None:
        super()._replace_outliers()
        if "normalization_factors" in self.layers and self.var["replaced"].any():
            # pydeseq2 multiplies the trimmed means by size factors.
            of, p = self.var["replaced"].to_numpy(), self.obsm["design_matrix"].shape[1]
            again = self.layers["cooks"][:, of] > fdtri(p, self.n_obs - p, 0.99)
            again &= self.obs["replaceable"].to_numpy()[:, None]
            mean = stock.utils.trimmed_mean(self.X[:, of] / self.factors[:, of], trim=0.2, axis=0)
            self.counts_to_refit.X[again] = (mean * self.factors[:, of]).astype(int)[again]

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
        logger.info("%d genes with outlier counts replaced and fitted again", int(replaced.sum()))

    def cooks_outlier(self) -> pd.Series:
        """Genes whose p-values are withheld."""
        if "_pvalue_cooks_outlier" in self.var:
            return self.var["_pvalue_cooks_outlier"]
        design, first = self.obsm["design_matrix"], self.layers["cooks"]
        p = design.shape[1]
        over = first > fdtri(p, self.n_obs - p, 0.99)
        counted = stock.utils.n_or_more_replicates(design, 3).to_numpy()
        if "refitted" in self.var and self.var["refitted"].any():
            # Distances are those of the first fit; samples that can be replaced no longer count.
            counted &= ~self.obs["replaceable"].to_numpy()
        outlier = over[counted].any(axis=0)
        # With a single two-level factor, an outlier that three samples exceed is none.
        if p == 2 and len(design.drop_duplicates()) == 2:
            genes = np.flatnonzero(outlier)
            worst = self.X[first[:, genes].argmax(axis=0), genes]
            outlier[genes] = (self.X[:, genes] > worst).sum(axis=0) < 3
        self.var["_pvalue_cooks_outlier"] = outlier
        if self.low_memory:
            del self.layers["cooks"]
        return self.var["_pvalue_cooks_outlier"]

    # ------------------------------------------------------------------ VST

    def vst(self, use_design: bool = False, fit_type: Any = None, **choice: Any) -> None:
        """Variance-stabilised counts into ``layers["vst_counts"]``, as R's ``vst``.

        `fit_type` is pydeseq2's: R's trend is the only one here. `choice` is that of `vst_fit`.
        """
        self.vst_fit(use_design, **choice)
        self.layers["vst_counts"] = self.vst_transform()

    def vst_fit(self, use_design: bool = False, *, n_sub: int = 1000, genes: Any = None) -> None:
        """Fit the trend of the transformation; no gene is fitted that it does not need.

        Parameters
        ----------
        use_design
            Take the design for the dispersions; else ``~ 1``, blind to the experiment.
        n_sub
            Genes that the trend is fitted on.
        genes
            Mask of genes to choose them from; None: all.
        """
        if "size_factors" not in self.obs:
            self.fit_size_factors()
        elif "normed_counts" not in self.layers:
            self._normalise()
        mask = np.ones(self.n_vars, dtype=bool) if genes is None else np.asarray(genes)
        self._vst_mean = self.layers["normed_counts"].mean(axis=0)[mask]
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
            known = stock.preprocessing.deseq2_norm_fit(self.X)
            normed, _ = stock.preprocessing.deseq2_norm_transform(counts, *known)
        sf = self.obs["size_factors"].to_numpy()
        return transform(normed, self._vst_trend, sf, self._vst_mean)
