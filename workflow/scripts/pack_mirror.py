"""Adapter of rule pack_mirror."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.geo.mirror import pack_mirror

    pack_mirror(snakemake.input.manifest, out=snakemake.output.mirror)
