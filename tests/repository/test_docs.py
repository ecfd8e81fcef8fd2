"""What is generated of the documentation is what the code says now; links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.project import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import draw_dag
import generate_docs

GENERATED = generate_docs.generated()
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "config" / "README.md"]
)  # fmt: skip


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_generated_docs_are_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == GENERATED[path], "run `make docs`"


@pytest.mark.slow
def test_figure_of_the_workflow_is_current() -> None:
    rules, edges = draw_dag.read_rulegraph(draw_dag.rulegraph())
    assert draw_dag.FIGURE.read_text(encoding="utf-8") == draw_dag.draw(rules, edges), (
        "run `make dag`"
    )


def test_figure_holds_every_rule_and_no_shortcut() -> None:
    dot = (
        'digraph {\n0[label = "all"];\n1[label = "fetch"];\n2[label = "fit_model_airway"];\n'
        '3[label = "report"];\n1 -> 2\n2 -> 3\n1 -> 3\n3 -> 0\n}\n'
    )
    rules, edges = draw_dag.read_rulegraph(dot)
    assert rules == ["fetch", "fit_model_{model}", "report"]
    figure = draw_dag.draw(rules, edges)
    assert figure.count("<text") == 3
    assert figure.count("marker-end") == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://|mailto:|#)([^)#\s]+)", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.slow
def test_the_site_is_built_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the site's own lock: sh tools/env.sh docs true")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "tutorial.html").read_text(encoding="utf-8")
    assert 'href="repository/config/index.html#counts-of-your-own"' in page
    assert not re.search(
        r"<(?:script|img)[^>]+https?://|<link[^>]+stylesheet[^>]+https?://", page
    ), "a request to another host"


def test_every_make_target_in_the_docs_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8"))
        assert set(named) <= targets, page.name


def test_the_project_names_no_machine_path() -> None:
    listed = subprocess.run(
        ["git", "grep", "-lIE", r"(^|[^A-Za-z0-9_.-])/(home|Users|root|work)/[a-z]"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = set(listed.stdout.split()) - {"tests/repository/test_docs.py"}
    assert found == set()


def test_every_dependency_is_explained_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [
        *project["dependencies"],
        *project["optional-dependencies"]["workflow"],
        *project["optional-dependencies"]["dev"],
        *project["optional-dependencies"]["docs"],
    ]
    names = {re.split(r"[^A-Za-z0-9_.-]", entry)[0].lower() for entry in declared}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`[^|]*) \|", page, flags=re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)} == names
