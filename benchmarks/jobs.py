"""Time, CPU seconds and peak memory of every job of a run.

    python -m benchmarks.jobs --forceall --configfile config/demo.yaml

Runs snakemake with the arguments given, on one core unless they say otherwise, and prints a table.
The jobs write their own figures (`pathcall.logs`).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from benchmarks.data import ROOT


class Run(NamedTuple):
    """One run of the workflow.

    `jobs`: a row a job: script, log, wall_s, cpu_s, peak_mb. `cpu_s` is that of the whole run, the
    main process among it.
    """

    status: int
    wall_s: float
    cpu_s: float
    jobs: pd.DataFrame

    def by_script(self) -> pd.DataFrame:
        """Jobs of one script together: number, seconds and CPU seconds of all, largest peak."""
        grouped = self.jobs.groupby("script", sort=False)
        return grouped.agg(
            jobs=("cpu_s", "size"), wall_s=("wall_s", "sum"), cpu_s=("cpu_s", "sum"),
            peak_mb=("peak_mb", "max"),
        ).sort_values("cpu_s", ascending=False)  # fmt: skip


def run_workflow(
    arguments: Sequence[str], *, folder: Path = ROOT, root: Path = ROOT, quiet: bool = False
) -> Run:
    """Run the workflow of the checkout `root` in `folder`."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"),
               "--workflow-profile", str(root / "profiles/default"), *arguments]  # fmt: skip
    with tempfile.TemporaryDirectory() as notes:
        before = _children_cpu()
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=folder, env={**environment, "PATHCALL_JOBS": notes}, check=False,
            capture_output=quiet, text=True,
        )  # fmt: skip
        wall, cpu = time.monotonic() - started, _children_cpu() - before
        rows: list[dict[str, Any]] = [
            json.loads(path.read_text()) for path in sorted(Path(notes).glob("*.json"))
        ]
    if quiet and done.returncode:
        print(done.stderr, file=sys.stderr)
    columns = ["script", "log", "wall_s", "cpu_s", "peak_mb"]
    return Run(done.returncode, wall, cpu, pd.DataFrame(rows, columns=columns))


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(arguments: list[str]) -> int:
    """Run snakemake with `arguments`; print a Markdown table of its jobs; return its status."""
    if not any(argument.startswith(("--cores", "-c")) for argument in arguments):
        arguments = ["--cores", "1", *arguments]
    run = run_workflow(arguments)
    print("\n| script | jobs | wall, s | CPU, s | peak memory, MB |\n|---|---|---|---|---|")
    for script, row in run.by_script().iterrows():
        print(f"| `{script}` | {row['jobs']:.0f} | {row['wall_s']:.1f} | {row['cpu_s']:.1f} | "
              f"{row['peak_mb']:.0f} |")  # fmt: skip
    print(f"\nthe run: {run.wall_s:.1f} s, {run.cpu_s:.1f} CPU s, of which jobs "
          f"{run.jobs['cpu_s'].sum():.1f}")  # fmt: skip
    return run.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
