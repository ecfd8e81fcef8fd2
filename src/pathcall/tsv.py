"""TSV files that people write: sample sheets, contrasts, the tables of a panel. Read strictly.

Every line is one row: no quotation mark can hide another. Quotes around a whole value, as Excel and
R write them, are taken off; a quote that its value does not close is an error. Imports the standard
library only, since the Snakefile reads these files before any job.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pathcall.errors import ConfigError, choose, shown

MAX_BYTES = 64_000_000
MAX_VALUE = 10_000
"""Longest value, in characters."""

# Tabs and line ends aside; a terminal or a spreadsheet may act on the others, and readers disagree
# whether \x0b, \x85 or U+2028 ends a line.
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_SPREADSHEET_ERROR = re.compile(r"#(REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|N/A|SPILL!)")


class Row(dict[str, str]):
    """Column → value, and the line of the file that holds it."""

    def __init__(self, values: dict[str, str], line: int) -> None:
        super().__init__(values)
        self.line = line


def read_text_file(path: str | Path, *, what: str, limit: int = MAX_BYTES) -> str:
    """Text of a UTF-8 file that a person wrote; a BOM is dropped, line ends become newlines.

    Raises
    ------
    ConfigError
        The file is missing, unreadable, too large or not UTF-8 text, naming the line.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"the {what} is not a file", where=str(path), fix="correct the path")
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"the {what} does not exist", where=str(path), fix="write it, or correct the path"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"the {what} can't be read", where=f"{path} ({reason})", fix="correct the path"
        ) from None
    if len(content) > limit:
        raise ConfigError(
            f"the {what} is larger than {limit / 1e6:g} MB",
            where=str(path),
            fix="is it the right file? Such tables have a row a sample, a contrast or a gene",
        )
    save = "save it as UTF-8 text"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConfigError(f"the {what} is UTF-16, not UTF-8", where=f"{path}, line 1", fix=save)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"the {what} is not UTF-8",
            where=f"{path}, line {line}, byte {content[error.start]:#04x}",
            fix=save,
        ) from None
    if "\0" in text:
        raise ConfigError(
            f"the {what} holds NUL bytes",
            where=f"{path}, line {_line_of(text, text.index(chr(0)))}",
            fix=save,
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_rows(
    path: str | Path, *, needed: Sequence[str], what: str, comments: bool = False
) -> list[Row]:
    """Rows of a TSV file, values stripped, blank lines skipped.

    Parameters
    ----------
    path
        The file.
    needed
        Columns it must have.
    what
        What the file is, for messages: ``sample sheet``.
    comments
        Lines that begin with ``#`` are skipped, too.

    Raises
    ------
    ConfigError
        Naming file, line and column or value: the file is missing, not UTF-8, not tab-separated or
        ragged, lacks a column or has one twice, or holds an unclosed quote or control characters.
    """
    text = read_text_file(path, what=what)
    if found := _CONTROL.search(text):
        raise ConfigError(
            f"the {what} holds a control character",
            where=f"{path}, line {_line_of(text, found.start())}, character {found[0]!r}",
            fix="delete it",
        )
    lines = text.split("\n")
    if comments:
        # A row whose first value a spreadsheet made an error of is no comment.
        lines = [
            "" if line.startswith("#") and not _SPREADSHEET_ERROR.match(line) else line
            for line in lines
        ]
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    header = _header(lines[first], path, first + 1, needed, what)
    width = lines[first].count("\t") + 1  # with the empty columns that spreadsheets add
    rows = []
    for number, line in enumerate(lines[first + 1 :], start=first + 2):
        values = _values(line, path, number, what)
        if not any(values):
            continue
        if len(values) > width or any(values[len(header) :]):
            extra = next((value for value in values[len(header) :] if value), "")
            raise ConfigError(
                f"a row of the {what} has more values than columns",
                where=f"{path}, line {number}, value {shown(extra)}: {len(values)} values, "
                f"{len(header)} columns",
                fix="use one tab between values, and a name for each column",
            )
        if len(values) < len(header):
            raise ConfigError(
                f"a row of the {what} has fewer values than columns",
                where=f"{path}, line {number}: {len(values)} values, {len(header)} columns",
                fix="use one tab between values; write NA for a value that is missing",
            )
        rows.append(Row(dict(zip(header, values, strict=False)), number))
    if not rows:
        raise ConfigError(
            f"the {what} has no rows", where=str(path), fix="add a row each below the header"
        )
    return rows


def _header(
    line: str, path: str | Path, number: int, needed: Sequence[str], what: str
) -> list[str]:
    header = _values(line, path, number, what)
    while len(header) > 1 and not header[-1]:
        header.pop()  # spreadsheets leave empty columns at the right
    if len(header) < 2:
        separator = next((s for s in ";,|" if s in header[0]), None)
        found = f"separated by {separator!r}" if separator else "a single column or empty"
        raise ConfigError(
            f"the {what} is not tab-separated",
            where=f"{path}, line {number} ({found})",
            fix="save it as tab-separated text (TSV)",
        )
    if "" in header:
        raise ConfigError(
            f"a column of the {what} has no name",
            where=f"{path}, line {number}, column {header.index('') + 1}",
            fix="name it, or delete the column",
        )
    for name, times in Counter(header).items():
        if times > 1:
            raise ConfigError(
                f"the {what} has a column twice",
                where=f"{path}, line {number}, column {shown(name)}",
                fix="give each column a name of its own",
            )
    for name in needed:
        if name not in header:
            raise ConfigError(
                f"the {what} lacks a column",
                where=f"{path}, line {number}, column {name!r}",
                fix=f"add it; {choose(name, header, what='the columns are')}",
            )
    return header


def _values(line: str, path: str | Path, number: int, what: str) -> list[str]:
    values = [value.strip() for value in line.split("\t")]
    if len(line) > MAX_VALUE:
        for column, value in enumerate(values, start=1):
            if len(value) > MAX_VALUE:
                raise ConfigError(
                    f"a value of the {what} is longer than {MAX_VALUE:,} characters",
                    where=f"{path}, line {number}, value {column}, {shown(value)}",
                    fix="shorten it",
                )
    if '"' in line:
        values = [_unquoted(value, path, number, what) for value in values]
    if "#" in line:
        for value in values:
            if _SPREADSHEET_ERROR.fullmatch(value):
                raise ConfigError(
                    f"the {what} holds a spreadsheet's error value",
                    where=f"{path}, line {number}, value {value!r}",
                    fix="correct the formula, or write NA for a value that is missing",
                )
    return values


def _unquoted(value: str, path: str | Path, number: int, what: str) -> str:
    if not value.startswith('"'):
        return value  # a quote within a value is a character like any other
    inner = value[1:-1].replace('""', "") if len(value) > 1 and value.endswith('"') else '"'
    if '"' in inner:
        raise ConfigError(
            f"a quote in the {what} is not closed",
            where=f"{path}, line {number}, value {shown(value)}",
            fix="delete the quotation marks: none are needed between tabs, and a value stays on "
            "its line",
        )
    return value[1:-1].replace('""', '"').strip()


def _line_of(text: str, position: int) -> int:
    before = text[:position]
    return before.count("\n") + before.replace("\r\n", "\n").count("\r") + 1
