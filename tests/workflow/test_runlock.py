import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from pathcall.runlock import RUN, hold_job, hold_run, release_run
from tests.project import ROOT

pytestmark = pytest.mark.slow

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


JOB = (
    "import sys, time; sys.path.insert(0, sys.argv[1]); from pathcall.runlock import hold_job\n"
    "hold_job(sys.argv[2]); print('held', flush=True); time.sleep(60)"
)


def job_of(process, folder, *, host=None):
    (folder / "pathcall.run").touch()
    run = f"{host or socket.gethostname()} {process.pid}"
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, str(SRC), str(folder)],
        stdout=subprocess.PIPE, text=True, env=os.environ | {RUN: run},
    )  # fmt: skip
    assert job.stdout.readline() == "held\n"
    return job


def test_a_job_ends_with_its_run_and_the_next_run_goes_on(folder):
    """The run is killed and still waited for by its parent (a zombie), as in a container."""
    run = hold_elsewhere(folder)
    with job_of(run, folder) as job:
        (folder / "locks" / "0.output.lock").write_text("x")
        run.kill()
        assert hold_run(folder) == 1  # waits for the job to end
        assert job.wait(timeout=5) == -signal.SIGKILL
    run.wait()
    run.stdout.close()


def test_a_job_of_another_host_or_process_space_is_left_alone(folder):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with hold_elsewhere(folder) as run, job_of(gone, folder) as one:
        with job_of(run, folder, host="another-host") as other:
            run.kill()
            time.sleep(1.5)
            assert one.poll() is None
            assert other.poll() is None
            other.kill()
        one.kill()


def test_a_job_knows_its_run(folder):
    hold_run(folder)
    assert os.environ[RUN] == f"{socket.gethostname()} {os.getpid()}"
    release_run()
    assert RUN not in os.environ
