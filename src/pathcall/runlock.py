"""Remove the locks that a killed Snakemake left, so that a rerun continues.

Snakemake locks its folder with plain files, which outlive a ``kill -9`` or a power cut; the next
run then stops with a LockException. Here every run and every job holds a shared lock of the
operating system on one file for as long as it lives. Who gets that lock for itself alone knows that
no run and no orphaned job of one is alive on this host, so that the locks lying about are nobody's.

A job whose run was killed ends itself within a second: nothing of a dead run goes on writing.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path

logger = logging.getLogger(__name__)

NAME = "pathcall.run"
RUN = "PATHCALL_RUN"
"""Environment variable of the jobs: host and process of their run."""
WAIT_S = 3.0
"""How long a run waits for the jobs of a killed one to end."""
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
    os.environ[RUN] = f"{socket.gethostname()} {os.getpid()}"
    if not _alone(held, wait=any((folder / "locks").glob("*.lock"))):
        fcntl.flock(held, fcntl.LOCK_SH)
        return 0
    removed = _remove_stale(folder, os.pread(held, 1_000, 0).decode(errors="replace").split())
    os.ftruncate(held, 0)
    os.pwrite(held, f"{socket.gethostname()} {os.getpid()}\n".encode(), 0)
    fcntl.flock(held, fcntl.LOCK_SH)
    return removed


def _alone(held: int, *, wait: bool) -> bool:
    """Whether no other run or job is alive; jobs of a killed run are given time to end."""
    until = time.monotonic() + WAIT_S * wait
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.1)


def hold_job(folder: str | Path = ".snakemake") -> None:
    """Mark this process as a job of a run: one that outlives its run is no stale lock's excuse.

    It ends with its run: where that is a process of this host, a thread looks after it.
    """
    host, _, process = os.environ.get(RUN, "").partition(" ")
    # Not seen from the beginning: in a container of its own, where nothing can be said.
    if host == socket.gethostname() and process.isdigit() and not _is_gone(int(process)):
        threading.Thread(target=_end_with, args=(int(process),), daemon=True).start()
    try:
        held = os.open(Path(folder) / NAME, os.O_RDONLY)
    except OSError:
        return
    fcntl.flock(held, fcntl.LOCK_SH)
    _HELD.append(held)


def _is_gone(process: int) -> bool:
    """Whether a process of this host has ended, be it still waited for by its parent."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # no /proc: macOS
        return False
    return state.rpartition(")")[2].split()[0] in ("Z", "X")


def _end_with(process: int) -> None:
    while not _is_gone(process):
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


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
    os.environ.pop(RUN, None)
    while _HELD:
        os.close(_HELD.pop())
