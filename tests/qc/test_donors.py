from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from pathcall.qc.donors import DonorLimits, donor_flags

GENES = 400


def study(
    per_cell: int = 4, *, own: float = 1.0, each: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Values and sheet: `per_cell` donors in each of two treatments, `each` samples of each."""
    rng = np.random.default_rng(5)
    people = rng.normal(0, own, (per_cell, GENES)) * (np.arange(GENES) < 150)
    rows = [(drug, d) for drug in "ab" for d in range(per_cell) for _ in range(each)]
    effect = rng.normal(0, 2, GENES) * (np.arange(GENES) >= 150) * (np.arange(GENES) < 250)
    values = [people[d] + effect * (drug == "b") + rng.normal(0, 0.3, GENES) for drug, d in rows]
    names = [f"s{i}" for i in range(len(rows))]
    sheet = pd.DataFrame(
        {"drug": [drug for drug, _ in rows], "donor": [f"d{d}" for _, d in rows]}, index=names
    )
    return pd.DataFrame(values, index=names), sheet


def exchange(sheet: pd.DataFrame, one: str, two: str) -> pd.DataFrame:
    made = sheet.copy()
    made.loc[[one, two], "donor"] = sheet.loc[[two, one], "donor"].to_numpy()
    return made


def flagged(
    values: pd.DataFrame, sheet: pd.DataFrame, blocks: Sequence[str] = ("donor",), **more: object
) -> dict[str, str]:
    found = donor_flags(
        values,
        sheet.drop(columns="drug"),
        sheet["drug"],
        blocks,
        [],
        **more,  # type: ignore[arg-type]
    )
    return {flag.sample: flag.severity for flag in found}


def test_donors_as_they_are():
    assert flagged(*study()) == {}
    assert flagged(*study(each=3)) == {}


@pytest.mark.parametrize("blocks", [("donor",), ()], ids=["in the design", "in the sheet only"])
@pytest.mark.parametrize("pair", [("s0", "s3"), ("s0", "s5")], ids=["same cell", "other cells"])
def test_exchanged_donors_of_two_samples_each_name_both_pairs(
    blocks: tuple[str, ...], pair: tuple[str, str]
):
    values, sheet = study()
    assert sheet.loc[pair[0], "donor"] != sheet.loc[pair[1], "donor"]
    concerned = sheet.index[sheet["donor"].isin(sheet.loc[list(pair), "donor"])]
    found = flagged(values, exchange(sheet, *pair), blocks)
    assert found == dict.fromkeys(concerned, "warning")  # nobody can say which two


def test_of_more_samples_the_two_are_named():
    values, sheet = study(each=2)
    assert flagged(values, exchange(sheet, "s0", "s2")) == {"s0": "severe", "s2": "severe"}


def test_two_exchanges_are_found_one_after_the_other():
    values, sheet = study(6, each=2)
    twice = exchange(exchange(sheet, "s0", "s2"), "s13", "s20")
    assert set(flagged(values, twice)) == {"s0", "s2", "s13", "s20"}


def test_words_say_what_to_look_up():
    values, sheet = study(each=2)
    flag = donor_flags(
        values, exchange(sheet, "s0", "s2")[["donor"]], sheet["drug"], ["donor"], []
    )[0]
    assert flag.reason == (
        "labelled donor=d1; expression fits if its donor and that of s2 (d0) are exchanged"
    )
    assert flag.advice.startswith("look up which donor s0 and s2 are from")
    assert flag.value > flag.threshold == DonorLimits().gain


def test_a_block_without_an_effect_accuses_nobody():
    values, sheet = study(own=0.0, each=2)
    rng = np.random.default_rng(1)
    for _ in range(20):
        made = sheet.assign(donor=rng.permutation(sheet["donor"].to_numpy()))
        assert flagged(values, made) == {}


def test_what_is_explained_otherwise_and_unknown_donors_are_left_out():
    values, sheet = study(each=2)
    made = exchange(sheet, "s0", "s2")
    assert flagged(values, made, explained={"s0"}) == {}
    made.loc["s0", "donor"] = ""
    assert flagged(values, made) == {}


@pytest.mark.parametrize(
    "donors",
    [["d"] * 8, [f"d{i}" for i in range(8)], list("aaaabbbb")],
    ids=["one donor", "each its own", "the treatment"],
)
def test_donors_that_tell_nothing(donors: list[str]):
    values, sheet = study()
    assert flagged(values, sheet.assign(donor=donors)) == {}
