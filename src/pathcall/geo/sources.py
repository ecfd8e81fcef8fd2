"""Where the counts come from: each source tried in order, the choice and its reasons kept.

The manifest ``source.json`` names the files of the chosen source, what each is, and why an earlier
source was passed over. Everything downstream reads counts and metadata through it, and every read
verifies the files' hashes.

`auto` passes a source over only when the archive says that it has nothing there (404), when nothing
may be asked (offline without a mirror), or when what it has cannot serve (normalised values). A
server that fails, or a file that is wrong, stops the run: otherwise the numbers in a report would
depend on the state of a server on that day.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from pathcall.counts import readers
from pathcall.counts.gene_ids import IdKind
from pathcall.counts.given import read_given
from pathcall.errors import ConfigError, InputError, NotPresentError, PathcallError
from pathcall.files import check_seal, sha256_of, write_atomic
from pathcall.geo import ncbi, recount3, supplementary
from pathcall.geo import soft as geo
from pathcall.geo.http import Client, Obtained
from pathcall.geo.lockfile import ORIGIN_NAME, forget, read_lock, read_origins
from pathcall.geo.options import DownloadOptions
from pathcall.geo.soft import SCIENTIFIC, Series
from pathcall.geo.supplementary import UnsuitableError
from pathcall.study.config import count_files
from pathcall.tables import INPUTS

logger = logging.getLogger(__name__)

AUTO = ("ncbi", "recount3", "supplementary")
CHOICE_NAME = "choice.json"


@dataclass(frozen=True)
class InputFile:
    """One file that entered: a row of ``provenance/inputs.tsv`` with its role."""

    role: str
    file: str
    url: str | None
    source: str
    bytes: int
    sha256: str
    retrieved: str | None
    kind: str
    note: str | None


@dataclass(frozen=True)
class Manifest:
    """The fetched files of a study.

    Attributes
    ----------
    study, organism
        As configured.
    source
        Chosen source of counts; empty as long as only metadata were fetched.
    files
        Every file, metadata first.
    passed_over
        Source → why it was passed over, in the order tried.
    details
        What reading the files needs to know (source-specific).
    """

    study: str
    organism: str
    source: str
    files: tuple[InputFile, ...]
    passed_over: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def of(self, role: str) -> list[InputFile]:
        """Files of one role."""
        return [file for file in self.files if file.role == role]


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


def fetch_metadata(
    study: str,
    *,
    organism: str,
    counts: Mapping[str, Any],
    folder: str | Path,
    options: DownloadOptions,
    out: str | Path,
) -> Manifest:
    """Have the family SOFT file of a series, verified, and write its manifest to `out`.

    With source `file`, metadata are optional: the file ``counts.metadata`` names, or none.

    Parameters
    ----------
    study
        GEO series accession; with source `file` any name.
    organism
        ``human`` or ``mouse``.
    counts
        Section ``counts`` of the configuration.
    folder
        ``resources/{study}``.
    options
        How to download.
    out
        Path of the manifest.

    Raises
    ------
    PathcallError
        As `Client.obtain`.
    """
    if counts["source"] == "file":
        files = []
        if counts["metadata"] is not None:
            geo.read_soft(counts["metadata"])
            files.append(_given(counts["metadata"], "metadata"))
        manifest = Manifest(study, organism, "", tuple(files))
    else:
        client = Client(options)
        obtained = obtain_soft(client, study, folder)
        series = geo.read_soft(obtained.path, study=study)
        logger.info("%s: %d samples, %s", study, len(series.samples), ", ".join(series.organisms))
        manifest = Manifest(study, organism, "", (_downloaded(obtained, "metadata", "geo"),))
    write_manifest(manifest, out)
    return manifest


def fetch_counts(
    metadata: str | Path,
    *,
    counts: Mapping[str, Any],
    folder: str | Path,
    options: DownloadOptions,
    out: str | Path,
) -> Manifest:
    """Have the counts of the configured source, verified, and write the manifest to `out`.

    Parameters
    ----------
    metadata
        Manifest of `fetch_metadata`.
    counts
        Section ``counts`` of the configuration.
    folder
        ``resources/{study}``.
    options
        How to download.
    out
        Path of the manifest.

    Raises
    ------
    PathcallError
        No source has raw counts, a server failed, or a file is not what it should be.
    """
    known = read_manifest(metadata)
    if counts["source"] == "file":
        how = {"layer": counts["layer"], "estimated": counts["estimated"]}
        paths = count_files(counts["file"])
        notes = read_given(paths, **how).notes
        files = [_given(path, "counts") for path in paths]
        files[0] = replace(files[0], note=" | ".join(filter(None, (files[0].note, *notes))))
        manifest = Manifest(
            known.study, known.organism, "file", (*known.files, *files), {}, {"reader": how}
        )
    else:
        series = _series(known)
        _check_organism(series, known.organism, known.of("metadata")[0].file)
        manifest = _choose(known, series, counts, Path(folder), Client(options))
    write_manifest(manifest, out)
    return manifest


def read_counts(path: str | Path) -> CountTable:
    """Counts of a manifest, from its verified files.

    Raises
    ------
    InputError
        A file is missing or was changed since the manifest was written.
    """
    manifest = read_manifest(path)
    _verify(manifest, path)
    return _READERS[manifest.source](manifest)


def read_series(path: str | Path) -> Series | None:
    """Metadata of a manifest; None where there are none (source `file`)."""
    manifest = read_manifest(path)
    return _series(manifest) if manifest.of("metadata") else None


def sample_metadata(path: str | Path) -> pd.DataFrame | None:
    """GEO's metadata with column names in ``[a-z0-9_]``; index: sample. None without metadata."""
    series = read_series(path)
    if series is None:
        return None
    frame = series.samples
    names = clean_names(list(frame.columns))
    return frame.rename(columns=dict(zip(frame.columns, names, strict=True)))


