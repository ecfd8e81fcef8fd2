"""Wrong input stops a run before any compute, with one line that says how to go on.

Every case is tried on the functions that the rules call; one of each kind is a run of Snakemake.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pathcall.command.check import check_studies
from pathcall.errors import PathcallError
from tests.project import Project, error_lines


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.copy(tmp_path / "a project")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Only what a user writes, as the current folder."""
    monkeypatch.chdir(tmp_path)
    return Project.copy(tmp_path, ("config", "resources/demo"))


def refusal() -> str:
    """The line that a check of the demo ends in."""
    with pytest.raises(PathcallError) as error:
        check_studies(["config/demo.yaml"])
    return error.value.line()


CASES = {
    "unknown key": (
        ("config/demo.yaml", "offline: true", "ofline: true"),
        ["unknown config key", "config/demo.yaml", "ofline", "did you mean 'offline'"],
    ),
    "sheet without sample": (
        ("config/demo/samples.tsv", "sample\t", "gsm\t"),
        ["sample sheet lacks a column", "config/demo/samples.tsv", "'sample'"],
    ),
    "sheet without a design column": (
        ("config/demo/samples.tsv", "\tcell\t", "\tdonor\t"),
        ["lacks a column", "'cell'", "models.airway.design"],
    ),
    "cell that matches no sample": (
        ("config/demo/contrasts.tsv", "dex=dexamethasone", "dex=dexamethason"),
        ["matches no sample", "config/demo/contrasts.tsv", "'dexamethason'"],
    ),
    "not of full rank": (
        ("config/demo.yaml", "~ cell + dex", "~ cell + dex + run"),
        ["not of full rank", "models.airway", "run["],
    ),
    "code in a design": (
        ("config/demo.yaml", "~ cell + dex", "~ __import__('os').system('touch pwned')"),
        ["nothing is evaluated", "models.airway.design"],
    ),
    "missing sheet": (
        ("config/demo.yaml", "samples: config/demo/samples.tsv", "samples: config/none.tsv"),
        ["does not exist", "config/demo.yaml", "key samples", "config/none.tsv"],
    ),
    "missing counts": (
        ("config/demo.yaml", "GSE52778_counts.tsv.gz", "none.tsv.gz"),
        ["does not exist", "counts.file", "none.tsv.gz"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_config_shows_is_named(files: Project, case: str) -> None:
    (path, old, new), words = CASES[case]
    files.edit(path, old, new)
    line = refusal()
    for word in words:
        assert word in line
    assert not Path("pwned").exists()


@pytest.mark.slow
@pytest.mark.parametrize("case", ["cell that matches no sample", "code in a design"])
def test_what_the_config_shows_stops_the_run_at_once(project: Project, case: str) -> None:
    (path, old, new), words = CASES[case]
    project.edit(path, old, new)
    done = project.demo("--cores", "1")
    assert done.returncode != 0
    lines = error_lines(done)
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in lines[0]
    assert not (project.folder / "results").exists()
    assert not (project.folder / "pwned").exists()


CONFIGS = {
    "code": (
        "__use_yte__: true\n__definitions__:\n  - import os\n  - os.system('touch pwned')\n",
        ["to be evaluated", "bad.yaml, line 1"],
    ),
    "missing": (None, ["does not exist", "bad.yaml"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CONFIGS)
def test_a_config_file_is_refused_before_snakemake_reads_it(project: Project, case: str) -> None:
    content, words = CONFIGS[case]
    if content is not None:
        (project.folder / "bad.yaml").write_text(content)
    done = project.snakemake("--cores", "1", "-n", "--configfile", "config/demo.yaml", "bad.yaml")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert error_lines(done) == [last]
    for word in words:
        assert word in last
    assert not (project.folder / "pwned").exists()


@pytest.mark.slow
def test_code_of_a_config_file_is_reported_where_no_profile_is_used(project: Project) -> None:
    project.edit("config/demo.yaml", "study:", "__use_yte__: true\nstudy:")
    done = project.demo("--cores", "1", "-n", "--workflow-profile", "none")
    (line,) = error_lines(done)
    assert "Snakemake has done so" in line
    assert "config/demo.yaml, line" in line


def test_a_cell_without_replicates(files: Project) -> None:
    sheet = files.folder / "config/demo/samples.tsv"
    rows = sheet.read_text().splitlines()
    kept = [row for row in rows if not row.endswith("dexamethasone")] + rows[2:3]
    sheet.write_text("\n".join(kept) + "\n")
    files.edit("config/demo.yaml", "~ cell + dex", "~ dex")
    line = refusal()
    assert "no replicates" in line
    assert "dex=dexamethasone" in line


def counts(project: Project) -> tuple[Path, list[str]]:
    path = project.folder / "resources/demo/GSE52778_counts.tsv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return path, lines


def write(path: Path, lines: list[str]) -> None:
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), compresslevel=1))


MATRICES = {
    "sample missing": (
        lambda lines: [lines[0].replace("GSM1275863", "other"), *lines[1:]],
        ["GSM1275863", "samples.tsv", "look like 'GSM1275862'"],
    ),
    "no accessions": (
        lambda lines: ["\t".join(["gene_id", *"abcdefgh"]), *lines[1:]],
        ["8 sample(s)", "look like 'a', 'b', 'c'"],
    ),
    "not integers": (
        lambda lines: [lines[0], lines[1].replace("679", "679.5"), *lines[2:]],
        ["not integers", "GSM1275862", "ENSG00000000003", "679.5"],
    ),
    "negative": (
        lambda lines: [lines[0], lines[1].replace("679", "-679"), *lines[2:]],
        ["negative", "GSM1275862", "-679"],
    ),
    "foreign gene ids": (
        lambda lines: [lines[0], *(line.replace("ENSG0", "ENSG9") for line in lines[1:])],
        ["0% of the gene ids", "ENSG90000000003"],
    ),
}


@pytest.mark.parametrize("case", MATRICES)
def test_what_the_counts_show_is_named(files: Project, case: str) -> None:
    change, words = MATRICES[case]
    path, lines = counts(files)
    write(path, change(lines))
    line = refusal()
    for word in words:
        assert word in line


@pytest.mark.slow
def test_what_the_counts_show_stops_the_run_before_the_fit(project: Project) -> None:
    change, words = MATRICES["sample missing"]
    path, lines = counts(project)
    write(path, change(lines))
    (project.folder / "resources/demo/ORIGIN.tsv").unlink()
    done = project.demo("--cores", "1")
    assert done.returncode != 0
    lines = error_lines(done)
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]
    assert not list((project.folder / "results").rglob("*.h5ad"))
    assert not list((project.folder / "results").rglob("*.tsv"))
