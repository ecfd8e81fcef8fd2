import shutil
from pathlib import Path

import pytest

from pathcall.errors import ConfigError
from pathcall.signatures.panel import load_panel


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(root / "resources/panel", tmp_path / "panel"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_shipped_panel(root: Path) -> None:
    panel = load_panel(root / "resources/panel")
    assert panel.pathways == ("AKT", "NFKB_CANONICAL", "NFKB_ALTERNATIVE", "MAPK", "FRA1_AP1")
    assert len(panel.gene_sets) == 80
    assert len(panel.readouts) == 41
    by_name = {r.readout: r for r in panel.readouts}
    assert by_name["AKT_FOXO_TARGETS"].expected_direction == -1
    assert set(by_name["AKT_FOXO_TARGETS"].weights.values()) == {1.0}
    assert by_name["AKT_C6_AKT_UP"].weights["FBXO32"] == -1
    assert by_name["AKT_PROGENY_PI3K"].key == "PI3K"
    assert by_name["FRA1_FOSL1"].genes == ("FOSL1",)
    assert len(panel.readouts_of("MAPK", role="evidence")) == 3


def test_a_pathway_is_added_by_rows_and_a_gmt(folder: Path) -> None:
    (folder / "own.gmt").write_text("MY_SET\tfrom a paper\tTP53\tMDM2\tCDKN1A\n")
    with (folder / "readouts.tsv").open("a") as file:
        file.write("P53\tP53_MINE\tgene_set\town.gmt:MY_SET\t+1\tevidence\tmine\t1\t-\t-\t-\n")
    panel = load_panel(folder)
    assert panel.pathways[-1] == "P53"
    assert panel.readouts[-1].genes == ("CDKN1A", "MDM2", "TP53")
    assert panel.gene_sets["MY_SET"].collection == "own"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("curated_sets.tsv:MPAS_WAGLE2018", "curated_sets.tsv:NONE", ["does not hold", "NONE"]),
        ("curated_sets.tsv:MPAS_WAGLE2018", "none.tsv:X", ["does not hold", "none.tsv:X"]),
        ("MAPK\tMAPK_MPAS\tcurated", "MAPK\tMAPK_MPAS\todd", ["column family", "'odd'"]),
        ("\tMAPK_MPAS\t", "\tMAPK_PROGENY_MAPK\t", ["listed twice", "MAPK_PROGENY_MAPK"]),
        ("expected_direction", "direction", ["lacks a column", "expected_direction"]),
    ],
)
def test_a_broken_registry_is_refused(folder: Path, old: str, new: str, words: list[str]) -> None:
    edit(folder / "readouts.tsv", old, new)
    with pytest.raises(ConfigError) as error:
        load_panel(folder)
    for word in [*words, "readouts.tsv"]:
        assert word in error.value.line()


def test_a_missing_file_and_bad_gmt(folder: Path) -> None:
    (folder / "own.gmt").write_text("EMPTY\tno genes\n")
    with pytest.raises(ConfigError, match=r"no genes.*own\.gmt, line 1"):
        load_panel(folder)
    (folder / "own.gmt").write_text("HALLMARK_HYPOXIA\tagain\tTP53\n")
    with pytest.raises(ConfigError, match="defined twice"):
        load_panel(folder)
    (folder / "readouts.tsv").unlink()
    with pytest.raises(ConfigError, match="lacks a file"):
        load_panel(folder)
