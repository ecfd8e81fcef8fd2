"""Differential expression of one model: negative binomial GLMs with R DESeq2's answers.

`fit_model` estimates size factors, dispersions and coefficients; `test_contrast` tests any linear
combination of coefficients (Wald) and shrinks it (apeGLM); `lrt` tests whole terms. The steps and
their constants are those of DESeq2 1.38.3 (Love, Huber & Anders 2014, Genome Biol 15:550); every
place where pydeseq2 0.5.4 does something else is listed in docs/de.md. With
``r_agreement=False`` pydeseq2 itself drives the fit, on the same compiled kernels
(`pathcall.deseq.inference.BatchedInference`), and gives its own answers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc, fdtri, ndtr

from pathcall.deseq import kernels
from pathcall.deseq.dispersion import MIN_DISP, Prior, Trend, fit_prior, fit_trend
from pathcall.deseq.kernels import Layout, over_genes
from pathcall.errors import PathcallError
from pathcall.stats.linear_models import samples_used
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.stats.size_factors import size_factors as size_factors

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

MIN_MU = 0.5
#: Ridge on coefficients (natural log scale): precision 1e-6 on the log2 scale.
RIDGE = 1e-6 / np.log(2) ** 2
#: Replicates in a cell from which outlier counts are replaced rather than the gene left untested.
MIN_REPLICATES_FOR_REPLACE = 7
#: Sd of the normal prior on coefficients that are not shrunk (apeglm).
PRIOR_WIDE = 15.0
_LN2 = float(np.log(2))


@dataclass(frozen=True)
class Fit:
    """One fitted model: all that tests of its contrasts need.

    Series and frames are indexed by gene in the order of `counts`, and NaN for a gene without any
    count.

    Attributes
    ----------
    counts
        The counts given, ``samples × genes``.
    design
        The design matrix, ``samples × coefficients``.
    size_factors
        Sample → size factor.
    base_mean
        Mean of normalised counts (of replaced counts where outliers were replaced).
    beta
        ``genes × coefficients``, natural log scale, maximum likelihood.
    dispersions
        Final dispersions: maximum a posteriori, or gene-wise for genes far above the trend.
    dispersions_gene, dispersions_trend
        Gene-wise estimates, and the trend at the gene's mean.
    trend, prior
        The trend and the prior around it (None where pydeseq2 made the fit).
    max_cooks
        Largest Cook's distance over the samples that count (NaN where none does).
    outlier
        P-values are withheld because of a Cook's-distance outlier.
    replaced
        Genes with outlier counts replaced before the final fit.
    emptied
        Genes left without any count by that.
    converged
        The coefficients' iteration converged (or its fallback did).
    r_agreement
        R's rules (True) or pydeseq2's.
    threads
        Threads to use for tests.
    """

    counts: pd.DataFrame
    design: pd.DataFrame
    size_factors: pd.Series
    base_mean: pd.Series
    beta: pd.DataFrame
    dispersions: pd.Series
    dispersions_gene: pd.Series
    dispersions_trend: pd.Series
    trend: Trend | None
    prior: Prior | None
    max_cooks: pd.Series
    outlier: pd.Series
    replaced: pd.Series
    emptied: pd.Series
    converged: pd.Series
    r_agreement: bool = True
    threads: int = 1
    #: Counts of the final fit, genes × samples, and the laid-out design.
    y: Float = field(repr=False, kw_only=True)
    layout: Layout = field(repr=False, kw_only=True)
    #: The pydeseq2 data set, where it made the fit.
    stock: Any = field(default=None, repr=False, kw_only=True)

    @property
    def residual_df(self) -> int:
        """Samples less coefficients."""
        return self.layout.n_samples - self.layout.n_coefficients


# ---------------------------------------------------------------------------- before the fit


def filter_genes(counts: pd.DataFrame, *, min_count: int, min_samples: int) -> pd.Series:
    """Genes with at least `min_count` counts in at least `min_samples` samples.

    Parameters
    ----------
    counts
        ``samples × genes``.
    min_count, min_samples
        The two thresholds.

    Returns
    -------
    pandas.Series
        gene → kept.
    """
    enough = (counts.to_numpy() >= min_count).sum(axis=0) >= min_samples
    return pd.Series(enough, index=counts.columns, name="kept")


# ---------------------------------------------------------------------------- the fit


def fit_model(
    counts: pd.DataFrame,
    design: pd.DataFrame,
    *,
    size_factors: pd.Series | None = None,
    r_agreement: bool = True,
    inference: Any = None,
    threads: int = 1,
) -> Fit:
    """Fit the negative binomial GLMs of one model.

    Parameters
    ----------
    counts
        ``samples × genes``: non-negative integers (any numeric type).
    design
        ``samples × coefficients``, numeric, full column rank, fewer columns than rows, rows in
        the order of `counts`.
    size_factors
        Sample → factor; None: estimated from `counts`.
    r_agreement
        True: R DESeq2's rules. False: pydeseq2's (its own code on `inference`).
    inference
        A pydeseq2 ``Inference`` for ``r_agreement=False``; None: `BatchedInference`.
    threads
        Threads; the result does not depend on them, to the last bit.

    Raises
    ------
    PathcallError
        Counts or design cannot be fitted.
    """
    _check(counts, design)
    if not r_agreement:
        return _fit_stock(counts, design, size_factors, inference, threads)
    if inference is not None:
        raise ValueError("`inference` is for r_agreement=False: R's rules need their own kernels")
    # `globals()`: the parameter hides the function.
    factors = globals()["size_factors"](counts) if size_factors is None else size_factors
    sf = factors.reindex(counts.index).to_numpy(dtype=np.float64)
    if not ((sf > 0) & np.isfinite(sf)).all():
        raise PathcallError(
            "a sample has no positive size factor",
            where=", ".join(map(str, counts.index[~(sf > 0)])),
            fix="exclude the sample, or give a factor for it",
        )
    layout = Layout.of(design.to_numpy(dtype=np.float64))
    n, p = layout.n_samples, layout.n_coefficients
    y = np.ascontiguousarray(counts.to_numpy().T, dtype=np.float64)
    n_genes = len(y)
    base_mean = base_mean_of(y, sf)
    some = np.flatnonzero(base_mean > 0)
    work = y if len(some) == n_genes else y[some]

    gene, mu = gene_dispersions(work, sf, layout, threads)
    trend = fit_trend(base_mean[some], gene)
    at_trend = trend(base_mean[some])
    prior = fit_prior(gene, at_trend, n - p) if trend.kind != "none" else Prior(np.nan, np.nan)
    final = _final_dispersions(work, mu, layout, gene, at_trend, prior, threads)
    del mu
    beta, converged = _coefficients(work, sf, layout, final, threads)

    cutoff = float(fdtri(p, n - p, 0.99))
    max_cooks, over, low_count = _cooks(work, sf, layout, final, beta, cutoff, threads)
    replaceable = layout.replicated(MIN_REPLICATES_FOR_REPLACE)
    replaced = np.zeros(n_genes, dtype=bool)
    emptied = np.zeros(n_genes, dtype=bool)
    if replaceable.any():
        hit = np.flatnonzero(over.any(axis=1))
        if len(hit):
            new = _replace(work[hit], sf, over[hit] & replaceable)
            left = new.sum(axis=1) > 0
            replaced[some[hit]] = True
            emptied[some[hit[~left]]] = True
            base_mean[some[hit]] = base_mean_of(new, sf)
            y = y.copy()
            y[some[hit]] = new
            again, new = hit[left], np.ascontiguousarray(new[left])
            if len(again):
                gene[again], mu = gene_dispersions(new, sf, layout, threads)
                at_trend[again] = trend(base_mean[some[again]])
                final[again] = _final_dispersions(
                    new, mu, layout, gene[again], at_trend[again], prior, threads
                )
                beta[again], converged[again] = _coefficients(
                    new, sf, layout, final[again], threads
                )
                if replaceable.all():
                    max_cooks[:] = np.nan
                else:
                    max_cooks, _, low_count = _cooks(
                        work, sf, layout, final, beta, cutoff, threads, ignore=replaceable,
                        only_max=max_cooks,
                    )  # fmt: skip
            logger.info("%d genes with outlier counts replaced and fitted again", len(hit))

    # With a single two-level factor, an outlier that at least three samples exceed is no outlier.
    outlier = np.nan_to_num(max_cooks, nan=-np.inf) > cutoff
    if _single_two_level_factor(layout):
        outlier &= ~low_count
    genes = counts.columns
    _log_fit(n_genes, some, trend, prior, converged, outlier)

    def series(values: Any, fill: Any = np.nan) -> pd.Series:
        full = np.full(n_genes, fill, dtype=np.asarray(values).dtype)
        full[some] = values
        return pd.Series(full, index=genes)

    coefficients = np.full((n_genes, p), np.nan)
    coefficients[some] = beta
    return Fit(
        counts=counts,
        design=design,
        size_factors=pd.Series(sf, index=counts.index, name="size_factor"),
        base_mean=pd.Series(base_mean, index=genes),
        beta=pd.DataFrame(coefficients, index=genes, columns=design.columns),
        dispersions=series(final),
        dispersions_gene=series(gene),
        dispersions_trend=series(at_trend),
        trend=trend,
        prior=prior,
        max_cooks=series(max_cooks),
        outlier=series(outlier, False),
        replaced=pd.Series(replaced, index=genes),
        emptied=pd.Series(emptied, index=genes),
        converged=series(converged, True),
        threads=threads,
        y=y,
        layout=layout,
    )


def _check(counts: pd.DataFrame, design: pd.DataFrame) -> None:
    values = counts.to_numpy()
    if not np.issubdtype(values.dtype, np.number) or values.dtype.kind == "c":
        raise PathcallError(
            "counts are not numbers",
            where=f"a table of type {values.dtype}",
            fix="give a numeric matrix of integer counts",
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = counts.columns[~np.isfinite(values).all(axis=0)]
        raise PathcallError(
            "counts are missing or infinite", where=f"gene {bad[0]}", fix="remove the gene"
        )
    if (values < 0).any() or (values.dtype.kind == "f" and (values != np.floor(values)).any()):
        wrong = ((values < 0) | (values != np.floor(values))).any(axis=0)
        raise PathcallError(
            "counts must be integers, 0 or more",
            where=f"gene {counts.columns[wrong][0]}",
            fix="give raw counts, not normalised or logged values",
        )
    matrix = design.to_numpy(dtype=np.float64)
    n, p = matrix.shape
    if len(counts) != n or not counts.index.equals(design.index):
        raise PathcallError(
            "counts and design do not list the same samples",
            where=f"{len(counts)} and {n} rows",
            fix="give both with the samples in one order",
        )
    if not np.isfinite(matrix).all():
        raise PathcallError(
            "the design has missing values",
            where=f"coefficient {design.columns[~np.isfinite(matrix).all(axis=0)][0]}",
            fix="fill the column in the sample sheet, or leave those samples out",
        )
    if counts.shape[1] == 0:
        raise PathcallError(
            "no gene is left to fit",
            where=f"{n} samples, 0 genes",
            fix="lower filter.min_count or filter.min_samples",
        )
    if n <= p:
        raise PathcallError(
            "there are no replicates to estimate dispersion from",
            where=f"{n} samples, {p} coefficients",
            fix="use a design with fewer terms",
        )
    if np.linalg.matrix_rank(matrix) < p:
        raise PathcallError(
            "the design matrix is not of full rank",
            where=f"coefficients {', '.join(map(str, design.columns))}",
            fix="leave out a term that the others determine",
        )


def _log_fit(
    n_genes: int, some: npt.NDArray[np.intp], trend: Trend, prior: Prior, converged: Bool,
    outlier: Bool,
) -> None:  # fmt: skip
    logger.info(
        "fitted %d genes (%d without any count left out); trend %s (%.4g + %.4g / mean); prior "
        "variance %.4g; %d genes with Cook's-distance outliers; %d did not converge",
        len(some), n_genes - len(some), trend.kind, trend.asymptote, trend.extra, prior.variance,
        int(outlier.sum()), int((~converged).sum()),
    )  # fmt: skip


def base_mean_of(y: Float, sf: Float) -> Float:
    """Mean of normalised counts of each gene (``genes × samples`` counts), block by block."""
    out = np.empty(len(y))
    for i in range(0, len(y), kernels.BLOCK):
        out[i : i + kernels.BLOCK] = (y[i : i + kernels.BLOCK] / sf).mean(axis=1)
    return out


def _linear(layout: Layout, values: Float) -> Float:
    """Least-squares coefficients of ``genes × samples`` values: ``genes × coefficients``.

    Not by BLAS, whose sums may depend on its threads.
    """
    return np.asarray(np.einsum("gn,pn->gp", values, np.linalg.pinv(layout.matrix)))


def _start_dispersions(norm: Float, fitted: Float, sf: Float, p: int, max_disp: float) -> Float:
    """The smaller of the linear model's and the moments' estimate."""
    n = norm.shape[1]
    m = np.maximum(fitted, 1.0)
    rough = np.maximum((((norm - m) ** 2 - m) / m**2).sum(axis=1) / (n - p), 0.0)
    mean = norm.mean(axis=1)
    moments = (norm.var(axis=1, ddof=1) - (1 / sf).mean() * mean) / mean**2
    return np.asarray(np.clip(np.minimum(rough, moments), MIN_DISP, max_disp))


def gene_dispersions(y: Float, sf: Float, layout: Layout, threads: int) -> tuple[Float, Float]:
    """Gene-wise dispersions, and the means they were estimated at (``genes × samples``)."""
    n, p = layout.n_samples, layout.n_coefficients
    max_disp = max(10.0, float(n))
    result = np.empty(len(y))
    means = np.empty_like(y)
    nothing = np.empty(0)
    shape = (layout.rows, layout.group, layout.saturated, layout.log_det)

    def work(block: slice) -> None:
        counts = y[block]
        norm = counts / sf
        fitted = np.einsum("gp,np->gn", _linear(layout, norm), layout.matrix)
        start = _start_dispersions(norm, fitted, sf, p, max_disp)
        mu = means[block]
        if layout.saturated:
            mu[:] = fitted * sf
        else:
            beta, _ = _coefficients(counts, sf, layout, start, 1)
            mu[:] = np.exp(np.einsum("gp,np->gn", beta, layout.matrix)) * sf
        np.maximum(mu, MIN_MU, out=mu)
        g = len(counts)
        log_alpha, first, last = np.empty(g), np.empty(g), np.empty(g)
        steps = np.empty(g, dtype=np.int64)
        kernels.dispersion_ascent(
            counts, mu, *shape, np.log(start), nothing, 0.0, float(np.log(MIN_DISP / 10)), 1e-6,
            100, log_alpha, steps, first, last,
        )  # fmt: skip
        disp = np.minimum(np.exp(log_alpha), max_disp)
        stayed = last < first + np.abs(first) / 1e6
        disp[stayed] = start[stayed]
        redo = ((steps >= 100) | (steps == 1)) & (disp > MIN_DISP * 10)
        if redo.any():
            disp[redo] = _grid(counts[redo], mu[redo], layout, None, 0.0)
        result[block] = np.clip(disp, MIN_DISP, max_disp)

    over_genes(work, len(y), threads)
    return result, means


def _grid(y: Float, mu: Float, layout: Layout, prior_mean: Float | None, prior_var: float) -> Float:
    log_alpha = np.empty(len(y))
    kernels.dispersion_grid(
        y, mu, layout.rows, layout.group, layout.saturated, layout.log_det,
        np.empty(0) if prior_mean is None else prior_mean, prior_var, float(np.log(MIN_DISP)),
        float(np.log(max(10.0, layout.n_samples))), 20, log_alpha,
    )  # fmt: skip
    return np.exp(log_alpha)


def _final_dispersions(
    y: Float, mu: Float, layout: Layout, gene: Float, trend: Float, prior: Prior, threads: int
) -> Float:
    """Maximum a posteriori dispersions; gene-wise ones where they lie far above the trend."""
    if np.isnan(prior.variance):
        return gene.copy()
    max_disp = max(10.0, float(layout.n_samples))
    result = np.empty(len(y))
    start = np.log(np.where(gene > 0.1 * trend, gene, trend))
    log_trend = np.log(trend)

    def work(block: slice) -> None:
        g = len(y[block])
        log_alpha, first, last = np.empty(g), np.empty(g), np.empty(g)
        steps = np.empty(g, dtype=np.int64)
        kernels.dispersion_ascent(
            y[block], mu[block], layout.rows, layout.group, layout.saturated, layout.log_det,
            start[block], log_trend[block], prior.variance, float(np.log(MIN_DISP / 10)), 1e-6,
            100, log_alpha, steps, first, last,
        )  # fmt: skip
        disp = np.exp(log_alpha)
        redo = steps >= 100
        if redo.any():
            disp[redo] = _grid(
                y[block][redo], mu[block][redo], layout, log_trend[block][redo], prior.variance
            )
        result[block] = np.clip(disp, MIN_DISP, max_disp)

    over_genes(work, len(y), threads)
    if not np.isnan(prior.observed):
        far = np.log(gene) > log_trend + 2 * np.sqrt(prior.observed)
        result[far] = gene[far]
    return result


def _coefficients(
    y: Float, sf: Float, layout: Layout, alpha: Float, threads: int
) -> tuple[Float, Bool]:
    """Maximum likelihood coefficients (``genes × coefficients``) and whether they converged."""
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
        kernels.fit_beta(
            counts, log_sf, layout.rows, layout.group, a, b, ok, RIDGE, 1e-8, 100, MIN_MU,
            30.0, np.nan,
        )  # fmt: skip
        if not ok.all():
            again = ~ok
            bad = ~(np.abs(b) < 30 * _LN2).all(axis=1)
            b[again & bad] = start[again & bad]
            part, good = np.ascontiguousarray(b[again]), np.empty(int(again.sum()), dtype=bool)
            kernels.fit_beta_bounded(
                np.ascontiguousarray(counts[again]), log_sf, layout.rows, layout.group, a[again],
                part, good, RIDGE, 30 * _LN2, 200,
            )  # fmt: skip
            b[again], ok[again] = part, good
        beta[block], converged[block] = b, ok

    over_genes(work, len(y), threads)
    return beta, converged


# ---------------------------------------------------------------------------- outliers


def _trimmed_mean(values: Float, trim: float) -> Float:
    """Mean along axis 1 without the lowest and highest share `trim`."""
    n = values.shape[1]
    low = int(np.floor(n * trim))
    return np.asarray(np.sort(values, axis=1)[:, low : n - low].mean(axis=1))


def _robust_dispersions(norm: Float, layout: Layout) -> Float:
    """Dispersions by trimmed moments, at least 0.04, for Cook's distances."""
    cells = [np.flatnonzero(layout.group == g) for g in np.flatnonzero(layout.sizes >= 3)]
    if cells:
        variance = np.zeros(len(norm))
        for members in cells:
            n = len(members)
            trim, scale = (1 / 3, 2.04) if n <= 3 else (1 / 4, 1.86) if n <= 23 else (1 / 8, 1.51)
            values = norm[:, members]
            centred = (values - _trimmed_mean(values, trim)[:, None]) ** 2
            np.maximum(variance, scale * _trimmed_mean(centred, trim), out=variance)
    else:
        centred = (norm - _trimmed_mean(norm, 1 / 8)[:, None]) ** 2
        variance = 1.51 * _trimmed_mean(centred, 1 / 8)
    mean = norm.mean(axis=1)
    return np.asarray(np.maximum((variance - mean) / mean**2, 0.04))


