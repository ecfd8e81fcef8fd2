"""Which pathway leads: the planted one, with intervals that rest on samples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from pathcall import tables
from pathcall.calls.ranking import rank_and_write, rank_pathways
from pathcall.signatures.panel import Panel, load_panel
from pathcall.study.config import CallsConfig
from tests.fitted_models import write_model
from tests.scoring_data import SYMBOLS, make_study, write_panel

RULE = CallsConfig(confounders={}, min_genes=3)


@pytest.fixture(scope="module")
def panel(tmp_path_factory) -> Panel:
    folder = write_panel(tmp_path_factory.mktemp("panel"))
    sets = pd.read_csv(folder / "gene_sets.tsv", sep="\t")
    hallmarks = [("H", f"HALLMARK_{i}", g) for i in range(6) for g in SYMBOLS[700 + 40 * i :][:30]]
    extra = pd.DataFrame(hallmarks, columns=sets.columns)
    pd.concat([sets, extra]).to_csv(folder / "gene_sets.tsv", sep="\t", index=False)
    return load_panel(folder)


@pytest.fixture(scope="module")
def ranked(panel) -> dict[str, pd.DataFrame]:
    return rank_pathways(make_study().model, panel, rule=RULE, seed=1)


def test_all_pathways_are_listed(ranked):
    table = ranked["b_vs_a"]
    tables.RANKING.validate(table)
    assert table["kind"].value_counts().to_dict() == {"hallmark": 6, "footprint": 4, "pathway": 2}
    assert sorted(table["rank"]) == list(range(1, 13))


def test_what_was_planted_leads(ranked):
    table = ranked["b_vs_a"].set_index("name")
    assert table.at["ALPHA", "kind_rank"] == 1
    assert table.at["Alpha", "kind_rank"] == 1
    assert table.at["Alpha", "p_first"] > 0.95
    assert table.at["Alpha", "ci_low"] > 0
    assert {ranked["b_vs_a"]["name"].iloc[0], ranked["b_vs_a"]["name"].iloc[1]} <= {
        "ALPHA", "BETA", "Alpha",
    }  # fmt: skip


def test_intervals_hold_their_value(ranked):
    table = ranked["b_vs_a"]
    assert (table["ci_low"] < table["effect"]).all()
    assert (table["effect"] < table["ci_high"]).all()
    for name in ("rank", "kind_rank"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()
    assert table.groupby("kind")["p_first"].sum().to_numpy() == pytest.approx(1)


def test_turning_the_contrast_turns_the_signs_and_keeps_the_ranks(ranked):
    one = ranked["b_vs_a"].set_index("name")
    other = ranked["a_vs_b"].set_index("name").loc[one.index]
    np.testing.assert_allclose(one["effect"], -other["effect"], rtol=1e-9)
    np.testing.assert_array_equal(one["rank"], other["rank"])


def test_nothing_planted_has_no_leader(panel):
    still = rank_pathways(make_study(planted=0.0, seed=7).model, panel, rule=RULE, seed=1)
    table = still["b_vs_a"]
    assert (table["fdr"] > 0.05).all()
    # No interval singles one out.
    assert (table["rank_high"] > 2).all()


@pytest.mark.slow
def test_size_of_the_intervals_under_the_null(panel):
    """Each interval holds 0 in about 95% of null studies."""
    held = []
    for seed in range(40):
        null = rank_pathways(
            make_study(planted=0.0, seed=100 + seed).model, panel, rule=RULE, seed=1
        )["b_vs_a"]
        held.append(((null["ci_low"] < 0) & (null["ci_high"] > 0)).mean())
    assert 0.92 < np.mean(held) < 0.98


def test_a_pathway_without_measured_genes_has_no_value(panel):
    model = make_study().model
    lost = model.symbols.replace({SYMBOLS[80]: np.nan})
    table = rank_pathways(
        dataclasses.replace(model, symbols=lost), panel, rule=RULE, seed=1
    )["b_vs_a"].set_index("name")  # fmt: skip
    assert np.isnan(table.at["BETA", "effect"])
    assert table.index[-1] == "BETA"


def test_written_table_is_repeatable_and_in_the_order_of_the_contrasts(panel, tmp_path):
    write_model(make_study().model, tmp_path / "m.h5ad")
    texts = []
    for name in ("one", "two"):
        rank_and_write(
            [str(tmp_path / "m.h5ad")],
            contrasts=["a_vs_b", "b_vs_a"],
            signatures=str(panel.folder),
            rule=RULE.model_dump(mode="json"),
            seed=5,
            out=str(tmp_path / f"{name}.tsv"),
        )
        texts.append((tmp_path / f"{name}.tsv").read_bytes())
    assert texts[0] == texts[1]
    table = tables.read_table(tmp_path / "one.tsv", tables.RANKING)
    assert table["contrast"].drop_duplicates().to_list() == ["a_vs_b", "b_vs_a"]
