"""The set-up of .venv: once, again when it no longer fits, and never trusted half done."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import ROOT

pytestmark = pytest.mark.slow

FAKE_UV = """\
#!/bin/sh
[ "$1" = --version ] && exit 0
echo "$@" >>"$UV_CALLS"
[ -z "${UV_FAILS:-}" ] || exit 2
"""


class Project:
    """A copy of what the set-up needs, in a folder with a space, with a stand-in for uv."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a project"
        self.home = folder / "home"
        self.calls = folder / "calls"
        self.uv = folder / "uv"
        self.home.mkdir()
        (self.root / "src" / "pathcall").mkdir(parents=True)
        (self.root / "src" / "pathcall" / "__init__.py").touch()
        shutil.copytree(ROOT / "tools", self.root / "tools")
        shutil.copy(ROOT / "Makefile", self.root)
        (self.root / "requirements").mkdir()
        for name in ("build", "workflow", "dev"):
            (self.root / "requirements" / f"{name}.txt").write_text(f"{name}==1\n")
        self.uv.write_text(FAKE_UV)
        self.uv.chmod(0o755)

    def run(
        self, *command: str, group: str = "workflow", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.home.parent),
            "PYTHON": sys.executable,
            "UV": str(self.uv),
            "UV_CALLS": str(self.calls),
        }
        return subprocess.run(
            ["sh", str(self.root / "tools" / "env.sh"), group, *(command or ("true",))],
            env=variables | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def installs(self) -> list[str]:
        """Return the locks that were installed, in order."""
        if not self.calls.exists():
            return []
        return re.findall(r"requirements/(\w+)\.txt", self.calls.read_text())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_sets_up_once(project: Project) -> None:
    first = project.run()
    assert first.returncode == 0, first.stderr
    assert project.installs() == ["build", "workflow"]
    second = project.run()
    assert second.returncode == 0, second.stderr
    assert second.stderr == ""
    assert project.installs() == ["build", "workflow"]


def test_installs_with_hashes_only(project: Project) -> None:
    project.run()
    for call in project.calls.read_text().splitlines():
        assert "--require-hashes" in call
        assert "--no-build-isolation" in call


def test_the_package_is_importable_and_paths_hold_no_space(project: Project) -> None:
    done = project.run("python", "-c", "import sys, pathcall; print(sys.executable)")
    assert done.returncode == 0, done.stderr
    assert " " not in done.stdout.strip()
    assert Path(done.stdout.strip()).samefile(project.root / ".venv" / "bin" / "python")


def test_tests_add_to_the_environment_and_cover_the_workflow(project: Project) -> None:
    project.run()
    project.run(group="dev")
    project.run(group="workflow")
    assert project.installs() == ["build", "workflow", "build", "dev"]


def test_a_changed_lock_builds_it_anew(project: Project) -> None:
    project.run()
    leftover = project.root / ".venv" / "leftover"
    leftover.touch()
    (project.root / "requirements" / "workflow.txt").write_text("workflow==2\n")
    done = project.run()
    assert "workflow.txt has changed" in done.stderr
    assert not leftover.exists()
    assert project.installs() == ["build", "workflow"] * 2


def test_a_failed_set_up_is_not_taken_for_a_finished_one(project: Project) -> None:
    failed = project.run(UV_FAILS="1")
    assert failed.returncode == 1
    assert len([line for line in failed.stderr.splitlines() if line.startswith("error: ")]) == 1
    again = project.run()
    assert again.returncode == 0, again.stderr
    assert "interrupted" in again.stderr


def test_a_moved_folder_is_noticed(project: Project) -> None:
    project.run()
    moved = project.root.with_name("moved")
    project.root.rename(moved)
    project.root = moved
    done = project.run("python", "-c", "import pathcall; print(pathcall.__file__)")
    assert "made in another folder" in done.stderr
    assert Path(done.stdout.strip()).is_relative_to(moved)


def test_somebody_elses_environment_is_left_alone(project: Project) -> None:
    (project.root / ".venv").mkdir()
    theirs = project.root / ".venv" / "pyvenv.cfg"
    theirs.touch()
    done = project.run()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: .venv was not made by this project")
    assert theirs.exists()


@pytest.mark.parametrize("home", ["", "/nonexistent"])
def test_works_without_a_home(project: Project, home: str) -> None:
    done = project.run("sh", "-c", 'echo "$HOME"', HOME=home)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == project.root / ".cache" / "home"


def test_no_python_is_one_line(project: Project, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "pwd", "printf"):
        path = shutil.which(name)
        if path is not None:
            (tools / name).symlink_to(path)
    done = project.run(PATH=str(tools), PYTHON="", UV="")
    assert done.returncode == 1
    assert done.stderr.startswith("error: no Python 3.11 or newer — ")
    assert len(done.stderr.splitlines()) == 1


def test_cores_and_args_reach_snakemake_and_no_make_inside(
    project: Project, tmp_path: Path
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    snakemake = tools / "snakemake"
    snakemake.write_text('#!/bin/sh\necho "$@ [$MAKEFLAGS$MAKELEVEL$CORES$ARGS]"\n')
    snakemake.chmod(0o755)
    done = subprocess.run(
        ["make", "--silent", "run", "CORES=7", "ARGS=--touch --quiet"],
        cwd=project.root,
        env={
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(project.home),
            "PYTHON": sys.executable,
            "UV": str(project.uv),
            "UV_CALLS": str(project.calls),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "--cores 7 --touch --quiet []\n"


def test_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    done = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^  make ([\w-]+)", done.stdout, flags=re.MULTILINE))
    assert listed == set(phony.split())
