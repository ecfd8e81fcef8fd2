"""Adapter of rule call_pathways."""

from pathlib import Path

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.calls.call_pathways import call_and_write

    call_and_write(
        models=list(snakemake.input.models),
        de=list(snakemake.input.de),
        readouts=list(snakemake.input.readouts),
        calibration=list(snakemake.input.calibration),
        contrasts=snakemake.params.contrasts,
        signatures=Path(snakemake.input.panel[0]).parent,
        rule=snakemake.params.rule,
        seed=snakemake.params.seed,
        out=dict(snakemake.output.items()),
    )
