"""How often each kind of broken input was tried, and how that ended: for docs/reliability.md.

With ``PATHCALL_TRIED=FILE`` in the environment the counts are written there as the process ends
(`benchmarks.faults`); else they are of no use.
"""

from __future__ import annotations

import atexit
import json
import os
from collections import Counter
from pathlib import Path

from pathcall.errors import PathcallError

TRIED: Counter[tuple[str, str, str]] = Counter()
"""(what was broken, how, how it ended) → times."""
MUTATIONS = int(os.environ.get("PATHCALL_MUTATIONS", "60"))
"""Examples of each test that breaks inputs."""


def note(what: str, how: str, ended: str) -> None:
    """Count one."""
    TRIED[what, how, ended] += 1


def check_line(error: PathcallError, path: Path) -> None:
    """The error is one line that names the file and says how to fix it."""
    line = error.line()
    assert line.startswith("error: ")
    assert line.isprintable(), line
    assert len(line) < 1_500, line[:1_500]
    assert error.what.strip(), line
    assert error.fix.strip(), line
    assert path.name in line, line


def _write(path: Path) -> None:
    rows = [[*key, times] for key, times in sorted(TRIED.items())]
    path.write_text(json.dumps(rows), encoding="utf-8")


if os.environ.get("PATHCALL_TRIED"):
    atexit.register(_write, Path(os.environ["PATHCALL_TRIED"]))
