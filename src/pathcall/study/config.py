"""The configuration: one frozen model that rejects unknown keys.

Defaults stand here and nowhere else. ``docs/config.md`` and ``config/config.schema.json`` are
generated from this module.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from pathcall.archives import HOSTS
from pathcall.errors import ConfigError, choose, shown


def _usable_path(path: str) -> str:
    if not path.strip() or not path.isprintable():
        raise ValueError("name a file or folder")
    if set(path) & set("{}"):
        raise ValueError("rename it: Snakemake takes { } in a path for a wildcard")
    return path


def _not_missing(name: str) -> str:
    if name == "NA":
        raise ValueError("use another name: NA means missing in every table")
    return name


PANELS = {"human": "resources/panel", "mouse": "resources/panel_mouse"}
"""Panels that ship."""
ID = r"^[A-Za-z0-9_]{1,100}$"
"""Ids that become file names: contrasts and models."""
Name = Annotated[str, StringConstraints(pattern=ID), AfterValidator(_not_missing)]
Level = Annotated[str, Field(coerce_numbers_to_str=True)]
UserPath = Annotated[str, AfterValidator(_usable_path)]


class Section(BaseModel):
    """Base of all sections: frozen, no unknown keys, no infinite or missing numbers."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class CountsConfig(Section):
    """Where the counts come from."""

    source: Literal["auto", "ncbi", "recount3", "supplementary", "file"] = "auto"
    """Source of counts. `auto` tries ncbi, recount3, supplementary in this order and says why one
    was passed over."""
    file: UserPath | None = None
    """For source `file`: a table of raw counts (tsv, csv, txt, plain or gz, xlsx; genes ×
    samples), an h5ad (samples × genes), or a folder or glob (`counts/*.txt.gz`) of one file a
    sample."""
    layer: str | None = None
    """For an h5ad: the layer that holds raw counts. None: `X`."""
    estimated: bool = False
    """The values are estimated counts (Salmon, RSEM, kallisto, tximport): decimals are rounded.
    Such tables are mostly recognised without this."""
    lengths: UserPath | None = None
    """For source `file`: average transcript lengths of the same genes and samples (nf-core/rnaseq's
    `salmon.merged.gene_lengths.tsv`, tximport's `length`; genes × samples). The fit then takes
    normalisation factors of each gene and sample, as DESeq2 does after tximport."""
    metadata: UserPath | None = None
    """For source `file`: an optional family SOFT file (`…_family.soft.gz`) that describes the
    samples."""
    gene_id: Literal["auto", "ensembl", "entrez", "symbol"] = "auto"
    """Kind of gene identifier in the matrix. `auto` looks at the ids."""
    sra_study: Annotated[str, StringConstraints(pattern=r"^[SED]RP\d+$")] | None = None
    """SRA study accession (SRP…), needed by recount3."""

    @model_validator(mode="after")
    def _file_given(self) -> Self:
        if (self.source == "file") != (self.file is not None):
            raise ValueError("`source: file` and `file: PATH` go together")
        if self.lengths is not None and self.file is None:
            raise ValueError("`lengths` goes with `source: file`: they belong to its counts")
        return self


class ModelConfig(Section):
    """One fit: which samples, which design."""

    samples: dict[str, list[Level]] = Field(default_factory=dict)
    """Column of the sample sheet → allowed values; a sample must pass every column. Empty: all."""
    design: str
    """Design formula: columns of the sheet and `+ * : - 0 1 ( )` only. Nothing is evaluated."""
    continuous: list[str] = Field(default_factory=list)
    """Columns of the design that are numbers (a slope), not levels. All others are factors."""


class FilterConfig(Section):
    """Which genes count as expressed: they enter rankings, scores and calls.

    Tables of differential expression hold every gene with at least ten counts over the model's
    samples; DESeq2's independent filtering decides which of their p-values are adjusted.
    """

    min_count: int = Field(default=10, ge=0)
    """A gene needs at least this count …"""
    min_samples: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """… in at least this many samples; `auto`: the smallest group of the model, that is the
    smallest cell that a contrast of the model names (of a slope: the samples that carry its
    sparser end)."""


