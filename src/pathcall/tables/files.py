"""Tables on disk: checked against their schema when they are written and when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pathcall.errors import InputError
from pathcall.files import check_seal, write_atomic
from pathcall.tables.schema import DataFrameSchema, SchemaError


def write_table(frame: pd.DataFrame, path: str | Path, schema: DataFrameSchema) -> None:
    """Check `frame` against `schema` and write it to `path`, whole or not at all.

    Parameters
    ----------
    frame
        Rows in their final order; the index is not written.
    path
        Target; its folder is made.
    schema
        One of this module's schemas.

    Raises
    ------
    SchemaError
        The frame breaks the schema: a bug of the caller.
    """
    checked = schema.validate(frame)
    text = checked.to_csv(sep="\t", index=False, na_rep="NA", lineterminator="\n")
    write_text(text, path)


def write_text(text: str, path: str | Path) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all, with its seal beside it."""
    write_atomic(text, path, sealed=True)


def read_table(
    path: str | Path, schema: DataFrameSchema, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a table, or some of its columns, and check it against `schema`.

    Only ``NA`` is missing: a gene called ``NaN`` or ``nan`` stays text.

    Raises
    ------
    InputError
        The file was cut or changed since it was written, or does not fit the schema, naming file,
        column and value.
    """
    check_seal(path)
    schema = schema if columns is None else schema.only(columns)
    text = {name: str for name, column in schema.columns.items() if column.kind == "str"}
    frame = pd.read_csv(
        path,
        sep="\t",
        dtype=text,
        usecols=None if columns is None else list(columns),
        na_values=["NA"],
        keep_default_na=False,
        float_precision="round_trip",
        encoding="utf-8",
    )
    try:
        return schema.validate(frame if columns is None else frame[list(columns)])
    except SchemaError as error:
        raise InputError(
            f"table does not fit its schema: {error.args[0]}",
            where=str(path),
            fix="delete the file and run again; it was edited or comes from another version",
        ) from error
