"""Adapter of the rules fit_model_{model}."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.deseq.fit_models import fit_and_write

    fit_and_write(
        snakemake.input.counts,
        name=snakemake.params.name,
        model=snakemake.params.model,
        contrasts=snakemake.params.contrasts,
        gene_filter=snakemake.params.gene_filter,
        de=snakemake.params.de,
        alpha=snakemake.params.alpha,
        threads=snakemake.threads,
        de_out=list(snakemake.output.de),
        model_out=snakemake.output.model,
        lrt_out=snakemake.output.lrt,
    )
