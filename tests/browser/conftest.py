"""One Chromium for all browser tests, with the network off; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report_study import Study, variant

HOSTILE = "<img src=x onerror=alert(1)>"
CHOSEN = ["A375R_Ronly_vem", "A375R_SR_vem", "A375R_SR_minus_Ronly"]


@pytest.fixture(scope="session")
def three(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Three contrasts of one model, with a hostile title."""
    folder = tmp_path_factory.mktemp("browser") / "three"
    made = variant(study, folder, contrasts=CHOSEN, title=HOSTILE, n_genes=3000)
    made.render()
    return made


@pytest.fixture
def demo_page(watched: Watched, study: Study) -> Any:
    """The embedded study's own report, as its run has left it."""
    page = watched.open(study.results / "report.html")
    page.wait_for_selector("html[data-ready]")
    return page


def opened(browser: Any, results: Path, width: int) -> Any:
    """The report of a results folder in a window of `width` by 900 pixels."""
    # axe puts its own script into the page, which the page's policy rightly forbids.
    context = browser.new_context(
        viewport={"width": width, "height": 900}, offline=True, bypass_csp=True
    )
    page = context.new_page()
    page.goto((results / "report.html").resolve().as_uri())
    page.wait_for_selector("html[data-ready]")
    return page


def axe_findings(page: Any, rules: list[str] | None = None) -> list[tuple[str, str, str]]:
    """Serious and critical findings of axe on a page, everything on it unfolded."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    found = axe.Axe().run(page, options=options).response["violations"]
    return [
        (v["id"], v["impact"], v["nodes"][0]["html"][:160])
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


class Watched:
    """A page with everything that should not happen on it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.trouble: list[str] = []
        page.on("console", lambda m: self.trouble.append(f"console {m.type}: {m.text}"))
        page.on("pageerror", lambda e: self.trouble.append(f"error: {e}"))
        page.on("dialog", lambda d: (self.trouble.append(f"dialog: {d.message}"), d.dismiss()))
        page.on("request", self._request)

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "blob:", "data:")):
            self.trouble.append(f"request: {request.url}")

    def open(self, path: Path) -> Any:
        self.page.goto(path.resolve().as_uri())
        return self.page


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    """A fresh offline page; the test fails if anything was logged, thrown or requested."""
    context = browser.new_context(
        offline=True, viewport={"width": 1300, "height": 900}, accept_downloads=True
    )
    context.set_default_timeout(10_000)
    made = Watched(context.new_page())
    yield made
    context.close()
    assert made.trouble == []
