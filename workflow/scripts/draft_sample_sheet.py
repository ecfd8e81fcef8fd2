"""Adapter of rule draft_sample_sheet."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.geo.draft import draft_sheet

    draft_sheet(
        snakemake.params.study,
        folder=snakemake.params.folder,
        options=snakemake.params.options,
        out=snakemake.output.sheet,
    )
