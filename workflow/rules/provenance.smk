"""Provenance: software, the effective config, and a Methods section of what was run.

REQUIRED INPUTS
    results/{study}/provenance/inputs.tsv, results/{study}/models/{model}.h5ad

OUTPUTS
    results/{study}/provenance/software.tsv, provenance/config.yaml, provenance/methods.md
"""


rule write_provenance:
    """Written from the fitted models and the inputs, not from the config alone."""
    input:
        inputs="results/{study}/provenance/inputs.tsv",
        models=expand("results/{{study}}/models/{model}.h5ad", model=PLANS),
    output:
        software="results/{study}/provenance/software.tsv",
        config="results/{study}/provenance/config.yaml",
        methods="results/{study}/provenance/methods.md",
    log:
        "results/{study}/logs/write_provenance.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        config=CONFIG.model_dump(mode="json"),
        contrasts=[contrast.as_dict() for contrast in CONTRASTS.values()],
        code=code_digest("pathcall.provenance.methods"),
    script:
        "../scripts/write_provenance.py"
