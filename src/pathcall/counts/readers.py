"""Tables of counts as people have them, read to one shape: genes × samples, and symbols.

One reader for a user's own file and for GEO's supplementary files. What a table is, is found from
its content: R's ``write.table`` and ``write.csv``, featureCounts, RSEM and tximport matrices,
nf-core/rnaseq's merged tables, xlsx, h5ad; one file a sample: `pathcall.counts.one_sample_files`.
"""

from __future__ import annotations

import datetime
import gzip
import io
import logging
import re
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from pathcall.counts.hdf5_checks import check_readable, refuse_links
from pathcall.counts.text_tables import FIX, TextTable, decode, read_text_table
from pathcall.errors import InputError

logger = logging.getLogger(__name__)

# Columns beside the samples' in matrices; compared without case and punctuation.
_ANNOTATION_WORDS = (
    "chr chrom chromosome seqnames start end stop strand length genelength exonlength width "
    "effectivelength geneid genename genesymbol symbol name description biotype genebiotype "
    "genetype type ensembl ensemblid ensemblgeneid entrez entrezid entrezgeneid transcriptids "
    "transcriptid locus class family gene band externalgenename hgncsymbol"
)
ANNOTATION = frozenset(_ANNOTATION_WORDS.split())
_ID_WORDS = (
    "gene genes geneid geneids genename genesymbol symbol id ids name ensembl ensemblid "
    "ensemblgeneid entrez entrezid entrezgeneid feature featureid"
)
IDS = frozenset(_ID_WORDS.split())
"""Names of columns that identify genes."""
SYMBOL = ("genename", "genesymbol", "symbol", "externalgenename", "hgncsymbol")
_ESTIMATED = re.compile(
    r"(salmon|kallisto|rsem|tximport).*count|expected.?count|numreads|est.?count|length_?scaled|"
    r"scaled_?tpm|gene_counts_scaled",
    re.I,
)
_NO_ESTIMATE = re.compile(
    r"[fr]pkm|(?<!scaled)(?<!scaled_)(?<![a-z])[tc]pm|log|vst|normali[sz]|(?<![a-z])norm(?![a-z])",
    re.I,
)
_DATES = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)
MAX_PARTS = 10
MAX_LOG = 30
"""log2 of a count stays below this."""
MAX_GAPS = 5
MIN_INTEGERS = 0.2
"""Share of non-zero values that are integers, in every sample, from which decimals are taken for
estimated counts: reads that fit one gene count whole, while a normalised value is never one."""


@dataclass(frozen=True)
class CountTable:
    """Counts as read: ``genes × samples`` with the values as given, symbols, and what was done.

    Attributes
    ----------
    counts
        ``genes × samples``; index: gene ids as text.
    symbols
        Gene id → symbol, where the table has them.
    notes
        What was dropped, renamed or rounded, with counts.
    """

    counts: pd.DataFrame
    symbols: pd.Series | None = None
    notes: tuple[str, ...] = ()


def read_count_table(
    path: str | Path, where: str, *, layer: str | None = None, estimated: bool = False
) -> CountTable:
    """Read a table of counts in any of the formats above.

    Parameters
    ----------
    path
        tsv, csv, txt (plain or gz), xlsx, or h5ad.
    where
        Its name, for messages.
    layer
        Layer of an h5ad that holds the counts; None for ``X``.
    estimated
        The values are said to be estimated counts: decimals are rounded whatever they look like.

    Raises
    ------
    InputError
        The file is damaged or no table of counts.
    """
    path = Path(path)
    name = path.name
    if layer is not None and path.suffix != ".h5ad":
        raise InputError("counts.layer is for h5ad files", where=where, fix="remove counts.layer")
    if path.suffix == ".h5ad":
        table = _read_h5ad(path, where, layer)
    elif path.suffix.lower() in (".xlsx", ".xlsm"):
        table = count_columns(read_xlsx(path, where), where)
    elif path.suffix.lower() in (".xls", ".ods", ".rds", ".rdata", ".parquet", ".bam", ".zip"):
        raise InputError(
            f"{path.suffix} files are not read", where=where, fix="save it as tsv, csv or xlsx"
        )
    else:
        table = text_counts(unpacked(path.read_bytes(), where), where)
    counts, note = round_estimates(table.counts, where, name=name, declared=estimated)
    notes = (*table.notes, note) if note else table.notes
    for said in notes:
        logger.info("%s: %s", where, said)
    return CountTable(counts, table.symbols, notes)


