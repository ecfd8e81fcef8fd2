"""Everything the report shows, read once, checked, and cleaned of control characters."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall import tables
from pathcall.errors import InputError
from pathcall.report.stored import StoredModel, read_counts, read_stored_model
from pathcall.signatures.panel import Panel, load_panel
from pathcall.signatures.weights import genes_by_symbol
from pathcall.study.config import CallsConfig
from pathcall.study.contrasts import Contrast
from pathcall.tables import DataFrameSchema

_log = logging.getLogger(__name__)

# C0/C1 controls, and the marks that reorder text: a sample title must not rearrange the page.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_UNCLEAN = re.compile(f"[\t\r\n]|{_CONTROL.pattern}")


def clean(text: str) -> str:
    """Text without control characters and without marks that reorder it."""
    return _CONTROL.sub("", text.replace("\t", " ").replace("\r", " ").replace("\n", " "))


@dataclass(frozen=True)
class ContrastInfo(Contrast):
    """A contrast as the report names it."""

    @property
    def label(self) -> str:
        """The description, or the id where there is none."""
        return self.description or self.contrast

    @property
    def sides(self) -> str:
        """Test and reference cell in words."""
        text = f"{_cell(self.test)} against {_cell(self.reference)}"
        return f"{text}, minus {self.subtract}" if self.subtract else text


@dataclass(frozen=True)
class ReportData:
    """All tables of one results folder.

    Attributes
    ----------
    counts
        Raw counts, ``samples × genes``, rows as in ``counts_samples``.
    genes
        Their gene_id and symbol, in matrix order.
    """

    folder: Path
    study: str
    config: Mapping[str, Any]
    contrasts: tuple[ContrastInfo, ...]
    panel: Panel = field(repr=False)
    samples: pd.DataFrame = field(repr=False)
    metrics: pd.DataFrame = field(repr=False)
    pca: pd.DataFrame = field(repr=False)
    correlation: pd.DataFrame = field(repr=False)
    flags: pd.DataFrame = field(repr=False)
    de: Mapping[str, pd.DataFrame] = field(repr=False)
    enrichment: Mapping[str, pd.DataFrame] = field(repr=False)
    activity: Mapping[str, pd.DataFrame] = field(repr=False)
    scores: pd.DataFrame = field(repr=False)
    evidence: pd.DataFrame = field(repr=False)
    calls: pd.DataFrame = field(repr=False)
    adjusted: pd.DataFrame = field(repr=False)
    sensitivity: pd.DataFrame = field(repr=False)
    ranking: pd.DataFrame = field(repr=False)
    calibration: Mapping[str, pd.DataFrame] = field(repr=False)
    nfkb_genes: pd.DataFrame = field(repr=False)
    fra1: pd.DataFrame = field(repr=False)
    combined_genes: pd.DataFrame = field(repr=False)
    combined_pathways: pd.DataFrame = field(repr=False)
    secretome: Mapping[str, pd.DataFrame] = field(repr=False)
    overlap: pd.DataFrame = field(repr=False)
    inputs: pd.DataFrame = field(repr=False)
    software: pd.DataFrame = field(repr=False)
    methods: str = field(repr=False)
    config_text: str = field(repr=False)
    models: Mapping[str, StoredModel] = field(repr=False)
    counts: npt.NDArray[np.integer[Any]] = field(repr=False)
    counts_samples: tuple[str, ...] = field(repr=False)
    genes: pd.DataFrame = field(repr=False)
    files: tuple[str, ...] = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)

    @property
    def has_calls(self) -> bool:
        """Whether pathways were called; else the tables that rest on calls are empty."""
        return bool(self.config.get("pathways", "panel") == "panel")

    @property
    def alpha(self) -> float:
        """FDR for genes."""
        return float(self.config.get("alpha", 0.05))

    @property
    def max_false_call_rate(self) -> float:
        """False-call rate above which the rule lowers a call's confidence."""
        return CallsConfig.model_validate(self.config.get("calls") or {}).max_false_call_rate

    @property
    def pathways(self) -> tuple[str, ...]:
        """Pathways that were called, in the order of the calls."""
        return tuple(dict.fromkeys(self.calls["pathway"]))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Nature of the study's own data (the panel apart)."""
        own = self.inputs[self.inputs["source"] != "panel"]
        return tuple(dict.fromkeys(own["kind"]))

    def contrast(self, name: str) -> ContrastInfo:
        """One contrast by id."""
        return next(c for c in self.contrasts if c.contrast == name)

    @cached_property
    def _calls(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        rows = ({str(k): v for k, v in row.items()} for row in self.calls.to_dict("records"))
        return {(row["contrast"], row["pathway"]): row for row in rows}

    def call(self, contrast: str, pathway: str) -> Mapping[str, Any]:
        """The row of calls.tsv."""
        row = self._calls.get((contrast, pathway))
        if row is None:
            raise InputError(
                "a call is missing",
                where=f"calls.tsv, contrast {contrast}, pathway {pathway}",
                fix="delete calls.tsv and run again",
            )
        return row

    @cached_property
    def symbols(self) -> Mapping[str, pd.Series]:
        """Model → the genes that stand for a symbol: gene_id → symbol."""
        return {k: genes_by_symbol(m.symbols, m.base_mean) for k, m in self.models.items()}

    @cached_property
    def _tested_sets(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        return {
            (contrast, str(row["gene_set"])): {str(k): v for k, v in row.items()}
            for contrast, frame in self.enrichment.items()
            for row in frame[frame["es"].notna()].to_dict("records")
        }

    @cached_property
    def _sets_by_genes(self) -> Mapping[frozenset[str], str]:
        named = reversed(list(self.panel.gene_sets.items()))
        return {frozenset(own.genes): name for name, own in named}

    def enrichment_row(self, contrast: str, genes: Collection[str]) -> Mapping[str, Any] | None:
        """Row of enrichment/{contrast}.tsv of the set of exactly these genes, if it was tested."""
        name = self._sets_by_genes.get(frozenset(genes), "")
        return self._tested_sets.get((contrast, name))


EMBED_LIMIT = 1_000_000  # bytes of text; larger tables are linked, not embedded


def read_results(
    results: Path,
    *,
    config: Mapping[str, Any],
    contrasts: Sequence[Mapping[str, Any]],
    panel_folder: Path,
) -> ReportData:
    """Read a results folder.

    Raises
    ------
    InputError
        A table of the contract is missing or does not fit its schema.
    """
    infos = tuple(_info(c) for c in contrasts)
    models = list(dict.fromkeys(c.model for c in infos))

    panel = load_panel(panel_folder)
    called = config.get("pathways", "panel") == "panel"

    def table(name: str, schema: DataFrameSchema, *, made: bool = True) -> pd.DataFrame:
        if not made:
            return pd.DataFrame({column: pd.Series(dtype=object) for column in schema.columns})
        path = _need(results / f"{name}.tsv")
        frame = tables.read_table(path, schema)
        return frame if _is_plain(path.read_bytes()) else _cleaned(frame)

    def each(folder: str, schema: DataFrameSchema, *, made: bool = True) -> dict[str, pd.DataFrame]:
        return {c.contrast: table(f"{folder}/{c.contrast}", schema, made=made) for c in infos}

    counts, names, genes = read_counts(_need(results / "counts.h5ad"))
    for column in ("gene_id", "symbol"):
        genes[column] = [clean(v) if isinstance(v, str) else "" for v in genes[column]]
    made = ReportData(
        folder=results,
        study=clean(str(config["study"])),
        config=config,
        contrasts=infos,
        panel=panel,
        samples=table("samples", tables.SAMPLES),
        metrics=table("qc/metrics", tables.QC_METRICS),
        pca=table("qc/pca", tables.QC_PCA),
        correlation=table("qc/correlation", tables.QC_CORRELATION),
        flags=table("qc/flags", tables.QC_FLAGS),
        de=each("de", tables.DE),
        enrichment=each("enrichment", tables.ENRICHMENT),
        activity=each("activity", tables.ACTIVITY, made=called or not panel.footprints.empty),
        scores=table("scores/samples", tables.SCORES, made=called),
        evidence=table("evidence", tables.EVIDENCE, made=called),
        calls=table("calls", tables.CALLS_TABLE, made=called),
        adjusted=table("adjusted", tables.ADJUSTED, made=called),
        sensitivity=table("sensitivity", tables.SENSITIVITY, made=called),
        ranking=table("ranking", tables.RANKING, made=called),
        calibration={m: table(f"calibration/{m}", tables.CALIBRATION, made=called) for m in models},
        nfkb_genes=table("nfkb_genes", tables.NFKB_GENES, made=called),
        fra1=table("secretome/fra1", tables.FRA1, made=called),
        combined_genes=table("combined/genes", tables.COMBINED_GENES, made=called),
        combined_pathways=table("combined/pathways", tables.COMBINED_PATHWAYS, made=called),
        secretome=each("secretome", tables.SECRETOME, made=called),
        overlap=table("secretome/overlap", tables.SECRETOME_OVERLAP, made=called),
        inputs=table("provenance/inputs", tables.INPUTS),
        software=table("provenance/software", tables.SOFTWARE),
        methods=_need(results / "provenance/methods.md").read_text(encoding="utf-8"),
        config_text=_need(results / "provenance/config.yaml").read_text(encoding="utf-8"),
        models={m: read_stored_model(_need(results / "models" / f"{m}.h5ad")) for m in models},
        counts=counts,
        counts_samples=tuple(clean(name) for name in names),
        genes=genes,
        files=(),
        texts={},
    )
    files = _files(made)
    texts = {}
    for name in files:
        path = _need(results / name)
        # The gene tables are packed in another way (`payload`).
        large = name.endswith(".h5ad") or name.startswith("de/")
        if not large and path.stat().st_size <= EMBED_LIMIT:
            texts[name] = path.read_text(encoding="utf-8")
    _log.info(
        "read %d contrasts, %d samples, %d genes; %d of %d tables embedded",
        len(infos),
        len(made.samples),
        len(genes),
        len(texts),
        len(files),
    )
    return ReportData(**{**made.__dict__, "files": files, "texts": texts})


def _files(data: ReportData) -> tuple[str, ...]:
    """Every table, in the order in which a reader wants it with the page."""
    contrasts = [c.contrast for c in data.contrasts]
    if not data.has_calls:
        names = ["samples.tsv", "qc/flags.tsv", "qc/metrics.tsv", "provenance/inputs.tsv"]
        names += ["provenance/software.tsv", "provenance/config.yaml", "provenance/methods.md"]
        names += ["qc/pca.tsv", "qc/correlation.tsv"]
        kept = ("enrichment", "de") if data.panel.footprints.empty else (
            "activity", "enrichment", "de"
        )  # fmt: skip
        names += [f"{folder}/{c}.tsv" for folder in kept for c in contrasts]
        return (*names, *(f"lrt/{m}.tsv" for m in data.models), "counts.h5ad")
    names = ["calls.tsv", "evidence.tsv", "samples.tsv"]
    names += ["ranking.tsv", "sensitivity.tsv", "adjusted.tsv", "nfkb_genes.tsv"]
    names += ["qc/flags.tsv", "qc/metrics.tsv", "provenance/inputs.tsv", "provenance/software.tsv"]
    names += ["provenance/config.yaml", "provenance/methods.md", "combined/pathways.tsv"]
    names += ["secretome/overlap.tsv", "qc/pca.tsv", "secretome/fra1.tsv"]
    names += [f"calibration/{m}.tsv" for m in data.models]
    for folder in ("activity", "enrichment", "secretome"):
        names += [f"{folder}/{c.contrast}.tsv" for c in data.contrasts]
    names += ["qc/correlation.tsv", "combined/genes.tsv", "scores/samples.tsv"]
    names += [f"de/{c.contrast}.tsv" for c in data.contrasts]
    names += [f"lrt/{m}.tsv" for m in data.models]
    names += [f"readouts/{c.contrast}.tsv" for c in data.contrasts]
    return (*names, "counts.h5ad")


def _info(raw: Mapping[str, Any]) -> ContrastInfo:
    return ContrastInfo(
        contrast=str(raw["contrast"]),
        model=str(raw["model"]),
        test=_texts(raw["test"]),
        reference=_texts(raw["reference"]),
        subtract=raw.get("subtract") or None,
        group=raw.get("group") or None,
        expected=_texts(raw.get("expected")),
        description=clean(str(raw.get("description") or "")),
    )


def _texts(raw: Mapping[str, Any] | None) -> dict[str, str]:
    return {clean(str(k)): clean(str(v)) for k, v in dict(raw or {}).items()}


def _cell(side: Mapping[str, str]) -> str:
    return ", ".join(f"{k} {v}" for k, v in side.items())


def _need(path: Path) -> Path:
    if not path.is_file():
        raise InputError(
            "a table that the report shows is missing",
            where=str(path),
            fix="run the workflow again: it makes what is missing",
        )
    return path


_PLAIN = bytes([9, 10, *range(32, 34), *range(35, 127)])


def _is_plain(content: bytes) -> bool:
    """Whether a table holds printable ASCII only, and nothing that is quoted.

    Most do, and are large: this look at their bytes saves one at each cell.
    """
    return not content.translate(None, _PLAIN)


def _cleaned(frame: pd.DataFrame) -> pd.DataFrame:
    for name in frame.select_dtypes(object).columns:
        # Nearly every column is clean: one look at all of it is quicker than one at each cell.
        if not _UNCLEAN.search("".join(v for v in frame[name] if isinstance(v, str))):
            continue
        frame[name] = [clean(v) if isinstance(v, str) else v for v in frame[name]]
    return frame
