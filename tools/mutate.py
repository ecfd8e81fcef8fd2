"""Change the code in small ways and see whether its tests notice: the mutation score.

python tools/mutate.py [--n 120] [--seed 1] [--rooms calls study/contrasts.py …]

Each mutant is one change (a comparison, an operator, a condition, a number) in one module of the
rooms, drawn at random. It is killed if a test of the room fails, hangs or crashes. Survivors are
listed, with where they are; benchmarks/results/mutants.json holds all of them, those of rooms that
are not asked for as they were.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "pathcall"
RESULTS = ROOT / "benchmarks/results/mutants.json"
ROOMS = ("study/contrasts.py", "counts", "geo", "deseq", "calls")
TIME_LIMIT_S = 300
COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip
# What changes words of messages, progress and logs only.
SPEECH = ("logger", "InputError", "ConfigError", "DownloadError", "DamagedError", "notes", "shown",
          "NotPresentError", "warn", "_progress", "choose", "print", "Field")  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: where, and the text before and after."""

    path: str
    line: int
    start: int
    end: int
    before: str
    after: str


def modules(rooms: tuple[str, ...]) -> list[Path]:
    """Modules of the rooms; kernels are left out: each would be compiled anew."""
    found: list[Path] = []
    for room in rooms:
        path = SOURCE / room
        found += [path] if path.is_file() else sorted(path.glob("*.py"))
    return [path for path in found if path.name != "__init__.py"]


def mutants(path: Path) -> list[Mutant]:
    """Every change that is tried in a module."""
    text = path.read_text(encoding="utf-8")
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    raw = text.encode()
    found = []
    for node, changed in _changes(ast.parse(text)):
        if node.end_lineno is None or node.end_col_offset is None:
            continue
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        after = f"({ast.unparse(changed)})"
        before = raw[start:end].decode()
        where = path.relative_to(ROOT).as_posix()
        found.append(Mutant(where, node.lineno, start, end, before, after))
    return found


def _changes(tree: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(expression, what it becomes), outside of annotations, messages and docstrings."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Raise, ast.Assert, ast.JoinedStr)):
            continue
        if isinstance(node, ast.Call) and any(word in ast.unparse(node.func) for word in SPEECH):
            continue
        if isinstance(node, ast.keyword) and node.arg in ("strict", "quiet"):
            continue  # zip's own check, a library's progress
        if isinstance(node, (ast.AnnAssign, ast.arg)):
            value = getattr(node, "value", None)
            if value is not None:
                yield from _own(value)
                yield from _changes(value)
            continue
        if isinstance(node, (ast.If, ast.IfExp, ast.While)):
            yield node.test, ast.UnaryOp(ast.Not(), node.test)
        if isinstance(node, ast.expr):
            yield from _own(node)
        if isinstance(node, ast.ClassDef):
            yield from _changes(ast.Module(node.body, []))
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for part in (*node.args.defaults, *(d for d in node.args.kw_defaults if d), *node.body):
                if isinstance(part, ast.expr):
                    yield from _own(part)
                yield from _changes(ast.Module([part], []) if isinstance(part, ast.stmt) else part)
            continue
        yield from _changes(node)


def _own(node: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        ops = [COMPARISONS[type(node.ops[0])](), *node.ops[1:]]
        yield node, ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        if not isinstance(node.left, (ast.Constant, ast.JoinedStr)) or not isinstance(
            getattr(node.left, "value", 0), str
        ):
            yield node, ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield node, ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
        yield node, node.operand
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield node, ast.Constant(not node.value)
        elif isinstance(node.value, int):
            yield node, ast.Constant(node.value + 1)
        elif isinstance(node.value, float):
            yield node, ast.Constant(node.value * 1.5 + 0.1)


def tests_of(path: str, *, own: bool) -> list[list[str]]:
    """Its own tests, then those of the room, unless its `own` shall be enough."""
    room, name = Path(path).relative_to("src/pathcall").parts[:2]
    file = ROOT / "tests" / room / f"test_{name}"
    first = [[str(file)]] if file.is_file() else []
    return first if first and own else [*first, [str(ROOT / "tests" / room)]]


def survives(mutant: Mutant, folder: Path, *, own: bool) -> bool:
    """Whether all tests pass on a copy of the source with the change in it."""
    source = folder / "src"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    target = source / Path(mutant.path).relative_to("src")
    raw = target.read_bytes()
    changed = raw[: mutant.start] + mutant.after.encode() + raw[mutant.end :]
    target.write_bytes(changed)
    return all(_passes(tests, folder) for tests in tests_of(mutant.path, own=own))


def _passes(tests: list[str], folder: Path) -> bool:
    """Run tests in a fork of this process, which has imported all but the project."""
    child = os.fork()
    if child == 0:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (TIME_LIMIT_S, TIME_LIMIT_S))
        sys.path.insert(0, str(folder / "src"))
        os.environ["PYTHONPATH"] = str(folder / "src")
        os.environ["NUMBA_CACHE_DIR"] = str(folder / "numba")
        os.environ["PATHCALL_MUTATIONS"] = "10"
        sys.dont_write_bytecode = True
        import pytest

        wanted = ["-x", "-q", "-n0", "-p", "no:cacheprovider", "-m", "not rare and not internet",
                  "-W", "ignore::pytest.PytestAssertRewriteWarning"]  # fmt: skip
        os._exit(int(pytest.main([*wanted, f"--basetemp={folder / 'temp'}", *tests])))
    until = time.monotonic() + 3 * TIME_LIMIT_S
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main() -> None:
    """Draw, try, count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--n", type=int, default=120, help="mutants in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rooms", nargs="*", default=list(ROOMS))
    parser.add_argument("--own", action="store_true", help="run a module's own tests only")
    given = parser.parse_args()
    os.chdir(ROOT)
    for name in ("numpy", "pandas", "scipy.stats", "anndata", "pydeseq2.dds", "openpyxl",
                 "pytest", "hypothesis", "urllib3", "GEOparse", "gseapy", "numba"):  # fmt: skip
        __import__(name)
    draw = random.Random(given.seed)
    every = {room: [m for p in modules((room,)) for m in mutants(p)] for room in given.rooms}
    results = []
    with tempfile.TemporaryDirectory(prefix="pathcall-mutants-") as folder:
        for room, found in every.items():
            unchanged = Mutant(found[0].path, 1, 0, 0, "", "")
            if not survives(unchanged, Path(folder), own=given.own):
                sys.exit(f"error: the tests of {room} fail as it is")
            share = max(1, given.n // len(every))
            own = []
            for mutant in draw.sample(found, min(share, len(found))):
                alive = survives(mutant, Path(folder), own=given.own)
                own.append({"room": room, "killed": not alive, **vars(mutant)})
                if alive:
                    print(f"{mutant.path}:{mutant.line}: {mutant.before!r} → {mutant.after!r}",
                          flush=True)  # fmt: skip
            killed = sum(bool(row["killed"]) for row in own)
            print(f"{room}: {killed} of {len(own)} killed, {len(found)} possible", flush=True)
            results += own
            known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
            rows = [*(row for row in known if row["room"] != room), *own]
            rows.sort(key=lambda row: (row["path"], row["start"]))
            text = json.dumps(rows, indent=1, ensure_ascii=False)
            RESULTS.write_text(text + "\n", encoding="utf-8")
    killed = sum(bool(row["killed"]) for row in results)
    print(f"{killed} of {len(results)} killed: {killed / len(results):.0%}")


if __name__ == "__main__":
    main()
