"""Counts and metadata of a study, read from the verified files of its manifest."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pathcall.counts.gene_ids import IdKind
from pathcall.counts.given import read_given
from pathcall.geo import ncbi, recount3, supplementary
from pathcall.geo import soft as geo
from pathcall.geo.manifest import InputFile, Manifest, read_manifest, verify_files
from pathcall.geo.soft import Series


@dataclass(frozen=True)
class CountTable:
    """Counts as published.

    Attributes
    ----------
    counts
        ``genes × samples``; integers, except from source `file`, where they are as given.
    gene_id_kind
        Kind of gene identifier, where the source settles it.
    symbols
        Gene id → symbol, where the source has them.
    where
        The file, for messages.
    source
        Where they come from.
    notes
        What was done to them, with counts.
    """

    counts: pd.DataFrame
    gene_id_kind: IdKind | None
    symbols: pd.Series | None
    where: str
    source: str
    notes: tuple[str, ...] = ()


def read_counts(path: str | Path) -> CountTable:
    """Counts of a manifest, from its verified files.

    Raises
    ------
    InputError
        A file is missing or was changed since the manifest was written.
    """
    manifest = read_manifest(path)
    verify_files(manifest, path)
    return _READERS[manifest.source](manifest)


def read_series(path: str | Path) -> Series | None:
    """Metadata of a manifest; None where there are none (source `file`)."""
    manifest = read_manifest(path)
    return series_of(manifest) if manifest.of("metadata") else None


def sample_metadata(path: str | Path) -> pd.DataFrame | None:
    """GEO's metadata with column names in ``[a-z0-9_]``; index: sample. None without metadata."""
    series = read_series(path)
    if series is None:
        return None
    frame = series.samples
    names = clean_names(list(frame.columns))
    return frame.rename(columns=dict(zip(frame.columns, names, strict=True)))


def clean_names(names: list[str]) -> list[str]:
    """Column names in ``[a-z0-9_]``, unique, in order."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        plain = name.lower().replace("µ", "u").replace("μ", "u")
        clean = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "column"
        clean = f"c_{clean}" if clean[0].isdigit() else clean
        seen[clean] = seen.get(clean, 0) + 1
        found.append(clean if seen[clean] == 1 else f"{clean}_{seen[clean]}")
    return found


def _read_ncbi(manifest: Manifest) -> CountTable:
    where = manifest.of("counts")[0].file
    counts = ncbi.read_counts(Path(where), where)
    symbols = None
    for file in manifest.of("annotation"):
        annotation = ncbi.read_annotation(Path(file.file), file.file)
        symbols = annotation["Symbol"].reindex(counts.index)
    return CountTable(counts, "entrez", symbols, where, "ncbi")


def _read_recount3(manifest: Manifest) -> CountTable:
    where = manifest.of("counts")[0].file
    tables = recount3_tables(manifest.files)
    table = recount3.read_counts(*tables, series_of(manifest), where)
    return CountTable(table.counts, "ensembl", None, where, "recount3", table.notes)


def recount3_tables(
    files: Sequence[InputFile],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Gene sums, SRA metadata and quality of a recount3 study."""
    paths = {file.role: file.file for file in files}
    return (
        recount3.read_sums(Path(paths["counts"]), paths["counts"]),
        recount3.read_metadata(Path(paths["sra"]), paths["sra"]),
        recount3.read_metadata(Path(paths["recount_qc"]), paths["recount_qc"]),
    )


def _read_supplementary(manifest: Manifest) -> CountTable:
    where = manifest.of("counts")[0].file
    path = Path(where)
    table = supplementary.read_file(
        path, where, name=path.name, series=series_of(manifest), max_bytes=sys.maxsize
    )
    return CountTable(table.counts, None, table.symbols, where, "supplementary", table.notes)


def _read_file(manifest: Manifest) -> CountTable:
    paths = [file.file for file in manifest.of("counts")]
    table = read_given(paths, **manifest.details.get("reader", {}))
    where = paths[0] if len(paths) == 1 else f"{len(paths)} files, {paths[0]} …"
    return CountTable(table.counts, None, table.symbols, where, "file", table.notes)


_READERS: dict[str, Callable[[Manifest], CountTable]] = {
    "ncbi": _read_ncbi,
    "recount3": _read_recount3,
    "supplementary": _read_supplementary,
    "file": _read_file,
}


def series_of(manifest: Manifest) -> Series:
    """Metadata of a manifest."""
    study = None if manifest.source == "file" else manifest.study
    return geo.read_soft(manifest.of("metadata")[0].file, study=study)
