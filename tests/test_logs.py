import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import logging, sys, warnings
from pathcall.logs import job_log
from pathcall.errors import InputError
with job_log(sys.argv[1]):
    logging.getLogger("x").info("3 kept, 2 dropped")
    warnings.warn("careful")
    {body}
"""


def run(tmp_path: Path, root: Path, body: str) -> tuple[int, list[str], str]:
    log = tmp_path / "logs" / "job.log"
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(body=body), str(log)],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": str(root / "src")},
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines(), log.read_text()


def test_a_good_job_is_quiet(tmp_path: Path, root: Path) -> None:
    code, stderr, log = run(tmp_path, root, "pass")
    assert (code, stderr) == (0, [])
    assert "3 kept, 2 dropped" in log
    assert "careful" in log


def test_a_users_mistake_is_one_line(tmp_path: Path, root: Path) -> None:
    code, stderr, log = run(
        tmp_path, root, 'raise InputError("bad\\ncount", where="f.tsv", fix="mend it")'
    )
    assert code == 1
    assert stderr == []
    assert log.splitlines()[-1] == "error: bad count — f.tsv — mend it"
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ValueError('odd')", ["unexpected ValueError: odd", "report it"]),
        ("raise OSError(28, 'No space left on device')", ["the disk is full", "free space"]),
    ],
)
def test_a_bug_leaves_its_traceback_in_the_log(
    tmp_path: Path, root: Path, body: str, words: list[str]
) -> None:
    code, stderr, log = run(tmp_path, root, body)
    assert code == 1
    assert stderr == []
    last = log.splitlines()[-1]
    assert last.startswith("error: ")
    for word in [*words, "job.log"]:
        assert word in last
    assert "Traceback (most recent call last)" in log


def test_a_log_that_can_not_be_written_does_not_hide_the_error(tmp_path: Path, root: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(body="pass"), str(tmp_path / "logs" / "job.log")],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": str(root / "src")},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: unexpected FileExistsError")
    assert len(done.stderr.splitlines()) == 1
