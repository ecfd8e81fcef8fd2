"""The report against its tables: what the page says is what the tables hold."""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import yaml

from pathcall import tables
from pathcall.errors import InputError
from pathcall.report import markdown, payload, sections, svg, view, wording
from pathcall.report.data import clean
from pathcall.report.sections import (
    forest,
    methods,
    model_fit,
    quality,
    running_sums,
    sample_scores,
    scatter,
    single_sets,
)
from pathcall.report.sections.answer import explaining
from pathcall.signatures.panel import load_panel
from tests.project import ROOT
from tests.report_study import EXCLUDED, Study, variant

CHOSEN = ["A375R_Ronly_vem", "A375R_SR_vem", "A375R_SR_minus_Ronly"]
HOSTILE = "<img src=x onerror=alert(1)>\u202e\x07</script><script>alert(2)</script>"


class Page(HTMLParser):
    """Elements with their attributes, tables as rows of (text, data-v), text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[tuple[str, str | None]]]] = {}
        self.keys: dict[str, list[str]] = {}
        self.files: dict[str, str] = {}
        self.scripts: dict[str, str] = {}
        self._table = self._last = ""
        self._cell: list[str] | None = None
        self._value: str | None = None
        self._raw = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        self.elements.append((tag, own))
        if tag == "table":
            self._table = self._last = own.get("id") or ""
            self.tables[self._table] = []
            self.keys[self._table] = []
        elif tag == "a" and own.get("class") == "file":  # below the table
            self.files[self._last] = own["href"] or ""
        elif tag == "tr" and self._table:
            self.tables[self._table].append([])
        elif tag in ("td", "th") and self._table:
            self._cell, self._value = [], own.get("data-v")
            if "data-k" in own:
                self.keys[self._table].append(own["data-k"] or "")
        elif tag in ("script", "style"):
            self._raw = own.get("id") or tag
            self.scripts[self._raw] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            self.tables[self._table][-1].append(("".join(self._cell).strip(), self._value))
            self._cell = None
        elif tag == "table":
            self._table = ""
        elif tag in ("script", "style"):
            self._raw = ""

    def handle_data(self, data: str) -> None:
        if self._raw:
            self.scripts[self._raw] += data
        elif self._cell is not None:
            self._cell.append(data)

    @property
    def ids(self) -> list[str]:
        return [own["id"] or "" for _, own in self.elements if "id" in own]


@pytest.fixture(scope="module")
def three(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Three contrasts, hostile text, an excluded sample."""
    folder = tmp_path_factory.mktemp("results") / "three"
    return variant(study, folder, contrasts=CHOSEN, title=HOSTILE, n_genes=3000)


@pytest.fixture(scope="module")
def html(three: Study) -> str:
    return three.render().read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def data(three: Study):  # type: ignore[no-untyped-def]
    return three.data()


def test_matrix_holds_every_call(page: Page, data) -> None:  # type: ignore[no-untyped-def]
    rows = page.tables["matrix"][1:]
    assert len(rows) == len(data.contrasts)
    for row, c in zip(rows, data.contrasts, strict=True):
        assert c.contrast in row[0][0]
        for (text, _), pathway in zip(row[1:], data.pathways, strict=True):
            call = data.call(c.contrast, pathway)
            assert wording.answer(call) in text
            assert f"{call['lines_up']}▲ {call['lines_down']}▼ of {call['n_lines']} line" in text
            if call["status"] == "not_separable":
                assert f"not separable: {explaining(data, c.contrast, pathway)} explains" in text
            if call["confidence"] != "none":
                assert f"{call['confidence']} confidence" in text


def test_matrix_and_reasons_count_the_same_lines(data) -> None:  # type: ignore[no-untyped-def]
    assessed = data.calls[data.calls["status"] != "not_assessable"]
    for row in assessed.to_dict("records"):
        words = f"{row['lines_up']} up and {row['lines_down']} down of {row['n_lines']} lines"
        assert row["reason"].startswith(words)
    assert len(assessed)


