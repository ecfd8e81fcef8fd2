"""The container runs without root, and its recipe is clean."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import PARTS, ROOT

RECIPE = ROOT / "Containerfile"


def test_it_runs_as_a_user_without_rights() -> None:
    users = re.findall(r"^USER (\S+)", RECIPE.read_text(encoding="utf-8"), re.MULTILINE)
    assert users
    assert users[-1].partition(":")[0].isdigit()
    assert int(users[-1].partition(":")[0]) > 0


def test_it_is_handed_all_that_the_workflow_is_made_of() -> None:
    kept = [
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]  # fmt: skip
    for part in PARTS:
        assert any(Path(part).match(pattern) for pattern in kept), part


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint") or shutil.which(
        "hadolint", path=str(Path(sys.executable).parent)
    )
    if hadolint is None:
        pytest.skip("no hadolint here")
    done = subprocess.run([hadolint, str(RECIPE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
