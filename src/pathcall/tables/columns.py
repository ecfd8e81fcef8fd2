"""Builders of columns and schemas, and the reference that is made of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pandera.pandas import Check, Column, DataFrameSchema

YES_NO = ("yes", "no")
CALLS = ("activated", "repressed", "conflicting", "no_evidence", "not_assessable")
PROBABILITY = Check.in_range(0, 1)


# Each column's description says what it means, its title (`label`) how the page heads it, and its
# metadata (`show`) how the page writes a value: the page and docs/outputs.md take them from here.


def text(
    description: str,
    *,
    nullable: bool = False,
    unique: bool = False,
    label: str = "",
    show: str = "text",
) -> Column:
    """A column of text."""
    return Column(
        str, description=description, nullable=nullable, unique=unique, title=label or None,
        metadata={"show": show},
    )  # fmt: skip


def number(
    description: str,
    *checks: Check,
    nullable: bool = True,
    label: str = "",
    show: str = "number",
) -> Column:
    """A column of floats; missing values are allowed unless said otherwise."""
    return Column(
        float, list(checks), description=description, nullable=nullable, coerce=True,
        title=label or None, metadata={"show": show},
    )  # fmt: skip


def integer(description: str, *checks: Check, label: str = "", show: str = "integer") -> Column:
    """A column of whole numbers, none missing."""
    return Column(
        int, list(checks), description=description, coerce=True, title=label or None,
        metadata={"show": show},
    )  # fmt: skip


def choice(
    description: str,
    values: Iterable[str],
    *,
    nullable: bool = False,
    label: str = "",
    show: str = "text",
) -> Column:
    """A column of text with a fixed set of values."""
    return Column(
        str, Check.isin(list(values)), description=description, nullable=nullable, coerce=False,
        title=label or None, metadata={"show": show},
    )  # fmt: skip


def schema(name: str, about: str, columns: dict[str, Column], **kw: Any) -> DataFrameSchema:
    """A table: its name below `results/{study}/`, or its path; what it is about; its columns."""
    kw.setdefault("strict", True)
    return DataFrameSchema(columns, name=name, description=about, ordered=kw["strict"], **kw)


def describe(schema: DataFrameSchema) -> str:
    """Markdown reference of one table: its columns and what they mean."""
    rows = [f"### `{schema.name}`", "", str(schema.description), "",
            "| column | on the page | meaning |", "|---|---|---|"]  # fmt: skip
    for name, column in schema.columns.items():
        meaning = str(column.description)
        values = [
            f"`{value}`"
            for check in column.checks
            if check.name == "isin" and column.dtype is not None and str(column.dtype) == "str"
            for value in check.statistics["allowed_values"]
        ]
        if values and values != ["`yes`", "`no`"]:
            meaning += f"; one of {', '.join(values)}"
        elif values:
            meaning += " (yes/no)"
        cells = (f"`{name}`", column.title or "", meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"
