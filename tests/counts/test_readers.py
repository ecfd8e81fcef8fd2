"""Parts of the reader at their limits; whole tables: test_table_shapes.py."""

import datetime
from pathlib import Path

import anndata as ad
import numpy as np
import openpyxl
import pandas as pd
import pytest

from pathcall.counts.readers import (
    count_columns,
    grouped_by_points,
    read_count_table,
    round_estimates,
    sample_names,
    text_counts,
)
from pathcall.counts.text_tables import read_text_table
from pathcall.errors import InputError


def read(text: str, where: str = "f"):
    return count_columns(read_text_table(text, where), where)


def test_columns_that_describe_genes_are_no_samples() -> None:
    made = read("gene_id\tGene Name\tlength\ta\nG1\tX\t9\t1\nG2\t\t9\t2\n")
    assert list(made.counts.columns) == ["a"]
    assert made.symbols is not None
    assert made.symbols.tolist() == ["X", None]
    assert made.notes == (
        "columns that describe genes: Gene Name, length",
        "symbols of genes come from the table where the panel has none",
    )
    assert read("gene_id\ta\nG1\t1\n").symbols is None
    empty = read("gene_id\tsymbol\ta\nG1\t\t1\n")
    assert empty.notes == ("columns that describe genes: symbol",)


def test_a_table_without_numbers_shows_a_value() -> None:
    with pytest.raises(InputError, match=r"no column holds numbers — f, column 'x', value 'b'"):
        read("gene_id\tname\tx\nG1\tn\tb\n")
    with pytest.raises(InputError, match="no column holds numbers — f —"):
        read("gene_id\tname\nG1\tn\n")
    assert read("gene_id\tx\ta\nG1\tb\t1\n").counts.shape == (1, 2)  # refused as a count, later


@pytest.mark.parametrize(
    ("counts", "shifted"),
    [
        ([0, 0, *range(1, 40)], True),
        ([0, *range(1, 41)], False),
        ([*range(1, 20), 19], False),  # one of twenty repeats
        ([*range(1, 19), 18], True),
        ([0, 0, None, *range(1, 40)], False),
    ],
)
def test_a_header_one_short(counts: list[int | None], shifted: bool) -> None:
    body = "".join(f"G{i}\t{'' if c is None else c}\t{i}\n" for i, c in enumerate(counts))
    if shifted:
        with pytest.raises(InputError, match=r"one name too few.*first value below it"):
            read("x\tgene_id\ta\n" + body)
    else:
        assert list(read("x\tgene_id\ta\n" + body).counts.columns) in (["gene_id", "a"], ["a"])
    assert list(read("x\tb\ta\n" + body).counts.columns) == ["b", "a"]


def numbered(numbers: list[int], name: str = "gene_id") -> str:
    return f"\t{name}\ta\n" + "".join(f"{n}\tG{i}\t{i}\n" for i, n in enumerate(numbers))


@pytest.mark.parametrize(
    ("numbers", "name", "taken"),
    [
        ([0, 1, 2], "gene_id", True),
        ([1, 2, 3], "x", True),
        ([1, 2], "gene_id", False),
        ([2, 3, 4], "gene_id", True),
        ([2, 3, 4], "x", False),  # gaps and no name of an id: could be Entrez ids
        ([2, 3, 15], "gene_id", True),
        ([2, 3, 16], "gene_id", False),
        ([2, 3, 3], "gene_id", False),
        ([3, 1, 2], "gene_id", True),
    ],
)
def test_numbers_of_rows(numbers: list[int], name: str, taken: bool) -> None:
    made = read(numbered(numbers, name))
    wanted = [f"G{i}" for i in range(len(numbers))] if taken else list(map(str, numbers))
    assert list(made.counts.index) == wanted
    said = f"the first column numbers the rows; gene ids are in column {name}"
    assert (said in made.notes) == taken


def test_numbered_rows_without_ids() -> None:
    with pytest.raises(InputError, match="numbers the rows, and no other holds gene ids"):
        read("\ta\n1\t5\n2\t6\n3\t7\n")
    assert read("\ta\n1\t5\n2\t6\n9\t7\n").counts.shape == (3, 1)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["a", "b"], {}),
        (["/x/a.bam", "/x/b.sorted.bam"], {"/x/a.bam": "a", "/x/b.sorted.bam": "b"}),
        (["x\\a.sam", "b"], {"x\\a.sam": "a"}),
        (["a/hits.bam", "b/hits.bam"], {"a/hits.bam": "a", "b/hits.bam": "b"}),
        (["a/hits.bam", "a/hits.sorted.bam"], {}),
        (["aAligned.sortedByCoord.out.bam"], {"aAligned.sortedByCoord.out.bam": "a"}),
        (["a.cram", "a"], {}),
        (["x/.sorted.bam"], {"x/.sorted.bam": "x"}),
        ([".sorted.bam"], {}),
    ],
)
def test_samples_are_named_by_their_alignments(columns: list[str], names: dict[str, str]) -> None:
    assert sample_names(columns) == names


