"""The sample sheet: which samples there are, and the levels of their factors."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathcall.errors import ConfigError

RESERVED = ("sample", "exclude", "exclude_reason")
_COLUMN = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")
MISSING = ("", "NA")


@dataclass(frozen=True)
class Sheet:
    """A checked sample sheet.

    Attributes
    ----------
    path
        File it came from.
    columns
        Factor columns, in the order of the file.
    rows
        Sample → factor column → level (text; ``""`` is missing), in the order of the file.
    excluded
        Sample → reason, for samples marked `exclude`.
    """

    path: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]
    excluded: Mapping[str, str]

    @property
    def included(self) -> tuple[str, ...]:
        """Samples that are not excluded."""
        return tuple(sample for sample in self.rows if sample not in self.excluded)

    def select(self, allowed: Mapping[str, Sequence[str]], *, what: str) -> tuple[str, ...]:
        """Included samples whose levels are allowed in every column.

        Parameters
        ----------
        allowed
            Column → allowed levels.
        what
            Where `allowed` comes from, for messages.

        Raises
        ------
        ConfigError
            A column or level that the sheet does not have.
        """
        for column, levels in allowed.items():
            self.need_column(column, where=what)
            known = {self.rows[sample][column] for sample in self.included}
            for level in levels:
                if level not in known:
                    raise ConfigError(
                        "a level matches no included sample",
                        where=f"{what}, column {column}, value {level!r}",
                        fix=f"the levels in {self.path} are: {', '.join(sorted(known))}",
                    )
        return tuple(
            sample
            for sample in self.included
            if all(self.rows[sample][column] in levels for column, levels in allowed.items())
        )

    def need_column(self, column: str, *, where: str) -> None:
        """Raise ConfigError unless the sheet has this factor column."""
        if column not in self.columns:
            raise ConfigError(
                "the sample sheet lacks a column",
                where=f"{self.path}, column {column!r}, named by {where}",
                fix=f"add the column or use one of: {', '.join(self.columns)}",
            )


def read_rows(path: str | Path, *, needed: Sequence[str], what: str) -> list[dict[str, str]]:
    """Rows of a small hand-edited TSV file, values stripped, blank lines skipped.

    Raises
    ------
    ConfigError
        The file is missing, not UTF-8, not tab-separated, ragged, or lacks a column.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"the {what} does not exist", where=str(path), fix="write it, or correct the path"
        ) from None
    except (IsADirectoryError, PermissionError) as error:
        raise ConfigError(
            f"the {what} can't be read", where=f"{path} ({error.strerror})", fix="correct the path"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"the {what} is not UTF-8",
            where=f"{path}, byte {error.start}",
            fix="save it as UTF-8 text, tab-separated",
        ) from None
    if "\0" in text:
        raise ConfigError(
            f"the {what} holds NUL bytes",
            where=f"{path}, line {text[: text.index(chr(0))].count(chr(10)) + 1}",
            fix="save it as UTF-8 text, tab-separated",
        )
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))
    header = [name.strip() for name in lines[0]] if lines else []
    if len(header) < 2:
        only = header[0] if header else ""
        separator = next((s for s in ";," if s in only), None)
        found = f"separated by {separator!r}" if separator else "a single column or empty"
        raise ConfigError(
            f"the {what} is not tab-separated",
            where=f"{path}, line 1 ({found})",
            fix="save it as tab-separated text (TSV)",
        )
    for name, times in Counter(header).items():
        if times > 1:
            raise ConfigError(
                f"the {what} has a column twice",
                where=f"{path}, column {name!r}",
                fix="give each column one name",
            )
    for name in needed:
        if name not in header:
            raise ConfigError(
                f"the {what} lacks a column",
                where=f"{path}, column {name!r}",
                fix=f"add it; the columns are: {', '.join(header)}",
            )
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        values = [value.strip() for value in line]
        if not any(values):
            continue
        if len(values) > len(header) and any(values[len(header) :]):
            raise ConfigError(
                f"a row of the {what} has more values than columns",
                where=f"{path}, line {number}, value {values[len(header)]!r}",
                fix="use one tab between values",
            )
        values += [""] * (len(header) - len(values))
        rows.append(dict(zip(header, values, strict=False)))
    if not rows:
        raise ConfigError(f"the {what} has no rows", where=str(path), fix="add a row each")
    return rows


def read_sheet(path: str | Path) -> Sheet:
    """Read and check a sample sheet.

    Raises
    ------
    ConfigError
        Naming file, column and value.
    """
    rows = read_rows(path, needed=["sample"], what="sample sheet")
    columns = tuple(name for name in rows[0] if name not in RESERVED)
    for column in columns:
        if not _COLUMN.match(column):
            raise ConfigError(
                "a column of the sample sheet has a name that no design can use",
                where=f"{path}, column {column!r}",
                fix="use letters, digits and _ only, a letter first",
            )
    samples: dict[str, dict[str, str]] = {}
    excluded: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        sample = row["sample"]
        if not sample:
            raise ConfigError(
                "a row of the sample sheet has no sample",
                where=f"{path}, column sample, row {number}",
                fix="name the sample",
            )
        if sample in samples:
            raise ConfigError(
                "a sample is listed twice",
                where=f"{path}, column sample, value {sample!r}",
                fix="keep one row a sample",
            )
        flag = row.get("exclude", "").lower()
        if flag not in ("", "na", "yes", "no"):
            raise ConfigError(
                "`exclude` is neither yes nor no",
                where=f"{path}, column exclude, value {row['exclude']!r} ({sample})",
                fix="write yes or no",
            )
        samples[sample] = {
            column: "" if row[column] in MISSING else row[column] for column in columns
        }
        if flag == "yes":
            reason = row.get("exclude_reason", "")
            excluded[sample] = reason if reason not in MISSING else "no reason given in the sheet"
    if not set(samples) - set(excluded):
        raise ConfigError(
            "every sample is excluded", where=f"{path}, column exclude", fix="keep some samples"
        )
    return Sheet(str(path), columns, samples, excluded)
