"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# A worker has one core: threads of BLAS would take another's. Set before NumPy is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import filelock
import pytest

from tests.project import Project
from tests.report_study import Study, demo_study

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first, so that no worker is left alone with them; nobody waits for the demo.

    What needs the demo or a browser is `slow`: without them `make test-fast` runs neither.

    The group that begins with the demo comes first, what does not need it next, and what does after
    that: by then it is there.
    """

    def group(item: pytest.Item) -> str | None:
        return next((mark.args[0] for mark in item.iter_markers("xdist_group")), None)

    def demo(item: pytest.Item) -> bool:
        return "demo" in getattr(item, "fixturenames", ())

    for item in items:
        if demo(item) or item.get_closest_marker("browser"):
            item.add_marker("slow")
    waiting = {group(item) for item in items if demo(item)} - {None}

    def turn(item: pytest.Item) -> int:
        own = group(item)
        if own == "workflow":
            return 0
        if own in waiting or (own is None and demo(item)):
            return 2
        return 3 if own is None else 1

    items.sort(key=turn)


@pytest.fixture(scope="session")
def root() -> Path:
    """Top folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real and simulated test data that is no part of the project."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (test data that is no part of the project)")
    return SHARED


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Project:
    """The embedded study, run once on two cores, in a path with a space.

    Once for all workers of pytest-xdist: the first one runs it, the others wait.
    """
    top = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        top = top.parent
    project, done = Project(top / "the demo" / "project"), top / "the demo.done"
    with filelock.FileLock(top / "the demo.lock"):
        if not done.exists():
            shutil.rmtree(project.folder, ignore_errors=True)
            run = Project.copy(project.folder).demo("--cores", "2")
            assert run.returncode == 0, run.stderr
            done.touch()
    return project


@pytest.fixture(scope="session")
def study(demo: Project) -> Study:
    """Results of the embedded study, as the report reads them."""
    return demo_study(demo)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium of the system, or of the variable CHROMIUM."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs a Chromium on PATH, or its path in CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield made
        made.close()
