"""Secreted factors, their enrichment, osteoclast sets, and FRA1."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom

from pathcall import tables
from pathcall.enrichment.secretome import (
    factor_classes,
    osteo_sets,
    over_representation,
    profile_and_write,
    profile_secretome,
)
from pathcall.signatures.panel import Panel, load_panel
from tests.scoring_data import SYMBOLS, make_study, write_panel


@pytest.fixture(scope="module")
def panel(tmp_path_factory) -> Panel:
    folder = write_panel(tmp_path_factory.mktemp("panel"))
    with (folder / "readouts.tsv").open("a", encoding="utf-8") as stream:
        stream.write("FRA1_AP1\tF_GENE\tcurated\tcurated_sets.tsv:DRIVER\t+1\tevidence\t\t\t\t\n")
        stream.write(
            "FRA1_AP1\tF_ARMS\tsigned_gene_set\tgene_sets.tsv:ARM_UP|gene_sets.tsv:ARM_DN"
            "\t-1\tevidence\t\t\t\t\n"
        )
    return load_panel(folder)


@pytest.fixture(scope="module")
def de() -> dict[str, pd.DataFrame]:
    return make_study().de


GROUPS = {"b_vs_a": "g", "a_vs_b": "g"}


def test_strict_leaves_out_factors_seen_by_mass_spectrometry_alone(panel, caplog):
    with caplog.at_level("INFO"):
        strict = factor_classes(panel, strict=True)
    assert len(factor_classes(panel, strict=False)) == 100
    assert len(strict) == 90
    assert SYMBOLS[90] not in strict.index  # HDA only
    assert SYMBOLS[0] in strict.index  # IDA and HDA
    assert "10 of 100 factors rest on mass-spectrometry lists alone" in caplog.text


def test_the_shipped_panel_has_336_such_factors(panel_folder):
    shipped = load_panel(panel_folder)
    assert (
        len(factor_classes(shipped, strict=False)) - len(factor_classes(shipped, strict=True))
        == 336
    )
    assert "ACTB" not in factor_classes(shipped, strict=True).index
    assert set(osteo_sets(shipped)) == {"OSTEOCLAST_MARKERS", "OSTEOLYTIC_TUMOUR_FACTORS"}


@pytest.fixture(scope="module")
def panel_folder(request):
    return request.config.rootpath / "resources" / "panel"


def test_factors_that_change(panel, de):
    factors, _, _ = profile_secretome(de, panel, groups=GROUPS, alpha=0.05, strict=False)
    frame = factors["b_vs_a"]
    planted = {SYMBOLS[i]: "up" for i in (0, 10, 20, 30)} | {
        SYMBOLS[i]: "down" for i in (40, 50, 60, 70)
    }
    found = dict(zip(frame["symbol"], frame["direction"], strict=True))
    assert planted.items() <= found.items()
    assert (frame["padj"] < 0.05).all()
    assert (np.sign(frame["log2fc"]) == np.where(frame["direction"] == "up", 1, -1)).all()
    assert frame["direction"].is_monotonic_decreasing  # up, then down
    # The other contrast of the group is the same one turned round: nothing changes the same way.
    assert (frame["n_in_group"] == 1).all()
    assert (frame["group"] == "g").all()


def test_the_same_change_in_the_group_is_counted(panel, de):
    twice = {"one": de["b_vs_a"], "two": de["b_vs_a"], "three": de["b_vs_a"]}
    groups = {"one": "g", "two": "g", "three": None}
    factors, _, _ = profile_secretome(twice, panel, groups=groups, alpha=0.05, strict=False)
    assert (factors["one"]["n_in_group"] == 2).all()
    assert (factors["three"]["n_in_group"] == 1).all()
    assert factors["three"]["group"].isna().all()


def test_osteoclast_sets_stand_apart(panel, de):
    factors, overlap, _ = profile_secretome(de, panel, groups={}, alpha=0.05, strict=False)
    assert factors["b_vs_a"]["osteoclast"].isna().all()  # GENE0081 and 82 are not in the secretome
    rows = overlap[(overlap["contrast"] == "b_vs_a") & (overlap["class"] == "OSTEOCLAST_MARKERS")]
    assert rows["n_class"].to_list() == [1, 1]


def test_over_representation_is_hypergeometric_and_lists_every_class(panel, de):
    _, overlap, _ = profile_secretome(de, panel, groups={}, alpha=0.05, strict=False)
    assert len(overlap) == 2 * 2 * (1 + 4 + 2)
    row = overlap[
        (overlap["contrast"] == "b_vs_a")
        & (overlap["class"] == "all")
        & (overlap["direction"] == "up")
    ].iloc[0]
    expected = hypergeom.sf(
        row["n_overlap"] - 1, row["n_background"], row["n_class"], row["n_changed"]
    )
    np.testing.assert_allclose(row["pvalue"], expected)
    assert len(row["genes"].split(";")) == row["n_overlap"]
    # Background: one gene a symbol, with an FDR: not the ten below the filter nor the outlier.
    assert row["n_background"] == 989
    assert row["n_class"] == 98  # GENE0950 and GENE0960 are not in it


def test_classes_without_a_hit_have_p_one():
    background = [f"B{i}" for i in range(50)]
    found = over_representation(
        background[:5],
        {"hit": {"B0", "B9"}, "miss": set(background[20:40]), "empty": set()},
        background,
    )
    np.testing.assert_allclose(found.at["hit", "pvalue"], hypergeom.sf(0, 50, 2, 5))
    assert found.at["miss", "pvalue"] == 1
    assert found.at["miss", "odds_ratio"] < 1
    assert found.loc["empty"].isna().all()


def test_no_changed_gene_is_an_empty_table_with_a_header(panel, de, tmp_path):
    still = {"x": de["b_vs_a"].assign(padj=1.0)}
    tables.write_table(still["x"], tmp_path / "x.tsv", tables.DE)
    profile_and_write(
        {"x": str(tmp_path / "x.tsv")},
        signatures=str(panel.folder),
        groups={"x": None},
        alpha=0.05,
        strict=True,
        factors_out={"x": str(tmp_path / "s.tsv")},
        overlap_out=str(tmp_path / "o.tsv"),
        fra1_out=str(tmp_path / "f.tsv"),
    )
    assert tables.read_table(tmp_path / "s.tsv", tables.SECRETOME).empty
    overlap = tables.read_table(tmp_path / "o.tsv", tables.SECRETOME_OVERLAP)
    assert (overlap["n_overlap"] == 0).all()
    assert overlap["pvalue"].isna().all()


def test_fra1_and_its_targets(panel, de):
    _, _, fra1 = profile_secretome(de, panel, groups={}, alpha=0.05, strict=True)
    tables.FRA1.validate(fra1)
    own = fra1[fra1["contrast"] == "b_vs_a"]
    driver = own[own["role"] == "driver"].iloc[0]
    assert driver["symbol"] == SYMBOLS[80]
    assert driver["log2fc"] == de["b_vs_a"].at[80, "log2fc"]
    targets = own[own["role"] == "target"].set_index("symbol")["direction"]
    assert len(targets) == 45
    assert targets[SYMBOLS[500]] == -1  # up arm of a readout that falls with the pathway
    assert targets[SYMBOLS[530]] == 1


def test_a_panel_without_fra1_gives_an_empty_table(tmp_path, de):
    bare = load_panel(write_panel(tmp_path / "bare"))
    _, _, fra1 = profile_secretome(de, bare, groups={}, alpha=0.05, strict=True)
    tables.write_table(fra1, tmp_path / "f.tsv", tables.FRA1)
    assert tables.read_table(tmp_path / "f.tsv", tables.FRA1).empty