class DeConfig(Section):
    """How the models are fitted (docs/de.md)."""

    engine: Literal["exact", "pydeseq2"] = "exact"
    """`exact`: pydeseq2's steps with R DESeq2's answers, compiled. `pydeseq2`: pydeseq2 as it is,
    several times slower; it has no likelihood-ratio test, so that `lrt/` is empty."""


class CallsConfig(Section):
    """The rule that turns evidence into calls; the same for every pathway (docs/method.md)."""

    vote_p: float = Field(default=0.1, gt=0, le=0.2)
    """A readout, or a line of evidence, votes if its own t test across samples has a p below
    this."""
    call_p: float = Field(default=0.05, gt=0, le=0.1)
    """A call needs a p of the lines' joint test (rotation test) below this. The other conditions of
    a call make false ones rarer than this (docs/method.md)."""
    rotations: int = Field(default=9999, ge=199, le=999999)
    """Random rotations behind that p; no p is below 1 / (rotations + 1)."""
    min_effect: float = Field(default=0.05, ge=0, le=2)
    """Mean log2 change of the lines that a call needs: less than this (3.5%) also lies between two
    halves of true replicates (docs/method.md)."""
    min_coverage: float = Field(default=0.6, ge=0, le=1)
    """Share of a readout's genes that must be measured."""
    min_genes: int = Field(default=3, ge=1)
    """Measured genes that a set needs; a readout of one gene is exempt."""
    same_line_jaccard: float = Field(default=0.3, gt=0, le=0.8)
    """Readouts of a pathway whose genes overlap this much (Jaccard) are one line of evidence."""
    min_lines: int = Field(default=2, ge=1)
    """Independent lines of evidence that must agree."""
    min_agreement: float = Field(default=0.75, gt=0.5, le=1)
    """Share of the lines' strength, the sum of their |t|, that must point the way of the call."""
    confounders: dict[str, list[str]] = {
        "AKT": ["MAPK_PROGENY_MAPK"],
        "NFKB_CANONICAL": [
            "MAPK_PROGENY_MAPK",
            "NFKB_TIAN_NOT_VIA_NFKB",
            "GC_RESPONSE",
            "HALLMARK_INTERFERON_GAMMA_RESPONSE",
        ],
        "NFKB_ALTERNATIVE": ["NFKB_PROGENY_NFKB"],
    }
    """Pathway → readouts or gene sets that move its readouts without the pathway. A call that one
    of them explains as well is given with status `not_separable`. Pathways that are not named keep
    their default; `AKT: []` turns one off, `{}` all."""
    confounder_ratio: float = Field(default=1.0, ge=0, le=10)
    """A confounder explains a call as well if it moves the same way by at least this many times the
    call's effect (both in log2 units), and the effect does not remain beside it."""
    min_replicates: int = Field(default=2, ge=2)
    """Samples that each cell of a contrast needs, the four of an interaction included."""
    mock_contrasts: int = Field(default=200, ge=0, le=2000)
    """Most mock contrasts a model is calibrated with."""
    min_mock_contrasts: int = Field(default=20, ge=1)
    """With fewer distinct mock contrasts the false-call rate comes from simulation."""
    simulations: int = Field(default=100, ge=0, le=2000)
    """Simulated null data sets, where they are needed."""
    max_false_call_rate: float = Field(default=0.05, gt=0, le=0.25)
    """A false-call rate clearly above this (its lower 95% limit) lowers the confidence."""


class SecretomeConfig(Section):
    """Which genes count as secreted."""

    strict: bool = True
    """Leave out factors whose only evidence is a high-throughput mass-spectrometry list (GO code
    HDA), such as actin."""


