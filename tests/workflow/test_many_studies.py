"""Many studies in one run: the good ones are complete whatever happens to the others."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
import yaml

from pathcall import tables
from tests.project import ROOT, Project

pytestmark = pytest.mark.xdist_group("many studies")


def config(project: Project, study: str, **changes: object) -> str:
    content = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
    path = project.folder / f"config/{study}.yaml"
    path.write_text(yaml.safe_dump(content | {"study": study} | changes))
    return f"config/{study}.yaml"


def listed(project: Project, files: list[str], **shared: object) -> str:
    path = project.folder / "config/studies.yaml"
    path.write_text(yaml.safe_dump({"studies": files, **shared}))
    return "config/studies.yaml"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.copy(tmp_path / "many")


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, pytest.param(20, marks=pytest.mark.rare)])
def test_many_studies_are_one_dag(project: Project, n: int):
    files = [config(project, f"STUDY{i}") for i in range(n)]
    done = project.snakemake("--configfile", listed(project, files), "--cores", "1", "--dry-run")
    assert done.returncode == 0, done.stderr
    jobs = re.findall(r"^(?:local)?rule (\w+):", done.stdout + done.stderr, re.MULTILINE)
    of_one = {job.removeprefix("STUDY2_") for job in jobs if job.startswith("STUDY2_")}
    assert {"fetch_metadata", "fit_model_airway", "call_pathways", "render_report"} <= of_one
    assert len(jobs) == n * len(of_one) + 2  # the summary, and the target itself
    assert "summarise_studies" in jobs


@pytest.mark.rare
def test_a_broken_study_is_named_and_the_others_are_complete(project: Project):
    contrasts = (project.folder / "config/demo/contrasts.tsv").read_text().splitlines()
    rows = [f"{contrasts[0]}\tgroup", *(f"{line}\tsteroid" for line in contrasts[1:])]
    (project.folder / "config/grouped.tsv").write_text("\n".join(rows) + "\n")
    lines = gzip.decompress((ROOT / "resources/demo/GSE52778_counts.tsv.gz").read_bytes()).decode()
    (project.folder / "negative.tsv").write_text(
        re.sub(r"(\nENSG\d+)\t\d+", r"\1\t-5", lines, count=1)
    )
    good = config(project, "GOOD", contrasts="config/grouped.tsv")
    damaged = config(project, "DAMAGED", counts={"source": "file", "file": "negative.tsv"})
    wrong = config(project, "WRONG", alpha=2)
    studies = listed(project, [good, damaged, wrong], calls={"rotations": 999, "simulations": 10})
    done = project.snakemake("--configfile", studies, "--cores", "2")
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2, done.stderr
    assert done.stderr.splitlines()[-2:] == errors
    assert any("negative.tsv" in line and "-5" in line for line in errors)
    assert any("config/WRONG.yaml, key alpha, value 2" in line for line in errors)
    results = project.folder / "results"
    assert (results / "GOOD/report.html").is_file()
    calls = tables.read_table(results / "summary/calls.tsv", tables.SUMMARY_CALLS)
    assert set(calls["study"]) == {"GOOD"}
    combined = tables.read_table(results / "summary/combined.tsv", tables.SUMMARY_COMBINED)
    assert set(combined["group"]) == {"steroid"}
    page = (results / "summary/report.html").read_text()
    assert "2 studies are missing here" in page
    assert "DAMAGED" in page
    assert "config/WRONG.yaml" in page
    # The run of the good study alone gives the same bytes; what was complete is not run again.
    listed(project, [good], calls={"rotations": 999, "simulations": 10})
    again = project.snakemake("--configfile", studies, "--cores", "2")
    assert again.returncode == 0, again.stderr
    assert "Pathway calls in 1 study" in (results / "summary/report.html").read_text()
    assert "GOOD_" not in again.stdout + again.stderr
