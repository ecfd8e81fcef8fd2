"""Gene-level evidence: every set listed, GSEA calibrated and repeatable, signs towards pathways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pathcall import tables
from pathcall.enrichment.enrich_model import ContrastScores, enrich_and_write, enrich_model
from pathcall.enrichment.gsea import gsea
from pathcall.errors import ConfigError, InputError
from pathcall.signatures.panel import Panel, load_panel
from tests.fitted_models import write_model
from tests.scoring_data import SETS, SYMBOLS, Study, make_study, write_panel

CONFOUNDERS = {"ALPHA": ["BETA_FOOT", "OTHER_SET"], "BETA": ["BETA_FOOT"]}


@pytest.fixture(scope="module")
def panel(tmp_path_factory) -> Panel:
    return load_panel(write_panel(tmp_path_factory.mktemp("panel")))


@pytest.fixture(scope="module")
def study() -> Study:
    return make_study()


@pytest.fixture(scope="module")
def scores(study, panel) -> dict[str, ContrastScores]:
    return enrich_model(study.de, study.model, panel, confounders=CONFOUNDERS, seed=3)


def rows(scores: ContrastScores, method: str) -> pd.DataFrame:
    frame = scores.readouts
    return frame[frame["method"] == method].set_index("readout")


@pytest.mark.slow
def test_every_set_is_listed_with_the_reason_where_not_tested(scores):
    table = scores["b_vs_a"].enrichment.set_index("gene_set")
    assert set(table.index) == set(SETS)
    assert table.at["TINY_SET", "n_matched"] == 2
    for name in ("TINY_SET", "ABSENT_SET"):
        assert table.at[name, "note"] == "fewer than 3 genes with a statistic"
        assert table.loc[name, ["es", "nes", "pvalue", "fdr", "z_camera"]].isna().all()
    tested = table[table["note"].isna()]
    assert len(tested) == 5
    assert (
        tested[["es", "nes", "pvalue", "fdr", "z_camera", "p_camera", "fdr_camera"]]
        .notna()
        .all(axis=None)
    )


def test_planted_sets_move_the_right_way(scores):
    table = scores["b_vs_a"].enrichment.set_index("gene_set")
    assert table.at["UP_SET", "nes"] > 1.5
    assert table.at["UP_SET", "fdr"] < 0.01
    assert table.at["UP_SET", "z_camera"] > 4
    assert table.at["DOWN_SET", "nes"] < -1.5
    assert table.at["DOWN_SET", "z_camera"] < -4
    assert table.at["OTHER_SET", "fdr"] > 0.05
    leading = set(table.at["UP_SET", "leading_edge"].split(";"))
    assert leading <= set(SETS["UP_SET"])


def test_fdr_is_over_the_declared_collection(scores):
    table = scores["b_vs_a"].enrichment
    tested = table["note"].isna()
    np.testing.assert_allclose(
        table.loc[tested, "fdr"], stats.false_discovery_control(table.loc[tested, "pvalue"])
    )


@pytest.mark.slow
def test_tables_fit_their_schemas(scores):
    for score in scores.values():
        tables.ENRICHMENT.validate(score.enrichment)
        tables.ACTIVITY.validate(score.activity)
        tables.READOUTS.validate(score.readouts)


def test_turning_the_contrast_turns_every_sign(scores):
    one, other = scores["b_vs_a"], scores["a_vs_b"]
    np.testing.assert_allclose(one.enrichment["z_camera"], -other.enrichment["z_camera"])
    np.testing.assert_allclose(one.activity["score"], -other.activity["score"], rtol=1e-8)
    exact = one.readouts["method"] != "gsea"
    np.testing.assert_allclose(
        one.readouts.loc[exact, "stat"], -other.readouts.loc[exact, "stat"], rtol=1e-8
    )


def test_readouts_point_towards_their_pathway(scores):
    camera = rows(scores["b_vs_a"], "camera")
    # LOST_ON_ALPHA falls, and its expected direction is -1: alpha is up.
    assert camera.at["ALPHA_LOST", "effect"] > 0
    assert camera.at["ALPHA_LOST", "stat"] > 2
    assert camera.at["ALPHA_ARMS", "stat"] > 4
    assert rows(scores["b_vs_a"], "gsea").at["ALPHA_LOST", "stat"] > 1
    assert rows(scores["b_vs_a"], "mlm").at["ALPHA_FOOT", "stat"] > 3


def test_shared_targets_do_not_leak_into_the_other_footprint(scores):
    activity = scores["b_vs_a"].activity.set_index("source")
    assert activity.at["Alpha", "score"] > 8
    assert abs(activity.at["Beta", "score"]) < abs(activity.at["Alpha", "score"]) / 3
    assert activity.at["Gamma", "pvalue"] > 0.01


def test_a_footprint_with_few_targets_is_listed_and_not_fitted(scores):
    activity = scores["b_vs_a"].activity.set_index("source")
    assert activity.at["Rare", "n_targets"] == 3
    assert np.isnan(activity.at["Rare", "score"])


def test_a_readout_of_one_gene_is_that_genes_own_test(scores, study):
    row = rows(scores["b_vs_a"], "gene").loc["BETA_DRIVER"]
    gene = study.de["b_vs_a"].iloc[80]
    assert row["effect"] == gene["log2fc"]
    assert row["stat"] == gene["stat"]
    np.testing.assert_allclose(row["pvalue"], gene["pvalue"], rtol=1e-9)
    assert "BETA_DRIVER" not in rows(scores["b_vs_a"], "camera").index


def test_few_genes_are_not_tested_and_say_so(scores):
    row = rows(scores["b_vs_a"], "camera").loc["BETA_TINY"]
    assert np.isnan(row["stat"])
    assert row["note"] == "fewer than 3 genes with a statistic"
    np.testing.assert_allclose(row["coverage"], 2 / 3)


def test_adjusted_evidence_names_its_confounders(scores):
    adjusted = rows(scores["b_vs_a"], "camera_adjusted")
    assert adjusted.at["ALPHA_SET", "note"] == "adjusted for BETA_FOOT, OTHER_SET"
    assert adjusted.at["ALPHA_SET", "stat"] > 4
    # A confounder is not adjusted for itself.
    assert "BETA_FOOT" not in adjusted.index


def test_signed_sets_have_no_gsea_row(scores):
    assert "ALPHA_ARMS" not in rows(scores["b_vs_a"], "gsea").index


def test_an_unknown_confounder_is_named(study, panel):
    with pytest.raises(ConfigError, match="pathway ALPHA, value 'NO_SUCH_SET'"):
        enrich_model(study.de, study.model, panel, confounders={"ALPHA": ["NO_SUCH_SET"]}, seed=1)


def test_genes_without_a_usable_statistic_are_left_out_and_counted(study, panel, caplog):
    with caplog.at_level("INFO"):
        enrich_model(study.de, study.model, panel, confounders={}, seed=1)
    assert "1019 of 1030 genes with a statistic; 11 of 1000 genes" in caplog.text


def test_genes_without_a_count_on_either_side_are_left_out(study, panel, caplog):
    table = study.de["b_vs_a"].copy()
    silent = table.index[:10]
    table.loc[silent, ["log2fc", "stat"]] = 0.0
    table.loc[silent, ["pvalue", "padj"]] = 1.0
    with caplog.at_level("INFO"):
        made = enrich_model({"c": table}, study.model, panel, confounders={}, seed=1)["c"]
    row = made.enrichment.set_index("gene_set").loc["UP_SET"]
    assert row["n_matched"] == 30
    assert "21 of 1000 genes of the panel's ranking are left out" in caplog.text


def test_few_residual_df_use_the_preset_correlation(panel, caplog):
    small = make_study(samples=6)
    with caplog.at_level("INFO"):
        enrich_model(small.de, small.model, panel, confounders={}, seed=1)
    assert "preset 0.01 (4 residual degrees of freedom)" in caplog.text


def test_written_tables_are_the_same_for_any_number_of_threads(study, panel, tmp_path):
    write_model(study.model, tmp_path / "m.h5ad")
    tables.write_table(study.de["b_vs_a"], tmp_path / "de.tsv", tables.DE)
    made = []
    for threads in (1, 2):
        folder = tmp_path / str(threads)
        out = {k: str(folder / f"{k}.tsv") for k in ("enrichment", "activity", "readouts")}
        enrich_and_write(
            {"b_vs_a": str(tmp_path / "de.tsv")},
            model=str(tmp_path / "m.h5ad"),
            signatures=str(panel.folder),
            confounders=CONFOUNDERS,
            seed=3,
            threads=threads,
            out={"b_vs_a": out},
        )
        made.append([Path(path).read_bytes() for path in out.values()])
    assert made[0] == made[1]


def test_ties_are_ordered_by_symbol_whatever_the_order_given():
    rng = np.random.default_rng(5)
    ranked = pd.Series(rng.normal(size=300).round(1), index=SYMBOLS[:300])
    sets = {"a": SYMBOLS[:30], "b": SYMBOLS[100:150]}
    one = gsea(ranked, sets, seed=1)
    other = gsea(ranked.sample(frac=1, random_state=2), sets, seed=1)
    pd.testing.assert_frame_equal(one, other)


class PanicException(BaseException):
    """As PyO3 names it."""


def test_a_panic_of_the_sampler_goes_on_with_a_derived_seed(monkeypatch, caplog):
    import gseapy

    ranked = pd.Series(np.random.default_rng(6).normal(size=300), index=SYMBOLS[:300])
    sets = {"a": SYMBOLS[:30]}
    real, seeds = gseapy.prerank, []

    def fail_first(*args, seed, **kw):
        seeds.append(seed)
        if len(seeds) == 1:
            raise PanicException("user-provided comparison function")
        return real(*args, seed=seed, **kw)

    monkeypatch.setattr(gseapy, "prerank", fail_first)
    found = gsea(ranked, sets, seed=7)
    assert seeds[0] == 7
    assert "sampler failed with seed 7 (user-provided comparison function)" in caplog.text
    monkeypatch.undo()
    pd.testing.assert_frame_equal(found, gsea(ranked, sets, seed=seeds[1]))


def test_a_sampler_that_always_fails_is_an_error_with_a_fix(monkeypatch):
    import gseapy

    def fail(*args, **kw):
        raise PanicException("no")

    monkeypatch.setattr(gseapy, "prerank", fail)
    ranked = pd.Series([3.0, 2.0, 1.0, 0.5], index=["A", "B", "C", "D"])
    with pytest.raises(InputError, match="set another `seed`"):
        gsea(ranked, {"a": ["A", "B", "C"]}, seed=7)


def test_an_interrupt_is_not_swallowed(monkeypatch):
    import gseapy

    def stop(*args, **kw):
        raise KeyboardInterrupt

    monkeypatch.setattr(gseapy, "prerank", stop)
    with pytest.raises(KeyboardInterrupt):
        gsea(pd.Series([3.0, 2.0, 1.0, 0.5], index=[*"ABCD"]), {"a": ["A", "B", "C"]}, seed=7)


def test_gsea_of_no_set_is_an_empty_table():
    assert gsea(pd.Series([1.0, 2.0], index=["A", "B"]), {}, seed=1).empty


def test_multilevel_p_values_are_uniform_under_the_null():
    """Random sets on a random ranking: gseapy before 1.3.1 gave 9.6% below 0.05 here."""
    rng = np.random.default_rng(8)
    ranked = pd.Series(rng.normal(size=1000), index=SYMBOLS)
    sets = {
        f"s{i}": list(rng.choice(SYMBOLS, size=int(size), replace=False))
        for i, size in enumerate(np.tile([5, 15, 40, 120], 150))
    }
    p = gsea(ranked, sets, seed=4)["pvalue"].to_numpy()
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert 0.03 < np.mean(p < 0.05) < 0.07
