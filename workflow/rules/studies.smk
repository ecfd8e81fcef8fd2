"""Many studies in one run: each one is this workflow with a config of its own.

REQUIRED INPUTS
    a studies file: `studies`, a list of config files, and keys that hold for all of them

OUTPUTS
    results/{study}/ of each, as of a run of its own
    results/summary/report.html, calls.tsv, combined.tsv: all studies side by side

A study that fails, or whose config is wrong, does not stop the others: it is named at the end, the
run ends with an error, and the summary is of the rest and says so.
"""

from pathcall.digest import code_digest
from pathcall.study.config_file import check_config_files
from pathcall.study.plan import stop_on_error
from pathcall.summary.plan import plan_studies

CONFIG_FILES = [os.path.relpath(path) for path in workflow.configfiles]

with stop_on_error():
    if workflow.is_main_process:
        check_config_files(CONFIG_FILES, evaluated=True)
    STUDIES = plan_studies(config, source=", ".join(CONFIG_FILES) or "--config", root=PROJECT)

OF_ALL = {
    "contrasts": {s: [c.as_dict() for c in p.contrasts.values()] for s, p in STUDIES.plans.items()},
    "models": {study: list(plan.models) for study, plan in STUDIES.plans.items()},
}

if workflow.is_main_process:
    CLOSING.results_in("results/summary")

ABSENT = {file: error.line() for file, error in STUDIES.broken.items()}

# No study can have a name that begins with `_`.
for _study, _settings in STUDIES.configs.items():
    _study_ = f"{_study}_"

    module:
        name: _study
        snakefile:
            "../Snakefile"
        config:
            _settings

    use rule * from _study as _study_*


TARGETS = [
    *(target for plan in STUDIES.plans.values() for target in plan.targets()),
    "results/summary/report.html",
    *expand("results/summary/broken/{number}", number=range(len(STUDIES.broken))),
]


rule summarise_studies:
    """Calls side by side; contrasts of one group combined over studies by random effects."""
    input:
        calls=expand("results/{study}/calls.tsv", study=STUDIES.plans),
        evidence=expand("results/{study}/evidence.tsv", study=STUDIES.plans),
        reports=expand("results/{study}/report.html", study=STUDIES.plans),
        models=[
            f"results/{study}/models/{model}.h5ad"
            for study, plan in STUDIES.plans.items()
            for model in plan.models
        ],
    output:
        calls="results/summary/calls.tsv",
        combined="results/summary/combined.tsv",
        html="results/summary/report.html",
    log:
        "results/summary/logs/summarise_studies.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        of_all=OF_ALL,
        absent=ABSENT,
        code=code_digest("pathcall.summary"),
        looks=code_digest("pathcall.report"),
    script:
        "../scripts/summarise_studies.py"


rule report_broken_study:
    """Fails with what is wrong in the config of a study, so that the run does."""
    output:
        "results/summary/broken/{number}",
    log:
        "results/summary/logs/broken_{number}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        error=lambda wildcards: list(STUDIES.broken.values())[int(wildcards.number)].args,
    script:
        "../scripts/report_broken_study.py"


onerror:
    from pathcall.summary.write import summarise_rest

    summarise_rest(**OF_ALL, absent=ABSENT, failed=CLOSING.studies())
