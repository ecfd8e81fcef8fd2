"""Adapter of rule pack_results."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathlib import Path

    from pathcall.report.archive import write_archive

    out = Path(snakemake.output[0])
    write_archive(out.parent, map(Path, snakemake.input), out)