def input_rows(path: str | Path) -> pd.DataFrame:
    """Rows of ``provenance/inputs.tsv`` for the files of a manifest."""
    rows = [asdict(file) for file in read_manifest(path).files]
    frame = pd.DataFrame(rows, columns=["role", *INPUTS.columns])
    return frame.drop(columns="role").astype({"bytes": int})


def read_manifest(path: str | Path) -> Manifest:
    """Read what `write_manifest` wrote."""
    check_seal(path)
    raw = json.loads(Path(path).read_text(encoding="utf-8"))
    raw["files"] = tuple(InputFile(**file) for file in raw["files"])
    return Manifest(**raw)


def write_manifest(manifest: Manifest, path: str | Path) -> None:
    """Write a manifest as JSON, whole or not at all."""
    write_atomic(
        json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n", path, sealed=True
    )


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


# -- the choice --------------------------------------------------------------------------------


def _choose(
    known: Manifest, series: Series, counts: Mapping[str, Any], folder: Path, client: Client
) -> Manifest:
    wanted = counts["source"]
    if wanted != "auto":
        files, details = _FETCHERS[wanted](known, series, counts, folder, client)
        return Manifest(known.study, known.organism, wanted, (*known.files, *files), {}, details)
    passed: dict[str, str] = {}
    chosen = _read_choice(folder)
    if chosen is not None and not client.options.accept_changed_inputs:
        # An archive that gains counts later must not change the numbers of a study in hand.
        source, passed = chosen
        logger.info("source %s: the choice of the first download, kept in %s", source, CHOICE_NAME)
        order: tuple[str, ...] = (source, *AUTO)
    else:
        order = AUTO
    for source in dict.fromkeys(order):
        try:
            files, details = _FETCHERS[source](known, series, counts, folder, client)
        except (NotPresentError, UnsuitableError) as error:
            passed[source] = f"{error.what} ({_archive_address(error, client)})"
            logger.info("source %s passed over: %s", source, passed[source])
            continue
        logger.info("source %s chosen", source)
        passed = {name: passed[name] for name in AUTO if name in passed and name != source}
        choice = json.dumps({"source": source, "passed_over": passed}, indent=1)
        if _read_choice(folder) != (source, passed):
            write_atomic(choice + "\n", folder / CHOICE_NAME)
        if passed:
            reasons = "; ".join(f"{name} passed over: {why}" for name, why in passed.items())
            files = [
                replace(f, note=" | ".join(filter(None, (f.note, reasons))))
                if f.role == "counts"
                else f
                for f in files
            ]
        return Manifest(
            known.study, known.organism, source, (*known.files, *files), passed, details
        )
    raise InputError(
        f"no source has raw counts of {known.study}",
        where="; ".join(f"{name}: {why}" for name, why in passed.items()),
        fix="give your own table with counts.source: file",
    )


