"""The report: one HTML file, and single figures with captions for `snakemake --report`.

REQUIRED INPUTS
    every table of results/{study} that the report shows; the signature panel

OUTPUTS
    results/{study}/report.html, figures/{figure}.svg, tables.xlsx, qc/pathcall_{table}_mqc.tsv;
    {study}.zip of all that

Captions and categories come from pathcall.report.wording, as those of the page do.
"""

FIGURES = "results/{study}/figures"


rule render_report:
    """Reads tables only: what the page says can be checked against the files beside it."""
    input:
        counts="results/{study}/counts.h5ad",
        models=expand("results/{{study}}/models/{model}.h5ad", model=PLANS),
        per_contrast=expand(
            "results/{{study}}/{folder}/{contrast}.tsv",
            folder=PLAN.contrast_tables,
            contrast=CONTRASTS,
        ),
        per_model=expand(
            "results/{{study}}/{folder}/{model}.tsv",
            folder=PLAN.model_tables,
            model=PLANS,
        ),
        single=expand("results/{{study}}/{table}.tsv", table=PLAN.tables),
        provenance=expand(
            "results/{{study}}/provenance/{file}",
            file=["inputs.tsv", "software.tsv", "config.yaml", "methods.md"],
        ),
        panel=PANEL,
    output:
        html="results/{study}/report.html",
        workbook="results/{study}/tables.xlsx",
        multiqc=expand(
            "results/{{study}}/qc/pathcall_{name}_mqc.tsv",
            name=PLAN.multiqc,
        ),
        calls=[captioned(f"{FIGURES}/calls.svg", "calls")] if PLAN.calls else [],
        library=captioned(f"{FIGURES}/library.svg", "library"),
        pca=captioned(f"{FIGURES}/pca.svg", "pca"),
        correlation=captioned(f"{FIGURES}/correlation.svg", "correlation"),
        forest=[
            captioned(f"{FIGURES}/forest_{pathway}.svg", "forest", pathway=pathway)
            for pathway in PLAN.pathways
        ],
        volcano=[
            captioned(f"{FIGURES}/volcano_{contrast}.svg", "volcano", contrast=contrast)
            for contrast in CONTRASTS
        ],
    log:
        "results/{study}/logs/render_report.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        panel=PANEL_CONTENT,
        config=CONFIG.model_dump(mode="json"),
        contrasts=[contrast.as_dict() for contrast in CONTRASTS.values()],
        code=code_digest("pathcall.report"),
    script:
        "../scripts/render_report.py"


rule pack_results:
    """One file to send: the page and all that it links to beside it, but fitted models."""
    input:
        rules.render_report.output,
        rules.render_report.input.counts,
        rules.render_report.input.per_contrast,
        rules.render_report.input.per_model,
        rules.render_report.input.single,
        rules.render_report.input.provenance,
    output:
        "results/{study}/{study}.zip",
    log:
        "results/{study}/logs/pack_results.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("pathcall.report.archive"),
    script:
        "../scripts/pack_results.py"
