"""The report: one HTML file, and single figures with captions for `snakemake --report`.

REQUIRED INPUTS
    every table of results/{study} that the report shows; the signature panel

OUTPUTS
    results/{study}/report.html, figures/{figure}.svg, tables.xlsx, qc/pathcall_{table}_mqc.tsv

Captions and categories come from pathcall.report.wording, as those of the page do.
"""

FIGURES = "results/{study}/figures"


rule render_report:
    """Reads tables only: what the page says can be checked against the files beside it."""
    input:
        samples="results/{study}/samples.tsv",
        counts="results/{study}/counts.h5ad",
        qc=expand(
            "results/{{study}}/qc/{table}.tsv",
            table=["metrics", "pca", "correlation", "flags"],
        ),
        models=expand("results/{{study}}/models/{model}.h5ad", model=PLANS),
        per_contrast=expand(
            "results/{{study}}/{folder}/{contrast}.tsv",
            folder=["de", "enrichment", "activity", "readouts", "secretome"],
            contrast=CONTRASTS,
        ),
        per_model=expand(
            "results/{{study}}/{folder}/{model}.tsv",
            folder=["lrt", "calibration"],
            model=PLANS,
        ),
        single=expand(
            "results/{{study}}/{table}.tsv",
            table=[
                "scores/samples",
                "evidence",
                "calls",
                "adjusted",
                "nfkb_genes",
                "sensitivity",
                "ranking",
                "combined/genes",
                "combined/pathways",
                "secretome/overlap",
                "secretome/fra1",
            ],
        ),
        provenance=expand(
            "results/{{study}}/provenance/{file}",
            file=["inputs.tsv", "software.tsv", "config.yaml", "methods.md"],
        ),
        panel=PANEL,
    output:
        html="results/{study}/report.html",
        workbook="results/{study}/tables.xlsx",
        multiqc=[
            "results/{study}/qc/pathcall_samples_mqc.tsv",
            "results/{study}/qc/pathcall_calls_mqc.tsv",
        ],
        calls=captioned(f"{FIGURES}/calls.svg", "calls"),
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
