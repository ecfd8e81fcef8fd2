"""The demo's report in Firefox: no error, hover and click, texts, axe."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.boxes import MEASURE
from tests.browser.marionette import Firefox
from tests.report_study import CONTRAST, Study

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("firefox")]


@pytest.fixture(scope="module")
def firefox(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """The demo's report in a Firefox of the system, or of the variable FIREFOX."""
    program = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("needs a Firefox on PATH, or its path in FIREFOX")
    made = Firefox(program, tmp_path_factory.mktemp("firefox") / "profile")
    try:
        made.open(study.results / "report.html")
        made.wait("return document.documentElement.dataset.ready")
        yield made
    finally:
        made.close()


def test_hover_names_a_gene_and_a_click_pins_it(firefox: Firefox) -> None:
    x, y = firefox.run(
        """
        const svg = document.querySelector('g[data-plot="volcano"]').ownerSVGElement;
        svg.scrollIntoView({block: 'center'});
        const name = [...svg.querySelectorAll('text.name')].find((t) => t.textContent == 'SPARCL1');
        const box = name.getBoundingClientRect();
        return [box.left - 6, box.top + box.height / 2];
        """
    )
    firefox.pointer(x, y)
    firefox.wait("return !document.getElementById('tip').hidden")
    assert firefox.run("return document.querySelector('#tip strong').textContent") == "SPARCL1"
    firefox.pointer(x, y, click=True)
    firefox.wait("return document.getElementById('gene-lines') !== null")
    assert firefox.run("return document.querySelectorAll('g.found').length") == 2
    assert "gene=SPARCL1" in firefox.run("return location.hash")


def test_no_text_is_cut_or_covered(firefox: Firefox) -> None:
    texts, trouble = firefox.run(f"return ({MEASURE})()")
    assert texts > 300
    assert trouble == []


def test_axe_finds_nothing_serious(firefox: Firefox) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="needs axe")
    source = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    firefox.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    script = source + (
        ";window.axe.run(document, {resultTypes: ['violations']}).then((r) => {"
        " document.documentElement.dataset.axe = JSON.stringify(r.violations"
        ".filter((v) => ['serious', 'critical'].includes(v.impact))"
        ".map((v) => [v.id, v.nodes[0].html.slice(0, 160)])); })"
    )
    firefox.run(script)
    assert firefox.wait("return document.documentElement.dataset.axe", 300) == "[]"


def test_nothing_was_complained_about(firefox: Firefox) -> None:
    assert firefox.run("return document.title") == "GSE52778: pathway calls"
    assert firefox.run(f"return document.getElementById('contrast-{CONTRAST}') !== null")
    assert firefox.errors() == []
