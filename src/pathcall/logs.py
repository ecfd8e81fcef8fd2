"""Logging of a job: everything into its log file, an error as its last line.

The workflow repeats the ``error:`` lines of failed jobs at its end
(`pathcall.closing`), so that they are the last thing a user sees, once,
whether a job ran here or on a cluster.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pathcall.errors import PathcallError
from pathcall.files import storage_trouble
from pathcall.runlock import hold_job

# No times: a log then differs between runs only where the runs did.
LOG_FORMAT = "%(levelname)s %(name)s: %(message)s"


@contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send logging and warnings of a job to `path`; end the process on an error.

    A `PathcallError` ends it with status 1 and its one line as the last line of the log. Any other
    exception is a bug or a failure of the machine: its traceback goes into the log, before one
    ``error:`` line that names the log. Where the log can't be written (a full disk), the line goes
    to standard error.

    Parameters
    ----------
    path
        The job's log file; its folder is made.
    """
    path = Path(path)
    hold_job()
    # A job allocates arrays mostly: the hundreds of passes for cycles while it imports find none.
    gc.set_threshold(50_000, 20, 20)
    # pandas imports it wherever it is installed; nothing here uses it.
    sys.modules.setdefault("pyarrow", None)  # type: ignore[arg-type]
    logging.raiseExceptions = False  # a full disk shall not bury the error under another one
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    except OSError as error:
        print(_unexpected(error, path), file=sys.stderr, flush=True)
        sys.exit(1)
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    # `force`: a library may have configured the root logger while it was imported.
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # It has a handler of its own to the screen, for a remark on each column that it writes.
    logging.getLogger("anndata").addFilter(lambda record: record.levelno >= logging.WARNING)
    warnings.simplefilter("default")
    try:
        yield
    except PathcallError as error:
        _end(path, handler, error.line())
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # a panic of compiled code is no Exception
        logging.getLogger(__name__).error("unexpected error\n%s", traceback.format_exc())
        _end(path, handler, _unexpected(error, path))
    finally:
        _record_job(path)
    _leave()


def _leave() -> None:
    """End the process of a job that is done, without taking the interpreter down piece by piece.

    Files are closed and on the disk by now (`pathcall.files.whole_file`). Only where Snakemake runs
    the adapter as a script: nothing comes after it there.
    """
    if hasattr(sys.modules["__main__"], "snakemake"):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _record_job(log: Path) -> None:
    """Write what the job imported and took into the folder ``PATHCALL_JOBS``, where that is set."""
    folder = os.environ.get("PATHCALL_JOBS")
    if not folder:
        return
    import json
    import resource

    import psutil

    usage = resource.getrusage(resource.RUSAGE_SELF)
    content = {
        "script": Path(sys.argv[0]).name.partition(".")[2].removesuffix(".py"),
        "log": log.stem,
        "wall_s": time.time() - psutil.Process().create_time(),
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        "imports": sorted({name.partition(".")[0] for name in sys.modules}),
    }
    (Path(folder) / f"{log.stem}.json").write_text(json.dumps(content), encoding="utf-8")


def last_error(path: Path) -> str | None:
    """The ``error:`` line that a job ended its log with; None where it did not fail."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines and lines[-1].startswith("error: ") else None


def _unexpected(error: BaseException, log: Path) -> str:
    trouble = storage_trouble(error)
    if (
        isinstance(error, OSError)
        and trouble is not None
        and not isinstance(error, PermissionError)
    ):
        place = f"{error.filename}, " if error.filename else ""
        return PathcallError(trouble[0], where=f"{place}log {log}", fix=trouble[1]).line()
    what = f"unexpected {type(error).__name__}: {error}"
    fix = "this is a bug in pathcall: report it with that log"
    if isinstance(error, OSError):
        fix = "free space or permissions there, then run again"
    if isinstance(error, MemoryError):
        fix = "give the job more memory (see docs/slurm.md), then run again"
    return PathcallError(what, where=f"log {log}", fix=fix).line()


def _end(path: Path, handler: logging.FileHandler, line: str) -> None:
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger(__name__).error("%s", line)
    handler.flush()
    if last_error(path) != line:
        print(line, file=sys.stderr, flush=True)
    sys.exit(1)
