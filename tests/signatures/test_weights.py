from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pathcall.signatures.weights import genes_by_symbol, weight_matrix


def test_the_most_expressed_gene_stands_for_its_symbol(caplog):
    symbols = pd.Series({"e1": "AKT1", "e2": "RELB", "e3": "AKT1", "e4": np.nan, "e5": "RELB"})
    mean = pd.Series({"e1": 5.0, "e2": 7.0, "e3": 50.0, "e4": 900.0, "e5": 7.0})
    with caplog.at_level("INFO"):
        kept = genes_by_symbol(symbols, mean)
    assert kept.to_dict() == {"e2": "RELB", "e3": "AKT1"}
    assert list(kept.index) == ["e2", "e3"]
    assert "5 genes: 1 without a symbol, 2 not the most expressed of their symbol, 2 kept" in (
        caplog.text
    )


def test_weights_keep_their_sign_and_missing_genes_are_left_out():
    matrix, names = weight_matrix(
        {"up_down": {"B": 1.0, "C": -1.0, "Z": 1.0}, "none": {"Z": 1.0}}, ["A", "B", "C"]
    )
    assert names == ["up_down", "none"]
    np.testing.assert_array_equal(matrix, [[0, 0], [1, 0], [-1, 0]])


def test_a_symbol_twice_is_refused():
    with pytest.raises(ValueError, match="more than one row"):
        weight_matrix({"a": {"B": 1.0}}, ["B", "B"])
