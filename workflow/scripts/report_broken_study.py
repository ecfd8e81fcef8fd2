"""Adapter of rule report_broken_study."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.errors import ConfigError

    what, where, fix = snakemake.params.error
    raise ConfigError(what, where=where, fix=fix)
