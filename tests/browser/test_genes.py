"""A gene in a real browser: found by any of its names, pinned from a plot, kept in the address."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tests.report_study import CONTRAST, Study

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def find(page: Any, name: str) -> None:
    page.fill("#gene-input", name)
    page.press("#gene-input", "Enter")


def where_is(page: Any, study: Study, symbol: str, plot: str = "volcano") -> tuple[float, float]:
    """Pixels of a gene's dot in the window, from its table."""
    de = study.table(f"de/{CONTRAST}").set_index("symbol").loc[symbol]
    area = page.locator(f'g[data-plot="{plot}"]')
    area.scroll_into_view_if_needed()
    import numpy as np

    x, y = (
        (de["log2fc"], -np.log10(de["pvalue"]))
        if plot == "volcano"
        else (np.log10(de["base_mean"]), de["log2fc"])
    )
    at = page.evaluate(
        """([plot, x, y]) => {
          const g = document.querySelector(`g[data-plot="${plot}"]`);
          const [x0, x1, p0, p1, y0, y1, q0, q1] = g.dataset.area.split(' ').map(Number);
          const p = new DOMPoint(p0 + (x - x0) / (x1 - x0) * (p1 - p0),
                                 q0 + (y - y0) / (y1 - y0) * (q1 - q0));
          const s = p.matrixTransform(g.getScreenCTM());
          return [s.x, s.y];
        }""",
        [plot, float(x), float(y)],
    )
    return at[0], at[1]


def test_another_name_finds_the_gene(demo_page: Any) -> None:
    find(demo_page, "CTGF")
    demo_page.locator("#gene-status", has_text="“CTGF” is another name of CCN2.").wait_for()
    assert demo_page.locator("#gene-out h3").inner_text().startswith("CCN2 (ENSG00000118523)")
    links = {a.inner_text(): a for a in demo_page.locator("#gene-out .about a").all()}
    assert links["NCBI Gene"].get_attribute("href") == "https://www.ncbi.nlm.nih.gov/gene/1490"
    assert links["Ensembl"].get_attribute("href").endswith("/id/ENSG00000118523")
    for link in links.values():
        assert link.get_attribute("rel") == "noopener noreferrer"


def test_names_are_completed(demo_page: Any) -> None:
    demo_page.fill("#quick", "tsc22")
    demo_page.wait_for_selector('#gene-names option[value="TSC22D3"]', state="attached")
    shown = demo_page.eval_on_selector_all("#gene-names option", "all => all.map(o => o.value)")
    assert 1 < len(shown) <= 12
    assert all(name.startswith("TSC22") for name in shown)


def test_a_miss_leaves_no_gene_standing(demo_page: Any) -> None:
    find(demo_page, "CCN2")
    demo_page.wait_for_selector("#gene-lines")
    assert demo_page.locator("g.found").count() == 2
    find(demo_page, "NOSUCHGENE")
    demo_page.locator("#gene-status", has_text="No gene is called").wait_for()
    assert demo_page.locator("#gene-out > *").count() == 0
    assert demo_page.locator("g.found").count() == 0
    assert "NOSUCHGENE" not in demo_page.evaluate("location.hash")


def test_where_a_gene_stands(demo_page: Any, study: Study) -> None:
    find(demo_page, "CCN2")
    demo_page.wait_for_selector("#gene-lines")
    p = study.table(f"de/{CONTRAST}").dropna(subset=["pvalue"]).set_index("symbol")["pvalue"]
    rank, of = demo_page.locator("#gene-lines tbody td").last.inner_text().split(" of ")
    assert int(of.replace("\u202f", "")) == len(p)
    # p is kept to 1% in the page: the rank moves by those that are as close.
    low, high = (p < p["CCN2"] / 1.02).sum() + 1, (p <= p["CCN2"] * 1.02).sum()
    assert low <= int(rank.replace("\u202f", "")) <= high
    readouts = demo_page.locator(".held li").all_inner_texts()
    assert all("with the pathway" in text for text in readouts)