@pytest.mark.parametrize(
    ("values", "grouped"),
    [
        ([1.234, 12.0, 999.999], True),
        ([1.234, 1000.0], False),
        ([1.2345, 2.0], False),
        ([1.0, 1.001], True),
        ([1.00000001, 2.0], True),
        ([1.0001, 2.0], False),
        ([0.5, 1.5], False),  # 0.500 is no number with a point for thousands
        ([0.0, 1.5], True),
        ([1.0, 1.5, np.nan], True),
    ],
)
def test_points_for_thousands(values: list[float], grouped: bool) -> None:
    assert grouped_by_points(np.array(values)) == grouped


def estimates(n: int = 2_000, share: float = 0.5, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    whole = rng.integers(1, 5_000, (n, 2)).astype(float)
    decimals = rng.uniform(0.01, 0.99, (n, 2)) * (rng.random((n, 2)) < share)
    return pd.DataFrame(whole + decimals, columns=["a", "b"])


def rounded(counts: pd.DataFrame, name: str = "x.tsv", *, declared: bool = False) -> bool:
    made, note = round_estimates(counts, "f", name=name, declared=declared)
    if note is None:
        assert made is counts
        return False
    pd.testing.assert_frame_equal(made, counts.round())
    n = int((counts % 1 != 0).to_numpy().sum())
    assert note == f"estimated counts: {n:,} decimal values rounded half to even"
    return True


def test_what_is_rounded() -> None:
    assert rounded(estimates())
    assert not rounded(estimates().round())
    assert not rounded(estimates() * np.where(np.arange(2_000) == 7, -1, 1)[:, None])
    assert rounded(estimates(share=0.75))
    assert not rounded(estimates(share=0.85))  # too few integers
    assert rounded(estimates(share=0.85), "rsem.expected_count.tsv")
    assert rounded(estimates(share=1), declared=True)
    assert not rounded(estimates(share=0.0005))  # a lone decimal is a slip of the hand
    assert rounded(estimates(share=0.004))
    one_sample_normalised = estimates().assign(b=estimates(share=1)["b"])
    assert not rounded(one_sample_normalised)


def test_zeros_say_nothing_about_decimals() -> None:
    sparse = estimates(share=0.85)
    sparse.iloc[::2] = 0.0
    assert not rounded(sparse)
    sparse = estimates(share=0.75)
    sparse.iloc[::2] = 0.0
    assert rounded(sparse)


def test_means_of_replicates_are_not_rounded() -> None:
    assert not rounded((estimates() * 2).round() / 2)
    assert not rounded((estimates(share=0.5) * 10).round() / 10)  # ten decimals at most
    assert rounded((estimates() * 100).round() / 100)
    # Twenty values of each decimal part, or fewer, tell nothing.
    whole = estimates(400).round()
    for n, taken in ((20, True), (21, False)):
        halves = whole.copy()
        halves.iloc[:n, 0] += 0.5
        assert rounded(halves) == taken
    for n, taken in ((10, False), (11, True)):  # ten parts at most
        parts = whole.copy()
        decimals = (np.arange(800).reshape(400, 2) % n + 1) / 100
        parts += decimals * (np.arange(400) % 2)[:, None]
        assert rounded(parts) == taken


def test_logarithms_are_not_rounded() -> None:
    small = estimates() % 29.9
    assert not rounded(small, declared=True)
    assert rounded(small.iloc[:900], declared=True)
    small.iloc[0, 0] = 30.0
    assert rounded(small, declared=True)


def test_tpm_is_not_rounded_unless_said_to_be_counts() -> None:
    for total, taken in ((1.019e6, False), (1.021e6, True)):
        counts = estimates(300)
        counts.iloc[0] += np.round(total - counts.sum())
        assert rounded(counts, "rsem.expected_count.tsv") == taken
        assert rounded(counts, declared=True)
        assert rounded(counts[["a"]], "rsem.expected_count.tsv")  # one sample may sum to anything


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("salmon.merged.gene_counts.tsv", True),
        ("kallisto_counts.tsv", True),
        ("x.expected_count.txt", True),
        ("quant_numreads.tsv", True),
        ("x.lengthScaledTPM.tsv", True),
        ("salmon.tpm.counts.tsv", False),
        ("x.tsv", False),
    ],
)
def test_names_of_estimated_counts(name: str, taken: bool) -> None:
    assert rounded(estimates(share=0.9), name) == taken


