"""A panel is read whole and without a silent choice, or file, line and value are named."""

import gzip
import shutil
from pathlib import Path

import pytest

from pathcall.errors import ConfigError
from pathcall.signatures.panel_files import check_panel, read_gene_ids, read_panel_files


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(root / "resources/panel", tmp_path / "panel"))


def refused(folder: Path) -> str:
    with pytest.raises(ConfigError) as error:
        check_panel(folder)
    assert "\n" not in error.value.line()
    return error.value.line()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_shipped_panel_passes(root: Path) -> None:
    assert len(check_panel(root / "resources/panel").readouts) == 41


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("gene_sets.tsv", "\tALDOA\t", '\t"ALDOA\t', ["not closed", "line 2"]),
        ("gene_sets.tsv", "\tALDOA\t", "\t1-Mar\t", ["not a gene symbol", "line 2", "'1-Mar'"]),
        ("gene_sets.tsv", "\tALDOA\t", "\tALDOA;TP53\t", ["not a gene symbol", "line 2"]),
        ("gene_sets.tsv", "\tALDOA\t", "\tNA\t", ["not a gene symbol", "line 2"]),
        ("gene_sets.tsv", "\tCREIGHTON_AKT1_SIGNALING_VIA_MTOR_DN\t", "\tNA\t", ["no gene_set"]),
        ("gene_sets.tsv", "collection\t", "Collection\t", ["did you mean 'Collection'"]),
        ("footprints.tsv", "-2.1766", "nan", ["weight", "not a finite number", "line 2", "'nan'"]),
        ("footprints.tsv", "-2.1766", "-2,1766", ["not a finite number", "line 2"]),
        ("footprints.tsv", "3.254e-06", "inf", ["p_value", "not a finite number", "line 2"]),
        ("footprints.tsv", "-2.1766", "0", ["says nothing", "line 2"]),
        ("footprints.tsv", "Androgen\tABCA12\t", "Androgen\tABCA1\t", ["twice", "line 3", "ABCA1"]),
        ("footprints.tsv", "PROGENy_1.20.0_human\tAndrogen\tABCA1\t",
         "other\tAndrogen\tABCA1\t", ["two footprint models", "Androgen"]),
        ("curated_sets.tsv", "CCL19\t+1", "CCL19\t+2", ["direction", "line 2", "write +1 or -1"]),
        ("curated_sets.tsv", "CCL19\t+1", "CCL19\tup", ["direction", "line 2", "'up'"]),
        ("curated_sets.tsv", "CCL21\t", "CCL19\t", ["twice", "line 3", "CCL19"]),
        ("readouts.tsv", "AKT\tAKT_C6_AKT_UP\t", "x/../../EVIL\tAKT_C6_AKT_UP\t",
         ["cannot be a file name", "'x/../../EVIL'"]),
        ("readouts.tsv", "AKT\tAKT_C6_AKT_UP\t", "NA\tAKT_C6_AKT_UP\t", ["cannot be a file name"]),
        ("readouts.tsv", "AKT\tAKT_C6_AKT_UP\t", "AKT\ta/b\t", ["cannot be a file name", "'a/b'"]),
        ("readouts.tsv", "AKT_UP.V1_UP|gene_sets.tsv:AKT_UP.V1_DN",
         "AKT_UP.V1_UP|gene_sets.tsv:AKT_UP.V1_UP", ["cancel out", "AKT_C6_AKT_UP"]),
        ("readouts.tsv", "AKT_UP.V1_UP|", "AKT_UP.V1_UPS|", ["did you mean 'AKT_UP.V1_UP'"]),
        ("readouts.tsv", "gene_sets.tsv:AKT_UP.V1_UP|", "gene_set.tsv:AKT_UP.V1_UP|",
         ["did you mean 'gene_sets.tsv'"]),
        ("readouts.tsv", "gene_sets.tsv:AKT_UP.V1_DN",
         "gene_sets.tsv:AKT_UP.V1_DN|gene_sets.tsv:MEK_UP.V1_UP", ["too many arms"]),
        ("readouts.tsv", "footprint\tfootprints.tsv:PI3K", "gene_set\tfootprints.tsv:PI3K",
         ["does not fit its members"]),
        ("readouts.tsv", "\tevidence\t", "\tEvidence\t", ["did you mean 'evidence'", "line 2"]),
    ],
)  # fmt: skip
def test_a_slip_is_named(folder: Path, file: str, old: str, new: str, words: list[str]) -> None:
    edit(folder / file, old, new)
    line = refused(folder)
    for word in [*words, file]:
        assert word in line


