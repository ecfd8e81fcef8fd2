"""R DESeq2's estimators for all genes at once, as pydeseq2's ``Inference``.

`RInference` is what `pathcall.deseq.DeseqDataSet` and `pathcall.deseq.DeseqStats` compute with.
Its methods are those of pydeseq2's extension point; arrays are ``samples × genes`` as pydeseq2 has
them, the kernels below work on ``genes × samples``. No BLAS is called, so that results do not
depend on its threads.
"""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydeseq2.inference import Inference
from scipy.special import ndtr

from pathcall.deseq.dispersion import MIN_DISP, gamma_identity
from pathcall.deseq.kernels import dispersion, irls, shrinkage
from pathcall.deseq.layout import BLOCK, Layout, over_genes

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

Alternative = Literal["greaterAbs", "lessAbs", "greater", "less"]

#: Means are held at this or above for dispersions and Wald tests.
MIN_MU = 0.5
#: Ridge on coefficients (natural log scale): precision 1e-6 on the log2 scale.
RIDGE = 1e-6 / np.log(2) ** 2
#: Largest coefficient (log2) of the search that follows where reweighted least squares fails.
MAX_LOG2 = 30.0
_LN2 = float(np.log(2))


class RInference(Inference):  # type: ignore[misc]
    """DESeq2's estimators with R's starts, stopping rules and bounds.

    Parameters
    ----------
    n_cpus
        Threads; None: all cores. Results do not depend on it, to the last bit.
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

    # ------------------------------------------------------------------ dispersions

    def fit_rough_dispersions(self, normed_counts: Any, design_matrix: Any) -> Float:
        """Dispersions from the residuals of a linear model."""
        norm, layout = _by_gene(normed_counts), Layout.of(design_matrix)
        n, p = layout.n_samples, layout.n_coefficients
        if n == p:
            raise ValueError("as many samples as coefficients: no replicates for a dispersion")
        out = np.empty(len(norm))

        def work(block: slice) -> None:
            m = np.maximum(_linear_fit(layout, norm[block]), 1.0)
            out[block] = (((norm[block] - m) ** 2 - m) / m**2).sum(axis=1) / (n - p)

        over_genes(work, len(norm), self.n_cpus)
        return np.maximum(out, 0.0)

    def fit_moments_dispersions(self, normed_counts: Any, size_factors: Any) -> Float:
        """Dispersions from mean and variance."""
        norm, sf = _by_gene(normed_counts), np.asarray(size_factors, dtype=np.float64)
        mean = norm.mean(axis=1)
        return np.asarray((norm.var(axis=1, ddof=1) - (1 / sf).mean() * mean) / mean**2)

    def lin_reg_mu(
        self, counts: Any, size_factors: Any, design_matrix: Any, min_mu: float
    ) -> Float:
        """Means of a linear model of normalised counts, at least `min_mu`."""
        y, sf = _by_gene(counts), np.asarray(size_factors, dtype=np.float64)
        layout = Layout.of(design_matrix)
        mu = np.empty_like(y)

        def work(block: slice) -> None:
            np.maximum(_linear_fit(layout, y[block] / sf) * sf, min_mu, out=mu[block])

        over_genes(work, len(y), self.n_cpus)
        return mu.T

    def alpha_mle(
        self, counts: Any, design_matrix: Any, mu: Any, alpha_hat: Any, min_disp: float,
        max_disp: float, prior_disp_var: float | None = None, cr_reg: bool = True,
        prior_reg: bool = False, optimizer: Any = None, *, start: Any = None,
    ) -> tuple[Float, Bool]:  # fmt: skip
        """Dispersions of Cox–Reid adjusted likelihood, and whether the ascent converged.

        Without a prior (`prior_reg` False) the ascent starts at `alpha_hat`, and a start that it
        improves by less than a millionth is kept. With one, `alpha_hat` is the prior's mean and
        the ascent starts at `start` (None: at `alpha_hat`). Where it does not converge, the best
        point of two nested grids is taken. `cr_reg` and `optimizer` are pydeseq2's: R always
        adjusts, and has one optimiser.
        """
        y, means, layout = _by_gene(counts), _by_gene(mu), Layout.of(design_matrix)
        np.maximum(means, MIN_MU, out=means)
        shape = (layout.rows, layout.group, layout.saturated, layout.log_det)
        centre = np.asarray(alpha_hat, dtype=np.float64)
        first = centre if start is None else np.asarray(start, dtype=np.float64)
        log_start = np.log(first)
        log_prior = np.log(centre) if prior_reg else np.empty(0)
        variance = float(prior_disp_var) if prior_reg and prior_disp_var is not None else 0.0
        bounds = float(np.log(MIN_DISP)), float(np.log(max_disp))
        out, ok = np.empty(len(y)), np.empty(len(y), dtype=bool)

        def work(block: slice) -> None:
            counts, mu, prior = y[block], means[block], log_prior[block]
            g = len(counts)
            log_alpha, initial, last = np.empty(g), np.empty(g), np.empty(g)
            steps = np.empty(g, dtype=np.int64)
            dispersion.dispersion_ascent(
                counts, mu, *shape, log_start[block], prior, variance,
                float(np.log(MIN_DISP / 10)), 1e-6, 100, log_alpha, steps, initial, last,
            )  # fmt: skip
            found = np.exp(log_alpha)
            failed = steps >= 100
            if not prior_reg:
                found = np.minimum(found, max_disp)
                stayed = last < initial + np.abs(initial) / 1e6
                found[stayed] = first[block][stayed]
                failed = (failed | (steps == 1)) & (found > MIN_DISP * 10)
            if failed.any():
                grid = np.empty(int(failed.sum()))
                dispersion.dispersion_grid(
                    counts[failed], mu[failed], *shape, prior[failed] if prior_reg else prior,
                    variance, *bounds, 20, grid,
                )  # fmt: skip
                found[failed] = np.exp(grid)
            out[block], ok[block] = found, ~failed

        over_genes(work, len(y), self.n_cpus)
        return out, ok

    def dispersion_trend_gamma_glm(
        self, covariates: Any, targets: Any
    ) -> tuple[Float, Float, bool]:
        """Coefficients and predictions of one round of the trend, and whether it converged."""
        x, y = np.asarray(covariates, dtype=np.float64), np.asarray(targets, dtype=np.float64)
        fitted, converged = gamma_identity(x, y, np.array([0.1, 1.0]))
        if fitted is None:
            return np.full(2, np.nan), np.full(len(x), np.nan), False
        return fitted, fitted[0] + fitted[1] * x, converged

    # ------------------------------------------------------------------ coefficients

    def irls(
        self, counts: Any, size_factors: Any, design_matrix: Any, disp: Any, min_mu: float,
        beta_tol: float, min_beta: float = -MAX_LOG2, max_beta: float = MAX_LOG2,
        optimizer: Any = None, maxiter: int = 100,
    ) -> tuple[Float, Float, Float, Bool]:  # fmt: skip
        """Coefficients, means (not held up), hat diagonals, and whether each gene converged.

        A gene that reweighted least squares does not settle goes on to Newton's method on the
        same objective, within `min_beta`…`max_beta` (log2).
        """
        y, sf = _by_gene(counts), np.asarray(size_factors, dtype=np.float64)
        layout, alpha = Layout.of(design_matrix), np.ascontiguousarray(disp, dtype=np.float64)
        beta, ok = coefficients(
            y, sf, layout, alpha, self.n_cpus, min_mu=min_mu, tol=beta_tol, max_iter=maxiter
        )
        mu, hat = np.empty_like(y), np.empty_like(y)

        def work(block: slice) -> None:
            mu[block] = np.exp(np.einsum("gp,np->gn", beta[block], layout.matrix)) * sf
            irls.leverage(
                mu[block], layout.rows, layout.group, alpha[block], RIDGE, min_mu, hat[block]
            )

        over_genes(work, len(y), self.n_cpus)
        return beta, mu.T, hat.T, ok

    # ------------------------------------------------------------------ tests and shrinkage

    def fitted_means(self, size_factors: Any, design_matrix: Any, lfc: Any) -> Float:
        """Means of the model with coefficients `lfc`, ``samples × genes``."""
        log_sf = np.log(np.asarray(size_factors, dtype=np.float64))
        beta, layout = np.ascontiguousarray(lfc, dtype=np.float64), Layout.of(design_matrix)
        mu = np.empty((len(beta), layout.n_samples))

        def work(block: slice) -> None:
            irls.fitted_means(log_sf, layout.rows, layout.group, beta[block], mu[block])

        over_genes(work, len(beta), self.n_cpus)
        return mu.T

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
            irls.contrast_variance(
                np.maximum(means[block], MIN_MU), layout.rows, layout.group, alpha[block], ridge,
                c, variance[block],
            )  # fmt: skip

        over_genes(work, len(means), self.n_cpus)
        se = np.sqrt(variance)
        # As R, on the log2 scale.
        effect = np.einsum("gp,p->g", beta, c) / _LN2
        p, stat = _wald(effect, se / _LN2, float(lfc_null) / _LN2, alt_hypothesis)
        return p, stat, se

    def posterior_modes(
        self, counts: Any, size_factors: Any, design_matrix: Any, disp: Any, start: Any, index: int,
        scale: float, wide: float,
    ) -> tuple[Float, Float, Bool]:  # fmt: skip
        """Modes under apeGLM's prior (``genes × coefficients``), coefficient `index` shrunken.

        Also the column `index` of the inverse Hessian there, and whether each gene converged.
        `start` are maximum likelihood estimates; `scale` is that of the Cauchy prior on the
        shrunken coefficient, `wide` the sd of the normal prior on the others.
        """
        y, layout = _by_gene(counts), Layout.of(design_matrix)
        log_sf = np.log(np.asarray(size_factors, dtype=np.float64))
        size = 1 / np.asarray(disp, dtype=np.float64)
        likely = np.ascontiguousarray(start, dtype=np.float64)
        none = likely.copy()
        none[:, index] = 0.0
        mode, inverse = np.empty_like(likely), np.empty_like(likely)
        ok = np.empty(len(y), dtype=bool)

        def work(block: slice) -> None:
            shrinkage.shrink(
                y[block], log_sf, layout.rows, layout.group, size[block], likely[block],
                none[block], index, wide, scale, 200, mode[block], inverse[block], ok[block],
            )  # fmt: skip

        over_genes(work, len(y), self.n_cpus)
        return mode, inverse, ok

    def lfc_shrink_nbinom_glm(
        self, design_matrix: Any, counts: Any, size: Any, offset: Any,
        prior_no_shrink_scale: float, prior_scale: float, optimizer: str, shrink_index: int,
    ) -> tuple[Float, Float, Bool]:  # fmt: skip
        """`posterior_modes` as pydeseq2 asks for them.

        Of the inverse Hessians, ``genes × coefficients × coefficients``, only the row and the
        column of the shrunken coefficient are computed; the rest is NaN.
        """
        sf = np.exp(np.asarray(offset, dtype=np.float64))
        layout = Layout.of(design_matrix)
        start = _linear(layout, np.log(_by_gene(counts) / sf + 0.1))
        mode, column, ok = self.posterior_modes(
            counts, sf, design_matrix, 1 / np.asarray(size), start, shrink_index, prior_scale,
            prior_no_shrink_scale,
        )  # fmt: skip
        inverse = np.full((*mode.shape, mode.shape[1]), np.nan)
        inverse[:, shrink_index, :] = inverse[:, :, shrink_index] = column
        return mode, inverse, ok


def coefficients(
    y: Float, sf: Float, layout: Layout, alpha: Float, threads: int, *, min_mu: float = MIN_MU,
    tol: float = 1e-8, max_iter: int = 100,
) -> tuple[Float, Bool]:  # fmt: skip
    """Maximum likelihood coefficients (``genes × coefficients``) and whether they converged.

    Parameters
    ----------
    y
        Counts, ``genes × samples``.
    sf, layout, alpha
        Size factors, design, dispersions.
    threads
        Threads.
    min_mu, tol, max_iter
        Of the iteratively reweighted least squares: lowest mean, relative change of the deviance,
        steps.
    """
    beta = np.empty((len(y), layout.n_coefficients))
    converged = np.ones(len(y), dtype=bool)
    log_sf = np.log(sf)
    if layout.n_coefficients == 1 and (layout.matrix == 1).all():
        beta[:, 0] = np.log(base_mean_of(y, sf))
        return beta, converged

    def work(block: slice) -> None:
        counts, a = y[block], alpha[block]
        start = _linear(layout, np.log(counts / sf + 0.1))
        b = start.copy()
        ok = np.empty(len(counts), dtype=bool)
        irls.fit_beta(
            counts, log_sf, layout.rows, layout.group, a, b, ok, RIDGE, tol, max_iter, min_mu,
            MAX_LOG2,
        )  # fmt: skip
        if not ok.all():
            again = ~ok
            bad = ~(np.abs(b) < MAX_LOG2 * _LN2).all(axis=1)
            b[again & bad] = start[again & bad]
            part, good = np.ascontiguousarray(b[again]), np.empty(int(again.sum()), dtype=bool)
            irls.fit_beta_bounded(
                np.ascontiguousarray(counts[again]), log_sf, layout.rows, layout.group, a[again],
                part, good, RIDGE, MAX_LOG2 * _LN2, 200,
            )  # fmt: skip
            b[again], ok[again] = part, good
        beta[block], converged[block] = b, ok

    over_genes(work, len(y), threads)
    return beta, converged


def base_mean_of(y: Float, sf: Float) -> Float:
    """Mean of normalised counts of each gene (``genes × samples`` counts), block by block."""
    out = np.empty(len(y))
    for i in range(0, len(y), BLOCK):
        out[i : i + BLOCK] = (y[i : i + BLOCK] / sf).mean(axis=1)
    return out


def _wald(
    effect: Float, se: Float, null: float, alternative: Alternative | None
) -> tuple[Float, Float]:
    """P-values and statistics of effects against `null` (DESeq2's ``results``)."""
    if alternative is None:
        stat = (effect - null) / se
        return 2 * ndtr(-np.abs(stat)), stat
    if alternative == "greaterAbs":
        stat = np.sign(effect) * np.fmax((np.abs(effect) - null) / se, 0)
        return np.minimum(1.0, 2 * ndtr(-(np.abs(effect) - null) / se)), stat
    above = (effect - null) / se
    if alternative == "greater":
        return ndtr(-above), np.fmax(above, 0)
    if alternative == "less":
        return ndtr(above), np.fmin(above, 0)
    inside = np.fmin(null - effect, effect + null) / se  # lessAbs: to the nearer bound
    return ndtr(-inside), np.fmax(inside, 0)


def _by_gene(values: Any) -> Float:
    return np.array(np.asarray(values).T, dtype=np.float64, order="C")


def _linear(layout: Layout, values: Float) -> Float:
    """Least-squares coefficients of ``genes × samples`` values: ``genes × coefficients``."""
    return np.asarray(np.einsum("gn,pn->gp", values, np.linalg.pinv(layout.matrix)))


def _linear_fit(layout: Layout, values: Float) -> Float:
    return np.asarray(np.einsum("gp,np->gn", _linear(layout, values), layout.matrix))
