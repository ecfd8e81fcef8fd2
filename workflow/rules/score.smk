"""Gene-level evidence, groups of contrasts combined, secretome, and the ranking of all pathways.

REQUIRED INPUTS
    results/{study}/de/{contrast}.tsv, models/{model}.h5ad, evidence.tsv (rules/call.smk), the panel

OUTPUTS
    results/{study}/enrichment/{contrast}.tsv, activity/{contrast}.tsv, readouts/{contrast}.tsv
    results/{study}/combined/genes.tsv, combined/pathways.tsv
    results/{study}/secretome/{contrast}.tsv, secretome/overlap.tsv, secretome/fra1.tsv
    results/{study}/ranking.tsv
"""

for model in PLANS:

    rule:
        name:
            f"enrich_model_{model}"
        input:
            de=expand(
                "results/{{study}}/de/{contrast}.tsv",
                contrast=contrasts_of(model),
            ),
            model=f"results/{{study}}/models/{model}.h5ad",
            panel=PANEL,
        output:
            enrichment=expand(
                "results/{{study}}/enrichment/{contrast}.tsv",
                contrast=contrasts_of(model),
            ),
            activity=expand(
                "results/{{study}}/activity/{contrast}.tsv",
                contrast=contrasts_of(model),
            ),
            readouts=expand(
                "results/{{study}}/readouts/{contrast}.tsv",
                contrast=contrasts_of(model),
            ),
        log:
            f"results/{{study}}/logs/enrich_model_{model}.log",
        params:
            contrasts=contrasts_of(model),
            signatures=CONFIG.signatures,
            confounders=CONFIG.calls.model_dump(mode="json")["confounders"],
            seed=CONFIG.seed,
            code=code_digest("pathcall.enrichment"),
        conda:
            "../../envs/analysis.yaml"
        script:
            "../scripts/enrich_model.py"
