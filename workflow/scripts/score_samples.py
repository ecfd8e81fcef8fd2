"""Adapter of rule score_samples."""

from pathlib import Path

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.calls.scores_table import score_and_write

    score_and_write(
        list(snakemake.input.models),
        signatures=Path(snakemake.input.panel[0]).parent,
        rule=snakemake.params.rule,
        out=snakemake.output.scores,
    )
