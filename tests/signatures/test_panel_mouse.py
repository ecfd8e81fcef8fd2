"""The mouse panel is what its script makes of the human one, and says what it lost on the way."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from pathcall.counts.gene_ids import annotate, check_mapped, detect_kind
from pathcall.errors import InputError
from pathcall.signatures.panel import Panel, load_panel
from pathcall.signatures.panel_files import check_panel
from pathcall.study.config import CallsConfig

MADE = ("gene_sets.tsv", "curated_sets.tsv", "secretome.tsv", "readouts.tsv", "coverage.tsv",
        "overlap.tsv")  # fmt: skip
OSTEOCLAST = {"ALTNFKB_NFATC1_OSTEOCLAST", "ALTNFKB_RANKL_RESPONSE"}


@pytest.fixture(scope="module")
def script(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "make_panel", root / "resources/panel_mouse/make_panel.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def human(root: Path) -> Panel:
    return load_panel(root / "resources/panel")


@pytest.fixture(scope="module")
def mouse(root: Path) -> Panel:
    return load_panel(root / "resources/panel_mouse")


def test_the_script_makes_the_files_that_ship(
    script: ModuleType, root: Path, tmp_path: Path
) -> None:
    script.make_panel(tmp_path)
    for name in MADE:
        assert (tmp_path / name).read_bytes() == (
            root / "resources/panel_mouse" / name
        ).read_bytes()


def test_it_has_the_readouts_of_the_human_panel_and_the_osteoclasts(
    root: Path, human: Panel, mouse: Panel
) -> None:
    assert check_panel(root / "resources/panel_mouse").pathways == human.pathways == mouse.pathways
    theirs = {
        r.readout: (r.pathway, r.family, r.role, r.expected_direction) for r in human.readouts
    }
    ours = {r.readout: (r.pathway, r.family, r.role, r.expected_direction) for r in mouse.readouts}
    assert set(ours) - set(theirs) == OSTEOCLAST
    assert theirs == {name: row for name, row in ours.items() if name in theirs}
    for name in OSTEOCLAST:
        assert ours[name][0] == "NFKB_ALTERNATIVE"
        assert ours[name][2] == "context"
    assert set(mouse.gene_sets) == set(human.gene_sets)
    known = {*theirs, *mouse.gene_sets}
    assert {c for names in CallsConfig().confounders.values() for c in names} <= known


def test_each_readout_states_its_coverage(human: Panel, mouse: Panel) -> None:
    assert human.orthologs is None
    table = mouse.orthologs
    assert table is not None
    table = table.set_index("readout")
    pairs = pd.read_csv(mouse.folder / "orthologs.tsv.gz", sep="\t", keep_default_na=False)
    mouse_of = dict(zip(pairs["human"], pairs["mouse"], strict=True))
    theirs = {r.readout: r for r in human.readouts}
    for readout in mouse.readouts:
        row = table.loc[readout.readout]
        assert int(row["n_mouse"]) == len(readout.weights)
        if readout.readout in OSTEOCLAST:
            continue
        own = theirs[readout.readout]
        with_one = [g for g in own.weights if g in mouse_of]
        assert int(row["n_human"]) == len(own.weights)
        assert int(row["n_orthologs"]) == len(with_one)
        assert f"of the {len(own.weights)} genes" in readout.note or (
            f"{len(with_one)} of {len(own.weights)} human genes" in readout.note
        )
        if readout.family == "footprint":
            continue
        assert dict(readout.weights) == {mouse_of[g]: own.weights[g] for g in with_one}
        assert set(filter(None, row["without_ortholog"].split("|"))) == set(own.weights) - set(
            with_one
        )
        if readout.role == "evidence":
            assert len(with_one) >= 0.8 * len(own.weights), readout.readout


def test_orthologs_are_one_to_one_and_of_the_panel_only(
    script: ModuleType, mouse: Panel, human: Panel
) -> None:
    pairs = pd.read_csv(mouse.folder / "orthologs.tsv.gz", sep="\t", keep_default_na=False)
    assert pairs["human"].is_unique
    assert pairs["mouse"].is_unique
    assert set(pairs["human"]) <= script.human_genes()
    assert set(pairs["mouse"]) <= set(mouse.gene_ids["symbol"])
    by_human = pairs.set_index("human")["mouse"]
    for gene in ("NFKBIA", "NFKB2", "MYC", "PTEN", "GAPDH", "FOSL1"):
        assert by_human[gene] == gene.capitalize()
    assert not {"CXCL1", "CXCL8"} & set(pairs["human"])


def test_progeny_carries_the_human_weights(human: Panel, mouse: Panel) -> None:
    pairs = pd.read_csv(mouse.folder / "orthologs.tsv.gz", sep="\t", keep_default_na=False)
    theirs = human.footprints.merge(pairs, left_on="gene", right_on="human")
    both = mouse.footprints.merge(
        theirs, left_on=["pathway", "gene"], right_on=["pathway", "mouse"], suffixes=("", "_human")
    )
    assert mouse.footprints.groupby("pathway").size().eq(500).all()
    assert len(both) > 5000
    assert ((both["weight"] - both["weight_human"]).abs() < 1e-3).mean() > 0.99


def test_gene_ids_know_mitochondria_and_all_three_kinds_of_id(mouse: Panel) -> None:
    ids = mouse.gene_ids.set_index("symbol")
    assert ids.loc["mt-Nd1", "entrez_id"] == "17716"
    assert ids.loc["Nfkbia", "ensembl_gene_id"] == "ENSMUSG00000021025"


@pytest.mark.parametrize("kind", ["ensembl", "entrez", "symbol"])
def test_counts_under_each_kind_of_mouse_id_are_mapped(mouse: Panel, kind: str) -> None:
    column = {"ensembl": "ensembl_gene_id", "entrez": "entrez_id", "symbol": "symbol"}[kind]
    ids = mouse.gene_ids.drop_duplicates("symbol").drop_duplicates(column)
    ids = ids[ids["gene_type"] == "protein-coding"].head(6000)
    assert detect_kind(ids[column].tolist(), where="x") == kind
    found = annotate(ids[column].tolist(), kind, mouse.gene_ids)  # type: ignore[arg-type]
    assert found["mapped"].all()
    assert (found["symbol"] == ids["symbol"].to_numpy()).mean() > 0.99


def test_human_symbols_are_not_taken_for_mouse(mouse: Panel, human: Panel) -> None:
    symbols = human.gene_ids.loc[human.gene_ids["gene_type"] == "protein-coding", "symbol"]
    found = annotate(symbols.tolist(), "symbol", mouse.gene_ids)
    mapped = pd.Series(found["mapped"].to_numpy(), symbols)
    with pytest.raises(InputError, match="can be mapped"):
        check_mapped(mapped, pd.Series(True, symbols), "symbol", where="x")
