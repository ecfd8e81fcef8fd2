"""Other studies by config alone. Needs data that is no part of the project (../shared)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pathcall import tables
from tests.browser.boxes import text_trouble
from tests.browser.conftest import axe_findings, opened
from tests.project import Project

pytestmark = pytest.mark.rare
DRUGS = {"vem": "vemurafenib", "tram": "trametinib", "comb": "both"}
GENOTYPES = ("WT", "ARID1A_KO", "MED12_KO")


def read(project: Project, study: str, name: str, schema: tables.DataFrameSchema) -> pd.DataFrame:
    return tables.read_table(project.folder / f"results/{study}/{name}.tsv", schema)


@pytest.fixture(scope="module")
def a375(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """36 samples of A375 cells: three genotypes, four treatments, three replicates."""
    project = Project.copy(tmp_path_factory.mktemp("a375") / "project")
    sheet = pd.read_csv(shared / "data/A375_36_samples.tsv", sep="\t", dtype=str)
    sheet["group"] = sheet["genotype"] + "_" + sheet["drug"]
    sheet.to_csv(project.folder / "config/own.tsv", sep="\t", index=False)
    rows = [
        (f"{drug}_in_{genotype}", f"group={genotype}_{drug}", f"group={genotype}_none",
         "MAPK:repressed")
        for genotype in GENOTYPES
        for drug in DRUGS
    ] + [
        (f"{knockout}_vs_WT", f"group={knockout}_none", "group=WT_none", "")
        for knockout in GENOTYPES[1:]
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["contrast", "test", "reference", "expected"])
    frame.insert(1, "model", "all")
    frame.to_csv(project.folder / "config/own_contrasts.tsv", sep="\t", index=False)
    (project.folder / "config/own.yaml").write_text(
        f"""
study: A375_36
samples: config/own.tsv
contrasts: config/own_contrasts.tsv
counts: {{source: file, file: "{shared / "data/A375_36_counts.tsv.gz"}"}}
models: {{all: {{design: "~ group"}}}}
offline: true
"""
    )
    done = project.snakemake("--cores", "2", "--configfile", "config/own.yaml")
    assert done.returncode == 0, done.stderr
    return project


@pytest.mark.xdist_group("a375")
@pytest.mark.parametrize("genotype", GENOTYPES)
@pytest.mark.parametrize("drug", DRUGS)
def test_inhibitors_repress_mapk(a375: Project, drug: str, genotype: str) -> None:
    contrast = f"{drug}_in_{genotype}"
    calls = read(a375, "A375_36", "calls", tables.CALLS_TABLE).set_index(["contrast", "pathway"])
    call = calls.loc[(contrast, "MAPK")]
    assert call["call"] == "repressed"
    assert call["control_ok"] == "yes"
    # By fold change: DUSP6 has no p-value here, it holds a Cook's-distance outlier (as in R).
    de = read(a375, "A375_36", f"de/{contrast}", tables.DE).set_index("symbol")
    share = de["log2fc_shrunk"].rank(pct=True)
    for gene in ("DUSP6", "SPRY4", "ETV4"):
        assert share[gene] < 0.02, gene
        assert de.loc[gene, "log2fc"] < -1.5, gene


@pytest.mark.xdist_group("a375")
@pytest.mark.parametrize("knockout", GENOTYPES[1:])
def test_knockouts_do_not_repress_mapk(a375: Project, knockout: str) -> None:
    calls = read(a375, "A375_36", "calls", tables.CALLS_TABLE).set_index(["contrast", "pathway"])
    assert calls.loc[(f"{knockout}_vs_WT", "MAPK"), "call"] != "repressed"


@pytest.mark.xdist_group("a375")
@pytest.mark.parametrize(
    ("contrast", "reference"),
    [
        ("vem_in_WT", "vem_vs_none_in_WT"),
        ("tram_in_WT", "tram_vs_none_in_WT"),
        ("comb_in_WT", "comb_vs_none_in_WT"),
        ("ARID1A_KO_vs_WT", "ARID1A_KO_vs_WT_untreated"),
    ],
)
def test_significant_genes_are_those_of_r(
    a375: Project, shared: Path, contrast: str, reference: str
) -> None:
    ours = read(a375, "A375_36", f"de/{contrast}", tables.DE).set_index("gene_id")
    theirs = pd.read_csv(shared / f"data/A375_36_DESeq2_{reference}.tsv.gz", sep="\t", index_col=0)
    one = set(ours.index[ours["padj"] < 0.05])
    two = set(theirs.index[theirs["padj"] < 0.05])
    assert len(one & two) / len(one | two) >= 0.985
    both = list(one & two)
    assert ((ours.loc[both, "log2fc"] > 0) == (theirs.loc[both, "log2FoldChange"] > 0)).all()


HOSTS = ("ftp.ncbi.nlm.nih.gov", "www.ncbi.nlm.nih.gov", "duffel.rail.bio")


def mirror(project: Project, folders: dict[str, Path]) -> None:
    lines = [f"  {host}: {folder.as_uri()}" for host, folder in folders.items()]
    (project.folder / "config/mirror.yaml").write_text("\n".join(["mirrors:", *lines]) + "\n")


@pytest.fixture(scope="module")
def default(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default study, its counts simulated from known truth."""
    project = Project.copy(tmp_path_factory.mktemp("default") / "project")
    mirror(project, {host: shared / "geo-mirror" / host for host in HOSTS})
    done = project.snakemake(
        "--cores", "2", "--configfile", "config/config.yaml", "config/mirror.yaml"
    )
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def calls(default: Project) -> pd.Series:
    table = read(default, "GSE64741", "calls", tables.CALLS_TABLE)
    return table.set_index(["contrast", "pathway"])["call"]


