import numpy as np
import pandas as pd
import pytest

from pathcall.qc.identity import sex_by_expression, sex_flags

GENES = ["RPS4Y1", "DDX3Y", "KDM5D", "XIST", *[f"G{i}" for i in range(50)]]
SYMBOLS = pd.Series(GENES, index=[f"E{i}" for i in range(len(GENES))])


def counts(sexes: str) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = rng.poisson(20_000, (len(sexes), len(GENES)))
    for i, sex in enumerate(sexes):
        table[i, :3] = 60 if sex == "m" else 0
        table[i, 3] = 500 if sex == "f" else 0
    return pd.DataFrame(table, index=[f"s{i}" for i in range(len(sexes))], columns=SYMBOLS.index)


def flagged(sexes: str, **sheet: list[str]) -> set[str]:
    found = sex_by_expression(counts(sexes), SYMBOLS)
    frame = pd.DataFrame(sheet, index=found.index)
    return {f.sample for f in sex_flags(found, frame)}


def test_sex_by_expression():
    found = sex_by_expression(counts("mfl"), SYMBOLS)
    assert list(found["sex"]) == ["male", "female", ""]  # lost: neither is expressed


@pytest.mark.parametrize("column", ["sex", "Gender", "geo_sex"])
def test_the_sheet_contradicted(column):
    sexes = ["Male", "female", "F", "male", "female", "unknown"]
    assert flagged("mfmmlf", **{column: sexes}) == {"s2"}


def test_one_of_a_donor_contradicts_the_others():
    assert flagged("mmfff", donor=["a", "a", "a", "b", "b"]) == {"s2"}
    # One against one can't be told, and columns that name no person are no matter.
    assert flagged("mf", donor=["a", "a"]) == set()
    assert flagged("mmf", drug=["a", "a", "a"]) == set()


def test_without_the_genes_nothing_is_said():
    table = counts("mf").drop(columns=["E0", "E1"])
    assert sex_by_expression(table, SYMBOLS).empty
