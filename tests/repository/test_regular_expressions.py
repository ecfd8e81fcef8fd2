"""No regular expression of the package takes long on text that is made to be slow."""

from __future__ import annotations

import ast
import re
import time

import pytest

from tests.project import ROOT

FLAGS = {"I": re.I, "IGNORECASE": re.I, "S": re.S, "M": re.M, "MULTILINE": re.M, "X": re.X}
CALLS = {"compile", "match", "search", "fullmatch", "findall", "finditer", "sub", "split"}
LENGTHS = (100, 400, 1_600)  # slow ones show at the first, before they hang
ALLOWED = 1.0  # CPU s; the slowest take 0.05 s, so a slow machine does not decide


def expressions() -> list[tuple[str, str, str | bytes, int]]:
    """Every literal pattern in the source: where, the function of `re`, pattern, flags."""
    found = []
    for path in sorted((ROOT / "src/pathcall").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in CALLS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, str | bytes)
            ):
                named = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
                flags = 0
                for name, flag in FLAGS.items():
                    flags |= flag if name in named else 0
                where = f"{path.relative_to(ROOT / 'src')}:{node.lineno}"
                found.append((where, node.func.attr, node.args[0].value, flags))
    return found


def slow_texts(pattern: str | bytes, length: int) -> list[str]:
    """Long runs of what the pattern may repeat, with an end that does not fit."""
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    signs = dict.fromkeys([*" -_.,;:#([<>\"'/\\@+e=\t\n", *"aAr09", *re.findall(r"\w", text)])
    words = re.findall(r"[A-Za-z]{2,12}", text)[:8]
    runs = [sign * length for sign in signs]
    runs += [(w + " ") * (length // (len(w) + 1)) for w in words]
    runs += [
        "a-" * (length // 2),
        " -" * (length // 2),
        "1." * (length // 2),
        "- 1" * (length // 3),
    ]
    return [run + end for run in runs for end in ("", "\x00", "é!")]


EXPRESSIONS = expressions()


def test_expressions_are_found() -> None:
    assert len(EXPRESSIONS) > 40


@pytest.mark.parametrize(
    ("where", "function", "pattern", "flags"), EXPRESSIONS, ids=[where for where, *_ in EXPRESSIONS]
)
def test_an_expression_is_fast_on_any_text(
    where: str, function: str, pattern: str | bytes, flags: int
) -> None:
    """Used as the code uses it: `match` may not be slow where `search` would be."""
    compiled = re.compile(pattern, flags)
    uses = [compiled.match, compiled.search] if function == "compile" else [compiled.search]
    if function in {"match", "fullmatch"}:
        uses = [getattr(compiled, function)]
    for length in LENGTHS:
        for text in slow_texts(pattern, length):
            subject = text.encode() if isinstance(pattern, bytes) else text
            start = time.process_time()
            for use in uses:
                use(subject)
            taken = time.process_time() - start
            assert taken < ALLOWED, f"{where}: {taken:.1f} s on {length} of {text[:20]!r}…"
