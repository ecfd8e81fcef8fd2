"""The files of a drafted study: sheet, contrasts, config, and what a person must decide."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pathcall.drafting.comparisons import Comparison, find_comparisons, interactions
from pathcall.drafting.factors import VARIANT, Factors, find_factors
from pathcall.drafting.models import MIN_RESIDUAL, Model, find_models
from pathcall.errors import InputError
from pathcall.geo.sources import clean_names
from pathcall.study.contrasts import COLUMNS

SCREEN = 22
"""Lines of the list of decisions."""
WIDTH = 79
MAX_OFFERED = 20


@dataclass(frozen=True)
class Draft:
    """A drafted study.

    Attributes
    ----------
    samples, contrasts, config, decide
        Text of ``samples.tsv``, ``contrasts.tsv``, ``config.yaml`` and ``DECIDE.md``.
    """

    samples: str
    contrasts: str
    config: str
    decide: str


def draft_study(
    study: str,
    sheet: pd.DataFrame,
    *,
    config: Mapping[str, Any],
    excluded: Mapping[str, str],
    decide: Sequence[str] = (),
    where: str,
) -> Draft:
    """Draft a study from what describes its samples.

    Parameters
    ----------
    study
        Its name.
    sheet
        ``samples × columns``, text (``""`` is missing); a column ``title`` is read for its words.
    config
        Further keys of the config: organism, counts.
    excluded
        Sample → why it is left out.
    decide
        Points that were found before.
    where
        Where the samples come from, for messages.

    Raises
    ------
    InputError
        No two groups of at least two samples can be told apart.
    """
    kept = sheet.drop(index=list(excluded))
    titles = kept.get("title")
    factors = find_factors(kept.drop(columns=["title"], errors="ignore"), titles)
    sizes = factors.group.value_counts()
    if (sizes > 1).sum() < 2:
        raise InputError(
            "no two groups of replicates can be told apart",
            where=f"{where}: {len(kept)} samples in {len(sizes)} groups, "
            f"{', '.join(f'{n} of {g}' for g, n in sizes.head(4).items())} …",
            fix="write a sheet with the columns sample and group, and give it with --samples",
        )
    comparisons = find_comparisons(factors)
    models = find_models(factors, comparisons, study=study)
    rows = _contrast_rows(models, factors)
    ids = {id(comparison): row["contrast"] for comparison, row in rows}
    row_of = {id(comparison): row for comparison, row in rows}
    offered = [
        _interaction(one, two, ids, row_of)
        for model in models
        for one, two in interactions(model.comparisons, factors)
    ][:MAX_OFFERED]
    points = [
        *_doubts(rows),
        *decide,
        *_points(factors, models, excluded, offered),
    ]
    return Draft(
        _sheet_text(sheet, factors, excluded),
        _contrasts_text([row for _, row in rows], offered),
        _config_text(study, models, factors, config),
        _decide_text(study, rows, points),
    )


def _column_of(model: Model, factors: Factors) -> str:
    """Column that a model's contrasts name: the one factor that varies in it, or the groups."""
    inside = factors.levels.loc[list(model.members)]
    varying = [str(name) for name in inside if inside[name].nunique() > 1]
    if len(varying) == 1 and varying[0] != VARIANT and "" not in set(inside[varying[0]]):
        return varying[0]
    return str(factors.group.name)


def _contrast_rows(
    models: Sequence[Model], factors: Factors
) -> list[tuple[Comparison, dict[str, str]]]:
    rows = []
    for model in models:
        column = _column_of(model, factors)
        level = factors.group if column == factors.group.name else factors.levels[column]
        of_group = dict(zip(factors.group, level, strict=True))
        for comparison in model.comparisons:
            test, reference = of_group[comparison.test], of_group[comparison.reference]
            row = dict.fromkeys(COLUMNS, "NA") | {
                "contrast": _id(comparison.test, comparison.reference),
                "model": model.name,
                "test": f"{column}={test}",
                "reference": f"{column}={reference}",
                "description": _described(comparison, factors),
            }
            rows.append((comparison, row))
    unique = clean_names([row["contrast"] for _, row in rows])
    taken = {model.name for model in models}
    for (_, row), name in zip(rows, unique, strict=True):
        row["contrast"] = f"{name}_contrast" if name in taken else name
    return rows


def _id(test: str, reference: str) -> str:
    """``a375_vem_6h_vs_vehicle``: the reference less what it shares with the test."""
    shared = set(test.split("_"))
    rest = [word for word in reference.split("_") if word not in shared]
    return f"{test}_vs_{'_'.join(rest) or reference}"[:95].strip("_")


def _described(comparison: Comparison, factors: Factors) -> str:
    """``vemurafenib against vehicle (A375, in vitro)``."""
    cells = factors.levels.groupby(factors.group, sort=False).first()
    test, reference = cells.loc[comparison.test], cells.loc[comparison.reference]
    if comparison.column not in cells:
        return f"{comparison.test} against {comparison.reference}"
    shared = [
        str(test[name])
        for name in cells
        if name != comparison.column and test[name] and test[name] == reference[name]
    ]
    where = f" ({', '.join(shared)})" if shared else ""
    return f"{test[comparison.column]} against {reference[comparison.column]}{where}"


def _interaction(
    one: Comparison, two: Comparison, ids: Mapping[int, str], rows: Mapping[int, dict[str, str]]
) -> dict[str, str]:
    first, second = ids[id(one)], ids[id(two)]
    return rows[id(two)] | {
        "contrast": _id(two.test, one.test).replace("_vs_", "_minus_"),
        "subtract": first,
        "description": f"Interaction: {second} minus {first}",
    }


