"""Whether a file is a whole, sane gzip file, and what it is if not."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pandas as pd

from pathcall.counts.readers import unpacked
from pathcall.counts.text_tables import decode, read_text_table
from pathcall.errors import DamagedError, InputError
from pathcall.geo.pages import html_title

_MAGIC = b"\x1f\x8b"
# Count tables and SOFT files shrink 3- to 100-fold; what expands further is made to fill memory.
MAX_RATIO = 300
_RATIO_FROM = 200_000_000
_FIX = "delete it to download it again; if it comes back, take another source or a mirror"


def read_head(path: Path, where: str, size: int = 1 << 20) -> bytes:
    """First decompressed bytes of a gzip file, after naming what is no gzip file.

    Raises
    ------
    InputError
        An empty file, an HTML page, plain text or other bytes.
    """
    with path.open("rb") as stream:
        raw = stream.read(65_536)
    if not raw:
        raise DamagedError("the file is empty (0 bytes)", where=where, fix=_FIX)
    if not raw.startswith(_MAGIC):
        raise _named(raw, where)
    try:
        with gzip.open(path) as stream:
            head = stream.read(size)
    except EOFError:
        head = _partial(raw)
    except (OSError, zlib.error) as error:
        raise _corrupt(where, error) from error
    title = html_title(head)
    if title is not None:
        raise InputError(
            f"a compressed HTML page (“{title}”) instead of the file", where=where, fix=_FIX
        )
    return head


def verify_gzip(path: Path, where: str, *, max_bytes: int) -> int:
    """Decompress a whole gzip file, keeping nothing: checks CRC and length of every member.

    Returns
    -------
    int
        Decompressed size in bytes.

    Raises
    ------
    DamagedError
        Cut short, or a byte is wrong.
    InputError
        Larger than `max_bytes`, or expanding more than `MAX_RATIO`-fold.
    """
    packed = path.stat().st_size
    size = 0
    try:
        with gzip.open(path) as stream:
            while chunk := stream.read(1 << 20):
                size += len(chunk)
                if size > max_bytes:
                    raise InputError(
                        f"decompressed, it is larger than the limit of {max_bytes / 1e9:g} GB",
                        where=where,
                        fix="raise download.max_decompressed_gb if that is right",
                    )
                if size > _RATIO_FROM and size > MAX_RATIO * packed:
                    raise InputError(
                        f"the file expands more than {MAX_RATIO}-fold, as no table does: "
                        "a gzip bomb",
                        where=where,
                        fix="do not use this server",
                    )
    except EOFError as error:
        raise DamagedError(
            "the file is cut short (its gzip stream has no end)", where=where, fix=_FIX
        ) from error
    except (OSError, zlib.error) as error:
        raise _corrupt(where, error) from error
    return size


def _partial(raw: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(raw, 1 << 20)
    except zlib.error:
        return b""


def _corrupt(where: str, error: Exception) -> DamagedError:
    return DamagedError(f"the gzip file is corrupt ({error})", where=where, fix=_FIX)


def _named(raw: bytes, where: str) -> InputError:
    title = html_title(raw)
    if title is not None:
        return InputError(
            f"an HTML page (“{title}”), as a bot check sends it, instead of a gzip file",
            where=where,
            fix=_FIX,
        )
    start = raw[:40].decode("utf-8", "replace")
    kind = "plain text" if raw[:400].isascii() and b"\0" not in raw[:400] else "other bytes"
    return InputError(f"not a gzip file but {kind}", where=f"{where}, begins {start!r}", fix=_FIX)


def read_gzip_table(path: Path, where: str, *, first: str, as_text: bool = False) -> pd.DataFrame:
    """A compressed, tab-separated table whose first column, the index, has the name `first`.

    Raises
    ------
    InputError
        Damaged, no table, or rows of another length than the header.
    """
    text, _ = decode(unpacked(path.read_bytes(), where), where)
    frame = read_text_table(text, where, as_text=as_text).frame
    if frame.index.name != first:
        raise InputError(
            "the rows have one cell more than the header"
            if first in frame.columns
            else f"the first column is not {first}",
            where=where,
            fix="delete it to download it again; check the mirror",
        )
    return frame