@pytest.mark.xdist_group("default")
def test_the_planted_truth_is_called(calls: pd.Series) -> None:
    assert calls["A375R_SR_vem", "AKT"] == "activated"
    assert calls["A375R_SR_minus_R", "AKT"] == "activated"


@pytest.mark.xdist_group("default")
def test_nothing_is_called_where_nothing_was_planted(calls: pd.Series) -> None:
    called = {"activated", "repressed"}
    assert not called & set(calls["A375R_R_vem"])
    for contrast in ("A375R_SR_vem", "A375R_SR_minus_R"):
        others = calls[contrast].drop("AKT")
        assert not called & set(others), others


@pytest.mark.xdist_group("default")
def test_inhibitors_repress_mapk_in_sensitive_cells(calls: pd.Series) -> None:
    for contrast in ("A375_vem_6h", "A375_vem_48h", "Colo800_vem_48h", "UACC62_vem_48h",
                     "H3122_crizotinib_48h", "A375_tumour_vem"):  # fmt: skip
        assert calls[contrast, "MAPK"] == "repressed", contrast


@pytest.mark.xdist_group("default")
def test_simulated_counts_are_called_simulated(default: Project) -> None:
    inputs = read(default, "GSE64741", "provenance/inputs", tables.INPUTS)
    counts = inputs[inputs["file"].str.contains("raw_counts")]
    assert set(counts["kind"]) == {"simulated"}
    page = (default.folder / "results/GSE64741/report.html").read_text()
    assert "Simulated data" in page
    assert len(page) < 6e6


@pytest.mark.browser
@pytest.mark.xdist_group("default")
def test_the_page_of_nine_contrasts_is_short_and_no_text_is_cut(
    default: Project, browser: Any
) -> None:
    for width in (1400, 1024, 390):
        page = opened(browser, default.folder / "results/GSE64741", width)
        height = page.evaluate("document.documentElement.scrollHeight")
        texts, trouble = text_trouble(page)
        found = axe_findings(page) if width == 1400 else []
        page.context.close()
        assert texts > 1000
        assert trouble == []
        assert found == []
        if width == 1400:
            assert height <= 15 * 900


@pytest.mark.xdist_group("default")
def test_without_ncbis_counts_recount3_gives_the_same_calls(
    calls: pd.Series, shared: Path, tmp_path: Path
) -> None:
    project = Project.copy(tmp_path / "project")
    (tmp_path / "empty").mkdir()
    folders = {host: shared / "geo-mirror" / host for host in HOSTS}
    mirror(project, {**folders, "www.ncbi.nlm.nih.gov": tmp_path / "empty"})
    done = project.snakemake(
        "--cores", "2", "--configfile", "config/config.yaml", "config/mirror.yaml",
        "--", "results/GSE64741/calls.tsv",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    inputs = read(project, "GSE64741", "provenance/inputs", tables.INPUTS)
    assert "recount3" in set(inputs["source"])
    assert "ncbi" not in set(inputs["source"])
    table = read(project, "GSE64741", "calls", tables.CALLS_TABLE)
    other = table.set_index(["contrast", "pathway"])["call"]
    pd.testing.assert_series_equal(other, calls)