@pytest.mark.parametrize("plot", ["volcano", "ma"])
def test_hover_names_a_gene_and_a_click_pins_it(demo_page: Any, study: Study, plot: str) -> None:
    x, y = where_is(demo_page, study, "SPARCL1", plot)
    demo_page.mouse.move(x, y)
    demo_page.wait_for_selector("#tip", state="visible")
    de = study.table(f"de/{CONTRAST}").set_index("symbol").loc["SPARCL1"]
    assert demo_page.locator("#tip strong").inner_text() == "SPARCL1"
    assert f"log2 fold change {de['log2fc']:.2f} " in demo_page.locator("#tip").inner_text()
    demo_page.mouse.click(x, y)
    demo_page.wait_for_selector("#gene-lines", state="attached")
    assert demo_page.locator("#pin-name").inner_text() == "SPARCL1"
    assert demo_page.locator("g.found").count() == 2
    assert "gene=SPARCL1" in demo_page.evaluate("location.hash")
    demo_page.click("#unpin")
    demo_page.wait_for_selector("#pin", state="hidden")
    assert demo_page.locator("g.found").count() == 0


@pytest.mark.parametrize("plot", ["volcano", "ma"])
def test_genes_of_a_marked_region_are_listed(demo_page: Any, study: Study, plot: str) -> None:
    x, y = where_is(demo_page, study, "SPARCL1", plot)
    demo_page.mouse.move(x - 40, y - 15)
    demo_page.mouse.down()
    demo_page.mouse.move(x, y, steps=3)
    demo_page.mouse.move(x + 30, y + 20, steps=3)
    demo_page.mouse.up()
    demo_page.wait_for_selector(f"#region-{plot}-{CONTRAST}")
    assert demo_page.locator("#gene-lines").count() == 0  # nothing is pinned by it
    shown = demo_page.locator(f"#region-{plot}-{CONTRAST} tbody td a").all_inner_texts()
    assert "SPARCL1" in shown
    with demo_page.expect_download() as download:
        demo_page.click(".region-list [data-region=tsv]")
    saved = pd.read_csv(download.value.path(), sep="\t").set_index("gene_id")
    assert saved["symbol"].head(len(shown)).tolist() == shown
    corners = demo_page.evaluate(
        """(plot) => {
          const g = document.querySelector(`g[data-plot="${plot}"]`);
          const [x0, x1, p0, p1, y0, y1, q0, q1] = g.dataset.area.split(' ').map(Number);
          const box = g.querySelector('rect.region');
          const of = (k) => Number(box.getAttribute(k));
          const [x, y, w, h] = ['x', 'y', 'width', 'height'].map(of);
          const fx = (v) => x0 + (v - p0) / (p1 - p0) * (x1 - x0);
          const fy = (v) => y0 + (v - q0) / (q1 - q0) * (y1 - y0);
          return [fx(x), fx(x + w), fy(y + h), fy(y)];
        }""",
        plot,
    )
    de = study.table(f"de/{CONTRAST}").set_index("gene_id")
    import numpy as np

    across, up = (
        (de["log2fc"], -np.log10(de["pvalue"]))
        if plot == "volcano"
        else (np.log10(de["base_mean"].where(de["base_mean"] > 0)), de["log2fc"])
    )
    slack = 0.02  # the page holds rounded values
    inside = (across > corners[0] + slack) & (across < corners[1] - slack)
    inside &= (up > corners[2] + slack) & (up < corners[3] - slack)
    around = (across > corners[0] - slack) & (across < corners[1] + slack)
    around &= (up > corners[2] - slack) & (up < corners[3] + slack)
    assert set(de.index[inside]) <= set(saved.index) <= set(de.index[around])
    demo_page.locator(".region-list button", has_text="Close").click()
    assert demo_page.locator("rect.region").count() == 0
    demo_page.mouse.click(*where_is(demo_page, study, "SPARCL1", plot))
    demo_page.wait_for_selector("#gene-lines", state="attached")
    assert demo_page.locator("#pin-name").inner_text() == "SPARCL1"


