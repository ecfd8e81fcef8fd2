from __future__ import annotations

import pytest

from pathcall.study.misspelt import _alike


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("vemurafenb", "vemurafenib", True),
        ("dexamethason", "dexamethasone", True),
        ("Dexametahsone", "dexamethasone", True),
        ("untreated", "treated", False),
        ("insensitive", "sensitive", False),
        ("unphosphorylated", "phosphorylated", False),
        ("vehicle", "vemurafenib", False),
        ("trametinib", "dabrafenib", False),
        ("A375R", "A375", False),
        ("rep1", "rep2", False),
        ("day 10", "day 11", False),
        ("SMAD2", "SMAD3", False),
        ("KO", "WT", False),
    ],
)
def test_a_slip_is_told_from_another_word(one: str, other: str, alike: bool) -> None:
    assert _alike(one, other) == alike
