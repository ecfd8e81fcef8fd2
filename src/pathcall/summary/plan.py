"""The studies of a run that has several: each config checked by itself, mistakes kept apart.

Light, as `pathcall.study.plan` is: every job on a cluster parses the workflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pathcall.errors import ConfigError, PathcallError, choose, shown
from pathcall.study.config import Config, same_but_for_case
from pathcall.study.config_file import read_config_file
from pathcall.study.plan import StudyPlan, plan_study

KEY = "studies"
_OF_ONE_STUDY = ("study", "organism", "pathways", "samples", "contrasts", "counts", "models")
SHARED = tuple(name for name in Config.model_fields if name not in _OF_ONE_STUDY)
"""Keys that may stand beside `studies`: they hold for all of them."""


@dataclass(frozen=True)
class Studies:
    """Studies that one run works on.

    Attributes
    ----------
    configs
        Study → its configuration, as plain data.
    plans
        Study → what was checked of it.
    broken
        Config file → the error that keeps it out of the run.
    """

    configs: Mapping[str, Mapping[str, Any]]
    plans: Mapping[str, StudyPlan]
    broken: Mapping[str, PathcallError]


def plan_studies(raw: Mapping[str, Any], *, source: str, root: Path) -> Studies:
    """Check the config of every study; one that is wrong does not stop the others.

    Parameters
    ----------
    raw
        The studies file: `studies`, a list of config files, and keys that hold for all of them,
        whatever their own files say.
    source, root
        As of `plan_study`.

    Raises
    ------
    ConfigError
        The list is no list of files, names one twice or two of one study, another key stands beside
        it that belongs to a single study, or no study at all can be run.
    """
    files = raw[KEY]
    if not isinstance(files, list) or not files or not all(isinstance(f, str) for f in files):
        raise ConfigError(
            "`studies` is not a list of config files",
            where=f"{source}, key {KEY}, value {shown(files)}",
            fix=f"write one config file a line: {KEY}: [config/one.yaml, config/two.yaml]",
        )
    for name in raw:
        if name not in (KEY, *SHARED):
            raise ConfigError(
                "a key of a single study stands in the file of many",
                where=f"{source}, key {name}",
                fix="write it into the study's own config file"
                if name in _OF_ONE_STUDY
                else choose(name, SHARED, what="keys for all studies are"),
            )
    shared = {name: value for name, value in raw.items() if name != KEY}
    configs: dict[str, Mapping[str, Any]] = {}
    plans: dict[str, StudyPlan] = {}
    named: dict[str, str] = {}
    broken: dict[str, PathcallError] = {}
    for file in files:
        if file in named.values() or file in broken:
            raise _twice(f"a config file is listed twice: {file}", source)
        try:
            settings = {**read_config_file(file), **shared}
            plan = plan_study(settings, source=file, root=root)
            if not plan.calls:
                raise ConfigError(
                    "a study without calls can't be compared with others",
                    where=f"{file}, key pathways, value 'none'",
                    fix="run it by itself, or call pathways (pathways: panel)",
                )
        except PathcallError as error:
            broken[file] = error
            continue
        study = plan.config.study
        if study in named:
            raise _twice(f"study {study} of {named[study]} and {file}", source)
        configs[study], plans[study], named[study] = settings, plan, file
    if two := same_but_for_case(named):
        raise _twice(f"studies {two[0]} and {two[1]}, which differ in case only", source)
    if not configs:
        raise ConfigError(
            "none of the studies can be run",
            where=f"{source}, key {KEY}",
            fix=f"correct them; the first mistake is: {next(iter(broken.values()))}",
        )
    return Studies(configs, plans, broken)


def _twice(what: str, source: str) -> ConfigError:
    return ConfigError(
        "two studies of a run would write the same results",
        where=f"{source}, key {KEY}: {what}",
        fix="list each study once, and give each a name of its own",
    )