def _cooks(
    y: Float, sf: Float, layout: Layout, alpha: Float, beta: Float, cutoff: float, threads: int,
    *, ignore: Bool | None = None, only_max: Float | None = None,
) -> tuple[Float, Bool, Bool]:  # fmt: skip
    """Cook's distances.

    Returns
    -------
    tuple
        Largest distance of each gene over the samples with at least 3 replicates (NaN where there
        are none), which distances are over `cutoff` (``genes × samples``), and whether at least
        three samples have more counts than the one with the largest distance.
    """
    p = layout.n_coefficients
    counted = layout.replicated(3)
    largest = np.full(len(y), np.nan)
    over = np.zeros(y.shape, dtype=bool)
    exceeded = np.zeros(len(y), dtype=bool)
    log_sf = np.log(sf)

    def work(block: slice) -> None:
        counts = y[block]
        mu, hat = np.empty_like(counts), np.empty_like(counts)
        kernels.means_and_leverage(
            counts, log_sf, layout.rows, layout.group, alpha[block], beta[block], RIDGE, MIN_MU,
            mu, hat,
        )  # fmt: skip
        robust = _robust_dispersions(counts / sf, layout)[:, None]
        cooks = (counts - mu) ** 2 / (mu + robust * mu**2) / p * hat / (1 - hat) ** 2
        over[block] = cooks > cutoff
        worst = counts[np.arange(len(counts)), cooks.argmax(axis=1)]
        exceeded[block] = (counts > worst[:, None]).sum(axis=1) >= 3
        if ignore is not None:
            cooks[:, ignore] = 0.0
        if counted.any():
            largest[block] = cooks[:, counted].max(axis=1)

    over_genes(work, len(y), threads)
    return largest, over, exceeded


