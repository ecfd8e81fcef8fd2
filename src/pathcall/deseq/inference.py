"""R DESeq2's estimators for all genes at once, as pydeseq2's ``Inference``.

`RInference` is what `pathcall.deseq.DeseqDataSet` and `pathcall.deseq.DeseqStats` compute with.
Its methods are those of pydeseq2's extension point; arrays are ``samples × genes`` as pydeseq2 has
them, the kernels below work on blocks of ``genes × samples``. No BLAS is called, so that results do
not depend on its threads.
"""

from __future__ import annotations

from copy import copy
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from pathcall.deseq.dispersion import MIN_DISP
from pathcall.deseq.kernels import dispersion, irls, modes
from pathcall.deseq.layout import Layout, by_gene, over_genes
from pathcall.deseq.stock import DefaultInference

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

Alternative = Literal["greaterAbs", "lessAbs", "greater", "less"]

#: Means are held at this or above for dispersions and Wald tests.
MIN_MU = 0.5
#: Ridge on coefficients (natural log scale): precision 1e-6 on the log2 scale.
RIDGE = 1e-6 / np.log(2) ** 2
#: Largest coefficient (log2) of reweighted least squares.
MAX_LOG2 = 30.0
#: Sd of the normal prior on coefficients that are not shrunk (apeglm).
PRIOR_WIDE = 15.0
_LN2 = float(np.log(2))


