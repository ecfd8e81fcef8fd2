"""Logging of a job: everything into its log file, a user's error as one line on standard error."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pathcall.errors import PathcallError

# No times: a log then differs between runs only where the runs did.
LOG_FORMAT = "%(levelname)s %(name)s: %(message)s"


@contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send logging and warnings of a job to `path`; end the process on an error.

    A `PathcallError` ends it with status 1 and its one line on standard error and in the log. Any
    other exception is a bug or a failure of the machine: its traceback goes into the log, and
    standard error gets one ``error:`` line that names the log.

    Parameters
    ----------
    path
        The job's log file; its folder is made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    # `force`: a library may have configured the root logger while it was imported.
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    try:
        yield
    except PathcallError as error:
        _end(handler, error.line())
    except Exception as error:
        logging.getLogger(__name__).error("unexpected error\n%s", traceback.format_exc())
        what = f"unexpected {type(error).__name__}: {error}"
        _end(handler, PathcallError(what, where=f"log {path}", fix=_fix_for(error)).line())
    finally:
        handler.flush()


def _fix_for(error: Exception) -> str:
    if isinstance(error, OSError):
        return "free space or permissions there, then run again"
    if isinstance(error, MemoryError):
        return "give the job more memory (see docs/slurm.md), then run again"
    return "this is a bug in pathcall: report it with that log"


def _end(handler: logging.FileHandler, line: str) -> None:
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger(__name__).error("%s", line)
    handler.flush()
    print(line, file=sys.stderr, flush=True)
    sys.exit(1)
