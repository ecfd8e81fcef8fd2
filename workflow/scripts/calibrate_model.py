"""Adapter of the rules calibrate_model_{model}."""

from pathlib import Path

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.calls.calibration import calibrate_and_write

    calibrate_and_write(
        snakemake.input.model,
        signatures=Path(snakemake.input.panel[0]).parent,
        rule=snakemake.params.rule,
        seed=snakemake.params.seed,
        out=snakemake.output.table,
    )