class RInference(DefaultInference):  # type: ignore[misc]
    """DESeq2's estimators with R's starts, stopping rules and bounds.

    Parameters
    ----------
    n_cpus
        Threads; None: all cores. Results do not depend on it, to the last bit.
    """

    #: Where `alpha_mle` starts, if not at `alpha_hat`: pydeseq2 has no argument for it.
    start: Float | None = None
    #: Normalisation factors (``samples × genes``) that take the place of size factors: likewise.
    factors: Float | None = None

    def told(self, **known: Any) -> RInference:
        """A copy that knows `start` or `factors`."""
        other = copy(self)
        other.__dict__.update(known)
        return other

    def _offset(self, size_factors: Any, block: slice) -> Float:
        return np.log(by_gene(size_factors if self.factors is None else self.factors, block))

    # ------------------------------------------------------------------ dispersions

    def fit_rough_dispersions(self, normed_counts: Any, design_matrix: Any) -> Float:
        """Dispersions from the residuals of a linear model."""
        x = np.asarray(design_matrix, dtype=np.float64)
        out = np.empty(normed_counts.shape[1])

        def work(block: slice) -> None:
            norm = by_gene(normed_counts, block)
            m = np.maximum(_linear(x, norm, x), 1.0)
            out[block] = (((norm - m) ** 2 - m) / m**2).sum(axis=1) / (len(x) - x.shape[1])

        over_genes(work, len(out), self.n_cpus)
        return np.maximum(out, 0.0)

    def fit_moments_dispersions(self, normed_counts: Any, size_factors: Any) -> Float:
        """Dispersions from mean and variance."""
        out, inverse = np.empty(normed_counts.shape[1]), (1 / np.asarray(size_factors)).mean()

        def work(block: slice) -> None:
            norm = by_gene(normed_counts, block)
            mean = norm.mean(axis=1)
            out[block] = (norm.var(axis=1, ddof=1) - inverse * mean) / mean**2

        over_genes(work, len(out), self.n_cpus)
        return out

    def lin_reg_mu(
        self, counts: Any, size_factors: Any, design_matrix: Any, min_mu: float
    ) -> Float:
        """Means of a linear model of normalised counts, at least `min_mu`."""
        x, mu = np.asarray(design_matrix, dtype=np.float64), np.empty(counts.shape[::-1])

        def work(block: slice) -> None:
            sf = np.exp(self._offset(size_factors, block))
            np.maximum(_linear(x, by_gene(counts, block) / sf, x) * sf, min_mu, out=mu[block])

        over_genes(work, len(mu), self.n_cpus)
        return mu.T

    def alpha_mle(
        self, counts: Any, design_matrix: Any, mu: Any, alpha_hat: Any, min_disp: float,
        max_disp: float, prior_disp_var: float | None = None, cr_reg: bool = True,
        prior_reg: bool = False, optimizer: Any = None,
    ) -> tuple[Float, Bool]:  # fmt: skip
        """Dispersions of Cox–Reid adjusted likelihood, and whether the ascent converged.

        Without a prior (`prior_reg` False) the ascent starts at `alpha_hat`, and a start that it
        improves by less than a millionth is kept. With one, `alpha_hat` is the prior's mean and
        the ascent starts at `start`; a prior of variance NaN keeps the start. Where it does not
        converge, the best point of two nested grids is taken. `cr_reg` and `optimizer` are
        pydeseq2's: R always adjusts, and has one optimiser.
        """
        layout, centre = Layout.of(design_matrix), np.asarray(alpha_hat, dtype=np.float64)
        shape = (layout.rows, layout.group, layout.saturated, layout.log_det)
        first = self.start if prior_reg and self.start is not None else centre
        variance = float(prior_disp_var) if prior_reg and prior_disp_var is not None else 0.0
        out, ok = first.copy(), np.ones(len(first), dtype=bool)
        if np.isnan(variance):
            return out, ok

        def work(block: slice) -> None:
            y, start, prior = by_gene(counts, block), first[block], np.log(centre[block])
            means = np.maximum(by_gene(mu, block), MIN_MU)
            log_alpha, initial, last = np.empty((3, len(y)))
            steps = np.empty(len(y), dtype=np.int64)
            dispersion.dispersion_ascent(
                y, means, *shape, np.log(start), prior, variance, float(np.log(MIN_DISP / 10)),
                1e-6, 100, log_alpha, steps, initial, last,
            )  # fmt: skip
            found = np.exp(log_alpha)
            failed = np.greater_equal(steps, 100)
            if not prior_reg:
                found = np.minimum(found, max_disp)
                found = np.where(last < initial + np.abs(initial) / 1e6, start, found)
                failed = (failed | (steps == 1)) & (found > MIN_DISP * 10)
            if failed.any():
                grid = np.empty(int(failed.sum()))
                dispersion.dispersion_grid(
                    y[failed], means[failed], *shape, prior[failed], variance,
                    float(np.log(MIN_DISP)), float(np.log(max_disp)), 20, grid,
                )  # fmt: skip
                found[failed] = np.exp(grid)
            out[block], ok[block] = found, ~failed

        over_genes(work, len(out), self.n_cpus)
        return out, ok

    # ------------------------------------------------------------------ coefficients

    def irls(
        self, counts: Any, size_factors: Any, design_matrix: Any, disp: Any, min_mu: float,
        beta_tol: float, min_beta: float = -MAX_LOG2, max_beta: float = MAX_LOG2,
        optimizer: Any = None, maxiter: int = 100,
    ) -> tuple[Float, Float, Float, Bool]:  # fmt: skip
        """Coefficients, means (not held up), hat diagonals, and whether each gene converged.

        A gene whose reweighted least squares does not settle within ±`max_beta` goes on to Newton's
        method on the same objective. An intercept alone is the mean of normalised counts, as in R.
        """
        layout, alpha = Layout.of(design_matrix), np.asarray(disp, dtype=np.float64)
        shape, p = (layout.rows, layout.group), layout.rows.shape[1]
        beta, ok = np.empty((len(alpha), p)), np.ones(len(alpha), dtype=bool)
        mu, hat = np.empty(counts.shape[::-1]), np.empty(counts.shape[::-1])
        ridge, closed = np.full(p, RIDGE), p == 1 and bool((layout.matrix == 1).all())

        def work(block: slice) -> None:
            y, offset, a = by_gene(counts, block), self._offset(size_factors, block), alpha[block]
            norm, b, settled = y / np.exp(offset), beta[block], ok[block]
            if closed:
                b[:, 0] = np.log(norm.mean(axis=1))
            else:
                b[:] = start = _linear(layout.matrix, np.log(norm + 0.1))
                irls.fit_beta(
                    y, offset, *shape, a, ridge, beta_tol, maxiter, min_mu, max_beta, b, settled
                )
            if not settled.all():
                left = np.flatnonzero(~settled)
                near = np.asarray((np.abs(b[left]) < max_beta * _LN2).all(axis=1))
                mode, done = np.where(near[:, None], b[left], start[left]), settled[left]
                modes.modes(
                    y[left], offset[left], *shape, 1 / a[left], ridge, -1, 1.0, 200, mode,
                    np.empty(len(left)), done,
                )  # fmt: skip
                b[left], settled[left] = mode, done
            mu[block] = np.exp(np.einsum("gp,np->gn", b, layout.matrix) + offset)
            irls.leverage(mu[block], *shape, a, ridge, min_mu, hat[block])

        over_genes(work, len(alpha), self.n_cpus)
        return beta, mu.T, hat.T, ok

    # ------------------------------------------------------------------ tests and shrinkage

    def wald_test(
        self, design_matrix: Any, disp: Any, lfc: Any, mu: Any, ridge_factor: Any, contrast: Any,
        lfc_null: Any, alt_hypothesis: Alternative | None = None,
    ) -> tuple[Float, Float, Float]:  # fmt: skip
        """P-values, Wald statistics and standard errors (natural log scale)."""
        layout, alpha = Layout.of(design_matrix), np.asarray(disp, dtype=np.float64)
        ridge, c = np.diag(ridge_factor).copy(), np.asarray(contrast, dtype=np.float64)
        variance = np.empty(len(alpha))

        def work(block: slice) -> None:
            irls.contrast_variance(
                by_gene(mu, block), layout.rows, layout.group, alpha[block], ridge, c, MIN_MU,
                variance[block],
            )  # fmt: skip

        over_genes(work, len(alpha), self.n_cpus)
        # As R, on the log2 scale.
        effect, se = np.einsum("gp,p->g", np.asarray(lfc), c) / _LN2, np.sqrt(variance) / _LN2
        p, stat = _wald(effect, se, float(lfc_null) / _LN2, alt_hypothesis)
        return p, stat, np.sqrt(variance)

    def posterior_modes(
        self, counts: Any, size_factors: Any, design_matrix: Any, disp: Any, start: Any, index: int,
        scale: float,
    ) -> tuple[Float, Float, Bool]:  # fmt: skip
        """Mode and variance of coefficient `index` under apeGLM's prior, and convergence.

        `start` are maximum likelihood estimates (``genes × coefficients``); `scale` is that of the
        Cauchy prior on the shrunken coefficient. The others have a normal prior of sd `PRIOR_WIDE`.
        """
        layout, size = Layout.of(design_matrix), 1 / np.asarray(disp, dtype=np.float64)
        mode, variance = np.array(start, dtype=np.float64, order="C"), np.empty(len(size))
        ok, precision = np.empty(len(size), dtype=bool), np.full(mode.shape[1], PRIOR_WIDE**-2.0)
        precision[index] = 0.0

        def work(block: slice) -> None:
            modes.modes(
                by_gene(counts, block), self._offset(size_factors, block), layout.rows,
                layout.group, size[block], precision, index, scale, 200, mode[block],
                variance[block], ok[block],
            )  # fmt: skip

        over_genes(work, len(size), self.n_cpus)
        return mode[:, index], variance, ok


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


def _linear(x: Float, values: Float, at: Float | None = None) -> Float:
    """Least-squares coefficients of ``genes × samples`` values, or their fit at rows `at`."""
    found = np.einsum("gn,pn->gp", values, np.linalg.pinv(x))
    return np.asarray(found if at is None else np.einsum("gp,np->gn", found, at))
