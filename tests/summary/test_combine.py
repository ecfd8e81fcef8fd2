"""Calls of many studies side by side, and one question combined over them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pathcall import tables
from pathcall.calls.meta_analysis import combine_effects
from pathcall.summary.combine import (
    combine_studies,
    correlation_of_study,
    groups_of_studies,
    stack_calls,
    studies_with_shared_errors,
)
from pathcall.summary.page import render_summary

EFFECTS = {("S1", "a"): 0.5, ("S2", "a"): 0.7, ("S2", "b"): 0.6, ("S3", "a"): -0.2}
SE = 0.1


def contrast(name: str, group: str | None) -> dict[str, object]:
    return {"contrast": name, "group": group, "description": f"contrast <{name}>"}


@pytest.fixture
def contrasts() -> dict[str, list[dict[str, object]]]:
    return {
        "S1": [contrast("a", "inhibitor")],
        "S2": [contrast("a", "inhibitor"), contrast("b", "inhibitor")],
        "S3": [contrast("a", None)],
    }


def calls_of(study: str) -> pd.DataFrame:
    rows = [
        {
            "contrast": name, "pathway": "AKT", "call": "activated" if effect > 0 else "repressed",
            "confidence": "moderate", "n_readouts": 4, "n_up": 3, "n_down": 0,
            "families": "curated", "control_ok": "not_applicable", "false_call_rate": 0.01,
            "reason": "because", "status": "called", "effect": effect,
            "ci_low": effect - 0.2, "ci_high": effect + 0.2, "pvalue": 0.01, "fdr": 0.02,
            "n_lines": 3, "lines_up": 2, "lines_down": 0, "se": SE, "df": 10.0,
        }
        for (of, name), effect in EFFECTS.items()
        if of == study
    ]  # fmt: skip
    return tables.CALLS_TABLE.validate(pd.DataFrame(rows)[list(tables.CALLS_TABLE.columns)])


def evidence_of(study: str) -> pd.DataFrame:
    rows = [
        {"contrast": name, "pathway": "AKT", "readout": "R1", "method": "sample_score",
         "effect": effect + 0.1, "se": SE}
        for (of, name), effect in EFFECTS.items()
        if of == study
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def calls(contrasts) -> pd.DataFrame:
    return stack_calls({study: calls_of(study) for study in contrasts}, contrasts)


def combined(calls, contrasts, shared: float) -> pd.DataFrame:
    names = ["a", "b"]
    correlation = pd.DataFrame([[1.0, shared], [shared, 1.0]], names, names)
    found = combine_studies(
        calls,
        {study: evidence_of(study) for study in contrasts},
        groups_of_studies(contrasts),
        {"S2": correlation},
    )
    return tables.SUMMARY_COMBINED.validate(found)


def test_contrasts_of_a_group_are_found_over_studies(contrasts):
    groups = groups_of_studies(contrasts)
    assert groups == {"inhibitor": [("S1", "a"), ("S2", "a"), ("S2", "b")]}
    assert studies_with_shared_errors(groups) == ["S2"]


def test_all_calls_are_kept_with_their_study(calls):
    tables.SUMMARY_CALLS.validate(calls)
    assert list(zip(calls["study"], calls["contrast"], strict=True)) == list(EFFECTS)
    assert calls["group"].isna().tolist() == [False, False, False, True]


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_effects_are_combined_as_within_a_study(calls, contrasts, shared):
    found = combined(calls, contrasts, shared)
    matrix = np.array([[1, 0, 0], [0, 1, shared], [0, shared, 1.0]])
    expected = combine_effects(np.array([[0.5, 0.7, 0.6]]), np.full((1, 3), SE), matrix)
    pathway = found[found["readout"].isna()].iloc[0]
    readout = found[found["readout"] == "R1"].iloc[0]
    for name in ("effect", "ci_low", "ci_high", "pvalue"):
        np.testing.assert_allclose(pathway[name], getattr(expected, name)[0])
    np.testing.assert_allclose(readout["effect"], expected.effect[0] + 0.1)
    assert pathway[["n_studies", "n_contrasts", "n_activated", "n_repressed"]].tolist() == [
        2, 3, 3, 0,
    ]  # fmt: skip


def test_shared_controls_widen_the_interval(calls, contrasts):
    apart, shared = (combined(calls, contrasts, r).iloc[0] for r in (0.0, 0.5))
    assert shared["ci_high"] - shared["ci_low"] > apart["ci_high"] - apart["ci_low"]
    assert shared["error_correlation"] == 0.5


def test_the_correlation_comes_from_the_samples_that_contrasts_share(contrasts):
    design = pd.DataFrame(
        {"one": [1] * 6, "a": [0, 0, 1, 1, 0, 0], "b": [0, 0, 0, 0, 1, 1]},
        index=[f"s{i}" for i in range(6)],
    )
    model = SimpleNamespace(
        design=design, contrasts={"a": np.array([0.0, 1, 0]), "b": np.array([0.0, 0, 1])}
    )
    found = correlation_of_study([model], contrasts["S2"])
    assert found.at["a", "b"] == pytest.approx(0.5)


def test_without_groups_nothing_is_combined(calls, contrasts):
    alone = {study: [row | {"group": None} for row in rows] for study, rows in contrasts.items()}
    found = combined(calls, alone, 0.0)
    assert found.empty
    page = render_summary(calls.assign(group=np.nan), found, absent={})
    assert "No contrast has a group" in page


def test_the_page_says_what_the_tables_say(calls, contrasts):
    found = combined(calls, contrasts, 0.0)
    page = render_summary(calls, found, absent={"bad.yaml": "error: <b>wrong</b> — x — y"})
    assert "Pathway calls in 3 studies" in page
    assert "1 study is missing here" in page
    assert "&lt;b&gt;wrong&lt;/b&gt;" in page
    assert "<b>wrong" not in page
    assert "contrast &lt;a&gt;" in page
    assert 'href="../S1/report.html#contrast-a"' in page
    assert page.count("<svg") == 1
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