def _sheet_text(sheet: pd.DataFrame, factors: Factors, excluded: Mapping[str, str]) -> str:
    table = sheet.copy()
    for name, column in factors.levels.items():
        table[name] = column.reindex(table.index).fillna(table[name] if name in sheet else "")
    group = factors.group.reindex(table.index).fillna("")
    table[str(group.name)] = group
    number = group.groupby(group).cumcount() + 1
    table["replicate"] = number.astype(str).where(group != "", "")
    table["exclude"] = ["yes" if sample in excluded else "no" for sample in table.index]
    table["exclude_reason"] = [excluded.get(str(sample), "") for sample in table.index]
    table = table.replace("", "NA")
    table.insert(0, "sample", table.index)
    return str(table.to_csv(sep="\t", index=False, na_rep="NA", lineterminator="\n", quoting=3))


def _contrasts_text(rows: Sequence[Mapping[str, str]], offered: Sequence[Mapping[str, str]]) -> str:
    lines = ["\t".join(COLUMNS), *("\t".join(row[c] for c in COLUMNS) for row in rows)]
    if offered:
        lines.append("# Interactions: take the `# ` away from those that you ask for.")
        lines += ["# " + "\t".join(row[c] for c in COLUMNS) for row in offered]
    return "\n".join(lines) + "\n"


def _config_text(
    study: str, models: Sequence[Model], factors: Factors, config: Mapping[str, Any]
) -> str:
    def shown(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = [
        "# Drafted by `pathcall init`; DECIDE.md says what to look at. All keys: docs/config.md",
        f"study: {shown(study)}",
        "samples: samples.tsv",
        "contrasts: contrasts.tsv",
        *(f"{key}: {shown(value)}" for key, value in config.items()),
        "models:",
    ]
    for model in models:
        column = _column_of(model, factors)
        lines.append(f"  {model.name}:  # {len(model.members)} samples")
        if model.samples:
            lines.append(f"    samples: {shown(model.samples)}")
        block = f"{factors.block.name} + " if model.block and factors.block is not None else ""
        lines.append(f'    design: "~ {block}{column}"')
    return "\n".join(lines) + "\n"


def _doubts(rows: Sequence[tuple[Comparison, Mapping[str, str]]]) -> list[str]:
    by_doubt: dict[str, list[str]] = {}
    for comparison, row in rows:
        if comparison.doubt:
            by_doubt.setdefault(comparison.doubt, []).append(row["contrast"])
    return [f"{', '.join(_few(names))}: {doubt}" for doubt, names in by_doubt.items()]


def _few(names: Sequence[str], most: int = 3) -> list[str]:
    rest = len(names) - most
    return [*names[:most], *([f"{rest} more"] if rest > 0 else [])]


def _points(
    factors: Factors,
    models: Sequence[Model],
    excluded: Mapping[str, str],
    offered: Sequence[Mapping[str, str]],
) -> list[str]:
    compared = {g for m in models for c in m.comparisons for g in (c.test, c.reference)}
    sizes = factors.group.value_counts(sort=False)
    single = [str(g) for g, n in sizes.items() if n < 2]
    alone = [str(g) for g, n in sizes.items() if n > 1 and g not in compared]
    points = []
    if single:
        points.append(f"one sample each, not compared: {', '.join(_few(single))}.")
    if alone:
        points.append(f"no control found, not compared: {', '.join(_few(alone))}.")
    used = {str(factors.block.name)} if factors.block is not None else set()
    if used and any(m.block for m in models):
        points.append(f"`{used.pop()}` is in the design: its samples are paired across groups.")
    elif used:
        points.append(f"`{used.pop()}` is not in the design: it does not meet all groups.")
    if factors.ignored:
        names = [f"`{name}` {why}" for name, why in factors.ignored.items()]
        points.append(f"not used: {'; '.join(_few(names))}. If one is a batch, add it to `design`.")
    points += [
        f"{m.name}: one fit for {m.kinds} kinds of samples; alone, some leave fewer than "
        f"{MIN_RESIDUAL} residual degrees of freedom."
        for m in models
        if m.kinds > 1
    ]
    points += [
        f"levels that differ in spelling only were written alike, {note}."
        for note in factors.notes[:3]
    ]
    if excluded:
        reasons = sorted(set(excluded.values()))
        points.append(f"excluded samples: {len(excluded)} ({'; '.join(_few(reasons))}).")
    if offered:
        points.append(f"interactions stand in contrasts.tsv as comments: {len(offered)}.")
    points.append(
        "`expected` in contrasts.tsv: what each treatment must do if it worked, such as "
        "MAPK:repressed for a MEK inhibitor. The report then says whether it did."
    )
    points.append(
        "`group` in contrasts.tsv: one name for contrasts that answer the same question; they are "
        "then combined."
    )
    return points


def _decide_text(
    study: str, rows: Sequence[tuple[Comparison, Mapping[str, str]]], points: Sequence[str]
) -> str:
    drafted = f"{len(rows)} contrast{'s' * (len(rows) > 1)} drafted"
    lines = [f"{study}: {drafted}. What a person must decide:", ""]
    for point in points:
        text = re.sub(r"\s+", " ", point)
        wrapped = textwrap.wrap(f"- {text}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        if len(lines) + len(wrapped) > SCREEN - 1:
            lines.append("- … and see the files: samples.tsv, contrasts.tsv, config.yaml.")
            break
        lines += wrapped
    return "\n".join(lines) + "\n"
