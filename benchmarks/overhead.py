"""What the workflow costs beside the computing of its jobs.

    python -m benchmarks.overhead [--rounds 3] [--cores 1] [--study config/demo.yaml …]

Runs a study through the workflow, then the very same scripts one after the other in one process,
in turns. The overhead is the part of the workflow's wall time that the one process does not take:
the start of processes, imports, planning. Writes `benchmarks/results/overhead.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.data import ROOT
from benchmarks.jobs import run_workflow
from benchmarks.run import machine
from pathcall.study.plan import job_environment

RESULTS = ROOT / "benchmarks" / "results" / "overhead.json"
ONE_PROCESS = (
    "import runpy, sys\nfor script in sys.argv[1:]: runpy.run_path(script, run_name='job')"
)


def once(study: list[str], cores: int) -> dict[str, float]:
    """One run through the workflow, and one of its scripts in one process."""
    with tempfile.TemporaryDirectory(prefix="overhead_") as temporary:
        folder = Path(temporary)
        for name in ("config", "resources"):
            (folder / name).symlink_to(ROOT / name)
        files = [str(Path(file).resolve()) for file in study]
        run = run_workflow(
            ["--configfile", *files, "--cores", str(cores), "--forceall", "--skip-script-cleanup"],
            folder=folder, quiet=True,
        )  # fmt: skip
        if run.status:
            sys.exit("the run failed")
        scripts = sorted(
            (folder / ".snakemake" / "scripts").glob("*.py"), key=lambda p: p.stat().st_mtime_ns
        )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-c", ONE_PROCESS, *map(str, scripts)], cwd=folder, check=True,
            env={**os.environ, **job_environment(str(ROOT / "src"), os.environ)},
        )  # fmt: skip
        wall = time.monotonic() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": run.wall_s, "cpu_s": run.cpu_s, "jobs": len(run.jobs),
            "one_process_wall_s": wall, "one_process_cpu_s": cpu}  # fmt: skip


def main() -> None:
    """Measure in rounds, keep the least of each figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--study", nargs="+", default=["config/demo.yaml"], metavar="CONFIG")
    given = parser.parse_args()
    runs = []
    for _ in range(given.rounds):
        runs.append(once(given.study, given.cores))
        print(", ".join(f"{key} {value:.1f}" for key, value in runs[-1].items()), flush=True)
    least: dict[str, Any] = {key: round(min(r[key] for r in runs), 2) for key in runs[0]}
    least |= {
        "study": [Path(file).name for file in given.study],
        "cores": given.cores,
        "rounds": given.rounds,
        "overhead_cpu": round(1 - least["one_process_cpu_s"] / least["cpu_s"], 3),
        "overhead_wall": round(1 - least["one_process_wall_s"] / least["wall_s"], 3),
    }
    print(json.dumps(least, indent=1))
    known = json.loads(RESULTS.read_text())["studies"] if RESULTS.exists() else []
    others = [k for k in known if (k["study"], k["cores"]) != (least["study"], given.cores)]
    content = {"machine": machine(), "studies": [*others, least]}
    RESULTS.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
