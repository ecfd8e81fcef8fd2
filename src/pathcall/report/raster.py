"""A large matrix as one embedded picture: its bytes depend on its pixels, not on its rows."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

# Colours s0 … s8 of figure.css on a light page: a picture cannot follow the theme.
PALETTE = (
    "f2f5f8", "dbe6ef", "bfd4e6", "9dbfdb", "78a7cd", "548dbb", "3672a4", "1f5788", "0c3c66",
)  # fmt: skip


def block_means(values: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.float64]:
    """A square matrix with at most `most` rows: means of square blocks; NaN are left out.

    Parameters
    ----------
    values
        ``n × n``.

    Returns
    -------
    numpy.ndarray
        ``m × m`` with m ≤ `most`; the last blocks may be smaller than the others.
    """
    size = -(-len(values) // most)
    starts = np.arange(0, len(values), size)
    known = np.isfinite(values)

    def summed(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        rows = np.add.reduceat(matrix, starts, axis=0)
        return np.asarray(np.add.reduceat(rows, starts, axis=1))

    with np.errstate(invalid="ignore"):
        return summed(np.where(known, values, 0.0)) / summed(known.astype(np.float64))


def png_address(levels: npt.NDArray[np.uint8]) -> str:
    """A ``data:`` address of a PNG, a pixel an entry of `levels` (0 … 8, an index of `PALETTE`)."""
    height, width = levels.shape
    rows = np.column_stack([np.zeros(height, dtype=np.uint8), levels])  # filter type 0 a row
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes.fromhex("".join(PALETTE))),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    made = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    return "data:image/png;base64," + base64.b64encode(made).decode("ascii")
