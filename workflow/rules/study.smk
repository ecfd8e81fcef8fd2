"""One study: its rules, and the targets that can be asked for by name.

REQUIRED INPUTS
    the config (docs/config.md)

OUTPUTS
    results/{study}/report.html and the tables beside it (docs/outputs.md)
"""


include: "common.smk"
include: "fetch.smk"
include: "assemble.smk"
include: "model.smk"
include: "score.smk"
include: "call.smk"
include: "provenance.smk"
include: "report.smk"


wildcard_constraints:
    study=STUDY,
    contrast="[A-Za-z0-9_]+",
    model="[A-Za-z0-9_]+",


rule calls:
    """The calls and all that they rest on."""
    input:
        targets_below("calls.tsv", "evidence.tsv", "adjusted.tsv", "calibration/"),
    localrule: True


rule de:
    """Differential expression of every contrast."""
    input:
        targets_below("de/", "lrt/"),
    localrule: True


rule qc:
    """Verified counts and the quality of samples."""
    input:
        # Tables for MultiQC, in the same folder, come with the report.
        targets_below(
            *(f"qc/{table}.tsv" for table in ("metrics", "pca", "correlation", "flags")),
            "samples.tsv",
            "counts.h5ad",
            "provenance/inputs.tsv",
        ),
    localrule: True


rule report:
    """The report."""
    input:
        targets_below("report.html"),
    localrule: True