def _replace(y: Float, sf: Float, where: Bool) -> Float:
    """Counts with those at `where` replaced by the trimmed mean, scaled to the sample."""
    typical = np.floor(_trimmed_mean(y / sf, 0.2)[:, None] * sf)
    return np.where(where, typical, y)


def _single_two_level_factor(layout: Layout) -> bool:
    return layout.n_coefficients == 2 and len(layout.rows) == 2


# ---------------------------------------------------------------------------- tests


def test_contrast(
    fit: Fit,
    weights: npt.ArrayLike,
    *,
    alpha: float,
    shrink: bool = True,  # noqa: PT028 (not a test)
) -> pd.DataFrame:
    """Wald test and shrinkage of one linear combination of coefficients.

    Parameters
    ----------
    fit
        From `fit_model`.
    weights
        One weight a coefficient: a cell against a cell, an interaction, a slope.
    alpha
        FDR for which independent filtering is optimised.
    shrink
        Also compute apeGLM-shrunken fold changes (else NaN).

    Returns
    -------
    pandas.DataFrame
        Index gene_id, in the order of the counts: base_mean, log2fc, lfc_se, stat, pvalue, padj,
        log2fc_shrunk, lfc_se_shrunk, outlier (yes/no). Values of a gene without any count are NaN.

    Raises
    ------
    ValueError
        `weights` do not fit the design.
    """
    c = np.asarray(weights, dtype=np.float64)
    if c.shape != (fit.design.shape[1],) or not np.isfinite(c).all() or not c.any():
        raise ValueError(f"{fit.design.shape[1]} finite weights, not all zero, are needed: {c}")
    if fit.r_agreement:
        table = _wald(fit, c)
        table["padj"] = independent_filtering(
            table["base_mean"].to_numpy(), table["pvalue"].to_numpy(), alpha
        )
    else:
        table = _wald_stock(fit, c, alpha)
    table["log2fc_shrunk"] = np.nan
    table["lfc_se_shrunk"] = np.nan
    if shrink:
        mode, sd = _shrink(fit, c, table["log2fc"].to_numpy(), table["lfc_se"].to_numpy())
        table["log2fc_shrunk"], table["lfc_se_shrunk"] = mode, sd
    table["outlier"] = np.where(fit.outlier.to_numpy(), "yes", "no")
    table.index.name = "gene_id"
    return table


