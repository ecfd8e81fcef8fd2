"""Flags of samples whose labels do not fit, in words, with the share of a mixture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.qc.expression import most_variable
from pathcall.qc.flags import Flag, Severity
from pathcall.qc.odd_samples import Odd, OddLimits, find_odd_samples

Float = npt.NDArray[np.float64]

_FOLD = 4.0
"""Genes that differ this much between two groups tell the share of a mixture."""


@dataclass(frozen=True)
class ModelLabels:
    """Samples of a model, their cells and the space in which the labels are judged.

    Attributes
    ----------
    samples
        Samples.
    cells
        Cell of each.
    pairs
        Block of each (donor, batch), empty text where there is none.
    design
        Cells, blocks and covariates, ``samples × coefficients``.
    values
        ``samples × genes``, the most variable genes beside blocks and covariates.
    """

    samples: tuple[str, ...]
    cells: tuple[str, ...]
    pairs: tuple[str, ...]
    design: Float = field(repr=False)
    values: Float = field(repr=False)


def model_labels(
    values: pd.DataFrame,
    obs: pd.DataFrame,
    groups: pd.Series,
    blocks: Sequence[str],
    covariates: Sequence[str],
    *,
    n_genes: int,
) -> ModelLabels:
    """Lay a model's labels out for the search.

    Parameters
    ----------
    values
        VST values of the model's samples, ``samples × genes``.
    obs
        The sheet's columns, index: sample.
    groups
        Cell of each sample.
    blocks, covariates
        Columns whose effect is taken out: factors, and numbers.
    n_genes
        Genes to judge on.
    """
    samples = list(values.index)
    own = obs.loc[samples]
    beside = terms_beside(own, blocks, covariates)
    taken = np.hstack([np.ones((len(samples), 1)), beside])
    genes = most_variable(values.to_numpy(), n_genes, design=taken)
    pairs = own[list(blocks)].astype(str).agg(",".join, axis=1) if blocks else [""] * len(samples)
    return ModelLabels(
        samples=tuple(samples),
        cells=tuple(groups[samples]),
        pairs=tuple(pairs),
        design=np.hstack([dummies(groups[samples]), beside]),
        values=values.to_numpy()[:, genes],
    )


def terms_beside(obs: pd.DataFrame, blocks: Sequence[str], covariates: Sequence[str]) -> Float:
    """Blocks and covariates of a design, without an intercept: ``samples × coefficients``."""
    terms = [dummies(obs[name])[:, 1:] for name in blocks]
    for name in covariates:
        number = pd.to_numeric(obs[name]).to_numpy(dtype=float)
        spread = number.std() or 1.0
        terms.append(((number - number.mean()) / spread)[:, None])
    return np.hstack([np.empty((len(obs), 0)), *terms])


def dummies(levels: pd.Series) -> Float:
    """One column a level, in the order in which they come: ``samples × levels``."""
    codes, names = pd.factorize(levels.astype(str))
    return np.asarray(np.eye(len(names))[codes], dtype=np.float64)


def label_flags(
    models: Sequence[ModelLabels],
    counts: pd.DataFrame,
    factor: pd.Series,
    limits: OddLimits,
) -> tuple[list[Flag], pd.Series]:
    """Search every model for odd samples.

    Parameters
    ----------
    models
        The models.
    counts
        ``samples × genes``, raw.
    factor
        Size factors.
    limits
        Limits of the search.

    Returns
    -------
    flags, distance
        One flag a sample, the firmest of all models; and each sample's distance from its mates over
        the median of its model (the largest, where several models hold it).
    """
    firmest: dict[str, tuple[bool, float, Flag]] = {}
    distance: dict[str, float] = {}
    normalised = counts.to_numpy(dtype=float) / factor.to_numpy()[:, None]
    position = {str(sample): i for i, sample in enumerate(counts.index)}
    for model in models:
        found, apart = find_odd_samples(model.values, model.design, model.cells, limits)
        rows = np.array([position[s] for s in model.samples])
        odd = {o.sample for o in found}
        for i, sample in enumerate(model.samples):
            if np.isfinite(apart[i]):
                distance[sample] = max(apart[i], distance.get(sample, 0.0))
        for o in found:
            flag = _flag(model, o, _share(model, o, odd, normalised[rows]))
            strength = o.value / o.limit
            kept = firmest.get(flag.sample)
            if kept is None or (o.severe, strength) > kept[:2]:
                firmest[flag.sample] = (o.severe, strength, flag)
    return [flag for _, _, flag in firmest.values()], pd.Series(distance, dtype=float)


def _share(model: ModelLabels, odd: Odd, others: set[int], normalised: Float) -> float:
    """Share of the other group's RNA in a mixture; NaN where too few genes tell.

    On counts, where a mixture is a mean: each gene that differs much between the two groups gives
    ``(sample − own) / (other − own)``; the median of them, weighted by the difference.
    """
    if odd.kind != "mixture" or odd.group is None:
        return np.nan
    cells = np.array(model.cells)
    good = np.array([i not in others for i in range(len(cells))])
    own = normalised[good & (cells == cells[odd.sample])]
    other = normalised[good & (cells == cells[odd.group])]
    if not len(own) or not len(other):
        return np.nan
    a, b, mixed = own.mean(axis=0), other.mean(axis=0), normalised[odd.sample]
    tell = np.maximum(a + 10, b + 10) > _FOLD * np.minimum(a + 10, b + 10)
    if tell.sum() < 10:
        return np.nan
    share = (mixed - a)[tell] / (b - a)[tell]
    weight = np.sqrt(np.abs(b - a)[tell])
    order = np.argsort(share, kind="stable")
    at = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(np.clip(share[order][at], 0.0, 1.0))


def _flag(model: ModelLabels, odd: Odd, share: float) -> Flag:
    sample, cell = model.samples[odd.sample], model.cells[odd.sample]
    far = f"{odd.distance:.1f} times as far from its mates as samples of this study usually are"
    if odd.partner is not None:
        twin = model.samples[odd.partner]
        far = (
            f"it and {twin} are {odd.distance:.1f} times as far apart as such samples of this "
            "study usually are, and either may be the odd one"
        )
    severity: Severity = "severe" if odd.severe else "warning"
    if odd.kind == "exchanged" and odd.partner is not None:
        partner = model.samples[odd.partner]
        reason = (
            f"labelled {cell}; expression fits if its labels and those of {partner} "
            f"({model.cells[odd.partner]}) are exchanged"
        )
        if odd.others is not None:
            one, two = (model.samples[i] for i in odd.others)
            reason += f", or those of {one} and {two}: cells of two samples can't tell which"
        return Flag(
            sample, "sits_with_other_group", severity, odd.value, odd.limit, reason,
            f"look up how {sample} and {partner} were named; correct the sheet, or exclude both",
        )  # fmt: skip
    if odd.kind in ("other_group", "mixture") and odd.group is not None:
        other = model.cells[odd.group]
        if other == cell:
            other = f"{other} of {model.pairs[odd.group]}"
        if odd.kind == "other_group":
            return Flag(
                sample, "sits_with_other_group", severity, odd.value, odd.limit,
                f"labelled {cell}, it looks like {other}; {far}",
                "look up its label; correct the sheet, or exclude it",
            )  # fmt: skip
        told = share if np.isfinite(share) else odd.share
        return Flag(
            sample, "mixture", severity, odd.value, odd.limit,
            f"between {cell} and {other}, about {told:.0%} of the latter; {far}",
            "suspect contamination or pooled samples; exclude it unless the experiment explains it",
        )  # fmt: skip
    return Flag(
        sample, "outlier", severity, odd.value, odd.limit,
        f"{far} ({cell}), and no other group explains it",
        "check its RNA quality, origin (tissue, species) and contamination; exclude it if one of "
        "these explains it",
    )  # fmt: skip
