"""Adapter of rule summarise_studies."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.summary.write import summarise_studies

    summarise_studies(**snakemake.params.of_all, absent=snakemake.params.absent)