def test_what_a_single_set_would_have_claimed_is_said(study: Study) -> None:
    data = study.data()
    claims = single_sets.single_set_claims(data)
    own = data.evidence[data.evidence["readout"] == "NFKB_HALLMARK_TNFA"]
    fdr = own.loc[own["method"] == "gsea", "fdr"].iloc[0]
    hallmark = next(c for c in claims if c["pathway"] == "NFKB_CANONICAL")
    assert hallmark["text"].startswith(
        f"NFKB_HALLMARK_TNFA alone: NF-κB canonical up, FDR {view.pvalue(fdr)}. "
        "The lines of evidence together: no change shown ("
    )
    assert data.call("dexamethasone", "NFKB_CANONICAL")["call"] == "no_evidence"
    agreed = replace(data, calls=data.calls.assign(call="activated"))
    assert "NFKB_CANONICAL" not in {c["pathway"] for c in single_sets.single_set_claims(agreed)}


def test_answers_without_a_call_can_be_told_apart() -> None:
    shown = {
        status: (wording.mark(row), wording.answer(row))
        for status in ("rule_not_met", "no_change_seen")
        for row in [{"call": "no_evidence", "status": status}]
    }
    assert shown == {
        "rule_not_met": ("≈", "moves, rule not met"),
        "no_change_seen": ("–", "no change shown"),
    }
    assert wording.answer({"call": "conflicting", "status": "rule_not_met"}) == "conflicting"


def test_every_statistic_of_the_evidence_is_on_the_page(page: Page, data) -> None:  # type: ignore[no-untyped-def]
    for pathway in data.pathways:
        shown = page.tables[f"evidence-{pathway}"]
        head = [text for text, _ in shown[0]]
        own = data.evidence[data.evidence["pathway"] == pathway]
        cells = {}
        for row in shown[1:]:
            for name, (_, value) in zip(head, row, strict=True):
                cells[row[0][0], row[1][0], name] = value
        for row in own.to_dict("records"):
            value = cells[row["contrast"], row["readout"], row["method"].replace("_", " ")]
            if np.isfinite(row["stat"]):
                assert float(value) == pytest.approx(row["stat"], rel=1e-6)
            else:
                assert value is None


@pytest.mark.parametrize(
    ("ident", "file", "schema", "columns"),
    [
        ("table-metrics", "qc/metrics", tables.QC_METRICS, ["library_size", "median_correlation"]),
        ("table-overlap", "secretome/overlap", tables.SECRETOME_OVERLAP, ["n_overlap", "pvalue"]),
    ],
)
def test_numbers_equal_the_table(  # type: ignore[no-untyped-def]
    page: Page, three: Study, ident, file, schema, columns
) -> None:
    frame = tables.read_table(three.results / f"{file}.tsv", schema)
    values = {v for row in page.tables[ident] for _, v in row if v is not None}
    for name in columns:
        for number in frame[name].dropna():
            assert view.precise(number) in values


def test_every_number_of_a_table_is_in_its_file(study: Study, three: Study, page: Page) -> None:
    """Row by row: some row of the file has all numbers of the page's row, and none missing."""
    checked: dict[str, int] = {}
    for made, shown in ((three, page), (study, Page(study.render().read_text(encoding="utf-8")))):
        for ident, file in shown.files.items():
            if not file or ident.startswith("evidence-"):  # several rows of the file make one there
                continue
            frame = made.table(file.removesuffix(".tsv"))
            numeric = frame.select_dtypes("number")
            at = [(i, k) for i, k in enumerate(shown.keys[ident]) if k in numeric.columns]
            wanted = {
                tuple(rounded(v) for v in row) for row in numeric[[k for _, k in at]].to_numpy()
            }
            for row in shown.tables[ident][1:]:
                numbers = tuple(rounded(float(row[i][1] or "nan")) for i, _ in at)
                assert numbers in wanted, (ident, row)
                checked[file] = checked.get(file, 0) + len(at)
    assert {"calls.tsv", "ranking.tsv", "qc/metrics.tsv", "adjusted.tsv"} <= set(checked)
    assert sum(checked.values()) > 1000


def rounded(value: float) -> str:
    return f"{value + 0.0:.7g}"


def test_top_genes_are_the_smallest_p(page: Page, data) -> None:  # type: ignore[no-untyped-def]
    de = data.de["A375R_SR_vem"]
    up = de[(de["padj"] < 0.05) & (de["log2fc"] > 0)].sort_values(["pvalue", "gene_id"])
    shown = page.tables["top-up-A375R_SR_vem"][1:]
    assert [row[1][0] for row in shown] == up["gene_id"].head(25).tolist()
    for row, lfc in zip(shown, up["log2fc"], strict=False):
        assert float(row[3][1] or "nan") == pytest.approx(lfc, rel=1e-6)


