"""Remove the locks that a killed Snakemake left, so that a rerun continues.

Snakemake locks its folder with plain files, which outlive a ``kill -9`` or a power cut; the next
run then stops with a LockException. Here the main process of a run holds a lock of the operating
system, which ends with the process however it ends. Who gets it on the same host knows that the
locks lying about are nobody's.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
from pathlib import Path
from typing import TextIO

logger = logging.getLogger(__name__)

_HELD: list[TextIO] = []


def hold_run(folder: str | Path = ".snakemake") -> int:
    """Mark this process as the run of `folder`'s parent; remove what a killed run left locked.

    Nothing is removed while another run is alive, or where the last one was on another host: a lock
    of the operating system may not reach there.

    Parameters
    ----------
    folder
        Snakemake's own folder.

    Returns
    -------
    int
        Number of stale locks removed.
    """
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
        stream = (folder / "pathcall.run").open("a+", encoding="utf-8")
    except OSError:
        # A folder that cannot be written: Snakemake says so itself.
        return 0
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        return 0
    _HELD.append(stream)
    stream.seek(0)
    last = stream.read().split()
    host = socket.gethostname()
    stale = sorted((folder / "locks").glob("*.lock")) if last[:1] == [host] else []
    for path in stale:
        path.unlink(missing_ok=True)
    if stale:
        logger.warning(
            "%d locks of a run that was killed (process %s) removed", len(stale), last[1]
        )
    stream.truncate(0)
    stream.write(f"{host} {os.getpid()}\n")
    stream.flush()
    return len(stale)


def release_run() -> None:
    """Let go of the lock, as the end of the process does."""
    while _HELD:
        _HELD.pop().close()
