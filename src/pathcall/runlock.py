"""Remove the locks that a killed Snakemake left, so that a rerun continues.

Snakemake locks its folder with plain files, which outlive a ``kill -9`` or a power cut; the next
run then stops with a LockException. Here every run and every job holds a shared lock of the
operating system on one file for as long as it lives. Who gets that lock for itself alone knows that
no run and no orphaned job of one is alive on this host, so that the locks lying about are nobody's.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
from pathlib import Path

logger = logging.getLogger(__name__)

NAME = "pathcall.run"
_HELD: list[int] = []


def hold_run(folder: str | Path = ".snakemake") -> int:
    """Mark this process as a run of `folder`'s parent; remove what killed runs left locked.

    Nothing is removed while another run or a job is alive, or where the last run was on another
    host: a lock of the operating system may not reach there.

    Parameters
    ----------
    folder
        Snakemake's own folder.

    Returns
    -------
    int
        Number of stale locks removed.
    """
    if _HELD:  # of this process, in a run of many studies
        return 0
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
        held = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        # A folder that cannot be written: said elsewhere (`pathcall.closing`).
        return 0
    _HELD.append(held)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        fcntl.flock(held, fcntl.LOCK_SH)
        return 0
    removed = _remove_stale(folder, os.pread(held, 1_000, 0).decode(errors="replace").split())
    os.ftruncate(held, 0)
    os.pwrite(held, f"{socket.gethostname()} {os.getpid()}\n".encode(), 0)
    fcntl.flock(held, fcntl.LOCK_SH)
    return removed


def hold_job(folder: str | Path = ".snakemake") -> None:
    """Mark this process as a job of a run: one that outlives its run is no stale lock's excuse."""
    try:
        held = os.open(Path(folder) / NAME, os.O_RDONLY)
    except OSError:
        return
    fcntl.flock(held, fcntl.LOCK_SH)
    _HELD.append(held)


def _remove_stale(folder: Path, last: list[str]) -> int:
    stale = sorted((folder / "locks").glob("*.lock")) if last[:1] == [socket.gethostname()] else []
    for path in stale:
        path.unlink(missing_ok=True)
    if stale:
        logger.warning(
            "%d locks of a run that was killed (process %s) removed", len(stale), last[1]
        )
    return len(stale)


def release_run() -> None:
    """Let go of the lock, as the end of the process does."""
    while _HELD:
        os.close(_HELD.pop())
