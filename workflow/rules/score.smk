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
                contrast=contrasts_of(model) if "activity" in PLAN.contrast_tables else [],
            ),
            readouts=expand(
                "results/{{study}}/readouts/{contrast}.tsv",
                contrast=contrasts_of(model) if PLAN.calls else [],
            ),
        log:
            f"results/{{study}}/logs/enrich_model_{model}.log",
        priority: 20
        conda:
            "../../envs/analysis.yaml"
        params:
            panel=PANEL_CONTENT,
            contrasts=contrasts_of(model),
            confounders=CONFIG.calls.model_dump(mode="json")["confounders"],
            seed=CONFIG.seed,
            code=code_digest("pathcall.enrichment.enrich_model"),
        script:
            "../scripts/enrich_model.py"


rule profile_secretome:
    """Secreted factors that change, in how many contrasts of the group, and what is enriched.

    Background: the tested genes. Factors seen by mass spectrometry alone are left out (strict).
    """
    input:
        de=expand("results/{{study}}/de/{contrast}.tsv", contrast=CONTRASTS),
        panel=PANEL,
    output:
        factors=expand("results/{{study}}/secretome/{contrast}.tsv", contrast=CONTRASTS),
        overlap="results/{study}/secretome/overlap.tsv",
        fra1="results/{study}/secretome/fra1.tsv",
    log:
        "results/{study}/logs/profile_secretome.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        panel=PANEL_CONTENT,
        groups={name: contrast.group for name, contrast in CONTRASTS.items()},
        alpha=CONFIG.alpha,
        strict=CONFIG.secretome.strict,
        code=code_digest("pathcall.enrichment.secretome"),
    script:
        "../scripts/profile_secretome.py"


rule combine_groups:
    """Random effects (Paule–Mandel, Hartung–Knapp) over the contrasts of each group.

    Pathways: the sample scores of evidence.tsv, so that their errors rest on samples. The models'
    designs say which samples contrasts share; intervals allow for it.
    """
    input:
        de=expand("results/{{study}}/de/{contrast}.tsv", contrast=CONTRASTS),
        models=expand("results/{{study}}/models/{model}.h5ad", model=PLANS),
        evidence="results/{study}/evidence.tsv",
    output:
        genes="results/{study}/combined/genes.tsv",
        pathways="results/{study}/combined/pathways.tsv",
    log:
        "results/{study}/logs/combine_groups.log",
    priority: 20
    conda:
        "../../envs/analysis.yaml"
    params:
        contrasts=[contrast.as_dict() for contrast in CONTRASTS.values()],
        code=code_digest("pathcall.calls.meta_analysis"),
    script:
        "../scripts/combine_groups.py"


rule rank_pathways:
    """All pathways of the panel by their effect on sample scores, with intervals of the ranks."""
    input:
        models=expand("results/{{study}}/models/{model}.h5ad", model=PLANS),
        panel=PANEL,
    output:
        "results/{study}/ranking.tsv",
    log:
        "results/{study}/logs/rank_pathways.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        panel=PANEL_CONTENT,
        contrasts=list(CONTRASTS),
        rule=CONFIG.calls.model_dump(mode="json"),
        seed=CONFIG.seed,
        code=code_digest("pathcall.calls.ranking"),
    script:
        "../scripts/rank_pathways.py"
