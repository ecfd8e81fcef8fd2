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
from pathcall.report.view import integer

_log = logging.getLogger(__name__)

MISSING = 0xFFFF
LFC_SCALE, SE_SCALE = 100, 200
NOTE = (
    "In this part log2 fold changes are rounded to 0.01, standard errors to 0.005, and p-values "
    "and FDR to about two significant digits; the tables beside this file hold full precision."
)
BUDGET = 3_000_000  # bytes of all blocks; beyond it, counts give up precision first
LEAST = 1_000_000  # bytes for counts, whatever statistics take: where counts of all do not fit
SAMPLED = 16  # of so many genes one is packed to see how large all would be
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
    def note(self) -> str:
        """How many genes there are, what is rounded, and which are left out."""
        return (
            f"{integer(self.n_genes)} genes ({self.counts_note}: {integer(self.n_dropped)}). {NOTE}"
        )

    @property
    def size(self) -> int:
        """Bytes of all blocks."""
        return _size(self.blocks)


def pack(data: bytes) -> str:
    """Deflate (raw) and base64."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 9)
    return base64.b64encode(packer.compress(data) + packer.flush()).decode("ascii")


def planes(values: npt.NDArray[Any], width: int) -> bytes:
    """Pack non-negative integers as byte planes: all lowest bytes, then all second bytes, …."""
    kind = np.dtype(f"<u{1 << max(0, width - 1).bit_length()}")  # 1, 2, 4 or 8 bytes
    flat = np.ascontiguousarray(values).astype(kind).ravel()
    return b"".join(flat.view(np.uint8)[k :: kind.itemsize].tobytes() for k in range(width))


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
        Bytes of all blocks, `BUDGET` if not given. The richest form that fits is taken. Where none
        does, statistics of all expressed genes stay, and counts are those of the genes that matter
        most (`by_interest`), as many as there is room for: at least `LEAST` bytes.
    """
    budget = BUDGET if budget is None else budget
    included = set(data.samples.loc[data.samples["included"] == "yes", "sample"])
    columns = [i for i, name in enumerate(data.counts_samples) if name in included]
    counts = data.counts if len(columns) == len(data.counts) else data.counts[columns]
    total = counts.sum(axis=0)
    fitted = np.zeros(counts.shape[1], dtype=bool)
    for frame in data.de.values():
        fitted |= frame["stat"].notna().to_numpy()
    expressed = np.zeros(counts.shape[1], dtype=bool)
    for model in data.models.values():
        expressed |= data.genes["gene_id"].isin(model.base_mean.index).to_numpy()
    few = "genes with fewer than 10 counts in all are left out"
    silent = "genes that no model counts as expressed are left out"
    stages = [
        (total > 0, None, "genes without a count are left out"),
        ((total >= 10) | fitted, None, few),
        ((total >= 10) | fitted, FINE, few),
        (expressed, FINE, silent),
        (expressed, COARSE, silent),
    ]
    lines = _Lines(data)
    made: dict[bytes, dict[str, str]] = {}  # what stages with the same genes share
    for stage in stages:
        keep, rounding, left_out = stage
        steps = rounding[0] if rounding else 0
        some = np.flatnonzero(keep)[::SAMPLED]
        guess = _size(lines.packed(some)) + len(_counts(counts[:, some], steps)[0])
        if SAMPLED * guess > 1.1 * budget:
            continue
        shared = made.setdefault(keep.tobytes(), {}) or lines.packed(keep)
        made[keep.tobytes()] = shared
        block, width = _counts(counts[:, keep], steps)
        counted = int(keep.sum())
        if _size(shared) + len(block) <= budget:
            break
    else:
        shared = made.get(keep.tobytes()) or lines.packed(keep)
        order = by_interest(data, keep)
        kept = counts[:, keep]
        counted = _fitting(kept[:, order], steps, max(LEAST, budget - _size(shared)))
        if counted < len(order):
            kept = kept[:, order[:counted]]
            shared = {**shared, "counted": pack(planes(order[:counted], 4))}
        block, width = _counts(kept, steps)
    blocks = {**shared, "counts": block}
    n_genes = int(keep.sum())
    meta = {
        "genes": n_genes,
        "counted": counted,
        "width": width,
        "logSteps": steps,
        "lfcScale": LFC_SCALE,
        "seScale": SE_SCALE,
        "missing": MISSING,
        "samples": [data.counts_samples[i] for i in columns],
    }
    note = f"counts are rounded to within {rounding[1]}" if rounding else "counts are exact"
    if counted < n_genes:
        note += (
            f", and here for {integer(counted)} genes: those of the panel's readouts, then those "
            "of smallest p"
        )
    _log.info("packed %d genes (%s; %s)", n_genes, note, left_out)
    return Payload(
        blocks=blocks,
        meta=meta,
        n_genes=n_genes,
        n_dropped=int(counts.shape[1] - n_genes),
        counts_note=f"{note}; {left_out}",
    )


