"""Measure memory and time of every job of a run, for the requests in profiles/ and docs/slurm.md.

    sh tools/env.sh dev python tools/measure_jobs.py --forceall --configfile config/demo.yaml

Runs snakemake with the arguments given, on one core unless they say otherwise, watches the Python
process of each job (resident memory, every 0.1 s) and prints a table.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil

INTERVAL_S = 0.1


def main(arguments: list[str]) -> int:
    """Run snakemake with `arguments`; print a Markdown table of its jobs; return its status."""
    if not any(argument.startswith(("--cores", "-c")) for argument in arguments):
        arguments = ["--cores", "1", *arguments]
    run = subprocess.Popen([sys.executable, "-m", "snakemake", *arguments])
    tree = psutil.Process(run.pid)
    peak: dict[str, float] = {}
    seconds: dict[str, dict[int, float]] = {}
    while run.poll() is None:
        for process in _children(tree):
            job = _job_of(process)
            if job is None:
                continue
            try:
                memory = process.memory_info().rss / 2**20
                age = time.time() - process.create_time()
            except psutil.Error:  # it has just ended
                continue
            peak[job] = max(peak.get(job, 0), memory)
            seconds.setdefault(job, {})[process.pid] = age
        time.sleep(INTERVAL_S)
    print("\n| script | jobs | peak memory, MB | longest, s |\n|---|---|---|---|")
    for job in sorted(peak):
        ages = seconds[job]
        print(f"| `{job}` | {len(ages)} | {peak[job]:.0f} | {max(ages.values()):.0f} |")
    return run.returncode


def _children(tree: psutil.Process) -> list[psutil.Process]:
    try:
        return tree.children(recursive=True)
    except psutil.Error:
        return []


def _job_of(process: psutil.Process) -> str | None:
    """Return the script that a job's Python process runs, or None for any other process."""
    try:
        command = process.cmdline()
    except psutil.Error:
        return None
    if len(command) < 2 or ".snakemake/scripts/" not in command[1]:
        return None
    return Path(command[1]).name.partition(".")[2].removesuffix(".py")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
