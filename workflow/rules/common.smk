"""What the other rule files share: the checked config, sheet and contrasts, as plain data.

REQUIRED INPUTS
    config, the sample sheet and the contrasts table

OUTPUTS
    none: names only (CONFIG, STUDY, CONTRASTS, PLANS, TARGETS, contrasts_of, code_digest)

Everything a user can get wrong in them is found here, before any job runs.
"""

import os
import sys
from pathlib import Path

# The library of this checkout, for this process and for every job, in whichever environment it runs.
SOURCE = str(Path(str(workflow.current_basedir)).parents[1] / "src")
if Path(SOURCE).is_dir():
    sys.path.insert(0, SOURCE)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        dict.fromkeys([SOURCE, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
    )
# Jobs use as many cores as Snakemake gives them: a BLAS with threads of its own makes a fit five
# times slower, and lets the last bits depend on the machine.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from pathcall.digest import code_digest
from pathcall.plan import plan_study, repeat_errors, stop_on_error

with stop_on_error():
    PLAN = plan_study(
        config,
        source=", ".join(map(str, workflow.overwrite_configfiles or ["config/config.yaml"])),
        root=Path(SOURCE).parent,
    )

CONFIG = PLAN.config
STUDY = CONFIG.study
CONTRASTS = PLAN.contrasts
PLANS = PLAN.models
TARGETS = PLAN.targets()
PANEL = PLAN.panel_files


def contrasts_of(model):
    """Ids of a model's contrasts, in the order of the contrasts table."""
    return list(PLANS[model].weights)
