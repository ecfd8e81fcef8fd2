"""Adapter of rule assemble_counts."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.geo.assemble import assemble_study

    assemble_study(
        snakemake.input.source,
        samples=snakemake.input.samples,
        contrasts=snakemake.input.contrasts,
        panel=snakemake.input.panel,
        lengths=list(snakemake.input.lengths),
        gene_id=snakemake.params.gene_id,
        counts_out=snakemake.output.counts,
        inputs_out=snakemake.output.inputs,
    )
