"""A real mouse study through the whole workflow: tests/data/mouse_b_cells."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pathcall import tables
from tests.project import ROOT, Project

pytestmark = [pytest.mark.rare, pytest.mark.xdist_group("mouse")]
COUNTS = ROOT / "tests/data/mouse_b_cells/counts.tsv.gz"
TIMES = ("6h", "12h", "24h", "48h")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.copy(tmp_path_factory.mktemp("mouse") / "project")
    rows = [
        (f"{letter}_{time}", treatment, f"t{time}")
        for time in TIMES
        for letter, treatment in (("C", "control"), ("T", "cocktail"))
    ]
    config = project.folder / "config"
    pd.DataFrame(rows, columns=["sample", "treatment", "time"]).to_csv(
        config / "own.tsv", sep="\t", index=False
    )
    (config / "own_contrasts.tsv").write_text(
        "contrast\tmodel\ttest\treference\ncocktail\tlate\ttreatment=cocktail\ttreatment=control\n"
    )
    (config / "own.yaml").write_text(
        f"""
study: B_cells
organism: mouse
samples: config/own.tsv
contrasts: config/own_contrasts.tsv
counts: {{source: file, file: "{COUNTS}"}}
models: {{late: {{design: "~ time + treatment"}}}}
calls: {{mock_contrasts: 20, simulations: 20}}
offline: true
"""
    )
    done = project.snakemake("--cores", "2", "--configfile", "config/own.yaml")
    assert done.returncode == 0, done.stderr
    return project


def read(project: Project, name: str, schema: tables.DataFrameSchema) -> pd.DataFrame:
    return tables.read_table(project.folder / f"results/B_cells/{name}.tsv", schema)


def test_canonical_nfkb_is_called_activated(course: Project) -> None:
    calls = read(course, "calls", tables.CALLS_TABLE).set_index("pathway")
    assert calls.loc["NFKB_CANONICAL", "call"] == "activated"
    assert calls.loc["NFKB_CANONICAL", "status"] == "called"
    # CD40 signals through NIK too: p100 and its partners rise, whichever arm switched them on.
    assert calls.loc["NFKB_ALTERNATIVE", "call"] == "activated"
    genes = read(course, "nfkb_genes", tables.NFKB_GENES).set_index("symbol")
    assert genes.loc["Nfkb2", "log2fc"] > 1
    de = read(course, "de/cocktail", tables.DE).set_index("symbol")
    assert de.loc["Nfkbia", "padj"] < 1e-6


def test_the_mouse_panel_is_the_default_and_said(course: Project) -> None:
    inputs = read(course, "provenance/inputs", tables.INPUTS)
    panel = inputs.loc[inputs["source"] == "panel", "file"]
    assert all("resources/panel_mouse/" in file for file in panel)
    page = (course.folder / "results/B_cells/report.html").read_text(encoding="utf-8")
    assert "read through one-to-one orthologs" in page
    assert "22 of 26 human genes (85%) have a one-to-one mouse ortholog" in page
    metrics = read(course, "qc/metrics", tables.QC_METRICS)
    assert (metrics["pct_mitochondrial"] >= 0).all()


def test_human_genes_under_mouse_are_refused(course: Project) -> None:
    demo: Path = course.folder / "config/demo.yaml"
    done = course.snakemake(
        "--cores", "1", "--configfile", str(demo), "--config", "organism=mouse",
        "--until", "assemble_counts",
    )  # fmt: skip
    assert done.returncode != 0
    assert "look like those of human" in done.stderr