def test_a_gene_of_a_heatmap_is_pinned(demo_page: Any) -> None:
    demo_page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    name = demo_page.locator('svg[aria-labelledby="f-edge-AKT-t"] text.gene').first
    name.click()
    demo_page.wait_for_selector("#gene-lines", state="attached")
    assert demo_page.locator("#pin-name").inner_text() == name.text_content()


def test_a_sample_lights_up_in_every_figure(demo_page: Any, study: Study) -> None:
    sample = study.table("samples")["sample"][0]
    mark = demo_page.locator(f'svg[aria-labelledby="f-pca-t"] [data-s="{sample}"]')
    mark.scroll_into_view_if_needed()
    mark.hover()
    demo_page.wait_for_selector("#tip", state="visible")
    assert sample in demo_page.locator("#tip").inner_text()
    assert demo_page.locator(".lit").count() == demo_page.locator(f'[data-s="{sample}"]').count()


def test_a_link_brings_back_gene_section_and_contrast(watched: Any, three: Study) -> None:
    page = watched.open(three.results / "report.html")
    page.wait_for_selector("html[data-ready]")
    page.select_option("#focus", "A375R_SR_vem")
    find(page, "FOSL1")
    page.wait_for_selector("#gene-lines")
    page.evaluate("location.hash = 'evidence-AKT'")
    page.wait_for_selector("#evidence-AKT", state="visible")
    page.wait_for_function("location.hash.includes('gene=FOSL1')")
    shared = page.evaluate("location.href")
    assert shared.endswith("#evidence-AKT&gene=FOSL1&contrast=A375R_SR_vem")
    again = page.context.new_page()
    again.goto(shared)
    again.wait_for_selector("html[data-ready]")
    assert again.locator("#pin-name").inner_text() == "FOSL1"
    assert again.locator("#matrix tbody tr:visible").count() == 1
    assert again.locator("#evidence-AKT").is_visible()
    top = again.evaluate("document.getElementById('evidence-AKT').getBoundingClientRect().top")
    assert 0 <= top < 900


def test_a_gene_of_a_table_is_a_link_to_it(demo_page: Any) -> None:
    demo_page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    link = demo_page.locator(f"#top-up-{CONTRAST} td a").first
    name = link.inner_text()
    link.click()
    demo_page.wait_for_selector("#gene-lines")
    assert demo_page.locator("#pin-name").inner_text() == name
    assert demo_page.evaluate("location.hash") == f"#gene&gene={name}"
    demo_page.go_back()
    assert "gene&" not in demo_page.evaluate("location.hash")


def test_a_pinned_gene_is_ringed_in_the_saved_figure(demo_page: Any) -> None:
    find(demo_page, "CCN2")
    demo_page.wait_for_selector("#gene-lines")
    volcano = demo_page.locator("figure", has=demo_page.locator('g[data-plot="volcano"]'))
    with demo_page.expect_download() as download:
        volcano.locator("button[data-save=svg]").click()
    assert download.value.suggested_filename == f"GSE52778_volcano-{CONTRAST}.svg"
    from xml.etree import ElementTree

    root = ElementTree.parse(download.value.path()).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "CCN2" in "".join(root.itertext())
    assert "--up:" in "".join(root.itertext())  # brings its own colours
    with demo_page.expect_download() as download:
        volcano.locator("button[data-save=png]").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG\r\n")
    assert download.value.path().stat().st_size > 20_000


def test_all_genes_are_saved_as_csv(demo_page: Any, study: Study) -> None:
    demo_page.click("#browse-load")
    demo_page.wait_for_selector("#browse-table")
    with demo_page.expect_download() as download:
        demo_page.click("[data-browse=csv]")
    saved = pd.read_csv(download.value.path())
    assert len(saved) == study.table(f"de/{CONTRAST}")["log2fc"].notna().sum()