def unpacked(raw: bytes, where: str) -> bytes:
    """Content of a file, decompressed if it is gzip.

    Raises
    ------
    InputError
        It is empty, or damaged.
    """
    if raw.startswith(b"\x1f\x8b"):
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"the gzip file is damaged ({error})", where=where, fix="copy it again, whole"
            ) from error
    if not raw.strip():
        raise InputError("the file is empty", where=where, fix=FIX)
    if raw.startswith((b"PK\x03\x04", b"\x89HDF", b"BZh", b"\xfd7zXZ", b"\xd0\xcf\x11\xe0")):
        raise InputError(
            "not a text file: it is a zip, xlsx, HDF5 or other archive under another name",
            where=where,
            fix="give it the ending that says what it is (.xlsx, .h5ad), or unpack it",
        )
    return raw


def text_counts(raw: bytes, where: str) -> CountTable:
    """Counts of a delimited text."""
    text, notes = decode(raw, where)
    table = read_text_table(text, where)
    found = count_columns(table, where)
    return CountTable(found.counts, found.symbols, (*notes, *found.notes))


def count_columns(table: TextTable, where: str) -> CountTable:
    """The sample columns of a table, apart from annotation of genes.

    Raises
    ------
    InputError
        There is no column of numbers, or the first column numbers the rows.
    """
    frame, notes = table.frame, list(table.notes)
    frame = _without_row_numbers(frame, where, notes)
    frame = _ids_from_later_column(frame, notes)
    _refuse_open_quotes(frame, where)
    _refuse_shifted_header(frame, where)
    annotation = [c for c in frame.columns if _key(str(c)) in ANNOTATION]
    symbols = next((frame[c] for c in annotation if _key(str(c)) in SYMBOL), None)
    text = [c for c in frame.columns if c not in annotation and _is_text(frame[c])]
    if len(text) + len(annotation) == frame.shape[1]:
        first = next((c for c in frame.columns if c in text), None)
        shown = "" if first is None else f", column {first!r}, value {frame[first].iloc[0]!r}"
        raise InputError("no column holds numbers", where=f"{where}{shown}", fix=FIX)
    if annotation:
        notes.append(f"columns that describe genes: {', '.join(map(str, annotation))}")
    counts = frame.drop(columns=annotation)
    renamed = sample_names(list(counts.columns))
    if renamed:
        counts = counts.rename(columns=renamed)
        first = next(iter(renamed))
        notes.append(
            f"{len(renamed)} columns named by their sample, not by their file "
            f"({first} is {renamed[first]})"
        )
    if symbols is not None:
        symbols = symbols.where(symbols.notna(), None).astype(object)
        if annotation and symbols.notna().any():
            notes.append("symbols of genes come from the table where the panel has none")
    return CountTable(counts, symbols, tuple(notes))


def _is_text(column: pd.Series) -> bool:
    return bool(pd.to_numeric(column, errors="coerce").isna().all()) and not column.empty


def _refuse_open_quotes(frame: pd.DataFrame, where: str) -> None:
    for number, name in enumerate(frame.index, start=1):
        if name.startswith('"') or name.endswith('"'):
            raise InputError(
                f"a gene id has a quote that is not closed: {name}",
                where=f"{where}, row {number} below the header",
                fix="close the quote or take it away",
            )


def _refuse_shifted_header(frame: pd.DataFrame, where: str) -> None:
    """A header that lost a name moves every name by one column: counts stand below ``gene_id``."""
    first = frame.columns[0]
    if _key(str(first)) not in IDS or not pd.api.types.is_numeric_dtype(frame[first]):
        return
    values = frame[first]
    if values.notna().all() and (values.duplicated().mean() > 0.05 or (values == 0).sum() > 1):
        raise InputError(
            f"column {first!r} holds numbers that repeat: the header has one name too few",
            where=f"{where}, header, first value below it {values.iloc[0]}",
            fix="name every column in the header",
        )


def _without_row_numbers(frame: pd.DataFrame, where: str, notes: list[str]) -> pd.DataFrame:
    """Take a column of ids as index where the first column only numbers the rows.

    Numbers with gaps, as of a filtered or sorted table, are those of rows if none is much larger
    than the table is long; Entrez ids go beyond a hundred million.
    """
    if not all(i.isdigit() and len(i) < 10 for i in frame.index):
        return frame
    numbers = np.array([int(i) for i in frame.index])
    n = len(frame)
    every = any(np.array_equal(numbers, np.arange(k, n + k)) for k in (0, 1))
    if n < 3 or len(set(frame.index)) < n or numbers.max(initial=0) > MAX_GAPS * n:
        return frame
    ids = [c for c in frame.columns if _is_text(frame[c]) and (every or _key(str(c)) in IDS)]
    if not ids and not every:
        return frame
    if not ids:
        raise InputError(
            "the first column numbers the rows, and no other holds gene ids",
            where=where,
            fix="write the gene ids into the first column",
        )
    notes.append(f"the first column numbers the rows; gene ids are in column {ids[0]}")
    index = pd.Index(frame[ids[0]].fillna("").astype(str).str.strip())
    return frame.drop(columns=ids[0]).set_axis(index)


