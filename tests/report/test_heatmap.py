"""A heatmap draws each value once, in the colour of its size."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from pathcall.report.heatmap import Heatmap, draw_heatmap

SHOWN = Heatmap(
    ident="f-h",
    title="a heatmap",
    desc="",
    rows=["CCN2", "FOSL1"],
    columns=["a", "b", "c"],
    values=np.array([[-2.0, 0.0, 2.0], [np.nan, 5.0, 0.0]]),
    limit=2.0,
    key="log2",
)


def cells(markup: str) -> dict[int, int]:
    """Level of colour → cells of it."""
    found = re.findall(r'<path class="ds(\d+)"[^>]* d="([^"]*)"', markup)
    return {int(level): d.count("M") for level, d in found}


def test_every_value_is_a_cell() -> None:
    assert cells(str(draw_heatmap(SHOWN).markup())) == {0: 1, 5: 2, 10: 2}


def test_dots_stand_where_they_are_wanted() -> None:
    dots = np.array([[True, False, False], [False, True, True]])
    assert str(draw_heatmap(replace(SHOWN, dots=dots)).markup()).count('class="mk fdot"') == 3


def test_samples_of_a_group_share_a_label() -> None:
    shown = replace(SHOWN, columns=["two", "one"], spans=[2, 1], genes=True)
    markup = str(draw_heatmap(shown).markup())
    assert sum(cells(markup).values()) == 5
    assert markup.count(">two<") == markup.count(">one<") == 1
    assert markup.count('class="s gene"') == 2


def test_it_grows_with_its_labels_and_no_further_than_asked() -> None:
    long = replace(SHOWN, rows=["a very long name of a row of this heatmap", "FOSL1"])
    assert draw_heatmap(long).width > draw_heatmap(SHOWN).width
    wide = replace(SHOWN, columns=[f"c{i}" for i in range(80)], values=np.zeros((2, 80)))
    assert draw_heatmap(wide).width <= 940
