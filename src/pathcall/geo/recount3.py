"""Counts of recount3: coverage sums per gene and run, made into read counts per GEO sample.

recount3 stores, per gene, the sum of the coverage over its bases. Its own rule for read counts
(``compute_read_counts`` of the recount3 package, with its defaults) divides a run's sums by the
run's average mapped length, ``star.average_mapped_length`` (both mates of a pair together), and
rounds, half to even. Here the runs of one GEO sample are added after that, so that a sample of one
run has exactly recount3's numbers.

References: Wilks et al. 2021 Genome Biol 22:323, doi 10.1186/s13059-021-02533-6; manual page
``compute_read_counts`` of recount3.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pathcall.archives import RECOUNT3
from pathcall.counts.matrix import verify_counts
from pathcall.errors import InputError
from pathcall.geo.gzip_checks import read_gzip_table, read_head, verify_gzip
from pathcall.geo.soft import Series

logger = logging.getLogger(__name__)

# GENCODE v26 and v29 for GRCh38; GENCODE M23 for GRCm38.
ANNOTATIONS = {"human": ("G026", "G029"), "mouse": ("M023",)}
_LENGTH = "star.average_mapped_length"
_FIX = "delete it to download it again; if it comes back, choose another counts.source"


@dataclass(frozen=True)
class RunTable:
    """Read counts per sample and what was done to get them."""

    counts: pd.DataFrame
    notes: tuple[str, ...]


def sums_name(project: str, annotation: str) -> str:
    """File name of the gene sums."""
    return f"sra.gene_sums.{project}.{annotation}.gz"


def metadata_name(project: str, table: str) -> str:
    """File name of a metadata table: ``sra`` or ``recount_qc``."""
    return f"sra.{table}.{project}.MD.gz"


def file_url(organism: str, project: str, name: str) -> str:
    """Address of a file of an SRA project."""
    kind = "gene_sums" if ".gene_sums." in name else "metadata"
    return f"{RECOUNT3}/{organism}/data_sources/sra/{kind}/{project[-2:]}/{project}/{name}"


def check_sums(path: Path, where: str, *, annotation: str, max_bytes: int) -> None:
    """Check gene sums: whole gzip, the annotation it must have, ``gene_id`` × runs, integers."""
    head = read_head(path, where).decode("utf-8", "replace")
    lines = head.split("\n")
    about = [line for line in lines if line.startswith("##")]
    header = next((line for line in lines if not line.startswith("#")), "").split("\t")
    if header[0] != "gene_id" or not all(re.match(r"[SED]RR\d+$", c.strip()) for c in header[1:]):
        raise InputError(
            "the header is not gene_id and run accessions",
            where=f"{where}, header begins {', '.join(c[:20] for c in header[:3])!r}",
            fix=_FIX,
        )
    stated = next((a.partition("=")[2].strip() for a in about if "annotation" in a), annotation)
    if stated != annotation:
        raise InputError(
            f"the gene annotation is {stated}, not {annotation}", where=where, fix=_FIX
        )
    verify_gzip(path, where, max_bytes=max_bytes)
    read_sums(path, where)


def read_sums(path: Path, where: str) -> pd.DataFrame:
    """Coverage sums, ``gene_id × run``."""
    frame = read_gzip_table(path, where, first="gene_id")
    if not frame.index.is_unique or not frame.columns.is_unique:
        raise InputError("a gene or a run appears twice", where=where, fix=_FIX)
    return verify_counts(frame, where=where)


def check_metadata(path: Path, where: str, *, project: str, needed: str, max_bytes: int) -> None:
    """Check a metadata table: whole gzip, this project, one row a run, the needed column."""
    read_head(path, where)
    verify_gzip(path, where, max_bytes=max_bytes)
    frame = read_metadata(path, where)
    if needed not in frame.columns:
        raise InputError("the table lacks a column", where=f"{where}, {needed}", fix=_FIX)
    others = sorted(set(frame["study"]) - {project})
    if others:
        raise InputError(f"the table is of {others[0]}, not of {project}", where=where, fix=_FIX)


def read_metadata(path: Path, where: str) -> pd.DataFrame:
    """Metadata table; index: run accession; all columns text."""
    frame = read_gzip_table(path, where, first="rail_id", as_text=True)
    for name in ("external_id", "study"):
        if name not in frame.columns:
            raise InputError("the table lacks a column", where=f"{where}, {name}", fix=_FIX)
    if frame["external_id"].duplicated().any():
        raise InputError("a run appears twice", where=where, fix=_FIX)
    return frame.set_index("external_id")


def samples_of_runs(sra: pd.DataFrame, series: Series, where: str) -> pd.Series:
    """Run → GSM of this series, for the runs that are this series'.

    By the experiment accession (GEO names it per sample), the sample name, and the experiment
    title (``GSM…: title``); where several of them speak, they must agree.
    """
    known = series.samples["sra_experiment"]
    by_experiment = {srx: gsm for gsm, srx in known.items() if srx}
    found: dict[str, str] = {}
    for run, row in sra.iterrows():
        said = [
            by_experiment.get(row.get("experiment_acc", "")),
            row.get("sample_name", ""),
            re.split(r"[:\s]", row.get("experiment_title", ""))[0],
        ]
        names = {name for name in said if name in series.samples.index}
        if len(names) > 1:
            raise InputError(
                "a run is said to belong to several samples",
                where=f"{where}, {run}: {', '.join(sorted(names))}",
                fix="choose another counts.source",
            )
        if names:
            found[str(run)] = names.pop()
    return pd.Series(found, dtype=object)


def read_counts(
    sums: pd.DataFrame, sra: pd.DataFrame, quality: pd.DataFrame, series: Series, where: str
) -> RunTable:
    """Read counts per sample.

    Parameters
    ----------
    sums
        Coverage sums, ``genes × runs``.
    sra, quality
        Metadata tables ``sra`` and ``recount_qc``.
    series
        The GEO series.
    where
        For messages.

    Raises
    ------
    InputError
        A run of the series without coverage or mapped length, or of the sums without metadata.
    """
    unknown = [run for run in sums.columns if run not in sra.index]
    if unknown:  # of a sample with several runs, the others would silently be the whole
        raise InputError(
            f"{len(unknown)} runs with coverage sums have no metadata",
            where=f"{where}, first {unknown[0]}",
            fix=_FIX,
        )
    runs = samples_of_runs(sra, series, where)
    if runs.empty:
        raise InputError(
            f"none of the runs is a sample of {series.accession}",
            where=where,
            fix="check counts.sra_study",
        )
    absent = [run for run in runs.index if run not in sums.columns]
    if absent:
        raise InputError(
            f"{len(absent)} runs of the series have no coverage sums",
            where=f"{where}, first {absent[0]}",
            fix="choose another counts.source",
        )
    length = pd.to_numeric(quality[_LENGTH].reindex(runs.index), errors="coerce")
    bad = length.index[~(length > 0)]
    if len(bad):
        raise InputError(
            f"{len(bad)} runs have no {_LENGTH}",
            where=f"{where}, first {bad[0]}",
            fix="choose another counts.source",
        )
    reads = np.rint(sums[runs.index].to_numpy(dtype=float) / length.to_numpy(dtype=float))
    counts = pd.DataFrame(reads.astype(np.int64), index=sums.index, columns=runs.to_numpy())
    order = [name for name in series.samples.index if name in set(runs)]
    counts = counts.T.groupby(level=0).sum().T[order]
    notes = [
        f"coverage sums divided by {_LENGTH} and rounded (recount3's compute_read_counts)",
        f"{len(runs)} runs added up to {len(order)} samples",
    ]
    unused = sums.shape[1] - len(runs)
    if unused:
        notes.append(f"{unused} runs of the SRA study are not of {series.accession}")
    lacking = len(series.samples) - len(order)
    if lacking:
        notes.append(f"{lacking} samples of the series have no run in recount3")
    counts.index = pd.Index(_unversioned(list(counts.index), notes), name="gene_id")
    for note in notes:
        logger.info("%s: %s", where, note)
    return RunTable(counts, tuple(notes))


def _unversioned(ids: list[str], notes: list[str]) -> list[str]:
    """Ids without version; the copies on the Y chromosome keep their full id."""
    plain = [name if name.endswith("_PAR_Y") else name.split(".")[0] for name in ids]
    if len(set(plain)) != len(plain):
        return ids
    if plain != ids:
        changed = sum(a != b for a, b in zip(plain, ids, strict=True))
        notes.append(f"version suffixes taken off {changed} Ensembl ids")
    return plain
