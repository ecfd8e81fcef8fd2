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
NOTE = (
    "In this page log2 fold changes and standard errors are rounded to 0.001, and p-values and FDR "
    "to about two significant digits; the tables beside it hold full precision."
)
BUDGET = 2_300_000  # bytes of base64 for counts


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
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
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


def significant(counts: npt.NDArray[np.int64], digits: int = 3) -> npt.NDArray[np.int64]:
    """Counts rounded to `digits` significant digits."""
    size = np.maximum(counts, 1)
    step = 10 ** np.maximum(0, np.floor(np.log10(size)).astype(np.int64) - (digits - 1))
    rounded: npt.NDArray[np.int64] = np.rint(counts / step).astype(np.int64) * step
    return rounded


def build(data: ReportData) -> Payload:
    """Pack all genes with at least one count."""
    included = set(data.samples.loc[data.samples["included"] == "yes", "sample"])
    columns = [i for i, name in enumerate(data.counts_samples) if name in included]
    counts = data.counts[columns]
    keep = counts.sum(axis=0) > 0
    note = "counts are exact"
    packed = _counts(counts[:, keep])
    if len(packed[0]) > BUDGET:
        packed = _counts(significant(counts[:, keep]))
        note = "counts are rounded to three significant digits"
    if len(packed[0]) > BUDGET:
        tested = np.zeros(counts.shape[1], dtype=bool)
        for frame in data.de.values():
            tested |= frame["stat"].notna().to_numpy()
        keep &= tested
        packed = _counts(significant(counts[:, keep]))
        note += "; genes that no contrast tests are left out"
    block, width = packed
    n_genes = int(keep.sum())
    ids = data.genes.loc[keep, "gene_id"].tolist()
    symbols = data.genes.loc[keep, "symbol"].tolist()
    names = "\n".join(
        g if s == g or not s else f"{g}\t{s}" for g, s in zip(ids, symbols, strict=True)
    )
    blocks = {"names": pack(names.encode()), "counts": block}
    for c in data.contrasts:
        frame = data.de[c.contrast]
        part = frame.loc[keep]
        body = [
            planes(quantise(_column(part, "log2fc"), 1000, signed=True), 2),
            planes(quantise(_column(part, "lfc_se"), 1000, signed=False), 2),
            planes(log_codes(_column(part, "pvalue")), 2),
            planes(log_codes(_column(part, "padj")), 2),
        ]
        blocks[f"de-{c.contrast}"] = pack(b"".join(body))
    for model in data.models:
        frame = data.de[next(c.contrast for c in data.contrasts if c.model == model)]
        mean = frame.loc[keep, "base_mean"].to_numpy(dtype=float)
        codes = quantise(np.log10(np.maximum(mean, 1e-3)) + 3, 5000, signed=False)
        blocks[f"mean-{model}"] = pack(planes(codes, 2))
    _log.info("packed %d genes (%s)", n_genes, note)
    return Payload(
        blocks=blocks,
        meta={
            "genes": n_genes,
            "width": width,
            "missing": MISSING,
            "samples": [data.counts_samples[i] for i in columns],
        },
        n_genes=n_genes,
        n_dropped=int(counts.shape[1] - n_genes),
        counts_note=note,
    )


def _column(frame: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    return np.asarray(frame[name], dtype=np.float64)


def _counts(counts: npt.NDArray[np.int64]) -> tuple[str, int]:
    """Gene-major byte planes: a gene's samples lie together, and are alike."""
    top = int(counts.max()) if counts.size else 0
    width = max(1, (top.bit_length() + 7) // 8)
    return pack(planes(counts.T, width)), width
