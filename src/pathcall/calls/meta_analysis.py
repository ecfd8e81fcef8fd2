r"""Contrasts of a group combined by random effects, at gene and at pathway level.

With estimates :math:`y_i` and standard errors :math:`s_i` of :math:`k` contrasts:

* between-contrast variance :math:`\tau^2` by Paule and Mandel (1982): the value at which
  :math:`\sum_i w_i (y_i - \mu)^2 = k - 1`, with :math:`w_i = 1 / (s_i^2 + \tau^2)`, or 0;
* effect :math:`\mu = \sum w_i y_i / \sum w_i`;
* interval by Hartung and Knapp: *t* with :math:`k - 1` degrees of freedom and
  :math:`\operatorname{SE}^2 = q / \sum w_i`, :math:`q = \sum w_i (y_i - \mu)^2 / (k - 1)`. With
  this :math:`\tau^2`, :math:`q` is 1 wherever :math:`\tau^2 > 0`; where :math:`\tau^2 = 0` it is
  below 1, which would make the interval narrower for no better reason than chance agreement, and is
  set to 1 — always, not case by case (Röver, Knapp & Friede 2015, BMC Med Res Methodol 15:99);
* heterogeneity :math:`I^2 = \max(0, (Q - (k - 1)) / Q)` with fixed-effect weights.

Two contrasts leave one degree of freedom: the interval is then :math:`12.7` standard errors wide on
either side, which is what two studies can say about a third. One contrast has an effect and no
interval.

Contrasts that share samples (one control for all, nested cells, the same samples in two models)
have correlated errors. Each estimate is a weighted sum over samples
(`pathcall.stats.linear_models.estimate_weights`), so the correlation :math:`r_{ij}` of two errors
is the cosine of the two vectors of weights; this is exact for sample scores and close for negative
binomial fits. With :math:`\Sigma_{ij} = r_{ij} s_i s_j` for :math:`i \ne j` and
:math:`\Sigma_{ii} = s_i^2 + \tau^2`, and the same weights :math:`w` (weights from the inverse of
:math:`\Sigma` turn negative where correlated contrasts differ in precision, and the mean then
leaves its contrasts' range):

* :math:`\tau^2` makes :math:`\sum_i w_i (y_i - \mu)^2` what it is expected to be,
  :math:`E = k - w^T \Sigma w / \sum w`, which is :math:`k - 1` for independent contrasts;
* :math:`\operatorname{SE}^2 = q \; w^T \Sigma w / (\sum w)^2` with :math:`q = \max(1, \sum_i w_i
  (y_i - \mu)^2 / E)`; :math:`I^2` likewise takes :math:`E` for :math:`k - 1`;
* the degrees of freedom are those of :math:`\sum_i w_i (y_i - \mu)^2` by Satterthwaite:
  :math:`\operatorname{tr}(M \Sigma)^2 / \operatorname{tr}(M \Sigma M \Sigma)`, with
  :math:`M = \operatorname{diag}(w) - w w^T / \sum w`; again :math:`k - 1` without correlation.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.stats.linear_models import estimate_weights
from pathcall.stats.multiple_testing import Float, benjamini_hochberg
from pathcall.tables import (
    COMBINED_GENES,
    COMBINED_PATHWAYS,
    DE,
    EVIDENCE,
    read_table,
    write_table,
)

logger = logging.getLogger(__name__)

SAMPLE_METHOD = "sample_score"
"""Method of evidence.tsv whose effects are combined: replicates there are samples, not genes."""
_STEPS = 200
_PRECISION = 1e-12
NO_CORRELATION = 1e-9
"""Correlations below this are rounding."""


@dataclass(frozen=True)
class Combined:
    """Random-effects combination of many quantities, one value each (NaN where undefined)."""

    effect: Float
    ci_low: Float
    ci_high: Float
    pvalue: Float
    i2: Float
    tau2: Float
    n: Float
    loo_low: Float
    loo_high: Float
    correlation: Float

    def columns(self) -> dict[str, Any]:
        """As columns of the combined tables, FDR over all that have a p-value."""
        return {
            "effect": self.effect,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "pvalue": self.pvalue,
            "fdr": benjamini_hochberg(self.pvalue),
            "i2": self.i2,
            "n_contrasts": self.n.astype(int),
            "loo_low": self.loo_low,
            "loo_high": self.loo_high,
            "error_correlation": self.correlation,
        }


COLUMNS = ("gene_id", "symbol", "log2fc", "lfc_se")
"""Columns of ``de/{contrast}`` that are combined."""


def combine_effects(effect: Float, error: Float, correlation: Float | None = None) -> Combined:
    """Combine each row over its columns.

    Parameters
    ----------
    effect
        ``quantities × contrasts``, NaN where a contrast has none.
    error
        Standard errors, same shape; a value that is not positive and finite counts as missing.
    correlation
        Correlation of the contrasts' errors, ``contrasts × contrasts`` (`error_correlation`);
        independent by default.

    Returns
    -------
    Combined
        One contrast: effect only. The leave-one-out range needs two.
    """
    known = np.isfinite(effect) & np.isfinite(error) & (error > 0)
    y = np.where(known, effect, 0.0)
    v = np.where(known, error, 1.0) ** 2
    shared = np.zeros((y.shape[1],) * 2) if correlation is None else correlation.copy()
    np.fill_diagonal(shared, 0.0)
    mean, tau2, weight = _random_effects(y, v, known, shared)
    n = known.sum(axis=1).astype(float)
    several = n >= 2
    total = np.where(several, weight.sum(axis=1), np.nan)
    expected, extra = _expected_spread(weight, v, shared, n)
    spread = (weight * (y - mean[:, None]) ** 2).sum(axis=1)
    q = np.divide(spread, expected, out=np.ones_like(mean), where=expected > 1e-12)
    se = np.sqrt(np.maximum(q, 1.0) / total * (1 + extra))
    df = np.where(several, _spread_df(weight, v, tau2, shared, n), np.nan)
    half = stdtrit(df, 0.975) * se
    with np.errstate(invalid="ignore"):
        p = 2 * stdtr(df, -np.abs(mean) / se)
    fixed = np.where(known, 1 / v, 0.0)
    centre = _weighted_mean(y, fixed)
    heterogeneity = (fixed * (y - centre[:, None]) ** 2).sum(axis=1)
    by_chance = np.where(several, _expected_spread(fixed, v, shared, n)[0], np.nan)
    excess = np.divide(
        heterogeneity - by_chance, heterogeneity, out=np.zeros_like(mean), where=heterogeneity > 0
    )
    left_out = np.full(y.shape, np.nan)
    for column in range(y.shape[1]):
        rest = known.copy()
        rest[:, column] = False
        use = known[:, column] & several
        if use.any():
            left_out[use, column] = _random_effects(y[use], v[use], rest[use], shared)[0]
    low = np.where(np.isnan(left_out), np.inf, left_out).min(axis=1, initial=np.inf)
    high = np.where(np.isnan(left_out), -np.inf, left_out).max(axis=1, initial=-np.inf)
    return Combined(
        effect=mean,
        ci_low=mean - half,
        ci_high=mean + half,
        pvalue=p,
        i2=np.where(several, np.maximum(excess, 0.0), np.nan),
        tau2=np.where(several, tau2, np.nan),
        n=n,
        loo_low=np.where(several, low, np.nan),
        loo_high=np.where(several, high, np.nan),
        correlation=np.where(several, _largest(shared, known), np.nan),
    )


def combine_genes(
    de: Mapping[str, pd.DataFrame],
    groups: Mapping[str, Sequence[str]],
    correlation: pd.DataFrame,
) -> pd.DataFrame:
    """Log2 fold changes of each group, by schema COMBINED_GENES, in matrix order.

    Parameters
    ----------
    de
        Contrast → table of schema ``de/{contrast}``, all with the same genes in the same order.
    groups
        Group → its contrasts.
    correlation
        Correlation of the contrasts' errors (`error_correlation`).
    """
    parts = []
    for group, contrasts in groups.items():
        first = de[contrasts[0]]
        for name in contrasts:
            if not de[name]["gene_id"].equals(first["gene_id"]):
                raise ValueError(f"{name} has other genes than {contrasts[0]}")
        combined = combine_effects(
            np.column_stack([de[name]["log2fc"].to_numpy(dtype=float) for name in contrasts]),
            np.column_stack([de[name]["lfc_se"].to_numpy(dtype=float) for name in contrasts]),
            correlation.loc[contrasts, contrasts].to_numpy(),
        )
        logger.info(
            "%s: %d contrasts; %d genes with an estimate, %d with two or more",
            group, len(contrasts), int((combined.n > 0).sum()), int((combined.n > 1).sum()),
        )  # fmt: skip
        parts.append(
            pd.DataFrame(
                {
                    "group": group,
                    "gene_id": first["gene_id"].to_numpy(),
                    "symbol": first["symbol"].to_numpy(dtype=object),
                    **combined.columns(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else _empty(COMBINED_GENES.columns)


def combine_pathways(
    evidence: pd.DataFrame, groups: Mapping[str, Sequence[str]], correlation: pd.DataFrame
) -> pd.DataFrame:
    """Sample-score effects of each group's readouts, by schema COMBINED_PATHWAYS."""
    rows = evidence[evidence["method"] == SAMPLE_METHOD]
    readouts = evidence[["pathway", "readout"]].drop_duplicates()
    key = pd.MultiIndex.from_frame(readouts)
    parts = []
    for group, contrasts in groups.items():
        columns = [
            rows[rows["contrast"] == name].set_index(["pathway", "readout"]) for name in contrasts
        ]
        combined = combine_effects(
            np.column_stack([c["effect"].reindex(key).to_numpy(dtype=float) for c in columns]),
            np.column_stack([c["se"].reindex(key).to_numpy(dtype=float) for c in columns]),
            correlation.loc[contrasts, contrasts].to_numpy(),
        )
        parts.append(
            pd.DataFrame(
                {
                    "group": group,
                    "pathway": readouts["pathway"].to_numpy(),
                    "readout": readouts["readout"].to_numpy(),
                    **combined.columns(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else _empty(COMBINED_PATHWAYS.columns)


def group_contrasts(contrasts: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Group → its contrasts, in the order of the contrasts table.

    Parameters
    ----------
    contrasts
        Rows of the contrasts table (`pathcall.study.contrasts.Contrast.as_dict`).
    """
    groups: dict[str, list[str]] = {}
    for contrast in contrasts:
        if contrast["group"]:
            groups.setdefault(contrast["group"], []).append(contrast["contrast"])
    for name, members in groups.items():
        if len(members) == 1:
            logger.warning("group %s has one contrast: effects without an interval", name)
    return groups


def error_correlation(
    models: Iterable[FittedModel], groups: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Correlation of the errors of the grouped contrasts, from the samples they share.

    Zero between contrasts without a common sample, of one model or of several.
    """
    wanted = {name for members in groups.values() for name in members}
    weights = pd.DataFrame(
        {
            name: pd.Series(
                estimate_weights(model.design.to_numpy(dtype=float), contrast), model.design.index
            )
            for model in models
            for name, contrast in model.contrasts.items()
            if name in wanted
        }
    ).fillna(0.0)
    unit = weights.to_numpy() / np.sqrt((weights.to_numpy() ** 2).sum(axis=0))
    cosine = unit.T @ unit
    cosine[np.abs(cosine) < NO_CORRELATION] = 0.0
    found = pd.DataFrame(cosine, index=weights.columns, columns=weights.columns)
    for group, members in groups.items():
        for one, other in combinations(members, 2):
            if found.at[one, other]:
                logger.info(
                    "group %s: %s and %s share samples; their errors correlate by %.2f",
                    group, one, other, found.at[one, other],
                )  # fmt: skip
    return found


def combine_and_write(
    de: Mapping[str, str],
    *,
    models: Sequence[str],
    evidence: str,
    contrasts: Sequence[Mapping[str, Any]],
    genes_out: str,
    pathways_out: str,
) -> None:
    """Read the tables of all contrasts, combine each group, write the results.

    Parameters
    ----------
    de
        Contrast → its table.
    models
        Files of the fitted models, whose designs say which samples contrasts share.
    evidence
        evidence.tsv.
    contrasts
        Rows of the contrasts table, as plain data.
    """
    groups = group_contrasts(contrasts)
    correlation = error_correlation((read_model(path) for path in models), groups)
    named = [name for members in groups.values() for name in members]
    tables = {name: read_table(de[name], DE, COLUMNS) for name in named}
    write_table(combine_genes(tables, groups, correlation), genes_out, COMBINED_GENES)
    write_table(
        combine_pathways(read_table(evidence, EVIDENCE), groups, correlation),
        pathways_out,
        COMBINED_PATHWAYS,
    )


def _empty(columns: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})


def _weighted_mean(y: Float, weight: Float) -> Float:
    total = weight.sum(axis=1)
    mean: Float = np.divide(
        (weight * y).sum(axis=1), total, out=np.full(len(y), np.nan), where=total > 0
    )
    return mean


def _expected_spread(weight: Float, v: Float, shared: Float, n: Float) -> tuple[Float, Float]:
    """Expected weighted spread about the mean, and what correlation adds to the mean's variance.

    The second as a share of the variance without correlation. `shared` has a diagonal of 0.
    """
    total = weight.sum(axis=1)
    scaled = weight * np.sqrt(v)
    cross = np.einsum("gi,ij,gj->g", scaled, shared, scaled)
    extra = np.divide(cross, total, out=np.zeros_like(total), where=total > 0)
    return n - 1.0 - extra, extra


def _spread_df(weight: Float, v: Float, tau2: Float, shared: Float, n: Float) -> Float:
    """Degrees of freedom of the weighted spread (Satterthwaite); n − 1 without correlation."""
    if not shared.any():
        return n - 1.0
    error = np.sqrt(v)
    sigma = shared * error[:, :, None] * error[:, None, :]
    k = range(v.shape[1])
    sigma[:, k, k] = v + tau2[:, None]
    total = np.maximum(weight.sum(axis=1), 1e-300)
    m = -weight[:, :, None] * weight[:, None, :] / total[:, None, None]
    m[:, k, k] += weight
    product = m @ sigma
    trace = np.einsum("gii->g", product)
    square = np.einsum("gij,gji->g", product, product)
    df: Float = np.divide(trace**2, square, out=np.ones_like(trace), where=square > 1e-24)
    return np.clip(df, 1.0, np.maximum(n - 1.0, 1.0))


def _largest(shared: Float, known: np.typing.NDArray[np.bool_]) -> Float:
    """Correlation of largest size between two known contrasts of each row; 0: all independent."""
    largest = np.zeros(len(known))
    for i, j in combinations(range(len(shared)), 2):
        larger = known[:, i] & known[:, j] & (np.abs(shared[i, j]) > np.abs(largest))
        largest[larger] = shared[i, j]
    return largest


def _random_effects(
    y: Float, v: Float, known: np.typing.NDArray[np.bool_], shared: Float
) -> tuple[Float, Float, Float]:
    """Mean, τ² (Paule–Mandel) and weights of each row; Newton's method from 0, kept in brackets."""
    tau2 = np.zeros(len(y))
    n = known.sum(axis=1).astype(float)
    low, high = np.zeros(len(y)), np.full(len(y), np.inf)
    active = n >= 2
    for _ in range(_STEPS):
        if not active.any():
            break
        ya, ka, va, ta = y[active], known[active], v[active], tau2[active]
        weight = np.where(ka, 1 / (va + ta[:, None]), 0.0)
        apart = (ya - _weighted_mean(ya, weight)[:, None]) ** 2
        expected, extra = _expected_spread(weight, va, shared, n[active])
        excess = (weight * apart).sum(axis=1) - expected
        # Slopes against τ²: of the spread (with opposite sign), and of what is expected.
        slope = (weight**2 * apart).sum(axis=1)
        scaled = weight * np.sqrt(va)
        change = -2 * np.einsum("gi,ij,gj->g", scaled * weight, shared, scaled)
        total = weight.sum(axis=1)
        slope -= (change + extra * (weight**2).sum(axis=1)) / total
        step = np.divide(excess, slope, out=np.zeros_like(excess), where=slope > 0)
        size = ta + va.mean(axis=1)
        # Without correlation the spread falls with τ² and is convex: from 0 the steps go up to the
        # root and never past it, but for rounding.
        low[active] = np.where(excess > 0, ta, low[active])
        high[active] = np.where(excess > 0, high[active], ta)
        la, ha = low[active], high[active]
        outside = (ta + step < la) | (ta + step > ha) | (slope <= 0)
        between = np.where(np.isfinite(ha), (la + ha) / 2, 2 * ta + size) - ta
        step = np.where(outside & (excess != 0), between, step)
        step = np.where((step < 0) & (step >= -_PRECISION * size), 0.0, step)
        tau2[active] += step
        active[active] = np.abs(step) > _PRECISION * (tau2[active] + va.mean(axis=1))
    weight = np.where(known, 1 / (v + tau2[:, None]), 0.0)
    return _weighted_mean(y, weight), tau2, weight