def covered(d: str) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Points that the strokes of a path of dots pass, and the ends of the strokes."""
    points, ends, x, y = set(), set(), 0, 0
    for dx, dy, n in re.findall(r"m(-?\d+) ?(-?\d+)(?:z|h(\d+))", d):
        x, y = x + int(dx), y + int(dy)
        ends.add((x, y))
        for _ in range(int(n or 0)):
            points.add((x, y))
            x += 1
        points.add((x, y))
        ends.add((x, y))
    return points, ends


def test_figures_hold_one_dot_a_gene(data) -> None:  # type: ignore[no-untyped-def]
    """Every gene's pixel is drawn, and no stroke begins or ends where there is none."""
    for c in data.contrasts:
        de = data.de[c.contrast]
        side = scatter.gene_classes(de, data.alpha)
        for kind, draw, x, y in (
            ("volcano", scatter.draw_volcano, de["log2fc"], -np.log10(de["pvalue"])),
            ("ma", scatter.draw_ma, np.log10(de["base_mean"]), de["log2fc"]),
        ):
            shown = str(draw(data, c.contrast).markup())
            area = re.search(f'<g data-area="([^"]*)" data-plot="{kind}"', shown)
            assert area is not None
            x0, x1, p0, p1, y0, y1, q0, q1 = map(float, area[1].split())
            px = p0 + (x - x0) / (x1 - x0) * (p1 - p0)
            py = q0 + (y - y0) / (y1 - y0) * (q1 - q0)
            drawn = {
                cls: (float(scale), *covered(d))
                for cls, scale, d in re.findall(
                    r'<path class="dots d(\w+)"[^>]*scale\(([\d.]+)\)" d="([^"]*)"', shown
                )
            }
            assert set(drawn) == {"up", "down", "ns"}
            for name, (scale, points, ends) in drawn.items():
                at = (side == name) & np.isfinite(px) & np.isfinite(py)
                dots = np.column_stack([px[at], py[at]]) / scale
                near = [rounded_points(dot) for dot in dots]
                assert all(spots & points for spots in near), name
                assert ends <= set().union(*near)


def rounded_points(dot: npt.NDArray[np.float64], slack: float = 0.005) -> set[tuple[int, int]]:
    """Where a dot may fall: the plot's area is written to six digits."""
    return {
        (round(dot[0] + dx), round(dot[1] + dy)) for dx in (-slack, slack) for dy in (-slack, slack)
    }


def test_figures_hold_every_sample(data) -> None:  # type: ignore[no-untyped-def]
    n = int((data.samples["included"] == "yes").sum())
    pca = str(quality.draw_pca(data).markup())
    names = [s for s in data.metrics["sample"] if f"<title>{s} (" in pca]
    assert len(names) == n
    strips = str(sample_scores.draw_scores(data, "AKT").markup())
    readouts = sample_scores.score_rows(data, "AKT")["readout"].nunique()
    assert len(re.findall(r"<circle", strips)) == n * readouts
    bars = str(quality.draw_library_sizes(data).markup())
    assert bars.count('class="fbar"') == n
    assert bars.count('class="fpale"') == len(data.samples) - n


def test_p_value_histogram_counts_every_gene(data) -> None:  # type: ignore[no-untyped-def]
    p = data.de["A375R_SR_vem"]["pvalue"].dropna()
    assert f"{len(p)} genes in 20 bins" in str(
        model_fit.draw_p_values(data, "A375R_SR_vem").markup()
    )


def test_running_sums_are_those_of_the_enrichment_tables(study: Study) -> None:
    """Every tested set, drawn from the gene tables, has the table's score and leading edge."""
    data = study.data()
    ranked = running_sums.gene_rankings(data)
    n = 0
    for c in data.contrasts:
        table = data.enrichment[c.contrast]
        for row in table[table["es"].notna()].to_dict("records"):
            genes = set(data.panel.gene_sets[row["gene_set"]].genes)
            found = running_sums.running_sum(ranked[c.contrast], genes)
            assert found is not None
            assert found.score == pytest.approx(row["es"], abs=1e-9)
            assert set(found.leading_edge) == set(row["leading_edge"].split(";"))
            n += 1
    assert n > 50
    assert running_sums.running_sum(ranked[c.contrast], {"no", "such", "gene"}) is None


