"""What the Snakefile needs of a study, checked, before any job: config, sheet, contrasts, targets.

Light: it imports pydantic and NumPy, nothing heavier, since every job parses the Snakefile.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pathcall.errors import ConfigError, PathcallError, choose, shown
from pathcall.signatures.panel_files import (
    PanelFiles,
    check_panel,
    is_gene_sets_only,
    read_gene_sets,
)
from pathcall.study.config import (
    PANELS,
    CallsConfig,
    Config,
    count_files,
    load_config,
    resolve,
)
from pathcall.study.contrasts import Contrast, ModelPlan, plan_models, read_contrasts
from pathcall.study.misspelt import check_misspelt
from pathcall.study.sample_sheet import Sheet, read_sheet

if TYPE_CHECKING:
    from pathcall.signatures.panel import Panel


@dataclass(frozen=True)
class StudyPlan:
    """A study whose config, sheet and contrasts fit together.

    Attributes
    ----------
    config
        Checked configuration, with `signatures` pointing to an existing folder and the defaults
        of `calls.confounders` filled in.
    sheet
        Sample sheet.
    contrasts
        Id → contrast, in the order of the table.
    models
        Model → samples, design and weights.
    pathways
        Pathways of the panel that are called, in its order; none with ``pathways: none``.
    footprints
        Whether the signatures hold footprints.
    """

    config: Config
    sheet: Sheet
    contrasts: Mapping[str, Contrast]
    models: Mapping[str, ModelPlan]
    pathways: tuple[str, ...]
    footprints: bool = True

    @property
    def signatures(self) -> Path:
        """The panel's folder, or the gene sets."""
        return Path(self.config.signatures or "")

    @property
    def panel_files(self) -> list[str]:
        """Files of the signature panel, or of the gene sets, sorted."""
        folder = self.signatures
        if folder.is_file():
            return [str(folder)]
        kept = (".tsv", ".tsv.gz", ".gmt")
        return sorted(str(path) for path in folder.iterdir() if path.name.endswith(kept))

    @property
    def factors(self) -> list[str]:
        """Columns of the sheet that contrasts name as factors, in the order of the sheet."""
        named = {name for contrast in self.contrasts.values() for name in contrast.test}
        return [name for name in self._design_factors if name in named]

    @property
    def blocks(self) -> list[str]:
        """Further factors of the designs: donors, batches and the like."""
        return [name for name in self._design_factors if name not in self.factors]

    @property
    def covariates(self) -> list[str]:
        """Columns of the designs that are numbers, in the order of the sheet."""
        used = {name for model in self.models.values() for name in model.design.continuous}
        return [name for name in self.sheet.columns if name in used]

    @property
    def _design_factors(self) -> list[str]:
        used = {name for model in self.models.values() for name in model.design.levels}
        return [name for name in self.sheet.columns if name in used]

    @property
    def calls(self) -> bool:
        """Whether pathways are called."""
        return self.config.pathways == "panel"

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables of the study, beside those of each contrast and model."""
        always = ("samples", "qc/metrics", "qc/pca", "qc/correlation", "qc/flags")
        called = ("scores/samples", "evidence", "calls", "adjusted", "nfkb_genes", "ranking",
                  "sensitivity", "combined/genes", "combined/pathways", "secretome/overlap",
                  "secretome/fra1")  # fmt: skip
        return (*always, *called) if self.calls else always

    @property
    def contrast_tables(self) -> tuple[str, ...]:
        """Tables of each contrast, by their folder."""
        if self.calls:
            return ("de", "enrichment", "activity", "readouts", "secretome")
        return ("de", "enrichment", "activity") if self.footprints else ("de", "enrichment")

    @property
    def model_tables(self) -> tuple[str, ...]:
        """Tables of each model, by their folder."""
        return ("lrt", "calibration") if self.calls else ("lrt",)

    @property
    def multiqc(self) -> tuple[str, ...]:
        """Tables for MultiQC."""
        return ("samples", "calls") if self.calls else ("samples",)

    def targets(self) -> list[str]:
        """Every output of a run, as paths."""
        folder = f"results/{self.config.study}"
        single = [
            "report.html",
            f"{self.config.study}.zip",
            "tables.xlsx",
            *(f"qc/pathcall_{name}_mqc.tsv" for name in self.multiqc),
            "counts.h5ad",
            *(f"{table}.tsv" for table in self.tables),
            "provenance/inputs.tsv",
            "provenance/software.tsv",
            "provenance/config.yaml",
            "provenance/methods.md",
        ]
        per_contrast = [
            f"{kind}/{contrast}.tsv" for kind in self.contrast_tables for contrast in self.contrasts
        ]
        per_model = [f"{kind}/{model}.tsv" for kind in self.model_tables for model in self.models]
        return [f"{folder}/{name}" for name in [*single, *per_contrast, *per_model]]


def plan_study(raw: Mapping[str, Any], *, source: str, root: Path) -> StudyPlan:
    """Check everything a user wrote.

    Parameters
    ----------
    raw
        Configuration as Snakemake gives it.
    source
        File(s) it came from, for messages.
    root
        Folder of the workflow, where the panel ships.

    Raises
    ------
    ConfigError
        Naming file, column and value, and the fix.
    """
    config = load_config(raw, source=source)
    signatures = resolve(config.signatures or PANELS.get(config.organism, ""), root=root)
    only_sets = config.pathways == "none" and is_gene_sets_only(signatures)
    if not Path(signatures).exists() or not (only_sets or Path(signatures).is_dir()):
        raise ConfigError(
            "the folder of signatures does not exist",
            where=f"{source}, key signatures, value {signatures!r}",
            fix="name a folder in the format of resources/panel/README.md",
        )
    given = {
        "samples": config.samples,
        "contrasts": config.contrasts,
        "counts.file": config.counts.file,
        "counts.lengths": config.counts.lengths,
        "counts.metadata": config.counts.metadata,
    }
    for key, file in given.items():
        if file is None:
            continue
        named = count_files(file) if key == "counts.file" else [file]
        if not named or not all(map(os.path.isfile, named)):
            raise ConfigError(
                "a file that the config names does not exist",
                where=f"{source}, key {key}, value {shown(file)}",
                fix="correct the path; it is taken from the folder the workflow runs in",
            )
    sheet = read_sheet(config.samples)
    contrasts = read_contrasts(config.contrasts)
    check_misspelt(config, sheet, contrasts)
    panel = read_gene_sets(signatures) if only_sets else check_panel(signatures)
    if config.pathways == "none":
        calls = config.calls.model_copy(update={"confounders": {}})
    else:
        calls = checked_calls(config.calls, panel, source=source)
    config = config.model_copy(update={"signatures": signatures, "calls": calls})
    _check_expected(config, contrasts, panel)
    plan = StudyPlan(
        config,
        sheet,
        contrasts,
        plan_models(config, sheet, contrasts),
        panel.pathways if config.pathways == "panel" else (),
        bool(panel.footprints),
    )
    _check_targets(plan)
    return plan


def checked_calls(calls: CallsConfig, panel: PanelFiles | Panel, *, source: str) -> CallsConfig:
    """The rule with names that the panel holds: what the user wrote over the defaults.

    Defaults speak of the panel that ships; what another panel does not hold of them is left out.
    """
    given = calls.model_fields_set
    sets = [*(readout.readout for readout in panel.readouts), *panel.gene_sets]
    pathways = list(panel.pathways)
    where = f"{source}, key calls"

    def need(name: str, known: list[str], key: str, what: str, kinds: str) -> None:
        if name not in known:
            raise ConfigError(
                f"{what} is not in the signature panel",
                where=f"{where}.{key}, value {shown(name)}",
                fix=choose(name, known, what=kinds),
            )

    if "confounders" in given:
        for pathway, names in calls.confounders.items():
            key = f"confounders.{pathway}"
            need(pathway, pathways, "confounders", "a pathway", "pathways with evidence are")
            for name in names:
                need(name, sets, key, "a confounder", "the panel's readouts and gene sets are")
    default = CallsConfig()
    confounders = {
        pathway: [name for name in names if name in sets]
        for pathway, names in default.confounders.items()
        if pathway in pathways
    }
    if "confounders" in given:
        confounders = confounders | dict(calls.confounders) if calls.confounders else {}
    return calls.model_copy(update={"confounders": confounders})


def _check_expected(config: Config, contrasts: Mapping[str, Contrast], panel: PanelFiles) -> None:
    known = list(dict.fromkeys(readout.pathway for readout in panel.readouts))
    for contrast in contrasts.values():
        if contrast.expected and config.pathways == "none":
            raise ConfigError(
                "a contrast expects a pathway, but no pathway is called",
                where=f"{config.contrasts}, column expected ({contrast.contrast}); key pathways, "
                "value 'none'",
                fix="empty the column, or call pathways (pathways: panel)",
            )
        for pathway in contrast.expected:
            if pathway not in known:
                raise ConfigError(
                    "an expected pathway is not in the signature panel",
                    where=f"{config.contrasts}, column expected, value {shown(pathway)} "
                    f"({contrast.contrast})",
                    fix=choose(pathway, known, what="the panel's pathways are"),
                )


def _check_targets(plan: StudyPlan) -> None:
    """Each model answers a contrast, and no two outputs share a path."""
    config = plan.config
    for name, model in plan.models.items():
        if not model.weights:
            raise ConfigError(
                "a model has no contrasts",
                where=f"models.{name}; {config.contrasts}, column model",
                fix="give it a contrast, or take it out of the config",
            )
    named = [*plan.contrasts, *plan.models]
    for path, times in Counter(target.casefold() for target in plan.targets()).items():
        if times > 1:
            name = next(n for n in named if n.casefold() == Path(path).stem)
            raise ConfigError(
                "a contrast has an id that an output file of its own already has",
                where=f"{config.contrasts}, column contrast, value {name!r}: {path}",
                fix="give the contrast another id",
            )


def job_environment(source: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that every job gets.

    The library of this checkout is found by jobs in any software environment. One thread for BLAS:
    with threads of its own a fit takes five times as long, and the last bits depend on the machine.
    A fixed hash seed: no result may depend on the order of a set. No optimised byte code: anndata
    cannot be imported without docstrings.

    Parameters
    ----------
    source
        Folder that holds the package.
    environment
        Variables so far.
    """
    known = [part for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part]
    return {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([source, *known])),
        "PYTHONHASHSEED": "0",
        "PYTHONOPTIMIZE": "",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


@contextmanager
def stop_on_error() -> Iterator[None]:
    """End the process with status 1 and one ``error:`` line on a user's mistake."""
    try:
        yield
    except PathcallError as error:
        print(error.line(), file=sys.stderr, flush=True)
        sys.exit(1)
