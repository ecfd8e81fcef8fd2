"""Adapter of rule fetch_metadata."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.geo.fetch import fetch_metadata

    fetch_metadata(
        snakemake.wildcards.study,
        organism=snakemake.params.organism,
        counts=snakemake.params.counts,
        folder=snakemake.params.folder,
        options=snakemake.params.options,
        out=snakemake.output.manifest,
    )
