"""Every row of a file that a person wrote is read, or the line that can't be is named."""

from pathlib import Path

import pytest

from pathcall.errors import ConfigError
from pathcall.tsv import MAX_VALUE, read_rows

GOOD = "sample\tdrug\tnote\na\tv\tfirst\nb\tx\tsecond\nc\tx\tthird\n"


def rows(tmp_path: Path, content: str | bytes) -> list[dict[str, str]]:
    path = tmp_path / "table.tsv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [dict(row) for row in read_rows(path, needed=["sample"], what="table")]


def refused(tmp_path: Path, content: str | bytes) -> str:
    with pytest.raises(ConfigError) as error:
        rows(tmp_path, content)
    line = error.value.line()
    assert "table.tsv" in line
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD.replace("\tv\t", "\t v\u00a0\t"),
        "\n" + GOOD.replace("b\t", "\t\t\n\nb\t"),
        GOOD.replace("\n", "\t\t\n"),
        GOOD.rstrip("\n"),
        "\n".join("\t".join(f'"{v}"' for v in line.split("\t")) for line in GOOD.splitlines()),
    ],
    ids=["bom", "crlf", "cr", "spaces", "blank lines", "tabs at the end", "no newline", "quoted"],
)
def test_harmless_differences_give_the_same_rows(tmp_path: Path, content: str) -> None:
    assert rows(tmp_path, content) == rows(tmp_path, GOOD)


def test_a_spreadsheets_error_is_no_comment(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("a\tb\n# left out\t2\n#REF!\t3\n4\t5\n")
    with pytest.raises(ConfigError, match=r"spreadsheet's error value.*line 3.*REF"):
        read_rows(path, needed=["a"], what="table", comments=True)
    path.write_text("a\tb\n# left out\t2\n4\t5\n")
    assert [dict(r) for r in read_rows(path, needed=["a"], what="table", comments=True)] == [
        {"a": "4", "b": "5"}
    ]


def test_a_quote_swallows_no_row(tmp_path: Path) -> None:
    line = refused(tmp_path, GOOD.replace("first", '"first').replace("third", 'third"'))
    assert "not closed" in line
    assert "line 2" in line
    inch = rows(tmp_path, GOOD.replace("first", '5" plate'))
    assert len(inch) == 3
    assert inch[0]["note"] == '5" plate'
    assert rows(tmp_path, GOOD.replace("first", '"5"" plate"')) == inch


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GOOD.replace("\tfirst", ""), ["fewer values", "line 2", "2 values, 3 columns"]),
        (GOOD.replace("first", "\tfirst"), ["more values", "line 2", "'first'"]),
        (GOOD.replace("first", "first\t"), ["more values", "line 2", "''", "4 values"]),
        (GOOD.replace("first", "first\tmore"), ["more values", "line 2", "'more'"]),
        (GOOD.replace("sample\t", "", 1), ["lacks a column", "'sample'"]),
        (GOOD.replace("sample", "Sample"), ["lacks a column", "did you mean 'Sample'"]),
        (GOOD.replace("drug", ""), ["no name", "column 2"]),
        (GOOD.replace("drug", "note"), ["column twice", "'note'"]),
        (GOOD.replace("first", "x" * 140_000), [f"{MAX_VALUE:,}", "line 2"]),
        (GOOD.replace("first", "\x1b[31m"), ["control character", "line 2", "\\x1b"]),
        (GOOD.replace("first", "a\x0bb"), ["control character", "line 2"]),
        (GOOD.replace("first", "#REF!"), ["spreadsheet's error", "line 2"]),
        (GOOD.replace("second", "\0"), ["NUL", "line 3"]),
        (GOOD.replace("\n", "\r").replace("second", "\0"), ["NUL", "line 3"]),
        (GOOD.replace("second", "µM").encode("latin-1"), ["not UTF-8", "line 3", "0xb5"]),
        (GOOD.encode("utf-16"), ["UTF-16", "line 1"]),
        (GOOD.encode("utf-16-le"), ["NUL", "line 1"]),
        (GOOD.replace("\t", ";"), ["not tab-separated", "';'"]),
        ("", ["not tab-separated"]),
        ("sample\tdrug\n\n", ["no rows"]),
    ],
)
def test_what_can_not_be_read_is_named(
    tmp_path: Path, content: str | bytes, words: list[str]
) -> None:
    line = refused(tmp_path, content)
    for word in words:
        assert word in line
    assert len(line) < 1000
    assert line.isprintable()


def test_what_is_no_file(tmp_path: Path) -> None:
    for name, words in [
        (".", "not a file"), ("none.tsv", "does not exist"), ("x" * 300, "can't be read"),
        ("a\0b", "can't be read"),
    ]:  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            read_rows(tmp_path / name, needed=[], what="table")


def test_rows_know_their_line(tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    path.write_text("\n" + GOOD.replace("b\t", "\nb\t"))
    assert [row.line for row in read_rows(path, needed=[], what="table")] == [3, 5, 6]
