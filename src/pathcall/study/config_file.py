"""Config files as they stand on disk, read without evaluating anything.

Snakemake reads a config file with YTE: a file that says ``__use_yte__: true`` can run any Python,
and of a key that appears twice the last one wins. Both are refused here: by `check_command_line`
before Snakemake reads the file (the profiles in ``profiles/`` call it), by `check_config_files`
after it (the Snakefile calls it, for runs without a profile).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from pathcall.errors import ConfigError, PathcallError, shown
from pathcall.tsv import read_text_file

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_NODES = 20_000
"""Largest number of keys and values, aliases written out."""
DEFAULT = "config/config.yaml"
_TEMPLATE = ("__use_yte__", "__definitions__", "__variables__")
# YAML 1.1 reads these as other numbers than they look like: 010 is 8, 1:30 is 90.
_ODD_NUMBER = re.compile(r"[-+]?0([0-9]+|[bxo].*)|.*[_:].*")


def read_config_file(path: str | Path) -> dict[str, Any]:
    """A config file as plain data, by YAML's safe loader.

    Raises
    ------
    ConfigError
        Naming file and line: the file is missing, not UTF-8, no YAML or JSON, empty or no mapping;
        a key appears twice; it asks for its expressions to be evaluated; it is too large or too
        deeply nested; a number is not the one that it looks like.
    """
    text = read_text_file(path, what="config file", limit=MAX_BYTES)
    try:
        content = _from_json(text, path) if text.lstrip().startswith("{") else None
        if content is None:
            content = yaml.load(text, Loader=_loader(path))
    except yaml.YAMLError as error:
        raise _syntax_error(error, text, path) from None
    except RecursionError:
        raise _too_large("is too deeply nested", path) from None
    except (ValueError, OverflowError) as error:
        # A date such as 2024-13-45, or a number of thousands of digits.
        raise ConfigError(
            "a value of the config file can't be read",
            where=f"{path} ({error})",
            fix="put it in quotes",
        ) from None
    if not isinstance(content, dict):
        found = "it is empty" if content is None else f"it is a {type(content).__name__}"
        raise ConfigError(
            "the config file holds no keys",
            where=f"{path}, line 1 ({found})",
            fix="write `key: value` on each line; config/config.yaml is an example",
        )
    return content


def check_config_files(paths: Iterable[str | Path], *, evaluated: bool) -> None:
    """Refuse config files that `read_config_file` refuses.

    Parameters
    ----------
    paths
        Config files of the run.
    evaluated
        Snakemake has read them already, so that their expressions, if any, have run.
    """
    for path in paths:
        try:
            read_config_file(path)
        except _TemplateError as error:
            if not evaluated:
                raise
            raise ConfigError(
                f"{error.what}; Snakemake has done so",
                where=error.where,
                fix=f"{error.fix}; to have such a file refused before it runs, use the profiles of "
                "this workflow (SECURITY.md)",
            ) from None


def check_command_line(arguments: Sequence[str] | None = None) -> None:
    """End the process with an ``error:`` line if a config file of a Snakemake command is refused.

    Parameters
    ----------
    arguments
        Arguments of the command; those of this process if not given.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", default=[], dest="files")
    # Snakemake's options of the same beginning, so that they are not taken for abbreviations.
    parser.add_argument("--config", "-C", nargs="*")
    try:
        given, _ = parser.parse_known_args(list(sys.argv[1:] if arguments is None else arguments))
    except argparse.ArgumentError:
        return  # Snakemake says what is wrong with its arguments
    files = given.files or [path for path in (DEFAULT,) if Path(path).is_file()]
    try:
        check_config_files(files, evaluated=False)
    except PathcallError as error:
        print(error.line(), file=sys.stderr, flush=True)
        sys.exit(1)
    finally:
        # The Snakefile imports the package of its own folder, which need not be this one.
        for name in [n for n in sys.modules if n.partition(".")[0] == __name__.partition(".")[0]]:
            del sys.modules[name]


class _TemplateError(ConfigError):
    """A config file that asks for its expressions to be evaluated."""


