"""A good table of counts, broken in many ways: the right counts, or one line that says why not.

*Format* mutations leave the content as it is: the counts must be those of the unbroken table.
*Content* mutations make it another: the counts must be exactly what the file now says, as a reader
of a few lines reads it, or the run is refused. A third count, a gene lost without a word, or a
traceback fails. Every refusal names the file and says how to fix it.

More examples: ``PATHCALL_MUTATIONS=2000 pytest tests/counts/test_mutations.py``.
"""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import openpyxl
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pathcall.errors import PathcallError
from pathcall.signatures.panel import load_panel
from tests.counts.test_table_shapes import HOUSE, SAMPLES, assembled
from tests.tried import MUTATIONS, check_line, note

pytestmark = pytest.mark.slow

many = settings(
    derandomize=True, deadline=None, max_examples=MUTATIONS, database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
Rows = list[list[str]]
"""Header and rows of a table, as text."""
Random = random.Random
N_GENES = 300
SPECIAL = [*HOUSE, "SEPTIN2", "SEPTIN7", "MARCHF7"]


@pytest.fixture(scope="module")
def gene_ids(root: Path) -> pd.DataFrame:
    """A part of the panel's genes: the whole takes half a second each time."""
    every = load_panel(root / "resources/panel").gene_ids
    special = every["symbol"].isin(SPECIAL)
    return pd.concat([every[special], every[~special].head(2 * N_GENES)])


@pytest.fixture(scope="module")
def good(gene_ids: pd.DataFrame) -> pd.DataFrame:
    """genes × samples, by Ensembl id, with a column of symbols."""
    genes = gene_ids[gene_ids["ensembl_gene_id"] != ""].drop_duplicates("ensembl_gene_id")
    genes = genes.drop_duplicates("symbol")
    special = genes["symbol"].isin(SPECIAL)
    kept = pd.concat([genes[special], genes[~special].head(N_GENES)])
    rng = np.random.default_rng(5)
    mean = rng.gamma(0.6, 300, len(kept))
    mean[: int(special.sum())] = 2_000
    counts = rng.poisson(mean[:, None] * rng.uniform(0.8, 1.2, (1, len(SAMPLES))))
    frame = pd.DataFrame(counts, index=kept["ensembl_gene_id"].to_numpy(), columns=SAMPLES)
    frame.insert(0, "symbol", kept["symbol"].to_numpy())
    return frame


def rows_of(good: pd.DataFrame, ids: str) -> Rows:
    index = good.index if ids == "ensembl" else good["symbol"]
    values = good[SAMPLES].to_numpy()
    return [["gene_id", *SAMPLES]] + [
        [name, *map(str, row)] for name, row in zip(index, values, strict=True)
    ]


def text_of(rows: Rows, sep: str = "\t", end: str = "\n") -> str:
    return "".join(sep.join(row) + end for row in rows)


def outcome(path: Path, gene_ids: pd.DataFrame, what: str, how: str) -> pd.DataFrame | None:
    """Counts (gene id × sample) as the workflow reads them; None where it refuses."""
    try:
        found = assembled(path, gene_ids)
    except PathcallError as caught:
        error = caught
    else:
        note(what, how, "read")
        frame = found.data.to_df().T
        return frame.set_axis(frame.index.astype(str))
    check_line(error, path)
    note(what, how, "refused")
    return None


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    assert set(found.index) == set(wanted.index)
    assert list(found.columns) == SAMPLES
    np.testing.assert_array_equal(found.loc[wanted.index].to_numpy(), wanted[SAMPLES].to_numpy())


# -- format ----------------------------------------------------------------------------------------

Format = Callable[[bytes, Random], bytes]


def as_rows(content: bytes) -> Rows:
    return [line.split("\t") for line in content.decode().split("\n")[:-1]]


def on_rows(change: Callable[[Rows, Random], Rows]) -> Format:
    return lambda content, rng: text_of(change(as_rows(content), rng)).encode()


def shuffled(rows: Rows, rng: Random) -> Rows:
    body = rows[1:]
    rng.shuffle(body)
    return [rows[0], *body]


def columns_shuffled(rows: Rows, rng: Random) -> Rows:
    order = list(range(1, len(rows[0])))
    rng.shuffle(order)
    return [[row[0], *(row[j] for j in order)] for row in rows]


def with_column(name: str, value: Callable[[int], str]) -> Format:
    def change(rows: Rows, rng: Random) -> Rows:
        at = rng.randint(1, len(rows[0]))
        return [[*row[:at], name if i == 0 else value(i), *row[at:]] for i, row in enumerate(rows)]

    return on_rows(change)


HARMLESS: dict[str, Format] = {
    "byte order mark": lambda c, r: b"\xef\xbb\xbf" + c,
    "CRLF": lambda c, r: c.replace(b"\n", b"\r\n"),
    "CR": lambda c, r: c.replace(b"\n", b"\r"),
    "UTF-16": lambda c, r: c.decode().encode("utf-16"),
    "gzip": lambda c, r: gzip.compress(c, 1),
    "no last newline": lambda c, r: c.rstrip(b"\n"),
    "blank lines": lambda c, r: c + b"\n \t \n",
    "all cells quoted": on_rows(lambda rows, r: [[f'"{v}"' for v in row] for row in rows]),
    "ids quoted": on_rows(lambda rows, r: [[f'"{row[0]}"', *row[1:]] for row in rows]),
    "blanks around cells": on_rows(lambda rows, r: [[f" {v} " for v in row] for row in rows]),
    "commas": lambda c, r: c.replace(b"\t", b","),
    "semicolons": lambda c, r: c.replace(b"\t", b";"),
    "separators at the end": on_rows(lambda rows, r: [[*row, ""] for row in rows]),
    "comment above": lambda c, r: b"# made by a tool, v1\n" + c,
    "header begins with #": lambda c, r: b"#" + c,
    "R's header": on_rows(lambda rows, r: [rows[0][1:], *rows[1:]]),
    "rows in another order": on_rows(shuffled),
    "columns in another order": on_rows(columns_shuffled),
    "transposed": on_rows(lambda rows, r: [list(row) for row in zip(*rows, strict=True)]),
    "decimals .0": on_rows(
        lambda rows, r: [rows[0], *([row[0], *(f"{v}.0" for v in row[1:])] for row in rows[1:])]
    ),
    "versions of ids": on_rows(
        lambda rows, r: [rows[0], *([f"{row[0]}.{r.randint(1, 30)}", *row[1:]] for row in rows[1:])]
    ),
    "a column of descriptions": with_column("description", lambda i: f"gene no. {i}"),
    "a column of lengths": with_column("Length", lambda i: str(500 + 7 * i)),
    "one more sample": with_column("other_9", lambda i: str(i % 50)),
    "Latin-1": lambda c, r: with_column("description", lambda i: "protéine µ")(c, r)
    .decode()
    .encode("latin-1"),
    "summary rows": lambda c, r: c + b"__no_feature\t9\t9\t9\t9\n__ambiguous\t1\t1\t1\t1\n",
}  # fmt: skip


@pytest.mark.parametrize("how", HARMLESS)
def test_the_format_changes_nothing(
    how: str, tmp_path: Path, good: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    for seed in range(max(1, MUTATIONS // 50)):
        path = tmp_path / "counts.txt"
        path.write_bytes(HARMLESS[how](text_of(rows_of(good, "ensembl")).encode(), Random(seed)))
        found = outcome(path, gene_ids, "table of counts, format", how)
        assert found is not None
        same(found, good)


FIRST = ["rows in another order", "columns in another order", "decimals .0", "versions of ids",
         "a column of lengths", "one more sample"]  # fmt: skip
SECOND = ["all cells quoted", "ids quoted", "blanks around cells", "separators at the end",
          "commas", "semicolons", "comment above", "header begins with #"]  # fmt: skip
THIRD = ["byte order mark", "CRLF", "CR", "UTF-16", "gzip", "no last newline", "blank lines"]


@many
@given(rng=st.randoms(use_true_random=False))
def test_three_oddities_at_once_change_nothing(
    tmp_path: Path, good: pd.DataFrame, gene_ids: pd.DataFrame, rng: Random
) -> None:
    content = text_of(rows_of(good, "ensembl")).encode()
    chosen = [rng.choice(kinds) for kinds in (FIRST, SECOND, THIRD)]
    for how in chosen:
        content = HARMLESS[how](content, rng)
    path = tmp_path / "counts.txt"
    path.write_bytes(content)
    found = outcome(path, gene_ids, "table of counts, format", "three of these at once")
    if found is not None:
        same(found, good)
    else:
        assert {"semicolons", "blanks around cells"} & set(chosen), chosen


# -- content ---------------------------------------------------------------------------------------

CELLS = ["", " ", "NA", "NaN", "inf", "-5", "1.5", "0.0001", "x", "TRUE", "WAHR", "VRAI", "#REF!",
         "#N/A", "1,234", "1.234", "1 234", "1'234", "1e3", "1E+05", "12,5", "1e400", "0x1F", "1_0",
         "٣", "４", "1-Mar", "2024-03-01", "=1+1", "<b>1</b>", "9" * 25, "1\u00a0000", "+7", "7.",
         "-0", "1e-3", "NULL", "n/a", "—"]  # fmt: skip
IDS = ["", " ", "NA", "nan", "Total", "1-Mar", "2024-09-02", "45358", "07.Mrz", "7-sept.", "=cmd",
       "ENSG", "ENSG00000000000", "TP53", "é", '"', "'", "#REF!", "x" * 400, "a,b",
        "1", "-1"]  # fmt: skip
NAMES = ["", " ", "ctrl_1", "ctrl-1", "CTRL_1", "ctrl 1", "X", "1", "gene_id", "Length", "é",
         "ctrl_1.bam", "=x", "ctrl_1 "]  # fmt: skip


def _cell(rows: Rows, rng: Random) -> None:
    rows[rng.randrange(1, len(rows))][rng.randrange(1, len(rows[0]))] = rng.choice(CELLS)


def _id(rows: Rows, rng: Random) -> None:
    rows[rng.randrange(1, len(rows))][0] = rng.choice(IDS)


def _name(rows: Rows, rng: Random) -> None:
    rows[0][rng.randrange(len(rows[0]))] = rng.choice(NAMES)


def _digit(rows: Rows, rng: Random) -> None:
    i, j = rng.randrange(1, len(rows)), rng.randrange(1, len(rows[0]))
    rows[i][j] = str(int(rows[i][j]) + rng.choice([1, 10, 1000]))


def _swap_cells(rows: Rows, rng: Random) -> None:
    (a, b), (i, j) = ((rng.randrange(1, len(rows)), rng.randrange(1, len(rows[0]))) for _ in "ab")
    rows[a][b], rows[i][j] = rows[i][j], rows[a][b]


def _swap_ids(rows: Rows, rng: Random) -> None:
    a, b = (rng.randrange(1, len(rows)) for _ in "ab")
    rows[a][0], rows[b][0] = rows[b][0], rows[a][0]


def _swap_names(rows: Rows, rng: Random) -> None:
    a, b = (rng.randrange(len(rows[0])) for _ in "ab")
    rows[0][a], rows[0][b] = rows[0][b], rows[0][a]


def _row_lost(rows: Rows, rng: Random) -> None:
    del rows[rng.randrange(len(rows))]


def _row_twice(rows: Rows, rng: Random) -> None:
    rows.insert(rng.randrange(1, len(rows)), list(rng.choice(rows)))


def _rows_twice(rows: Rows, rng: Random) -> None:
    a = rng.randrange(1, len(rows) - 20)
    rows += [list(row) for row in rows[a : a + rng.randint(2, 100)]]


def _column_lost(rows: Rows, rng: Random) -> None:
    j = rng.randrange(len(rows[0]))
    for row in rows:
        del row[j]


def _column_copied(rows: Rows, rng: Random) -> None:
    a, b = rng.sample(range(1, len(rows[0])), 2)
    for row in rows[1:]:
        row[a] = row[b]


def _cell_lost(rows: Rows, rng: Random) -> None:
    row = rows[rng.randrange(len(rows))]
    del row[rng.randrange(len(row))]


def _cell_more(rows: Rows, rng: Random) -> None:
    row = rows[rng.randrange(len(rows))]
    row.insert(rng.randrange(len(row) + 1), rng.choice(["7", "", "x"]))


def _pasted(rows: Rows, rng: Random) -> None:
    rows[rng.randrange(1, len(rows)) :] += [list(row) for row in rows[:30]]


def _shifted_block(rows: Rows, rng: Random) -> None:
    """A column moved down by one from some row on, as a cell inserted in a spreadsheet does."""
    j, at = rng.randrange(len(rows[0])), rng.randrange(1, len(rows))
    moved = [row[j] for row in rows]
    moved.insert(at, "")
    for row, value in zip(rows, moved, strict=False):
        row[j] = value


def _sorted_column(rows: Rows, rng: Random) -> None:
    """One column sorted without the others."""
    j = rng.randrange(1, len(rows[0]))
    for row, value in zip(rows[1:], sorted((r[j] for r in rows[1:]), key=int), strict=True):
        row[j] = value


def _column_edit(change: Callable[[str], str]) -> Callable[[Rows, Random], None]:
    def edit(rows: Rows, rng: Random) -> None:
        chosen = rng.choice([[rng.randrange(1, len(rows[0]))], list(range(1, len(rows[0])))])
        for row in rows[1:]:
            for j in chosen:
                row[j] = change(row[j])

    return edit


CONTENT: dict[str, Callable[[Rows, Random], None]] = {
    "a cell": _cell, "a gene id": _id, "a name in the header": _name, "a digit": _digit,
    "two cells exchanged": _swap_cells, "two ids exchanged": _swap_ids,
    "two names exchanged": _swap_names, "a row lost": _row_lost, "a row twice": _row_twice,
    "rows pasted again": _rows_twice, "a column lost": _column_lost,
    "a column copied": _column_copied, "a cell lost": _cell_lost, "a cell too many": _cell_more,
    "header and rows pasted again": _pasted, "cells moved down": _shifted_block,
    "a column sorted alone": _sorted_column,
    "thousands with commas": _column_edit(lambda v: f"{int(v):,}"),
    "thousands with points": _column_edit(lambda v: f"{int(v):,}".replace(",", ".")),
    "decimal commas": _column_edit(lambda v: f"{v},5"),
    "halves": _column_edit(lambda v: str(int(v) / 2)),
    "log values": _column_edit(lambda v: f"{np.log2(int(v) + 1):.6g}"),
    "short exponents": _column_edit(lambda v: f"{int(v):.2E}" if int(v) > 99_999 else v),
    "text": _column_edit(lambda v: f"n={v}"),
}  # fmt: skip


def literal(rows: Rows) -> tuple[dict[tuple[str, str], float], set[str]]:
    """(gene, sample) → number, as the text says it; and the ids that occur more than once."""
    seen: dict[str, int] = {}
    values: dict[tuple[str, str], float] = {}
    header = rows[0] if len(rows[0]) == len(rows[1]) else ["gene_id", *rows[0]]
    names = [name.strip().strip('"') for name in header]
    for row in rows[1:]:
        gene = row[0].strip().strip('"').split(".")[0]
        seen[gene] = seen.get(gene, 0) + 1
        for name, value in zip(names[1:], row[1:], strict=False):
            try:
                number = float(value)
            except ValueError:
                number = float("nan")
            values[gene, name] = number + (values.get((gene, name), 0.0) if seen[gene] > 1 else 0.0)
    return values, {gene for gene, times in seen.items() if times > 1}


def check_literal(found: pd.DataFrame, rows: Rows, good: pd.DataFrame, ids: str) -> None:
    """Each count is what the file says; no gene of the file is missing."""
    values, _ = literal(rows)
    named = good.index if ids == "ensembl" else good["symbol"]
    to_file = dict(zip(good.index, named, strict=True)) | dict(
        zip(good["symbol"], named, strict=True)
    )
    for gene, counts in found.iterrows():
        name = to_file.get(str(gene), str(gene))
        for sample in SAMPLES:
            said = values.get((name, sample))
            assert said == counts[sample], (gene, sample, said, counts[sample])
    lost = {g for g, _ in values if g in set(named)} - {
        to_file.get(str(g), str(g)) for g in found.index
    }
    assert not lost, lost


@many
@given(rng=st.randoms(use_true_random=False))
def test_broken_content_is_taken_at_its_word_or_refused(
    tmp_path: Path, good: pd.DataFrame, gene_ids: pd.DataFrame, rng: Random
) -> None:
    how = rng.choice(sorted(CONTENT))
    ids = rng.choice(["ensembl", "symbol"])
    rows = rows_of(good, ids)
    CONTENT[how](rows, rng)
    path = tmp_path / "counts.tsv"
    path.write_text(text_of(rows), encoding="utf-8")
    found = outcome(path, gene_ids, "table of counts, content", how)
    if found is not None:
        if how in ("a gene id", "cells moved down") and ids == "symbol":
            # A date stands for the symbol that a spreadsheet made it of, unless that has a row of
            # its own: then it is left out. Both are said in a note.
            symbols = {"2024-09-02": "SEPTIN2", "07.Mrz": "MARCHF7", "7-sept.": "SEPTIN7"}
            named = {row[0] for row in rows}
            rows = [
                [symbols.get(row[0], row[0]), *row[1:]]
                for row in rows
                if symbols.get(row[0]) not in named
            ]
        check_literal(found, rows, good, ids)


def _cut(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content))]


def _inserted(content: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(content))
    what = rng.choice([b"\0", b"\x1b", b"\x0c", b"\xff", b"\xb5", b"\n", b"\t", b'"', b",", b"\r",
                       b"\xef\xbb\xbf", "\u2028".encode(), "\u200b".encode(), b" "])  # fmt: skip
    return content[:at] + what + content[at:]


def _separator(content: bytes, rng: Random) -> bytes:
    at = rng.choice([i for i, byte in enumerate(content) if byte == 9])
    return content[:at] + rng.choice([b" ", b",", b";", b"\t\t", b"\n", b""]) + content[at + 1 :]


def _flipped(content: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]


def _block_lost(content: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + content[at + rng.randint(1, 4_096) :]


def _block_zero(content: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(content))
    n = min(512, len(content) - at)
    return content[:at] + b"\0" * n + content[at + n :]


BYTES: dict[str, Format] = {
    "cut": _cut, "a character inserted": _inserted, "a separator changed": _separator,
    "a bit flipped": _flipped, "a block lost": _block_lost, "a block of zeros": _block_zero,
}  # fmt: skip


@many
@given(rng=st.randoms(use_true_random=False))
def test_a_damaged_text_is_taken_at_its_word_or_refused(
    tmp_path: Path, good: pd.DataFrame, gene_ids: pd.DataFrame, rng: Random
) -> None:
    how = rng.choice(sorted(BYTES))
    content = BYTES[how](text_of(rows_of(good, "ensembl")).encode(), rng)
    path = tmp_path / "counts.tsv"
    path.write_bytes(content)
    found = outcome(path, gene_ids, "table of counts, bytes", how)
    if found is not None:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        rows = [line.split("\t") for line in lines if line.strip()]
        if "," in text:  # a comma in place of a tab: the separator of the two is not ours to choose
            assert len({len(row) for row in rows}) == 1
        check_literal(found, rows, good, "ensembl")


@many
@given(rng=st.randoms(use_true_random=False))
def test_a_damaged_archive_is_refused_or_the_same(
    tmp_path: Path, good: pd.DataFrame, gene_ids: pd.DataFrame, rng: Random
) -> None:
    """gzip and xlsx carry checksums: nothing may come through but what was packed."""
    form = rng.choice(["gz", "xlsx"])
    how = rng.choice(["cut", "a bit flipped", "a block lost", "a block of zeros"])
    path = tmp_path / ("counts.tsv.gz" if form == "gz" else "counts.xlsx")
    if form == "gz":
        content = gzip.compress(text_of(rows_of(good, "ensembl")).encode(), 1, mtime=0)
    else:
        content = workbook(good)
    path.write_bytes(BYTES[how](content, rng))
    found = outcome(path, gene_ids, f"table of counts, {form}", how)
    if found is not None:
        same(found, good)


_BOOKS: dict[int, bytes] = {}


def workbook(good: pd.DataFrame) -> bytes:
    if id(good) not in _BOOKS:
        stream = io.BytesIO()
        good[SAMPLES].rename_axis("gene_id").to_excel(stream)
        _BOOKS[id(good)] = stream.getvalue()
    return _BOOKS[id(good)]


def _book_text(sheet: openpyxl.worksheet.worksheet.Worksheet, rng: Random) -> None:
    for row in sheet.iter_rows(min_row=2, min_col=2):
        for cell in row:
            cell.value = str(cell.value)


def _book_empty_columns(sheet: openpyxl.worksheet.worksheet.Worksheet, rng: Random) -> None:
    for column in range(6, 9):
        sheet.cell(3, column).number_format = "0.00"


def _book_cell(sheet: openpyxl.worksheet.worksheet.Worksheet, rng: Random) -> None:
    values = [None, "x", "#REF!", "1,5", -3, 2.5, True, "=A1", 1e300, "", "NA", 7]
    sheet.cell(rng.randint(2, sheet.max_row), rng.randint(2, 5)).value = rng.choice(values)


def _book_id(sheet: openpyxl.worksheet.worksheet.Worksheet, rng: Random) -> None:
    values = [None, pd.Timestamp("2024-09-02"), 45_358, "1-Mar", True, "=A1", ""]
    sheet.cell(rng.randint(2, sheet.max_row), 1).value = rng.choice(values)


def _book_row(sheet: openpyxl.worksheet.worksheet.Worksheet, rng: Random) -> None:
    if rng.random() < 0.5:
        sheet.delete_rows(rng.randint(1, sheet.max_row))
    else:
        sheet.insert_rows(rng.randint(1, sheet.max_row))


def _book_title(sheet: openpyxl.worksheet.worksheet.Worksheet, rng: Random) -> None:
    sheet.insert_rows(1)
    sheet.cell(1, 1).value = "Supplementary Table 1. Raw counts"


def _book_merged(sheet: openpyxl.worksheet.worksheet.Worksheet, rng: Random) -> None:
    row = rng.randint(2, sheet.max_row - 1)
    sheet.merge_cells(start_row=row, start_column=1, end_row=row + 1, end_column=1)


BOOKS = {
    "numbers as text": _book_text, "formatted empty columns": _book_empty_columns,
    "a cell": _book_cell, "a gene id": _book_id, "a row lost or inserted": _book_row,
    "a title above": _book_title, "merged cells": _book_merged,
}  # fmt: skip


@settings(many, max_examples=max(20, MUTATIONS // 5))
@given(rng=st.randoms(use_true_random=False))
def test_a_broken_workbook_is_taken_at_its_word_or_refused(
    tmp_path: Path, good: pd.DataFrame, gene_ids: pd.DataFrame, rng: Random
) -> None:
    how = rng.choice(sorted(BOOKS))
    book = openpyxl.load_workbook(io.BytesIO(workbook(good)))
    BOOKS[how](book.active, rng)
    path = tmp_path / "counts.xlsx"
    book.save(path)
    found = outcome(path, gene_ids, "table of counts, xlsx", how)
    if how in ("numbers as text", "formatted empty columns"):
        assert found is not None
        same(found, good)
    if found is not None:
        rows = [
            ["" if v is None else str(v) for v in row]
            for row in book.active.iter_rows(values_only=True)
            if any(v is not None for v in row)
        ]
        check_literal(found, [row[:5] for row in rows], good, "ensembl")


def _layout(data: ad.AnnData, rng: Random) -> ad.AnnData:
    data.X = rng.choice(
        [sp.csr_matrix, sp.csc_matrix, lambda x: x.astype(np.float32), lambda x: x.astype(np.int32),
         lambda x: x.astype(np.uint16), np.asfortranarray]
    )(data.X)  # fmt: skip
    return data


def _h5ad_value(data: ad.AnnData, rng: Random) -> ad.AnnData:
    values = np.array(data.X, dtype=np.float64)
    at = rng.randrange(values.shape[0]), rng.randrange(values.shape[1])
    values[at] = rng.choice([np.nan, np.inf, -1.0, 0.5, 1e300, 2.0**60, 12.0])
    data.X = values
    return data


def _h5ad_order(data: ad.AnnData, rng: Random) -> ad.AnnData:
    a = rng.sample(range(data.n_obs), data.n_obs)
    b = rng.sample(range(data.n_vars), data.n_vars)
    return data[a, b].copy()


def _h5ad_name(data: ad.AnnData, rng: Random) -> ad.AnnData:
    names = list(data.obs_names)
    names[rng.randrange(len(names))] = rng.choice(["ctrl_2", "x", "", "CTRL_1"])
    data.obs_names = names
    return data


def _h5ad_gene(data: ad.AnnData, rng: Random) -> ad.AnnData:
    names = list(data.var_names)
    names[rng.randrange(len(names))] = rng.choice(["", "x", names[3], "ENSG00000000000"])
    data.var_names = names
    return data


H5ADS = {
    "other layouts": _layout, "a value": _h5ad_value, "another order": _h5ad_order,
    "a sample's name": _h5ad_name, "a gene id": _h5ad_gene,
}  # fmt: skip


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged HDF5 file that hangs its reader is given up sooner."""
    monkeypatch.setattr("pathcall.counts.hdf5_checks.START_S", 10.0)


@pytest.mark.usefixtures("impatient")
@settings(many, max_examples=max(20, MUTATIONS // 3))
@given(rng=st.randoms(use_true_random=False))
@pytest.mark.filterwarnings("ignore:.*names are not unique:UserWarning")
def test_a_broken_h5ad_is_taken_at_its_word_or_refused(
    tmp_path: Path, good: pd.DataFrame, gene_ids: pd.DataFrame, rng: Random
) -> None:
    how = rng.choice([*sorted(H5ADS), "cut", "a block lost", "a block of zeros"])
    data = ad.AnnData(good[SAMPLES].T)
    path = tmp_path / "counts.h5ad"
    if how in H5ADS:
        data = H5ADS[how](data, rng)
    data.write_h5ad(path)
    if how in BYTES:
        path.write_bytes(BYTES[how](path.read_bytes(), rng))
    found = outcome(path, gene_ids, "table of counts, h5ad", how)
    if how in ("other layouts", "another order"):
        assert found is not None
        same(found, good)
    elif found is not None:
        if how in BYTES:
            data = ad.read_h5ad(path)
        values = data.X.toarray() if sp.issparse(data.X) else np.asarray(data.X)
        rows = [["gene_id", *map(str, data.obs_names)]] + [
            [str(gene), *map(str, column)]
            for gene, column in zip(data.var_names, values.T, strict=True)
        ]
        check_literal(found, rows, good, "ensembl")
