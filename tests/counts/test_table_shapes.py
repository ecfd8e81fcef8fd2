"""Every shape of table that people hold: right to the last count, or one line that says why not."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import openpyxl
import pandas as pd
import pytest

from pathcall.counts.given import read_given
from pathcall.counts.matrix import Assembly, assemble_counts
from pathcall.counts.readers import read_count_table
from pathcall.errors import PathcallError
from pathcall.signatures.panel import load_panel
from pathcall.study.sample_sheet import Sheet

SAMPLES = ["ctrl_1", "ctrl_2", "drug_1", "drug_2"]
N = 6_000
HOUSE = ["ACTB", "GAPDH", "EEF1A1", "RPLP0", "RPS6", "TPT1", "UBC", "ACTG1", "EEF2", "RPL3", "RPL4",
         "PPIA"]  # fmt: skip


@pytest.fixture(scope="module")
def gene_ids(root: Path) -> pd.DataFrame:
    return load_panel(root / "resources/panel").gene_ids


@pytest.fixture(scope="module")
def truth(gene_ids: pd.DataFrame) -> pd.DataFrame:
    """Counts of real genes, housekeeping genes among them, by Ensembl id."""
    genes = gene_ids[gene_ids["ensembl_gene_id"] != ""].drop_duplicates("ensembl_gene_id")
    genes = genes.drop_duplicates("symbol")
    house = genes["symbol"].isin(HOUSE)
    special = genes["symbol"].isin(["SEPTIN2", "SEPTIN7", "MARCHF7", "MARCHF1", "MTARC1"])
    kept = pd.concat([genes[house | special], genes[~house & ~special].head(N)])
    rng = np.random.default_rng(3)
    mean = rng.gamma(0.6, 300, len(kept))
    mean[: int((house | special).sum())] = 2_000
    counts = rng.poisson(mean[:, None] * rng.uniform(0.8, 1.2, (1, len(SAMPLES))))
    frame = pd.DataFrame(counts, index=kept["ensembl_gene_id"].to_numpy(), columns=SAMPLES)
    frame.insert(0, "symbol", kept["symbol"].to_numpy())
    return frame


def counts_of(truth: pd.DataFrame) -> pd.DataFrame:
    return truth[SAMPLES]


def by_symbol(truth: pd.DataFrame) -> pd.DataFrame:
    return truth.set_index("symbol")[SAMPLES]


def r_table(frame: pd.DataFrame, sep: str = "\t", quote: str = '"') -> str:
    """As R's write.table(x, quote = TRUE): no name above the row names."""
    head = sep.join(f"{quote}{c}{quote}" for c in frame.columns)
    rows = (
        sep.join([f"{quote}{i}{quote}", *(str(v) for v in row)])
        for i, row in zip(frame.index, frame.to_numpy(), strict=True)
    )
    return "\n".join([head, *rows]) + "\n"


def tsv(frame: pd.DataFrame, **how: object) -> str:
    return frame.to_csv(sep="\t", index_label=how.pop("label", "gene_id"), **how)


def feature_counts(truth: pd.DataFrame) -> str:
    names = [f"/data/bam/{s}Aligned.sortedByCoord.out.bam" for s in SAMPLES]
    frame = counts_of(truth).set_axis(names, axis=1)
    for i, (name, value) in enumerate(
        {"Chr": "1;1", "Start": "1;7", "End": "5;9", "Strand": "+;+", "Length": 8}.items()
    ):
        frame.insert(i, name, value)
    return "# Program:featureCounts v2.0.1; Command:x\n" + tsv(frame, label="Geneid")


def nf_core(truth: pd.DataFrame) -> str:
    frame = counts_of(truth).astype(float)
    frame.iloc[::3] = frame.iloc[::3] + 0.25
    frame.insert(0, "gene_name", truth["symbol"])
    return tsv(frame)


def rsem(truth: pd.DataFrame) -> str:
    frame = counts_of(truth).astype(float) + 0.25
    frame.insert(0, "transcript_id(s)", "t1,t2")
    return tsv(frame)


def with_excel_dates(truth: pd.DataFrame, **names: str) -> str:
    frame = by_symbol(truth)
    return tsv(frame.rename(index=names), label="symbol")


