"""What all stages share: the checked config, sheet and contrasts, as plain data.

REQUIRED INPUTS
    config, the sample sheet and the contrasts table

OUTPUTS
    none: names only (CONFIG, STUDY, CONTRASTS, PLANS, TARGETS, PANEL, contrasts_of, captioned,
    code_digest)

Everything a user can get wrong in them is found here, before any job runs.
"""

import os
import sys
from pathlib import Path

# The library of this checkout, for this process and for every job, in whichever environment it runs.
SOURCE = str(Path(str(workflow.current_basedir)).parents[1] / "src")
if Path(SOURCE).is_dir():
    sys.path.insert(0, SOURCE)

from pathcall.digest import code_digest
from pathcall.study.config_file import check_config_files
from pathcall.study.plan import job_environment, plan_study, repeat_errors, stop_on_error
from pathcall.report import wording

os.environ.update(job_environment(SOURCE, os.environ))

CONFIG_FILES = [os.path.relpath(path) for path in workflow.configfiles]

with stop_on_error():
    # A module's config is what the workflow around it makes of files of its own.
    if workflow.is_main_process and not workflow.modifier.skip_configfile:
        check_config_files(CONFIG_FILES, evaluated=True)
    named = [*CONFIG_FILES, *(["--config"] if workflow.config_settings.config else [])]
    PLAN = plan_study(config, source=", ".join(named) or "the config", root=Path(SOURCE).parent)

CONFIG = PLAN.config
STUDY = CONFIG.study
CONTRASTS = PLAN.contrasts
PLANS = PLAN.models
TARGETS = PLAN.targets()
PANEL = PLAN.panel_files


def contrasts_of(model):
    """Ids of a model's contrasts, in the order of the contrasts table."""
    return list(PLANS[model].weights)


def captioned(path, key, **labels):
    """A figure for `snakemake --report`, with the wording of the page."""
    return report(
        path,
        caption=f"../report/{key}.rst",
        category=wording.CAPTIONS[key].category,
        labels={"figure": wording.CAPTIONS[key].title, **labels},
    )
