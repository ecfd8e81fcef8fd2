"""Run the demo locally and through profiles/slurm, and compare every result byte for byte.

    sh tools/env.sh workflow python tests/slurm/run_demo_on_slurm.py

Starts a SLURM of one node on this machine for it (one_node.py), and stops it afterwards. Both runs
work in copies of the project, so that nothing of an earlier run is compared with itself.
``--install`` lets it install Debian's slurm-wlm and munge.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from one_node import SlurmUnavailable, one_node_slurm

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path("results") / "GSE52778"
# Not results: logs carry times.
NOT_COMPARED = ("logs", "benchmarks")
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", ".cache", ".snakemake", ".*_cache", "results", "__pycache__"
)


def compare_demo_on_slurm(
    folder: Path, *, local: Path | None = None, target: str = "all", install: bool = False
) -> list[Path]:
    """Run the demo in both ways below `folder`; return the result files, all of them equal.

    Parameters
    ----------
    local
        Results of a local run of everything, where there has been one.
    target
        What is run through SLURM; only what it makes is compared.

    Raises
    ------
    SlurmUnavailable
        No SLURM can be started here.
    RuntimeError
        A run failed, no job went through SLURM, or results differ.
    """
    with one_node_slurm(folder / "slurm", install=install):
        if local is None:
            local = run_demo(folder / "local", "--cores", "1", "--workflow-profile", "none")
        cluster = run_demo(
            folder / "cluster",
            "--workflow-profile",
            "profiles/slurm",
            # The profile's interval spares a busy controller; this one has nothing else to do.
            "--slurm-init-seconds-before-status-checks",
            "2",
            target,
        )
        submitted = subprocess.run(
            ["scontrol", "show", "jobs", "--oneliner"], capture_output=True, text=True, check=True
        ).stdout
    if "JobState=COMPLETED" not in submitted:
        raise RuntimeError("no job went through SLURM")
    return compare(local, cluster, whole=target == "all")


def run_demo(project: Path, *arguments: str) -> Path:
    """Run the demo in a copy of the project at `project`; return its results folder."""
    shutil.copytree(ROOT, project, ignore=LEFT_BEHIND, symlinks=True)
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/demo.yaml", *arguments]
    environment = dict(os.environ, PYTHONPATH=str(project / "src"))
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed in {project}:\n{done.stderr[-6000:]}")
    print(f"{project.name}: {time.monotonic() - started:.0f} s", flush=True)
    return project / RESULTS


def compare(local: Path, cluster: Path, *, whole: bool) -> list[Path]:
    """Return the result files; a `RuntimeError` names those that differ."""
    files = {_name: _files(_name) for _name in (local, cluster)}
    if not whole:
        files[local] = [path for path in files[local] if path in files[cluster]]
    if files[local] != files[cluster]:
        only = sorted(set(files[local]) ^ set(files[cluster]))
        raise RuntimeError(f"files of one run only: {', '.join(map(str, only))}")
    differ = [
        str(path)
        for path in files[local]
        if not filecmp.cmp(local / path, cluster / path, shallow=False)
    ]
    if differ:
        raise RuntimeError(f"results differ between local and SLURM: {', '.join(differ)}")
    if whole and Path("report.html") not in files[local]:
        raise RuntimeError("the demo wrote no report")
    return files[local]


def _files(results: Path) -> list[Path]:
    return sorted(
        path.relative_to(results)
        for path in results.rglob("*")
        if path.is_file() and path.relative_to(results).parts[0] not in NOT_COMPARED
    )


def main() -> None:
    """Run the comparison from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--install", action="store_true", help="install what is missing with apt")
    parser.add_argument("--keep", action="store_true", help="keep the working folder")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pathcall-slurm-"))
    try:
        same = compare_demo_on_slurm(folder, install=options.install)
    except SlurmUnavailable as error:
        sys.exit(f"error: no SLURM to try — {error}")
    except RuntimeError as error:
        sys.exit(f"error: {error}")
    finally:
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(same)} result files, the same bytes from the local run and through SLURM")


if __name__ == "__main__":
    main()
