"""Contrasts: cell against cell, and differences of such, over the coefficients of a design."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pathcall.errors import ConfigError
from pathcall.stats.linear_models import effective_samples, estimate_weights
from pathcall.study.config import Config, ModelConfig
from pathcall.study.design_formula import Design, build_design, parse_formula
from pathcall.study.sample_sheet import Sheet, read_rows

Float = npt.NDArray[np.float64]
DIRECTIONS = ("activated", "repressed")
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
    def terms(self) -> dict[str, list[str]]:
        """What a likelihood-ratio test leaves out: label → coefficients.

        A factor goes together with every interaction it is part of; an interaction goes alone.
        """
        terms = [term for term in self.design.formula.terms if term]
        columns = self.design.formula.columns
        return {
            ":".join(name for name in columns if name in term): self.design.coefficients_of(
                term, containing=len(term) == 1
            )
            for term in terms
        }


def read_contrasts(path: str) -> dict[str, Contrast]:
    """Read the contrasts table; what it says about models is checked by `plan_models`.

    Raises
    ------
    ConfigError
        Naming file, column and value.
    """
    rows = read_rows(
        path, needed=["contrast", "model", "test", "reference"], what="contrasts table"
    )
    known = {"contrast", "model", "test", "reference", "subtract", "group", "expected",
             "description"}  # fmt: skip
    for name in rows[0]:
        if name not in known:
            raise ConfigError(
                "the contrasts table has an unknown column",
                where=f"{path}, column {name!r}",
                fix=f"the columns are: {', '.join(sorted(known))}",
            )
    contrasts: dict[str, Contrast] = {}
    for row in rows:
        row = {key: "" if value == "NA" else value for key, value in row.items()}
        name = row["contrast"]
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise ConfigError(
                "a contrast has an id that no file name can hold",
                where=f"{path}, column contrast, value {name!r}",
                fix="use letters, digits and _ only",
            )
        if name in contrasts:
            raise ConfigError(
                "a contrast is listed twice",
                where=f"{path}, column contrast, value {name!r}",
                fix="give each contrast an id of its own",
            )
        test = _pairs(row["test"], "=", path, "test", name)
        reference = _pairs(row["reference"], "=", path, "reference", name)
        if set(test) != set(reference):
            raise ConfigError(
                "the two cells of a contrast name different columns",
                where=f"{path}, columns test and reference, value {row['test']!r} against "
                f"{row['reference']!r} ({name})",
                fix="name the same columns on both sides",
            )
        if test == reference:
            raise ConfigError(
                "the two cells of a contrast are the same",
                where=f"{path}, columns test and reference, value {row['test']!r} ({name})",
                fix="name two different cells",
            )
        expected = _pairs(row.get("expected", ""), ":", path, "expected", name)
        for direction in expected.values():
            if direction not in DIRECTIONS:
                raise ConfigError(
                    "an expected direction is neither activated nor repressed",
                    where=f"{path}, column expected, value {direction!r} ({name})",
                    fix="write PATHWAY:activated or PATHWAY:repressed",
                )
        contrasts[name] = Contrast(
            contrast=name,
            model=row["model"],
            test=test,
            reference=reference,
            subtract=row.get("subtract") or None,
            group=row.get("group") or None,
            expected=expected,
            description=row.get("description", ""),
        )
    return contrasts


def _pairs(text: str, sign: str, path: str, column: str, name: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    if column != "expected" and not text:
        raise ConfigError(
            "a contrast lacks a cell",
            where=f"{path}, column {column} ({name})",
            fix="write column=level,column=level",
        )
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, found, value = (piece.strip() for piece in part.partition(sign))
        if not found or not key or not value or key in pairs:
            raise ConfigError(
                "a value of the contrasts table can't be read",
                where=f"{path}, column {column}, value {text!r} ({name})",
                fix=f"write name{sign}value,name{sign}value with each name once",
            )
        pairs[key] = value
    return pairs


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
                where=f"{config.contrasts}, column model, value {contrast.model!r} "
                f"({contrast.contrast})",
                fix=f"the models of the config are: {', '.join(config.models)}",
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
    weights = {
        key: _weights(key, contrasts, every or contrasts, design, contrasts_path, ())
        for key in contrasts
    }
    for contrast in contrasts.values():
        if contrast.slopes(design.continuous):
            step = design.cell(contrast.test) - design.cell(contrast.reference)
            carried = effective_samples(estimate_weights(design.matrix, step))
            sizes.append(max(round(carried), MIN_REPLICATES))
    return ModelPlan(name, samples, design, weights, min(sizes, default=MIN_REPLICATES))


def _check_cell(cell: Mapping[str, str], design: Design, path: str, column: str, name: str) -> int:
    """Samples in a cell (of all samples, where the cell is a value of a continuous column)."""
    shown = ",".join(f"{key}={value}" for key, value in cell.items())
    where = f"{path}, column {column}, value {shown!r} ({name})"
    for key, value in cell.items():
        if key not in design.levels and key not in design.continuous:
            raise ConfigError(
                "a contrast names a column that its design does not use",
                where=f"{where}, column {key!r}; design {design.formula.text!r}",
                fix=f"the design's columns are: {', '.join(design.formula.columns)}",
            )
        if key in design.levels and value not in design.levels[key]:
            raise ConfigError(
                "a contrast cell matches no sample",
                where=f"{where}, level {value!r} of {key!r}",
                fix=f"the levels in this model are: {', '.join(design.levels[key])}",
            )
        if key in design.continuous:
            try:
                float(value)
            except ValueError:
                raise ConfigError(
                    "a contrast gives a continuous column a level that is no number",
                    where=where,
                    fix="write a number",
                ) from None
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


def _weights(
    key: str,
    own: Mapping[str, Contrast],
    every: Mapping[str, Contrast],
    design: Design,
    path: str,
    seen: tuple[str, ...],
) -> Float:
    contrast = own[key]
    weights: Float = design.cell(contrast.test) - design.cell(contrast.reference)
    if not np.abs(weights).max() > 1e-12:
        raise ConfigError(
            "the two cells of a contrast are the same under its design",
            where=f"{path}, contrast {key}; design {design.formula.text!r}",
            fix="compare cells that the design tells apart",
        )
    other = contrast.subtract
    if other is None:
        return weights
    where = f"{path}, column subtract, value {other!r} ({key})"
    if other not in every:
        raise ConfigError(
            "a contrast subtracts an unknown contrast", where=where, fix="name a contrast's id"
        )
    if other not in own:
        raise ConfigError(
            "a contrast subtracts a contrast of another model",
            where=where,
            fix=f"both must belong to model {contrast.model}",
        )
    if other == key or other in seen:
        raise ConfigError(
            "contrasts subtract each other in a circle", where=where, fix="break the circle"
        )
    difference = weights - _weights(other, own, every, design, path, (*seen, key))
    if not np.abs(difference).max() > 1e-12:
        raise ConfigError(
            "a contrast minus the one it subtracts is nothing under its design",
            where=f"{where}; design {design.formula.text!r}",
            fix="an interaction needs a design with the interaction term, such as ~ a * b",
        )
    return difference