test_contrast.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever pytest thinks


def _wald(fit: Fit, c: Float) -> pd.DataFrame:
    beta = fit.beta.to_numpy()
    some = np.flatnonzero(~np.isnan(fit.dispersions.to_numpy()))
    log2fc = np.full(len(beta), np.nan)
    se = np.full(len(beta), np.nan)
    log2fc[some] = np.einsum("gp,p->g", beta[some], c) / _LN2
    variance = np.empty(len(some))
    alpha, b = fit.dispersions.to_numpy()[some], np.ascontiguousarray(beta[some])
    log_sf = np.log(fit.size_factors.to_numpy())

    def work(block: slice) -> None:
        kernels.contrast_variance(
            log_sf, fit.layout.rows, fit.layout.group, alpha[block], b[block], c, RIDGE, MIN_MU,
            variance[block],
        )  # fmt: skip

    over_genes(work, len(some), fit.threads)
    se[some] = np.sqrt(variance) / _LN2
    stat = log2fc / se
    p = 2 * ndtr(-np.abs(stat))
    # No count in any sample that the contrast rests on: nothing changed.
    silent = fit.y[:, samples_used(fit.layout.matrix, c)].sum(axis=1) == 0
    silent &= ~np.isnan(log2fc)
    log2fc[silent], stat[silent], p[silent] = 0.0, 0.0, 1.0
    p[fit.outlier.to_numpy()] = np.nan
    emptied = fit.emptied.to_numpy()
    log2fc[emptied], se[emptied], stat[emptied], p[emptied] = 0.0, 0.0, 0.0, 1.0
    return pd.DataFrame(
        {
            "base_mean": fit.base_mean.to_numpy(),
            "log2fc": log2fc,
            "lfc_se": se,
            "stat": stat,
            "pvalue": p,
        },
        index=fit.counts.columns,
    )


