"""Contrasts: cell against cell, and differences of such, over the coefficients of a design."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pathcall.errors import ConfigError, choose, shown
from pathcall.stats.linear_models import effective_samples, estimate_weights
from pathcall.study.config import ID, Config, ModelConfig, same_but_for_case
from pathcall.study.design_formula import Design, build_design, parse_formula, parse_number
from pathcall.study.sample_sheet import Sheet
from pathcall.tsv import Row, read_rows

Float = npt.NDArray[np.float64]
DIRECTIONS = ("activated", "repressed")
COLUMNS = (
    "contrast", "model", "test", "reference", "subtract", "group", "expected", "description",
)  # fmt: skip
MIN_REPLICATES = 2
MIN_SAMPLES = 3


@dataclass(frozen=True)
class Contrast:
    """One row of the contrasts table.

    Attributes
    ----------
    contrast
        Its id.
    model
        Model that answers it.
    test, reference
        Factor → level of the two cells; log2 fold changes are test over reference.
    subtract
        Id of the contrast taken away from it (interaction).
    group
        Contrasts that answer the same question share a group.
    expected
        Pathway → what the treatment must do to it if it worked.
    description
        One line for the report.
    """

    contrast: str
    model: str
    test: Mapping[str, str]
    reference: Mapping[str, str]
    subtract: str | None
    group: str | None
    expected: Mapping[str, str]
    description: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for a rule's `params`."""
        return {
            "contrast": self.contrast,
            "model": self.model,
            "test": dict(self.test),
            "reference": dict(self.reference),
            "subtract": self.subtract,
            "group": self.group,
            "expected": dict(self.expected),
            "description": self.description,
        }

    def slopes(self, continuous: Collection[str]) -> list[str]:
        """Continuous columns in which the two cells differ: along them the contrast is a slope."""
        return [
            name
            for name, value in self.test.items()
            if name in continuous and float(value) != float(self.reference[name])
        ]

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Contrast:
        """Rebuild from `as_dict`."""
        return cls(**raw)


@dataclass(frozen=True)
class ModelPlan:
    """A model ready to be fitted: its samples, design and the weights of its contrasts.

    Attributes
    ----------
    name
        Key in the config.
    samples
        Samples of the model, in the order of the sheet.
    design
        Design matrix and its parts.
    weights
        Contrast → weights over the coefficients.
    smallest_group
        Samples in the smallest cell that a contrast of the model names; for a contrast along a
        continuous column, samples that carry the sparser end of its slope.
    """

    name: str
    samples: tuple[str, ...]
    design: Design
    weights: Mapping[str, Float]
    smallest_group: int

    @property
    def reduced(self) -> dict[str, Float]:
        """Term of the design → design matrix of the model without it (`Design.reduced`)."""
        columns = self.design.formula.columns
        terms = [term for term in self.design.formula.terms if term]
        matrices = {
            ":".join(name for name in columns if name in term): self.design.reduced(term)
            for term in terms
        }
        return {label: matrix for label, matrix in matrices.items() if matrix is not None}


def read_contrasts(path: str) -> dict[str, Contrast]:
    """Read the contrasts table; what it says about models is checked by `plan_models`.

    Raises
    ------
    ConfigError
        Naming file, column and value.
    """
    rows = read_rows(path, needed=COLUMNS[:4], what="contrasts table", comments=True)
    for name in rows[0]:
        if name not in COLUMNS:
            raise ConfigError(
                "the contrasts table has an unknown column",
                where=f"{path}, column {shown(name)}",
                fix=choose(name, COLUMNS, what="the columns are"),
            )
    contrasts: dict[str, Contrast] = {}
    for row in rows:
        contrast = _contrast(row, path)
        if contrast.contrast in contrasts:
            raise ConfigError(
                "a contrast is listed twice",
                where=f"{path}, line {row.line}, column contrast, value {contrast.contrast!r}",
                fix="give each contrast an id of its own",
            )
        contrasts[contrast.contrast] = contrast
    _check_same(contrasts, path)
    return contrasts