class DownloadConfig(Section):
    """Limits of the download client."""

    timeout_s: float = Field(default=30, gt=0)
    """Seconds without a byte before a request is given up and tried again."""
    retries: int = Field(default=5, ge=0, le=20)
    """Further tries after 429, 5xx, resets and timeouts, with back-off and jitter."""
    max_wait_s: float = Field(default=120, gt=0)
    """Longest single wait between tries, also where the server asks for more."""
    max_decompressed_gb: float = Field(default=8, gt=0)
    """Largest size of a decompressed file, in GB; beyond it the download is refused."""


class Config(Section):
    """Configuration of one study."""

    study: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,99}$")]
    """GEO series accession; with source `file` any name of up to 100 letters, digits, `_`, `-`."""
    organism: Literal["human", "mouse", "other"] = "human"
    """Organism of the samples. `other` goes with `pathways: none`, counts of your own and gene sets
    in the ids of the counts."""
    pathways: Literal["panel", "none"] = "panel"
    """`panel`: call the pathways of the panel. `none`: quality control, differential expression and
    enrichment only; `signatures` may then be a GMT file, or a folder of them."""
    samples: UserPath
    """Sample sheet (TSV): `sample`, any number of factor columns, optional `exclude` and
    `exclude_reason`. Or an h5ad, whose `obs` it then is."""
    contrasts: UserPath
    """Contrasts table (TSV)."""
    counts: CountsConfig = CountsConfig()
    """Where the counts come from."""
    models: dict[Name, ModelConfig] = Field(min_length=1)
    """Models: one fit each."""
    filter: FilterConfig = FilterConfig()
    """Which genes count as expressed."""
    de: DeConfig = DeConfig()
    """How the models are fitted."""
    alpha: float = Field(default=0.05, gt=0, le=0.5)
    """FDR for genes, and the level that independent filtering optimises for."""
    seed: int = Field(default=20150416, ge=0, lt=2**32)
    """Seed of everything random."""
    signatures: UserPath | None = None
    """Folder of signatures in the panel's format. None: the panel that ships for `organism`,
    `resources/panel` or `resources/panel_mouse`. With `pathways: none` also a GMT file, or a folder
    of GMT files."""
    mirrors: dict[str, str] = Field(default_factory=dict)
    """Host → base URL (http, https) or `file://` folder to use in its place. The hosts are
    `ftp.ncbi.nlm.nih.gov`, `www.ncbi.nlm.nih.gov` and `duffel.rail.bio` (recount3)."""
    offline: bool = False
    """Use mirrors and resources/ only; any other access is an error."""
    accept_changed_inputs: bool = False
    """Accept downloads that differ from inputs.lock.tsv and lock the new ones."""
    calls: CallsConfig = CallsConfig()
    """The rule that makes the calls."""
    secretome: SecretomeConfig = SecretomeConfig()
    """Which genes count as secreted."""
    download: DownloadConfig = DownloadConfig()
    """Limits of the download client."""

    @field_validator("mirrors")
    @classmethod
    def _known_hosts(cls, mirrors: dict[str, str]) -> dict[str, str]:
        for host, base in mirrors.items():
            if host not in HOSTS:
                raise ValueError(f"unknown host {host!r}: {choose(host, HOSTS, what='hosts are')}")
            if not re.match(r"(https?|file)://\S", base) or not base.isprintable():
                raise ValueError(f"{host}: write a base URL (http, https) or a file:// folder")
        return mirrors

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        two = same_but_for_case(self.models)
        if two:
            raise ValueError(f"models {two[0]} and {two[1]} differ in case only: rename one")
        return self

    @model_validator(mode="after")
    def _lengths_need_factors(self) -> Self:
        if self.counts.lengths is not None and self.de.engine != "exact":
            raise ValueError("`counts.lengths` needs `de.engine: exact`: pydeseq2 takes no lengths")
        return self

    @model_validator(mode="after")
    def _other_organism(self) -> Self:
        if self.organism == "other" and (
            self.pathways != "none" or self.counts.source != "file" or self.signatures is None
        ):
            raise ValueError(
                "`organism: other` needs `pathways: none`, `counts.source: file` and gene sets "
                "(`signatures: FILE.gmt`)"
            )
        return self

    @model_validator(mode="after")
    def _geo_accession(self) -> Self:
        if self.counts.source != "file" and not (
            self.study.startswith("GSE") and self.study[3:].isdigit()
        ):
            raise ValueError(f"`study` {self.study!r} is not a GEO series accession (GSE…)")
        return self


