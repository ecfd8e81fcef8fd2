"""The workflow as a user runs it: the embedded study, reruns, determinism."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from pathcall import tables
from pathcall.errors import InputError
from pathcall.files import check_seals, seal_of
from pathcall.provenance.methods import SOFTWARE
from tests.project import JOBS, Project
from tests.report_study import Study

pytestmark = [pytest.mark.xdist_group("workflow"), pytest.mark.slow]
RESULTS = "results/GSE52778"
ENGINE_TABLES = {"calls": tables.CALLS_TABLE, "de/dexamethasone": tables.DE}


@pytest.fixture
def rerun(demo: Project, tmp_path: Path) -> Project:
    """The finished study, to be changed."""
    return demo.twin(tmp_path / "project")


def table(project: Project, name: str, schema: tables.DataFrameSchema) -> pd.DataFrame:
    return tables.read_table(project.folder / RESULTS / f"{name}.tsv", schema)


def test_software_named_as_used_is_what_the_jobs_imported(demo: Project) -> None:
    jobs = [json.loads(path.read_text())["imports"] for path in (demo.folder / JOBS).glob("*.json")]
    imported = set().union(*jobs)
    named = set(table(demo, "provenance/software", tables.SOFTWARE)["name"])
    assert named - {"pathcall", "python"} <= imported
    assert imported & set(SOFTWARE) <= named
    methods = (demo.folder / RESULTS / "provenance/methods.md").read_text(encoding="utf-8")
    versions = set(re.findall(r"\b([A-Za-z0-9]+) \d+\.\d+\.\d+", methods))
    assert versions - {"DESeq2"} <= named
    assert "pydeseq2" in versions


def test_every_output_of_the_contract_is_there_and_fits_its_schema(demo: Project) -> None:
    contrast = "dexamethasone"
    for name, schema in {
        "samples": tables.SAMPLES,
        "qc/metrics": tables.QC_METRICS,
        "qc/pca": tables.QC_PCA,
        "qc/flags": tables.QC_FLAGS,
        f"de/{contrast}": tables.DE,
        f"enrichment/{contrast}": tables.ENRICHMENT,
        f"activity/{contrast}": tables.ACTIVITY,
        "scores/samples": tables.SCORES,
        "evidence": tables.EVIDENCE,
        "calls": tables.CALLS_TABLE,
        "combined/genes": tables.COMBINED_GENES,
        "combined/pathways": tables.COMBINED_PATHWAYS,
        f"secretome/{contrast}": tables.SECRETOME,
        "secretome/overlap": tables.SECRETOME_OVERLAP,
        "provenance/inputs": tables.INPUTS,
        "provenance/software": tables.SOFTWARE,
    }.items():
        table(demo, name, schema)
    for name in ("report.html", "counts.h5ad", "provenance/config.yaml", "provenance/methods.md"):
        assert (demo.folder / RESULTS / name).stat().st_size > 0


def test_dexamethasone_does_what_it_is_known_to_do(demo: Project) -> None:
    de = table(demo, "de/dexamethasone", tables.DE).set_index("symbol")
    for gene in ("DUSP1", "KLF15", "PER1", "TSC22D3", "FKBP5", "ZBTB16"):
        assert de.loc[gene, "log2fc"] > 1, gene
        assert de.loc[gene, "padj"] < 1e-10, gene
    assert de.loc["VCAM1", "log2fc"] < -2
    sets = table(demo, "enrichment/dexamethasone", tables.ENRICHMENT).set_index("gene_set")
    tnfa = sets.loc["HALLMARK_TNFA_SIGNALING_VIA_NFKB"]
    assert tnfa["nes"] > 1
    assert tnfa["fdr"] < 0.05
    calls = table(demo, "calls", tables.CALLS_TABLE).set_index("pathway")
    assert calls.loc["NFKB_CANONICAL", "call"] != "activated"


@pytest.mark.rare
def test_the_other_engine_makes_the_same_calls(rerun: Project) -> None:
    """Stock pydeseq2 under the whole workflow: other p-values, the same calls."""
    exact = {name: table(rerun, name, schema) for name, schema in ENGINE_TABLES.items()}
    rerun.edit("config/demo.yaml", "organism: human", "organism: human\nde: {engine: pydeseq2}")
    targets = [f"{RESULTS}/{name}" for name in ("calls.tsv", "provenance/methods.md")]
    done = rerun.snakemake("--cores", "2", "--configfile", "config/demo.yaml", "--", *targets,
                           timeout=1800)  # fmt: skip
    assert done.returncode == 0, done.stderr
    stock = {name: table(rerun, name, schema) for name, schema in ENGINE_TABLES.items()}
    calls = [of["calls"].set_index(["contrast", "pathway"])["call"] for of in (exact, stock)]
    pd.testing.assert_series_equal(*calls)
    a, b = (of["de/dexamethasone"].set_index("gene_id") for of in (exact, stock))
    assert not a["pvalue"].equals(b["pvalue"])
    x, y = (set(de.index[de["padj"] < 0.05]) for de in (a, b))
    assert 0.9 < len(x & y) / len(x | y) < 1
    text = (rerun.folder / targets[1]).read_text(encoding="utf-8")
    assert "with its default inference" in text
    assert "pathcall's inference" not in text


def test_the_embedded_data_is_labelled(demo: Project) -> None:
    inputs = table(demo, "provenance/inputs", tables.INPUTS).set_index("file")
    assert inputs.loc["resources/demo/GSE52778_counts.tsv.gz", "kind"] == "embedded"
    assert "embedded" in (demo.folder / RESULTS / "provenance/methods.md").read_text()
    assert "embedded" in (demo.folder / RESULTS / "report.html").read_text()


def test_a_second_run_has_nothing_to_do(demo: Project) -> None:
    done = demo.demo("--cores", "2")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def test_bytes_do_not_depend_on_cores_or_run_or_surroundings(
    demo: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another folder, hash seed, time zone, locale, number of threads and cores."""
    for name, value in {
        "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "OMP_NUM_THREADS": "2",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    again = Project.copy(tmp_path / "project")
    done = again.demo("--cores", "1")
    assert done.returncode == 0, done.stderr
    one, two = again.files(RESULTS), demo.files(RESULTS)
    assert sorted(one) == sorted(two)
    assert [name for name in one if one[name] != two[name]] == []


FETCH = {"fetch_metadata", "fetch_counts"}
PREPARE = {"assemble_counts", "run_qc"}
FIT = {"fit_model_airway"}


@pytest.fixture(scope="module")
def arrows(demo: Project) -> dict[str, set[str]]:
    """Rule → the rules that use its outputs."""
    drawn = demo.demo("--rulegraph", "dot").stdout
    name = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', drawn, re.MULTILINE))
    found: dict[str, set[str]] = {rule: set() for rule in name.values()}
    for a, b in re.findall(r"^\s*(\d+) -> (\d+)", drawn, re.MULTILINE):
        found[name[a]].add(name[b])
    return found


def below(arrows: dict[str, set[str]], *rules: str) -> set[str]:
    """These rules and all that rest on them."""
    found, todo = set(), list(rules)
    while todo:
        rule = todo.pop()
        found.add(rule)
        todo += arrows[rule] - found
    return found


def test_alpha_reruns_the_fit_and_what_is_below(
    rerun: Project, arrows: dict[str, set[str]]
) -> None:
    expected = below(arrows, "fit_model_airway", "write_provenance")
    rerun.edit("config/demo.yaml", "organism: human", "organism: human\nalpha: 0.01")
    planned = rerun.planned("--configfile", "config/demo.yaml")
    assert planned == expected
    assert not planned & (FETCH | PREPARE)


def test_a_level_reruns_everything_but_the_download(
    rerun: Project, arrows: dict[str, set[str]]
) -> None:
    expected = below(arrows, "assemble_counts")
    rerun.edit("config/demo/samples.tsv", "N61311\tuntreated", "N61312\tuntreated")
    rerun.edit("config/demo/samples.tsv", "N61311\tdexamethasone", "N61312\tdexamethasone")
    planned = rerun.planned("--configfile", "config/demo.yaml")
    assert planned == expected
    assert not planned & FETCH
    assert planned >= PREPARE | FIT


def test_a_line_of_the_fit_reruns_the_rules_that_use_it(
    rerun: Project, arrows: dict[str, set[str]]
) -> None:
    expected = below(arrows, "run_qc", "fit_model_airway")
    with (rerun.folder / "src/pathcall/deseq/dataset.py").open("a") as file:
        file.write("\n# a remark\n")
    planned = rerun.planned("--configfile", "config/demo.yaml")
    assert planned == expected
    assert planned >= FIT
    assert not planned & (FETCH | {"assemble_counts"})


def test_a_line_of_the_report_reruns_the_report_and_what_packs_it(rerun: Project) -> None:
    css = next((rerun.folder / "src/pathcall/report").rglob("*.css"))
    with css.open("a") as file:
        file.write("\n/* a remark */\n")
    planned = rerun.planned("--configfile", "config/demo.yaml")
    assert planned == {"render_report", "pack_results", "default"}


def test_another_mirror_reruns_no_compute(rerun: Project) -> None:
    rerun.edit(
        "config/demo.yaml",
        "offline: true",
        "offline: true\nmirrors: {duffel.rail.bio: 'file:///c'}",
    )
    planned = rerun.planned("--configfile", "config/demo.yaml")
    assert not planned & (FETCH | PREPARE | FIT)


def older(path: Path, change: Callable[[str], str]) -> None:
    """Other content under an older time stamp, as ``cp -p`` or unpacking leaves it."""
    before = path.stat()
    if path.suffix == ".gz":
        path.write_bytes(
            gzip.compress(change(gzip.decompress(path.read_bytes()).decode()).encode())
        )
    else:
        path.write_text(change(path.read_text()))
    os.utime(path, (before.st_atime - 1_000, before.st_mtime - 1_000))


@pytest.mark.parametrize(
    ("file", "change", "first"),
    [
        (
            "config/demo/samples.tsv",
            lambda text: (
                text.replace("untreated", "#")
                .replace("dexamethasone", "untreated")
                .replace("#", "dexamethasone")
            ),
            "assemble_counts",
        ),
        (
            "resources/demo/GSE52778_counts.tsv.gz",
            lambda text: text.replace("\t679\t", "\t680\t", 1),
            "fetch_counts",
        ),
        (
            "resources/panel/readouts.tsv",
            lambda text: text.replace("\t-1\t", "\t1\t"),
            "call_pathways",
        ),
    ],
)
def test_other_content_under_an_older_time_is_seen(
    rerun: Project, file: str, change: Callable[[str], str], first: str
) -> None:
    older(rerun.folder / file, change)
    assert first in rerun.planned("--configfile", "config/demo.yaml")


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.rstrip().rsplit("\n", 1)[-1]


def cut_short(path: Path) -> bytes:
    """Keep the first half of a file, of a table whole lines only; what it was."""
    whole = path.read_bytes()
    cut = whole[: len(whole) // 2]
    path.write_bytes(cut[: cut.rfind(b"\n") + 1] if b"\n" in cut else cut)
    return whole


@pytest.mark.parametrize(
    "file", ["de/dexamethasone.tsv", "models/airway.h5ad", "inputs/source.json", "calls.tsv"]
)
def test_a_damaged_result_is_named(demo: Project, tmp_path: Path, file: str) -> None:
    source = demo.folder / RESULTS / file
    for path in (source, seal_of(source)):
        shutil.copy2(path, tmp_path)
    check_seals(tmp_path)
    cut_short(tmp_path / source.name)
    with pytest.raises(InputError, match=f"a result was cut or changed.*{source.name}"):
        check_seals(tmp_path)


@pytest.mark.parametrize(
    "file",
    [
        "samples.tsv",
        *(pytest.param(file, marks=pytest.mark.rare)
          for file in ("de/dexamethasone.tsv", "models/airway.h5ad", "inputs/source.json")),
    ],
)  # fmt: skip
def test_a_damaged_result_stops_the_run_and_is_made_anew(
    rerun: Project, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rerun.folder / RESULTS / file
    whole = cut_short(path)
    done = rerun.demo("--cores", "1", "-n")
    assert done.returncode != 0
    assert last_line(done).startswith("error: a result was cut or changed")
    assert f"{RESULTS}/{file}" in last_line(done)
    path.unlink()
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")  # a Python without docstrings makes no difference
    done = rerun.demo("--cores", "2", f"{RESULTS}/{file}")
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == whole


def test_a_second_run_of_the_same_study_ends_in_one_line(rerun: Project) -> None:
    (rerun.folder / RESULTS / "report.html").unlink()
    locks = rerun.folder / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    output = rerun.folder / RESULTS / "report.html"
    (locks / "0.output.lock").write_text(f"{output.relative_to(rerun.folder)}\n")
    with (rerun.folder / ".snakemake/pathcall.run").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_SH)  # as a run that is alive
        done = rerun.demo("--cores", "1")
    assert done.returncode != 0
    assert last_line(done).startswith("error: another run works on the same study")
    done = rerun.demo("--cores", "1", "-n")  # once it is gone, its locks are nobody's
    assert done.returncode == 0


def test_a_killed_job_ends_in_one_line(rerun: Project) -> None:
    rerun.edit(
        "workflow/scripts/render_report.py",
        "from pathcall.logs import job_log",
        "import os, signal\n\nfrom pathcall.logs import job_log\n\n"
        "os.kill(os.getpid(), signal.SIGKILL)",
    )
    (rerun.folder / RESULTS / "report.html").unlink()
    done = rerun.demo("--cores", "1")
    assert done.returncode != 0
    assert last_line(done).startswith("error: the job render_report ended without an error message")


def test_an_interrupted_run_goes_on(rerun: Project) -> None:
    before = rerun.files(RESULTS)
    shutil.rmtree(rerun.folder / RESULTS / "secretome")
    (rerun.folder / RESULTS / "report.html").unlink()
    done = rerun.demo("--cores", "2")
    assert done.returncode == 0, done.stderr
    assert "fit_model_airway" not in done.stdout + done.stderr
    assert rerun.files(RESULTS) == before


def test_the_workflow_passes_its_own_linter(demo: Project) -> None:
    done = demo.demo("--lint")
    assert done.returncode == 0, done.stderr


def test_the_report_reads_nothing_that_is_not_declared(study: Study, tmp_path: Path) -> None:
    project = Project(study.results.parents[1])
    listed = project.demo("--cores", "1", "--detailed-summary")
    rows = [line.split("\t") for line in listed.stdout.splitlines()]
    at = rows[0].index("input-file(s)")
    own = next(row for row in rows if row[0].endswith("/report.html"))
    copy = tmp_path / study.results.name
    for name in own[at].split(","):
        if name.startswith("results/"):
            source = project.folder / name
            target = copy / source.relative_to(study.results)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    page = replace(study, results=copy).render(tmp_path / "report.html")
    assert page.read_bytes() == (study.results / "report.html").read_bytes()
