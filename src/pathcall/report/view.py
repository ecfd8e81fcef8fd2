"""What a template shows: tables of cells (text, value to sort by, class), figures with captions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup, escape

from pathcall.report import wording
from pathcall.report.svg import Svg
from pathcall.tables import DataFrameSchema

_SUPER = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def is_missing(value: Any) -> bool:
    """None, NaN or NA."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA


def number(value: Any, digits: int = 3) -> str:
    """A number for reading: `digits` significant digits, true minus, powers of ten as such."""
    if is_missing(value):
        return "–"
    x = float(value)
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    size = abs(x)
    if x == 0:
        return "0"
    if size >= 1e6 or size < 1e-4:
        return _scientific(x, digits - 1)
    if size >= 10.0**digits:
        return f"{x:,.0f}".replace("-", "−").replace(",", "\u202f")
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{x:.{decimals}f}".replace("-", "−")


def pvalue(value: Any) -> str:
    """A p-value or FDR: two significant digits."""
    if is_missing(value):
        return "–"
    x = float(value)
    if x <= 0:
        return "< 10⁻³⁰⁰"
    if x < 1e-3:
        return _scientific(x, 1)
    return f"{x:.2g}" if x < 0.1 else f"{x:.2f}"


def _scientific(x: float, decimals: int) -> str:
    mantissa, exponent = f"{x:.{decimals}e}".split("e")
    return f"{mantissa}×10{str(int(exponent)).translate(_SUPER)}".replace("-", "−")


def percent(value: Any) -> str:
    """A share as percent."""
    if is_missing(value):
        return "–"
    x = 100 * float(value)
    return f"{x:.0f}%" if x >= 10 or x == 0 else f"{x:.1f}%"


def integer(value: Any) -> str:
    """An integer with thin spaces between thousands."""
    return "–" if is_missing(value) else f"{int(value):,}".replace(",", "\u202f")


def text(value: Any) -> str:
    """Text; missing is a dash."""
    return "–" if is_missing(value) or value == "" else str(value)


@dataclass(frozen=True)
class Figure:
    """A figure with its caption, and the table that holds the data behind it."""

    key: str
    svg: Markup
    caption: str
    contrast: str = ""
    file: str = ""


def figure(key: str, drawn: Svg | None, contrast: str = "", *, file: str = "") -> Figure | None:
    """`drawn` with the caption `key`; None where there was nothing to draw."""
    if drawn is None:
        return None
    return Figure(key, drawn.markup(), wording.CAPTIONS[key].text, contrast, file)


@dataclass(frozen=True)
class Column:
    """A column of a shown table."""

    key: str
    label: str
    show: Callable[[Any], str] = text
    about: str = ""

    @property
    def numeric(self) -> bool:
        """Shown right-aligned and sorted by value."""
        return self.show is not text

    @property
    def wide(self) -> bool:
        """Holds sentences."""
        return self.key in ("reason", "note", "citation", "used_for", "advice", "url")


FORMATS: Mapping[str, Callable[[Any], str]] = {
    "text": text,
    "number": number,
    "integer": integer,
    "pvalue": pvalue,
    "percent": percent,
}


def _gene_set_page(row: Mapping[str, Any]) -> str:
    """MSigDB's page of a gene set that is MSigDB's."""
    if not re.match(r"(H|C\d)(:|$)", str(row.get("collection", ""))):
        return ""
    return f"https://www.gsea-msigdb.org/gsea/msigdb/human/geneset/{quote(str(row['gene_set']))}"


def _url(row: Mapping[str, Any]) -> str:
    address = str(row.get("url", ""))
    return address if address.startswith(("https://", "http://")) else ""


# Cells of these columns lead somewhere: a gene to the gene finder, others out of the page.
LINKS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "symbol": lambda row: "" if is_missing(row.get("symbol")) else "#gene",
    "gene_set": _gene_set_page,
    "url": _url,
}


def table_columns(schema: DataFrameSchema, *keys: str) -> list[Column]:
    """Columns of a table with the labels, formats and meanings of its schema."""
    made = []
    for key in keys:
        column = schema.columns[key]
        if column.title is None:
            raise ValueError(f"column {key} of {schema.name} has no label in pathcall.tables")
        show = FORMATS[column.show]
        made.append(Column(key, column.title, show, str(column.description)))
    return made


@dataclass(frozen=True)
class Cell:
    """A shown value."""

    text: str
    value: str = ""
    css: str = ""
    href: str = ""
    short: str = ""  # what a narrow screen shows

    @property
    def markup(self) -> str:
        """A ``td``. Made here, as a page has ten thousands of them."""
        css = f' class="{escape(self.css)}"' if self.css else ""
        value = f' data-v="{escape(self.value)}"' if self.value else ""
        short = f' data-short="{escape(self.short)}"' if self.short else ""
        inner = escape(self.text)
        if self.href:
            out = ' target="_blank" rel="noopener noreferrer"' if self.href[:4] == "http" else ""
            inner = Markup(f'<a href="{escape(self.href)}"{out}>{inner}</a>')
        return f"<td{css}{value}{short}>{inner}</td>"


@dataclass(frozen=True)
class Row:
    """A row: cells, an anchor and the contrast it belongs to."""

    cells: tuple[Cell, ...]
    ident: str = ""
    contrast: str = ""

    @property
    def markup(self) -> Markup:
        """Its cells."""
        return Markup("".join([cell.markup for cell in self.cells]))


@dataclass(frozen=True)
class Table:
    """A table for the page."""

    ident: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = field(repr=False)
    file: str = ""
    search: bool = False
    empty: str = "Nothing to list."


def cell(value: Any, column: Column) -> Cell:
    """One cell; numbers carry their value for sorting and downloads."""
    shown = column.show(value)
    if not column.numeric or is_missing(value):
        return Cell(shown)
    return Cell(shown, value=precise(value))


def precise(value: Any) -> str:
    """A number to seven significant digits, whole numbers in full: what a view's download holds."""
    x = float(value)
    return f"{x:.0f}" if x.is_integer() and abs(x) < 1e15 else f"{x:.7g}"


def table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    ident: str,
    caption: str,
    file: str = "",
    search: bool = False,
    anchors: Callable[[dict[str, Any]], str] | None = None,
    css: Callable[[dict[str, Any], str], str] | None = None,
    contrast: str = "",
    empty: str = "Nothing to list.",
) -> Table:
    """Build a table from a frame, row by row."""
    rows = []
    for raw in frame.to_dict("records"):
        record = {str(k): v for k, v in raw.items()}
        cells = []
        for column in columns:
            made = cell(record.get(column.key), column)
            if css is not None and (name := css(record, column.key)):
                made = replace(made, css=name)
            if column.key in LINKS and (to := LINKS[column.key](record)):
                made = replace(made, href=to)
            if column.key == "label" and record.get("contrast"):
                made = replace(made, short=str(record["contrast"]))
            cells.append(made)
        rows.append(
            Row(
                tuple(cells),
                ident=anchors(record) if anchors else "",
                contrast=str(record.get("contrast", contrast)),
            )
        )
    return Table(ident, caption, tuple(columns), tuple(rows), file, search, empty)
