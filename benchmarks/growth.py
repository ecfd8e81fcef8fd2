"""How the whole workflow grows with samples, genes, contrasts and models.

    python -m benchmarks.growth --samples 300 --genes 40000 --contrasts 20 [--models 1] [--keep DIR]
    python -m benchmarks.growth --grid      # the sizes of docs/scaling.md; takes hours
    python -m benchmarks.growth --page-only # docs/scaling.md again, from the results

Simulates a study of that size, writes its files into a temporary folder, runs the workflow there
and reads what every job took. The study is named in `benchmarks/results/growth.json` with its
figures; `docs/scaling.md` and its figure are written from that file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.data import ROOT
from benchmarks.growth_study import Size, write_growth_study
from benchmarks.jobs import run_workflow
from benchmarks.run import machine
from benchmarks.scaling_page import write_scaling_page

RESULTS = ROOT / "benchmarks" / "results" / "growth.json"
AXES: dict[str, list[Size]] = {
    "samples": [Size(n, 40_000, 20) for n in (100, 300, 1000)],
    "genes": [Size(100, n, 20) for n in (10_000, 20_000, 40_000)],
    "contrasts": [Size(300, 40_000, n) for n in (5, 10, 20, 40)],
    "models": [Size(120, 40_000, 10, n) for n in (1, 3, 10)],
}


def measure(size: Size, *, cores: int, keep: Path | None = None) -> dict[str, Any]:
    """Simulate a study, run the workflow on it, and read what it took."""
    folder = Path(tempfile.mkdtemp(prefix="growth_")) if keep is None else keep / size.study
    try:
        started, load = time.monotonic(), os.getloadavg()[0]
        if not (folder / "config.yaml").exists():
            write_growth_study(folder, size)
        print(f"{size.study}: files written in {time.monotonic() - started:.0f} s", flush=True)
        run = run_workflow(
            ["--configfile", "config.yaml", "--cores", str(cores), "--forceall"], folder=folder,
            quiet=True,
        )  # fmt: skip
        if run.status:
            sys.exit(f"the run of {size.study} failed")
        results = folder / "results" / size.study
        page = (results / "report.html").stat().st_size / 1e6
        bytes_of = sum(path.stat().st_size for path in results.rglob("*") if path.is_file()) / 1e6
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    rules = run.by_script().round({"wall_s": 2, "cpu_s": 2, "peak_mb": 0})
    made = {
        **asdict(size),
        "cores": cores,
        "load": round(load, 1),
        "commit": machine()["commit"],
        "wall_s": round(run.wall_s, 1),
        "cpu_s": round(run.cpu_s, 1),
        "peak_mb": float(rules["peak_mb"].max()),
        "page_mb": round(page, 2),
        "results_mb": round(bytes_of, 1),
        "rules": rules.to_dict(orient="index"),
    }
    print(rules.to_string())
    print(f"{size.study}: {made['wall_s']:.0f} s, {made['cpu_s']:.0f} CPU s, largest job "
          f"{made['peak_mb']:.0f} MB, page {made['page_mb']:.1f} MB", flush=True)  # fmt: skip
    return made


def remember(made: dict[str, Any]) -> None:
    """Put the figures of a size into the results, in the place of older ones of the same size."""
    known = json.loads(RESULTS.read_text())["studies"] if RESULTS.exists() else []
    key = ("samples", "genes", "contrasts", "models", "cores")
    others = [m for m in known if any(m[k] != made[k] for k in key)]
    studies = sorted([*others, made], key=lambda m: [m[k] for k in key])
    text = json.dumps({"machine": machine(), "studies": studies}, indent=1, sort_keys=True)
    RESULTS.write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Measure one size or the grid, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--genes", type=int, default=40_000)
    parser.add_argument("--contrasts", type=int, default=20)
    parser.add_argument("--models", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for the files of the study")
    parser.add_argument("--grid", action="store_true", help="all sizes of docs/scaling.md")
    parser.add_argument("--try-only", action="store_true", help="write no results")
    parser.add_argument("--page-only", action="store_true", help="rewrite docs from results")
    given = parser.parse_args()
    if given.grid:
        sizes = list(dict.fromkeys(size for axis in AXES.values() for size in axis))
    else:
        sizes = [Size(given.samples, given.genes, given.contrasts, given.models)]
    for size in [] if given.page_only else sizes:
        made = measure(size, cores=given.cores, keep=given.keep)
        if not given.try_only:
            remember(made)
    if not given.try_only:
        write_scaling_page(RESULTS.parent, AXES, ROOT / "docs")


if __name__ == "__main__":
    main()
