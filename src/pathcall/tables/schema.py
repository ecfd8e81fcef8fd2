"""Schemas of tables: what a column may hold, checked column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd


class SchemaError(ValueError):
    """A table does not fit its schema; the message names column, row and value."""


@dataclass(frozen=True)
class Column:
    """What a column means and may hold.

    Attributes
    ----------
    kind
        ``str``, ``float`` or ``int``; numbers are coerced.
    description
        What it means.
    title, show
        How the page heads it (None: it does not), and how it writes a value.
    nullable
        Whether values may be missing; never those of ``int``.
    unique
        Whether no value occurs twice.
    values
        The only values; None: any.
    limits
        Least and largest value.
    """

    kind: Literal["str", "float", "int"]
    description: str
    title: str | None = None
    show: str = "text"
    nullable: bool = False
    unique: bool = False
    values: tuple[Any, ...] | None = None
    limits: tuple[float, float] | None = None

    def checked(self, values: pd.Series) -> pd.Series:
        """The values, numbers as numbers.

        Raises
        ------
        SchemaError
            One of them is not what the column may hold.
        """
        if self.kind != "str":
            try:
                values = values.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise SchemaError(f"column {values.name}: {error}") from None
        missing = values.isna()
        if self.kind == "str" and pd.api.types.infer_dtype(values, skipna=True) not in (
            "string",
            "empty",
        ):
            odd = values.map(lambda value: not isinstance(value, str)) & ~missing
            self._stop(values, odd if odd.any() else ~missing, "is not text")
        if not self.nullable:
            self._stop(values, missing, "is missing")
        if self.kind == "int":
            self._stop(values, values != np.round(values), "is not a whole number")
            values = values.astype(np.int64)
        if self.unique:
            self._stop(values, values.duplicated(), "occurs twice")
        if self.values is not None:
            self._stop(values, ~values.isin(self.values) & ~missing, f"is none of {self.values}")
        if self.limits is not None:
            low, high = self.limits
            self._stop(values, (values < low) | (values > high), f"is outside {low} to {high}")
        return values

    def _stop(self, values: pd.Series, wrong: pd.Series, why: str) -> None:
        where = np.flatnonzero(wrong.to_numpy(dtype=bool))
        if len(where):
            at = int(where[0])
            raise SchemaError(
                f"column {values.name}, row {at + 1}, value {values.iloc[at]!r} {why}"
            )


@dataclass(frozen=True)
class DataFrameSchema:
    """A table: its name below `results/{study}/`, or its path; what it is about; its columns.

    A `strict` table has these columns in this order; others have further ones.
    """

    name: str
    description: str
    columns: Mapping[str, Column]
    strict: bool = True

    def only(self, columns: Sequence[str]) -> DataFrameSchema:
        """The schema of some of the columns."""
        return replace(self, columns={name: self.columns[name] for name in columns})

    def validate(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The table, numbers as numbers.

        Raises
        ------
        SchemaError
            Columns are missing, or hold what they may not.
        """
        found = [str(name) for name in frame.columns]
        lost = [name for name in self.columns if name not in found]
        if lost:
            raise SchemaError(f"column {lost[0]} is not there; the columns are {', '.join(found)}")
        if self.strict and found != list(self.columns):
            raise SchemaError(
                f"the columns are {', '.join(found)}; they must be {', '.join(self.columns)}"
            )
        return frame.assign(
            **{name: column.checked(frame[name]) for name, column in self.columns.items()}
        )
