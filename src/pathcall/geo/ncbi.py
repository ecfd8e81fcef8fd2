"""Counts that NCBI makes of human and mouse RNA-seq series, with their gene annotation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pathcall.counts.matrix import verify_counts
from pathcall.errors import InputError
from pathcall.geo.gzip_checks import read_gzip_table, read_head, verify_gzip
from pathcall.geo.soft import SCIENTIFIC, Series

logger = logging.getLogger(__name__)

_FIX = "delete it to download it again; if it comes back, choose another counts.source"
_ENSEMBL = {"human": "ENSG", "mouse": "ENSMUSG"}
# NCBI gives counts and annotation of one assembly the same GeneIDs.
_MIN_SHARED = 0.5
_MAX_LACKING = 0.1


class ShortTableError(InputError):
    """The counts lack genes that their annotation has."""


def check_counts(path: Path, where: str, *, series: Series, organism: str, max_bytes: int) -> None:
    """Check a table of NCBI-generated counts: ``GeneID`` × GSM of this series, raw integers.

    Raises
    ------
    InputError
        Naming what the file is instead.
    """
    columns = _header(read_head(path, where), where)
    verify_gzip(path, where, max_bytes=max_bytes)
    check_samples(columns, series, organism, where)
    read_counts(path, where)


def check_samples(columns: Sequence[str], series: Series, organism: str, where: str) -> None:
    """Every column is a sample of this series, once, and of this organism.

    Samples of the series without a column are logged: NCBI leaves out runs that fail its checks.
    """
    twice = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    if twice:
        raise InputError("a sample has two columns", where=f"{where}, {twice[0]}", fix=_FIX)
    foreign = [name for name in columns if name not in series.samples.index]
    if foreign:
        raise InputError(
            f"the file is another series': {len(foreign)} of {len(columns)} columns are not "
            f"samples of {series.accession}",
            where=f"{where}, first {foreign[0]}",
            fix=_FIX,
        )
    name = SCIENTIFIC[organism]
    other = [c for c in columns if name not in series.samples.loc[c, "organism"].split("; ")]
    if other:
        raise InputError(
            f"{len(other)} of {len(columns)} samples are {series.samples.loc[other[0], 'organism']}"
            f", not {name}",
            where=f"{where}, first {other[0]}",
            fix="set organism: in the config to that of the study",
        )
    absent = [name for name in series.samples.index if name not in set(columns)]
    if absent:
        logger.warning("%s: no column for %d samples: %s", where, len(absent), ", ".join(absent))


def read_counts(path: Path, where: str) -> pd.DataFrame:
    """``GeneID × GSM`` as integers, rows as in the file."""
    frame = read_table(path, where)
    if not all(map(str.isdigit, frame.index)):
        bad = next(name for name in frame.index if not name.isdigit())
        raise InputError("a GeneID is not a number", where=f"{where}, {bad!r}", fix=_FIX)
    return verify_counts(frame, where=where)


def read_table(path: Path, where: str) -> pd.DataFrame:
    """A gzip-compressed tab-separated matrix, its first column text."""
    frame = read_gzip_table(path, where, first="GeneID")
    if (frame.index == "").any():
        raise InputError("a row has no gene id", where=f"{where}, column GeneID", fix=_FIX)
    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()][0]
        raise InputError("a gene has two rows", where=f"{where}, GeneID {twice}", fix=_FIX)
    return frame


def check_annotation(path: Path, where: str, *, organism: str, max_bytes: int) -> None:
    """Check the gene annotation: its header, unique GeneIDs, this organism's Ensembl ids."""
    head = read_head(path, where)
    first = head.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r").split("\t")
    if first[:2] != ["GeneID", "Symbol"]:
        raise InputError(
            "the gene annotation has another header than GeneID, Symbol, …",
            where=f"{where}, header {', '.join(first[:4])!r}",
            fix=_FIX,
        )
    verify_gzip(path, where, max_bytes=max_bytes)
    frame = read_annotation(path, where)
    if "EnsemblGeneID" not in frame:
        return
    ids = frame["EnsemblGeneID"].dropna().astype(str)
    ids = ids[ids.str.startswith("ENS")]
    right = ids.str.match(rf"{_ENSEMBL[organism]}\d")
    if len(ids) and right.mean() < 0.5:
        raise InputError(
            f"the gene annotation is not that of {SCIENTIFIC[organism]}",
            where=f"{where}, EnsemblGeneID {ids[~right].iloc[0]}",
            fix="set organism: to that of the study, or correct the mirror",
        )


def read_annotation(path: Path, where: str) -> pd.DataFrame:
    """Gene annotation; index: GeneID as text."""
    frame = read_gzip_table(path, where, first="GeneID", as_text=True)
    if frame.index.duplicated().any() or (frame.index == "").any():
        raise InputError("GeneIDs are missing or repeated", where=where, fix=_FIX)
    return frame.where(frame != "")


def check_pair(counts: pd.DataFrame, annotation: pd.DataFrame, where: str, organism: str) -> None:
    """Counts and annotation are of the same organism and assembly."""
    shared = counts.index.isin(annotation.index).mean()
    if shared < _MIN_SHARED:
        raise InputError(
            f"the gene annotation is another organism's: it has {shared:.0%} of the GeneIDs",
            where=where,
            fix=f"check organism: ({organism}) and the mirror",
        )
    if shared < 1:
        logger.warning("%s: no annotation for %.2f%% of the genes", where, 100 * (1 - shared))
    lacking = (~annotation.index.isin(counts.index)).mean()
    if lacking > _MAX_LACKING:
        raise ShortTableError(
            f"the table of counts is short: {lacking:.0%} of the annotated genes have no row",
            where=where,
            fix=_FIX,
        )
    if lacking > 0:
        logger.warning("%s: %.2f%% of the annotated genes have no row", where, 100 * lacking)


def _header(head: bytes, where: str) -> list[str]:
    line, end, _ = head.partition(b"\n")
    cells = line.decode("utf-8", "replace").rstrip("\r").split("\t")
    if not end or cells[0] != "GeneID" or not all(c.startswith("GSM") for c in cells[1:]):
        shown = ", ".join(cell[:20] for cell in cells[:3])
        raise InputError(
            "the header is not GeneID and GSM accessions",
            where=f"{where}, header begins {shown!r}",
            fix=_FIX,
        )
    return cells[1:]
