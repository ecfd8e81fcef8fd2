"""Break a cluster in the midst of the demo, do what docs/slurm.md says, compare every byte.

    sh tools/env.sh dev python tests/slurm/break_cluster.py [--times 3] [CASE …]

Each case is tried while another job of the run is at work. Prints a row a try, and writes
``benchmarks/results/slurm.json``; docs/slurm.md tells what came of it. `slow_files` needs bindfs
(Debian: apt install bindfs) and the right to mount.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from one_node import one_node_slurm
from run_demo_on_slurm import LEFT_BEHIND, RESULTS, ROOT, compare, run_demo

OUT = ROOT / "benchmarks" / "results" / "slurm.json"
COMMAND = [
    sys.executable, "-m", "snakemake", "--configfile", "config/demo.yaml", "--workflow-profile",
    "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2",
]  # fmt: skip
NODE = socket.gethostname().split(".")[0]
TAKES_AT_MOST_S = 600
SEEN_LATE_S = 10
# In a mount namespace of its own the project is seen through FUSE, which keeps what it knows of
# files for some seconds, as NFS does: the login node sees files of a job only after them.
THROUGH_CACHE = [
    "unshare", "--mount", "sh", "-c",
    f"bindfs -o attr_timeout={SEEN_LATE_S},entry_timeout={SEEN_LATE_S},"
    f"negative_timeout={SEEN_LATE_S} . . && "
    'cd "$PWD" && { "$@"; status=$?; cd /; umount --lazy "$OLDPWD"; exit $status; }',
    "sh",
]  # fmt: skip

Break = Callable[["Attempt"], None]


class Attempt:
    """One run of the demo that is to be disturbed."""

    def __init__(self, project: Path, nth: int, restart_controller: Callable[[], None]) -> None:
        self.project = project
        self.nth = nth
        self.restart_controller = restart_controller
        self.before: list[str] = []
        self.more: list[str] = []
        shutil.copytree(ROOT, project, ignore=LEFT_BEHIND, symlinks=True)

    def start(self) -> None:
        """Start snakemake on the login node."""
        with (self.project / "said.txt").open("ab") as said:
            self.process = subprocess.Popen(
                [*self.before, *COMMAND, *self.more], cwd=self.project, stdout=said,
                stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True,
                env=dict(os.environ, PYTHONPATH=str(self.project / "src")),
            )  # fmt: skip

    def running_job(self) -> str:
        """Wait for the n-th job of the run to be at work; return its number."""
        seen: list[str] = []
        end = time.monotonic() + 240
        while time.monotonic() < end and self.process.poll() is None:
            for job in slurm("squeue", "--noheader", "--states=RUNNING", "--format=%i").split():
                if job not in seen:
                    seen.append(job)
                if len(seen) == self.nth:
                    return job
            time.sleep(0.1)
        raise RuntimeError(f"there was no {self.nth}th job")


def slurm(*command: str) -> str:
    """Run a command of SLURM; return what it says."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def cancelled(attempt: Attempt) -> None:
    """`scancel` of a running job."""
    slurm("scancel", attempt.running_job())


def node_down(attempt: Attempt) -> None:
    """The node goes down and comes back after ten seconds."""
    attempt.running_job()
    slurm("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=test")
    time.sleep(10)
    slurm("scontrol", "update", f"NodeName={NODE}", "State=RESUME")


def controller_restarted(attempt: Attempt) -> None:
    """The controller is stopped, and started five seconds later."""
    attempt.running_job()
    attempt.restart_controller()


def snakemake_killed(attempt: Attempt) -> None:
    """`snakemake` is killed (-9) on the login node; the command again."""
    attempt.running_job()
    os.killpg(attempt.process.pid, signal.SIGKILL)


def memory_limit(attempt: Attempt) -> None:
    """A job over its memory limit is ended by SLURM; the profile asks for more."""
    # `more` was set before the start: this only sees that SLURM did end a job.
    attempt.process.wait(TAKES_AT_MOST_S)
    states = slurm("scontrol", "show", "jobs", "--oneliner")
    if not any(state in states for state in ("OUT_OF_MEMORY", "JobState=FAILED", "CANCELLED")):
        raise RuntimeError("no job met its memory limit")


def other_mount(attempt: Attempt) -> None:
    """`results/` on another mount (a tmpfs behind a link)."""


def slow_files(attempt: Attempt) -> None:
    """The login node sees files of the jobs ten seconds late."""


CASES: dict[str, Break] = {
    break_it.__name__: break_it
    for break_it in (
        cancelled, node_down, controller_restarted, snakemake_killed, memory_limit, other_mount,
        slow_files,
    )
}  # fmt: skip
_JOBS = ("assemble_counts", "fit_model_airway", "enrich_model_airway")


def try_case(break_it: Break, folder: Path, nth: int, restart: Callable[[], None],
             local: Path) -> dict[str, Any]:  # fmt: skip
    """One try: its end at once, after the rerun, and whether the bytes are those of the local run.

    `nth`: which of the run's jobs is at work when the cluster breaks.
    """
    attempt = Attempt(folder / f"{break_it.__name__}_{nth}", nth, restart)
    if break_it is memory_limit:
        attempt.more = ["--set-resources", f"{_JOBS[nth % 3]}:mem_mb=150 * attempt ** 3"]
    if break_it is slow_files:
        attempt.before = THROUGH_CACHE
    mount = Path("/dev/shm") / f"pathcall-{os.getpid()}-{nth}"
    if break_it is other_mount:
        mount.mkdir()
        shutil.rmtree(attempt.project / "results", ignore_errors=True)
        (attempt.project / "results").symlink_to(mount)
    row: dict[str, Any] = {
        "case": break_it.__name__, "job": nth, "status": None, "status_of_rerun": None,
        "same_bytes": False, "why": "",
    }  # fmt: skip
    started = time.monotonic()
    try:
        attempt.start()
        break_it(attempt)
        row["status"] = attempt.process.wait(TAKES_AT_MOST_S)
        if row["status"]:
            # Jobs that a killed snakemake left behind are waited for or cancelled (docs/slurm.md).
            cancel_all()
            attempt.start()
            row["status_of_rerun"] = attempt.process.wait(TAKES_AT_MOST_S)
        row["same_bytes"] = bool(compare(local, attempt.project / RESULTS, whole=True))
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        row["why"] = str(error)[:400].replace(str(folder), "")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(attempt.process.pid, signal.SIGKILL)
        cancel_all()
    finally:
        shutil.rmtree(mount, ignore_errors=True)
    return row | {"wall_s": round(time.monotonic() - started)}


def cancel_all() -> None:
    """Cancel every job and wait until none is left."""
    slurm("scancel", "--user=root")
    end = time.monotonic() + 120
    while slurm("squeue", "--noheader").strip() and time.monotonic() < end:
        time.sleep(0.5)


def main() -> None:
    """Try every case, write what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="CASE")
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    known = json.loads(OUT.read_text()) if OUT.exists() else []
    rows = [row for row in known if row["case"] not in given.cases]
    folder = Path(tempfile.mkdtemp(prefix="pathcall-slurm-"))
    try:
        with one_node_slurm(folder / "slurm") as restart:
            local = run_demo(folder / "local", "--cores", "2", "--workflow-profile", "none")
            for i in range(given.times):
                for case in given.cases:
                    rows.append(try_case(CASES[case], folder, 1 + 3 * i, restart, local))
                    print(rows[-1], flush=True)
                    OUT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
