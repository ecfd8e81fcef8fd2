"""The last words of a run: its calls, or one ``error:`` line for each failure, and nothing below.

What ends a run is seen as Snakemake logs it: failed jobs with their logs, a folder that another run
holds, anything else that it could not do. The lines are printed when the process ends, so that
nothing of Snakemake's own comes after them.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from pathlib import Path

from pathcall.console import Console, show_run
from pathcall.errors import PathcallError
from pathcall.logs import last_error

# What Snakemake says → what it means, and the fix.
_KNOWN = {
    "cannot be locked": (
        "another run works on the same study in this folder",
        "wait for it, or end it: its locks go with it; if it ran on another host and was killed "
        "there: --unlock",
    ),
    "ProtectedOutputException": (
        "the results cannot be written: read-only files or a read-only file system",
        "give write permission, or run in a folder that can be written",
    ),
    "Read-only file system": (
        "the folder cannot be written: a read-only file system",
        "run in a folder that can be written",
    ),
    "MemoryError": (
        "out of memory",
        "give the run more memory (ulimit -v, the batch job's limit), then run again",
    ),
}


class ClosingLines(logging.Handler):
    """Collects what ended a run.

    Parameters
    ----------
    folder
        The folder that the run works in.
    """

    def __init__(self, folder: str = ".") -> None:
        super().__init__(logging.INFO)
        self._folder = folder
        self._jobs: dict[int, tuple[str, list[str]]] = {}
        self._said: list[str] = []
        self.console: Console | None = None

    def results_in(self, folder: str) -> None:
        """Take note of where the results will be: ``results/{study}``."""
        if self.console is not None:
            # Snakemake has left the folder when the process ends.
            self.console.results = Path(folder).absolute()

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a failure."""
        event = getattr(record, "event", None)
        if event == "job_error":
            logs = [str(log) for log in record.__dict__["log"]]
            self._jobs[record.__dict__["jobid"]] = (str(record.__dict__["rule_name"]), logs)
        elif event == "job_finished":  # at another attempt
            self._jobs.pop(record.__dict__["job_id"], None)
        elif record.levelno >= logging.ERROR:
            self._said.append(record.getMessage())

    def lines(self) -> list[str]:
        """One line for each failure; jobs first, and what else was said only without them."""
        found = [
            self._job_line(log, rule) for rule, logs in self._jobs.values() for log in logs or [""]
        ]
        if not found:
            found = [self._other_line(said) for said in self._said]
        return list(dict.fromkeys(found))

    def studies(self) -> dict[str, str]:
        """Study → the line of its first job that failed."""
        found: dict[str, str] = {}
        for rule, logs in self._jobs.values():
            for log in logs:
                parts = Path(log).parts
                if parts[:1] == ("results",) and len(parts) > 2:
                    found.setdefault(parts[1], self._job_line(log, rule))
        return found

    @staticmethod
    def _job_line(log: str, rule: str) -> str:
        path = Path(log)
        line = last_error(path) if log and path.is_file() else None
        if line is not None:
            return line
        return PathcallError(
            f"the job {rule} ended without an error message: it was killed, or ran out of memory",
            where=f"log {log}" if log else f"rule {rule}",
            fix="give it more memory (fewer --cores, or --default-resources mem_mb=… on a cluster) "
            "and run again",
        ).line()

    def _other_line(self, said: str) -> str:
        for sign, (what, fix) in _KNOWN.items():
            if sign in said:
                return PathcallError(what, where=os.path.abspath(self._folder), fix=fix).line()
        text = [line.strip() for line in said.splitlines() if line.strip()] or [
            "it did not say why"
        ]
        # Snakemake's own name of the exception stands alone in the first line.
        what = text[1] if len(text) > 1 and text[0].endswith(("Error:", "Exception:")) else text[0]
        return PathcallError(
            f"Snakemake stopped: {what[:300]}",
            where="the lines above, and .snakemake/log",
            fix="fix what it names, then run again",
        ).line()


_WATCHING: list[ClosingLines] = []


def watch_run(*, screen: bool) -> ClosingLines:
    """Show a run step by step, and have its last words printed, once, as the process ends.

    Parameters
    ----------
    screen
        Whether the run's screen is ours: not so where another workflow uses this one as a module.
    """
    if _WATCHING:  # a run of many studies
        return _WATCHING[0]
    closing = ClosingLines()
    _WATCHING.append(closing)
    logging.getLogger("snakemake.logging").addHandler(closing)
    closing.console = show_run() if screen else None

    def say() -> None:
        lines = closing.lines()
        if closing.console is not None and not lines:
            lines = list(filter(None, [closing.console.closing()]))
        for line in lines:
            print(line, file=sys.stderr, flush=True)

    atexit.register(say)
    return closing
