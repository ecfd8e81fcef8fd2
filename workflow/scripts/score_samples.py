"""Adapter of rule score_samples."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.scoring_table import score_and_write

    score_and_write(
        list(snakemake.input.models),
        signatures=snakemake.params.signatures,
        rule=snakemake.params.rule,
        out=snakemake.output.scores,
    )
