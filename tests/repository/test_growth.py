"""The studies that growth is measured on, and the page about them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from benchmarks.growth import AXES
from benchmarks.growth_study import Size, of_genes
from benchmarks.scaling_page import write_scaling_page

from pathcall.calls.simulation import made_up_source
from pathcall.signatures.panel import load_panel
from tests.calls_data import PANEL


@pytest.mark.parametrize("size", [Size(300, 40_000, 20), Size(121, 40_000, 10, 3)])
def test_every_contrast_has_its_groups(size: Size) -> None:
    cells = Counter(size.cells())
    assert sum(cells.values()) == size.samples
    asked = list(size.asked())
    assert len({name for name, *_ in asked}) == size.contrasts
    for _, line, drug in asked:
        sides = cells[line, drug], cells[line, "drug00"]
        assert min(sides) >= 2
        assert max(sides) - min(sides) <= 1


def test_a_size_without_replicates_is_refused() -> None:
    with pytest.raises(ValueError, match="two samples a group"):
        Size(20, 1_000, 20)


def test_there_are_as_many_genes_as_asked_for() -> None:
    source = made_up_source(load_panel(PANEL), seed=1, n_genes=500)
    made = of_genes(source, 700, 1)
    assert len(made.symbols) == len(set(made.symbols)) == len(made.base_mean) == 700
    assert made.symbols[:500] == source.symbols


def test_the_page_gives_slopes_of_what_was_measured(tmp_path: Path) -> None:
    results, docs = tmp_path / "results", tmp_path / "docs"
    results.mkdir()
    docs.mkdir()
    studies = [
        {"samples": n, "genes": 40_000, "contrasts": 20, "models": 1, "cores": 2, "commit": "x",
         "wall_s": n, "cpu_s": n**1.5, "peak_mb": 10 * n, "page_mb": n / 20, "results_mb": n,
         "rules": {"fit_model": {"cpu_s": 2 * n, "peak_mb": n}}}
        for n in (100, 300)
    ]  # fmt: skip
    machine = {"cpu": "a", "cores": 2, "python": "3", "commit": "x"}
    (results / "growth.json").write_text(json.dumps({"machine": machine, "studies": studies}))
    write_scaling_page(results, AXES, docs)
    text = (docs / "scaling.md").read_text()
    assert "| samples | 100, 300 | 1.50 | 1.50 | 1.00 | 1.00 |" in text
    assert "300 samples × 40,000 genes × 20 contrasts: 5.0 min on 2 cores (target ≤ 8)" in text
    assert "| `fit_model` | 200.0, 100 | 600.0, 300 | 1.00 |" in text
    assert (docs / "figures/growth.svg").is_file()
