"""Provenance: software versions, the effective config, and a Methods section of what was run."""

from __future__ import annotations

import importlib.metadata
import logging
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import yaml

import pathcall
from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.study.config import Config
from pathcall.study.contrasts import Contrast
from pathcall.tables import INPUTS, read_table, write_table, write_text
from pathcall.tables import SOFTWARE as SOFTWARE_TABLE

logger = logging.getLogger(__name__)

# name → (what it is used for, citation)
SOFTWARE: Mapping[str, tuple[str, str | None]] = {
    "snakemake": ("workflow", "Mölder et al. 2021, F1000Research 10:33, doi:10.12688/f1000research.29032.2"),
    "GEOparse": ("GEO metadata", None),
    "anndata": ("count matrices", "Virshup et al. 2024, JOSS 9:4371, doi:10.21105/joss.04371"),
    "scanpy": ("quality metrics", "Wolf et al. 2018, Genome Biol 19:15, doi:10.1186/s13059-017-1382-0"),
    "pydeseq2": ("differential expression", "Muzellec et al. 2023, Bioinformatics 39:btad547, doi:10.1093/bioinformatics/btad547"),
    "gseapy": ("gene set enrichment", "Fang et al. 2023, Bioinformatics 39:btac757, doi:10.1093/bioinformatics/btac757"),
    "numpy": ("arrays", "Harris et al. 2020, Nature 585:357, doi:10.1038/s41586-020-2649-2"),
    "scipy": ("statistics", "Virtanen et al. 2020, Nat Methods 17:261, doi:10.1038/s41592-019-0686-2"),
    "numba": ("compiled kernels of the differential expression engine", "Lam et al. 2015, LLVM-HPC, doi:10.1145/2833157.2833162"),
    "pandas": ("tables", "McKinney 2010, Proc. 9th Python in Science Conf."),
    "pydantic": ("configuration", None),
    "jinja2": ("report", None),
    "urllib3": ("downloads", None),
}  # fmt: skip


def software_table(*, geo_metadata: bool = True) -> pd.DataFrame:
    """Versions of what made the results (schema ``provenance/software``).

    `geo_metadata`: the study has a SOFT file, which GEOparse read.
    """
    rows: list[tuple[str, str, str, str | None]] = [
        ("pathcall", pathcall.__version__, "this workflow", None),
        ("python", platform.python_version(), "interpreter", None),
    ]
    for name, (used_for, citation) in SOFTWARE.items():
        if name == "GEOparse" and not geo_metadata:
            continue
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            logger.info("%s is not installed in this environment", name)
            continue
        rows.append((name, version, used_for, citation))
    return pd.DataFrame(rows, columns=["name", "version", "used_for", "citation"])


def config_text(config: Mapping[str, Any]) -> str:
    """The effective configuration, defaults included, as YAML."""
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=100)


def methods_text(
    config: Config,
    contrasts: Sequence[Contrast],
    *,
    inputs: pd.DataFrame,
    software: pd.DataFrame,
    models: Sequence[FittedModel],
) -> str:
    """A Methods section in Markdown, ready to paste.

    Parameters
    ----------
    config
        Configuration of the study.
    contrasts
        Its contrasts.
    inputs
        Table ``provenance/inputs``.
    software
        Table ``provenance/software``.
    models
        The fitted models.
    """
    version = dict(zip(software["name"], software["version"], strict=True))
    cite = dict(zip(software["name"], software["citation"], strict=True))

    def tool(name: str) -> str:
        return f"{name} {version[name]}" if name in version else name

    counts = inputs[~inputs["source"].isin(["panel", "sheet", "geo", "lengths"])]
    kinds = sorted(set(inputs["kind"]) - {"real"})
    origin = ", ".join(sorted(set(counts["source"])))
    lines = ["# Methods", ""]
    if kinds:
        lines += [
            f"**Nature of the data: {', '.join(kinds)}.** See the table of inputs; no statement "
            "about biology may rest on simulated data."
            if "simulated" in kinds
            else f"**Nature of the data: {', '.join(kinds)}.** See the table of inputs.",
            "",
        ]
    lines += [
        f"**Data.** Study {config.study} ({config.organism}); counts from source `{origin}`. Every "
        "file is listed with its address, size and SHA-256 in `provenance/inputs.tsv`. Counts were "
        "checked to be raw integers; "
        + (
            "gene ids were taken as they are."
            if config.organism == "other"
            else "gene ids were mapped through the panel's table of ids."
        )
        + _rounding(counts["note"]),
        "",
        "**Differential expression.** "
        + " ".join(
            f"Model `{model.name}`: {len(model.samples)} samples, design `{model.formula}`, "
            f"{model.counts.shape[1]:,} genes expressed (at least {config.filter.min_count} counts in "
            f"{_enough(config)}), {model.residual_df} residual degrees of freedom."
            for model in models
        )
        + " Genes with at least ten counts in total were fitted by negative binomial models with "
        f"{_normalisation(inputs)}, dispersions shrunken to a parametric trend and Wald tests "
        f"as in DESeq2 (Love et al. 2014, Genome Biol 15:550), by {tool('pydeseq2')}"
        + (
            " with pathcall's inference, which follows R DESeq2 1.38.3 where the two differ"
            if config.de.engine == "exact"
            else " with its default inference"
        )
        + ". log2 fold changes "
        "are given as maximum-likelihood estimates and shrunken by the apeGLM prior (Zhu et al. "
        "2019, Bioinformatics 35:2084), each contrast being made a coefficient of its own. "
        f"FDR by Benjamini-Hochberg after independent filtering at {config.alpha:g}.",
        "",
        "**Contrasts.** "
        + "; ".join(f"`{c.contrast}`: {_in_words(c)} (model `{c.model}`)" for c in contrasts)
        + ".",
        "",
        "**Enrichment and activity.** Genes were ranked by the Wald statistic. "
        f"{tool('gseapy')} prerank (multilevel) was run over the whole declared "
        "collection of gene sets, with the correlation-adjusted competitive test of Wu & Smyth (2012, Nucleic "
        "Acids Res 40:e133) beside it; inter-gene correlations were estimated from the residuals of "
        "models with at least 6 residual degrees of freedom and set to 0.01 elsewhere."
        + (_readouts(contrasts) if config.pathways == "panel" else ""),
        "",
        _calls(config),
        "",
        "**Software.** "
        + "; ".join(
            f"{name} {version[name]}" + (f" ({cite[name]})" if isinstance(cite[name], str) else "")
            for name in version
        )
        + ".",
        "",
    ]
    return "\n".join(lines)


