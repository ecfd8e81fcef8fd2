"""Adapter of rule fetch_counts."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.geo.fetch import fetch_counts

    fetch_counts(
        snakemake.input.metadata,
        counts=snakemake.params.counts,
        folder=snakemake.params.folder,
        options=snakemake.params.options,
        out=snakemake.output.manifest,
    )