def by_interest(data: ReportData, keep: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Order of the genes in `keep`: those of the panel's readouts, then by smallest p anywhere."""
    members = {gene for r in data.panel.readouts for gene in r.weights}
    held = data.genes.loc[keep, "symbol"].isin(members).to_numpy()
    best = np.full(int(keep.sum()), np.inf)
    for frame in data.de.values():
        best = np.fmin(best, _column(frame.loc[keep], "pvalue"))
    return np.lexsort((best, ~held))


def _fitting(counts: npt.NDArray[np.integer[Any]], steps: int, room: int) -> int:
    """How many of the genes (columns) fit into `room` bytes, to a thousand."""
    n = int(counts.shape[1])
    for start in range(0, n, 1000):
        room -= len(_counts(counts[:, start : start + 1000], steps)[0])
        if room < 0:
            return start
    return n


def _size(blocks: Mapping[str, str]) -> int:
    return sum(len(block) for block in blocks.values())


def gene_names(data: ReportData) -> list[str]:
    """A line a gene of the matrix: id, symbol, Entrez id, aliases (``|``), readouts that hold it.

    Readouts are numbered from 1 in the panel's order among those of the called pathways, negative
    where the gene goes against the pathway. Entrez ids and aliases are those of the panel's gene
    table, found by Ensembl id, else by Entrez id, else by symbol.
    """
    known = data.panel.gene_ids
    by_key: dict[str, tuple[str, str]] = {}
    facts = list(zip(known["entrez_id"], known["aliases"], strict=True))
    for key in ("symbol", "entrez_id", "ensembl_gene_id"):  # the surest last: it overwrites
        by_key.update(zip(known[key], facts, strict=True))
    by_key.pop("", None)
    held: dict[str, list[str]] = {}
    readouts = [r for r in data.panel.readouts if r.pathway in data.pathways]
    for i, readout in enumerate(readouts, start=1):
        for symbol, weight in readout.weights.items():
            sign = "" if weight * readout.expected_direction > 0 else "-"
            held.setdefault(symbol, []).append(f"{sign}{i}")
    rows = []
    for gene, symbol in zip(data.genes["gene_id"], data.genes["symbol"], strict=True):
        entrez, aliases = by_key.get(gene.split(".")[0]) or by_key.get(symbol, ("", ""))
        shown = "" if symbol == gene else symbol
        cells = [gene, shown, entrez, aliases, ",".join(held.get(symbol, []))]
        rows.append("\t".join(cells).rstrip("\t"))
    return rows


class _Lines:
    """Names of all genes, each contrast's statistics and each model's means, ready to be packed."""

    def __init__(self, data: ReportData) -> None:
        self.names = gene_names(data)
        self.codes = {f"de-{c.contrast}": _statistics(data.de[c.contrast]) for c in data.contrasts}
        for model in data.models:
            frame = data.de[next(c.contrast for c in data.contrasts if c.model == model)]
            mean = np.log10(np.maximum(_column(frame, "base_mean"), 1e-3)) + 3
            self.codes[f"mean-{model}"] = [quantise(mean, 200, signed=False)]

    def packed(self, keep: npt.NDArray[Any]) -> dict[str, str]:
        """Blocks of the genes in `keep`."""
        rows = np.arange(len(self.names))[keep].tolist()
        return {
            "names": pack("\n".join([self.names[i] for i in rows]).encode()),
            **{
                name: pack(b"".join(planes(values[keep], 2) for values in codes))
                for name, codes in self.codes.items()
            },
        }


def _statistics(frame: pd.DataFrame) -> list[npt.NDArray[np.uint16]]:
    return [
        quantise(_column(frame, "log2fc"), LFC_SCALE, signed=True),
        quantise(_column(frame, "lfc_se"), SE_SCALE, signed=False),
        log_codes(_column(frame, "pvalue")),
        log_codes(_column(frame, "padj")),
    ]


def _column(frame: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    return np.asarray(frame[name], dtype=np.float64)


def _counts(counts: npt.NDArray[np.integer[Any]], steps: int) -> tuple[str, int]:
    """Gene-major byte planes: a gene's samples lie together, and are alike.

    As they are, or (`steps` > 0) as logarithms with so many steps a doubling.
    """
    if steps:
        counts = np.rint(np.log2(counts + 1.0) * steps).astype(np.int64)
    top = int(counts.max()) if counts.size else 0
    width = max(1, (top.bit_length() + 7) // 8)
    return pack(planes(counts.T, width)), width
