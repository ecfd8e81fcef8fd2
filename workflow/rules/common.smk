"""What all stages share: the checked config, sheet and contrasts, as plain data.

REQUIRED INPUTS
    config, the sample sheet and the contrasts table; PROJECT and SOURCE (rules/source.smk)

OUTPUTS
    none: names only (CONFIG, STUDY, CONTRASTS, PLANS, TARGETS, PANEL, CONTENT, PANEL_CONTENT,
    SHEET_CONTENT, COUNT_FILES, LENGTHS, contrasts_of, targets_below, captioned, code_digest)

Everything a user can get wrong in them is found here, before any job runs.

Rules have a `priority` where they stand on the longest way to the report: fit, then what the calls
wait for. What only the page shows fills the cores beside them.
"""

import os

from pathcall import digest
from pathcall.content import Content
from pathcall.files import check_seals
from pathcall.study.config_file import check_config_files
from pathcall.study.config import count_files
from pathcall.study.plan import plan_study, stop_on_error
from pathcall.report import wording

CONFIG_FILES = [os.path.relpath(path) for path in workflow.configfiles]

with stop_on_error():
    # A module's config is what the workflow around it makes of files of its own.
    if workflow.is_main_process and not workflow.modifier.skip_configfile:
        check_config_files(CONFIG_FILES, evaluated=True)
    named = [*CONFIG_FILES, *(["--config"] if workflow.config_settings.config else [])]
    PLAN = plan_study(config, source=", ".join(named) or "the config", root=PROJECT)

CONFIG = PLAN.config
STUDY = CONFIG.study
CONTRASTS = PLAN.contrasts
PLANS = PLAN.models
TARGETS = PLAN.targets()
PANEL = PLAN.panel_files

# What the user gives is known by content: hashed once a run, by the main process.
CONTENT = Content(main=workflow.is_main_process)
PANEL_CONTENT = CONTENT.of(PANEL)
SHEET_CONTENT = CONTENT.of([CONFIG.samples, CONFIG.contrasts])
COUNT_FILES = count_files(CONFIG.counts.file) if CONFIG.counts.file else []
LENGTHS = [CONFIG.counts.lengths] if CONFIG.counts.lengths else []

if workflow.is_main_process:
    if not workflow.modifier.skip_configfile:
        CLOSING.results_in(f"results/{STUDY}")
    with stop_on_error():
        check_seals(f"results/{STUDY}")


def code_digest(module):
    """Digest of a module's code and of what it imports, found once a run as well."""
    return CONTENT.note(f"code of {module}", lambda: digest.code_digest(module))


def contrasts_of(model):
    """Ids of a model's contrasts, in the order of the contrasts table."""
    return list(PLANS[model].weights)


def targets_below(*names):
    """Outputs of a run of these names, or in these folders (`qc/`)."""
    folder = f"results/{STUDY}/"
    return [
        path
        for path in TARGETS
        if any(
            path == folder + name or name[-1] == "/" and path.startswith(folder + name)
            for name in names
        )
    ]


def captioned(path, key, **labels):
    """A figure for `snakemake --report`, with the wording of the page."""
    return report(
        path,
        caption=f"../report/{key}.rst",
        category=wording.CAPTIONS[key].category,
        labels={"figure": wording.CAPTIONS[key].title, **labels},
    )