def count_files(file: str) -> list[str]:
    """Files that ``counts.file`` names: itself, those of a folder, or those that fit a glob."""
    if os.path.isdir(file):
        found = [os.path.join(file, n) for n in os.listdir(file) if not n.startswith(".")]
    elif any(sign in file for sign in "*?[") and not os.path.exists(file):
        found = glob.glob(file)
    else:
        return [file]
    return sorted(path for path in found if os.path.isfile(path))


def load_config(raw: Mapping[str, Any], *, source: str) -> Config:
    """Check a raw configuration.

    Parameters
    ----------
    raw
        Nested mapping, as Snakemake or YAML gives it.
    source
        File it came from, for messages.

    Raises
    ------
    ConfigError
        Naming the first wrong key, its value and the fix.
    """
    try:
        return Config.model_validate(dict(raw))
    except ValidationError as error:
        raise _explain(error, source) from None


def _explain(error: ValidationError, source: str) -> ConfigError:
    # Unknown keys first: a misspelt key makes others appear missing.
    details = sorted(error.errors(), key=lambda d: d["type"] != "extra_forbidden")
    first = details[0]
    # The branches of a union are pydantic's, not the user's.
    parts = [str(part) for part in first["loc"]]
    key = (
        ".".join(p for p in parts if not p.startswith(("constrained-", "literal[")))
        or "(top level)"
    )
    key = key if len(key) <= 200 else f"{key[:200]}..."
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    if first["type"] == "extra_forbidden":
        known = choose(str(first["loc"][-1]), _keys_beside(first["loc"]), what="the keys here are")
        return ConfigError(
            f"unknown config key{more}", where=f"{source}, key {key}", fix=f"{known}; or remove it"
        )
    if first["type"] == "missing":
        return ConfigError(
            f"a config key is missing{more}",
            where=f"{source}, key {key}",
            fix="add it; docs/config.md says what it holds",
        )
    fix = first["msg"].removeprefix("Value error, ")
    if first["type"] == "literal_error" and isinstance(first["input"], str):
        allowed = re.findall(r"'([^']*)'", str(first.get("ctx", {}).get("expected", "")))
        fix = choose(first["input"], allowed, what=fix)
        fix = fix if "did you mean" in fix else first["msg"]
    elif first["type"] == "string_type" and first["input"] is not None:
        fix = f"{fix}: put it in quotes"
    elif first["type"] == "string_pattern_mismatch":
        fix = f"use letters, digits and _ only, at most 100 ({fix})"
    return ConfigError(
        f"wrong config value{more}",
        where=f"{source}, key {key}, value {shown(first['input'])}",
        fix=fix,
    )


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    section: type[BaseModel] = Config
    for part in loc[:-1]:
        field = section.model_fields.get(str(part))
        inner = field.annotation if field else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            section = inner
        elif part == "models":
            section = ModelConfig
    return list(section.model_fields)


def same_but_for_case(names: Iterable[str]) -> tuple[str, str] | None:
    """Two names that would be one file where a file system does not tell case (macOS)."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            return other, name
    return None


def resolve(path: str, *, root: Path) -> str:
    """Path as given if it exists, else the same path in the workflow's own folder `root`.

    So that a workflow deployed as a module finds the panel that ships with it.
    """
    shipped = root / path
    return str(shipped) if not Path(path).exists() and shipped.exists() else path
