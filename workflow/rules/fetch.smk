"""Metadata and counts, downloaded once, locked, verified ever after.

REQUIRED INPUTS
    network access or mirrors (config: mirrors, offline, download), or a file (counts.source: file)

OUTPUTS
    results/{study}/inputs/metadata.json, source.json: which files were fetched, and what they are
    results/{study}/draft/samples.tsv: a draft sample sheet (target draft_sample_sheet)
    results/{study}/mirror/: what the study needs, as a mirror (target pack_mirror)

The downloads themselves, resources/{study}/…, with their lock inputs.lock.tsv, are no declared
outputs: Snakemake deletes the outputs of a rule before it runs and after it failed, and a verified
download must outlive both.
"""

from pathcall.geo.options import DownloadOptions
from pathcall.geo.lockfile import state

# How to download changes no byte of a verified file. As an object it is not tracked by Snakemake
# (plain values are), so that another mirror or timeout reruns nothing.
DOWNLOAD = DownloadOptions.from_config(CONFIG.model_dump(mode="json"))


rule fetch_metadata:
    """Family SOFT file of the series; with source `file`, only what counts.metadata names.

    `inputs` differs from "intact" once a locked file on disk was changed: the rule runs again, stops
    and names both hashes.
    """
    input:
        given=[CONFIG.counts.metadata] if CONFIG.counts.metadata else [],
    output:
        manifest="results/{study}/inputs/metadata.json",
    log:
        "results/{study}/logs/fetch_metadata.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        organism=CONFIG.organism,
        counts=CONFIG.counts.model_dump(mode="json", include={"source", "metadata"}),
        folder="resources/{study}",
        given=CONTENT.of([CONFIG.counts.metadata] if CONFIG.counts.metadata else []),
        inputs=CONTENT.note(f"downloads of {STUDY}", lambda: state(f"resources/{STUDY}")),
        options=DOWNLOAD,
        code=code_digest("pathcall.geo.fetch"),
    script:
        "../scripts/fetch_metadata.py"


rule fetch_counts:
    """Counts of the configured source; `auto` tries ncbi, recount3, supplementary in this order.

    A source is passed over when it has nothing for this series, never because a server failed.
    """
    input:
        metadata="results/{study}/inputs/metadata.json",
        given=COUNT_FILES,
    output:
        manifest="results/{study}/inputs/source.json",
    log:
        "results/{study}/logs/fetch_counts.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        given=CONTENT.of(COUNT_FILES),
        counts=CONFIG.counts.model_dump(mode="json"),
        folder="resources/{study}",
        options=DOWNLOAD,
        code=code_digest("pathcall.geo.fetch"),
    script:
        "../scripts/fetch_counts.py"


rule draft_sample_sheet:
    """GEO's characteristics as a sample sheet to edit; replicates are guessed into groups."""
    output:
        sheet=f"results/{STUDY}/draft/samples.tsv",
    log:
        f"results/{STUDY}/logs/draft_sample_sheet.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        study=STUDY,
        folder=f"resources/{STUDY}",
        options=DOWNLOAD,
        code=code_digest("pathcall.geo.draft"),
    script:
        "../scripts/draft_sample_sheet.py"


rule pack_mirror:
    """Everything the study was fetched from, in a folder that works as a mirror without a network."""
    input:
        manifest=f"results/{STUDY}/inputs/source.json",
    output:
        mirror=directory(f"results/{STUDY}/mirror"),
    log:
        f"results/{STUDY}/logs/pack_mirror.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("pathcall.geo.mirror"),
    script:
        "../scripts/pack_mirror.py"
