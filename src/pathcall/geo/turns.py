"""One at a time: a lock over all processes of a user on a machine."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from pathcall.errors import DownloadError
from pathcall.files import storage_errors

LONGEST_WAIT_S = 3600.0


@contextlib.contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Hold the lock for `what` over all processes of this user on this machine.

    Raises
    ------
    DownloadError
        Another process has held it for an hour, or the folder of locks is not the user's own.
    """
    folder = Path(tempfile.gettempdir()) / f"pathcall-{os.getuid()}"
    with storage_errors(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        _check_own(folder)
        name = hashlib.sha256(what.encode()).hexdigest()[:16]
        lock = FileLock(folder / f"{name}.lock")
        try:
            lock.acquire(timeout=LONGEST_WAIT_S)
        except Timeout as error:
            raise DownloadError(
                "another download has been running for an hour",
                where=what,
                fix="wait for it or end it, then run again",
            ) from error
    try:
        yield
    finally:
        lock.release()


def _check_own(folder: Path) -> None:
    """In a shared temporary folder anyone may have made this one first, to hold or redirect it."""
    found = folder.lstat()
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid != os.getuid()
        or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    ):
        raise DownloadError(
            "the folder of locks belongs to someone else, or others may write to it",
            where=str(folder),
            fix="remove it, or set TMPDIR to a folder of your own",
        )
