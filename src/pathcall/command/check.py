"""``pathcall check``: all that can be wrong in what a user wrote, and nothing computed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import chdir
from typing import Any

from pathcall.command.project import project_folder
from pathcall.command.run import split_arguments
from pathcall.study.config_file import read_config_file
from pathcall.study.plan import StudyPlan, plan_study
from pathcall.summary.plan import KEY, plan_studies


def check(arguments: Sequence[str]) -> None:
    """Check a study and print what a run of it would do.

    Parameters
    ----------
    arguments
        Config files, merged in order, or a folder that holds one.

    Raises
    ------
    PathcallError
        The first thing that is wrong.
    """
    folder, configs, _ = split_arguments(arguments)
    where = folder or "."
    files = [os.path.relpath(path, where) for path in configs]
    with chdir(where):
        for plan in check_studies(files):
            print(summary(plan))


def check_studies(configs: Sequence[str]) -> list[StudyPlan]:
    """Check config, sheet, contrasts and panel, and the counts where they are a file.

    Parameters
    ----------
    configs
        Config files, merged in order, as Snakemake merges them: of one study, or a file of many.

    Raises
    ------
    PathcallError
        The first thing that is wrong.
    """
    raw: dict[str, Any] = {}
    for path in configs:
        _merge(raw, read_config_file(path))
    source = ", ".join(configs)
    if KEY in raw:
        studies = plan_studies(raw, source=source, root=project_folder())
        for error in studies.broken.values():
            raise error
        plans = list(studies.plans.values())
    else:
        plans = [plan_study(raw, source=source, root=project_folder())]
    for plan in plans:
        if plan.config.counts.source == "file":
            _check_counts(plan)
    return plans


def summary(plan: StudyPlan) -> str:
    """What a run would do, a few lines."""
    sheet = plan.sheet
    lines = [
        f"{plan.config.study}: {len(sheet.included)} samples"
        + (f" ({len(sheet.excluded)} excluded)" if sheet.excluded else "")
        + f", {len(plan.models)} model{'s' * (len(plan.models) > 1)}, "
        f"{len(plan.contrasts)} contrast{'s' * (len(plan.contrasts) > 1)}"
    ]
    for name, model in plan.models.items():
        design = plan.config.models[name].design
        lines.append(f"  {name}: {len(model.samples)} samples, {design}")
        lines += [f"    {contrast}" for contrast in model.weights]
    lines.append("nothing is wrong with them")
    return "\n".join(lines)


def _merge(raw: dict[str, Any], update: dict[str, Any]) -> None:
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(raw.get(key), dict):
            _merge(raw[key], value)
        else:
            raw[key] = value


def _check_counts(plan: StudyPlan) -> None:
    from pathcall.counts.given import read_given
    from pathcall.geo.assemble import assemble_table
    from pathcall.signatures.panel import load_panel
    from pathcall.study.config import count_files

    counts = plan.config.counts
    assert counts.file is not None  # with source `file`
    paths = count_files(counts.file)
    table = read_given(paths, layer=counts.layer, estimated=counts.estimated)
    assemble_table(
        table.counts,
        plan.sheet,
        load_panel(plan.signatures),
        where=counts.file,
        gene_id=counts.gene_id,
        symbols=table.symbols,
        lengths=[counts.lengths] if counts.lengths else [],
    )
