"""What sets samples apart: factors, donors and groups, from columns that describe samples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pathcall.drafting.controls import control_rank, is_dose, is_time
from pathcall.geo.draft import without_replicate
from pathcall.geo.sources import clean_names
from pathcall.study.sample_sheet import folded

VARIANT = "variant"
"""Column of what only titles tell."""
_REPLICATE_NAME = re.compile(r"\brep(licate)?s?\b|\blane\b|\brun\b|\bid\b|\bindex\b|\bbarcode\b")
_DONOR_NAME = re.compile(
    r"donor|patient|subject|individual|animal|participant|\bcell line\b|\bcell\b|\bline\b|clone"
    r"|\bmouse\b|\bpair\b|batch|date"
)


@dataclass(frozen=True)
class Factors:
    """What sets samples apart.

    Attributes
    ----------
    levels
        ``samples × factors``, text; ``""`` is missing. Factors vary, and none settles another.
    block
        Column of donors or batches that meet several groups; None where there is none.
    group
        Group of each sample: those that agree in all factors.
    ignored
        Column → why it is no factor.
    notes
        What was changed in the levels.
    """

    levels: pd.DataFrame
    block: pd.Series | None
    group: pd.Series
    ignored: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def times(self) -> list[str]:
        """Factors that are times."""
        return [c for c in self.levels if is_time(str(c), [v for v in self.levels[c] if v])]

    @property
    def doses(self) -> list[str]:
        """Factors that are doses."""
        return [str(c) for c in self.levels if is_dose(str(c))]


def find_factors(values: pd.DataFrame, titles: pd.Series | None = None) -> Factors:
    """Find the factors, the donors and the groups of samples.

    Parameters
    ----------
    values
        Columns that describe the samples, ``samples × columns``, text.
    titles
        Titles, whose words tell groups apart that no column does.
    """
    values, notes = _one_spelling(values)
    ignored: dict[str, str] = {}
    used = []
    for name in values.columns:
        distinct = values[name].nunique()
        if distinct <= 1:
            continue
        if _REPLICATE_NAME.search(name.replace("_", " ")):
            ignored[name] = "numbers replicates"
        elif distinct == len(values) and len(values) > 2 and not _controls(values[name]):
            ignored[name] = "is another one in each sample"
        else:
            used.append(name)
    used = _without_composites(values, used, ignored)
    used = _without_implied(values, used, ignored)
    used, block = _without_donors(values, used, ignored)
    levels = values[used].copy()
    if titles is not None:
        variant = _variant(levels, titles)
        if variant is not None:
            levels[VARIANT] = variant
    group = _labels(levels, titles)
    if block is not None:
        ignored.pop(block, None)
    return Factors(levels, None if block is None else values[block], group, ignored, notes)


def joined(levels: pd.DataFrame) -> pd.Series:
    """The levels of each sample as one text."""
    if levels.shape[1] == 0:
        return pd.Series("", index=levels.index)
    return levels.agg("\t".join, axis=1)


def _one_spelling(values: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Write levels that differ in spelling only as the commonest one does."""
    values, notes = values.copy(), []
    for name in values.columns:
        common = values[name].value_counts()
        first: dict[str, str] = {}
        for level in common.index:
            first.setdefault(folded(level) if level else "", level)
        changed = {
            level: first[folded(level)]
            for level in common.index
            if level and first[folded(level)] != level
        }
        if changed:
            values[name] = values[name].replace(changed)
            pairs = ", ".join(f"{old!r} as {new!r}" for old, new in changed.items())
            notes.append(f"{name}: {pairs}")
    return values, tuple(notes)


def _controls(column: pd.Series) -> list[str]:
    return [level for level in column.unique() if level and control_rank(level) is not None]


def _settles(finer: pd.Series, coarser: pd.Series) -> bool:
    return bool(coarser.groupby(finer).nunique().max() == 1)


def _without_composites(
    values: pd.DataFrame, used: list[str], ignored: dict[str, str]
) -> list[str]:
    """Leave out a column that only combines others: ``group`` beside ``genotype`` and ``drug``."""
    for name in list(used):
        parts = [
            other
            for other in used
            if other != name
            and values[other].nunique() < values[name].nunique()
            and _settles(values[name], values[other])
        ]
        if len(parts) > 1 and joined(values[parts]).nunique() == values[name].nunique():
            used = [other for other in used if other != name]
            ignored[name] = f"combines {', '.join(parts)}"
    return used


def _without_implied(values: pd.DataFrame, used: list[str], ignored: dict[str, str]) -> list[str]:
    """Of two columns of which one settles the other, keep the one that holds the controls."""
    for name in list(used):
        for other in list(used):
            if other == name or name not in used or not _settles(values[other], values[name]):
                continue
            same = values[other].nunique() == values[name].nunique()
            if same and used.index(name) < used.index(other):
                continue
            drop = other if _controls(values[name]) and not _controls(values[other]) else name
            if drop == other and (is_dose(other) or is_time(other, list(values[other].unique()))):
                continue  # two doses of a drug are two groups
            kept = name if drop == other else other
            used = [column for column in used if column != drop]
            ignored[drop] = f"goes with {kept}" + (": they can't be told apart" if same else "")
    return used


def _alone(cells: pd.Series) -> float:
    return float((cells.map(cells.value_counts()) == 1).mean())


