"""The benchmark on real perturbations: its splits of replicates mean nothing, its counts add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from benchmarks.truth import cases
from benchmarks.truth.sets import SHARED, Set
from benchmarks.truth.tally import by_samples, interval, shown, table


def made_up() -> Set:
    sheet = pd.DataFrame(
        {"cell": np.repeat(["a", "b", "c", "d"], 3), "block": ["r1", "r2", "r3"] * 4},
        index=[f"s{i}" for i in range(12)],
    )
    empty = pd.DataFrame(index=sheet.index)
    return Set("made_up", empty, pd.Series(dtype=object), sheet)


@pytest.mark.parametrize(("n", "size"), [(2, 4), (3, 6), (6, 12)])
def test_mock_labels_are_balanced_and_orthogonal_to_cell_and_day(n, size):
    s = made_up()
    found = list(cases._mocks_of(s, n, days=False))
    assert found
    for case in found:
        assert len(case.design) == size
        label = case.design["mock"]
        assert label.sum() == 0
        assert (label > 0).sum() == n
        day = s.sheet["block"].loc[case.design.index]
        cell = s.sheet["cell"].loc[case.design.index]
        if n != 2:  # two of three samples of a cell are balanced within the cell
            assert np.allclose(label.groupby(day).mean(), 0)
        centred = label - label.groupby(cell).transform("mean")
        assert (centred**2).sum() > 0.6 * (label**2).sum()


def test_mock_labels_that_go_with_the_day_are_kept_apart():
    s = made_up()
    for case in cases._mocks_of(s, 3, days=True):
        day = s.sheet["block"].loc[case.design.index]
        assert not np.allclose(case.design["mock"].groupby(day).mean(), 0)


def test_intervals_are_clopper_pearson():
    low, high = interval(0, 100)
    assert low == 0
    assert high == pytest.approx(0.0362, abs=1e-4)
    assert interval(100, 100)[1] == 1
    assert shown(3, 10) == "3/10"
    assert shown(3, 100).startswith("3.0% (0.6–8.5")


def test_the_table_counts_found_wrong_and_false():
    rows = pd.DataFrame(
        [
            ("m", "alone", "s", "a", "AKT", -1, -1),
            ("m", "alone", "s", "b", "AKT", -1, 1),
            ("m", "alone", "s", "c", "AKT", -1, 0),
            ("m", "mock", "s", "d", "AKT", 0, 1),
            ("m", "mock", "s", "e", "AKT", 0, 0),
        ],
        columns=["method", "kind", "study", "case", "pathway", "expected", "call"],
    )
    row = table(rows).iloc[0]
    assert row["AKT found, alone"] == "1/3"
    assert row["wrong direction"] == "1/3"
    assert row["AKT false"] == "1/2"
    assert row["any false"] == "1/2"


@pytest.mark.skipif(not (SHARED / "truth").is_dir(), reason="../shared/truth is not here")
def test_the_cases_are_those_of_the_truth():
    found = list(cases.perturbations())
    alone = [c for c in found if c.kind == "alone" and c.study == "mcf10a"]
    assert sum("AKT" in c.expected for c in alone) == 4
    assert sum("MAPK" in c.expected for c in alone) == 4
    assert all(len(c.design) == 6 for c in alone)


def test_found_and_false_by_samples_a_side():
    rows = pd.DataFrame(
        [
            ("m", 2, "alone", "s", "a", "AKT", -1, -1),
            ("m", 2, "alone", "s", "b", "AKT", -1, 0),
            ("m", 2, "mock", "s", "d", "AKT", 0, 1),
            ("m", 2, "mock", "s", "d", "MAPK", 0, 1),
            ("m", 2, "days", "s", "e", "AKT", 0, 0),
            ("m", 6, "alone", "s", "f", "AKT", -1, -1),
        ],
        columns=["method", "n", "kind", "study", "case", "pathway", "expected", "call"],
    )
    two, six = by_samples(rows).to_dict("records")
    assert (two["a side"], two["AKT found"], two["AKT false"]) == ("2", "1/2", "1/2")
    assert (two["MAPK false"], two["any of four false"]) == ("1/1", "1/2")
    assert (six["AKT found"], six["any of four false"]) == ("1/1", "–")


def test_pooled_contrasts_share_no_sample():
    s = made_up()
    pairs = {("x_a", "c"): {"AKT": "repressed"}, ("x_b", "d"): {"AKT": "repressed"},
             ("x_b", "c"): {"AKT": "repressed"}}  # fmt: skip
    s.sheet["cell"] = s.sheet["cell"].replace({"a": "x_a", "b": "x_b"})
    found = list(cases._pooled(s, pairs, 6))
    assert [sorted(case.design.index) for case in found] == [sorted(s.sheet.index)]
    assert found[0].design["test"].sum() == found[0].n == 6
    assert np.linalg.matrix_rank(found[0].design) == found[0].design.shape[1] == 3