def independent_filtering(base_mean: Float, p: Float, alpha: float) -> Float:
    """Benjamini-Hochberg adjusted p-values of the genes above the best cut on the mean.

    50 cuts between the share of genes with mean 0 and the 95% quantile; numbers of rejections at
    `alpha` are smoothed (`lowess`) and the lowest cut is taken whose number comes within one root
    mean squared residual of the smooth maximum. Genes below it get NaN.
    """
    lowest = float(np.mean(base_mean == 0))
    theta = np.linspace(lowest, 0.95 if lowest < 0.95 else 1.0, 50)
    cuts = np.quantile(base_mean, theta)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    sorted_p, sorted_mean = p[order], base_mean[order]
    rejected = np.zeros(len(theta))
    for i, cut in enumerate(cuts):
        kept = sorted_p[sorted_mean >= cut]
        below = np.flatnonzero(kept * len(kept) / np.arange(1, len(kept) + 1) < alpha)
        rejected[i] = below[-1] + 1 if len(below) else 0
    chosen = 0
    if rejected.max() > 10:
        smooth = lowess(theta, rejected, span=0.2)
        some = rejected > 0
        limit = smooth.max() - np.sqrt(np.mean((rejected[some] - smooth[some]) ** 2))
        over = np.flatnonzero(rejected > limit)
        chosen = int(over[0]) if len(over) else 0
    return benjamini_hochberg(np.where(base_mean >= cuts[chosen], p, np.nan))


