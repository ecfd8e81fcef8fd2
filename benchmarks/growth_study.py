"""A simulated study of any size, as files: counts, sheet, contrasts, config.

Counts come from the simulator of the calibration (`pathcall.calls.simulation`): negative binomial,
three latent factors, the genes of the panel first. Every gene is expressed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from benchmarks.data import ROOT
from pathcall.calls.simulation import Source, made_up_source, planted_effects, simulate_counts
from pathcall.signatures.panel import Panel, load_panel

PLANTED = (("MAPK", -1.0), ("NFKB_CANONICAL", 1.0), ("AKT", 0.5), ("FRA1_AP1", -0.5))
GROUPS = 5
"""Contrasts are dealt to this many questions, which are combined."""


@dataclass(frozen=True)
class Size:
    """Samples × genes × contrasts × models of a study; samples and contrasts over all models."""

    samples: int
    genes: int
    contrasts: int
    models: int = 1

    def __post_init__(self) -> None:
        if self.contrasts < self.models or self.samples < 2 * (self.contrasts + self.models):
            raise ValueError(f"{self}: a contrast a model, and two samples a group, are needed")

    @property
    def study(self) -> str:
        """Name of the study."""
        return f"S{self.samples}G{self.genes}C{self.contrasts}K{self.models}"

    def cells(self) -> list[tuple[str, str]]:
        """Line (one a model) and drug of each sample: groups of equal size, one a control."""
        lines = [f"line{k + 1}" for k in range(self.models)]
        out = []
        for k, line in enumerate(lines):
            n = self.samples // self.models + (k < self.samples % self.models)
            levels = self._contrasts_of(k) + 1
            out += [(line, f"drug{i % levels:02d}") for i in range(n)]
        return out

    def asked(self) -> Iterator[tuple[str, str, str]]:
        """Contrast, line and drug; each drug against drug00."""
        for k in range(self.models):
            for i in range(1, self._contrasts_of(k) + 1):
                yield f"line{k + 1}_drug{i:02d}", f"line{k + 1}", f"drug{i:02d}"

    def _contrasts_of(self, k: int) -> int:
        return self.contrasts // self.models + (k < self.contrasts % self.models)


def write_growth_study(folder: Path, size: Size, *, seed: int = 1) -> Path:
    """Write the files of a study into `folder`; returns its config."""
    folder.mkdir(parents=True, exist_ok=True)
    panel = load_panel(str(ROOT / "resources" / "panel"))
    source = of_genes(made_up_source(panel, seed=seed, n_genes=size.genes), size.genes, seed)
    cells = size.cells()
    names = [f"S{i + 1:04d}" for i in range(len(cells))]
    counts = _counts(source, panel, cells, seed)
    frame = pd.DataFrame(counts.T, index=pd.Index(source.symbols, name="gene"), columns=names)
    frame.to_csv(folder / "counts.tsv", sep="\t")
    _rows(
        folder / "samples.tsv",
        "sample line drug",
        [(n, *c) for n, c in zip(names, cells, strict=True)],
    )
    head = "contrast model test reference subtract group expected description"
    rows = [
        (name, line, f"drug={drug}", "drug=drug00", "", f"question{i % GROUPS}", "", "simulated")
        for i, (name, line, drug) in enumerate(size.asked())
    ]
    _rows(folder / "contrasts.tsv", head, rows)
    config = {
        "study": size.study,
        "samples": "samples.tsv",
        "contrasts": "contrasts.tsv",
        "counts": {"source": "file", "file": "counts.tsv", "gene_id": "symbol"},
        "models": {
            line: {"samples": {"line": [line]}, "design": "~ drug"}
            for line in dict.fromkeys(line for line, _ in cells)
        },
        "offline": True,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path


def of_genes(source: Source, genes: int, seed: int) -> Source:
    """The source with exactly `genes` genes: further ones are copies under made-up symbols."""
    have = len(source.symbols)
    if have >= genes:
        return source
    again = np.random.default_rng([seed, 7]).integers(have, size=genes - have)
    at = np.concatenate([np.arange(have), again])
    made_up = [f"SIM{i}" for i in range(genes - have)]
    return replace(
        source, symbols=(*source.symbols, *made_up), base_mean=source.base_mean[at],
        dispersion=source.dispersion[at], loadings=source.loadings[at],
    )  # fmt: skip


def _counts(
    source: Source, panel: Panel, cells: list[tuple[str, str]], seed: int
) -> np.typing.NDArray[np.int32]:
    """Counts, ``samples × genes``, by cell to bound memory; every second drug does something."""
    rng = np.random.default_rng([seed, 1])
    effects = [
        planted_effects(panel, source.symbols, pathway, strength, rng=rng)
        for pathway, strength in PLANTED
    ]
    depth = np.exp(rng.normal(0, 0.2, len(cells)))
    counts = np.empty((len(cells), len(source.symbols)), dtype=np.int32)
    for cell in dict.fromkeys(cells):
        at = np.flatnonzero([c == cell for c in cells])
        drug = int(cell[1].removeprefix("drug"))
        effect = effects[drug // 2 % len(effects)] if drug % 2 else None
        rows = None if effect is None else np.broadcast_to(effect, (len(at), len(effect)))
        counts[at] = simulate_counts(source, depth[at], rows, rng=rng)
    return counts


def _rows(path: Path, head: str, rows: list[tuple[str, ...]]) -> None:
    lines = ["\t".join(head.split()), *("\t".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
