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
interval. The method takes contrasts for independent; groups whose contrasts share samples are named
in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

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
        }


def combine_effects(effect: Float, error: Float) -> Combined:
    """Combine each row over its columns.

    Parameters
    ----------
    effect
        ``quantities × contrasts``, NaN where a contrast has none.
    error
        Standard errors, same shape; a value that is not positive and finite counts as missing.

    Returns
    -------
    Combined
        One contrast: effect only. The leave-one-out range needs two.
    """
    known = np.isfinite(effect) & np.isfinite(error) & (error > 0)
    y = np.where(known, effect, 0.0)
    v = np.where(known, error, 1.0) ** 2
    mean, tau2, weight = _random_effects(y, v, known)
    n = known.sum(axis=1).astype(float)
    several = n >= 2
    df = np.where(several, n - 1, np.nan)
    total = np.where(several, weight.sum(axis=1), np.nan)
    q = (weight * (y - mean[:, None]) ** 2).sum(axis=1) / df
    se = np.sqrt(np.maximum(q, 1.0) / total)
    half = student.ppf(0.975, df) * se
    with np.errstate(invalid="ignore"):
        p = 2 * student.sf(np.abs(mean) / se, df)
    fixed = np.where(known, 1 / v, 0.0)
    centre = _weighted_mean(y, fixed)
    heterogeneity = (fixed * (y - centre[:, None]) ** 2).sum(axis=1)
    excess = np.divide(
        heterogeneity - df, heterogeneity, out=np.zeros_like(mean), where=heterogeneity > 0
    )
    left_out = np.full(y.shape, np.nan)
    for column in range(y.shape[1]):
        rest = known.copy()
        rest[:, column] = False
        use = known[:, column] & several
        if use.any():
            left_out[use, column] = _random_effects(y[use], v[use], rest[use])[0]
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
    )


def combine_genes(
    de: Mapping[str, pd.DataFrame], groups: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Log2 fold changes of each group, by schema COMBINED_GENES, in matrix order.

    Parameters
    ----------
    de
        Contrast → table of schema ``de/{contrast}``, all with the same genes in the same order.
    groups
        Group → its contrasts.
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


def combine_pathways(evidence: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Sample-score effects of each group's readouts, by schema COMBINED_PATHWAYS.

    The standard error of an effect is effect / statistic.
    """
    rows = evidence[(evidence["method"] == SAMPLE_METHOD) & evidence["stat"].notna()]
    error = np.where(rows["stat"] == 0, np.nan, np.abs(rows["effect"] / rows["stat"]))
    rows = rows.assign(error=error)
    readouts = evidence[["pathway", "readout"]].drop_duplicates()
    key = pd.MultiIndex.from_frame(readouts)
    parts = []
    for group, contrasts in groups.items():
        columns = [
            rows[rows["contrast"] == name].set_index(["pathway", "readout"]) for name in contrasts
        ]
        combined = combine_effects(
            np.column_stack([c["effect"].reindex(key).to_numpy(dtype=float) for c in columns]),
            np.column_stack([c["error"].reindex(key).to_numpy(dtype=float) for c in columns]),
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

    Contrasts of a group that share samples are named in the log: their errors are correlated, and
    the combined interval is too narrow.

    Parameters
    ----------
    contrasts
        Rows of the contrasts table (`pathcall.study.contrasts.Contrast.as_dict`).
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for contrast in contrasts:
        if contrast["group"]:
            groups.setdefault(contrast["group"], []).append(contrast)
    for name, members in groups.items():
        for i, one in enumerate(members):
            for other in members[:i]:
                cells = [(m["model"], m[side]) for m in (one, other) for side in _SIDES]
                if any(a == b for a in cells[:2] for b in cells[2:]):
                    logger.warning(
                        "group %s: %s and %s share samples and are not independent; the combined "
                        "interval is too narrow", name, other["contrast"], one["contrast"],
                    )  # fmt: skip
        if len(members) == 1:
            logger.warning("group %s has one contrast: effects without an interval", name)
    return {name: [m["contrast"] for m in members] for name, members in groups.items()}


_SIDES = ("test", "reference")


def combine_and_write(
    de: Mapping[str, str],
    *,
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
    evidence
        evidence.tsv.
    contrasts
        Rows of the contrasts table, as plain data.
    """
    groups = group_contrasts(contrasts)
    wanted = {name for members in groups.values() for name in members}
    tables = {name: read_table(path, DE) for name, path in de.items() if name in wanted}
    write_table(combine_genes(tables, groups), genes_out, COMBINED_GENES)
    write_table(
        combine_pathways(read_table(evidence, EVIDENCE), groups), pathways_out, COMBINED_PATHWAYS
    )


def _empty(columns: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})


def _weighted_mean(y: Float, weight: Float) -> Float:
    total = weight.sum(axis=1)
    mean: Float = np.divide(
        (weight * y).sum(axis=1), total, out=np.full(len(y), np.nan), where=total > 0
    )
    return mean


def _random_effects(
    y: Float, v: Float, known: np.typing.NDArray[np.bool_]
) -> tuple[Float, Float, Float]:
    """Mean, τ² (Paule–Mandel) and weights of each row; Newton's method from 0 (monotone)."""
    tau2 = np.zeros(len(y))
    df = known.sum(axis=1) - 1.0
    active = df >= 1
    for _ in range(_STEPS):
        if not active.any():
            break
        ya, ka = y[active], known[active]
        weight = np.where(ka, 1 / (v[active] + tau2[active, None]), 0.0)
        apart = (ya - _weighted_mean(ya, weight)[:, None]) ** 2
        excess = (weight * apart).sum(axis=1) - df[active]
        slope = (weight**2 * apart).sum(axis=1)
        step = np.divide(excess, slope, out=np.zeros_like(excess), where=slope > 0)
        # Q falls with τ² and is convex: from 0 the steps go up to the root and never past it.
        step = np.maximum(step, 0.0)
        tau2[active] += step
        active[active] = step > 1e-12 * (tau2[active] + v[active].mean(axis=1))
    weight = np.where(known, 1 / (v + tau2[:, None]), 0.0)
    return _weighted_mean(y, weight), tau2, weight
