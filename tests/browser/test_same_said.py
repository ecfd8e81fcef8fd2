"""The page with scripts, without them, and on paper say the same."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Watched
from tests.browser.pdf_text import pdf_text
from tests.report_study import Study

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SAID = """
[...document.querySelectorAll('main table tbody td, main table tbody th, main svg.fig text,'
  + ' main .findings dd, main .caveats li, main figcaption')]
  .map((e) => {
    const copy = e.cloneNode(true);
    copy.querySelectorAll('.figtools, title').forEach((n) => n.remove());
    return copy.textContent.trim();
  })"""
NO_IDLE = "window.requestIdleCallback = () => 0;"


@pytest.fixture(params=["study", "three"])
def report(request: pytest.FixtureRequest) -> Path:
    made: Study = request.getfixturevalue(request.param)
    return made.results / "report.html"


def bare(text: str) -> str:
    """Text without blanks and without ligatures: lines break elsewhere on paper."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def said_without_scripts(browser: Any, report: Path) -> list[str]:
    # The page runs no script; what reads it does.
    context = browser.new_context(offline=True, bypass_csp=True)
    page = context.new_page()
    text = re.sub(r"<script>.*?</script>", "", report.read_text(encoding="utf-8"), flags=re.DOTALL)
    page.set_content(re.sub(r"</?noscript[^>]*>", "", text))
    said = page.evaluate(SAID)
    context.close()
    return list(said)


def test_scripts_change_no_word_and_no_number(watched: Watched, browser: Any, report: Path) -> None:
    page = watched.open(report)
    page.wait_for_selector("html[data-ready]")
    with_scripts = page.evaluate(SAID)
    assert len(with_scripts) > 3000
    assert with_scripts == said_without_scripts(browser, report)


def test_paper_holds_every_call_and_every_number_of_the_calls(
    browser: Any, study: Study, tmp_path: Path
) -> None:
    report = study.results / "report.html"
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.add_init_script(NO_IDLE)  # printed at once, before anything folded is built
    page.goto(report.resolve().as_uri())
    page.wait_for_selector("#matrix")
    page.pdf(path=tmp_path / "report.pdf", format="A4", landscape=True)
    context.close()
    paper = bare(pdf_text(tmp_path / "report.pdf"))
    assert len(paper) > 50_000
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(report.resolve().as_uri())
    page.wait_for_selector("html[data-ready]")
    cells = page.evaluate(
        "[...document.querySelectorAll('#matrix td, [id^=calls-] td, [id^=summary-] td,"
        " #table-false td, #table-sensitivity td')].map((e) => e.textContent.trim())"
    )
    context.close()
    assert len(cells) > 100
    missing = [cell for cell in cells if bare(cell) not in paper]
    assert missing == []


def test_what_is_folded_is_built_when_it_is_wanted(watched: Watched, three: Study) -> None:
    page = watched.page
    page.add_init_script(NO_IDLE)
    watched.open(three.results / "report.html")
    page.wait_for_function("document.querySelectorAll('.js[hidden]').length === 0")
    assert page.locator("#evidence-AKT").count() == 0
    page.locator("#why-AKT summary", has_text="Every readout").click()
    page.wait_for_selector("#evidence-AKT")
    assert page.locator("#evidence-AKT th button").count() > 3  # and can be sorted
    assert page.locator("#evidence-MAPK").count() == 0
    page.evaluate("location.hash = 'evidence-MAPK'")
    page.wait_for_selector("#evidence-MAPK", state="visible")
    page.fill("#gene-input", "FOSL1")
    page.press("#gene-input", "Enter")
    page.wait_for_selector("#gene-lines")
    assert page.locator("g.found").count() == 0
    page.locator("#contrast-A375R_SR_vem > summary").click()
    page.wait_for_selector("g.found", state="attached")  # the pinned gene is ringed in it
    assert page.locator('svg[aria-labelledby="f-volcano-A375R_SR_vem-t"] g.found').count() == 1
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("noscript.later").count() == 0


def test_a_link_is_copied(watched: Watched, three: Study) -> None:
    page = watched.open(three.results / "report.html")
    page.wait_for_selector("html[data-ready]")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.select_option("#focus", "A375R_SR_vem")
    page.click("#share")
    page.locator("#share-status", has_text="Link copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.evaluate("location.href")
    assert copied.endswith("&contrast=A375R_SR_vem")
