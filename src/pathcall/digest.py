"""A digest of source code, so that editing a module reruns the rules that depend on it.

Snakemake tracks a rule's script, not what the script imports. Each rule therefore carries
``code_digest("pathcall.module")`` among its params.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent


def code_digest(module: str) -> str:
    """SHA-256 over the source of a pathcall module and of the pathcall modules it imports.

    Parameters
    ----------
    module
        Dotted name, such as ``pathcall.de``; data files of a module count. A package stands for all
        files in its folder, templates included.

    Raises
    ------
    ModuleNotFoundError
        There is no such module.
    """
    digest = hashlib.sha256()
    for path in sorted(_closure(module)):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _closure(module: str) -> set[Path]:
    todo = [module]
    done: set[str] = set()
    files: set[Path] = set()
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        own = _files(name)
        files.update(own)
        todo += [found for path in own if path.suffix == ".py" for found in _imports(path)]
    return files


def _files(module: str) -> list[Path]:
    path = ROOT.joinpath(*module.split(".")[1:])
    if path.with_suffix(".py").is_file() and path != ROOT:
        # A module's data carries its name: dispersion_prior.tsv.gz belongs to dispersion.
        return [path.with_suffix(".py"), *ROOT.glob(f"{path.name}_*.tsv.gz")]
    if path.is_dir() and path != ROOT:
        return [
            file
            for file in path.rglob("*")
            if file.is_file() and file.suffix not in (".pyc", ".pyo", ".nbi", ".nbc")
        ]
    raise ModuleNotFoundError(f"no module {module} in pathcall")


@cache
def _imports(path: Path) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in found if name.startswith("pathcall.") and _exists(name))


def _exists(module: str) -> bool:
    path = ROOT.joinpath(*module.split(".")[1:])
    return path != ROOT and (path.with_suffix(".py").is_file() or path.is_dir())
