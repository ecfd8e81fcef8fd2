import pytest

from pathcall.counts.text_tables import decode, read_text_table
from pathcall.errors import InputError


def rows(text: str, **how: bool) -> list[list[object]]:
    frame = read_text_table(text, "f", **how).frame
    return [list(frame.index), *frame.T.to_numpy().tolist()]


@pytest.mark.parametrize(
    ("raw", "text", "notes"),
    [
        (b"a\tb\r\n1\t2\r", "a\tb\n1\t2\n", ()),
        ("\ufeffa".encode(), "a", ()),
        ("é".encode("latin-1"), "é", ("read as Latin-1",)),
        ("é".encode("utf-16"), "é", ("read as UTF-16",)),
        ("\ufeffé".encode("utf-16-be"), "é", ("read as UTF-16",)),
    ],
)
def test_encodings(raw: bytes, text: str, notes: tuple[str, ...]) -> None:
    assert decode(raw, "f") == (text, notes)


def test_control_characters_are_placed() -> None:
    with pytest.raises(InputError, match=r"control character '\\x00'.*f, line 2"):
        decode(b"a\tb\n1\t\x002\n", "f")


@pytest.mark.parametrize(
    ("text", "columns", "values"),
    [
        ("g\ta\nA\t1\nB\t2\n", ["a"], [["A", "B"], [1, 2]]),
        ("g,a\nA,1\nB,2\n", ["a"], [["A", "B"], [1, 2]]),
        ("g;a\nA;1\nB;2\n", ["a"], [["A", "B"], [1, 2]]),
        ("g a\nA 1\nB 2\n", ["a"], [["A", "B"], [1, 2]]),
        ("a\nA 1\nB 2\n", ["a"], [["A", "B"], [1, 2]]),
        ('"a"\n"A" 1\n"B b" 2\n', ["a"], [["A", "B b"], [1, 2]]),
        ("g;a;b\nA;1,5;2\nB;2,5;1\n", ["a", "b"], [["A", "B"], ["1,5", "2,5"], [2, 1]]),
        ("a;b\nA;1,5;2\nB;2,5;1\n", ["a", "b"], [["A", "B"], ["1,5", "2,5"], [2, 1]]),
        ('g,a\n"A;x",1\nB,2\n', ["a"], [["A;x", "B"], [1, 2]]),
        ('g,a\n"A ""x""",1\nB,2\n', ["a"], [['A "x"', "B"], [1, 2]]),
        ('g,a\n"A\tx",1\nB,2\n', ["a"], [["A x", "B"], [1, 2]]),
        ('g,a,name\nA,1,"x;y,z"\nB,2,w\n', ["a", "name"], [["A", "B"], [1, 2], ["x;y,z", "w"]]),
        ('g;a;name\nA;1;"x;y,z"\nB;2;w\n', ["a", "name"], [["A", "B"], [1, 2], ["x;y,z", "w"]]),
        ('"a b"\n"A, x" 1\n"B" 2\n', ["a b"], [["A, x", "B"], [1, 2]]),
        ('g\ta\n"A ""x"""\t1\n"\t2\n', ["a"], [['A "x"', '"'], [1, 2]]),
        ("g\ta\t\nA\t1\t\nB\t2\t\n", ["a"], [["A", "B"], [1, 2]]),
        ("g\ta\nA\t1\t\nB\t2\t\n", ["a"], [["A", "B"], [1, 2]]),
        ("g\ta\t\nA\t1\nB\t2\n", ["a"], [["A", "B"], [1, 2]]),
        ("\ta\nA\t1\nB\t2\n", ["a"], [["A", "B"], [1, 2]]),
        (",gene_id,a\n1,A,2\n", ["gene_id", "a"], [["1"], ["A"], [2]]),
        ("gene_id\ta\n1\tA\t2\n", ["gene_id", "a"], [["1"], ["A"], [2]]),
        ("# x\n#y\ng\ta\nA\t1\n", ["a"], [["A"], [1]]),
        ("# x\n#g\ta\nA\t1\n", ["a"], [["A"], [1]]),
        ("#g\ta\nb\tc\nA\t1\n", ["c"], [["A"], [1]]),
        ("#g,a\nA,1\n", ["a"], [["A"], [1]]),
        ("# made today\ng a\nA 1\n", ["a"], [["A"], [1]]),
        ("#1\t2\nA\t1\nB\t1\n", ["1"], [["B"], [1]]),
        ("g\ta\nA\t\nB\tNA\nC\t3\n", ["a"], None),
    ],
)
def test_shapes(text: str, columns: list[str], values: list[list[object]] | None) -> None:
    table = read_text_table(text, "f")
    assert list(table.frame.columns) == columns
    if values is None:
        assert table.frame["a"].isna().tolist() == [True, True, False]
    else:
        assert rows(text) == values


def test_what_was_unusual_is_noted() -> None:
    assert read_text_table("g;a\nA;1\n", "f").notes == ("columns separated by semicolons",)
    assert read_text_table("g a\nA 1\n", "f").notes == ("columns separated by blanks",)
    table = read_text_table("# x\n#y\ng\ta\nA\t1\n", "f")
    assert (table.notes, table.comments) == ((), ("# x", "#y"))
    assert read_text_table("# x\n#g\ta\nA\t1\n", "f").comments == ("# x",)


def test_cells_as_they_are() -> None:
    assert rows("g\ta\nA\t1.0\nB\t\nNA\tNA\n", as_text=True) == [
        ["A", "B", "NA"],
        ["1.0", "", "NA"],
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("g\ta\n", "no table: it has no header and rows"),
        ("# x\n#g\ta\nA\t1\tx\n", "no table"),
        ("g\nA\n", r"no separator.*f, line 1"),
        ("\n\ng\nA\n", r"no separator.*f, line 3"),
        ("g\ta\nA\t1\nB\nC\t2\n", r"1 cells where most have 2.*f, line 3"),
        ("#g\ta\nA\t1\n\nB\t2\t3\nC\t2\n", r"3 cells where most have 2.*f, line 4"),
        ("g\ta\tb\tc\nA\t1\nB\t2\n", r"header has 4 cells, the rows have 2.*f, line 1"),
        ("a\nA\t1\t2\nB\t1\t2\n", r"header has 1 cells, the rows have 3"),
        ("#g\ta\t\nA\t1\t2\n", r"a column has no name|no table"),
        ("g\t\ta\nA\t1\t2\n", r"a column has no name.*f, line 1, column 2"),
        ("g\ta\ta\nA\t1\t2\n", r"two columns have the same name.*f, line 1, column 'a'"),
        ("g\t\nA\t\nB\t\n", "the table has one column"),
        ('g,a\n"A,1\nB,2\n', r"quoted cell does not end in its line.*f, line 2"),
    ],
)
def test_what_is_no_table(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_text_table(text, "f")
