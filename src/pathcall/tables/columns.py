"""Builders of columns and schemas, and the reference that is made of them."""

from __future__ import annotations

from collections.abc import Iterable

from pathcall.tables.schema import Column, DataFrameSchema

YES_NO = ("yes", "no")
CALLS = ("activated", "repressed", "conflicting", "no_evidence", "not_assessable")
PROBABILITY = (0, 1)
"""Limits of a p-value, an FDR, a share."""


# Each column's description says what it means, its title (`label`) how the page heads it, and its
# `show` how the page writes a value: the page and docs/outputs.md take them from here.


def text(
    description: str,
    *,
    nullable: bool = False,
    unique: bool = False,
    label: str = "",
    show: str = "text",
) -> Column:
    """A column of text."""
    return Column("str", description, label or None, show, nullable, unique)


def number(
    description: str,
    limits: tuple[float, float] | None = None,
    *,
    nullable: bool = True,
    label: str = "",
    show: str = "number",
) -> Column:
    """A column of floats; missing values are allowed unless said otherwise."""
    return Column("float", description, label or None, show, nullable, limits=limits)


def integer(
    description: str,
    values: Iterable[int] | None = None,
    *,
    label: str = "",
    show: str = "integer",
) -> Column:
    """A column of whole numbers, none missing."""
    known = None if values is None else tuple(values)
    return Column("int", description, label or None, show, values=known)


def choice(
    description: str,
    values: Iterable[str],
    *,
    nullable: bool = False,
    label: str = "",
    show: str = "text",
) -> Column:
    """A column of text with a fixed set of values."""
    return Column("str", description, label or None, show, nullable, values=tuple(values))


def schema(
    name: str, about: str, columns: dict[str, Column], *, strict: bool = True
) -> DataFrameSchema:
    """A table: its name below `results/{study}/`, or its path; what it is about; its columns."""
    return DataFrameSchema(name, about, columns, strict)


def describe(schema: DataFrameSchema) -> str:
    """Markdown reference of one table: its columns and what they mean."""
    rows = [f"### `{schema.name}`", "", str(schema.description), "",
            "| column | on the page | meaning |", "|---|---|---|"]  # fmt: skip
    for name, column in schema.columns.items():
        meaning = str(column.description)
        values = [f"`{value}`" for value in column.values or () if column.kind == "str"]
        if values and values != ["`yes`", "`no`"]:
            meaning += f"; one of {', '.join(values)}"
        elif values:
            meaning += " (yes/no)"
        cells = (f"`{name}`", column.title or "", meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"
