"""Any delimited text table as names and values, each row whole, or an error that names the line.

Tab-separated text has no quoting: a ``"`` around a whole cell is taken off, as R writes it, and any
other is a character like all others. In comma-, semicolon- and blank-separated text a cell may be
quoted, but never over several lines. So no quote can swallow rows.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from pathcall.errors import InputError

FIX = "give a table of genes × samples: one header line, one line a gene, tabs or commas between"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True)
class TextTable:
    """A table as read.

    Attributes
    ----------
    frame
        Rows × columns; the first column is the index, as text ("" where it is empty). Values are
        numbers where a whole column is.
    comments
        Lines above the header that begin with ``#``.
    notes
        What was unusual about the text.
    """

    frame: pd.DataFrame
    comments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def decode(raw: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    """Text of a file with plain line ends, and what encoding was found if not UTF-8.

    Raises
    ------
    InputError
        It is not text.
    """
    notes: tuple[str, ...] = ()
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding, notes = "utf-16", ("read as UTF-16",)
    else:
        encoding = "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text, notes = raw.decode("latin-1"), ("read as Latin-1",)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    control = _CONTROL.search(text)
    if control is not None:
        raise InputError(
            f"not a text file: it holds the control character {control[0]!r}",
            where=f"{where}, line {text.count(chr(10), 0, control.start()) + 1}",
            fix="export the table as plain text (UTF-8)",
        )
    return text, notes


def read_text_table(text: str, where: str, *, as_text: bool = False) -> TextTable:
    """Read a table whose separator, header and quoting are found from its text.

    Parameters
    ----------
    text
        As `decode` gives it.
    where
        File, for messages.
    as_text
        Keep all cells as they are, empty ones as "".

    Raises
    ------
    InputError
        It is not a table: lines of different lengths, an unclosed quote, repeated column names.
    """
    numbered = [(i, line) for i, line in enumerate(text.split("\n"), start=1) if line.strip()]
    comments = []
    while numbered and numbered[0][1].startswith("#"):
        comments.append(numbered.pop(0)[1])
    if comments and numbered and _is_header(comments[-1], numbered[0][1]):
        numbered.insert(0, (numbered[0][0] - 1, comments.pop().lstrip("#")))
    if len(numbered) < 2:
        raise InputError("the file holds no table: it has no header and rows", where=where, fix=FIX)
    separator = _separator(numbered[0][1], numbered[1][1])
    if separator is None:
        raise InputError(
            "no separator between columns: no tab, comma, semicolon or blank",
            where=f"{where}, line {numbered[0][0]}",
            fix=FIX,
        )
    notes = [] if separator in "\t," else [f"columns separated by {_NAMES[separator]}"]
    if '"' in text or separator == " ":
        numbered = [(i, "\t".join(_cells(line, separator, f"{where}, line {i}")))
                    for i, line in numbered]  # fmt: skip
        separator = "\t"
    names, rows = _header_and_rows(numbered, separator, where)
    frame = _parse(names, rows, separator, where, as_text)
    return TextTable(frame, tuple(comments), tuple(notes))


_NAMES = {";": "semicolons", " ": "blanks"}


def _is_header(comment: str, line: str) -> bool:
    """Whether a line that begins with ``#`` names the columns of the line below it."""
    separator = _separator(comment, line)
    if separator is None or separator == " ":
        return False
    cells, below = comment.split(separator), line.split(separator)
    return len(cells) == len(below) > 1 and not _numeric(cells[-1]) and _numeric(below[-1])


def _numeric(cell: str) -> bool:
    return re.fullmatch(r'"?-?\d[\d.eE+-]*"?', cell.strip()) is not None


