"""Adapter of rule profile_secretome."""

from pathlib import Path

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.enrichment.secretome import profile_and_write

    groups = snakemake.params.groups
    profile_and_write(
        dict(zip(groups, snakemake.input.de, strict=True)),
        signatures=Path(snakemake.input.panel[0]).parent,
        groups=groups,
        alpha=snakemake.params.alpha,
        strict=snakemake.params.strict,
        factors_out=dict(zip(groups, snakemake.output.factors, strict=True)),
        overlap_out=snakemake.output.overlap,
        fra1_out=snakemake.output.fra1,
    )