def lowess(x: Float, y: Float, *, span: float, robust: int = 3) -> Float:
    """Robust locally weighted linear regression (Cleveland 1979), at each `x`.

    Parameters
    ----------
    x
        Ascending.
    y
        Values.
    span
        Share of points in each local fit.
    robust
        Rounds with bisquare weights of the residuals.
    """
    n = len(x)
    nearest = min(max(int(span * n + 1e-7), 2), n)
    extent = x[-1] - x[0]
    weight = np.ones(n)
    fitted = np.empty(n)
    for round_ in range(robust + 1):
        for i in range(n):
            d = np.abs(x - x[i])
            h = np.sort(d)[nearest - 1]
            w = np.where(d <= 0.001 * h, 1.0, (1 - np.minimum(d / h, 1) ** 3) ** 3)
            w[d > 0.999 * h] = 0.0
            w *= weight
            total = w.sum()
            if total <= 0:
                fitted[i] = y[i]
                continue
            w /= total
            centre = (w * x).sum()
            spread = (w * (x - centre) ** 2).sum()
            if np.sqrt(spread) > 0.001 * extent:
                w *= 1 + (x[i] - centre) * (x - centre) / spread
            fitted[i] = (w * y).sum()
        residual = np.abs(y - fitted)
        scale = 6 * np.median(residual)
        if round_ == robust or scale < 1e-7 * residual.mean():
            break
        weight = (1 - np.minimum(residual / scale, 1) ** 2) ** 2
        weight[residual <= 0.001 * scale] = 1.0
        weight[residual > 0.999 * scale] = 0.0
    return fitted


# ---------------------------------------------------------------------------- shrinkage


def reparametrise(matrix: Float, weights: Float) -> tuple[Float, Float, int]:
    """The same model with the contrast as a coefficient.

    The coefficient with the largest weight (the last of equals) makes room for the contrast, the
    others stay; a contrast and its negative thus meet the same model.

    Returns
    -------
    tuple
        New design matrix, the map ``new = map @ old`` of coefficients, position of the contrast.
    """
    size = np.abs(weights)
    position = int(np.flatnonzero(size >= size.max() * (1 - 1e-9))[-1])
    transform = np.eye(len(weights))
    transform[position] = weights
    return matrix @ np.linalg.inv(transform), transform, position