def _contrast(row: Row, path: str) -> Contrast:
    """One row, checked on its own."""
    at = f"{path}, line {row.line}"
    values = {key: "" if value == "NA" else value for key, value in row.items()}
    name = values["contrast"]
    if not re.fullmatch(ID, name):
        raise ConfigError(
            "a contrast has an id that cannot be a file name",
            where=f"{at}, column contrast, value {shown(row['contrast'])}",
            fix="use up to 100 letters, digits and _ only, and not NA, which means missing",
        )
    cells = {}
    for column in ("test", "reference"):
        if not values[column].strip(", "):
            raise ConfigError(
                "a contrast lacks a cell",
                where=f"{at}, column {column} ({name})",
                fix="write column=level,column=level",
            )
        cells[column] = _pairs(values[column], "=", f"{at}, column {column}", name)
    test, reference = cells["test"], cells["reference"]
    both = f"{at}, columns test and reference, value {shown(row['test'])}"
    if set(test) != set(reference):
        raise ConfigError(
            "the two cells of a contrast name different columns",
            where=f"{both} against {shown(row['reference'])} ({name})",
            fix="name the same columns on both sides",
        )
    if test == reference:
        raise ConfigError(
            "the two cells of a contrast are the same",
            where=f"{both} ({name})",
            fix="name two different cells",
        )
    expected = _pairs(values.get("expected", ""), ":", f"{at}, column expected", name)
    for direction in expected.values():
        if direction not in DIRECTIONS:
            raise ConfigError(
                "an expected direction is neither activated nor repressed",
                where=f"{at}, column expected, value {shown(direction)} ({name})",
                fix="write PATHWAY:activated or PATHWAY:repressed",
            )
    return Contrast(
        contrast=name,
        model=values["model"],
        test=test,
        reference=reference,
        subtract=values.get("subtract") or None,
        group=values.get("group") or None,
        expected=expected,
        description=values.get("description", ""),
    )