TEXTS: dict[str, Callable[[pd.DataFrame], str]] = {
    "tsv": lambda t: tsv(counts_of(t)),
    "csv": lambda t: counts_of(t).to_csv(index_label="gene_id"),
    "R write.table": lambda t: r_table(counts_of(t)),
    "R write.table unquoted": lambda t: r_table(counts_of(t), quote=""),
    "R write.table, blanks": lambda t: r_table(counts_of(t), sep=" "),
    "R write.csv": lambda t: '""' + r_table(counts_of(t), ",").replace("", ",", 1),
    "R write.csv of a data frame with ids in a column": lambda t: (
        counts_of(t).rename_axis("gene").reset_index().set_axis(range(1, len(t) + 1)).to_csv()
    ),
    "R write.csv2": lambda t: counts_of(t).to_csv(sep=";", index_label="gene_id"),
    "Length first in a header one short": lambda t: tsv(
        counts_of(t).assign(Length=900)[["Length", *SAMPLES]]
    ).replace("gene_id\t", "", 1),
    "featureCounts": feature_counts,
    "nf-core salmon.merged.gene_counts": nf_core,
    "RSEM matrix": rsem,
    "decimals like 12.0": lambda t: tsv(counts_of(t).astype(float)),
    "CRLF": lambda t: tsv(counts_of(t)).replace("\n", "\r\n"),
    "old Mac line ends": lambda t: tsv(counts_of(t)).replace("\n", "\r"),
    "byte order mark": lambda t: "\ufeff" + tsv(counts_of(t)),
    "a stray quote in an id": lambda t: tsv(counts_of(t)).replace("ENSG", '5"-', 1),
    "blank lines at the end": lambda t: tsv(counts_of(t)) + "\n\n",
    "a separator after the header": lambda t: tsv(counts_of(t)).replace("\n", "\t\n", 1),
    "a separator after each row": lambda t: tsv(counts_of(t)).replace("\n", "\t\n"),
    "version suffixes": lambda t: tsv(counts_of(t).rename(index=lambda i: f"{i}.12")),
    "symbols": lambda t: tsv(by_symbol(t), label="symbol"),
    "header begins with #": lambda t: "#" + tsv(counts_of(t)),
    "blanks around cells": lambda t: tsv(counts_of(t)).replace("\t", "\t "),
    "transposed": lambda t: counts_of(t).T.to_csv(sep="\t", index_label="sample"),
    "more samples than the sheet": lambda t: tsv(counts_of(t).assign(other=5)),
    "R write.table of a data frame with gene_id in a column": lambda t: r_table(
        counts_of(t).rename_axis("gene_id").reset_index().set_axis(range(1, len(t) + 1))
    ),
    "numbered rows with gaps before the ids": lambda t: (
        counts_of(t)
        .rename_axis("gene")
        .reset_index()
        .set_axis(range(3, 2 * len(t) + 3, 2))
        .to_csv()
    ),
    "summary rows of featureCounts": lambda t: (
        tsv(counts_of(t)) + "Unassigned_NoFeatures\t9\t9\t9\t9\nUnassigned_Ambiguity\t1\t1\t1\t1\n"
    ),
    "summary rows of an old htseq-count": lambda t: (
        tsv(counts_of(t)) + "no_feature\t9\t9\t9\t9\nnot_aligned\t1\t1\t1\t1\n"
    ),
    "summary rows of htseq-count": lambda t: (
        tsv(counts_of(t)) + "__no_feature\t9\t9\t9\t9\n__ambiguous\t1\t1\t1\t1\n"
    ),
    "exponents": lambda t: tsv(counts_of(t)).replace("\t1000\t", "\t1e3\t"),
    "2-Sep": lambda t: with_excel_dates(t, SEPTIN2="2-Sep"),
    "Sep-02 and 07.Mrz": lambda t: with_excel_dates(t, SEPTIN2="Sep-02", MARCHF7="07.Mrz"),
    "ISO date and serial number": lambda t: with_excel_dates(
        t, SEPTIN7="2024-09-07", MARCHF7="45358"
    ),
    "7-sept.": lambda t: with_excel_dates(t, SEPTIN7="7-sept."),
}
NAMES = {"nf-core salmon.merged.gene_counts": "salmon.merged.gene_counts.tsv",
         "RSEM matrix": "rsem.expected_count.txt"}  # fmt: skip