def _without_donors(
    values: pd.DataFrame, used: list[str], ignored: dict[str, str]
) -> tuple[list[str], str | None]:
    """Take out columns that leave most samples alone in their group; one that is crossed blocks."""
    block: str | None = None
    while used and _alone(joined(values[used])) > 0.5:

        def rank(name: str) -> tuple[bool, bool, int]:
            return (
                not _controls(values[name]),
                bool(_DONOR_NAME.search(name.replace("_", " "))),
                values[name].nunique(),
            )

        donor = max(used, key=rank)
        used = [name for name in used if name != donor]
        ignored[donor] = "is another one in most samples of a group"
        rest = joined(values[used])
        if rest.groupby(values[donor]).nunique().max() > 1 and "" not in set(values[donor]):
            block = donor
    for name in list(used):
        if re.search(r"\bbatch\b", name.replace("_", " ")) and not _controls(values[name]):
            used = [other for other in used if other != name]
            ignored[name] = "is a batch"
            crossed = joined(values[used]).groupby(values[name]).nunique().max() > 1
            block = name if crossed and block is None else block
    return used, block


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s_.,;:/-]+", text) if word]


def _variant(levels: pd.DataFrame, titles: pd.Series) -> pd.Series | None:
    """What titles tell beyond the factors: words that not all samples of a group share."""
    stems = titles.map(without_replicate)
    variant = pd.Series("", index=levels.index)
    for _, samples in stems.groupby(joined(levels), sort=False):
        counts = samples.value_counts()
        if len(counts) < 2 or counts.min() < 2:
            continue
        shared = set.intersection(*(set(_words(stem)) for stem in counts.index))
        for sample, stem in samples.items():
            variant[sample] = "_".join(word for word in _words(stem) if word not in shared)
    return variant if variant.any() else None


def _labels(levels: pd.DataFrame, titles: pd.Series | None) -> pd.Series:
    """A name of each group, in ``[a-z0-9_]``: its title where titles tell groups apart."""
    cells = joined(levels)
    names = cells.str.replace("\t", " ")
    if titles is not None:
        stems = titles.map(without_replicate)
        if _settles(stems, cells) and _settles(cells, stems):
            names = stems
    distinct = list(dict.fromkeys(names))
    clean = dict(zip(distinct, clean_names([name or "all" for name in distinct]), strict=True))
    # A sheet may have a column `group` of its own.
    return names.map(clean).rename("group" if "group" not in levels else "drafted_group")


def columns_of_names(names: Sequence[str]) -> pd.DataFrame | None:
    """Columns that sample names spell out: ``A375_DMSO_1``, ``WT2``, ``donor3_LPS_6h``.

    None where no groups of replicates can be told from the names.
    """
    bare = [re.sub(r"_S\d+(_L\d{3})?(_R[12])?(_001)?$", "", name) for name in names]
    index = pd.Index(names, name="sample")
    parts = [_words(name) for name in bare]
    if len({len(p) for p in parts}) == 1 and len(parts[0]) > 1:
        table = pd.DataFrame(parts, index=index)
        found = _name_columns(table)
        if found is not None:
            return found
    for strip in (without_replicate, lambda name: re.sub(r"[\s_.-]*\d+[a-z]?$", "", name)):
        stems = pd.Series([strip(name) for name in bare], index=index)
        sizes = stems.value_counts()
        if len(sizes) > 1 and sizes.min() > 1 and "" not in sizes.index:
            return pd.DataFrame({"group": stems})
    return None


_NUMBERED = re.compile(
    r"(?P<what>replicate|rep|biorep|br|r|n|s|sample|donor|patient|pt|subject|mouse|m|d|p|b|batch)?"
    r"(?P<number>\d+)[a-z]?",
    re.IGNORECASE,
)
_DONORS = ("donor", "patient", "pt", "subject", "mouse")


def _name_columns(parts: pd.DataFrame) -> pd.DataFrame | None:
    """Columns of words at the same place of each name, named by what they hold."""
    columns: dict[str, pd.Series] = {}
    for place in parts.columns:
        words = parts[place]
        if words.nunique() == 1:
            continue
        matches = [_NUMBERED.fullmatch(word) for word in words]
        is_numbered = all(matches)
        if is_numbered:
            kinds = {(m["what"] or "").casefold() for m in matches if m}
            # N61311 is a person, rep2 a number.
            is_donor = kinds <= set(_DONORS) or any(len(m["number"]) > 2 for m in matches if m)
            name = "donor" if is_donor else "replicate"
        elif is_time("", list(words.unique())):
            name = "time"
        elif any(re.search(r"^(wt|ko|kd|oe|mut|wildtype|het|hom)|ko$|kd$|[+-]/[+-]",
                           w, re.IGNORECASE) for w in words):  # fmt: skip
            name = "genotype"
        elif _controls(words):
            name = "treatment"
        else:
            name = "factor"
        number = sum(known.partition("_")[0] == name for known in columns) + 1
        columns[name if number == 1 else f"{name}_{number}"] = words
    found = pd.DataFrame(columns)
    factors = [c for c in found if not str(c).startswith(("replicate", "donor"))]
    if not factors or joined(found[factors]).value_counts().min() < 2:
        return None
    return found
