"""``pathcall run``: the packaged workflow, run by Snakemake."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pathcall.command.project import project_folder
from pathcall.errors import ConfigError

CONFIG_NAME = "config.yaml"
"""Config of a study that has a folder of its own."""
_ENDINGS = (".yaml", ".yml", ".json")
_CORES = ("--cores", "-c", "--jobs", "-j", "--executor", "-e", "--profile", "--workflow-profile")


def run(arguments: Sequence[str]) -> None:
    """Replace this process by Snakemake on the packaged workflow.

    Parameters
    ----------
    arguments
        Config files, or one folder that holds `CONFIG_NAME`; then any arguments of Snakemake.

    Raises
    ------
    ConfigError
        Snakemake is not installed, or a config is missing.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise ConfigError(
            "Snakemake is not installed", where=sys.executable, fix="pip install snakemake"
        )
    # -P: modules are not looked for in the user's folder.
    os.execv(sys.executable, [sys.executable, "-P", "-m", *snakemake_command(arguments)])


def snakemake_command(arguments: Sequence[str]) -> list[str]:
    """The command that ``pathcall run`` stands for: what was given, and defaults for the rest."""
    folder, configs, rest = split_arguments(arguments)
    project = project_folder()
    command = ["snakemake", "--snakefile", str(project / "Snakefile"), "--configfile", *configs]
    if folder is not None:
        command += ["--directory", folder]
    if not _has(rest, ["--workflow-profile"]):
        command += ["--workflow-profile", str(project / "profiles" / "default")]
    if not _has(rest, _CORES):
        command += ["--cores", "all"]
    return [*command, *rest]


def split_arguments(arguments: Sequence[str]) -> tuple[str | None, list[str], list[str]]:
    """Folder to run in (None: the present one), config files, arguments of Snakemake.

    Raises
    ------
    ConfigError
        A config file does not exist, or a folder holds none.
    """
    first, rest = arguments[0], list(arguments[1:])
    folder = None
    if Path(first).is_dir():
        folder, first = first, str(Path(first) / CONFIG_NAME)
    configs = [first]
    while rest and rest[0].endswith(_ENDINGS):
        configs.append(rest.pop(0))
    for config in configs:
        if not Path(config).is_file():
            raise ConfigError(
                "there is no such config file",
                where=config,
                fix="name a config file, or a folder that holds config.yaml",
            )
    # Snakemake reads config files in the folder it was started in, whatever --directory says.
    return folder, configs, rest


def _has(arguments: Sequence[str], options: Sequence[str]) -> bool:
    return any(
        part == option or part.startswith(f"{option}=") or _short(part, option)
        for part in arguments
        for option in options
    )


def _short(part: str, option: str) -> bool:
    """``-c4``."""
    return len(option) == 2 and part.startswith(option) and part[2:].isdigit()
