"""Which group is compared with which: each with its control that differs in one characteristic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pathcall.drafting.controls import control_rank, names_control
from pathcall.drafting.factors import VARIANT, Factors

MIN_SAMPLES = 2


@dataclass(frozen=True)
class Comparison:
    """A group against its control.

    Attributes
    ----------
    test, reference
        Groups.
    column
        Factor in which they differ.
    doubt
        What a person should look at; empty where nothing.
    """

    test: str
    reference: str
    column: str
    doubt: str = ""


def find_comparisons(factors: Factors) -> tuple[Comparison, ...]:
    """Compare each group with its control, in the order of the samples.

    A control differs in exactly one factor, in which it has a control's level: vehicle, DMSO,
    untreated, wild type, time 0. Doses are left aside where the drug differs; a control of another
    time is taken where there is none of the same, with a doubt. Times and doses are compared with
    their zero only where a group has no other control. Without any control, groups that differ in
    one factor are compared with the first of them, with a doubt; the first is the one, if there is
    one only, with a control's word in its name.
    """
    cells = _cells(factors)
    found = [c for group in cells.index for c in _against_controls(group, cells, factors)]
    if found:
        return tuple(found)
    return tuple(_against_first(cells, factors))


def _cells(factors: Factors) -> pd.DataFrame:
    """Levels of each group of at least `MIN_SAMPLES`; index: group."""
    sizes = factors.group.value_counts()
    cells = factors.levels.groupby(factors.group, sort=False).first()
    return cells[sizes.reindex(cells.index) >= MIN_SAMPLES]


def _against_controls(group: str, cells: pd.DataFrame, factors: Factors) -> list[Comparison]:
    own = cells.loc[group]
    soft = [*factors.times, *factors.doses]
    hard = [c for c in cells.columns if c not in soft and c != VARIANT]
    found = [_best(group, own, c, cells, factors) for c in hard]
    kept = [comparison for comparison in found if comparison is not None]
    if not kept:
        kept = [c for c in (_best(group, own, name, cells, factors) for name in soft) if c][:1]
    return kept


def _best(
    group: str, own: pd.Series, column: str, cells: pd.DataFrame, factors: Factors
) -> Comparison | None:
    if not own[column] or control_rank(own[column]) is not None:
        return None
    candidates = []
    for place, (other, levels) in enumerate(cells.iterrows()):
        rank = control_rank(levels[column]) if levels[column] else None
        distance = None if rank is None else _distance(own, levels, column, factors)
        if distance is not None:
            candidates.append((distance[0], rank, place, str(other), distance[1]))
    if not candidates:
        return None
    _, _, _, reference, doubt = min(candidates)
    return Comparison(group, reference, column, doubt)


def _distance(
    own: pd.Series, other: pd.Series, column: str, factors: Factors
) -> tuple[float, str] | None:
    """How far a control is from the group beside `column`; None: too far to be its control."""
    distance, doubt = 0.0, ""
    for name in own.index:
        if name == column or own[name] == other[name]:
            continue
        nothing = not other[name] or control_rank(other[name]) is not None
        if name in factors.doses:
            distance += 0.1
        elif name in factors.times and column not in factors.doses:
            distance += 1 if nothing else 2
            doubt = f"its control is of another {name} ({other[name] or 'none given'})"
        else:
            return None
    return distance, doubt


def _against_first(cells: pd.DataFrame, factors: Factors) -> list[Comparison]:
    """Without controls: against the first group from which only one factor tells it apart."""
    found = []
    named = [group for group in cells.index if names_control(str(group))]
    doubt = "no control was recognised: which side is the reference?"
    if len(named) == 1:
        cells = cells.loc[[*named, *cells.index.drop(named)]]
        doubt = f"{named[0]} was taken for the control, by its name"
    for place, (group, own) in enumerate(cells.iterrows()):
        for other, levels in cells.iloc[:place].iterrows():
            differ = [name for name in cells.columns if own[name] != levels[name]]
            if len(differ) == 1:
                found.append(Comparison(str(group), str(other), differ[0], doubt))
                break
    if not found and len(cells) > 1:
        first = str(cells.index[0])
        doubt = "the groups differ in several characteristics, and no control was recognised"
        found = [Comparison(str(group), first, "", doubt) for group in cells.index[1:]]
    return found


def interactions(
    comparisons: Sequence[Comparison], factors: Factors
) -> list[tuple[Comparison, Comparison]]:
    """Pairs of the same comparison in two settings that differ in one factor: later minus earlier.

    The earlier is the one whose setting is a control's; without one among a factor's levels, any
    two settings are a pair. Of an interaction's two readings (the drug's effect in the knockout
    minus that in the wild type; the knockout's under the drug minus that without) one is kept.
    """
    cells = _cells(factors)
    ranks = {name: {level: control_rank(level) for level in cells[name].unique()} for name in cells}
    found: dict[frozenset[str], tuple[Comparison, Comparison]] = {}
    for place, one in enumerate(comparisons):
        for two in comparisons[place + 1 :]:
            if one.column != two.column or one.column not in cells:
                continue
            first, second = cells.loc[one.test], cells.loc[two.test]
            differ = [name for name in cells if first[name] != second[name]]
            if len(differ) != 1 or differ[0] == one.column:
                continue
            levels = [first[differ[0]], second[differ[0]]]
            rank = ranks[differ[0]]
            controls = [level for level in levels if rank[level] is not None]
            if "" in levels or (not controls and any(r is not None for r in rank.values())):
                continue
            pair = (two, one) if controls == [levels[1]] else (one, two)
            found.setdefault(frozenset([one.test, one.reference, two.test, two.reference]), pair)
    return list(found.values())


def settings(factors: Factors, comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Factors in which no comparison is made: they say which samples are of one kind."""
    tested = {comparison.column for comparison in comparisons}
    left_out = {*tested, *factors.times, *factors.doses, VARIANT}
    return factors.levels[[c for c in factors.levels if c not in left_out]]
