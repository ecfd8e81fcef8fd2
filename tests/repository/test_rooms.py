"""The rooms of the package: imports go one way, and no module outgrows its one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from statistics import median

from tests.project import ROOT

PACKAGE = ROOT / "src/pathcall"
LONGEST = 500
MEDIAN = 130


def imports() -> dict[str, set[str]]:
    """Room (or module at the top) → the rooms it imports from."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pathcall."):
                found[room].add(str(node.module).split(".")[1])
        found[room].discard(room)
    return found


def test_no_room_imports_from_one_that_imports_from_it() -> None:
    graph = imports()
    for room in graph:
        seen: set[str] = set()
        todo = [room]
        while todo:
            for other in graph.get(todo.pop(), set()) - seen:
                seen.add(other)
                todo.append(other)
        assert room not in seen, f"{room} → … → {room}"


def test_modules_hold_one_thing() -> None:
    lengths = {
        str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    assert median(lengths.values()) <= MEDIAN
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_every_room_has_its_tests() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms <= {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
