import contextlib
import gzip
import io

import pandas as pd
import pytest

from pathcall.command.check import check_studies
from pathcall.command.init import init
from pathcall.errors import ConfigError, InputError
from tests.fake_geo import Study, pack, serve
from tests.project import ROOT

DONORS = ["N61311", "N052611", "N080611", "N061011"]
SHORT = {"Untreated": "untreated", "Dexamethasone": "Dex", "Albuterol": "Alb",
         "Albuterol_Dexamethasone": "Alb_Dex"}  # fmt: skip


def draft(folder, monkeypatch, source, **options):
    """Draft in a folder; what was said, and the study as `pathcall check` finds it."""
    monkeypatch.chdir(folder)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        init(source, out="study", **options)
    monkeypatch.chdir(folder / "study")
    return said.getvalue(), check_studies(["config.yaml"])[0]


@pytest.fixture(scope="module")
def airway():
    with gzip.open(ROOT / "resources/demo/GSE52778_counts.tsv.gz") as stream:
        counts = pd.read_csv(stream, sep="\t", index_col=0)
    sheet = pd.read_csv(ROOT / "config/demo/samples.tsv", sep="\t")
    return counts[sheet["sample"]], sheet


def test_airway_is_paired_by_cell_line(tmp_path, monkeypatch):
    """GSE52778 as GEO describes it: four donors, four treatments, one sample of each."""
    treatments = list(SHORT)
    study = Study(
        n_samples=16,
        sample_lines=lambda i: [
            f"!Sample_characteristics_ch1 = {key}: {value}"
            for key, value in (
                ("tissue", "human airway smooth muscle cells"),
                ("treatment", treatments[i % 4]),
                ("cell line", DONORS[i // 4]),
            )
        ],
        title=lambda i: f"{DONORS[i // 4]}_{SHORT[treatments[i % 4]]}",
    )
    with serve({study.soft_path: pack(study.soft())}) as server:
        config = tmp_path / "network.yaml"
        config.write_text(f"mirrors: {dict(server.mirrors)}\n")
        said, plan = draft(tmp_path, monkeypatch, study.accession, configfile=str(config))
    assert {(c.test["treatment"], c.reference["treatment"]) for c in plan.contrasts.values()} == {
        ("Dexamethasone", "Untreated"),
        ("Albuterol", "Untreated"),
        ("Albuterol_Dexamethasone", "Untreated"),
    }
    (model,) = plan.config.models.values()
    assert model.design == "~ cell_line + treatment"
    assert len(said.splitlines()) <= 24


def test_the_default_study_comes_out_unaided(shared, tmp_path, monkeypatch):
    mirror = shared / "geo-mirror"
    config = tmp_path / "network.yaml"
    hosts = ("ftp.ncbi.nlm.nih.gov", "www.ncbi.nlm.nih.gov", "duffel.rail.bio")
    config.write_text(
        "mirrors:\n" + "".join(f"  {host}: {(mirror / host).as_uri()}\n" for host in hosts)
    )
    said, plan = draft(tmp_path, monkeypatch, "GSE64741", configfile=str(config))
    monkeypatch.chdir(ROOT)
    ours = check_studies(["config/config.yaml"])[0]
    assert {model.samples for model in plan.models.values()} == {
        model.samples for model in ours.models.values()
    }

    def sides(study):
        found = set()
        for contrast in study.contrasts.values():
            if contrast.subtract:
                continue
            model = study.models[contrast.model]
            cells = [
                frozenset(
                    s for s in model.samples
                    if all(study.sheet.rows[s][k] == v for k, v in cell.items())
                )
                for cell in (contrast.test, contrast.reference)
            ]  # fmt: skip
            found.add(tuple(cells))
        return found

    assert sides(plan) == sides(ours)
    commented = [
        line for line in (tmp_path / "study/contrasts.tsv").read_text().splitlines()
        if line.startswith("# a375r") and "_minus_" in line
    ]  # fmt: skip
    assert len(commented) == 1
    assert len(said.splitlines()) <= 24


@pytest.mark.slow
def test_groups_of_a_table_are_read_from_its_names(airway, tmp_path, monkeypatch):
    counts, sheet = airway
    arms = sheet["dex"].map({"untreated": "ctrl", "dexamethasone": "dex"})
    names = [f"{arm}_{number // 2 + 1}" for number, arm in enumerate(arms)]
    counts.set_axis(names, axis=1).to_csv(tmp_path / "counts.csv")
    _, plan = draft(tmp_path, monkeypatch, "counts.csv")
    (contrast,) = plan.contrasts.values()
    assert (contrast.test, contrast.reference) == ({"treatment": "dex"}, {"treatment": "ctrl"})
    assert plan.config.counts.file == "../counts.csv"


@pytest.mark.slow
def test_a_table_with_a_sheet_is_paired_by_donor(airway, tmp_path, monkeypatch):
    counts, sheet = airway
    counts.to_csv(tmp_path / "counts.tsv", sep="\t")
    sheet[["sample", "cell", "dex"]].to_csv(tmp_path / "sheet.csv", index=False)
    _, plan = draft(tmp_path, monkeypatch, "counts.tsv", samples="sheet.csv")
    (model,) = plan.config.models.values()
    assert model.design == "~ cell + dex"


def test_names_that_tell_nothing_ask_for_a_sheet(airway, tmp_path, monkeypatch):
    counts, _ = airway
    counts.set_axis([f"S{i}" for i in range(8)], axis=1).to_csv(tmp_path / "counts.csv")
    with pytest.raises(InputError, match="cannot be told from their names") as caught:
        draft(tmp_path, monkeypatch, "counts.csv")
    assert "--samples" in caught.value.fix
    assert not (tmp_path / "study").exists()


def test_a_study_is_not_written_over(airway, tmp_path, monkeypatch):
    (tmp_path / "study").mkdir()
    (tmp_path / "study/samples.tsv").touch()
    with pytest.raises(ConfigError, match="holds a study already"):
        draft(tmp_path, monkeypatch, "counts.csv")


def test_what_is_neither_file_nor_accession(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="no such file or accession"):
        draft(tmp_path, monkeypatch, "nothing.tsv")


@pytest.mark.slow
def test_obs_of_an_h5ad_is_its_sheet(airway, tmp_path, monkeypatch):
    import anndata as ad

    counts, sheet = airway
    obs = sheet.set_index("sample")[["cell", "dex"]]
    data = ad.AnnData(counts.T.to_numpy(), obs=obs, var=pd.DataFrame(index=counts.index))
    data.write_h5ad(tmp_path / "mine.h5ad")
    _, plan = draft(tmp_path, monkeypatch, "mine.h5ad")
    (model,) = plan.config.models.values()
    assert model.design == "~ cell + dex"
