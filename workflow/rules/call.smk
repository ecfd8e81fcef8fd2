"""Scores of samples, calibration of the rule on each model, the calls, and how firm they are.

REQUIRED INPUTS
    results/{study}/de/{contrast}.tsv, readouts/{contrast}.tsv, models/{model}.h5ad, the panel

OUTPUTS
    results/{study}/scores/samples.tsv
    results/{study}/calibration/{model}.tsv
    results/{study}/evidence.tsv, calls.tsv, adjusted.tsv, nfkb_genes.tsv
    results/{study}/sensitivity.tsv
"""


rule calibrate_model:
    """How often the rule calls where nothing changed: mock contrasts, or simulation where there are
    too few samples to permute."""
    input:
        model="results/{study}/models/{model}.h5ad",
        panel=PANEL,
    output:
        table="results/{study}/calibration/{model}.tsv",
    log:
        "results/{study}/logs/calibrate_model_{model}.log",
    priority: 20
    conda:
        "../../envs/analysis.yaml"
    params:
        panel=PANEL_CONTENT,
        rule=CONFIG.calls.model_dump(mode="json"),
        seed=CONFIG.seed,
        code=code_digest("pathcall.calls.calibration"),
    script:
        "../scripts/calibrate_model.py"


rule score_samples:
    """One score per sample and signature: the rule's own weighted z, and gseapy's ssGSEA."""
    input:
        models=expand("results/{{study}}/models/{model}.h5ad", model=list(PLANS)),
        panel=PANEL,
    output:
        scores="results/{study}/scores/samples.tsv",
    log:
        "results/{study}/logs/score_samples.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        panel=PANEL_CONTENT,
        rule=CONFIG.calls.model_dump(mode="json"),
        code=code_digest("pathcall.calls.scores_table"),
    script:
        "../scripts/score_samples.py"


rule call_pathways:
    """The rule of docs/method.md, on all contrasts: no call without the test on samples."""
    input:
        models=expand("results/{{study}}/models/{model}.h5ad", model=list(PLANS)),
        calibration=expand("results/{{study}}/calibration/{model}.tsv", model=list(PLANS)),
        de=expand("results/{{study}}/de/{contrast}.tsv", contrast=list(CONTRASTS)),
        readouts=expand("results/{{study}}/readouts/{contrast}.tsv", contrast=list(CONTRASTS)),
        panel=PANEL,
    output:
        evidence="results/{study}/evidence.tsv",
        calls="results/{study}/calls.tsv",
        adjusted="results/{study}/adjusted.tsv",
        nfkb_genes="results/{study}/nfkb_genes.tsv",
    log:
        "results/{study}/logs/call_pathways.log",
    priority: 20
    conda:
        "../../envs/analysis.yaml"
    params:
        panel=PANEL_CONTENT,
        contrasts=[contrast.as_dict() for contrast in CONTRASTS.values()],
        rule=CONFIG.calls.model_dump(mode="json"),
        seed=CONFIG.seed,
        code=code_digest("pathcall.calls.call_pathways"),
    script:
        "../scripts/call_pathways.py"


rule test_sensitivity:
    """The calls under other defensible choices: how many of the analyses agree."""
    input:
        models=expand("results/{{study}}/models/{model}.h5ad", model=list(PLANS)),
        de=expand("results/{{study}}/de/{contrast}.tsv", contrast=list(CONTRASTS)),
        panel=PANEL,
    output:
        table="results/{study}/sensitivity.tsv",
    log:
        "results/{study}/logs/test_sensitivity.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        panel=PANEL_CONTENT,
        contrasts=[contrast.as_dict() for contrast in CONTRASTS.values()],
        rule=CONFIG.calls.model_dump(mode="json"),
        seed=CONFIG.seed,
        code=code_digest("pathcall.calls.sensitivity"),
    script:
        "../scripts/test_sensitivity.py"
