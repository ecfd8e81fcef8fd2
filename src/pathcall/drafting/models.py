"""Which samples share a fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from pathcall.drafting.comparisons import Comparison, settings
from pathcall.drafting.factors import Factors, joined
from pathcall.geo.sources import clean_names

MIN_RESIDUAL = 4
"""Residual degrees of freedom from which samples of one kind are fitted by themselves."""
_PLACE = re.compile(
    r"origin|system|environment|vivo|vitro|tissue|organ|site|compartment|material|sample type"
    r"|source|location"
)


@dataclass(frozen=True)
class Model:
    """Samples that share a fit.

    Attributes
    ----------
    name
        Key in the config.
    samples
        Column → levels that select the samples; empty: all.
    members
        The samples.
    comparisons
        What it answers.
    block
        Whether donors or batches are in its design.
    kinds
        Kinds of samples that lend each other their dispersion.
    """

    name: str
    samples: dict[str, list[str]]
    members: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    block: bool
    kinds: int = 1


def find_models(
    factors: Factors, comparisons: Sequence[Comparison], *, study: str
) -> tuple[Model, ...]:
    """Split the samples into fits.

    Samples of one kind (one cell line, one tissue) share a fit. Kinds too small for a dispersion of
    their own, with fewer than `MIN_RESIDUAL` residual degrees of freedom, are fitted together with
    the others that lived in the same place (in vitro, tumours), and so lend it to each other.
    """
    kinds = settings(factors, comparisons)
    places = [str(c) for c in kinds if _PLACE.search(str(c).replace("_", " "))]
    compared = {group for c in comparisons for group in (c.test, c.reference)}
    models: list[Model] = []
    for _, inside in joined(kinds[places]).groupby(joined(kinds[places]), sort=False):
        kind = joined(kinds.loc[inside.index])
        parts = [list(index) for index in kind.groupby(kind, sort=False).groups.values()]
        asked = [part for part in parts if set(factors.group[part]) & compared]
        if any(_residual(factors, part) < MIN_RESIDUAL for part in asked):
            asked = [[sample for part in asked for sample in part]]
        models += [_model(part, kinds, factors, comparisons) for part in asked]
    names = clean_names([_name(model, kinds, study) for model in models])
    return tuple(replace(model, name=name) for name, model in zip(names, models, strict=True))


def _residual(factors: Factors, samples: Sequence[str]) -> int:
    levels = int(factors.group[list(samples)].nunique())
    if factors.block is not None:
        levels += int(factors.block[list(samples)].nunique()) - 1
    return len(samples) - levels


def _model(
    part: list[str], kinds: pd.DataFrame, factors: Factors, comparisons: Sequence[Comparison]
) -> Model:
    order = [sample for sample in factors.group.index if sample in set(part)]
    groups = factors.group[order]
    own = tuple(c for c in comparisons if {c.test, c.reference} <= set(groups))
    return Model(
        "",
        _selection(order, kinds, factors),
        tuple(order),
        own,
        _blocks(order, factors),
        int(joined(kinds.loc[order]).nunique()),
    )


def _selection(members: list[str], kinds: pd.DataFrame, factors: Factors) -> dict[str, list[str]]:
    """Columns and levels that select exactly these samples."""
    if len(members) == len(kinds):
        return {}
    chosen: dict[str, list[str]] = {}
    for name in kinds.columns:
        levels = list(dict.fromkeys(kinds.loc[members, name]))
        if len(levels) == kinds[name].nunique() or "" in levels:
            continue
        chosen[str(name)] = levels
    if _selected(chosen, kinds) != members:
        return {str(factors.group.name): list(dict.fromkeys(factors.group[members]))}
    for name in list(chosen):
        fewer = {other: levels for other, levels in chosen.items() if other != name}
        if fewer and _selected(fewer, kinds) == members:
            chosen = fewer
    return chosen


def _selected(chosen: Mapping[str, list[str]], kinds: pd.DataFrame) -> list[str]:
    mask = pd.Series(True, index=kinds.index)
    for name, levels in chosen.items():
        mask &= kinds[name].isin(levels)
    return [str(sample) for sample in kinds.index[mask]]


def _blocks(members: list[str], factors: Factors) -> bool:
    """Whether donors meet several groups and leave residual degrees of freedom."""
    if factors.block is None:
        return False
    block, groups = factors.block[members], factors.group[members]
    if block.nunique() < 2 or "" in set(block):
        return False
    crossed = pd.crosstab(block, groups) > 0
    rank = len(members) - block.nunique() - groups.nunique() + 1
    return bool(crossed.sum(axis=1).min() > 1 and rank > 0 and _connected(crossed))


def _connected(crossed: pd.DataFrame) -> bool:
    """Whether donors link all groups, so that neither settles the other."""
    seen, todo = set(), [crossed.columns[0]]
    while todo:
        group = todo.pop()
        if group in seen:
            continue
        seen.add(group)
        linked = crossed[crossed[group]].any(axis=0)
        todo += list(linked.index[linked])
    return len(seen) == len(crossed.columns)


def _name(model: Model, kinds: pd.DataFrame, study: str) -> str:
    if not model.samples:
        return study
    inside = kinds.loc[list(model.members)]
    common = [str(inside[c].iloc[0]) for c in inside if inside[c].nunique() == 1]
    return " ".join(common) or "_".join(model.samples)
