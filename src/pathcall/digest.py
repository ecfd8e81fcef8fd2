"""A digest of source code, so that editing a module reruns the rules that depend on it.

Snakemake tracks a rule's script, not what the script imports. Each rule therefore carries
``code_digest("pathcall.module")`` among its params.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent
_IMPORT = re.compile(r"^[ \t]*((?:from|import)[ \t](?:[^(\n]*(?:\n|\Z)|[^(\n]*\([^)]*\)))", re.M)
"""An import statement, or a line of prose that begins as one. Ten times faster than the whole file
through `ast`, which would cost each parse of the workflow a second."""
COMPILED = (".pyc", ".pyo", ".nbi", ".nbc")


def code_digest(module: str) -> str:
    """SHA-256 over the source of a pathcall module and of all pathcall modules it imports.

    Importing a module of a package runs the package's ``__init__``, so that counts too; the
    package's other modules count only where they are imported.

    Parameters
    ----------
    module
        Dotted name, such as ``pathcall.deseq.stats``; data files of a module count. A package named
        here stands for every file in its folder, templates included.

    Raises
    ------
    ModuleNotFoundError
        There is no such module.
    """
    folder = _path(module)
    start = [module]
    files: set[Path] = set()
    if module != ROOT.name and folder.is_dir():
        found = [f for f in folder.rglob("*") if f.is_file() and f.suffix not in COMPILED]
        files.update(found)
        start += [_name(path) for path in found if path.suffix == ".py"]
    elif not _is_module(module):
        raise ModuleNotFoundError(f"no module {module} in pathcall")
    files |= _closure(start)
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _closure(start: list[str]) -> set[Path]:
    """Files of the modules named and of all that importing them runs."""
    todo = list(start)
    done: set[str] = set()
    files: set[Path] = set()
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        parent = name.rpartition(".")[0]
        if parent and parent != ROOT.name:  # the top holds the version, no result
            todo.append(parent)
        own = _files(name)
        files.update(own)
        todo += [found for path in own if path.suffix == ".py" for found in _imports(path)]
    return files


def _path(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")[1:])


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join((ROOT.name, *(parts[:-1] if parts[-1] == "__init__" else parts)))


def _is_module(name: str) -> bool:
    if not name.startswith(f"{ROOT.name}."):
        return False
    return _path(name).with_suffix(".py").is_file() or _path(name).is_dir()


def _files(module: str) -> list[Path]:
    path = _path(module)
    if path.with_suffix(".py").is_file():
        # A module's data carries its name: dispersion_prior.tsv.gz belongs to dispersion.
        return [path.with_suffix(".py"), *path.parent.glob(f"{path.name}_*.tsv.gz")]
    init = path / "__init__.py"
    return [init] if init.is_file() else []


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Names of the pathcall modules that a file imports, at its top or inside a function."""
    package = (ROOT.name, *path.relative_to(ROOT).parts[:-1])
    found: list[str] = []
    for node in _import_statements(path.read_text(encoding="utf-8")):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # from . import a, from ..b import c
                above = package[: len(package) - node.level + 1]
                base = ".".join((*above, *([node.module] if node.module else [])))
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(name for name in found if _is_module(name))


def _import_statements(source: str) -> Iterator[ast.stmt]:
    for text in _IMPORT.findall(source):
        try:
            yield from ast.parse(text).body
        except SyntaxError:
            continue  # prose
