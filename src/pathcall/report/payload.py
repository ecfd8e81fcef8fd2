"""What the page's script searches: every gene's counts and its line in every contrast, packed.

Numbers go into byte planes (all low bytes, then all high bytes), which deflate packs well, and the
result into base64. Counts are exact as long as they fit the budget; statistics are rounded as
stated (`NOTE`), the exact ones are in the tables beside the report.
"""

from __future__ import annotations

import base64
import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.report.data import ReportData

_log = logging.getLogger(__name__)

MISSING = 0xFFFF
LFC_SCALE, SE_SCALE = 100, 200
NOTE = (
    "In this part log2 fold changes are rounded to 0.01, standard errors to 0.005, and p-values "
    "and FDR to about two significant digits; the tables beside this file hold full precision."
)
BUDGET = 3_000_000  # bytes of all blocks; beyond it, counts give up precision first
# Steps per doubling, where counts are kept as logarithms, and how far that rounds them.
FINE, COARSE = (16, "2.2%"), (8, "4.5%")


@dataclass(frozen=True)
class Payload:
    """Blocks of base64 by name, and what the script needs to read them."""

    blocks: Mapping[str, str] = field(repr=False)
    meta: Mapping[str, Any] = field(repr=False)
    n_genes: int
    n_dropped: int
    counts_note: str

    @property
    def size(self) -> int:
        """Bytes of all blocks."""
        return sum(len(block) for block in self.blocks.values())


def pack(data: bytes) -> str:
    """Deflate (raw) and base64."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 9)
    return base64.b64encode(packer.compress(data) + packer.flush()).decode("ascii")


def planes(values: npt.NDArray[Any], width: int) -> bytes:
    """Pack non-negative integers as byte planes: all lowest bytes, then all second bytes, …."""
    flat = np.ascontiguousarray(values).astype(np.uint64).ravel()
    return b"".join(
        ((flat >> np.uint64(8 * k)) & np.uint64(255)).astype(np.uint8).tobytes()
        for k in range(width)
    )


def quantise(
    values: npt.NDArray[np.float64], scale: float, *, signed: bool
) -> npt.NDArray[np.uint16]:
    """Values × `scale` as 16-bit codes; `MISSING` for not finite; signed ones zig-zag coded.

    Zig-zag (0, −1, 1, −2, 2 …) keeps the high byte of small values zero, whatever their sign.
    """
    ok = np.isfinite(values)
    rounded = np.rint(np.where(ok, values, 0) * scale).astype(np.int64)
    if signed:
        rounded = np.where(rounded < 0, -2 * rounded - 1, 2 * rounded)
    return np.where(ok, np.clip(rounded, 0, MISSING - 1), MISSING).astype(np.uint16)


def log_codes(p: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
    """−log10 of p in hundredths."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return quantise(-np.log10(np.maximum(p, 5e-324)), 100, signed=False)


def build(data: ReportData, *, budget: int | None = None) -> Payload:
    """Pack all genes with at least one count; with less precision where they are many.

    Parameters
    ----------
    data
        What the report shows.
    budget
        Bytes of all blocks, `BUDGET` if not given. The richest form that fits is taken, else the
        smallest there is.
    """
    budget = BUDGET if budget is None else budget
    included = set(data.samples.loc[data.samples["included"] == "yes", "sample"])
    columns = [i for i, name in enumerate(data.counts_samples) if name in included]
    counts = data.counts[columns]
    total = counts.sum(axis=0)
    fitted = np.zeros(counts.shape[1], dtype=bool)
    for frame in data.de.values():
        fitted |= frame["stat"].notna().to_numpy()
    expressed = np.zeros(counts.shape[1], dtype=bool)
    for model in data.models.values():
        expressed |= data.genes["gene_id"].isin(model.counts.columns).to_numpy()
    few = "genes with fewer than 10 counts in all are left out"
    silent = "genes that no model counts as expressed are left out"
    stages = [
        (total > 0, None, "genes without a count are left out"),
        ((total >= 10) | fitted, None, few),
        ((total >= 10) | fitted, FINE, few),
        (expressed, FINE, silent),
        (expressed, COARSE, silent),
    ]
    packed: dict[bytes, dict[str, str]] = {}  # what stages with the same genes share
    for stage in stages:
        keep, rounding, left_out = stage
        shared = packed.setdefault(keep.tobytes(), {}) or _lines(data, keep)
        packed[keep.tobytes()] = shared
        kept, steps = counts[:, keep], rounding[0] if rounding else 0
        if steps:
            kept = np.rint(np.log2(kept + 1.0) * steps).astype(np.int64)
        block, width = _counts(kept)
        blocks = {**shared, "counts": block}
        if sum(len(block) for block in blocks.values()) <= budget:
            break
    n_genes = int(keep.sum())
    meta = {
        "genes": n_genes,
        "width": width,
        "logSteps": steps,
        "lfcScale": LFC_SCALE,
        "seScale": SE_SCALE,
        "missing": MISSING,
        "samples": [data.counts_samples[i] for i in columns],
    }
    note = f"counts are rounded to within {rounding[1]}" if rounding else "counts are exact"
    _log.info("packed %d genes (%s; %s)", n_genes, note, left_out)
    return Payload(
        blocks=blocks,
        meta=meta,
        n_genes=n_genes,
        n_dropped=int(counts.shape[1] - n_genes),
        counts_note=f"{note}; {left_out}",
    )