def prior_scale(effect: Float, se: Float) -> float:
    """Scale of the Cauchy prior, from all genes (apeglm): root of the effects' variance, at most 1.

    Solves for the variance ``a`` the moment equation
    ``Σ w (effect² - se²) / Σ w = a``, ``w = 1 / (2 (a + se²)²)``, in ``1e-6…400``.
    """
    known = np.isfinite(effect) & np.isfinite(se)
    s, d = effect[known] ** 2, se[known] ** 2

    def excess(a: float) -> float:
        w = 1 / (a + d) ** 2
        return float(((s - d) * w).sum() / w.sum()) - a

    low, high = 1e-6, 400.0
    if not known.any() or excess(low) < 0:
        return float(np.sqrt(low))
    if excess(high) > 0:
        return 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if excess(middle) > 0:
            low = middle
        else:
            high = middle
    return float(min(np.sqrt(0.5 * (low + high)), 1.0))


def _shrink(fit: Fit, c: Float, log2fc: Float, log2se: Float) -> tuple[Float, Float]:
    """Posterior mode and sd (log2) of the contrast under apeGLM's prior."""
    mode = np.full(len(log2fc), np.nan)
    sd = np.full(len(log2fc), np.nan)
    usable = ~np.isnan(fit.dispersions.to_numpy()) & ~fit.emptied.to_numpy()
    some = np.flatnonzero(usable & np.isfinite(fit.beta.to_numpy()).all(axis=1))
    if not len(some):
        return mode, sd
    scale = prior_scale(log2fc[some] * _LN2, log2se[some] * _LN2)
    _, transform, position = reparametrise(fit.layout.matrix, c)
    # Distinct rows stay distinct rows.
    rows = np.ascontiguousarray(fit.layout.rows @ np.linalg.inv(transform))
    start = np.ascontiguousarray(np.einsum("gp,qp->gq", fit.beta.to_numpy()[some], transform))
    other = start.copy()
    other[:, position] = 0.0
    y = fit.y if len(some) == len(fit.y) else fit.y[some]
    size = 1 / fit.dispersions.to_numpy()[some]
    log_sf = np.log(fit.size_factors.to_numpy())
    best, variance = np.empty_like(start), np.empty(len(some))
    ok = np.empty(len(some), dtype=bool)

    def work(block: slice) -> None:
        kernels.shrink(
            y[block], log_sf, rows, fit.layout.group, size[block], start[block], other[block],
            position, PRIOR_WIDE, scale, 200, best[block], variance[block], ok[block],
        )  # fmt: skip

    over_genes(work, len(some), fit.threads)
    if not ok.all():
        logger.info("shrinkage: %d genes did not converge, left missing", int((~ok).sum()))
        best[~ok], variance[~ok] = np.nan, np.nan
    mode[some], sd[some] = best[:, position] / _LN2, np.sqrt(variance) / _LN2
    return mode, sd


# ---------------------------------------------------------------------------- likelihood ratio


def lrt(fit: Fit, terms: Mapping[str, list[str]]) -> pd.DataFrame:
    """Likelihood-ratio test of terms of the design: does this factor matter at all.

    Parameters
    ----------
    fit
        From `fit_model`; its dispersions are used for the full and the reduced model, as in R.
    terms
        Term → its coefficients, left out of the reduced model.

    Returns
    -------
    pandas.DataFrame
        One row a term and gene: gene_id, term, df, stat, pvalue, padj (Benjamini-Hochberg within
        the term, no independent filtering). NaN for genes without counts, p-values withheld for
        Cook's-distance outliers as in the Wald test.

    Raises
    ------
    ValueError
        A term has no coefficients, or leaves none.
    """
    genes = fit.counts.columns
    known = ~np.isnan(fit.dispersions.to_numpy()) & ~fit.emptied.to_numpy()
    some = np.flatnonzero(known)
    y = fit.y if len(some) == len(fit.y) else fit.y[some]
    sf = fit.size_factors.to_numpy()
    alpha = fit.dispersions.to_numpy()[some]
    full = _log_likelihood(
        y, sf, fit.layout, alpha, np.ascontiguousarray(fit.beta.to_numpy()[some]), fit.threads
    )
    tables = []
    for term, columns in terms.items():
        reduced = fit.design.drop(columns=list(columns))
        df = fit.design.shape[1] - reduced.shape[1]
        if df == 0 or reduced.shape[1] == 0:
            raise ValueError(f"term {term!r}: coefficients {list(columns)} leave no reduced model")
        layout = Layout.of(reduced.to_numpy(dtype=np.float64))
        beta, _ = _coefficients(y, sf, layout, alpha, fit.threads)
        stat = np.full(len(genes), np.nan)
        stat[some] = 2 * (full - _log_likelihood(y, sf, layout, alpha, beta, fit.threads))
        # Rounding may leave it a hair below 0.
        p = chdtrc(df, np.maximum(stat, 0.0))
        p[fit.outlier.to_numpy()] = np.nan
        tables.append(
            pd.DataFrame(
                {
                    "gene_id": genes,
                    "term": term,
                    "df": df,
                    "stat": stat,
                    "pvalue": p,
                    "padj": benjamini_hochberg(p),
                }
            )
        )
    if not tables:
        empty = {"gene_id": str, "term": str, "df": int, "stat": float}
        return pd.DataFrame({key: pd.Series(dtype=kind) for key, kind in empty.items()}).assign(
            pvalue=pd.Series(dtype=float), padj=pd.Series(dtype=float)
        )
    return pd.concat(tables, ignore_index=True)


