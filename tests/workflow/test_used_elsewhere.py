"""The workflow inside another one, from a clone or by address; targets; Snakemake's own report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.project import ROOT, Project

pytestmark = [pytest.mark.rare, pytest.mark.xdist_group("used_elsewhere")]
RESULTS = "results/GSE52778"
# As `snakedeploy deploy-workflow` writes it.
AROUND = """\
configfile: "config/config.yaml"


module pathcall:
    snakefile:
        {source}
    config:
        config


use rule * from pathcall
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the workflow as it stands in the working tree."""
    folder = Project.copy(tmp_path_factory.mktemp("hosted") / "owner" / "pathcall").folder
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "all"],
                    ["tag", "v1"]):  # fmt: skip
        subprocess.run([*git, *command], check=True, capture_output=True)
    return folder


@pytest.fixture
def around(tmp_path: Path) -> Path:
    """Another project, with the demo's data and config under names of its own."""
    config = (ROOT / "config/demo.yaml").read_text(encoding="utf-8")
    (tmp_path / "config").mkdir()
    (tmp_path / "workflow").mkdir()
    for source in ("config/demo/samples.tsv", "config/demo/contrasts.tsv",
                   "resources/demo/GSE52778_counts.tsv.gz"):  # fmt: skip
        target = f"config/{Path(source).name}"
        shutil.copy(ROOT / source, tmp_path / target)
        config = config.replace(source, target)
    (tmp_path / "config/config.yaml").write_text(config, encoding="utf-8")
    return tmp_path


def snakemake(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder, env=kept | environment, capture_output=True, text=True, check=False,
        timeout=600,
    )  # fmt: skip


def check(around: Path, **environment: str) -> None:
    done = snakemake(around, "--cores", "2", "qc", **environment)
    assert done.returncode == 0, done.stderr
    assert (around / RESULTS / "qc/flags.tsv").is_file()
    everything = snakemake(around, "--dry-run", **environment)
    assert everything.returncode == 0, everything.stderr
    assert "rule render_report:" in everything.stdout


def test_as_a_module_of_a_clone(clone: Path, around: Path) -> None:
    text = AROUND.format(source=repr(str(clone / "workflow/Snakefile")))
    (around / "workflow/Snakefile").write_text(text)
    check(around)


def test_as_a_module_by_address(clone: Path, around: Path, tmp_path: Path) -> None:
    source = 'github("owner/pathcall", path="workflow/Snakefile", tag="v1")'
    (around / "workflow/Snakefile").write_text(AROUND.format(source=source))
    check(
        around,
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{clone.parents[1].as_uri()}/.insteadOf",
        GIT_CONFIG_VALUE_0="https://github.com/",
    )
    assert not (around / "resources").exists()


@pytest.mark.parametrize(
    ("target", "has", "has_not"),
    [
        ("qc", "run_qc", "fit_model_airway"),
        ("de", "fit_model_airway", "enrich_model_airway"),
        ("calls", "call_pathways", "render_report"),
        ("report", "render_report", None),
    ],
)
def test_a_target_is_a_part_of_the_outputs(
    demo: Project, tmp_path: Path, target: str, has: str, has_not: str | None
) -> None:
    planned = demo.planned("--configfile", "config/demo.yaml", "--forceall", target)
    assert has in planned
    assert has_not not in planned


@pytest.mark.parametrize("name", ["report.zip", "report.html"])
def test_snakemakes_own_report(demo: Project, name: str) -> None:
    done = demo.demo("--report", name)
    assert done.returncode == 0, done.stderr
    path = demo.folder / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as packed:
            assert any(entry.endswith("report.html") for entry in packed.namelist())
    else:
        assert "volcano" in path.read_text(encoding="utf-8")
