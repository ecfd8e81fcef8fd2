"""Adapter of rule test_sensitivity."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.sensitivity import vary_and_write

    vary_and_write(
        models=list(snakemake.input.models),
        de=list(snakemake.input.de),
        contrasts=snakemake.params.contrasts,
        signatures=snakemake.params.signatures,
        rule=snakemake.params.rule,
        seed=snakemake.params.seed,
        out=snakemake.output.table,
    )
