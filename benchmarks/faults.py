"""Break everything that can be broken, and write down how it ends.

    python -m benchmarks.faults [PART …] [--times N]

``inputs`` breaks config, sheet, contrasts, panel, counts and metadata with the tests of mutations;
``servers`` makes a server misbehave in every way of tests/server_behaviours.py; ``downloads`` runs
the cases of tests/faults.py; ``killed_…`` kills them and runs at random moments; ``shortage`` takes
disk, inodes and memory away. Each writes its part of ``benchmarks/results/faults.json``, and all
that is known then makes ``docs/reliability.md``, with the mutants of ``tools/mutate.py``;
``--page-only`` makes it from the results alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests import faults, server_behaviours

from benchmarks import kills
from benchmarks.data import ROOT
from benchmarks.guards import MARK
from benchmarks.markdown import markdown_table
from pathcall.files import write_atomic

RESULTS = ROOT / "benchmarks/results/faults.json"
MUTANTS = ROOT / "benchmarks/results/mutants.json"
DOC = ROOT / "docs/reliability.md"
MUTATION_TESTS = (
    "tests/study/test_mutations.py", "tests/counts/test_mutations.py",
    "tests/geo/test_soft_mutations.py",
)  # fmt: skip


def inputs(times: int) -> dict[str, Any]:
    """Run the tests of mutations with many more examples than `make test` does."""
    rows: list[list[Any]] = []
    failed = []
    for module in MUTATION_TESTS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "tried.json")
            env = os.environ | {"PATHCALL_MUTATIONS": str(times), "PATHCALL_TRIED": str(out)}
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-n0", "-q", module], cwd=ROOT, env=env,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            rows += json.loads(out.read_text(encoding="utf-8"))
            failed += [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    return {"rows": rows, "failed": failed}


def servers(times: int) -> dict[str, Any]:
    """Every behaviour, at every file, once and for ever."""
    rows: dict[str, dict[str, Any]] = {}
    for how, at, often in server_behaviours.CASES:
        row = rows.setdefault(how, {"tried": 0, "right": 0, "refused": 0, "wrong": []})
        row["tried"] += 1
        try:
            row[server_behaviours.check(server_behaviours.try_behaviour(how, at, often), how)] += 1
        except Exception as error:
            row["wrong"].append(f"{at} {often}: {type(error).__name__}: {str(error)[:200]}")
            print(how, row["wrong"][-1], flush=True)
    return {"behaviours": rows}


def downloads(times: int) -> dict[str, Any]:
    """The cases whose line is worth reading."""
    rows = [(case.fault, faults.run_case(case)) for case in faults.CASES]
    rows += [
        ("a full disk (small tmpfs)", faults.full_disk()),
        ("a limit on the size of files (`ulimit -f`)", faults.size_limit()),
        ("read-only `resources/`", faults.read_only()),
    ]
    return {
        "cases": [
            [fault, None if found is None else "right" if found.error is None else "refused",
             "" if found is None or found.error is None else faults.shown(found.error)]
            for fault, found in rows
        ],
    }  # fmt: skip


def killed_downloads(times: int) -> dict[str, Any]:
    """Kills in the midst of a download."""
    found = [what for _, what in faults.kill_at_random(60, seed=1)]
    return {"tried": len(found), "right": found.count("right")}


def killed_runs(times: int) -> dict[str, Any]:
    """Kills of whole runs."""
    return kills.kill_runs(40, seed=2)


def shortage(times: int) -> dict[str, Any]:
    """Too little disk, inodes, memory."""
    wanted = kills.whole_run()
    return {
        "disk": kills.short_of("disk", [500], wanted),
        "inodes": kills.short_of("inodes", [60], wanted),
        "memory": kills.short_of("memory", [600], wanted),
    }


PARTS = {
    "inputs": inputs, "servers": servers, "downloads": downloads,
    "killed_downloads": killed_downloads, "killed_runs": killed_runs,
    "shortage": shortage,
}  # fmt: skip


def document(results: dict[str, Any]) -> str:
    """Text of docs/reliability.md from what was measured, without the section on data sets."""
    lines = [
        "# Faults, and what they end in",
        "",
        "<!-- Generated from benchmarks/results/faults.json by `python -m benchmarks.faults`. -->",
        "",
        "A fault may end in two ways: the right result, or status ≠ 0 with one line on standard",
        "error that says what, where and how to fix it. A third way (a traceback, a hang, another",
        "result, a file that is half written) is *wrong*. Tables say how often a fault was tried.",
        "",
    ]
    for name, section in _SECTIONS.items():
        if name in results:
            lines += [*section(results[name]), ""]
    if MUTANTS.is_file():
        lines += [*_mutants(json.loads(MUTANTS.read_text(encoding="utf-8"))), ""]
    return "\n".join(lines)


def _inputs(found: dict[str, Any]) -> list[str]:
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for what, how, ended, times in found["rows"]:
        counts[what, how][ended] += times
    rows = [
        [what, how, sum(ends.values()), ends["read"], ends["refused"]]
        for (what, how), ends in sorted(counts.items())
    ]
    total = sum(row[2] for row in rows)
    return [
        "## Broken inputs",
        "",
        f"{total:,} mutations of good files; {len(found['failed'])} wrong. *Read*: what came of it",
        "is what the unbroken file says (format), or exactly what the broken one says (content),",
        "value by value. More: `PATHCALL_MUTATIONS=5000 pytest tests/study/test_mutations.py`.",
        "",
        *markdown_table(["file", "mutation", "tried", "read", "refused"], rows),
    ]


def _servers(found: dict[str, Any]) -> list[str]:
    rows = [
        [how, row["tried"], row["right"], row["refused"], len(row["wrong"])]
        for how, row in found["behaviours"].items()
    ]
    return [
        "## Servers that misbehave",
        "",
        f"{sum(row[1] for row in rows)} runs against a server in the tests, each with one",
        "behaviour, met by one of six files of a study, once or for ever; each must end within "
        f"{server_behaviours.TIME_LIMIT_S:.0f} s.",
        "",
        *markdown_table(["behaviour", "tried", "right bytes", "refused", "wrong"], rows),
    ]


def _downloads(found: dict[str, Any]) -> list[str]:
    ends = {"right": "succeeds, right bytes", "refused": "status ≠ 0", None: "not tried"}
    rows = [
        [fault, ends[ended], f"`{line}`" if line else ""] for fault, ended, line in found["cases"]
    ]
    return [
        "## What a download survives",
        "",
        "In every row, any file at its final path has exactly the archive's bytes, and no manifest",
        "exists unless the fetch succeeded; `tests/geo/test_reliability.py` holds each to it.",
        "",
        *markdown_table(["fault", "ends", "the one line on standard error"], rows),
    ]


def _killed_downloads(found: dict[str, Any]) -> list[str]:
    return [
        "## Downloads that are killed",
        "",
        f"`kill -9` at {found['tried']} random moments of a download: the next one had all files,",
        f"with the right SHA-256, in {found['right']} of {found['tried']}.",
    ]


def _killed_runs(found: dict[str, Any]) -> list[str]:
    rows = [[job, times] for job, times in found["during"].items()]
    return [
        "## Runs that are killed",
        "",
        f"`kill -9` of {found['tried']} runs of a small study at random moments, half of the",
        "main process alone, half of the whole process group; each was started again in the same",
        "folder. The bytes were those of a run that nothing happened to in "
        f"{found['identical']} of {found['tried']}.",
        f"Processes still there {kills.GONE_WITHIN_S:.0f} s after a kill: {len(found['left'])}.",
        "",
        *markdown_table(["running when killed", "kills"], rows),
    ]


def _shortage(found: dict[str, Any]) -> list[str]:
    unit = {"disk": "kB of disk", "inodes": "inodes", "memory": "MB of address space"}
    rows = [
        [f"{row['amount']:,} {unit[what]}", f"`{faults.shown(row['line'])}`",
         "the same bytes" if row["same"] else "other bytes"]
        for what, ends in found.items()
        for row in ends
    ]  # fmt: skip
    return [
        "## Too little disk, inodes, memory",
        "",
        "A run of a small study with so much left, then one with enough in the same folder.",
        "",
        *markdown_table(["left", "last line on standard error", "afterwards"], rows),
    ]


def _mutants(found: list[dict[str, Any]]) -> list[str]:
    killed: dict[str, list[bool]] = defaultdict(list)
    for mutant in found:
        killed[mutant["room"]].append(mutant["killed"])
    rows = [[f"`{room}`", len(of), sum(of), f"{sum(of) / len(of):.0%}"]
            for room, of in sorted(killed.items())]  # fmt: skip
    every = [dead for of in killed.values() for dead in of]
    return [
        "## Code that is broken",
        "",
        "`tools/mutate.py` changes a comparison, an operator, a condition or a number of a module",
        "and runs the tests of its room (those of the whole workflow are not run). They notice",
        f"{sum(every)} of {len(every)} ({sum(every) / len(every):.0%}). The others, of which many",
        "change no result (`>` for `>=` between measured numbers, the size of a buffer), stand in",
        "`benchmarks/results/mutants.json`.",
        "",
        *markdown_table(["room of `src/pathcall`", "changes", "noticed", "share"], rows),
    ]


_SECTIONS = {
    "inputs": _inputs, "servers": _servers, "downloads": _downloads,
    "killed_downloads": _killed_downloads, "killed_runs": _killed_runs,
    "shortage": _shortage,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them without one")
    parser.add_argument("--times", type=int, default=500, help="mutations of each test")
    parser.add_argument("--page-only", action="store_true", help="measure nothing")
    given = parser.parse_args()
    for part in [] if given.page_only else given.parts or PARTS:
        start = time.monotonic()
        found = PARTS[part](given.times)
        print(f"{part}: {time.monotonic() - start:.0f} s", flush=True)
        results = _known()
        results[part] = found  # another part may have been measured meanwhile
        write_atomic(json.dumps(results, indent=1, ensure_ascii=False) + "\n", RESULTS)
    _, mark, rest = DOC.read_text(encoding="utf-8").partition(MARK)
    write_atomic(f"{document(_known()).rstrip()}\n\n{mark}{rest}", DOC)


def _known() -> dict[str, Any]:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}


if __name__ == "__main__":
    main()
