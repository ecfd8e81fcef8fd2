"""Adapter of rule combine_groups."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.calls.meta_analysis import combine_and_write

    contrasts = snakemake.params.contrasts
    combine_and_write(
        dict(zip([c["contrast"] for c in contrasts], snakemake.input.de, strict=True)),
        models=snakemake.input.models,
        evidence=snakemake.input.evidence,
        contrasts=contrasts,
        genes_out=snakemake.output.genes,
        pathways_out=snakemake.output.pathways,
    )
