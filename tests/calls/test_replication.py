from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pathcall.calls.replication import replication
from pathcall.study.contrasts import Contrast


def contrast(name, test, reference, subtract=None):
    return Contrast(name, "m", test, reference, subtract, None, {}, "")


def model_of(samples, design, weights, *, continuous=()):
    design = pd.DataFrame(design, index=samples.index).astype(float)
    return SimpleNamespace(
        samples=samples.astype(str), design=design, continuous=continuous,
        contrasts={k: np.array(v, dtype=float) for k, v in weights.items()},
        residual_df=len(design) - design.shape[1],
    )  # fmt: skip


@pytest.fixture
def cells():
    """Three times each of two drugs, but 2 samples in one cell."""
    rows = [(t, d) for t, d, n in [("1h", "a", 4), ("1h", "b", 3), ("2h", "a", 3), ("2h", "b", 3),
                                   ("4h", "a", 2), ("4h", "b", 5)] for _ in range(n)]  # fmt: skip
    samples = pd.DataFrame(rows, columns=["time", "drug"])
    levels = pd.get_dummies(samples["time"] + samples["drug"])
    return model_of(samples, levels, {})


def test_the_smallest_cell_of_a_whole_chain_counts(cells):
    def at(time):
        return {"time": time, "drug": "b"}, {"time": time, "drug": "a"}

    chain = {
        "late": contrast("late", *at("4h")),
        "between": contrast("between", *at("2h"), subtract="late"),
        "early": contrast("early", *at("1h"), subtract="between"),
    }
    found = {name: replication(cells, c, chain).samples for name, c in chain.items()}
    assert found == {"late": 2, "between": 2, "early": 2}
    alone = contrast("alone", *at("1h"))
    assert str(replication(cells, alone, {})) == "3 samples in the smallest cell"


def doses(values, lines=None):
    samples = pd.DataFrame({"dose": [f"{v:g}" for v in values]})
    return samples.assign(line=lines) if lines is not None else samples


def test_a_slope_counts_its_sparser_end_at_values_that_no_sample_has():
    slope = contrast("slope", {"dose": "0.7"}, {"dose": "0.2"})
    for values, expected in [
        ([0, 0, 0, 1, 1, 1, 2, 2, 2], 3),
        ([0, 0, 1, 1, 2, 2], 2),
        ([0, 0, 0, 0, 0, 100], 1),
        ([0, 1, 2, 3], 2),
        ([0, 1, 2], 1),  # one residual degree of freedom
    ]:
        design = np.column_stack([np.ones(len(values)), values])
        model = model_of(doses(values), design, {"slope": [0, 0.5]}, continuous=("dose",))
        assert replication(model, slope, {}).samples == expected, values


def test_a_continuous_column_that_both_cells_share_is_no_slope():
    values, lines = [1, 2, 3, 1, 2, 3], ["x"] * 3 + ["y"] * 3
    design = np.column_stack([np.ones(6), [0] * 3 + [1] * 3, values])
    model = model_of(doses(values, lines), design, {"c": [0, 1, 0]}, continuous=("dose",))
    c = contrast("c", {"line": "y", "dose": "2.0"}, {"line": "x", "dose": "2"})
    assert str(replication(model, c, {})) == "3 samples in the smallest cell"


def test_a_difference_of_slopes_counts_the_worse_slope():
    values = [0, 0, 0, 2, 2, 2, 0, 0, 0, 0, 0, 2]
    line = np.repeat([0.0, 1.0], 6)
    design = np.column_stack([np.ones(12), line, values, line * values])
    samples = doses(values, np.where(line == 1, "y", "x"))
    weights = {"x": [0, 0, 1, 0], "y_minus_x": [0, 0, 0, 1]}
    model = model_of(samples, design, weights, continuous=("dose",))
    every = {
        "x": contrast("x", {"line": "x", "dose": "1"}, {"line": "x", "dose": "0"}),
        "y_minus_x": contrast(
            "y_minus_x", {"line": "y", "dose": "1"}, {"line": "y", "dose": "0"}, subtract="x"
        ),
    }
    assert replication(model, every["x"], every).samples == 3
    assert replication(model, every["y_minus_x"], every).samples == 1