def _pairs(text: str, sign: str, where: str, name: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, found, value = (piece.strip() for piece in part.partition(sign))
        if not found or not key or not value or key in pairs:
            raise ConfigError(
                "a value of the contrasts table can't be read",
                where=f"{where}, value {shown(text)}, at {shown(part)} ({name})",
                fix=f"write name{sign}value,name{sign}value with each name once; a level that "
                "holds a comma needs another name",
            )
        pairs[key] = value
    return pairs


def _check_same(contrasts: Mapping[str, Contrast], path: str) -> None:
    """Refuse what is one thing twice: ids and groups but for case, and the same question."""
    groups = [c.group for c in contrasts.values() if c.group]
    for column, names in (("contrast", list(contrasts)), ("group", groups)):
        two = same_but_for_case(names)
        if two:
            raise ConfigError(
                f"two names of column {column} differ in case only",
                where=f"{path}, column {column}, values {shown(two[0])} and {shown(two[1])}",
                fix="write one spelling, or names that differ in more than case",
            )
    asked: dict[tuple[object, ...], str] = {}
    for name, c in contrasts.items():
        question = (
            c.model, tuple(sorted(c.test.items())), tuple(sorted(c.reference.items())), c.subtract
        )  # fmt: skip
        if asked.setdefault(question, name) != name:
            raise ConfigError(
                "two contrasts ask the same question",
                where=f"{path}, contrasts {asked[question]} and {name}: the same model, test, "
                "reference and subtract",
                fix="delete one of them",
            )


def plan_models(
    config: Config, sheet: Sheet, contrasts: Mapping[str, Contrast]
) -> dict[str, ModelPlan]:
    """Check every model and contrast against the sheet, before any compute.

    Raises
    ------
    ConfigError
        An unknown column, level or model; a design that is not of full rank; a cell that matches
        no sample or has no replicates; a `subtract` that is unknown, of another model or circular.
    """
    for contrast in contrasts.values():
        if contrast.model not in config.models:
            raise ConfigError(
                "a contrast names an unknown model",
                where=f"{config.contrasts}, column model, value {shown(contrast.model)} "
                f"({contrast.contrast})",
                fix=choose(contrast.model, config.models, what="the models of the config are"),
            )
    return {
        name: plan_model(
            name,
            model,
            sheet,
            {key: c for key, c in contrasts.items() if c.model == name},
            every=contrasts,
            contrasts_path=config.contrasts,
        )
        for name, model in config.models.items()
    }


def plan_model(
    name: str,
    model: ModelConfig,
    sheet: Sheet,
    contrasts: Mapping[str, Contrast],
    *,
    every: Mapping[str, Contrast] | None = None,
    contrasts_path: str,
) -> ModelPlan:
    """Samples, design and weights of one model.

    Parameters
    ----------
    name, model
        Key and section of the config.
    sheet
        Sample sheet.
    contrasts
        The model's contrasts.
    every
        All contrasts, to tell an unknown `subtract` from one of another model.
    contrasts_path
        File the contrasts came from, for messages.

    Raises
    ------
    ConfigError
        As `plan_models`.
    """
    where = f"models.{name}"
    formula = parse_formula(model.design, where=f"{where}.design")
    for column in formula.columns:
        sheet.need_column(column, where=f"{where}.design")
    used = [*formula.columns, *(c for c in model.samples if c in sheet.columns)]
    sheet.check_levels(c for c in used if c not in model.continuous)
    samples = sheet.select(model.samples, what=f"{where}.samples")
    if len(samples) < MIN_SAMPLES:
        raise ConfigError(
            f"a model has fewer than {MIN_SAMPLES} samples",
            where=f"{where}.samples, in {sheet.path}: {', '.join(samples) or 'none'}",
            fix="widen `samples` of the model, or drop it",
        )
    design = build_design(
        formula,
        samples,
        [sheet.rows[sample] for sample in samples],
        continuous=model.continuous,
        where=where,
    )
    sizes = [
        _check_cell(cell, design, contrasts_path, column, key)
        for key, contrast in contrasts.items()
        for column, cell in (("test", contrast.test), ("reference", contrast.reference))
    ]
    own = {
        key: _cell_weights(contrast, design, contrasts_path) for key, contrast in contrasts.items()
    }
    weights = {
        key: _weights(
            _chain(key, contrasts, every or contrasts, contrasts_path), own, design, contrasts_path
        )
        for key in contrasts
    }
    for contrast in contrasts.values():
        if contrast.slopes(design.continuous):
            carried = effective_samples(estimate_weights(design.matrix, own[contrast.contrast]))
            sizes.append(max(round(carried), MIN_REPLICATES))
    return ModelPlan(name, samples, design, weights, min(sizes, default=MIN_REPLICATES))


def _check_cell(cell: Mapping[str, str], design: Design, path: str, column: str, name: str) -> int:
    """Samples in a cell (of all samples, where the cell is a value of a continuous column)."""
    text = ",".join(f"{key}={value}" for key, value in cell.items())
    where = f"{path}, column {column}, value {shown(text)} ({name})"
    for key, value in cell.items():
        if key not in design.levels and key not in design.continuous:
            raise ConfigError(
                "a contrast names a column that its design does not use",
                where=f"{where}, column {key!r}; design {design.formula.text!r}",
                fix=choose(key, design.formula.columns, what="the design's columns are"),
            )
        if key in design.levels and value not in design.levels[key]:
            raise ConfigError(
                "a contrast cell matches no sample",
                where=f"{where}, level {shown(value)} of {key!r}",
                fix=choose(value, design.levels[key], what="the levels in this model are"),
            )
        if key in design.continuous and parse_number(value) is None:
            raise ConfigError(
                "a contrast gives a continuous column a value that is not a finite number",
                where=f"{where}, value {shown(value)} of {key!r}",
                fix="write a number",
            )
    factors = {key: value for key, value in cell.items() if key in design.levels}
    size = sum(all(row[key] == value for key, value in factors.items()) for row in design.rows)
    if size == 0:
        raise ConfigError(
            "a contrast cell matches no sample",
            where=where,
            fix="name a combination of levels that the model's samples have",
        )
    if size < MIN_REPLICATES:
        raise ConfigError(
            "a contrast cell has no replicates",
            where=f"{where}: {size} sample",
            fix="a cell needs at least two samples; drop the contrast or pool cells",
        )
    return size


def _cell_weights(contrast: Contrast, design: Design, path: str) -> Float:
    """Weights of test minus reference, before anything is subtracted."""
    weights: Float = design.cell(contrast.test) - design.cell(contrast.reference)
    if not np.abs(weights).max() > 1e-12:
        raise ConfigError(
            "the two cells of a contrast are the same under its design",
            where=f"{path}, contrast {contrast.contrast}; design {design.formula.text!r}",
            fix="compare cells that the design tells apart",
        )
    return weights


def _chain(
    key: str, own: Mapping[str, Contrast], every: Mapping[str, Contrast], path: str
) -> list[str]:
    """A contrast, the one it subtracts, the one that this subtracts, …."""
    chain = [key]
    while (other := own[chain[-1]].subtract) is not None:
        where = f"{path}, column subtract, value {shown(other)} ({chain[-1]})"
        if other not in every:
            raise ConfigError(
                "a contrast subtracts an unknown contrast",
                where=where,
                fix=choose(other, own, what="the contrasts of its model are"),
            )
        if other not in own:
            raise ConfigError(
                "a contrast subtracts a contrast of another model",
                where=where,
                fix=f"both must belong to model {own[key].model}",
            )
        if other in chain:
            raise ConfigError(
                "contrasts subtract each other in a circle", where=where, fix="break the circle"
            )
        chain.append(other)
    return chain


def _weights(chain: Sequence[str], own: Mapping[str, Float], design: Design, path: str) -> Float:
    """Weights of a contrast: its cells minus (the cells it subtracts minus (…)).

    ``chain`` as `_chain` gives it: the signs of its members alternate.
    """
    weights: Float = sum(
        ((-1.0) ** depth * own[name] for depth, name in enumerate(chain)),
        np.zeros(len(design.coefficients)),
    )
    if not np.abs(weights).max() > 1e-12:
        raise ConfigError(
            "a contrast minus the one it subtracts is zero under its design",
            where=f"{path}, column subtract, value {chain[1]!r} ({chain[0]}); "
            f"design {design.formula.text!r}",
            fix="an interaction needs a design with the interaction term, such as ~ a * b",
        )
    return weights
