"""Adapter of rule run_qc."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.qc.assess import assess_study

    assess_study(
        snakemake.input.counts,
        snakemake.input.source,
        factors=snakemake.params.factors,
        blocks=snakemake.params.blocks,
        covariates=snakemake.params.covariates,
        models=snakemake.params.models,
        min_count=snakemake.params.min_count,
        out=dict(snakemake.output.items()),
    )
