"""The conda environments say what the lock says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.project import ROOT

ENVS = sorted((ROOT / "envs").glob("*.yaml"))

# What conda-forge and bioconda call a package, where PyPI calls it otherwise.
PYPI_NAME = {"decoupler-py": "decoupler"}


def _lock(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, flags=re.MULTILINE)
    assert len(pins) == len(dict(pins)), "one version of a package, whatever the Python"
    return dict(pins)


def _env(path: Path) -> dict[str, str]:
    env = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert env["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    pins = {}
    for entry in env["dependencies"]:
        match = re.fullmatch(r"(?:bioconda::)?([a-z0-9._-]+)=([^=]+)", entry)
        assert match is not None, f"not `name=version`: {entry}"
        pins[PYPI_NAME.get(match[1], match[1])] = match[2]
    return pins


RUNS_THE_WORKFLOW = {"snakemake", "pygments"}
"""Needed around the jobs, not by them."""


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {re.split(r"[^A-Za-z0-9_.-]", entry)[0].lower() for entry in project["dependencies"]}


@pytest.mark.parametrize("path", ENVS, ids=lambda path: path.stem)
def test_versions_are_the_locks(path: Path) -> None:
    lock = _lock("workflow")
    pins = _env(path)
    assert pins.pop("python") in {"3.11", "3.12", "3.13"}
    assert {name: lock[name] for name in pins} == pins


def test_analysis_holds_every_dependency() -> None:
    assert set(_env(ROOT / "envs" / "analysis.yaml")) == {
        "python",
        *(_declared() - RUNS_THE_WORKFLOW),
    }


def test_every_rule_names_an_environment_that_exists() -> None:
    rules = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
    named = {
        (path.parent / env).resolve()
        for path in rules
        for env in re.findall(r'conda:\s+"([^"]+)"', path.read_text(encoding="utf-8"))
    }
    assert named == set(ENVS)


def test_the_tests_run_what_the_workflow_runs() -> None:
    workflow, dev, docs = _lock("workflow"), _lock("dev"), _lock("docs")
    assert {name: dev[name] for name in workflow} == workflow
    assert {name: docs[name] for name in dev} == dev


@pytest.mark.parametrize("name", ["build", "workflow", "dev", "docs"])
def test_locks_are_hashed_and_name_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text


def test_the_package_and_the_project_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    source = (ROOT / "src" / "pathcall" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{project["version"]}"' in source
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"]
