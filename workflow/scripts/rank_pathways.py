"""Adapter of rule rank_pathways."""

from pathlib import Path

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.calls.ranking import rank_and_write

    rank_and_write(
        list(snakemake.input.models),
        contrasts=snakemake.params.contrasts,
        signatures=Path(snakemake.input.panel[0]).parent,
        rule=snakemake.params.rule,
        seed=snakemake.params.seed,
        out=snakemake.output[0],
    )
