"""Figures in a real browser: no text is cut, none lies on another one; the page is short."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.boxes import text_trouble
from tests.browser.conftest import opened
from tests.report_study import Study, variant

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

WIDTHS = (1400, 1024, 390)
SCREENS = 15  # before anyone opens anything


@pytest.fixture(scope="session")
def nine(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Nine contrasts under long names."""
    names = [f"A375R_SR_minus_Ronly_{i}" for i in range(9)]
    made = variant(study, tmp_path_factory.mktemp("figures") / "nine", contrasts=names)
    made.render()
    return made


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("which", ["study", "three", "nine"])
def test_no_text_is_cut_or_covered(
    browser: Any, which: str, width: int, request: pytest.FixtureRequest
) -> None:
    page = opened(browser, request.getfixturevalue(which).results, width)
    page.fill("#gene-input", "FOSL1")
    page.press("#gene-input", "Enter")
    page.wait_for_selector("#gene-lines")
    texts, trouble = text_trouble(page)
    page.context.close()
    assert texts > 300
    assert trouble == []


def test_the_measure_finds_what_is_wrong(browser: Any, study: Study) -> None:
    page = opened(browser, study.results, 1400)
    page.evaluate(
        """() => {
          const text = document.querySelector('svg[aria-labelledby="f-pca-t"] text');
          const twin = text.cloneNode(true), out = text.cloneNode(true);
          out.setAttribute('x', -40);
          text.after(twin, out);
        }"""
    )
    _, trouble = text_trouble(page)
    page.context.close()
    assert any("f-pca" in words and "” on “" in words for words in trouble)
    assert any("f-pca" in words and "sticks out" in words for words in trouble)


@pytest.mark.parametrize(("width", "screen"), [(1400, 900), (390, 844)])
@pytest.mark.parametrize("which", ["study", "nine"])
def test_the_page_is_short_before_anyone_opens_anything(
    browser: Any, which: str, width: int, screen: int, request: pytest.FixtureRequest
) -> None:
    page = opened(browser, request.getfixturevalue(which).results, width)
    height = page.evaluate("document.documentElement.scrollHeight")
    page.context.close()
    assert height <= SCREENS * screen


def test_every_section_is_two_clicks_away(browser: Any, study: Study) -> None:
    page = opened(browser, study.results, 1400)
    for link in page.locator("nav a").all():
        to = link.get_attribute("href")
        link.click()
        assert page.locator(to).is_visible(), to
    folded = page.locator("main details").count()
    inner = page.locator("main details details details").count()
    page.context.close()
    assert folded > 20
    assert inner == 0  # one click to the section, one to what is folded in it