def test_shown_enrichment_scores_and_edges_are_the_table_s(data) -> None:  # type: ignore[no-untyped-def]
    name = "HALLMARK_PI3K_AKT_MTOR_SIGNALING"
    genes = data.panel.gene_sets[name].genes
    first = data.contrasts[0].contrast
    table = data.enrichment[first].assign(es=0.123, leading_edge="AKT1;MTOR")
    own = replace(data, enrichment={**data.enrichment, first: table})
    ranked = running_sums.gene_rankings(own)
    assert running_sums.leading_edge(own, first, ranked[first], genes) == ("AKT1", "MTOR")
    assert "enrichment score 0.12" in str(
        running_sums.draw_running_sums(own, "AKT", first, ranked[first]).markup()
    )


def test_intervals_use_the_degrees_of_freedom_of_the_test() -> None:
    from scipy import stats

    rows = pd.DataFrame({"effect": [1.2, 0.0], "se": [0.4, 0.2], "df": [7.5, np.inf]})
    got = forest.intervals(rows)
    assert got["low"][0] == pytest.approx(1.2 - stats.t.ppf(0.975, 7.5) * 0.4)
    assert got["high"][1] == pytest.approx(1.959964 * 0.2)


def test_excluded_samples_are_listed_with_the_reason(page: Page, data) -> None:  # type: ignore[no-untyped-def]
    rows = page.tables["table-excluded"][1:]
    wanted = data.samples[data.samples["included"] == "no"]
    assert [r[0][0] for r in rows] == wanted["sample"].tolist() == [EXCLUDED]
    assert wanted["reason"].iloc[0] in [text for text, _ in rows[0]]


def test_simulated_data_have_a_banner(html: str) -> None:
    assert html.index('<div class="banner simulated"') < html.index('<section id="answer"')


def test_hostile_text_stays_text(html: str, page: Page) -> None:
    assert "<img" not in html
    assert not [tag for tag, _ in page.elements if tag == "img"]
    assert [tag for tag, _ in page.elements].count("script") == html.count("<script")
    executed = [own for tag, own in page.elements if tag == "script" and "type" not in own]
    assert len(executed) == 1
    assert not [k for _, own in page.elements for k in own if k.startswith("on") or k == "style"]
    assert "\u202e" not in html
    assert "\x07" not in html
    assert "<img src=x onerror=alert(1)></script><script>alert(2)</script>" in [
        text for row in page.tables["table-metrics"] for text, _ in row
    ]


def test_policy_names_the_only_script_and_style(page: Page) -> None:
    policy = next(own["content"] for tag, own in page.elements if "http-equiv" in own) or ""
    for name in ("script", "style", "figure-style"):
        digest = hashlib.sha256(page.scripts[name].encode()).digest()
        assert f"'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert policy.count("sha256-") == 3
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "innerHTML" not in page.scripts["script"].replace("no innerHTML", "")


def test_nothing_is_fetched(page: Page) -> None:
    for tag, own in page.elements:
        source = own.get("src")
        assert source is None or source.startswith("data:")
        if tag == "link":
            assert own["href"] == "data:,"


def test_ids_are_unique_and_links_lead_somewhere(page: Page, three: Study) -> None:
    assert len(page.ids) == len(set(page.ids))
    for tag, own in page.elements:
        to = own.get("href") or ""
        if tag == "a" and to.startswith("#"):
            assert to[1:] in page.ids, to
        elif tag == "a" and not to.startswith("http"):
            assert (three.results / to).is_file(), to


def test_the_ten_questions_of_the_page_are_those_of_the_documentation(page: Page) -> None:
    text = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+ (.+?) \| `#([\w-]+)`", text, flags=re.MULTILINE)
    assert rows == list(wording.QUESTIONS)
    assert len(rows) == 10
    assert {anchor for _, anchor in rows} <= set(page.ids)


def test_links_out_of_the_page_tell_nobody_where_they_come_from(page: Page) -> None:
    out = [own for tag, own in page.elements if (own.get("href") or "").startswith("http")]
    assert out
    assert {own["rel"] for own in out} <= {"noopener noreferrer"}