def _readouts(contrasts: Sequence[Contrast]) -> str:
    return (
        " Footprints (PROGENy, Schubert et al. 2018, Nat Commun 9:20) were fitted by a multivariate linear "
        "model, as in decoupler (Badia-i-Mompel et al. 2022, Bioinform Adv 2:vbac016). Secreted factors among changed genes were tested for "
        "over-representation against the tested genes."
    ) + (
        " Contrasts of a group were combined by random effects (Paule-Mandel, Hartung-Knapp)."
        if any(c.group for c in contrasts)
        else ""
    )


def _calls(config: Config) -> str:
    if config.pathways == "none":
        return f"**Calls.** No pathway was called. Everything random is seeded with {config.seed}."
    return (
        "**Calls.** A pathway is called by one rule for all pathways: its lines of evidence, mean "
        "log2 expression scores of each sample, are tested together under the model's own design by "
        f"a rotation test (Langsrud 2005, Stat Comput 15:53; {config.calls.rotations:,} rotations, "
        f"p < {config.calls.call_p:g}), at least {config.calls.min_lines} lines must move by "
        f"themselves (p < {config.calls.vote_p:g}), and their mean change must be at least "
        f"{config.calls.min_effect:g} log2. A call that a declared confounder explains as well is "
        "marked not separable. False-call rates are from mock or simulated null contrasts. The "
        "calls were made again under other analysis choices "
        f"(`sensitivity.tsv`). Everything random is seeded with {config.seed}."
    )


def _enough(config: Config) -> str:
    n = config.filter.min_samples
    return (
        "as many samples as its smallest contrasted cell has"
        if n == "auto"
        else f"at least {n} samples"
    )


def _rounding(notes: pd.Series) -> str:
    """What was rounded of estimated counts, from the notes on the inputs."""
    said = [
        m[0] for note in notes.dropna() for m in re.finditer(r"estimated counts: [^|]*[^| ]", note)
    ]
    return f" They are {'; '.join(dict.fromkeys(said))}." if said else ""


def _normalisation(inputs: pd.DataFrame) -> str:
    if "lengths" not in set(inputs["source"]):
        return "median-of-ratios size factors"
    return (
        "normalisation factors of each gene and sample from average transcript lengths and "
        "median-of-ratios size factors (Soneson et al. 2015, F1000Research 4:1521)"
    )


def _in_words(contrast: Contrast) -> str:
    def cell(pairs: Mapping[str, str]) -> str:
        return ", ".join(_inert(f"{key}={value}") for key, value in pairs.items())

    text = f"{cell(contrast.test)} against {cell(contrast.reference)}"
    return f"({text}) minus `{contrast.subtract}`" if contrast.subtract else text


def _inert(text: str) -> str:
    """Text of the sheet, in a code span where Markdown would make a link or markup of it."""
    plain = re.fullmatch(r"[\w .,;:=+/%()-]*", text) and "://" not in text
    return text if plain else f"`{text.replace('`', chr(39))}`"


def write_provenance(
    config: Mapping[str, Any],
    contrasts: Sequence[Mapping[str, Any]],
    *,
    inputs: str,
    models: Sequence[str],
    out: Mapping[str, str],
) -> None:
    """Write software.tsv, config.yaml and methods.md; `out` maps their stem to the path."""
    settings, files = Config.model_validate(config), read_table(inputs, INPUTS)
    geo_metadata = settings.counts.metadata is not None or bool((files["source"] == "geo").any())
    software = software_table(geo_metadata=geo_metadata)
    text = methods_text(
        settings,
        [Contrast.from_dict(raw) for raw in contrasts],
        inputs=files,
        software=software,
        models=[read_model(path) for path in models],
    )
    write_table(software, out["software"], SOFTWARE_TABLE)
    write_text(config_text(config), out["config"])
    write_text(text, out["methods"])
