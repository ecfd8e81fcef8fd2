"""Adapter of rule rank_pathways."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.ranking import rank_and_write

    rank_and_write(
        list(snakemake.input.models),
        contrasts=snakemake.params.contrasts,
        signatures=snakemake.params.signatures,
        rule=snakemake.params.rule,
        seed=snakemake.params.seed,
        out=snakemake.output[0],
    )
