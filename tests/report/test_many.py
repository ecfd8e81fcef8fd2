"""Many samples, genes and contrasts: groups for rows, pictures for cells, counts of some genes."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from pathcall.deseq.fitted import read_model
from pathcall.report import payload, raster, stored
from pathcall.report.data import ReportData
from pathcall.report.sections import leading_edge, quality, sample_scores, set_map, shared_genes
from pathcall.report.sections.running_sums import gene_rankings
from pathcall.report.svg import figure_css
from tests.report_study import Study, variant


@pytest.fixture(scope="module")
def data(study: Study) -> ReportData:
    return study.data()


@pytest.fixture(scope="module")
def three(study: Study, tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    folder = tmp_path_factory.mktemp("many") / "three"
    return variant(study, folder, contrasts=["a", "b", "c"], n_genes=3000).data()


def test_a_stored_model_is_the_fitted_one(study: Study) -> None:
    path = next((study.results / "models").glob("*.h5ad"))
    whole, shown = read_model(path), stored.read_stored_model(path)
    pd.testing.assert_frame_equal(shown.samples, whole.samples, check_names=False)
    for name in ("symbols", "base_mean", "dispersions"):
        pd.testing.assert_series_equal(
            getattr(shown, name), getattr(whole, name), check_names=False, check_index_type=False
        )
    assert (shown.formula, shown.residual_df) == (whole.formula, whole.residual_df)
    genes = list(whole.vst.columns[[700, 3, 41]])
    np.testing.assert_array_equal(shown.vst(genes), whole.vst[genes])


@pytest.mark.parametrize("top", [7, 2**40])
def test_counts_are_read_in_the_bits_they_need(tmp_path: Path, top: int) -> None:
    var = pd.DataFrame({"gene_id": ["g1", "g2"], "symbol": ["A", "B"]}, index=["g1", "g2"])
    values = np.array([[1, 2], [3, top]])
    ad.AnnData(values, pd.DataFrame(index=["s1", "s2"]), var).write_h5ad(tmp_path / "c.h5ad")
    counts, samples, genes = stored.read_counts(tmp_path / "c.h5ad")
    np.testing.assert_array_equal(counts, values)
    assert counts.itemsize == (4 if top == 7 else 8)
    assert samples == ["s1", "s2"]
    assert genes.to_numpy().tolist() == [["g1", "A"], ["g2", "B"]]


def test_a_picture_holds_its_levels_in_the_colours_of_the_page() -> None:
    levels = np.arange(54, dtype=np.uint8).reshape(6, 9) % 9
    raw = base64.b64decode(raster.png_address(levels).partition("base64,")[2])
    width, height, *kind = struct.unpack(">IIBBBBB", raw[16:29])
    assert (width, height, kind) == (9, 6, [8, 3, 0, 0, 0])
    at = raw.index(b"IDAT")
    size = struct.unpack(">I", raw[at - 4 : at])[0]
    rows = np.frombuffer(zlib.decompress(raw[at + 4 : at + 4 + size]), dtype=np.uint8)
    np.testing.assert_array_equal(rows.reshape(6, 10)[:, 1:], levels)
    light = figure_css().partition(":root{")[2].partition("}")[0]
    assert re.findall(r"--s\d:#(\w+)", light) == list(raster.PALETTE)


def test_blocks_are_means_without_what_is_missing() -> None:
    values = np.arange(25.0).reshape(5, 5)
    values[0, 1] = np.nan
    got = raster.block_means(values, 3)
    assert got.shape == (3, 3)
    assert got[0, 0] == pytest.approx((0 + 5 + 6) / 3)
    assert got[2, 2] == 24
    np.testing.assert_array_equal(raster.block_means(values, 5), values)


def test_many_samples_are_shown_by_group(data: ReportData, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [str(f.markup()) for f in (quality.draw_library_sizes(data),
                                     quality.draw_correlation(data))]  # fmt: skip
    monkeypatch.setattr(quality, "MANY", 7)
    monkeypatch.setattr(sample_scores, "MANY", 7)
    monkeypatch.setattr(leading_edge, "MANY", 7)
    library = str(quality.draw_library_sizes(data).markup())
    assert "GSM" in few[0]
    assert "GSM" not in library
    assert "8 samples in 2 groups" in library
    correlation = str(quality.draw_correlation(data).markup())
    assert "<image " not in few[1]
    assert correlation.count('href="data:image/png;base64,') == 1
    assert "GSM" not in correlation
    scores = str(sample_scores.draw_scores(data, "AKT").markup())
    assert "<circle" not in scores
    assert scores.count('class="dots l0"') == 2 * sample_scores.score_rows(data, "AKT")[
        "readout"
    ].nunique()  # fmt: skip
    edge = str(leading_edge.draw_leading_edge(data, "AKT", gene_rankings(data)).markup())
    assert "8 samples, mean of each group" in edge


def test_a_long_table_of_quality_begins_with_what_looks_wrong(
    three: ReportData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "ROWS", 3)
    table = quality.metrics_table(three)
    names = [row.cells[0].text for row in table.rows]
    flagged = set(three.flags["sample"])
    assert names[0] in flagged
    rest = three.metrics[~three.metrics["sample"].isin(flagged)].sort_values(
        "median_correlation", kind="stable"
    )
    assert names[len(flagged) :] == rest["sample"].head(3 - len(flagged)).tolist()
    assert f"3 of {len(three.metrics)}" in table.caption


def test_counts_that_do_not_fit_are_those_of_quiet_genes(
    data: ReportData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "LEAST", 60_000)
    packed = payload.build(data, budget=0)

    def unpack(name: str) -> np.ndarray[Any, Any]:
        raw = zlib.decompress(base64.b64decode(packed.blocks[name]), -15)
        return np.frombuffer(raw, dtype=np.uint8)

    n = packed.meta["counted"]
    assert 0 < n < packed.n_genes
    assert "those of the panel's readouts, then those of smallest p" in packed.note
    assert len(packed.blocks["counts"]) <= 66_000
    places = unpack("counted").reshape(4, n).astype(np.int64)
    places = (places * 256 ** np.arange(4)[:, None]).sum(axis=0)
    names = zlib.decompress(base64.b64decode(packed.blocks["names"]), -15).decode().split("\n")
    symbols = [name.split("\t")[1] if "\t" in name else "" for name in names]
    members = {g for r in data.panel.readouts for g in r.weights}
    held = {symbols[i] for i in places} & members
    assert held == set(symbols) & members or n < len(set(symbols) & members)
    codes = unpack("counts").reshape(packed.meta["width"], n, -1).astype(int)
    codes = (codes * 256 ** np.arange(packed.meta["width"])[:, None, None]).sum(axis=0)
    counts = 2 ** (codes / packed.meta["logSteps"]) - 1
    rows = [data.counts_samples.index(s) for s in packed.meta["samples"]]
    ids = [names[i].split("\t")[0] for i in places]
    columns = pd.Index(data.genes["gene_id"]).get_indexer(ids)
    np.testing.assert_allclose(counts + 1, data.counts[rows][:, columns].T + 1, rtol=0.045)


def test_shared_genes_are_counted_by_pattern(three: ReportData) -> None:
    changes = shared_genes.directions(three)
    up = {c.contrast: i for i, c in enumerate(three.contrasts)}
    de = three.de["b"]
    hit = (de["padj"] < three.alpha) & (de["log2fc"] > 0)
    np.testing.assert_array_equal(changes[:, up["b"]] == 1, hit)
    found = dict(shared_genes.patterns(changes))
    assert sum(found.values()) == int(changes.any(axis=1).sum())
    assert set(found) == {(1, -1, 1), (-1, 1, -1)}  # the contrasts are one, turned in turn
    drawn = str(shared_genes.draw_shared_genes(three).markup())
    assert "up in a, down in b, up in c" in drawn
    assert shared_genes.draw_shared_genes(replace(three, contrasts=three.contrasts[:2])) is None


def test_every_tested_set_is_a_dot_in_every_contrast(three: ReportData) -> None:
    drawn = str(set_map.draw_set_map(three).markup())
    tested = three.enrichment["a"]["nes"].notna().sum()
    assert drawn.count("<circle") == 3 * tested
    row = three.enrichment["a"].dropna(subset=["nes"]).iloc[0]
    radii = [float(r) for r in re.findall(r' r="([\d.]+)"', drawn)]
    assert max(radii) <= 7.5
    assert f"{row['gene_set']}, a: NES " in drawn
    assert set_map.draw_set_map(replace(three, contrasts=three.contrasts[:1])) is None
