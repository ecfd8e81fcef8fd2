"""Text widths and line breaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathcall.report.lettering import text_width, widest, wrap


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("HALLMARK PI3K AKT MTOR", 90, ["HALLMARK", "PI3K AKT", "MTOR"]),
        ("A375R_SR_minus_Ronly", 80, ["A375R_SR_", "minus_Ronly"]),
        ("short", 100, ["short"]),
        ("", 100, [""]),
    ],
)
def test_lines_break_where_words_do(text: str, width: float, lines: list[str]) -> None:
    assert wrap(text, width) == lines


@given(st.text(alphabet="abcMW_-/ ", max_size=60), st.floats(20, 200))
def test_no_line_is_too_wide_and_no_letter_is_lost(text: str, width: float) -> None:
    lines = wrap(text, width)
    assert all(text_width(line) <= width or len(line) == 1 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_bold_and_capitals_are_wider() -> None:
    assert text_width("akt", bold=True) > text_width("akt")
    assert text_width("AKT") > text_width("akt")
    assert widest(["a", "aaa", "aa"]) == text_width("aaa")
    assert widest([]) == 0
