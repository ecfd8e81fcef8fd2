"""pydeseq2's inference extension point, filled with the compiled kernels: all genes at once.

``DeseqDataSet(..., inference=BatchedInference())`` and ``DeseqStats(..., inference=...)`` run as
ever, on the estimators of pydeseq2's ``DefaultInference`` (same starts, same local optima), without
a Python loop over genes, processes or BLAS threads.
"""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydeseq2 import utils
from pydeseq2.default_inference import DefaultInference
from pydeseq2.inference import Inference
from scipy.special import ndtr

from pathcall.deseq import kernels
from pathcall.deseq.kernels import Layout, over_genes

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

Optimizer = Literal["BFGS", "L-BFGS-B"]
Alternative = Literal["greaterAbs", "lessAbs", "greater", "less"]


class BatchedInference(Inference):  # type: ignore[misc]
    """DESeq2's estimators for all genes at once.

    Parameters
    ----------
    n_cpus
        Threads; None: all cores. Results do not depend on it, to the last bit.

    Notes
    -----
    A gene whose batched fit does not converge goes through pydeseq2's own function for one gene,
    grid search included, so that it gets the answer pydeseq2 would give. Arrays are
    ``samples × genes`` here, as pydeseq2 has them.
    """

    def __init__(self, n_cpus: int | None = None) -> None:
        self.n_cpus = n_cpus

    @property
    def n_cpus(self) -> int:
        """Threads."""
        return self._n_cpus

    @n_cpus.setter
    def n_cpus(self, n_cpus: int | None) -> None:
        self._n_cpus = n_cpus if n_cpus is not None else len(os.sched_getaffinity(0))

    def lin_reg_mu(
        self, counts: Any, size_factors: Any, design_matrix: Any, min_mu: float
    ) -> Float:
        """Means of a linear model of normalised counts, at least `min_mu`."""
        sf = np.asarray(size_factors, dtype=np.float64)
        fitted = _linear_fit(np.asarray(counts) / sf[:, None], np.asarray(design_matrix, float))
        return np.maximum(sf[:, None] * fitted, min_mu)

    def irls(
        self, counts: Any, size_factors: Any, design_matrix: Any, disp: Any, min_mu: float,
        beta_tol: float, min_beta: float = -30, max_beta: float = 30,
        optimizer: Optimizer = "L-BFGS-B", maxiter: int = 250,
    ) -> tuple[Float, Float, Float, Bool]:  # fmt: skip
        """Coefficients, means (not held up), hat diagonals, and whether each gene converged."""
        sf = np.asarray(size_factors, dtype=np.float64)
        y, alpha = _by_gene(counts), np.ascontiguousarray(disp, dtype=np.float64)
        layout = Layout.of(design_matrix)
        log_sf = np.log(sf)
        beta = np.ascontiguousarray(
            _linear_coefficients(np.log(y.T / sf[:, None] + 0.1), layout.matrix).T
        )
        ok = np.empty(len(y), dtype=bool)
        mu, hat = np.empty_like(y), np.empty_like(y)

        def work(block: slice) -> None:
            kernels.fit_beta(
                y[block], log_sf, layout.rows, layout.group, alpha[block], beta[block], ok[block],
                1e-6, beta_tol, maxiter, min_mu, max_beta, 1000.0,
            )  # fmt: skip
            kernels.means_and_leverage(
                y[block], log_sf, layout.rows, layout.group, alpha[block], beta[block], 1e-6,
                min_mu, mu[block], hat[block],
            )  # fmt: skip

        over_genes(work, len(y), self.n_cpus)
        for i in np.flatnonzero(~ok):
            beta[i], mu[i], hat[i], ok[i] = utils.irls_solver(
                y[i], sf, layout.matrix, alpha[i], min_mu, beta_tol, min_beta, max_beta, optimizer,
                maxiter,
            )  # fmt: skip
        return beta, mu.T, hat.T, ok

    def alpha_mle(
        self, counts: Any, design_matrix: Any, mu: Any, alpha_hat: Any, min_disp: float,
        max_disp: float, prior_disp_var: float | None = None, cr_reg: bool = True,
        prior_reg: bool = False, optimizer: Optimizer = "L-BFGS-B",
    ) -> tuple[Float, Bool]:  # fmt: skip
        """Dispersions from the start `alpha_hat`, and whether each gene converged."""
        if prior_reg and prior_disp_var is None:
            raise ValueError("prior_reg needs prior_disp_var")
        y, means = _by_gene(counts), _by_gene(mu)
        layout = Layout.of(design_matrix)
        rows, saturated = layout.rows, layout.saturated
        if not cr_reg:  # no columns: no determinant
            rows, saturated = np.empty((len(rows), 0)), False
        start = np.log(np.ascontiguousarray(alpha_hat, dtype=np.float64))
        variance = float(prior_disp_var) if prior_reg and prior_disp_var is not None else 0.0
        log_alpha = np.empty(len(y))
        ok = np.empty(len(y), dtype=bool)

        def work(block: slice) -> None:
            kernels.dispersion_quasi_newton(
                y[block], means[block], rows, layout.group, saturated, layout.log_det,
                start[block], start[block], variance, float(np.log(min_disp)),
                float(np.log(max_disp)), 200, log_alpha[block], ok[block],
            )  # fmt: skip

        over_genes(work, len(y), self.n_cpus)
        result = np.exp(log_alpha)
        # At the lower bound pydeseq2's likelihood is flat but for rounding, and rounding decides
        # whether its search ends there or fails over to the grid: only its own arithmetic knows.
        ok[(np.exp(start) <= min_disp) & (log_alpha > np.log(min_disp) + 1e-9)] = False
        for i in np.flatnonzero(~ok):
            result[i], ok[i] = utils.fit_alpha_mle(
                y[i], layout.matrix, means[i], np.exp(start[i]), min_disp, max_disp,
                prior_disp_var, cr_reg, prior_reg, optimizer,
            )  # fmt: skip
        return result, ok

    def wald_test(
        self, design_matrix: Any, disp: Any, lfc: Any, mu: Any, ridge_factor: Any, contrast: Any,
        lfc_null: Any, alt_hypothesis: Alternative | None = None,
    ) -> tuple[Float, Float, Float]:  # fmt: skip
        """P-values, Wald statistics and standard errors (natural log scale)."""
        layout = Layout.of(design_matrix)
        means, alpha = _by_gene(mu), np.ascontiguousarray(disp, dtype=np.float64)
        beta, c = np.asarray(lfc, dtype=np.float64), np.asarray(contrast, dtype=np.float64)
        ridge = np.ascontiguousarray(ridge_factor, dtype=np.float64)
        variance = np.empty(len(means))

        def work(block: slice) -> None:
            kernels.contrast_variance_at(
                means[block], layout.rows, layout.group, alpha[block], ridge, c, variance[block]
            )

        over_genes(work, len(means), self.n_cpus)
        se = np.sqrt(variance)
        scaled = (beta - lfc_null) / se[:, None]
        if alt_hypothesis is None:
            stat = np.einsum("gp,p->g", beta - lfc_null, c) / se
            return 2 * ndtr(-np.abs(stat)), stat, se
        if alt_hypothesis == "greaterAbs":
            size = np.fmax((np.abs(beta) - lfc_null) / se[:, None], 0)
            stat = np.einsum("gp,p->g", np.sign(beta) * size, c)
            return 2 * ndtr(-np.abs(stat)), stat, se
        if alt_hypothesis == "greater":
            stat = np.einsum("gp,p->g", np.fmax(scaled, 0), c)
            return ndtr(-stat), stat, se
        if alt_hypothesis == "less":
            stat = np.einsum("gp,p->g", np.fmin(scaled, 0), c)
            return ndtr(-np.abs(stat)), stat, se
        null = np.abs(lfc_null)
        above = np.einsum("gp,p->g", np.fmax((beta + null) / se[:, None], 0), c)
        below = np.einsum("gp,p->g", np.fmin((beta - null) / se[:, None], 0), c)
        stat = np.where(np.abs(above) <= np.abs(below), above, below)
        return np.maximum(ndtr(-above), ndtr(-np.abs(below))), stat, se

    def fit_rough_dispersions(self, normed_counts: Any, design_matrix: Any) -> Float:
        """Dispersions from the residuals of a linear model."""
        values, x = np.asarray(normed_counts, float), np.asarray(design_matrix, float)
        n, p = x.shape
        if n == p:
            raise ValueError("as many samples as coefficients: no replicates for a dispersion")
        fitted = np.maximum(_linear_fit(values, x), 1)
        rough = (((values - fitted) ** 2 - fitted) / ((n - p) * fitted**2)).sum(axis=0)
        return np.asarray(np.maximum(rough, 0))

    def fit_moments_dispersions(self, normed_counts: Any, size_factors: Any) -> Float:
        """Dispersions from mean and variance, genes without counts left out."""
        return np.asarray(utils.fit_moments_dispersions(normed_counts, size_factors))

    def dispersion_trend_gamma_glm(
        self, covariates: pd.Series, targets: pd.Series
    ) -> tuple[Float, Float, bool]:
        """Coefficients and predictions of the trend (pydeseq2's: it is one fit, not one a gene)."""
        coefficients, predictions, converged = DefaultInference.dispersion_trend_gamma_glm(
            self, covariates, targets
        )
        return coefficients, predictions, bool(converged)

    def lfc_shrink_nbinom_glm(
        self, design_matrix: Any, counts: Any, size: Any, offset: Any,
        prior_no_shrink_scale: float, prior_scale: float, optimizer: str, shrink_index: int,
    ) -> tuple[Float, Float, Bool]:  # fmt: skip
        """Posterior modes under apeGLM's prior, inverse Hessians there, and convergence.

        The inverse Hessian is that of the objective; pydeseq2 0.5.4 adds the prior's diagonal to
        every row of it (see docs/de.md).
        """
        y, k = _by_gene(counts), np.ascontiguousarray(size, dtype=np.float64)
        log_sf = np.ascontiguousarray(offset, dtype=np.float64)
        layout = Layout.of(design_matrix)
        p = layout.n_coefficients
        start = np.ascontiguousarray(
            _linear_coefficients(np.log(y.T / np.exp(log_sf)[:, None] + 0.1), layout.matrix).T
        )
        other = start.copy()
        other[:, shrink_index] = 0.0
        mode, variance = np.empty_like(start), np.empty(len(y))
        ok = np.empty(len(y), dtype=bool)
        inverse = np.empty((len(y), p, p))

        def work(block: slice) -> None:
            kernels.shrink(
                y[block], log_sf, layout.rows, layout.group, k[block], start[block], other[block],
                shrink_index, prior_no_shrink_scale, prior_scale, 200, mode[block],
                variance[block], ok[block],
            )  # fmt: skip
            eta = np.einsum("gp,np->gn", mode[block], layout.matrix) + log_sf
            q = k[block, None]
            frac = (y[block] + q) * q * np.exp(eta) / (q + np.exp(eta)) ** 2
            hessian = np.einsum("gn,np,nq->gpq", frac, layout.matrix, layout.matrix)
            curvature = np.full(mode[block].shape, 1 / prior_no_shrink_scale**2)
            t, s2 = mode[block, shrink_index], prior_scale**2
            curvature[:, shrink_index] = 2 * (s2 - t**2) / (s2 + t**2) ** 2
            hessian[:, np.arange(p), np.arange(p)] += curvature
            inverse[block] = np.linalg.inv(hessian)

        over_genes(work, len(y), self.n_cpus)
        return mode, inverse, ok


def _by_gene(values: Any) -> Float:
    return np.ascontiguousarray(np.asarray(values).T, dtype=np.float64)


def _linear_coefficients(values: Float, matrix: Float) -> Float:
    """Least squares of each column of ``samples × genes``: ``coefficients × genes``, no BLAS."""
    return np.asarray(np.einsum("pn,ng->pg", np.linalg.pinv(matrix), values))


def _linear_fit(values: Float, matrix: Float) -> Float:
    return np.asarray(np.einsum("np,pg->ng", matrix, _linear_coefficients(values, matrix)))
