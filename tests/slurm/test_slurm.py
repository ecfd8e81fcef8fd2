"""The demo through profiles/slurm gives the bytes of the local run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from one_node import why_not
from run_demo_on_slurm import compare_demo_on_slurm

WANTED = "PATHCALL_TEST_SLURM"


@pytest.mark.slurm
@pytest.mark.slow
def test_demo_on_slurm_is_the_local_demo(tmp_path: Path) -> None:
    if os.environ.get(WANTED) != "1":
        pytest.skip(f"starts daemons and writes /etc/slurm/slurm.conf; {WANTED}=1 allows it")
    reason = why_not(install=False)
    if reason is not None:
        pytest.skip(f"no SLURM can be started here: {reason}")
    same = compare_demo_on_slurm(tmp_path)
    assert Path("calls.tsv") in same
