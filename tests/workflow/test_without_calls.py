"""`pathways: none`: quality, genes and gene sets, for an organism without a panel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pathcall import tables
from tests.fly_study import N_GENES, UP, fly_counts, write_fly_study
from tests.project import Project

pytestmark = [pytest.mark.rare, pytest.mark.xdist_group("without_calls")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.copy(tmp_path_factory.mktemp("fly") / "project")
    write_fly_study(project.folder / "own")
    done = project.snakemake("--cores", "2", "--configfile", "own/config.yaml")
    assert done.returncode == 0, done.stderr
    return project


def read(project: Project, name: str, schema: tables.DataFrameSchema) -> pd.DataFrame:
    return tables.read_table(project.folder / f"results/heat/{name}.tsv", schema)


def test_the_outputs_are_those_without_calls_and_no_others(project: Project) -> None:
    folder = project.folder / "results/heat"
    made = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    kept = {n for n in made if not n.startswith(("logs/", "figures/", "inputs/", ".", "models/"))}
    kept = {n for n in kept if "/." not in n}
    assert kept == {
        "report.html", "counts.h5ad", "samples.tsv", "qc/metrics.tsv", "qc/pca.tsv",
        "qc/correlation.tsv", "qc/flags.tsv", "de/heat.tsv", "lrt/all.tsv", "enrichment/heat.tsv",
        "tables.xlsx", "heat.zip", "qc/pathcall_samples_mqc.tsv",
        "provenance/inputs.tsv", "provenance/software.tsv", "provenance/config.yaml",
        "provenance/methods.md",
    }  # fmt: skip
    again = project.snakemake("--cores", "1", "--configfile", "own/config.yaml", "--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_genes_and_sets_are_right(project: Project) -> None:
    de = read(project, "de/heat", tables.DE)
    assert list(de["gene_id"]) == list(fly_counts().index)
    hit = de["padj"] < 0.05
    truly = np.isin(np.arange(N_GENES), UP)
    assert hit[truly].mean() > 0.9
    assert hit[~truly].mean() < 0.05
    sets = read(project, "enrichment/heat", tables.ENRICHMENT).set_index("gene_set")
    assert sets.loc["HEAT_SHOCK", "fdr"] < 0.01
    assert sets.loc["HEAT_SHOCK", "nes"] > 0
    assert sets.loc["QUIET", "fdr"] > 0.05
    assert sets.loc["ABSENT", "note"] == "fewer than 3 genes with a statistic"


def test_the_page_says_so(project: Project) -> None:
    page = (project.folder / "results/heat/report.html").read_text(encoding="utf-8")
    assert "No pathway was called" in page
    assert "Which genes change in heat?" in page
    for absent in ('id="why"', 'id="secretome"', 'id="false-calls"', "calls.tsv", "NF-κB"):
        assert absent not in page, absent
    for link in {part.split('"')[0] for part in page.split('href="#')[1:]}:
        assert f'id="{link}"' in page, link
    methods: Path = project.folder / "results/heat/provenance/methods.md"
    text = methods.read_text(encoding="utf-8")
    assert "No pathway was called" in text
    assert "PROGENy" not in text


def test_sets_in_other_ids_are_refused(project: Project) -> None:
    (project.folder / "own/wrong.gmt").write_text("HEAT\tx\tHsp22\tHsp70Aa\tHsp83\n")
    done = project.snakemake(
        "--cores", "1", "--configfile", "own/config.yaml", "--until", "assemble_counts",
        "--config", "signatures=own/wrong.gmt", "study=wrong",
    )  # fmt: skip
    assert done.returncode != 0
    assert "no gene of the gene sets is in the counts" in done.stderr