def _log_likelihood(
    y: Float, sf: Float, layout: Layout, alpha: Float, beta: Float, threads: int
) -> Float:
    out = np.empty(len(y))
    log_sf = np.log(sf)
    floor = np.zeros(len(y))

    def work(block: slice) -> None:
        kernels.log_likelihood(
            y[block], log_sf, layout.rows, layout.group, alpha[block], beta[block], floor[block],
            out[block],
        )  # fmt: skip

    over_genes(work, len(y), threads)
    return out


def warm_up() -> None:
    """Compile every kernel of the engine, or load it from the cache (set-up does this once)."""
    rng = np.random.default_rng(0)
    names = [f"s{i}" for i in range(16)]
    counts = pd.DataFrame(rng.poisson(rng.gamma(5, 20, (16, 64))), index=names)
    counts.iloc[3, 5] = 10**6
    counts.iloc[:8, 7] = 0
    design = pd.DataFrame({"Intercept": 1.0, "b": np.repeat([0.0, 1.0], 8)}, index=names)
    for matrix in (design, design.assign(x=rng.normal(size=16))):
        fit = fit_model(counts, matrix)
        test_contrast(fit, np.eye(matrix.shape[1])[1], alpha=0.05)
        lrt(fit, {"b": ["b"]})
    layout, y = fit.layout, fit.y
    beta, ok = np.zeros((len(y), 3)), np.empty(len(y), dtype=bool)
    mu = np.maximum(y, 1.0)
    _grid(y, mu, layout, None, 0.0)
    kernels.fit_beta_bounded(
        y, np.zeros(16), layout.rows, layout.group, np.full(len(y), 0.1), beta, ok, RIDGE, 20.0, 50
    )


# ---------------------------------------------------------------------------- pydeseq2's own fit


def _fit_stock(
    counts: pd.DataFrame, design: pd.DataFrame, size_factors: pd.Series | None, inference: Any,
    threads: int,
) -> Fit:  # fmt: skip
    """The fit as pydeseq2 makes it, on our kernels unless another inference is given."""
    from pydeseq2.dds import DeseqDataSet
    from threadpoolctl import threadpool_limits

    from pathcall.deseq.inference import BatchedInference

    if size_factors is not None:
        raise ValueError("pydeseq2 estimates its own size factors")
    with threadpool_limits(1):
        dds = DeseqDataSet(
            counts=counts,
            # It asks for sample annotation, but takes the design matrix as it is.
            metadata=pd.DataFrame({"sample": counts.index}, index=counts.index),
            design=design.astype(float),
            inference=inference if inference is not None else BatchedInference(n_cpus=threads),
            quiet=True,
        )
        dds.deseq2()
        outlier = np.asarray(dds.cooks_outlier(), dtype=bool)
    genes = counts.columns
    var = dds.var
    replaced = np.asarray(var["replaced"], dtype=bool)
    emptied = np.zeros(len(genes), dtype=bool)
    if replaced.any():
        emptied = np.asarray(genes.isin(dds.new_all_zeroes_genes))
    return Fit(
        counts=counts,
        design=design,
        size_factors=pd.Series(dds.obs["size_factors"].to_numpy(), index=counts.index),
        base_mean=pd.Series(var["_normed_means"].to_numpy(), index=genes),
        beta=pd.DataFrame(dds.varm["LFC"].to_numpy(), index=genes, columns=design.columns),
        dispersions=pd.Series(var["dispersions"].to_numpy(), index=genes),
        dispersions_gene=pd.Series(var["genewise_dispersions"].to_numpy(), index=genes),
        dispersions_trend=pd.Series(var["fitted_dispersions"].to_numpy(), index=genes),
        trend=None,
        prior=None,
        max_cooks=pd.Series(np.nan, index=genes),
        outlier=pd.Series(outlier, index=genes),
        replaced=pd.Series(replaced, index=genes),
        emptied=pd.Series(emptied, index=genes),
        converged=pd.Series(var["_LFC_converged"].fillna(True).to_numpy(dtype=bool), index=genes),
        r_agreement=False,
        threads=threads,
        y=np.ascontiguousarray(counts.to_numpy().T, dtype=np.float64),
        layout=Layout.of(design.to_numpy(dtype=np.float64)),
        stock=dds,
    )


def _wald_stock(fit: Fit, c: Float, alpha: float) -> pd.DataFrame:
    from pydeseq2.ds import DeseqStats
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        result = DeseqStats(
            fit.stock, contrast=c, alpha=alpha, quiet=True, inference=fit.stock.inference
        )
        result.summary()
    names = {"baseMean": "base_mean", "log2FoldChange": "log2fc", "lfcSE": "lfc_se"}
    return result.results_df.rename(columns=names)