@pytest.mark.parametrize("suffix", [".xls", ".ods", ".rds", ".RData", ".parquet", ".bam", ".zip"])
def test_files_that_are_not_read(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"\{suffix} files are not read"):
        read_count_table(tmp_path / f"x{suffix}", "f")


def test_what_is_declared_is_passed_on(tmp_path: Path) -> None:
    made = estimates(share=0.9)
    made.set_axis([f"G{i}" for i in made.index]).to_csv(tmp_path / "x.csv", index_label="gene_id")
    assert read_count_table(tmp_path / "x.csv", "f").notes == ()
    declared = read_count_table(tmp_path / "x.csv", "f", estimated=True)
    assert declared.notes[-1].startswith("estimated counts")
    assert (declared.counts % 1 == 0).all(axis=None)


def test_layers_are_for_h5ad_alone(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("g\ta\nA\t1\n")
    with pytest.raises(InputError, match=r"counts\.layer is for h5ad files"):
        read_count_table(tmp_path / "x.tsv", "f", layer="counts")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b" \n", "the file is empty"),
        (b"PK\x03\x04x", "not a text file"),
        (b"\x89HDF", "not a text file"),
        (b"BZhx", "not a text file"),
        (b"\xfd7zXZ", "not a text file"),
        (b"\xd0\xcf\x11\xe0", "not a text file"),
        (b"\x1f\x8bx", "gzip file is damaged"),
    ],
)
def test_what_is_no_text(raw: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_bytes(raw)
    with pytest.raises(InputError, match=words):
        read_count_table(tmp_path / "x.tsv", "f")


def test_notes_of_the_text_come_first() -> None:
    assert text_counts("g;ä\nA;1\n".encode("latin-1"), "f").notes == (
        "read as Latin-1", "columns separated by semicolons",
    )  # fmt: skip


def workbook(path: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_cells_of_a_workbook(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [["gene", "a", "b"], ["A\tx\n y ", 5.0, 7], [None] * 3,
                                          ["B", 2.0**40, 0]])  # fmt: skip
    made = read_count_table(path, "f")
    assert list(made.counts.index) == ["A x  y", "B"]
    assert made.counts["a"].tolist() == [5, 2**40]
    assert made.counts["a"].dtype.kind == "i"
    assert made.notes == ("sheet Sheet of a workbook",)


def test_dates_in_a_workbook(tmp_path: Path) -> None:
    day = datetime.datetime(2024, 3, 7)
    rows: list[list[object]] = [["gene", "a", "b"], ["A", day, day], ["B", day, 4], ["C", 5, 6]]
    made = read_count_table(workbook(tmp_path / "x.xlsx", rows), "f")
    assert made.counts["b"].tolist() == [45358, 4, 6]  # fewer dates than numbers: numbers
    assert made.counts["a"].astype(str).str.startswith("2024-03-07").tolist() == [True, True, False]
    assert made.notes[1] == "1 numbers that the workbook shows as dates were read as numbers"
    with pytest.raises(InputError, match="0 sheets with content"):
        read_count_table(workbook(tmp_path / "y.xlsx", []), "f")


def test_an_h5ad(tmp_path: Path) -> None:
    data = ad.AnnData(
        np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32),
        obs=pd.DataFrame(index=["a", "b"]),
        var=pd.DataFrame({"Gene Symbol": ["X", None]}, index=["G1", "G2"]),
    )
    data.layers["raw"] = data.X + 1
    data.write_h5ad(tmp_path / "x.h5ad")
    made = read_count_table(tmp_path / "x.h5ad", "f")
    assert made.counts.to_dict("list") == {"a": [1, 2], "b": [3, 4]}
    assert made.symbols is not None
    assert made.symbols.to_dict() == {"G1": "X", "G2": None}
    assert made.notes == ()
    made = read_count_table(tmp_path / "x.h5ad", "f", layer="raw")
    assert made.counts.to_dict("list") == {"a": [2, 3], "b": [4, 5]}
    assert made.notes == ("counts of layer raw",)
    data.X = None
    data.write_h5ad(tmp_path / "y.h5ad")
    with pytest.raises(InputError, match=r"the h5ad has no X.*counts.layer to one .*: raw"):
        read_count_table(tmp_path / "y.h5ad", "f")


def test_an_h5ad_without_layers_is_read_as_any_table(tmp_path: Path) -> None:
    data = ad.AnnData(estimates().T.to_numpy())
    data.write_h5ad(tmp_path / "x.h5ad")
    made = read_count_table(tmp_path / "x.h5ad", "f")
    assert made.symbols is None
    assert made.notes[0].startswith("estimated counts")
    data.layers["counts"] = np.round(data.X)
    data.write_h5ad(tmp_path / "x.h5ad")
    with pytest.raises(InputError, match=r"X of the h5ad holds no counts.*raw counts: counts"):
        read_count_table(tmp_path / "x.h5ad", "f")
