"""Adapter of rule write_provenance."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.provenance.methods import write_provenance

    write_provenance(
        snakemake.params.config,
        snakemake.params.contrasts,
        inputs=snakemake.input.inputs,
        models=list(snakemake.input.models),
        out=dict(snakemake.output.items()),
    )
