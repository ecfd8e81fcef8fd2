from pathlib import Path

import pytest

from pathcall.errors import ConfigError
from pathcall.study.sample_sheet import read_sheet

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
        ("sample\tcell line\na\tv\n", ["name that no design can use", "'cell line'"]),
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
