"""Differential expression: one fit a model, then every contrast of it.

REQUIRED INPUTS
    results/{study}/counts.h5ad

OUTPUTS
    results/{study}/de/{contrast}.tsv, models/{model}.h5ad, lrt/{model}.tsv

One rule a model, made in a loop: a fit gives the tables of all its contrasts, and the outputs of a
rule must share their wildcards.
"""

# Two models finish sooner side by side than one after the other on two cores.
FIT_THREADS = 2 if len(PLANS) == 1 else 1

for model in PLANS:

    rule:
        name:
            f"fit_model_{model}"
        input:
            counts="results/{study}/counts.h5ad",
        output:
            de=expand(
                "results/{{study}}/de/{contrast}.tsv",
                contrast=contrasts_of(model),
            ),
            model=f"results/{{study}}/models/{model}.h5ad",
            lrt=f"results/{{study}}/lrt/{model}.tsv",
        log:
            f"results/{{study}}/logs/fit_model_{model}.log",
        priority: 30
        conda:
            "../../envs/analysis.yaml"
        threads: FIT_THREADS
        params:
            name=model,
            model=CONFIG.models[model].model_dump(mode="json"),
            contrasts=[CONTRASTS[c].as_dict() for c in contrasts_of(model)],
            gene_filter=CONFIG.filter.model_dump(mode="json"),
            de=CONFIG.de.model_dump(mode="json"),
            alpha=CONFIG.alpha,
            code=code_digest("pathcall.deseq.fit_models"),
        script:
            "../scripts/fit_model.py"
