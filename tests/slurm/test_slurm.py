"""The demo through profiles/slurm gives the bytes of the local run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from one_node import why_not
from run_demo_on_slurm import compare_demo_on_slurm
from tests.project import Project

WANTED = "PATHCALL_TEST_SLURM"


@pytest.fixture
def slurm() -> None:
    """Skips where no SLURM may be started."""
    if os.environ.get(WANTED) != "1":
        pytest.skip(f"starts daemons and writes /etc/slurm/slurm.conf; {WANTED}=1 allows it")
    reason = why_not(install=False)
    if reason is not None:
        pytest.skip(f"no SLURM can be started here: {reason}")


@pytest.mark.slurm
@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
@pytest.mark.xdist_group("slurm")
def test_quality_control_on_slurm_is_that_of_the_local_demo(demo: Project, tmp_path: Path) -> None:
    local = demo.folder / "results/GSE52778"
    same = compare_demo_on_slurm(tmp_path, local=local, target="qc")
    assert {Path("counts.h5ad"), Path("qc/flags.tsv")} <= set(same)


@pytest.mark.slurm
@pytest.mark.rare
@pytest.mark.usefixtures("slurm")
@pytest.mark.xdist_group("slurm")
def test_demo_on_slurm_is_the_local_demo(tmp_path: Path) -> None:
    same = compare_demo_on_slurm(tmp_path)
    assert Path("calls.tsv") in same
