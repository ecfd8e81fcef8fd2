"""Small things that every file of the download layer needs. Imports the standard library only."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pathcall.errors import DownloadError

_CHUNK = 1 << 20
_STORAGE = {
    errno.ENOSPC: ("the disk is full", "free space there, then run again"),
    errno.EDQUOT: ("the disk quota is used up", "free space there, then run again"),
    errno.EFBIG: ("the file is larger than the limit of this process", "raise `ulimit -f`"),
    errno.EROFS: (
        "the file system is read-only",
        "run in a folder that can be written, or put the verified files there first",
    ),
    errno.EACCES: ("no permission to write", "give write permission there, then run again"),
    errno.EPERM: ("no permission to write", "give write permission there, then run again"),
}


@contextmanager
def storage_errors(path: str | Path) -> Iterator[None]:
    """Turn a full, read-only or forbidden disk into one clear error that names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _STORAGE:
            raise
        what, fix = _STORAGE[error.errno]
        raise DownloadError(what, where=str(path), fix=fix) from error


def sha256_of(path: str | Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a file."""
    digest = hashlib.sha256()
    size = 0
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def sync(path: str | Path) -> None:
    """Have the bytes of `path` on the disk before it gets its final name."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(text: str, path: str | Path) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    path = Path(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
