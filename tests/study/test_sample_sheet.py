from pathlib import Path

import pytest

from pathcall.errors import ConfigError
from pathcall.sample_columns import COMPUTED, FITTED
from pathcall.study.sample_sheet import RESERVED, read_sheet
from pathcall.tables import SAMPLES

GOOD = (
    "sample\tdrug\thours\texclude\texclude_reason\n"
    "a\tv\t6\tno\t\n"
    "b\tx\t6\tyes\tfailed\n"
    "c\tx\tNA\t\t\n"
)


def write(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "samples.tsv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_sheet_is_read(tmp_path: Path) -> None:
    sheet = read_sheet(write(tmp_path, GOOD))
    assert sheet.columns == ("drug", "hours")
    assert sheet.included == ("a", "c")
    assert sheet.excluded == {"b": "failed"}
    assert sheet.rows["c"] == {"drug": "x", "hours": ""}


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\tv\t", "\t v \t"),
        GOOD + "\n\n",
    ],
    ids=["bom", "crlf", "spaces", "blank lines"],
)
def test_harmless_differences_give_the_same_sheet(tmp_path: Path, content: str | bytes) -> None:
    expected = read_sheet(write(tmp_path, GOOD))
    assert read_sheet(write(tmp_path, content)) == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("sample,drug\na,v\n", ["not tab-separated", "','"]),
        ("sample;drug\na;v\n", ["not tab-separated", "';'"]),
        ("", ["not tab-separated"]),
        ("name\tdrug\na\tv\n", ["lacks a column", "'sample'"]),
        ("sample\tdrug\n", ["no rows"]),
        ("sample\tdrug\na\tv\na\tx\n", ["listed twice", "'a'"]),
        ("sample\tdrug\n\tv\n", ["no sample", "line 2"]),
        ("sample\tdrug\tdrug\na\tv\tx\n", ["column twice", "'drug'"]),
        ("sample\tcell line\na\tv\n", ["name that a design cannot use", "'cell line'"]),
        ("sample\tdrug\texclude\na\tv\tmaybe\n", ["neither yes nor no", "'maybe'"]),
        ("sample\tdrug\texclude\na\tv\tyes\n", ["every sample is excluded"]),
        ("sample\tdrug\na\tv\tw\n", ["more values than columns", "line 2", "'w'"]),
        ("sample\tdrug\na\t0.1µM\n".encode("latin-1"), ["not UTF-8"]),
        (b"sample\tdrug\na\t\0v\n", ["NUL", "line 2"]),
    ],
)
def test_a_bad_sheet_is_refused(tmp_path: Path, content: str | bytes, words: list[str]) -> None:
    path = write(tmp_path, content)
    with pytest.raises(ConfigError) as error:
        read_sheet(path)
    for word in [*words, str(path)]:
        assert word in error.value.line()


def test_a_missing_sheet_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        read_sheet(tmp_path / "none.tsv")


def test_selection(tmp_path: Path) -> None:
    sheet = read_sheet(write(tmp_path, GOOD))
    assert sheet.select({"drug": ["x"]}, what="m") == ("c",)
    assert sheet.select({}, what="m") == ("a", "c")
    with pytest.raises(ConfigError, match="lacks a column"):
        sheet.select({"dose": ["1"]}, what="m")
    with pytest.raises(ConfigError, match=r"matches no included sample.*'y'"):
        sheet.select({"drug": ["x", "y"]}, what="m")


@pytest.mark.parametrize(
    "column",
    [name for name in SAMPLES.columns if name != "sample"]
    + ["Size_Factor", "geo_title", "size_factors", "replaceable"],
)
def test_a_factor_can_not_have_the_name_of_a_computed_column(tmp_path: Path, column: str) -> None:
    path = write(tmp_path, GOOD.replace("drug", column))
    with pytest.raises(ConfigError, match=rf"name that is taken.*'{column}'"):
        read_sheet(path)


def test_what_is_computed_is_what_the_table_of_samples_holds() -> None:
    assert ["sample", *COMPUTED] == list(SAMPLES.columns)
    assert set(RESERVED) == {"sample", "exclude", "exclude_reason", *COMPUTED, *FITTED}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("exclude\t", "Exclude\t", ["looks like `exclude`", "'Exclude'"]),
        ("exclude\t", "excluded\t", ["looks like `exclude`", "'excluded'"]),
        ("exclude_reason", "exclude_reasn", ["looks like `exclude_reason`"]),
        ("drug", "SAMPLE", ["looks like `sample`"]),
        ("drug", "d" * 101, ["a design cannot use"]),
        ("yes\tfailed", "\tfailed", ["a reason to be excluded", "line 3", "(b)"]),
        ("yes\tfailed", "true\tfailed", ["neither yes nor no", "line 3", "'true'"]),
        ("a\tv", "NA\tv", ["no sample", "line 2"]),
    ],
)
def test_what_would_keep_an_excluded_sample_is_refused(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as error:
        read_sheet(write(tmp_path, GOOD.replace(old, new)))
    for word in [*words, "samples.tsv"]:
        assert word in error.value.line()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("DMSO", "dmso"), ("wild type", "wild-type"), ("6", "6.0"), ("6", "06"), ("0.1µM", "0.1μM"),
        ("A375 R", "A375  R"), ("caf\u00e9", "cafe\u0301"), ("1e3", "1000"), ("a\u200bb", "ab"),
        ("1\u200b", "1"),
    ],
)  # fmt: skip
def test_two_spellings_of_a_level_are_refused(tmp_path: Path, one: str, two: str) -> None:
    sheet = read_sheet(write(tmp_path, f"sample\tdrug\na\t{one}\nb\t{two}\nc\tother\n"))
    with pytest.raises(ConfigError, match=r"differ in spelling only.*'drug'.*\(a\).*\(b\)"):
        sheet.check_levels(["drug"])


@pytest.mark.parametrize(
    ("one", "two"),
    [("+/-", "-/-"), ("CD4+", "CD4-"), ("0.1uM", "1uM"), ("1.5", "15"), ("A", "B"), ("R", "SR"),
     ("1.5uM", "15uM"), ("<5", ">5"), ("none", "drug"), ("-", "+"), ("*", "#")],
)  # fmt: skip
def test_levels_that_differ_stay_two(tmp_path: Path, one: str, two: str) -> None:
    read_sheet(write(tmp_path, f"sample\tdrug\na\t{one}\nb\t{two}\n")).check_levels(["drug"])


@pytest.mark.parametrize("level", ["na", "N/A", "nan", "NULL", "-"])
def test_a_level_that_looks_missing_is_refused(tmp_path: Path, level: str) -> None:
    sheet = read_sheet(write(tmp_path, f"sample\tdrug\na\t{level}\nb\tv\n"))
    with pytest.raises(ConfigError, match=rf"looks like a missing value.*'{level}' \(a\)"):
        sheet.check_levels(["drug"])
