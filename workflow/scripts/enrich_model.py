"""Adapter of the rules enrich_model_{model}."""

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.enrichment.enrich_model import enrich_and_write
    from pathcall.signatures.panel import place_of

    names = snakemake.params.contrasts
    kinds = ("enrichment", "activity", "readouts")
    enrich_and_write(
        dict(zip(names, snakemake.input.de, strict=True)),
        model=snakemake.input.model,
        signatures=place_of(snakemake.input.panel),
        confounders=snakemake.params.confounders,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        out={
            name: {kind: snakemake.output[kind][i] for kind in kinds if snakemake.output[kind]}
            for i, name in enumerate(names)
        },
    )
