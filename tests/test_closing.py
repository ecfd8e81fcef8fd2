import io
import logging
from pathlib import Path

import pytest

from pathcall.closing import ClosingLines
from pathcall.console import Console


def record(message: str, **more: object) -> logging.LogRecord:
    found = logging.LogRecord("snakemake.logging", logging.ERROR, "f", 1, message, (), None)
    found.__dict__.update(more)
    return found


def test_a_failed_job_gives_its_own_line(tmp_path: Path) -> None:
    log = tmp_path / "fit.log"
    log.write_text("INFO x\nerror: what — where — fix\n")
    closing = ClosingLines()
    for _ in range(2):
        closing.emit(
            record("Error in rule fit", event="job_error", jobid=1, rule_name="fit", log=[str(log)])
        )
    closing.emit(record("WorkflowError:\nAt least one job did not complete successfully."))
    assert closing.lines() == ["error: what — where — fix"]


def test_a_job_that_was_killed_is_named(tmp_path: Path) -> None:
    log = tmp_path / "fit.log"
    log.write_text("INFO x\n")
    closing = ClosingLines()
    closing.emit(
        record("Error in rule fit", event="job_error", jobid=1, rule_name="fit", log=[str(log)])
    )
    closing.emit(record("Error in rule draw", event="job_error", jobid=2, rule_name="draw", log=[]))
    lines = closing.lines()
    assert len(lines) == 2
    assert "the job fit ended without an error message" in lines[0]
    assert str(log) in lines[0]
    assert "rule draw" in lines[1]


def test_a_job_that_succeeded_at_another_attempt_is_no_failure() -> None:
    closing = ClosingLines()
    closing.emit(record("Error in rule fit", event="job_error", jobid=1, rule_name="fit", log=[]))
    closing.emit(record("Finished", event="job_finished", job_id=1))
    assert closing.lines() == []


def test_a_lock_and_anything_else_of_snakemake_is_one_line() -> None:
    closing = ClosingLines()
    closing.emit(record("LockException:\nError: Directory cannot be locked. Please make"))
    closing.emit(record("PermissionError in file workflow/Snakefile, line 3:\n[Errno 13] no"))
    first, second = closing.lines()
    assert first.startswith("error: another run works on the same study in this folder — /")
    assert second.startswith("error: Snakemake stopped: PermissionError")
    assert "\n" not in second


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("ProtectedOutputException in rule call_pathways in file x, line 5:", "cannot be written"),
        ("OSError: [Errno 30] Read-only file system: 'results'", "read-only file system"),
        ("MemoryError in file workflow/rules/common.smk, line 46.", "out of memory"),
        ("", "it did not say why"),
    ],
)
def test_what_snakemake_says_of_the_machine_is_said_plainly(said: str, what: str) -> None:
    closing = ClosingLines()
    closing.emit(record(said))
    (line,) = closing.lines()
    assert what in line
    assert line.startswith("error: ")


def test_nothing_failed_nothing_said() -> None:
    assert ClosingLines().lines() == []


def test_results_are_found_from_the_folder_that_the_run_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "study/results/X").mkdir(parents=True)
    (tmp_path / "study/results/X/report.html").touch()
    closing = ClosingLines()
    closing.console = Console(io.StringIO())
    monkeypatch.chdir(tmp_path / "study")  # as `--directory` does
    closing.results_in("results/X")
    monkeypatch.chdir(tmp_path)
    closing.console.filter_snakemakes(record("", event="workflow_started"))
    closing.console.emit(record("Nothing to be done (all requested files are present)."))
    assert closing.console.closing().startswith("study/results/X/report.html  (")