def _ids_from_later_column(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Take a named column of ids as index where the first column holds numbers with decimals."""
    first = pd.to_numeric(pd.Series(frame.index), errors="coerce")
    ids = [c for c in frame.columns if _key(str(c)) in IDS and _is_text(frame[c])]
    if not ids or first.isna().any() or not (first % 1 != 0).any():
        return frame
    notes.append(f"gene ids are in column {ids[0]}")
    index = pd.Index(frame[ids[0]].fillna("").astype(str).str.strip())
    whole = frame.drop(columns=ids[0])
    whole.insert(0, frame.index.name, first.to_numpy())
    return whole.set_axis(index)


_ALIGNMENT = re.compile(
    r"(\.?_?Aligned\.sortedByCoord\.out|\.?_?Aligned\.out|\.sorted|\.sort|\.markdup|\.dedup"
    r"|\.umi_dedup|_sorted|\.markdup\.sorted)*\.(bam|sam|cram)$"
)


def sample_names(columns: list[str]) -> dict[str, str]:
    """Column → sample name, for columns named by paths of alignments (featureCounts).

    Empty unless every such column gets a name of its own.
    """
    paths = [str(c) for c in columns if re.search(r"\.(bam|sam|cram)$", str(c))]
    bare = {c: _ALIGNMENT.sub("", PurePosixPath(c.replace("\\", "/")).name) for c in paths}
    names = [bare.get(str(c), str(c)) for c in columns]
    if len(set(names)) < len(names) or not all(names):
        # All files have one name (accepted_hits.bam): the folder tells them apart.
        bare = {c: PurePosixPath(c.replace("\\", "/")).parent.name for c in paths}
        names = [bare.get(str(c), str(c)) for c in columns]
        if len(set(names)) < len(names) or not all(names):
            return {}
    return bare


def grouped_by_points(values: np.ndarray) -> bool:
    """Whether ``1.234`` means 1,234: none reaches 1,000, decimals are three and not below 1."""
    finite = values[np.isfinite(values)]
    thousandths = finite * 1000
    small = (finite % 1 != 0) & (finite < 1)
    return bool(
        finite.max(initial=0) < 1000
        and not small.any()
        and np.allclose(thousandths, np.round(thousandths), atol=1e-6)
    )


def round_estimates(
    counts: pd.DataFrame, where: str, *, name: str, declared: bool
) -> tuple[pd.DataFrame, str | None]:
    """Round estimated counts half to even, as DESeq2 does on import; leave all else alone.

    Values count as estimates if the user or the file's name says so, or if at least `MIN_INTEGERS`
    of the non-zero values of each sample are integers. Halves and thirds alone are the means of
    replicates, a lone decimal is a mistake, and values below `MAX_LOG` are logarithms: none of them
    is rounded.
    """
    numeric = counts.select_dtypes(["integer", "floating"])
    values = numeric.to_numpy(dtype=float)
    fraction = np.isfinite(values) & (values != np.floor(values))
    if not fraction.any() or (values[np.isfinite(values)] < 0).any():
        return counts, None
    largest = values[np.isfinite(values)].max()
    if len(values) >= 1000 and largest < MAX_LOG:
        return counts, None
    if any(grouped_by_points(column) for column in values.T[fraction.any(axis=0)]):
        return counts, None  # of one sample alone, too
    totals = np.nansum(values, axis=0)
    if not declared and len(totals) > 1 and np.allclose(totals, 1e6, rtol=0.02):
        return counts, None  # TPM or CPM
    nonzero = (values != 0).sum(axis=0)
    integers = ((values != 0) & ~fraction).sum(axis=0) / np.maximum(nonzero, 1)
    named = _ESTIMATED.search(name) is not None and _NO_ESTIMATE.search(name) is None
    if not declared and not named:
        parts = np.unique(np.round(values[fraction] % 1, 3))
        few = len(parts) <= MAX_PARTS and fraction.sum() > 20 * len(parts)  # means of replicates
        lone = fraction.sum() < 0.001 * np.count_nonzero(values)  # a slip of the hand
        if few or lone or integers.min() < MIN_INTEGERS:
            return counts, None
    counts = counts.copy()
    counts[numeric.columns] = numeric.round()
    return counts, f"estimated counts: {int(fraction.sum()):,} decimal values rounded half to even"


def read_xlsx(path: Path, where: str) -> TextTable:
    """The one sheet of a workbook that holds a table.

    Raises
    ------
    InputError
        No workbook, none or several sheets with content, or cells that are neither text nor number.
    """
    import openpyxl

    try:
        book = openpyxl.load_workbook(
            io.BytesIO(path.read_bytes()),
            read_only=True,
            data_only=True,  # a damaged one stays open
        )
        sheets = {}
        for sheet in book.worksheets:
            rows = [r for r in sheet.iter_rows(values_only=True) if any(c is not None for c in r)]
            if rows:
                sheets[sheet.title] = rows
    except Exception as error:  # openpyxl raises what zipfile, XML and itself raise
        raise InputError(
            f"the workbook cannot be read ({error})", where=where, fix="save it as tsv or csv"
        ) from error
    if len(sheets) != 1:
        raise InputError(
            f"the workbook has {len(sheets)} sheets with content"
            + (f": {', '.join(sheets)}" if sheets else ""),
            where=where,
            fix="keep the sheet of counts alone, or save it as tsv",
        )
    ((title, rows),) = sheets.items()
    # Cells that were only formatted count as columns in a workbook.
    width = max(i for row in rows for i, cell in enumerate(row, start=1) if cell is not None)
    grid = [[*row[:width], *[None] * (width - len(row))] for row in rows]
    dates = _dates_to_numbers(grid)
    table = read_text_table(
        "\n".join("\t".join(map(_xlsx_cell, row)) for row in grid), f"{where}, sheet {title}"
    )
    notes = [f"sheet {title} of a workbook", *table.notes]
    if dates:
        notes.append(f"{dates} numbers that the workbook shows as dates were read as numbers")
    return TextTable(table.frame, table.comments, tuple(notes))


def _dates_to_numbers(grid: list[list[Any]]) -> int:
    """Read dates in columns of numbers as the numbers that they are; how many there were.

    Where a spreadsheet took a symbol for a date, it shows all of its row as dates.
    """
    from openpyxl.utils.datetime import to_excel

    found = 0
    for column in range(len(grid[0])):
        numbers = sum(isinstance(row[column], int | float) for row in grid)
        dates = [row for row in grid if isinstance(row[column], _DATES)]
        if len(dates) < numbers:
            found += len(dates)
            for row in dates:
                row[column] = to_excel(row[column])
    return found


def _xlsx_cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return re.sub(r"[\t\r\n]+", " ", str(cell)).strip()


def _read_h5ad(path: Path, where: str, layer: str | None) -> CountTable:
    import anndata as ad

    check_readable(path, where)
    refuse_links(path, where)
    try:
        data = ad.read_h5ad(path)
    except Exception as error:  # anndata raises what h5py and its own readers raise
        raise InputError(
            f"the h5ad file cannot be read ({str(error).splitlines()[0]})",
            where=where,
            fix="write it again with anndata, whole",
        ) from error
    layers = list(data.layers)
    if layer is not None and layer not in layers:
        raise InputError(
            "the h5ad has no such layer",
            where=f"{where}, counts.layer {layer!r}",
            fix=f"name one of its layers: {', '.join(layers) or 'it has none; remove the key'}",
        )
    values = data.X if layer is None else data.layers[layer]
    if values is None:
        raise InputError(
            "the h5ad has no X",
            where=where,
            fix=f"set counts.layer to one of its layers: {', '.join(layers) or 'it has none'}",
        )
    values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    counts = pd.DataFrame(
        values.T, index=data.var_names.astype(str), columns=data.obs_names.astype(str)
    )
    if layer is None and layers and values.dtype.kind == "f" and (values % 1 != 0).any():
        raise InputError(
            "X of the h5ad holds no counts, but it has layers",
            where=where,
            fix=f"set counts.layer to the one with raw counts: {', '.join(layers)}",
        )
    symbols = next((data.var[c] for c in data.var if _key(str(c)) in SYMBOL), None)
    if symbols is not None:
        symbols = symbols.astype(object).where(symbols.notna(), None)
        symbols.index = counts.index
    notes = () if layer is None else (f"counts of layer {layer}",)
    return CountTable(counts, symbols, notes)


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