def assembled(path: Path | list[Path], gene_ids: pd.DataFrame, **how: object) -> Assembly:
    paths = [str(p) for p in (path if isinstance(path, list) else [path])]
    table = read_given(paths, **how)
    rows = {s: {"drug": s.split("_")[0]} for s in SAMPLES}
    return assemble_counts(
        table.counts, Sheet("samples.tsv", ("drug",), rows, {}), gene_ids,
        where=paths[0], symbols=table.symbols,
    )  # fmt: skip


def check(found: Assembly, truth: pd.DataFrame) -> None:
    """The counts of the unmutated table, gene by gene."""
    frame = found.data.to_df().T
    frame.index = found.data.var["symbol"].to_numpy()
    wanted = by_symbol(truth)
    stray = [i for i in frame.index if i not in wanted.index]
    assert len(stray) <= 1  # the id with a stray quote
    wanted = wanted if not stray else wanted.iloc[1:]
    frame = frame.loc[wanted.index, SAMPLES]
    np.testing.assert_array_equal(frame.to_numpy(), wanted.to_numpy())
    assert len(found.data.var) == len(truth)


@pytest.mark.parametrize("shape", TEXTS)
def test_a_text_table_is_right_to_the_last_count(
    shape: str, tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    path = tmp_path / NAMES.get(shape, "counts.txt")
    path.write_text(TEXTS[shape](truth), encoding="utf-8", newline="")
    check(assembled(path, gene_ids), truth)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "gzip"])
