"""Simulated counts: the model's own means, dispersions and gene correlations, with a known truth.

Everything made here is simulated and named so. It serves two ends: the false-call rate where a
design leaves nothing to permute, and the power of the rule.

Counts are negative binomial. The mean of gene *g* in sample *i* is

    size_factor_i × base_mean_g × 2 ^ (effect_ig + Σ_f loading_gf × factor_if)

with independent standard normal factors shared by all genes of a sample. Loadings come from the
residuals of the model's VST values: their leading principal directions, beyond what independent
genes would give. So signatures vary between replicates as they do in the data.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.deseq.fitted import FittedModel
from pathcall.signatures.panel import Panel
from pathcall.stats.linear_models import residual_df, residuals_of
from pathcall.stats.size_factors import size_factors

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

MAX_FACTORS = 3
MIN_MEAN = 1e-3


@dataclass(frozen=True)
class Source:
    """What counts are simulated from.

    Attributes
    ----------
    symbols
        Gene symbols (empty text where there is none).
    base_mean, dispersion
        Per gene.
    loadings
        ``genes × factors``, log2 units per standard deviation of a factor.
    """

    symbols: tuple[str, ...]
    base_mean: Float = field(repr=False)
    dispersion: Float = field(repr=False)
    loadings: Float = field(repr=False)


def source_of(model: FittedModel) -> Source:
    """Means, dispersions and latent factors of a fitted model."""
    return Source(
        symbols=tuple(str(s) for s in model.symbols.fillna("")),
        base_mean=model.base_mean.to_numpy(dtype=float),
        dispersion=np.nan_to_num(model.dispersions.to_numpy(dtype=float), nan=0.1),
        loadings=latent_loadings(
            model.vst.to_numpy(dtype=float), model.design.to_numpy(dtype=float)
        ),
    )


def made_up_source(panel: Panel, *, seed: int, n_genes: int = 12_000) -> Source:
    """A source without data: log-normal means, a dispersion trend, three random factors.

    Genes of the panel come first, then other genes of ``gene_ids.tsv.gz``. The factors' loadings
    are shared in blocks, so that some signatures correlate and others do not.
    """
    rng = np.random.default_rng(seed)
    known = sorted({g for r in panel.readouts for g in r.weights})
    known += sorted({g for s in panel.gene_sets.values() for g in s.genes} - set(known))
    have = set(known)
    others = [s for s in dict.fromkeys(panel.gene_ids["symbol"]) if s and s not in have]
    symbols = tuple((known + others)[:n_genes])
    n = len(symbols)
    mean = np.exp(rng.normal(5.5, 1.6, n)) + 5
    dispersion = (0.02 + 2.0 / mean) * np.exp(rng.normal(0, 0.4, n))
    loadings = rng.normal(0, 0.15, (n, MAX_FACTORS)) * np.array([1.0, 0.7, 0.5])
    return Source(symbols, mean, dispersion, loadings)


def latent_loadings(vst: Float, design: Float) -> Float:
    """Loadings of the latent factors in the residuals, ``genes × factors``.

    Singular vectors of the residuals; a factor's variance is what exceeds the smallest non-zero
    singular value, which stands for independent noise. At most 3 factors.
    """
    residuals = residuals_of(vst, design)
    df = residual_df(design)
    if df < 2:
        return np.zeros((vst.shape[1], 0))
    _, s, right = np.linalg.svd(residuals, full_matrices=False)
    s, right = s[:df], right[:df]
    excess = np.sqrt(np.maximum(s**2 - s[-1] ** 2, 0.0) / df)
    keep = min(MAX_FACTORS, df - 1)
    return np.asarray((right[:keep] * excess[:keep, None]).T)


def simulate_counts(
    source: Source, size_factors: Float, effects: Float | None, *, rng: np.random.Generator
) -> Int:
    """Draw counts, ``samples × genes``.

    Parameters
    ----------
    source
        Means, dispersions, factors.
    size_factors
        One a sample.
    effects
        True log2 effects, ``samples × genes``, or None.
    rng
        Source of randomness.
    """
    n = len(size_factors)
    factors = rng.standard_normal((n, source.loadings.shape[1]))
    log2 = factors @ source.loadings.T
    if effects is not None:
        log2 = log2 + effects
    mean = np.maximum(size_factors[:, None] * source.base_mean * np.exp2(log2), MIN_MEAN)
    shape = 1.0 / np.maximum(source.dispersion, 1e-8)
    return np.asarray(rng.poisson(rng.gamma(shape, mean / shape)), dtype=np.int64)


def planted_effects(
    panel: Panel,
    symbols: Sequence[str],
    pathway: str,
    strength: float,
    *,
    rng: np.random.Generator,
    share: float = 0.6,
    readouts: Sequence[str] | None = None,
) -> Float:
    """True log2 effects of a pathway on each gene.

    In every evidence readout of the pathway, a random `share` of the genes responds, in the
    direction that its readout expects, by `strength` × a normal deviate of mean 1 and SD 0.5. A
    gene of several readouts takes their mean.

    Parameters
    ----------
    strength
        Mean log2 effect of a responding gene; negative: repressed.
    share
        Share of the genes that respond.
    readouts
        Plant in these readouts only; by default in all.
    """
    total = np.zeros(len(symbols))
    count = np.zeros(len(symbols))
    row = {s: i for i, s in enumerate(symbols) if s}
    for readout in panel.readouts_of(pathway, role="evidence"):
        if readouts is not None and readout.readout not in readouts:
            continue
        for gene in readout.genes:
            responds = rng.random() < share
            size = rng.normal(1.0, 0.5)
            if gene in row and responds:
                sign = np.sign(readout.weights[gene]) * readout.expected_direction
                total[row[gene]] += sign * size
                count[row[gene]] += 1
    return np.asarray(strength * total / np.maximum(count, 1))


def log_transform(counts: Int, dispersion: float) -> Float:
    """Variance-stabilised log2 values of counts, ``samples × genes``, for simulated data.

    ``log2`` of ``(1 + 2 a q + 2 sqrt(a q (1 + a q))) / (4 a)`` with *q* the counts over
    median-of-ratios size factors and *a* one typical dispersion: the transformation of Anders and
    Huber (2010) for a constant dispersion.
    """
    q = counts / size_factors(pd.DataFrame(counts)).to_numpy()[:, None]
    aq = dispersion * q
    return np.asarray(np.log2((1 + 2 * aq + 2 * np.sqrt(aq * (1 + aq))) / (4 * dispersion)))