def test_gene_sets_and_genes_are_links(page: Page, data) -> None:  # type: ignore[no-untyped-def]
    to = {own.get("href") for tag, own in page.elements if tag == "a"}
    msigdb = "https://www.gsea-msigdb.org/gsea/msigdb/human/geneset/"
    assert f"{msigdb}HALLMARK_TNFA_SIGNALING_VIA_NFKB" in to
    curated = set(data.panel.curated["gene_set"])
    assert not [t for t in to if t and t.startswith(msigdb) and t.removeprefix(msigdb) in curated]


def test_genes_carry_their_other_names_and_the_readouts_that_hold_them(data) -> None:  # type: ignore[no-untyped-def]
    rows = [line.split("\t") for line in payload.gene_names(data)]
    by_symbol = {row[1]: row for row in rows if len(row) > 1}
    assert len(rows) == len(data.genes)
    ccn2 = by_symbol["CCN2"]
    assert ccn2[2] == "1490"
    assert "CTGF" in ccn2[3].split("|")
    readouts = [r for r in data.panel.readouts if r.pathway in data.pathways]
    for symbol in ("FOSL1", "NFKBIA", "CCN2"):
        held = by_symbol[symbol][4].split(",") if len(by_symbol[symbol]) > 4 else []
        wanted = [
            (i if r.weights[symbol] * r.expected_direction > 0 else -i)
            for i, r in enumerate(readouts, start=1)
            if symbol in r.weights
        ]
        assert [int(v) for v in held] == wanted


def test_citations_name_the_study_and_every_method(data) -> None:  # type: ignore[no-untyped-def]
    made = {c["name"]: c["text"] for c in methods.citations(data)}
    cited = data.software[data.software["citation"].notna()]
    assert made["BibTeX"].count("\n}") == made["RIS"].count("ER  - ") == len(cited) + 1
    assert "doi = {10.1093/bioinformatics/btad547}" in made["BibTeX"]
    assert "DO  - 10.12688/f1000research.29032.2" in made["RIS"]
    real = methods.citations(replace(data, study="GSE52778"))
    assert "acc=GSE52778" in real[0]["text"]
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cff["title"], cff["authors"][0]["name"]) == (wording.TITLE, wording.AUTHOR)


def test_bytes_are_the_same_again(three: Study, html: str, tmp_path: Path) -> None:
    assert three.render(tmp_path / "again.html").read_text(encoding="utf-8") == html


def test_packed_data_unpack_to_the_tables(page: Page, data) -> None:  # type: ignore[no-untyped-def]
    def unpack(name: str) -> bytes:
        return zlib.decompress(base64.b64decode(page.scripts[name]), -15)

    meta = json.loads(page.scripts["meta"])
    n, samples = meta["genes"], meta["samples"]
    names = [line.split("\t") for line in unpack("data-names").decode().split("\n")]
    assert len(names) == n
    raw = np.frombuffer(unpack("data-counts"), dtype=np.uint8).reshape(meta["width"], n, -1)
    counts = (raw.astype(np.int64) * 256 ** np.arange(meta["width"])[:, None, None]).sum(0)
    row = [data.counts_samples.index(s) for s in samples]
    kept = [i for i, g in enumerate(data.genes["gene_id"]) if g in {x[0] for x in names}]
    np.testing.assert_array_equal(counts, data.counts[row][:, kept].T)
    codes = np.frombuffer(unpack("data-de-A375R_SR_vem"), dtype=np.uint8).reshape(4, 2, n)
    values = codes[:, 0].astype(int) + 256 * codes[:, 1].astype(int)
    lfc = np.where(values[0] % 2, -(values[0] + 1) / 2, values[0] / 2) / meta["lfcScale"]
    de = data.de["A375R_SR_vem"].set_index("gene_id").loc[[x[0] for x in names]]
    tested = de["log2fc"].notna().to_numpy()
    np.testing.assert_array_equal(values[0] == payload.MISSING, ~tested)
    np.testing.assert_allclose(lfc[tested], de["log2fc"][tested], atol=0.00501)
    se = values[1] / meta["seScale"]
    np.testing.assert_allclose(se[tested], de["lfc_se"][tested], atol=0.00251)
    padj = de["padj"].to_numpy()
    ok = np.isfinite(padj)
    np.testing.assert_allclose(values[3][ok] / 100, -np.log10(padj[ok]), atol=0.00501)
    bundle = json.loads(unpack("bundle"))
    for name, text in bundle.items():
        assert text == (data.folder / name).read_text(encoding="utf-8")


