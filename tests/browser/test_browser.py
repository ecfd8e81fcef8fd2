"""The report in a real browser: no request, no error, usable by mouse, keys and screen reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.browser.conftest import HOSTILE, Watched, axe_findings, opened
from tests.report_study import Study, variant

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(watched: Watched, three: Study) -> Any:
    made = watched.open(three.results / "report.html")
    made.wait_for_selector("html[data-ready]")
    return made


def unfold(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")


def de(three: Study, contrast: str = "A375R_SR_vem") -> pd.DataFrame:
    return pd.read_csv(three.results / "de" / f"{contrast}.tsv", sep="\t")


def test_opens_from_disk_without_a_request_or_a_word(page: Any) -> None:
    assert page.title() == "VARIANT: pathway calls"
    assert page.locator("#matrix tbody tr").count() == 3
    assert page.locator(".banner").inner_text().startswith("Simulated data.")


def test_a_gene_is_found_with_its_counts_and_its_lines(page: Any, three: Study) -> None:
    page.fill("#gene-input", "fosl1")
    page.press("#gene-input", "Enter")
    page.wait_for_selector("#gene-lines")
    table = de(three).set_index("symbol")
    shown = page.locator("#gene-lines tbody tr", has_text="A375R_SR_vem").locator("td")
    assert float(shown.nth(0).get_attribute("data-v")) == pytest.approx(
        table.loc["FOSL1", "log2fc"], abs=0.0051
    )
    import anndata as ad

    counts = ad.read_h5ad(three.results / "counts.h5ad")
    own = counts[:, counts.var["symbol"] == "FOSL1"].X.ravel()
    page.locator("#gene-out summary", has_text="Counts of every sample").click()
    for sample, count in zip(counts.obs_names, np.asarray(own), strict=True):
        row = page.locator("#gene-counts tbody tr", has_text=sample)
        if row.count():
            assert float(row.locator("td").nth(1).get_attribute("data-v")) == count
    assert page.locator("#gene-counts tbody tr").count() == 8  # one of 9 is excluded
    assert page.locator("#gene-out svg circle[data-s]").count() == 8
    assert page.locator("g.found").count() == 2 * int(pd.notna(table.loc["FOSL1", "log2fc"])) * 3


def test_an_unknown_gene_is_said_to_be_unknown(page: Any) -> None:
    page.fill("#quick", HOSTILE)
    page.press("#quick", "Enter")
    page.locator("#gene-status", has_text="No gene").wait_for()
    assert HOSTILE in page.locator("#gene-status").inner_text()


def test_search_narrows_a_table(page: Any, three: Study) -> None:
    unfold(page)
    page.locator('input[data-filter="table-overlap"]').fill("A375R_SR_vem")
    rows = page.locator("#table-overlap tbody tr:visible")
    table = three.table("secretome/overlap")
    assert rows.count() == (table["contrast"] == "A375R_SR_vem").sum() > 0
    assert all("A375R_SR_vem" in text for text in rows.all_inner_texts())
    counted = page.locator("#table-overlap caption .count").inner_text()
    assert counted == f"({rows.count()} of {len(table)} rows)"


def test_sorting_is_by_value_and_announced(page: Any, three: Study) -> None:
    unfold(page)
    head = page.locator("#table-metrics thead th", has_text="Library size")
    sizes = sorted(pd.read_csv(three.results / "qc" / "metrics.tsv", sep="\t")["library_size"])
    for state, wanted in (("ascending", sizes), ("descending", sizes[::-1])):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == state
        shown = page.eval_on_selector_all(
            "#table-metrics tbody td:nth-child(4)", "cells => cells.map(c => Number(c.dataset.v))"
        )
        assert shown == wanted


def test_all_genes_of_a_contrast_are_listed(page: Any, three: Study) -> None:
    table = de(three, "A375R_Ronly_vem")
    page.click("#browse-load")
    page.wait_for_selector("#browse-table")
    n = int(table["log2fc"].notna().sum())
    assert page.locator("#browse-table caption").inner_text() == (
        f"{n:,} genes of A375R_Ronly_vem".replace(",", "\u202f")
    )
    first = table.sort_values("pvalue").iloc[0]
    assert (
        page.locator("#browse-table tbody tr").first.locator("td").nth(1).inner_text()
        == (first["gene_id"])
    )
    with page.expect_download() as download:
        page.click("[data-browse=tsv]")
    saved = pd.read_csv(download.value.path(), sep="\t").set_index("gene_id")
    assert len(saved) == n
    kept = table.dropna(subset=["log2fc"]).set_index("gene_id").loc[saved.index]
    np.testing.assert_allclose(saved["log2fc"], kept["log2fc"], atol=0.0051)
    np.testing.assert_allclose(
        np.log10(saved["padj"].dropna()), np.log10(kept["padj"].dropna()), atol=0.0051
    )


def test_a_whole_table_is_saved_from_the_page(page: Any, three: Study) -> None:
    unfold(page)
    with page.expect_download() as download:
        page.click('button[data-file="calls.tsv"]')
    assert Path(download.value.path()).read_bytes() == (three.results / "calls.tsv").read_bytes()


@pytest.mark.parametrize(("form", "separator"), [("tsv", "\t"), ("csv", ",")])
def test_a_view_is_saved_as_it_is_shown(page: Any, form: str, separator: str) -> None:
    unfold(page)
    page.locator('input[data-filter="table-overlap"]').fill("A375R_SR_vem")
    with page.expect_download() as download:
        page.click(f'button[data-table="table-overlap"][data-form={form}]')
    assert download.value.suggested_filename == f"VARIANT_table-overlap.{form}"
    saved = pd.read_csv(download.value.path(), sep=separator)
    assert set(saved["Contrast"]) == {"A375R_SR_vem"}


def test_the_methods_are_copied(page: Any) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click('button[data-copy="methods-text"]')
    page.locator("[role=status]", has_text="Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.replace("\r\n", "\n") == page.locator("#methods-text").inner_text()
    page.click('button[data-copy="cite-bibtex"]')
    page.wait_for_function("navigator.clipboard.readText().then((t) => t.includes('@software'))")


def test_one_contrast_can_be_shown_alone(page: Any) -> None:
    page.select_option("#focus", "A375R_SR_vem")
    assert page.locator("#matrix tbody tr:visible").count() == 1
    assert page.locator(".contrast:visible").count() == 1
    assert page.locator("#focus-note").inner_text().startswith("Only A375R_SR_vem is shown.")
    for said in page.locator(".findings dd").all_inner_texts():
        assert "contrast" not in said
    page.select_option("#focus", "")
    assert page.locator(".contrast:visible").count() == 3
    assert "3 contrasts" in " ".join(page.locator(".findings dd").all_inner_texts())


def test_a_link_into_a_closed_part_opens_it(page: Any) -> None:
    page.evaluate("location.hash = 'evidence-AKT'")
    page.wait_for_selector("#evidence-AKT", state="visible")


def test_hostile_title_is_text(page: Any) -> None:
    assert HOSTILE in page.locator("#table-metrics tbody tr").first.text_content()
    assert page.locator("img").count() == 0


def test_tab_order_begins_with_the_skip_link_and_reaches_the_matrix(page: Any) -> None:
    def focused() -> str:
        return str(page.evaluate("document.activeElement.textContent.trim().slice(0, 40)"))

    page.keyboard.press("Tab")
    assert focused() == "Skip to the answer"
    page.keyboard.press("Enter")
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.append(focused())
    assert "AKT" in seen
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_dark_and_light(page: Any) -> None:
    def back() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = back()
    page.click("#theme")
    assert page.get_attribute("#theme", "aria-pressed") == "true"
    assert back() != light
    page.emulate_media(media="print")
    assert back() == light


@pytest.fixture(scope="session")
def short(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """One contrast and few genes: axe looks at every element, and rows are all alike."""
    folder = tmp_path_factory.mktemp("axe") / "short"
    made = variant(study, folder, n_genes=900, contrasts=["A375_vivo_vem"], title=HOSTILE)
    made.render()
    return made


@pytest.mark.parametrize(
    ("scheme", "width", "rules"),
    [
        ("light", 1300, None),
        ("dark", 1300, ["color-contrast"]),
        pytest.param("light", 380, None, marks=pytest.mark.rare),
    ],
)
def test_axe_finds_nothing_serious(
    browser: Any, short: Study, scheme: str, width: int, rules: list[str] | None
) -> None:
    # axe puts its own script into the page, which the page's policy rightly forbids.
    context = browser.new_context(
        bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    page.goto((short.results / "report.html").resolve().as_uri())
    page.wait_for_selector("html[data-ready]")
    page.fill("#gene-input", "FOSL1")
    page.press("#gene-input", "Enter")
    page.wait_for_selector("#gene-lines")
    page.click("#browse-load")
    page.wait_for_selector("#browse-table")
    found = axe_findings(page, rules)
    context.close()
    assert found == []


def test_axe_finds_nothing_serious_in_the_demo(browser: Any, study: Study) -> None:
    page = opened(browser, study.results, 1300)
    found = axe_findings(page)
    page.context.close()
    assert found == []


def test_complete_without_scripts(browser: Any, three: Study) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((three.results / "report.html").resolve().as_uri())
    calls = pd.read_csv(three.results / "calls.tsv", sep="\t")
    assert page.locator("#matrix td.call").count() == len(calls)
    assert page.locator(".noscript").is_visible()
    assert page.locator(".js:visible").count() == 0
    assert page.locator("#gene .nojs").is_visible()
    figures = page.locator("main svg.fig")
    assert figures.count() >= 5 * 3 + 3 + 3 * 2
    page.locator("#inputs").scroll_into_view_if_needed()
    page.wait_for_selector("#table-inputs", state="visible")
    page.locator("#why-AKT summary", has_text="Every readout").click()
    assert page.locator("#evidence-AKT").is_visible()
    context.close()


def test_nothing_sticks_out_of_a_phone(browser: Any, three: Study) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, is_mobile=True)
    page = context.new_page()
    page.goto((three.results / "report.html").resolve().as_uri())
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    context.close()
    assert wide <= 0


def test_print_keeps_the_banner_and_opens_everything(
    browser: Any, three: Study, tmp_path: Path
) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto((three.results / "report.html").resolve().as_uri())
    page.wait_for_selector("html[data-ready]")
    page.emulate_media(media="print")
    assert page.locator(".banner").is_visible()
    assert not page.locator("nav").is_visible()
    assert page.locator("#evidence-AKT").is_visible()
    pdf = page.pdf(path=tmp_path / "report.pdf", format="A4")
    context.close()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 50_000


@pytest.mark.slow
def test_the_nine_contrast_report_is_small_and_quick(
    browser: Any, study: Study, tmp_path: Path
) -> None:
    names = [f"contrast_{i}" for i in range(9)]
    made = variant(study, tmp_path / "nine", contrasts=names)
    out = made.render()
    assert out.stat().st_size <= 6_000_000
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    page.goto(out.resolve().as_uri())
    paint, interactive = page.evaluate(
        "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
        " performance.getEntriesByType('navigation')[0].domInteractive]"
    )
    context.close()
    assert paint <= 1000
    assert interactive <= 1500
