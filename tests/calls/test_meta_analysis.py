"""Random effects against statsmodels, the fixed rules, and the tables."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from statsmodels.stats import meta_analysis

from pathcall import tables
from pathcall.calls import meta_analysis as meta
from pathcall.calls.meta_analysis import (
    combine_and_write,
    combine_effects,
    combine_genes,
    combine_pathways,
    error_correlation,
    group_contrasts,
)


def simulate(rows: int, k: int, tau: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    error = rng.uniform(0.1, 0.6, (rows, k))
    effect = rng.normal(0.5, 1, (rows, 1)) + tau * rng.normal(size=(rows, k))
    return effect + error * rng.normal(size=(rows, k)), error


@pytest.mark.parametrize(("k", "tau"), [(2, 0.8), (4, 0.0), (4, 0.5), (9, 1.0)])
def test_agrees_with_statsmodels(k, tau):
    effect, error = simulate(40, k, tau, seed=k)
    found = combine_effects(effect, error)
    heterogeneous = 0
    for i in range(40):
        # Its default tolerance: a finer one lets rounding make the equation negative, and τ² 0.
        reference = meta_analysis.combine_effects(
            effect[i], error[i] ** 2, method_re="iterated", use_t=True, maxiter=500
        )
        tau2 = max(reference.tau2, 0.0)
        np.testing.assert_allclose(found.tau2[i], tau2, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found.effect[i], reference.mean_effect_re, rtol=1e-5)
        np.testing.assert_allclose(found.i2[i], max(reference.i2, 0.0), atol=1e-9)
        if tau2 > 0:  # Paule and Mandel's τ² makes q 1: nothing to truncate
            heterogeneous += 1
            low, high = reference.conf_int(use_t=True)[3]
            np.testing.assert_allclose([found.ci_low[i], found.ci_high[i]], [low, high], rtol=1e-4)
    assert heterogeneous > 5


def test_a_small_q_is_always_set_to_one():
    found = combine_effects(np.array([[1.0, 1.0, 1.0]]), np.array([[0.3, 0.3, 0.3]]))
    half = 4.302652729911275 * 0.3 / np.sqrt(3)  # t(0.975, 2 df)
    np.testing.assert_allclose(found.ci_high - found.effect, half)
    np.testing.assert_allclose(found.i2, 0)


def test_two_contrasts_have_one_degree_of_freedom():
    found = combine_effects(np.array([[1.0, 1.2]]), np.array([[0.5, 0.5]]))
    half = 12.706204736432095 * 0.5 / np.sqrt(2)
    np.testing.assert_allclose(found.ci_high - found.effect, half)


def test_one_contrast_gives_its_effect_and_no_interval():
    found = combine_effects(np.array([[np.nan, 0.7]]), np.array([[0.1, 0.2]]))
    assert found.effect[0] == pytest.approx(0.7)
    for value in (found.ci_low, found.ci_high, found.pvalue, found.i2, found.loo_low):
        assert np.isnan(value).all()
    assert found.n[0] == 1


def test_missing_contrasts_are_left_out():
    effect, error = simulate(20, 3, 0.4, seed=1)
    wide = np.column_stack([effect[:, :2], np.full(20, np.nan), effect[:, 2]])
    errors = np.column_stack([error[:, :2], np.full(20, 0.3), error[:, 2]])
    one, other = combine_effects(effect, error), combine_effects(wide, errors)
    for name in ("effect", "ci_low", "pvalue", "i2", "loo_low", "loo_high", "n"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12)


def test_nothing_known_is_nan():
    found = combine_effects(np.full((2, 3), np.nan), np.ones((2, 3)))
    assert np.isnan(found.effect).all()
    assert (found.n == 0).all()


def test_leave_one_out_range():
    effect, error = simulate(5, 4, 0.7, seed=3)
    found = combine_effects(effect, error)
    each = np.column_stack(
        [combine_effects(np.delete(effect, j, 1), np.delete(error, j, 1)).effect for j in range(4)]
    )
    np.testing.assert_allclose(found.loo_low, each.min(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.loo_high, each.max(axis=1), rtol=1e-12)


def test_coverage_of_the_interval():
    rng = np.random.default_rng(4)
    error = rng.uniform(0.2, 0.5, (2000, 4))
    effect = 1.0 + 0.4 * rng.normal(size=(2000, 4)) + error * rng.normal(size=(2000, 4))
    found = combine_effects(effect, error)
    covered = np.mean((found.ci_low <= 1) & (found.ci_high >= 1))
    assert 0.93 < covered < 0.985


def de_table(lfc: list[float], se: list[float]) -> pd.DataFrame:
    n = len(lfc)
    return pd.DataFrame(
        {
            "gene_id": [f"E{i}" for i in range(n)], "symbol": [f"G{i}" for i in range(n)],
            "base_mean": 10.0, "log2fc": lfc, "lfc_se": se, "stat": 1.0, "pvalue": 0.5,
            "padj": 0.5, "log2fc_shrunk": lfc, "lfc_se_shrunk": se, "outlier": "no",
        }
    )  # fmt: skip


def contrast(name: str, group: str | None, **cells: dict[str, str]) -> dict:
    base = {"contrast": name, "model": "m", "group": group, "test": {"d": name},
            "reference": {"d": f"no {name}"}}  # fmt: skip
    return {**base, **cells}


def test_tables(tmp_path, monkeypatch):
    de = {
        "a": de_table([1.0, -1.0, np.nan], [0.2, 0.3, np.nan]),
        "b": de_table([1.2, -0.6, 0.4], [0.2, 0.3, 0.3]),
        "c": de_table([9.0, 9.0, 9.0], [0.1, 0.1, 0.1]),
    }
    evidence = pd.DataFrame(
        [
            (name, "P", readout, "gene_set", "evidence", method, 10, 1.0, effect, effect / 0.5,
             0.1, 0.1, 0, None, 0.5, 4.0)
            for name, effect in (("a", 1.0), ("b", 2.0), ("c", 8.0))
            for readout in ("R1", "R2")
            for method in ("sample_score", "camera")
        ],
        columns=list(tables.EVIDENCE.columns),
    ).astype({"note": object})  # fmt: skip
    evidence.loc[(evidence["readout"] == "R2") & (evidence["contrast"] == "a"), "se"] = np.nan
    for name, table in de.items():
        tables.write_table(table, tmp_path / f"{name}.tsv", tables.DE)
    tables.write_table(evidence, tmp_path / "evidence.tsv", tables.EVIDENCE)
    names = [f"s{i}" for i in range(6)]
    shared = model(np.repeat(np.eye(3), 2, axis=0), names, a=[-1, 1, 0], b=[-1, 0, 1])
    monkeypatch.setattr(meta, "read_model", {"m.h5ad": shared}.__getitem__)
    combine_and_write(
        {name: str(tmp_path / f"{name}.tsv") for name in de},
        models=["m.h5ad"],
        evidence=str(tmp_path / "evidence.tsv"),
        contrasts=[contrast("a", "g"), contrast("b", "g"), contrast("c", None)],
        genes_out=str(tmp_path / "genes.tsv"),
        pathways_out=str(tmp_path / "pathways.tsv"),
    )
    genes = tables.read_table(tmp_path / "genes.tsv", tables.COMBINED_GENES)
    assert genes["gene_id"].to_list() == ["E0", "E1", "E2"]
    assert genes["n_contrasts"].to_list() == [2, 2, 1]
    np.testing.assert_allclose(genes["effect"], [1.1, -0.8, 0.4])
    pathways = tables.read_table(tmp_path / "pathways.tsv", tables.COMBINED_PATHWAYS)
    np.testing.assert_allclose(pathways["effect"], [1.5, 2.0])
    assert pathways["n_contrasts"].to_list() == [2, 1]
    np.testing.assert_allclose(genes["error_correlation"], [0.5, 0.5, np.nan])
    np.testing.assert_allclose(pathways["error_correlation"], [0.5, np.nan])


def test_no_group_gives_empty_tables(tmp_path):
    none = error_correlation([], {})
    assert combine_genes({}, {}, none).empty
    evidence = pd.DataFrame({name: [] for name in tables.EVIDENCE.columns})
    tables.write_table(
        combine_pathways(evidence, {}, none), tmp_path / "p.tsv", tables.COMBINED_PATHWAYS
    )
    assert tables.read_table(tmp_path / "p.tsv", tables.COMBINED_PATHWAYS).empty


def model(design: np.ndarray, samples: list[str], **contrasts: list[float]) -> SimpleNamespace:
    return SimpleNamespace(
        design=pd.DataFrame(design.astype(float), index=samples),
        contrasts={name: np.array(w, dtype=float) for name, w in contrasts.items()},
    )


def test_error_correlation_follows_from_shared_samples() -> None:
    names = [f"s{i}" for i in range(8)]
    cells = np.repeat(np.eye(4), 2, axis=0)
    one = model(cells, names, a=[-1, 1, 0, 0], b=[-1, 0, 1, 0], c=[0, 0, -1, 1],
                d=[-0.5, -0.5, 0, 1], elsewhere=[1, 0, 0, -1])  # fmt: skip
    # Another model of half the samples, with one of its own.
    two = model(np.repeat(np.eye(2), 2, axis=0), ["s0", "s1", "s2", "new"], e=[-1, 1])
    groups = {"g": ["a", "b", "c"], "h": ["a", "d"], "i": ["a", "e"]}
    found = error_correlation([one, two], groups)
    assert "elsewhere" not in found
    assert found.at["a", "b"] == pytest.approx(0.5)  # one reference for both
    assert found.at["a", "c"] == 0  # no common sample
    assert found.at["b", "c"] == pytest.approx(-0.5)  # test of one, reference of the other
    assert found.at["a", "d"] == pytest.approx(0.0)  # nested cells whose shares cancel
    assert found.at["b", "d"] == pytest.approx(0.25 / np.sqrt(1.0 * 0.75))
    assert found.at["a", "e"] == pytest.approx(0.75)  # two models, three samples of four


def shared_control(rows: int, k: int, tau: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Contrasts of k treatments against one control, true mean effect 1, errors of 0.5."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(rows, k + 1)) * np.sqrt(0.125)
    effect = 1 + tau * rng.normal(size=(rows, k)) + noise[:, 1:] - noise[:, :1]
    return effect, np.full((rows, k), 0.5)


@pytest.mark.parametrize("tau", [0.0, 0.2, 0.5])
def test_intervals_cover_where_contrasts_share_their_control(tau) -> None:
    effect, error = shared_control(3000, 8, tau, seed=8)
    shared = np.full((8, 8), 0.5) + 0.5 * np.eye(8)

    def coverage(found) -> float:
        return float(np.mean((found.ci_low <= 1) & (found.ci_high >= 1)))

    assert 0.95 < coverage(combine_effects(effect, error, shared)) < 0.995
    # Taken for independent, eight contrasts against one control miss the truth every fourth time.
    assert coverage(combine_effects(effect, error)) < 0.8


def test_the_error_of_a_mean_of_correlated_effects() -> None:
    shared = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]])
    effect, error = np.array([[1.0, 1.0, 1.0]]), np.array([[0.2, 0.4, 0.3]])
    found = combine_effects(effect, error, shared)
    sigma = shared * np.outer(error, error)
    weight = 1 / error[0] ** 2 / (1 / error[0] ** 2).sum()
    matrix = np.diag(1 / error[0] ** 2) - np.outer(weight, 1 / error[0] ** 2)
    product = matrix @ sigma
    df = np.trace(product) ** 2 / np.trace(product @ product)
    assert df < 2
    half = stats.t.ppf(0.975, df) * np.sqrt(weight @ sigma @ weight)
    np.testing.assert_allclose(found.ci_high - found.effect, half)
    np.testing.assert_allclose(found.correlation, 0.5)


def test_a_contrast_listed_twice_adds_nothing() -> None:
    once = np.array([[0.8, 0.8]])
    found = combine_effects(once, np.full((1, 2), 0.3), np.ones((2, 2)))
    np.testing.assert_allclose(found.ci_high - found.effect, 12.706204736432095 * 0.3)
    np.testing.assert_allclose(found.tau2, 0)


def test_spread_beyond_what_shared_errors_explain_is_between_contrasts() -> None:
    """τ² solves its equation: checked against a plain root-finder."""
    rng = np.random.default_rng(5)
    effect, error = rng.normal(size=(30, 4)), rng.uniform(0.2, 0.6, (30, 4))
    shared = np.full((4, 4), 0.5) + 0.5 * np.eye(4)
    shared[0, 1:] = shared[1:, 0] = -0.3
    found = combine_effects(effect, error, shared)
    n_above = 0
    for y, s, tau2 in zip(effect, error, found.tau2, strict=True):

        def gap(x: float, y=y, s=s) -> float:
            sigma = shared * np.outer(s, s) + x * np.eye(4)
            w = 1 / np.diag(sigma)
            mean = (w * y).sum() / w.sum()
            return float((w * (y - mean) ** 2).sum() - (4 - w @ sigma @ w / w.sum()))

        expected = optimize.brentq(gap, 0, 100, xtol=1e-13) if gap(0) > 0 else 0.0
        n_above += expected > 0
        assert tau2 == pytest.approx(expected, abs=1e-9)
    assert n_above > 5


def test_groups_keep_the_order_of_the_table(caplog) -> None:
    groups = group_contrasts([contrast("b", "g"), contrast("c", "h"), contrast("a", "g")])
    assert groups == {"g": ["b", "a"], "h": ["c"]}
    assert "group h has one contrast" in caplog.text
