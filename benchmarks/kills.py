"""Kill runs of the workflow with SIGKILL at random moments; cut their disk, inodes and memory.

Used by `benchmarks.faults`. A run killed is started again in the same folder: its results must be
those of a run that nothing happened to, byte for byte, and within seconds of the kill no process of
it may be left.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
from tests.faults import mounted
from tests.fly_study import write_fly_study
from tests.project import Project

RESULTS = "results/heat"
GONE_WITHIN_S = 5.0


def study(folder: Path) -> Project:
    """A small simulated study without pathways: fetched, assembled, fitted, enriched, reported."""
    project = Project.copy(folder)
    write_fly_study(folder / "own")
    return project


def start(project: Project, *, limit: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """Start a run in a process group of its own."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--configfile",
        "own/config.yaml",
        "--cores",
        "2",
    ]
    return subprocess.Popen(
        command, cwd=project.folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True, preexec_fn=limit,
    )  # fmt: skip


def of_run(project: Project) -> list[psutil.Process]:
    """Processes that work in the folder of a run."""
    found = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and Path(process.cwd()) == project.folder.resolve():
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def jobs_of(processes: list[psutil.Process]) -> list[str]:
    """Names of the rules whose scripts run."""
    named = set()
    for process in processes:
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        named |= {
            word.rsplit(".", 2)[1] if word.count(".") > 1 else word
            for word in words
            if word.endswith(".py") and "/scripts/" in word
        }
    return sorted(name.rsplit("/", 1)[-1] for name in named)


def clean(project: Project) -> None:
    """As if nothing had run."""
    for name in ("results", ".snakemake"):
        shutil.rmtree(project.folder / name, ignore_errors=True)


def kill_runs(times: int, seed: int) -> dict[str, object]:
    """Kill `times` runs at a random moment; half of the kills take the main process alone.

    Each is started again in the same folder and carried to its end.

    Returns
    -------
    dict
        ``tried``, ``identical`` (results of the second start), ``left`` (kills after which a
        process was still there), ``during`` (script → kills), ``wrong``.
    """
    draw = random.Random(seed)
    during: Counter[str] = Counter()
    tried = identical = 0
    left: list[str] = []
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as top:
        project = study(Path(top, "killed"))
        begun = time.monotonic()
        status, line = _ends(project)
        if status:
            raise RuntimeError(line)
        takes = time.monotonic() - begun
        wanted = project.files(RESULTS)
        while tried < times:
            clean(project)
            process = start(project)
            try:
                process.communicate(timeout=draw.uniform(0.3, takes))
                continue  # it ended sooner than the first did
            except subprocess.TimeoutExpired:
                tried += 1
            during.update(jobs_of(of_run(project)) or ["planning"])
            if draw.random() < 0.5:
                os.kill(process.pid, signal.SIGKILL)
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            until = time.monotonic() + GONE_WITHIN_S
            while (alive := of_run(project)) and time.monotonic() < until:
                time.sleep(0.1)
            if alive:
                left.append(", ".join(jobs_of(alive)) or "?")
                psutil.wait_procs(alive)
            status, line = _ends(project)
            found = project.files(RESULTS)
            differ = sorted(
                n for n in wanted.keys() | found.keys() if found.get(n) != wanted.get(n)
            )
            identical += not (status or differ)
            wrong += [line] if status else differ
            print(f"  kill {tried} of {times}: {len(wrong)} wrong", flush=True)
    return {
        "tried": tried, "identical": identical, "left": left, "wrong": wrong,
        "during": dict(sorted(during.items())),
    }  # fmt: skip


def _ends(project: Project, limit: Callable[[], None] | None = None) -> tuple[int, str]:
    process = start(project, limit=limit)
    said = process.communicate()[1].strip()
    return process.returncode, said.rsplit("\n", 1)[-1]


def short_of(what: str, amounts: list[int], wanted: dict[str, bytes]) -> list[dict[str, object]]:
    """Run with too little of something, then with enough in the same folder.

    Parameters
    ----------
    what
        ``disk`` (kB) or ``inodes`` of a tmpfs, or ``memory`` (MB of address space).
    wanted
        Results of a run with enough.

    Returns
    -------
    list of dict
        ``amount``, ``line`` (the last of standard error), ``same`` (results of the second run).
    """
    rows: list[dict[str, object]] = []
    for amount in amounts:
        with tempfile.TemporaryDirectory() as top:
            place = Path(top, "place")
            if what == "memory":
                project = study(place)
                size = amount << 20
                status, line = _ends(
                    project, lambda size=size: resource.setrlimit(resource.RLIMIT_AS, (size, size))
                )
                again = _ends(project)[0]
                found = project.files(RESULTS)
            else:
                with mounted(place, "size=2g") as able:
                    if not able:
                        return []
                    project = study(place / "project")
                    used = 512 * sum(f.lstat().st_blocks for f in place.rglob("*"))
                    files = 1 + sum(1 for _ in place.rglob("*"))
                    room = {"disk": used // 1024 + amount, "inodes": files + amount}[what]
                    option = {"disk": f"size={room}k", "inodes": f"nr_inodes={room}"}
                    _remount(place, option[what])
                    status, line = _ends(project)
                    _remount(place, "size=2g,nr_inodes=1000000")
                    again = _ends(project)[0]
                    found = project.files(RESULTS)
            rows.append(
                {"amount": amount, "status": status, "line": line,
                 "same": again == 0 and found == wanted}
            )  # fmt: skip
            print(f"  {what} {amount}: {line[:120]}", flush=True)
    return rows


def _remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


def whole_run() -> dict[str, bytes]:
    """Results of a run that lacks nothing."""
    with tempfile.TemporaryDirectory() as top:
        project = study(Path(top, "whole"))
        status, line = _ends(project)
        if status:
            raise RuntimeError(line)
        return project.files(RESULTS)
