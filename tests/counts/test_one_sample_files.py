import pandas as pd
import pytest

from pathcall.counts.one_sample_files import (
    SampleFile,
    combine_sample_files,
    read_sample_file,
    sample_of_path,
)
from pathcall.errors import InputError


@pytest.mark.parametrize(
    ("path", "sample"),
    [
        ("a/s1.txt", "s1"),
        ("a/s1.htseq.counts.txt.gz", "s1"),
        ("s1_ReadsPerGene.out.tab", "s1"),
        ("s1.genes.results", "s1"),
        ("s1_featureCounts.txt", "s1"),
        ("s1.gene_counts.csv", "s1"),
        ("runs\\s1\\quant.sf", "s1"),
        ("runs/s1/quant.genes.sf", "s1"),
        ("runs/s1/abundance.tsv", "s1"),
        ("runs/s1/counts.txt", "s1"),
        ("s1.sf", "s1"),
        ("counts.of.s1", "counts.of.s1"),
    ],
)
def test_a_sample_is_named_by_its_file(path: str, sample: str) -> None:
    assert sample_of_path(path) == sample


FEATURE = (
    "Geneid\tChr\tStart\tEnd\tStrand\tLength\tx.bam\nA\t1\t1\t9\t+\t9\t4\nB\t1\t1\t9\t+\t9\t5\n"
)


@pytest.mark.parametrize(
    ("text", "program", "columns", "first"),
    [
        ("A\t4\nB\t5\n", "gene and count", ["count"], [4, 5]),
        ("gene\tcount\nA\t4\nB\t5\n", "gene and count", ["count"], [4, 5]),
        ("A\t-4\nB\t5\n", "gene and count", ["count"], [-4, 5]),
        ("A\t4\nB\t5\n__no_feature\t1\n", "htseq-count", ["count"], [4, 5, 1]),
        ("A\t4\n__a\t1\n__b\t1\nB\t2\nC\t2\nD\t2\nE\t2\n", "htseq-count", ["count"], [4, 1, 1, 2]),
        ("A\t4\n__a\t1\nB\t2\nC\t2\nD\t2\nE\t2\nF\t2\nG\t2\n", "gene and count", ["count"], [4]),
        (FEATURE, "featureCounts", ["count"], [4, 5]),
        ("# Program:featureCounts v2\n" + FEATURE, "featureCounts", ["count"], [4, 5]),
        ("N_unmapped\t1\t1\t1\nA\t4\t1\t3\n", "STAR", ["unstranded", "forward", "reverse"], [1, 4]),
        ("gene_id\tlength\texpected_count\nA\t9\t4.5\nB\t9\t5\n", "RSEM", ["count"], [4.5, 5]),
        ("Name\tLength\tTPM\tNumReads\nA\t9\t1\t4.5\nB\t9\t1\t5\n", "salmon", ["count"], [4.5, 5]),
    ],
)  # fmt: skip
def test_programs_are_recognised(
    text: str, program: str, columns: list[str], first: list[float]
) -> None:
    made = read_sample_file(text, "f")
    assert made is not None
    assert made.program == program
    assert list(made.frame.columns) == columns
    assert made.frame[columns[0]].tolist()[: len(first)] == first


@pytest.mark.parametrize(
    "text", ["", "A\t4\n", "A\t4\t5\nB\t4\t5\n", "A\nB\n", "N_unmapped\t1\t1\nA\t4\t1\n"]
)
def test_other_files_are_none(text: str) -> None:
    assert read_sample_file(text, "f") is None


def star(forward: int, reverse: int) -> SampleFile:
    frame = pd.DataFrame(
        {"unstranded": [900, 10], "forward": [0, forward], "reverse": [900, reverse]},
        index=["N_noFeature", "A"],
    )
    return SampleFile("STAR", frame)


@pytest.mark.parametrize(
    ("shares", "column"),
    [
        ([(80, 20), (100, 0)], "forward"),
        ([(79, 21), (100, 0)], None),
        ([(20, 80), (0, 100)], "reverse"),
        ([(21, 79), (0, 100)], None),
        ([(40, 60), (60, 40), (0, 0)], "unstranded"),
        ([(39, 61), (50, 50)], None),
        ([(61, 39), (50, 50)], None),
        ([(80, 20), (20, 80)], None),
    ],
)
def test_the_strand_is_chosen_once_for_all_samples(
    shares: list[tuple[int, int]], column: str | None
) -> None:
    files = {f"s{i}": star(*pair) for i, pair in enumerate(shares)}
    if column is None:
        with pytest.raises(InputError, match="do not settle whether the libraries are stranded"):
            combine_sample_files(files, "f")
        return
    made = combine_sample_files(files, "f")
    assert made.notes == (f"{len(files)} tables of one sample each, STAR",
                          f"STAR's column for {column} reads")  # fmt: skip
    wanted = [{"forward": a, "reverse": b, "unstranded": 10}[column] for a, b in shares]
    assert made.counts.loc["A"].tolist() == wanted


def test_star_counts_that_are_none_are_placed() -> None:
    bad = star(80, 20)
    bad.frame["reverse"] = bad.frame["reverse"].astype(object)
    bad.frame.loc["A", "reverse"] = "x"
    with pytest.raises(InputError, match=r"not a number, or negative.*f, s, row A, value 'x'"):
        combine_sample_files({"s": bad}, "f")
    with pytest.raises(InputError, match=r"row A, value -1"):
        combine_sample_files({"s": star(-1, 20)}, "f")
    assert combine_sample_files({"s": star(0, 20)}, "f").counts["s"].tolist() == [900, 20]


def one(program: str, *counts: float) -> SampleFile:
    genes = [f"G{i}" for i in range(len(counts))]
    return SampleFile(program, pd.DataFrame({"count": counts}, index=genes))


def test_kinds_and_genes_must_agree() -> None:
    with pytest.raises(InputError, match="several kinds: RSEM, salmon"):
        combine_sample_files({"a": one("salmon", 1), "b": one("RSEM", 1)}, "f")
    with pytest.raises(InputError, match=r"differ in their genes.*f, b"):
        combine_sample_files({"a": one("htseq-count", 1, 2), "b": one("htseq-count", 1)}, "f")


def test_estimates_are_rounded_and_counts_are_not() -> None:
    made = combine_sample_files({"a": one("RSEM", 0.5, 1.5), "b": one("RSEM", 0.75, 3)}, "f")
    assert made.counts.to_numpy().tolist() == [[0, 1], [2, 3]]
    assert made.notes[-1] == "estimated counts: 3 decimal values rounded half to even"
    made = combine_sample_files({"a": one("htseq-count", 1.5, 2)}, "f")
    assert made.counts["a"].tolist() == [1.5, 2]
    assert len(made.notes) == 1
