"""What a run shows: a line for each finished step, the calls at its end, within 80 columns.

Snakemake's own lines, some twenty for each job, stay in ``.snakemake/log``. They come to the screen
as ever for a dry run and where the command asks for them: ``--verbose``, ``--printshellcmds``,
``--debug-dag``, or any ``--quiet`` or ``--logger`` that writes to the terminal.
"""

from __future__ import annotations

import csv
import logging
import os
import sys
import time
from pathlib import Path
from typing import TextIO

WIDTH = 80
MAX_ROWS = 24
"""Contrasts that the closing table shows."""
_SIGN = {"activated": "up", "repressed": "down", "conflicting": "mixed", "not_assessable": "n/a"}
TARGETS = ("default", "all", "calls", "de", "qc", "report")
"""Rules that only name the outputs of others."""
_OF_CALLS = ("default", "all", "calls", "report")
# What Snakemake says in passing that a user waits for.
_SAID = ("Nothing to be done", "Trying to restart", "Terminating", "Shutting down", "Cloning")
_FULL = ("verbose", "printshellcmds", "debug_dag", "dryrun", "quiet")


class Console(logging.Handler):
    """Shows Snakemake's run step by step.

    Parameters
    ----------
    stream
        Where to write.

    Attributes
    ----------
    results
        ``results/{study}``, once it is known.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(logging.INFO)
        self._stream = sys.stderr if stream is None else stream
        self._begun = time.monotonic()
        self._started = False
        self._steps: dict[int, tuple[str, float]] = {}
        self._finished: list[int] = []
        self._targets = 0
        self._failed = False
        self._of_calls = False
        self.results: Path | None = None
        self.complete = False

    def filter_snakemakes(self, record: logging.LogRecord) -> bool:
        """Whether a record is left to Snakemake's own screen: all before the jobs are planned."""
        self._started |= getattr(record, "event", None) == "workflow_started"
        return not self._started and not record.getMessage().startswith("Assuming unrestricted")

    def emit(self, record: logging.LogRecord) -> None:
        """Show what a record means to a user; most mean nothing."""
        try:
            self._show(record)
        except Exception:
            self.handleError(record)

    def _show(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        if event == "job_info":
            name = str(record.__dict__["rule_name"])
            self._steps[record.__dict__["jobid"]] = (name, time.monotonic())
        elif event == "run_info" and "stats" in record.__dict__:
            stats: dict[str, int] = record.__dict__["stats"]
            self._targets = sum(stats.get(name, 0) for name in TARGETS)
            steps = stats["total"] - self._targets
            self._say(f"{self.results.name if self.results else 'run'}: {steps} steps")
        elif event == "job_finished":
            self._finished.append(record.__dict__["job_id"])
        elif event == "progress":
            self._progress(record.__dict__["done"], record.__dict__["total"])
        elif event == "job_error":
            self._failed = True
            log = ", ".join(map(str, record.__dict__["log"]))
            self._say(f"failed  {record.__dict__['rule_name']}" + (f": {log}" if log else ""))
        elif event is None and self._started:
            message = record.getMessage()
            if message.startswith("Nothing to be done"):
                self.complete = self._of_calls = True
                self._say("Nothing to be done: all results are there and current.")
            elif (
                message.startswith(_SAID)
                or record.levelno == logging.WARNING
                or (record.levelno >= logging.ERROR and not self._failed)
            ):
                self._say(message.strip())

    def _progress(self, done: int, total: int) -> None:
        self.complete = done == total
        total -= self._targets
        for number in self._finished:
            name, begun = self._steps.get(number, ("step", time.monotonic()))
            if name in TARGETS:
                self._of_calls |= name in _OF_CALLS
                continue
            place = f"{min(done, total):>{len(str(total))}}/{total}"
            took = clock(time.monotonic() - begun)
            line = f"{place}  {clock(time.monotonic() - self._begun):>7}  {name}"
            self._say(f"{line[: WIDTH - len(took) - 3]} ({took})")
        self._finished.clear()

    def closing(self) -> str:
        """The calls, the report and the time; empty unless the run is complete."""
        if not self.complete or self.results is None:
            return ""
        lines = calls_table(self.results / "calls.tsv", width=WIDTH) if self._of_calls else []
        page = self.results / "report.html"
        took = f"{clock(time.monotonic() - self._begun)}; log in .snakemake/log"
        if self._of_calls and page.is_file():
            lines.append(f"{os.path.relpath(page)}  ({took})")
        else:
            lines.append(f"done in {took}")
        return "\n".join(lines)

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


def show_run() -> Console | None:
    """Put a `Console` in place of Snakemake's screen; None where the command asks for that."""
    logger = logging.getLogger("snakemake.logging")
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler" and isinstance(handler, logging.StreamHandler):
            (settings,) = handler.filters
            if any(getattr(settings, name, None) for name in _FULL):
                return None
            console = Console(handler.stream)
            handler.addFilter(console.filter_snakemakes)
            logger.addHandler(console)
            return console
    return None


def clock(seconds: float) -> str:
    """``0:07``, ``12:30``, ``1:02:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def calls_table(path: Path, *, width: int) -> list[str]:
    """Calls as a matrix of contrasts and pathways; empty where there is no table.

    ``up``, ``down``: activated, repressed; in brackets where a confounder explains it as well;
    ``.``: no evidence.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
    except OSError:
        return []
    if not rows:
        return []
    if "study" in rows[0]:
        rows = [{**row, "contrast": f"{row['study']}: {row['contrast']}"} for row in rows]
    contrasts = list(dict.fromkeys(row["contrast"] for row in rows))
    pathways = list(dict.fromkeys(row["pathway"] for row in rows))
    cells = {(row["contrast"], row["pathway"]): _cell(row) for row in rows}
    longest = max(map(len, [*contrasts, "contrast"]))
    heads, columns, first = pathways, [], 0
    for size in (100, 12, 8):  # names are cut where they leave the contrasts no room
        heads = [name[:size] for name in pathways]
        columns = [max(len(head), 6) for head in heads]
        first = min(width - sum(columns) - 2 * len(columns), longest)
        if first >= min(longest, 20):
            break
    first = max(first, 8)
    lines = ["", _line("contrast", heads, first, columns)]
    for contrast in contrasts[:MAX_ROWS]:
        name = contrast if len(contrast) <= first else f"{contrast[: first - 1]}…"
        lines.append(_line(name, [cells.get((contrast, p), "") for p in pathways], first, columns))
    if len(contrasts) > MAX_ROWS:
        lines.append(f"and {len(contrasts) - MAX_ROWS} more in {path.name}")
    if any(cell.startswith("(") for cell in cells.values()):
        lines.append("(…): a confounder explains it as well")
    return [*lines, ""]


def _cell(row: dict[str, str]) -> str:
    cell = _SIGN.get(row["call"], ".")
    return f"({cell})" if row.get("status") == "not_separable" else cell


def _line(name: str, cells: list[str], first: int, columns: list[int]) -> str:
    parts = [f"{cell:<{size}}" for cell, size in zip(cells, columns, strict=True)]
    return "  ".join([f"{name:<{first}}", *parts]).rstrip()
