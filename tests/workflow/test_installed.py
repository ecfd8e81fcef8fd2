"""The installed package runs the workflow from anywhere: no clone, no folder of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.project import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("installed")]


@pytest.fixture(scope="module")
def pathcall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a wheel, in an environment that has it and what it needs and no more."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    home = folder / "environment"
    venv.create(home, with_pip=False)
    (site,) = home.glob("lib/python3.*/site-packages")
    (site / "needs.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    install = [
        sys.executable, "-m", "pip", "--python", str(home / "bin/python"), "install", "--quiet",
        "--no-index", "--no-deps", str(wheel),
    ]  # fmt: skip
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    return home / "bin" / "pathcall"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder of a user, far from the project, with the demo's data."""
    config = (ROOT / "config/demo.yaml").read_text(encoding="utf-8")
    for source in (
        "config/demo/samples.tsv",
        "config/demo/contrasts.tsv",
        "resources/demo/GSE52778_counts.tsv.gz",
    ):
        shutil.copy(ROOT / source, tmp_path)
        config = config.replace(source, Path(source).name)
    (tmp_path / "mine.yaml").write_text(config, encoding="utf-8")
    return tmp_path


def call(pathcall: Path, study: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    away = ("PYTHONPATH", "VIRTUAL_ENV", "PYTEST_ADDOPTS")
    return subprocess.run(
        [str(pathcall), *arguments], cwd=study, capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if k not in away}, timeout=600,
    )  # fmt: skip


def test_it_is_the_wheels_own(pathcall: Path, study: Path) -> None:
    code = "import pathcall; print(pathcall.__file__)"
    done = subprocess.run(
        [str(pathcall.with_name("python")), "-c", code],
        cwd=study, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(done.stdout.strip()).is_relative_to(pathcall.parents[1])


def test_the_workflow_runs_in_the_users_folder(pathcall: Path, study: Path) -> None:
    done = call(pathcall, study, "run", "mine.yaml", "--cores", "2", "qc")
    assert done.returncode == 0, done.stderr
    assert (study / "results/GSE52778/qc/flags.tsv").is_file()
    everything = call(pathcall, study, "run", "mine.yaml", "--dry-run")
    assert everything.returncode == 0, everything.stderr
    assert "render_report" in everything.stdout
    assert "run_qc" not in everything.stdout


def test_check_needs_no_workflow_run(pathcall: Path, study: Path) -> None:
    done = call(pathcall, study, "check", "mine.yaml")
    assert done.returncode == 0, done.stderr
    assert "GSE52778: 8 samples" in done.stdout
    assert not (study / ".snakemake").exists()


def test_a_failing_run_ends_with_its_line(pathcall: Path, study: Path) -> None:
    sheet = study / "samples.tsv"
    sheet.write_text(sheet.read_text(encoding="utf-8").replace("GSM1275862", "GSM0"))
    done = call(pathcall, study, "run", "mine.yaml", "--cores", "1")
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].startswith("error: 1 sample(s) of the sheet are not in ")
