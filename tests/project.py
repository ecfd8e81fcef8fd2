"""A copy of the project to run the workflow in, as a user would."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "workflow", "src", "config", "resources/panel", "resources/panel_mouse",
         "resources/demo", "envs", "profiles", "pyproject.toml")  # fmt: skip
JOBS = "jobs"
"""Folder of a run where each job writes what it imported and took."""


@dataclass(frozen=True)
class Project:
    """A folder with the workflow in it."""

    folder: Path

    @classmethod
    def copy(cls, folder: Path, parts: Sequence[str] = PARTS) -> Project:
        """Copy what a clone has of the workflow, without results."""
        for part in parts:
            source, target = ROOT / part, folder / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, target)
        if "src" in parts:
            _copy_compiled_kernels(folder)
        return cls(folder)

    def twin(self, folder: Path) -> Project:
        """The same folder again, with results, metadata and times."""
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2, symlinks=True)
        return Project(folder)

    def snakemake(self, *args: str, timeout: int = 900) -> subprocess.CompletedProcess[str]:
        """Run snakemake in this folder."""
        env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
        (self.folder / JOBS).mkdir(exist_ok=True)
        env["PATHCALL_JOBS"] = str(self.folder / JOBS)
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *args],
            cwd=self.folder, env=env, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def demo(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run the embedded study."""
        return self.snakemake("--configfile", "config/demo.yaml", *args)

    def planned(self, *args: str) -> set[str]:
        """Rules that a dry run would execute."""
        done = self.snakemake("--cores", "1", "--dry-run", *args)
        assert done.returncode == 0, done.stderr
        rules = re.findall(r"^(?:local)?rule (\w+):", done.stdout + done.stderr, re.MULTILINE)
        return set(rules)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file; the text must be there."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {path}"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def files(self, under: str) -> dict[str, bytes]:
        """Relative path → content of every file below a folder."""
        top = self.folder / under
        return {
            str(path.relative_to(top)): path.read_bytes()
            for path in sorted(top.rglob("*"))
            if path.is_file()
        }


def _copy_compiled_kernels(folder: Path) -> None:
    """Spare each copy the seconds that compiling takes: numba knows a module by its folder."""
    kernels = Path("src/pathcall/deseq/kernels")
    own = f"kernels_{hashlib.sha1(str(ROOT / kernels).encode()).hexdigest()}"
    new = f"kernels_{hashlib.sha1(str(folder / kernels).encode()).hexdigest()}"
    for compiled in (ROOT / kernels / "__pycache__").glob(f"*/{own}"):
        target = folder / kernels / "__pycache__" / compiled.parent.name / new
        shutil.copytree(compiled, target)


def error_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Lines of standard error that begin with ``error:``."""
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")]
