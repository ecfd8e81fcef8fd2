import pandas as pd
import pytest

from pathcall.counts.gene_ids import (
    annotate,
    as_given,
    check_mapped,
    detect_kind,
    guess_organism,
    strip_version,
)
from pathcall.errors import InputError

IDS = pd.DataFrame(
    [
        ("1", "ENSG00000000001", "AAA", "protein-coding", "OLD1|SHARED"),
        ("2", "ENSG00000000002", "BBB", "protein-coding", "SHARED"),
        ("3", "ENSG00000000002", "CCC", "ncRNA", ""),
        ("10", "ENSG00000000010", "DDD", "pseudo", ""),
    ],
    columns=["entrez_id", "ensembl_gene_id", "symbol", "gene_type", "aliases"],
)


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (["ENSG00000000003", "ENSG00000000005.2", "x"], "ensembl"),
        (["ENSMUSG00000000003", "ENSMUSG00000000005"], "ensembl"),
        (["1", "22", "x"], "entrez"),
        (["TP53", "HLA-A", "MT-CO1"], "symbol"),
    ],
)
def test_kinds_are_told_apart(ids: list[str], kind: str) -> None:
    assert detect_kind(ids, where="f") == kind


def test_unknown_ids_are_refused() -> None:
    with pytest.raises(InputError, match=r"neither.*1_at"):
        detect_kind(["1_at", "2_at", "3_at"], where="f")


@pytest.mark.parametrize(
    ("ids", "organism"),
    [
        ([f"ENSG0000000000{i}" for i in range(9)], "human"),
        ([f"ENSMUSG0000000000{i}.4" for i in range(9)], "mouse"),
        ([f"FBgn000000{i}" for i in range(9)], "fruit fly"),
        (["YAL001C", "YBR002W", "x"], "yeast"),
        ([f"Actb{i}" for i in range(30)], "mouse or rat"),
        (["Actb"] * 19, None),  # too few to tell
        (["Actb"] * 20, "mouse or rat"),
        (["Actb"] * 15 + ["ACTB"] * 15, None),
        (["ACTB"] * 30, None),
        (["101", "102"], None),
    ],
)
def test_the_organism_is_guessed_from_ids(ids: list[str], organism: str | None) -> None:
    assert guess_organism(ids) == organism


def test_another_organism_and_transcripts_are_named() -> None:
    with pytest.raises(InputError, match="fruit fly"):
        detect_kind([f"FBgn000000{i}" for i in range(9)], where="f")
    with pytest.raises(InputError, match="transcripts"):
        detect_kind([f"ENST0000000000{i}.1" for i in range(9)], where="f")


def test_versions_are_stripped() -> None:
    ids = ["ENSG00000000003.14", "ENSG00000000003", "ENSG00000000003.14_PAR_Y"]
    assert strip_version(ids) == ["ENSG00000000003"] * 3


def test_ensembl_ids_take_the_lowest_entrez_id() -> None:
    var = annotate(["ENSG00000000010", "ENSG00000000002", "ENSG00000000099"], "ensembl", IDS)
    assert var["symbol"].tolist() == ["DDD", "BBB", None]
    assert var["entrez_id"].tolist() == ["10", "2", None]
    assert var["mapped"].tolist() == [True, True, False]


def test_symbols_are_resolved_by_unique_aliases_only() -> None:
    var = annotate(["AAA", "OLD1", "SHARED", "ZZZ"], "symbol", IDS)
    assert var["symbol"].tolist() == ["AAA", "AAA", "SHARED", "ZZZ"]
    assert var["mapped"].tolist() == [True, True, False, False]


def test_the_sources_own_symbols_fill_in() -> None:
    own = pd.Series({"1": "WRONG", "77": "LOC77"})
    var = annotate(["1", "77", "78"], "entrez", IDS, symbols=own)
    assert var["symbol"].tolist() == ["AAA", "LOC77", None]
    assert var["mapped"].tolist() == [True, False, False]


def test_too_few_mapped_ids_stop_the_run() -> None:
    mapped = pd.Series([True, False, False], index=["a", "b", "c"])
    check_mapped(mapped, pd.Series([True, True, False]), "symbol", where="f")
    with pytest.raises(InputError, match=r"only 33% .* unknown ids such as b, c"):
        check_mapped(mapped, pd.Series([True, True, True]), "symbol", where="f")


def test_half_of_the_ids_are_not_most() -> None:
    for ids in (["ENSG00000000003", "1_at"], ["7", "1_at"], ["TP53", "1_at"]):
        with pytest.raises(InputError, match="neither"):
            detect_kind(ids, where="f")
    with pytest.raises(InputError, match="neither"):
        detect_kind([], where="f")


def test_half_of_the_ids_are_enough_to_map() -> None:
    mapped = pd.Series([True, False], index=["a", "b"])
    check_mapped(mapped, pd.Series([True, True]), "symbol", where="f")
    with pytest.raises(InputError, match="only 0%"):
        check_mapped(mapped, pd.Series([False, False]), "symbol", where="f")
    mouse = pd.Series(False, index=[f"ENSMUSG0000000000{i}" for i in range(6)])
    with pytest.raises(InputError, match=r"like those of mouse\).*such as ENSMUSG00000000000, "
                                         r"ENSMUSG00000000001, ENSMUSG00000000002 —"):  # fmt: skip
        check_mapped(mouse, pd.Series([True] * 6), "ensembl", where="f")


def test_ids_without_a_table_are_taken_as_they_are() -> None:
    plain = as_given(["g1", "g2"], None)
    assert plain["symbol"].tolist() == ["g1", "g2"]
    own = pd.Series({"g2": "TWO", "g1": None, "g3": "THREE"})
    named = as_given(["g1", "g2"], own)
    assert named["symbol"].tolist() == ["g1", "TWO"]
    assert named["gene_id"].tolist() == ["g1", "g2"]
    assert named[["entrez_id", "gene_type"]].isna().all(axis=None)
    twice = pd.Series(["ONE", "OTHER"], index=["g1", "g1"])
    assert as_given(["g1"], twice)["symbol"].tolist() == ["ONE"]