def _read_choice(folder: Path) -> tuple[str, dict[str, str]] | None:
    path = folder / CHOICE_NAME
    if not path.is_file():
        return None
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        source, passed = raw["source"], dict(raw["passed_over"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            "the choice of source cannot be read", where=str(path), fix="delete it to choose anew"
        ) from error
    return (source, passed) if source in AUTO else None


def _archive_address(error: PathcallError, client: Client) -> str:
    """Where, without the mirror's address, which differs between machines and runs."""
    where = error.where
    for host, base in client.options.mirrors.items():
        where = where.replace(base.rstrip("/"), f"mirror of {host}")
    return where


Fetched = tuple[list[InputFile], dict[str, Any]]
Fetcher = Callable[[Manifest, Series, Mapping[str, Any], Path, Client], Fetched]


def _fetch_ncbi(
    known: Manifest, series: Series, counts: Mapping[str, Any], folder: Path, client: Client
) -> Fetched:
    cap = client.options.max_decompressed_bytes
    organism = known.organism

    def check(path: Path, where: str) -> None:
        ncbi.check_counts(path, where, series=series, organism=organism, max_bytes=cap)

    def check_annotation(path: Path, where: str) -> None:
        ncbi.check_annotation(path, where, organism=organism, max_bytes=cap)
        table = ncbi.read_counts(found.path, str(found.path))
        ncbi.check_pair(table, ncbi.read_annotation(path, where), where, organism)

    name = geo.counts_name(known.study, organism)
    fresh = name not in read_lock(folder)
    found = client.obtain(
        geo.counts_url(known.study, organism),
        folder=folder,
        name=name,
        validate=check,
    )
    files = [_downloaded(found, "counts", "ncbi")]
    try:
        annotation = client.obtain(
            geo.annotation_url(organism),
            folder=folder,
            name=geo.annotation_name(organism),
            validate=check_annotation,
        )
        files.append(_downloaded(annotation, "annotation", "ncbi"))
    except NotPresentError as error:
        # The panel's own table of gene ids maps GeneIDs; NCBI's annotation adds symbols to it.
        logger.warning("no gene annotation: %s", error)
    except ncbi.ShortTableError:
        # Only now is it known that the first file is the wrong one.
        if fresh:
            forget(folder, name)
        raise
    return files, {}


def _fetch_recount3(
    known: Manifest, series: Series, counts: Mapping[str, Any], folder: Path, client: Client
) -> Fetched:
    cap = client.options.max_decompressed_bytes
    project = _project(series, counts)

    def obtain(name: str, role: str, validate: Callable[[Path, str], None]) -> InputFile:
        url = recount3.file_url(known.organism, project, name)
        obtained = client.obtain(url, folder=folder, name=name, validate=validate)
        return _downloaded(obtained, role, "recount3")

    def sums(annotation: str) -> InputFile:
        def check(path: Path, where: str) -> None:
            recount3.check_sums(path, where, annotation=annotation, max_bytes=cap)

        return obtain(recount3.sums_name(project, annotation), "counts", check)

    def metadata(table: str, needed: str) -> InputFile:
        def check(path: Path, where: str) -> None:
            recount3.check_metadata(path, where, project=project, needed=needed, max_bytes=cap)

        return obtain(recount3.metadata_name(project, table), table, check)

    names = recount3.ANNOTATIONS[known.organism]
    # What is here and locked stays the choice, also if a better one has appeared since.
    here = [n for n in names if (folder / recount3.sums_name(project, n)).is_file()]
    *earlier, last = here[:1] or names
    found: InputFile | None = None
    for annotation in earlier:
        try:
            found = sums(annotation)
            break
        except NotPresentError as error:
            logger.info("no %s gene sums: %s", annotation, error)
    found = found or sums(last)
    files = [
        found,
        metadata("sra", "experiment_acc"),
        metadata("recount_qc", "star.average_mapped_length"),
    ]
    # Every run of the series must have what its read counts need: known now, not in a later job.
    table = recount3.read_counts(*_recount3_tables(files), series, found.file)
    return files, {"sra_study": project, "notes": list(table.notes)}


def _project(series: Series, counts: Mapping[str, Any]) -> str:
    if counts["sra_study"]:
        return str(counts["sra_study"])
    if len(series.sra_studies) == 1:
        return series.sra_studies[0]
    named = ", ".join(series.sra_studies) or "none"
    raise UnsuitableError(
        "recount3 needs an SRA study",
        where=f"counts.sra_study is not set; the series names {named}",
        fix="set counts.sra_study",
    )


def _fetch_supplementary(
    known: Manifest, series: Series, counts: Mapping[str, Any], folder: Path, client: Client
) -> Fetched:
    cap = client.options.max_decompressed_bytes
    base = geo.suppl_url(known.study)
    # Files that the series names itself, in case the server lists no folders.
    names = {url.rsplit("/", 1)[-1] for url in series.supplementary if "/suppl/" in url}
    try:
        names |= set(client.names(base))
    except NotPresentError:
        if not names:
            raise
    tiers, refused = supplementary.judge_names(sorted(names))
    reasons = dict(refused)
    for tier in tiers:
        tables: dict[str, readers.CountTable] = {}
        obtained: dict[str, Obtained] = {}
        for name in tier:
            try:
                tables[name], obtained[name] = _supplement(client, base, name, folder, series, cap)
            except (NotPresentError, supplementary.UnsuitableError) as error:
                reasons[name] = error.what
                logger.info("%s refused: %s", name, error)
        if tables:
            name = supplementary.best(tables, base)
            notes = [*tables[name].notes, *(f"{n} refused: {why}" for n, why in reasons.items())]
            file = _downloaded(obtained[name], "counts", "supplementary")
            return [file], {"notes": notes}
    said = "; ".join(f"{name}: {why}" for name, why in reasons.items()) or "no files"
    raise UnsuitableError(
        "no supplementary file has raw counts",
        where=f"{base}: {said}",
        fix="give your own table with counts.source: file",
    )


def _supplement(
    client: Client, base: str, name: str, folder: Path, series: Series, cap: int
) -> tuple[readers.CountTable, Obtained]:
    read: list[readers.CountTable] = []

    def check(path: Path, where: str) -> None:
        read.append(supplementary.read_file(path, where, name=name, series=series, max_bytes=cap))

    obtained = client.obtain(base + quote(name), folder=folder, name=name, validate=check)
    return read[-1], obtained


_FETCHERS: dict[str, Fetcher] = {
    "ncbi": _fetch_ncbi,
    "recount3": _fetch_recount3,
    "supplementary": _fetch_supplementary,
}


# -- reading -----------------------------------------------------------------------------------


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
    tables = _recount3_tables(manifest.files)
    table = recount3.read_counts(*tables, _series(manifest), where)
    return CountTable(table.counts, "ensembl", None, where, "recount3", table.notes)


def _recount3_tables(
    files: Sequence[InputFile],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
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
        path, where, name=path.name, series=_series(manifest), max_bytes=sys.maxsize
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


# -- helpers -----------------------------------------------------------------------------------


def obtain_soft(client: Client, study: str, folder: str | Path) -> Obtained:
    """Have the family SOFT file of a series in `folder`, verified."""

    def check(path: Path, where: str) -> None:
        cap = client.options.max_decompressed_bytes
        geo.check_soft(path, where, study=study, max_bytes=cap)

    name = geo.soft_name(study)
    return client.obtain(geo.soft_url(study), folder=folder, name=name, validate=check)


def _series(manifest: Manifest) -> Series:
    study = None if manifest.source == "file" else manifest.study
    return geo.read_soft(manifest.of("metadata")[0].file, study=study)


def _check_organism(series: Series, organism: str, where: str) -> None:
    name = SCIENTIFIC[organism]
    if name in series.organisms:
        return
    raise ConfigError(
        f"the samples of {series.accession} are {', '.join(series.organisms)}, not {name}",
        where=f"key organism, value {organism}; {where}",
        fix="set organism: to that of the study (human and mouse are supported)",
    )


def _downloaded(obtained: Obtained, role: str, source: str) -> InputFile:
    locked, origin = obtained.locked, obtained.origin
    note = None
    if origin is not None:
        note = "; ".join(filter(None, (origin.what, f"from {origin.source}")))
    return InputFile(
        role=role,
        file=obtained.path.as_posix(),
        url=locked.url,
        source=source,
        bytes=locked.bytes,
        sha256=locked.sha256,
        retrieved=None if locked.retrieved == "NA" else locked.retrieved,
        kind="real" if origin is None else origin.kind,
        note=note,
    )


def _given(path: str, role: str) -> InputFile:
    """A file of the user's; its kind is what an ``ORIGIN.tsv`` beside it says."""
    size, sha = sha256_of(path)
    folder, name = Path(path).parent, Path(path).name
    origin = read_origins(folder).get(name)
    note = "given by the user"
    if origin is not None:
        note = "; ".join(filter(None, (origin.what, origin.source)))
        if origin.sha256 not in ("", "-", sha):
            note = f"differs from the sha256 in {folder / ORIGIN_NAME}; {note}"
            logger.warning("%s: %s", path, note)
    return InputFile(
        role=role,
        file=path,
        url=None,
        source="file" if origin is None or origin.kind != "embedded" else "embedded",
        bytes=size,
        sha256=sha,
        retrieved=None,
        kind="real" if origin is None else origin.kind,
        note=note,
    )


def _verify(manifest: Manifest, path: str | Path) -> None:
    for file in manifest.files:
        if not Path(file.file).is_file():
            raise InputError(
                "a fetched file is gone",
                where=f"{file.file}, named by {path}",
                fix="run again with --forcerun fetch_metadata",
            )
        size, sha = sha256_of(file.file)
        if sha != file.sha256:
            raise InputError(
                f"a fetched file was changed: sha256 {sha} ({size} bytes), fetched "
                f"{file.sha256} ({file.bytes} bytes)",
                where=file.file,
                fix="restore it; or delete it and run with --forcerun fetch_metadata",
            )
