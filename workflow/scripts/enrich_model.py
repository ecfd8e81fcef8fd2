"""Adapter of the rules enrich_model_{model}."""

from pathlib import Path

from pathcall.logs import job_log

with job_log(snakemake.log[0]):
    from pathcall.enrichment.enrich_model import enrich_and_write

    names = snakemake.params.contrasts
    kinds = ("enrichment", "activity", "readouts")
    enrich_and_write(
        dict(zip(names, snakemake.input.de, strict=True)),
        model=snakemake.input.model,
        signatures=Path(snakemake.input.panel[0]).parent,
        confounders=snakemake.params.confounders,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        out={
            name: {kind: snakemake.output[kind][i] for kind in kinds}
            for i, name in enumerate(names)
        },
    )