def gene_names(data: ReportData, keep: npt.NDArray[np.bool_]) -> str:
    """A line a gene: id, symbol, Entrez id, aliases (``|``), readouts that hold it.

    Readouts are numbered from 1 in the panel's order among those of the called pathways, negative
    where the gene goes against the pathway. Entrez ids and aliases are those of the panel's gene
    table, found by Ensembl id, else by Entrez id, else by symbol.
    """
    known = data.panel.gene_ids
    by_key: dict[str, tuple[str, str]] = {}
    for key in ("symbol", "entrez_id", "ensembl_gene_id"):  # the surest last: it overwrites
        facts = zip(known["entrez_id"], known["aliases"], strict=True)
        by_key |= {k: v for k, v in zip(known[key], facts, strict=True) if k}
    held: dict[str, list[str]] = {}
    readouts = [r for r in data.panel.readouts if r.pathway in data.pathways]
    for i, readout in enumerate(readouts, start=1):
        for symbol, weight in readout.weights.items():
            sign = "" if weight * readout.expected_direction > 0 else "-"
            held.setdefault(symbol, []).append(f"{sign}{i}")
    rows = []
    for gene, symbol in data.genes.loc[keep, ["gene_id", "symbol"]].itertuples(index=False):
        entrez, aliases = by_key.get(gene.split(".")[0]) or by_key.get(symbol, ("", ""))
        shown = "" if symbol == gene else symbol
        cells = [gene, shown, entrez, aliases, ",".join(held.get(symbol, []))]
        rows.append("\t".join(cells).rstrip("\t"))
    return "\n".join(rows)


def _lines(data: ReportData, keep: npt.NDArray[np.bool_]) -> dict[str, str]:
    """Blocks of the genes in `keep`: names, each contrast's statistics, each model's means."""
    blocks = {"names": pack(gene_names(data, keep).encode())}
    for c in data.contrasts:
        part = data.de[c.contrast].loc[keep]
        body = [
            planes(quantise(_column(part, "log2fc"), LFC_SCALE, signed=True), 2),
            planes(quantise(_column(part, "lfc_se"), SE_SCALE, signed=False), 2),
            planes(log_codes(_column(part, "pvalue")), 2),
            planes(log_codes(_column(part, "padj")), 2),
        ]
        blocks[f"de-{c.contrast}"] = pack(b"".join(body))
    for model in data.models:
        frame = data.de[next(c.contrast for c in data.contrasts if c.model == model)]
        mean = _column(frame.loc[keep], "base_mean")
        codes = quantise(np.log10(np.maximum(mean, 1e-3)) + 3, 200, signed=False)
        blocks[f"mean-{model}"] = pack(planes(codes, 2))
    return blocks


def _column(frame: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    return np.asarray(frame[name], dtype=np.float64)


def _counts(counts: npt.NDArray[np.int64]) -> tuple[str, int]:
    """Gene-major byte planes: a gene's samples lie together, and are alike."""
    top = int(counts.max()) if counts.size else 0
    width = max(1, (top.bit_length() + 7) // 8)
    return pack(planes(counts.T, width)), width
