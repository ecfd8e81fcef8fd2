import itertools

import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix
from hypothesis import given, settings
from hypothesis import strategies as st

from pathcall.errors import ConfigError
from pathcall.study.design_formula import build_design, parse_formula, parse_number

GRID = list(itertools.product("xyz", "uv", "pq"))
RNG = np.random.default_rng(1)
ROWS = [
    {"a": a, "b": b, "c": c, "n": str(number)}
    for (a, b, c), number in zip(GRID * 3, RNG.integers(1, 99, 36), strict=True)
]
SAMPLES = [f"s{i}" for i in range(len(ROWS))]


def design(formula: str, rows: list[dict[str, str]] = ROWS, continuous: tuple[str, ...] = ()):
    return build_design(
        parse_formula(formula, where="m"),
        SAMPLES[: len(rows)],
        rows,
        continuous=continuous,
        where="models.m",
    )


def same_space(one: np.ndarray, two: np.ndarray) -> bool:
    rank = np.linalg.matrix_rank
    return rank(one) == rank(two) == rank(np.hstack([one, two])) == one.shape[1]


@pytest.mark.parametrize(
    "formula",
    [
        "~ a", "~ a + b", "~ a * b", "~ 0 + a + b", "~ a + b - 1", "~ a:b", "~ 0 + a:b",
        "~ a + a:b", "~ a * b * c", "~ (a + b) * c", "~ a * b - a:b", "~ a + b + a:b:c",
        "~ 1 + a + b:c - 1", "~ n", "~ n * a", "~ n + n:a", "~ 0 + n:a + b",
    ],
)  # fmt: skip
def test_columns_span_what_formulaic_spans(formula: str) -> None:
    ours = design(formula, continuous=("n",) if "n" in formula else ())
    frame = pd.DataFrame(ROWS).assign(n=lambda d: d["n"].astype(float))
    theirs = model_matrix(formula, frame).to_numpy(dtype=float)
    assert same_space(ours.matrix, theirs)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sets(st.sampled_from("abc"), min_size=1), min_size=1, max_size=5), st.booleans())
def test_any_formula_of_factors_spans_what_formulaic_spans(terms: list, intercept: bool) -> None:
    formula = f"~ {int(intercept)} + " + " + ".join(":".join(sorted(term)) for term in terms)
    theirs = model_matrix(formula, pd.DataFrame(ROWS)).to_numpy(dtype=float)
    assert same_space(design(formula).matrix, theirs)


def test_treatment_coding_and_names() -> None:
    made = design("~ a * b", ROWS)
    assert made.coefficients == (
        "Intercept", "a[y]", "a[z]", "b[v]", "a[y]:b[v]", "a[z]:b[v]",
    )  # fmt: skip
    row = ROWS.index(next(r for r in ROWS if r["a"] == "y" and r["b"] == "v"))
    assert made.matrix[row].tolist() == [1, 1, 0, 1, 1, 0]


def test_cells_average_what_they_leave_open() -> None:
    made = design("~ a * b + n", continuous=("n",))
    mean = np.mean([float(row["n"]) for row in ROWS])
    cell = dict(zip(made.coefficients, made.cell({"a": "y"}), strict=True))
    assert cell == pytest.approx(
        {"Intercept": 1, "a[y]": 1, "a[z]": 0, "b[v]": 0.5, "n": mean, "a[y]:b[v]": 0.5,
         "a[z]:b[v]": 0}
    )  # fmt: skip


@pytest.mark.parametrize(
    "formula",
    [
        "~ __import__('os').system('x')", "a + b", "~", "~ a +", "~ (a", "~ a)", "~ a + 2",
        "~ a ** 2", "~ a / b", "~ C(a)", "~ a b", "~ `a`", "~ a | b", "y ~ a", "~ 0", "~ a ~ b",
        "~ a:*b", "~ 0:a", "~ 0 * a", "~ a + 01", "~ a + 1b", "~ a - b", "~ a * b - ab",
        "~ (0 + a)", "~ (a - 1)", "~ a:b:c:d:e:f:g", "~ " + "(" * 3000 + "a" + ")" * 3000,
        "~ " + "(" * 21 + "a" + ")" * 21, "~ " + " * ".join("abcdefghij"),
        "~ " + " + ".join(["a"] * 400),
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_not_evaluated(formula: str) -> None:
    with pytest.raises(ConfigError, match=r"invalid design formula.*nothing is evaluated") as error:
        parse_formula(formula, where="models.m.design")
    assert len(error.value.line()) < 500


def test_dependent_columns_are_named() -> None:
    rows = [{"a": a, "b": b} for a, b in ["xu", "xu", "yv", "yv", "zv", "zv"]]
    with pytest.raises(ConfigError) as error:
        design("~ a + b", rows)
    assert "not of full rank" in error.value.line()
    assert "b[v]" in error.value.line()


def test_a_factor_with_one_level_is_named() -> None:
    rows = [{"a": "x", "b": b} for b in "uuvv"]
    with pytest.raises(ConfigError, match=r"single level.*'a'"):
        design("~ a + b", rows)


def test_no_residual_degrees_of_freedom() -> None:
    rows = [{"a": a} for a in "xyz"]
    with pytest.raises(ConfigError, match="there are no replicates"):
        design("~ a", rows)


def test_missing_levels_and_text_in_numbers() -> None:
    rows = [{"a": a, "n": n} for a, n in zip("xxyy", ["1", "2", "three", "4"], strict=True)]
    with pytest.raises(ConfigError, match=r"holds text.*'three'"):
        design("~ a + n", rows, continuous=("n",))
    with pytest.raises(ConfigError, match=r"no level.*'a', sample s1"):
        design("~ a", [{"a": "x"}, {"a": ""}, {"a": "y"}, {"a": "y"}])
    with pytest.raises(ConfigError, match="not in the design"):
        design("~ a", rows, continuous=("n",))


@pytest.mark.parametrize(
    "formula", ["~ " + "(" * 20 + "a" + ")" * 20, "~ (a + b):c", "~ 1 + (1 + a):b"]
)
def test_formulas_within_the_limits_are_read(formula: str) -> None:
    assert parse_formula(formula, where="m").terms


def test_a_design_of_thousands_of_coefficients_is_refused_at_once() -> None:
    rows = [{"a": f"x{i}", "b": f"y{i}"} for i in range(60)]
    with pytest.raises(ConfigError, match=r"more than 2,000 coefficients.*60 of a, 60 of b"):
        build_design(
            parse_formula("~ a:b", where="m"), [f"s{i}" for i in range(60)], rows, where="m"
        )


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("-0.5", -0.5), (".5", 0.5), ("1e-3", 0.001), ("1_0", None), ("inf", None),
     ("nan", None), ("1e999", None), ("0x1", None), ("\u0661", None), ("1,5", None), ("", None)],
)  # fmt: skip
def test_numbers_are_plain_decimals(text: str, value: float | None) -> None:
    assert parse_number(text) == value