def test_a_large_count_matrix_is_rounded_and_says_so(data) -> None:  # type: ignore[no-untyped-def]
    packed = payload.build(data, budget=10_000)
    assert "4.5%" in packed.counts_note
    assert "left out" in packed.counts_note
    assert packed.n_genes + packed.n_dropped == len(data.genes)
    raw = zlib.decompress(base64.b64decode(packed.blocks["counts"]), -15)
    codes = np.frombuffer(raw, dtype=np.uint8).reshape(packed.meta["width"], packed.n_genes, -1)
    codes = (codes.astype(int) * 256 ** np.arange(packed.meta["width"])[:, None, None]).sum(0)
    counts = 2 ** (codes / packed.meta["logSteps"]) - 1
    expressed = np.zeros(len(data.genes), dtype=bool)
    for model in data.models.values():
        expressed |= data.genes["gene_id"].isin(model.base_mean.index).to_numpy()
    row = [data.counts_samples.index(s) for s in packed.meta["samples"]]
    np.testing.assert_allclose(counts + 1, data.counts[row][:, expressed].T + 1, rtol=0.045)


def test_a_page_beyond_its_limit_gives_up_genes_that_are_quiet(data, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from pathcall.report import render

    whole = len(render.render_page(data).encode())
    monkeypatch.setattr(render, "PAGE_BUDGET", whole - 5_000)
    assert len(render.render_page(data).encode()) < whole - 5_000


def test_embedded_tables_stay_within_their_limit(data, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from pathcall.report import render

    monkeypatch.setattr(render, "EMBED_BUDGET", 2_000)
    chosen = render._embedded(data)
    assert "calls.tsv" in chosen
    assert sum(len(payload.pack(text.encode())) for text in chosen.values()) <= 2_000


def test_a_missing_table_is_named(three: Study, tmp_path: Path) -> None:
    for path in three.results.rglob("*"):
        if path.is_file() and path.name != "calls.tsv":
            copy = tmp_path / path.relative_to(three.results)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(path)
    with pytest.raises(InputError, match=r"calls\.tsv"):
        replace(three, results=tmp_path).render(tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_single_figures_are_files_of_their_own(three: Study, tmp_path: Path) -> None:
    from xml.etree import ElementTree

    three.render(tmp_path / "report.html", tmp_path / "figures")
    names = {p.stem for p in (tmp_path / "figures").glob("*.svg")}
    asked = load_panel(three.panel).pathways
    assert names == {"calls", "library", "pca", "correlation"} | {f"forest_{p}" for p in asked} | {
        f"volcano_{c}" for c in CHOSEN
    }
    for path in (tmp_path / "figures").glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_captions_of_snakemake_are_those_of_the_page(html: str) -> None:
    folder = ROOT / "workflow" / "report"
    assert {p.stem for p in folder.glob("*.rst")} >= set(wording.REPORTED)
    for key in wording.REPORTED:
        assert (folder / f"{key}.rst").read_text(encoding="utf-8") == wording.rst(key)


# ---------------------------------------------------------------- words and formats


def call(contrast: str, call: str, confidence: str = "none") -> dict[str, str]:
    return {"contrast": contrast, "call": call, "confidence": confidence}


def test_findings_say_no_more_than_the_calls() -> None:
    labels = {"a": "A", "b": "B", "c": "C"}
    text = wording.finding(
        [call("a", "activated", "high"), call("b", "activated", "low"), call("c", "no_evidence")],
        labels,
    )
    assert text == (
        "The evidence supports activation in A; weak evidence points to activation in B; "
        "no change is shown in 1 of 3 contrasts."
    )
    only = wording.finding([call("a", "not_assessable")], labels)
    assert only == "Cannot be assessed."
    shared = [
        call("a", "repressed", "high") | {"status": "not_separable"},
        call("b", "no_evidence"),
    ]
    assert wording.finding(shared, labels) == (
        "The evidence supports repression in A; 1 of these calls is not separable from a "
        "confounder; no change is shown in 1 of 2 contrasts."
    )
    none = wording.finding([call("a", "not_assessable"), call("b", "not_assessable")], labels)
    assert none == "No contrast can be assessed."
    every = wording.finding([call(k, "no_evidence") for k in "abc"], labels)
    assert every == "No change is shown in all 3 contrasts."


def test_numbers_are_written_for_reading() -> None:
    assert view.number(-0.012345) == "−0.0123"
    assert view.number(1234567) == "1.23×10⁶"
    assert view.number(12345) == "12\u202f345"
    assert view.number(0) == "0"
    assert view.number(float("nan")) == "–"
    assert view.pvalue(3.21e-17) == "3.2×10⁻¹⁷"
    assert view.pvalue(0.0456) == "0.046"
    assert view.pvalue(0.5) == "0.50"
    assert view.pvalue(0) == "< 10⁻³⁰⁰"
    assert view.percent(0.021) == "2.1%"
    assert view.precise(12_345_678.0) == "12345678"
    assert svg.label(-1500.0) == "−1500"
    assert svg.ticks(-0.35, 0.35, 4) == pytest.approx([-0.2, 0, 0.2])


def test_methods_text_is_rendered_without_passing_html() -> None:
    got = str(
        markdown.render(
            "# Head\n\nText <b>bold</b> **strong** `~ a*b` [x](javascript:alert(1))\n"
            "see https://example.org/a_b.\n\n- one\n- *two*\n\n"
            "| a | b |\n|---|---|\n| 1 | <i> |\n\n"
            "```\ncode <x>\n```\n"
        )
    )
    assert "<h3>Head</h3>" in got
    assert "&lt;b&gt;bold&lt;/b&gt; <strong>strong</strong> <code>~ a*b</code>" in got
    assert "javascript" in got
    assert 'href="javascript' not in got
    assert '<a href="https://example.org/a_b" rel="noreferrer">' in got
    assert "<li>one</li><li><em>two</em></li>" in got
    assert "<td>&lt;i&gt;</td>" in got
    assert "code &lt;x&gt;</pre>" in got


def test_control_characters_go() -> None:
    assert clean("a\x00b\u202ec\td\ne") == "abc d e"


def test_false_calls_are_held_against_the_limit_of_the_config(data) -> None:  # type: ignore[no-untyped-def]
    calls = data.calls.assign(call="activated", false_call_rate=0.08)
    for limit, shown in ((0.05, True), (0.1, False)):
        config = {**data.config, "calls": {"max_false_call_rate": limit}}
        own = replace(data, calls=calls, config=config)
        made = sections.context(own)
        assert any("false call in 8.0% of cases" in c for c in made["caveats"]) is shown
        cells = [c for row in made["false_calls"].rows for c in row.cells]
        assert any(c.css == "bad" for c in cells) is shown
        assert made["max_false_call_rate"] == f"{limit:.0%}".replace("5%", "5.0%")
    template = (Path(wording.__file__).parent / "templates" / "page.html.j2").read_text()
    assert "at or below {{ max_false_call_rate }}" in template


def test_combined_contrasts_that_share_samples_are_named(data) -> None:  # type: ignore[no-untyped-def]
    row = {"group": "g", "pathway": data.pathways[0], "readout": "R", "error_correlation": 0.5}
    for value, shown in ((0.5, True), (0.0, False), (np.nan, False)):
        combined = pd.DataFrame([{**row, "error_correlation": value}]).reindex(
            columns=list(tables.COMBINED_PATHWAYS.columns)
        )
        made = sections.context(replace(data, combined_pathways=combined))
        hits = [c for c in made["caveats"] if "share samples" in c]
        assert bool(hits) is shown
        if shown:
            assert "correlate by up to 0.50" in hits[0]


def test_a_flag_of_the_whole_study_is_a_sentence_of_its_own(data) -> None:  # type: ignore[no-untyped-def]
    row = {
        "sample": "(all samples)", "flag": "confounded", "severity": "severe", "value": 1.0,
        "threshold": 1.0, "reason": "each level of batch holds one drug", "advice": "none",
    }  # fmt: skip
    caveats = sections.context(replace(data, flags=pd.DataFrame([row])))["caveats"]
    assert "Each level of batch holds one drug." in caveats
    assert not any("(all samples)" in c for c in caveats)
