"""Twenty studies in one command, against twenty times the computing of one.

    python -m benchmarks.many_studies [--studies 20] [--cores 2]

One real study (the embedded one) and simulated ones of 12 samples and 12,000 genes, in one run with
its summary; before, one of the simulated ones alone. Writes `benchmarks/results/many_studies.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import yaml

from benchmarks.data import ROOT
from benchmarks.growth_study import Size, write_growth_study
from benchmarks.jobs import run_workflow
from benchmarks.run import machine

RESULTS = ROOT / "benchmarks" / "results" / "many_studies.json"
SIZE = Size(12, 12_000, 3)
ALLOWED_S = 60
"""Seconds beyond the computing of the studies that a run of all may take."""


def simulated(folder: Path, i: int) -> str:
    """Write a simulated study of its own name; its config, relative to `folder`."""
    name = f"SIM{i:02d}"
    path = write_growth_study(folder / name, SIZE, seed=i)
    config = yaml.safe_load(path.read_text())
    config |= {
        "study": name,
        "samples": f"{name}/samples.tsv",
        "contrasts": f"{name}/contrasts.tsv",
    }
    config["counts"]["file"] = f"{name}/counts.tsv"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return f"{name}/config.yaml"


def main() -> None:
    """Run one study, then all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="many_") as temporary:
        folder = Path(temporary)
        for name in ("config", "resources"):
            (folder / name).symlink_to(ROOT / name)
        files = [simulated(folder, i) for i in range(1, given.studies + 1)]
        alone, *_ = files
        one = run_workflow(
            ["--configfile", alone, "--cores", str(given.cores)], folder=folder, quiet=True
        )
        # The first makes place for the real one.
        listed = {"studies": ["config/demo.yaml", *files[1:]]}
        (folder / "studies.yaml").write_text(yaml.safe_dump(listed), encoding="utf-8")
        run = run_workflow(
            ["--configfile", "studies.yaml", "--cores", str(given.cores)], folder=folder, quiet=True
        )
        if one.status or run.status or not (folder / "results/summary/report.html").is_file():
            sys.exit("a run failed")
    made = {
        "machine": machine(),
        "studies": given.studies,
        "cores": given.cores,
        "one_wall_s": round(one.wall_s, 1),
        "one_cpu_s": round(one.cpu_s, 1),
        "wall_s": round(run.wall_s, 1),
        "cpu_s": round(run.cpu_s, 1),
        "allowed_s": round(given.studies * one.cpu_s + ALLOWED_S, 1),
    }
    print(json.dumps(made, indent=1))
    RESULTS.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