def test_other_encodings(
    encoding: str, tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    text = tsv(counts_of(truth).assign(name="é"))
    path = tmp_path / ("counts.tsv.gz" if encoding == "gzip" else "counts.tsv")
    raw = gzip.compress(text.encode()) if encoding == "gzip" else text.encode(encoding)
    path.write_bytes(raw)
    check(assembled(path, gene_ids), truth)


@pytest.mark.slow
def test_a_workbook(tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame) -> None:
    path = tmp_path / "counts.xlsx"
    by_symbol(truth).to_excel(path)
    check(assembled(path, gene_ids), truth)
    book = openpyxl.load_workbook(path)
    book.create_sheet("notes")["A1"] = "x"
    book.save(path)
    with pytest.raises(PathcallError, match="2 sheets with content: Sheet1, notes"):
        assembled(path, gene_ids)


@pytest.mark.slow
def test_a_workbook_that_made_dates_of_symbols(
    tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    frame = by_symbol(truth)
    dates = {"SEPTIN2": pd.Timestamp("2024-09-02"), "MARCHF7": pd.Timestamp("2024-03-07")}
    frame.index = pd.Index([dates.get(i, i) for i in frame.index], dtype=object)
    frame.to_excel(tmp_path / "counts.xlsx")
    found = assembled(tmp_path / "counts.xlsx", gene_ids)
    check(found, truth)
    assert any("2 restored, 0 left out" in note for note in found.notes)


@pytest.mark.slow
def test_a_workbook_that_shows_counts_as_dates(
    tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    path = tmp_path / "counts.xlsx"
    by_symbol(truth).to_excel(path)
    book = openpyxl.load_workbook(path)
    for cell in book.active[5][1:]:  # the row of a symbol that was typed as a date
        cell.number_format = "d-mmm"
    book.save(path)
    check(assembled(path, gene_ids), truth)
    shown = f"{len(SAMPLES)} numbers that the workbook shows as dates were read as numbers"
    assert shown in read_given([str(path)]).notes


def test_ids_in_a_later_column(tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame) -> None:
    frame = counts_of(truth)
    table = frame.assign(ensembl_id=frame.index, mean_count=1.5)
    table.insert(0, "first", table.pop(frame.columns[0]) + 0.25)  # decimals: no ids
    path = tmp_path / "counts.tsv"
    path.write_text(table.to_csv(sep="\t", index=False))
    read = read_count_table(path, "counts.tsv")
    assert list(read.counts.index) == list(frame.index)
    assert "gene ids are in column ensembl_id" in read.notes
    np.testing.assert_array_equal(read.counts["first"], frame.iloc[:, 0] + 0.25)


def test_dates_that_could_be_two_symbols_are_left_out_and_counted(
    tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    path = tmp_path / "counts.tsv"
    path.write_text(with_excel_dates(truth, MARCHF1="1-Mar", MTARC1="1-Mar"))
    found = assembled(path, gene_ids)
    assert any("0 restored, 2 left out" in note for note in found.notes)
    assert not {"MARCHF1", "MTARC1", "1-Mar"} & set(found.data.var["symbol"])


@pytest.mark.parametrize("layer", [None, "counts"])
def test_h5ad(
    layer: str | None, tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    data = ad.AnnData(counts_of(truth).T.astype(np.float32))
    if layer:
        data.layers["counts"] = data.X.copy()
        data.X = np.log1p(data.X)
    data.write_h5ad(tmp_path / "x.h5ad")
    check(assembled(tmp_path / "x.h5ad", gene_ids, layer=layer), truth)
    if layer:
        with pytest.raises(PathcallError, match=r"set counts.layer.*counts"):
            assembled(tmp_path / "x.h5ad", gene_ids)
        with pytest.raises(PathcallError, match=r"no such layer.*'raw'"):
            assembled(tmp_path / "x.h5ad", gene_ids, layer="raw")


def one_file_a_sample(kind: str, column: pd.Series) -> str:
    if kind == "htseq":
        rows = "".join(f"{g}\t{c}\n" for g, c in column.items())
        return rows + "__no_feature\t5\n__ambiguous\t1\n"
    if kind == "STAR":
        rows = "".join(f"{g}\t{c + c // 30}\t{c // 30}\t{c}\n" for g, c in column.items())
        return "N_unmapped\t9\t9\t9\nN_multimapping\t9\t9\t9\nN_noFeature\t9\t9\t9\n" + rows
    head = "Name\tLength\tEffectiveLength\tTPM\tNumReads\n"
    return head + "".join(f"{g}\t9\t9\t1\t{c + 0.2}\n" for g, c in column.items())


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("htseq", "{}.htseq.txt"),
        ("STAR", "{}ReadsPerGene.out.tab"),
        ("STAR", "{}.ReadsPerGene.out.tab.gz"),
        ("salmon", "{}/quant.genes.sf"),
    ],
)
def test_one_file_a_sample(
    kind: str, file: str, tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    paths = []
    for sample in SAMPLES:
        path = tmp_path / file.format(sample)
        path.parent.mkdir(exist_ok=True)
        raw = one_file_a_sample(kind, truth[sample]).encode()
        path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
        paths.append(path)
    check(assembled(paths, gene_ids), truth)
    lines = paths[1].read_bytes()
    if kind == "STAR" and paths[1].suffix != ".gz":
        for wrong, words in ((b"\tx7", "not a number"), (b"\t-7", "negative")):
            paths[1].write_bytes(lines.replace(b"\t7", wrong, 1))
            with pytest.raises(PathcallError, match=words):
                assembled(paths, gene_ids)
    if paths[1].suffix != ".gz":  # a file cut at the end of a line
        paths[1].write_bytes(lines[: lines.rindex(b"\n", 0, len(lines) // 2) + 1])
        with pytest.raises(PathcallError, match=r"differ in their genes|several kinds"):
            assembled(paths, gene_ids)


def twice(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame])


def silent_housekeeping(truth: pd.DataFrame) -> str:
    """Every gene that a cell must express is at zero: the ids belong to other rows."""
    return tsv(by_symbol(truth).mul(~truth["symbol"].isin(HOUSE).to_numpy(), axis=0))


def ids_of_other_rows(truth: pd.DataFrame) -> str:
    """Sorted by symbol, but for the column of ids."""
    frame = counts_of(truth).set_axis(truth.index[::-1])
    frame.insert(0, "gene_name", truth["symbol"].to_numpy())
    return tsv(frame)


def with_total(truth: pd.DataFrame) -> str:
    total = "\t".join(map(str, counts_of(truth).sum()))
    return tsv(counts_of(truth)) + f"Total\t{total}\n"


def with_highest_row_again(truth: pd.DataFrame) -> str:
    frame = counts_of(truth)
    return tsv(pd.concat([frame, frame.loc[[frame.min(axis=1).idxmax()]]]))


REFUSED: dict[str, tuple[Callable[[pd.DataFrame], str], str]] = {
    "counts as ids": (
        lambda t: tsv(counts_of(t).assign(x=7).set_index("ctrl_1").rename_axis("gene_id")).replace(
            "drug_2\tx", "drug_2\tctrl_1", 1
        ),
        "look like counts",
    ),
    "a header that lost a name": (
        lambda t: tsv(counts_of(t)).replace("ctrl_2\t", "", 1), "one name too few",
    ),
    "rows numbered, no ids": (
        lambda t: tsv(counts_of(t).sample(frac=0.9, random_state=1).set_axis(
            range(1, round(0.9 * len(t)) + 1)).iloc[::-1]),
        "number the rows|numbers the rows",
    ),
    "ids of other rows": (ids_of_other_rows, "ids and symbols of the table disagree"),
    "a row of totals": (with_total, "'Total' is the sum of all others"),
    "one row pasted twice": (with_highest_row_again, "1 rows stand in the table twice"),
    "a sample's column copied": (
        lambda t: tsv(counts_of(t).assign(drug_2=t["drug_1"])),
        "'drug_1' and 'drug_2' have the same counts",
    ),
    "an open quote before an id": (
        lambda t: tsv(counts_of(t)).replace("ENSG", '"ENSG', 1),
        "a quote that is not closed.*row 1",
    ),
    "points for thousands": (
        lambda t: tsv(counts_of(t).map(lambda v: f"{v:,}".replace(",", "."))),
        "not integers",
    ),
    "points for thousands in one sample": (
        lambda t: tsv(counts_of(t).assign(ctrl_1=[
            f"{v:,}".replace(",", ".") for v in t["ctrl_1"]])),
        "not integers",
    ),
    "means of two": (lambda t: tsv(counts_of(t) / 2), "normalised or estimated"),
    "one decimal by mistake": (
        lambda t: tsv(counts_of(t).astype(object).where(
            counts_of(t).index.to_series().ne(t.index[5]), 7.5)),
        "not integers.*7.5",
    ),
    "log values, rounded": (
        lambda t: tsv(np.log2(counts_of(t) + 1).round().astype(int)),
        "largest count is|normalised and rounded",
    ),
    "log values in quarters": (
        lambda t: tsv((np.log2(counts_of(t) + 1) * 4).round() / 4), "log values",
    ),
    "decimal commas": (
        lambda t: tsv(counts_of(t)).replace("\n", ",5\n").replace(",5", "", 1), "without commas",
    ),
    "beyond any integer": (
        lambda t: tsv(counts_of(t).astype(object).assign(ctrl_1=10**20)), r"exceeds 2\^53",
    ),
    "pasted twice": (lambda t: tsv(twice(counts_of(t))), "stand in the table twice"),
    "transcripts as genes": (
        lambda t: tsv(counts_of(t).rename(index=lambda i: i.replace("ENSG", "ENST"))),
        "transcripts",
    ),
    "many rows of one gene": (
        lambda t: tsv(by_symbol(t).set_axis(["ACTB"] * 3_000 + list(by_symbol(t).index[3_000:]))),
        "occurs before",
    ),
    "rows without an id": (
        lambda t: tsv(by_symbol(t).set_axis([""] * 900 + list(by_symbol(t).index[900:]))),
        "no gene id",
    ),
    "TRUE and FALSE": (lambda t: tsv(counts_of(t).assign(drug_2=True)), "TRUE or FALSE"),
    "complex": (lambda t: tsv(counts_of(t).assign(drug_2="1+2j")), "no|not a number"),
    "thousands separators": (lambda t: tsv(counts_of(t)).replace("\t1", "\t1,", 9), "not a number"),
    "fly": (
        lambda t: tsv(counts_of(t).set_axis([f"FBgn{i:07d}" for i in range(len(t))])), "fruit fly",
    ),
    "mouse": (
        lambda t: tsv(counts_of(t).rename(index=lambda i: i.replace("ENSG", "ENSMUSG"))), "mouse",
    ),
    "silent housekeeping genes": (silent_housekeeping, "housekeeping"),
    "a row cut": (lambda t: tsv(counts_of(t))[:-3].rsplit("\t", 1)[0], "cells where most have"),
    "an unclosed quote in a csv": (
        lambda t: counts_of(t).to_csv(index_label="gene_id").replace("ENSG", '"ENSG', 1),
        "line 2.*close the quote|quoted cell",
    ),
    "two columns of one name": (
        lambda t: tsv(counts_of(t)).replace("ctrl_2", "ctrl_1", 1), "same name",
    ),
    "NUL": (lambda t: tsv(counts_of(t)).replace("ENSG", "\0ENSG", 1), "control character"),
    "no numbers": (lambda t: "gene_id\tctrl_1\na\tb\nc\td\n", "no column holds numbers"),
    "one column": (lambda t: "gene_id\na\nb\n", "separator"),
    "empty": (lambda t: "", "empty"),
    "blanks only": (lambda t: " \n\t\n", "empty"),
    "HTML": (lambda t: "<!DOCTYPE html>\n<html><body>x</body></html>\n", "no column|table"),
    "TPM": (
        lambda t: tsv(counts_of(t) / counts_of(t).sum() * 1e6), r"TPM or CPM",
    ),
    "normalised by size factors": (
        lambda t: tsv(counts_of(t) / np.array([1.1, 0.93, 0.87, 1.21])), "normalised or estimated",
    ),
    "one decimal among integers": (
        lambda t: tsv(counts_of(t)).replace("\t1\t", "\t1.5\t", 1), "not integers",
    ),
    "log values": (lambda t: tsv(np.log2(counts_of(t) + 1)), "log values"),
}  # fmt: skip


@pytest.mark.parametrize("shape", REFUSED)
def test_a_wrong_table_ends_in_one_line(
    shape: str, tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    make, words = REFUSED[shape]
    path = tmp_path / "counts.txt"
    path.write_text(make(truth), encoding="utf-8", newline="")
    with pytest.raises(PathcallError, match=words) as error:
        assembled(path, gene_ids)
    line = error.value.line()
    assert "\n" not in line
    assert "counts.txt" in line


def test_links_out_of_an_h5ad_are_refused(
    tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    data = ad.AnnData(counts_of(truth).T)
    data.write_h5ad(tmp_path / "a.h5ad")
    data.write_h5ad(tmp_path / "b.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "a") as file:
        del file["X"]
        file["X"] = h5py.ExternalLink("b.h5ad", "/X")
    with pytest.raises(PathcallError, match="takes data from another file"):
        assembled(tmp_path / "a.h5ad", gene_ids)


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_a_damaged_h5ad_is_named(
    content: bytes | None, tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    path = tmp_path / "x.h5ad"
    ad.AnnData(counts_of(truth).T).write_h5ad(path)
    path.write_bytes(path.read_bytes()[:-5_000] if content is None else content)
    with pytest.raises(PathcallError, match=r"h5ad.*x\.h5ad"):
        assembled(path, gene_ids)


@pytest.mark.parametrize("name", ["x.xlsx", "x.tsv.gz", "x.rds", "x.tsv"])
def test_a_file_that_is_not_what_its_name_says(name: str, tmp_path: Path) -> None:
    raw = io.BytesIO()
    pd.DataFrame({"a": [1]}).to_excel(raw)
    content = {"x.xlsx": b"gene\ta\n", "x.tsv.gz": b"\x1f\x8bjunk", "x.rds": b"x"}
    (tmp_path / name).write_bytes(content.get(name, raw.getvalue()))
    with pytest.raises(PathcallError, match=name):
        read_given([str(tmp_path / name)])


@pytest.mark.parametrize(
    "name", ["rsem.fpkm.counts.txt", "salmon.vst.txt", "kallisto_norm_counts.txt"]
)
def test_a_name_does_not_make_estimated_counts_of_normalised_values(
    name: str, tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    (tmp_path / name).write_text(tsv(counts_of(truth) * np.array([0.9, 1.1, 1.2, 0.7])))
    with pytest.raises(PathcallError, match="not integers"):
        assembled(tmp_path / name, gene_ids)


@pytest.mark.slow
def test_formatted_but_empty_columns_of_a_workbook(
    tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    path = tmp_path / "counts.xlsx"
    by_symbol(truth).to_excel(path)
    book = openpyxl.load_workbook(path)
    for column in range(7, 10):
        book.active.cell(3, column).number_format = "0.00"
    book.save(path)
    check(assembled(path, gene_ids), truth)


@pytest.mark.parametrize("dtype", [bool, complex])
def test_an_h5ad_of_no_counts(
    dtype: type, tmp_path: Path, truth: pd.DataFrame, gene_ids: pd.DataFrame
) -> None:
    data = ad.AnnData(counts_of(truth).T.astype(np.float32))
    data.layers["x"] = data.X.astype(dtype)
    data.write_h5ad(tmp_path / "x.h5ad")
    with pytest.raises(PathcallError, match="TRUE or FALSE, or a complex number"):
        assembled(tmp_path / "x.h5ad", gene_ids, layer="x")
