"""Adapter of rule test_sensitivity."""

from pathlib import Path

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.calls.sensitivity import vary_and_write

    vary_and_write(
        models=list(snakemake.input.models),
        de=list(snakemake.input.de),
        contrasts=snakemake.params.contrasts,
        signatures=Path(snakemake.input.panel[0]).parent,
        rule=snakemake.params.rule,
        seed=snakemake.params.seed,
        out=snakemake.output.table,
    )