def test_a_set_of_two_collections_is_refused(folder: Path) -> None:
    with (folder / "gene_sets.tsv").open("a") as stream:
        stream.write("ZZ:OTHER\tHALLMARK_MTORC1_SIGNALING\tTP53\t\n")
    line = refused(folder)
    assert "defined twice" in line
    assert "HALLMARK_MTORC1_SIGNALING" in line
    assert "ZZ:OTHER" in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("S d TP53 MDM2\n", ["no tabs", "line 1", "'S d TP53 MDM2'"]),
        ("S\td\tTP53 MDM2\n", ["not a gene symbol", "line 1", "'TP53 MDM2'"]),
        ("S\td\tTP53,1.0\n", ["not a gene symbol", "line 1"]),
        ("S\td\tTP53\nS\td\tMDM2\n", ["defined twice", "line 2", "'S'"]),
        ("S\td\n", ["no genes", "line 1"]),
        ("\td\tTP53\n", ["no name", "line 1"]),
        ("HALLMARK_HYPOXIA\td\tTP53\n", ["defined twice", "HALLMARK_HYPOXIA"]),
        ("S\td\tµ\n".encode("latin-1"), ["not UTF-8", "line 1"]),
    ],
)
def test_a_slip_in_a_gmt_file_is_named(
    folder: Path, content: str | bytes, words: list[str]
) -> None:
    path = folder / "own.gmt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    line = refused(folder)
    for word in [*words, "own.gmt"]:
        assert word in line


def test_comments_blank_lines_and_line_ends_of_a_gmt_file(folder: Path) -> None:
    (folder / "own.gmt").write_text('\ufeff# of a paper\r\n\r\n"S"\td\t"TP53"\tMDM2\t\tTP53\t\r\n')
    assert read_panel_files(folder).gene_sets["S"].genes == ("MDM2", "TP53")
    (folder / "own.gmt").rename(folder / "own.GMT")
    assert "own.GMT" in refused(folder)


def test_a_panel_without_evidence_is_refused(folder: Path) -> None:
    path = folder / "readouts.tsv"
    path.write_text(path.read_text().replace("\tevidence\t", "\tcontext\t"))
    assert "no readout that is evidence" in refused(folder)


def test_a_readout_of_foreign_symbols_is_refused(folder: Path) -> None:
    (folder / "own.gmt").write_text("MOUSE\td\tTrp53\tMdm2\tCdkn1a\n")
    with (folder / "readouts.tsv").open("a") as stream:
        stream.write("P53\tP53_MOUSE\tgene_set\town.gmt:MOUSE\t+1\tevidence\t-\t-\t-\t-\t-\n")
    line = refused(folder)
    assert "P53_MOUSE" in line
    assert "'Cdkn1a'" in line


@pytest.mark.parametrize("kind", ["cut", "junk", "empty", "text", "header", "row"])
def test_damaged_gene_ids_are_named(folder: Path, kind: str) -> None:
    path = folder / "gene_ids.tsv.gz"
    whole = path.read_bytes()
    text = gzip.decompress(whole)
    path.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "junk": b"\x1f\x8b junk",
            "empty": b"",
            "text": text,
            "header": gzip.compress(text.replace(b"symbol", b"Symbol", 1), 1),
            "row": gzip.compress(text + b"1\t2\n", 1),
        }[kind]
    )
    with pytest.raises(ConfigError, match=r"gene ids.*gene_ids\.tsv\.gz"):
        read_gene_ids(folder)