def _separator(header: str, row: str) -> str | None:
    """What separates the cells of a row, by what stands outside of quotes."""
    if "\t" in header and "\t" in row:
        return "\t"
    header, row = (re.sub(r'"[^"]*"', '""', line) for line in (header, row))
    if "\t" in row:
        return "\t"
    found = [s for s in ",;" if s in row]
    if len(found) == 2:  # decimal commas, or a comma in a name: the one that fits the header
        more = {s: row.count(s) - header.count(s) for s in ";,"}
        return min((s for s in ";," if more[s] in (0, 1)), key=more.__getitem__, default=",")
    if found:
        return found[0]
    return " " if " " in row.strip() else None


def _cells(line: str, separator: str, where: str) -> list[str]:
    if separator == "\t":
        return [_unquoted(cell) for cell in line.split("\t")]
    if separator == " ":
        return [_unquoted(cell) for cell in re.findall(r'"[^"]*"|\S+', line)]
    try:
        cells = next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(
            f"a quoted cell does not end in its line ({error})",
            where=where,
            fix='close the quote, or write a quote inside a cell as ""',
        ) from None
    return [cell.replace("\t", " ") for cell in cells]


def _unquoted(cell: str) -> str:
    bare = cell.strip()
    if len(bare) >= 2 and bare[0] == bare[-1] == '"':
        return bare[1:-1].replace('""', '"')
    return cell


def _header_and_rows(
    numbered: list[tuple[int, str]], separator: str, where: str
) -> tuple[list[str], list[str]]:
    """Column names and the lines below them, every line of the same number of cells."""
    number, header = numbered[0]
    names = [name.strip() for name in header.split(separator)]
    rows = [line for _, line in numbered[1:]]
    widths = [line.count(separator) + 1 for line in rows]
    width = Counter(widths).most_common(1)[0][0]
    wrong = next((i for i, found in enumerate(widths) if found != width), None)
    if wrong is not None:
        raise InputError(
            f"a row has {widths[wrong]} cells where most have {width}",
            where=f"{where}, line {numbered[wrong + 1][0]}",
            fix="correct the line, or export the table again; the file may have been cut",
        )
    if (
        width > 1
        and all(line.endswith(separator) for line in rows)
        and width - len(names) in (0, 1)
    ):
        # A separator after the last cell of every row, with or without one in the header.
        if width == len(names) and names[-1] == "":
            names = names[:-1]
        if width == len(names) + 1:
            rows = [line[: -len(separator)] for line in rows]
            width -= 1
    if width == len(names) - 1 and names[-1] == "":
        names = names[:-1]
    if width == len(names) + 1:  # R's write.table: no name above the row names
        names = ["row_name" if "gene_id" in names else "gene_id", *names]
    if width != len(names):
        raise InputError(
            f"the header has {len(names)} cells, the rows have {width}",
            where=f"{where}, line {number}",
            fix="name every column once; only the first, of gene ids, may go without a name",
        )
    if width < 2:
        raise InputError("the table has one column", where=f"{where}, line {number}", fix=FIX)
    if not names[0]:
        names[0] = "row_name" if "gene_id" in names else "gene_id"
    for i, name in enumerate(names, start=1):
        if not name:
            raise InputError(
                "a column has no name", where=f"{where}, line {number}, column {i}", fix=FIX
            )
        if names.count(name) > 1:
            raise InputError(
                "two columns have the same name",
                where=f"{where}, line {number}, column {name!r}",
                fix="name each column once",
            )
    return names, rows


def _parse(
    names: list[str], rows: list[str], separator: str, where: str, as_text: bool
) -> pd.DataFrame:
    try:
        frame = pd.read_csv(
            io.StringIO("\n".join(rows)), sep=separator, header=None, names=range(len(names)),
            dtype=str if as_text else {0: str}, quoting=csv.QUOTE_NONE, keep_default_na=False,
            na_values=None if as_text else ["", "NA"],
            index_col=False, low_memory=False, float_precision="round_trip",
        )  # fmt: skip
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        raise InputError(f"not a table ({error})", where=where, fix=FIX) from error
    frame.columns = pd.Index(names)
    index = pd.Index(frame.pop(names[0]).fillna("").str.strip().to_numpy(dtype=object))
    frame.index = index.rename(names[0])
    return frame
