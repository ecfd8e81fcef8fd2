"""Verified counts and the quality of samples.

REQUIRED INPUTS
    results/{study}/inputs/source.json (rules/fetch.smk), the sample sheet, the panel's gene ids,
    the table that counts.lengths names

OUTPUTS
    results/{study}/counts.h5ad, provenance/inputs.tsv
    results/{study}/samples.tsv, qc/metrics.tsv, qc/pca.tsv, qc/correlation.tsv, qc/flags.tsv
"""


rule assemble_counts:
    """Check that the counts are raw integers, join the sheet, map gene ids; count what is dropped."""
    input:
        source="results/{study}/inputs/source.json",
        samples=CONFIG.samples,
        contrasts=CONFIG.contrasts,
        panel=PANEL,
        lengths=LENGTHS,
    output:
        counts="results/{study}/counts.h5ad",
        inputs="results/{study}/provenance/inputs.tsv",
    log:
        "results/{study}/logs/assemble_counts.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        sheet=SHEET_CONTENT,
        panel=PANEL_CONTENT,
        lengths=CONTENT.of(LENGTHS),
        gene_id=CONFIG.counts.gene_id,
        code=code_digest("pathcall.geo.assemble"),
    script:
        "../scripts/assemble_counts.py"


rule run_qc:
    """Metrics, PCA and correlations of the included samples, and flags for what looks wrong.

    Cells are the combinations of the factors that contrasts name; other factors of the designs are
    blocks, numbers are covariates. Each sample is held against its mates.
    """
    input:
        counts="results/{study}/counts.h5ad",
        source="results/{study}/inputs/source.json",
    output:
        samples="results/{study}/samples.tsv",
        metrics="results/{study}/qc/metrics.tsv",
        pca="results/{study}/qc/pca.tsv",
        correlation="results/{study}/qc/correlation.tsv",
        flags="results/{study}/qc/flags.tsv",
    log:
        "results/{study}/logs/run_qc.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        factors=PLAN.factors,
        blocks=PLAN.blocks,
        covariates=PLAN.covariates,
        models=[list(plan.samples) for plan in PLANS.values()],
        min_count=CONFIG.filter.min_count,
        code=code_digest("pathcall.qc.assess"),
    script:
        "../scripts/run_qc.py"