def _refuse_templates(key: Hashable, where: str) -> None:
    if key in _TEMPLATE:
        raise _TemplateError(
            "a config file asks for its expressions to be evaluated",
            where=f"{where}, key {key}",
            fix="delete the key and write plain values",
        )


def _loader(path: str | Path) -> type[yaml.SafeLoader]:
    """A safe loader that knows its file, for messages."""

    class Loader(yaml.SafeLoader):
        def get_single_node(self) -> Any:
            node = super().get_single_node()
            if node is not None:
                _check_size(node, path)
            return node

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
            if isinstance(node, yaml.MappingNode):
                seen: dict[Any, int] = {}
                for key_node, _ in node.value:
                    if key_node.tag == "tag:yaml.org,2002:merge":
                        continue
                    key: Any = self.construct_object(key_node, deep=True)
                    line = key_node.start_mark.line + 1
                    where = f"{path}, line {line}"
                    if not isinstance(key, Hashable):
                        raise ConfigError(
                            "a key of the config file is a list or a mapping",
                            where=where,
                            fix="write a name",
                        )
                    _refuse_templates(key, where)
                    if key in seen:
                        raise _twice(key, f"{path}, lines {seen[key]} and {line}")
                    seen[key] = line
            return super().construct_mapping(node, deep=deep)

    def number(convert: Callable[[yaml.SafeLoader, Any], Any]) -> Callable[[Any, Any], Any]:
        def construct(loader: yaml.SafeLoader, node: Any) -> Any:
            value = convert(loader, node)
            if _ODD_NUMBER.fullmatch(str(node.value)):
                raise ConfigError(
                    "a number of the config file is not the one that it looks like",
                    where=f"{path}, line {node.start_mark.line + 1}, value {node.value}: YAML "
                    f"reads {value}",
                    fix="put it in quotes, or write a plain number",
                )
            return value

        return construct

    Loader.add_constructor("tag:yaml.org,2002:int", number(yaml.SafeLoader.construct_yaml_int))
    Loader.add_constructor("tag:yaml.org,2002:float", number(yaml.SafeLoader.construct_yaml_float))
    return Loader


def _check_size(root: yaml.Node, path: str | Path) -> None:
    """Refuse what aliases blow up, and deep nesting."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise _too_large(f"is nested more than {MAX_DEPTH} levels deep", path)
        if id(node) in sizes:
            return sizes[id(node)]
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        total = 1 + sum(size(part, depth + 1) for part in parts)
        if total > MAX_NODES:
            raise _too_large(f"holds more than {MAX_NODES:,} values", path)
        sizes[id(node)] = total
        return total

    size(root, 0)


def _from_json(text: str, path: str | Path) -> Any:
    """What Snakemake reads as JSON; None where it is none."""

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in pairs:
            _refuse_templates(key, str(path))
            if key in made:
                raise _twice(key, str(path))
            made[key] = value
        return made

    try:
        return json.loads(text, object_pairs_hook=mapping)
    except json.JSONDecodeError:
        return None


def _twice(key: Hashable, where: str) -> ConfigError:
    return ConfigError(
        "a key appears twice in the config file",
        where=f"{where}, key {shown(key)}",
        fix="keep one: of two, the last would silently win",
    )


def _too_large(what: str, path: str | Path) -> ConfigError:
    return ConfigError(
        f"the config file {what}", where=str(path), fix="write plain keys, lists and values"
    )


def _syntax_error(error: yaml.YAMLError, text: str, path: str | Path) -> ConfigError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = "" if mark is None else f", line {mark.line + 1}"
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    lines = text.split("\n")
    shown_line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    fix = "correct the YAML there; config/config.yaml is an example"
    if "\t" in shown_line[: len(shown_line) - len(shown_line.lstrip())] or "\\t" in problem:
        fix = "indent with spaces: YAML takes no tabs"
    return ConfigError(
        "the config file is not valid YAML",
        where=f"{path}{line}" + (f", {shown(shown_line.strip())}" if shown_line else ""),
        fix=f"{fix} ({problem})",
    )
