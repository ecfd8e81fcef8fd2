import socket
import subprocess
import sys
import time

import pytest

from pathcall.runlock import hold_job, hold_run, release_run
from tests.project import ROOT

SRC = ROOT / "src"
HOLD = (
    "import sys, time; sys.path.insert(0, sys.argv[1]); from pathcall.runlock import hold_run\n"
    "hold_run(sys.argv[2]); print('held', flush=True); time.sleep(60)"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "locks").mkdir()
    yield tmp_path
    release_run()


def hold_elsewhere(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(SRC), str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_locks_of_a_killed_run_go_and_those_of_a_live_one_stay(folder):
    with hold_elsewhere(folder) as process:
        lock = folder / "locks" / "0.input.lock"
        lock.write_text("x")
        assert hold_run(folder) == 0
        assert lock.exists()
        release_run()
        process.kill()
        process.wait()
        time.sleep(0.05)
        assert hold_run(folder) == 1
        assert not lock.exists()


def test_locks_of_another_host_or_an_unknown_run_stay(folder):
    lock = folder / "locks" / "0.output.lock"
    lock.write_text("x")
    assert hold_run(folder) == 0
    release_run()
    (folder / "pathcall.run").write_text("another-host 12\n")
    assert hold_run(folder) == 0
    assert lock.exists()
    assert (folder / "pathcall.run").read_text().split()[0] == socket.gethostname()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    assert hold_run(tmp_path / "file") == 0


def test_a_third_run_leaves_the_locks_of_the_second(folder):
    """Runs of two studies overlap: the first ends, a third begins while the second is alive."""
    with hold_elsewhere(folder) as first, hold_elsewhere(folder) as second:
        lock = folder / "locks" / "0.output.lock"
        lock.write_text("x")
        first.kill()
        first.wait()
        time.sleep(0.05)
        assert hold_run(folder) == 0
        assert lock.exists()
        second.kill()
        second.wait()


def test_an_orphaned_job_keeps_the_locks_of_its_run(folder):
    (folder / "pathcall.run").write_text(f"{socket.gethostname()} 1\n")
    lock = folder / "locks" / "0.output.lock"
    lock.write_text("x")
    hold_job(folder)
    script = HOLD.replace("print('held'", "print('removed', n").replace(
        "hold_run(sys", "n = hold_run(sys"
    )
    script = script.replace("time.sleep(60)", "time.sleep(0)")
    done = subprocess.run(
        [sys.executable, "-c", script, str(SRC), str(folder)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "removed 0\n"
    assert lock.exists()
    release_run()
    assert hold_run(folder) == 1
