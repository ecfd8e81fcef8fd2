"""What holds for a run as a whole, of one study or of many.

REQUIRED INPUTS
    SOURCE (rules/source.smk)

OUTPUTS
    none: the environment of the jobs, the closing lines of the run, the run's lock; CLOSING
"""

import os

from pathcall.closing import watch_run
from pathcall.runlock import hold_run
from pathcall.study.plan import job_environment

os.environ.update(job_environment(SOURCE, os.environ))

if workflow.is_main_process:
    CLOSING = watch_run(screen=not workflow.modifier.skip_configfile)
    # A run that was killed, in a download most of all, leaves Snakemake's folder locked.
    hold_run()
