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
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pathcall.counts import readers
from pathcall.counts.given import read_given
from pathcall.errors import ConfigError, InputError, NotPresentError, PathcallError
from pathcall.files import write_atomic
from pathcall.geo import ncbi, recount3, supplementary
from pathcall.geo import soft as geo
from pathcall.geo.http import Client, Obtained
from pathcall.geo.lockfile import forget, read_lock
from pathcall.geo.manifest import (
    InputFile,
    Manifest,
    downloaded,
    given_file,
    read_manifest,
    write_manifest,
)
from pathcall.geo.options import DownloadOptions
from pathcall.geo.soft import SCIENTIFIC, Series
from pathcall.geo.sources import recount3_tables, series_of
from pathcall.geo.supplementary import UnsuitableError
from pathcall.study.config import count_files

logger = logging.getLogger(__name__)

AUTO = ("ncbi", "recount3", "supplementary")
CHOICE_NAME = "choice.json"


def fetch_metadata(
    study: str,
    *,
    organism: str,
    counts: Mapping[str, Any],
    folder: str | Path,
    options: DownloadOptions,
    out: str | Path,
) -> Manifest:
    """Obtain and verify the family SOFT file of a series, and write its manifest to `out`.

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
            files.append(given_file(counts["metadata"], "metadata"))
        manifest = Manifest(study, organism, "", tuple(files))
    else:
        client = Client(options)
        obtained = obtain_soft(client, study, folder)
        series = geo.read_soft(obtained.path, study=study)
        logger.info("%s: %d samples, %s", study, len(series.samples), ", ".join(series.organisms))
        manifest = Manifest(study, organism, "", (downloaded(obtained, "metadata", "geo"),))
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
    """Obtain and verify the counts of the configured source, and write the manifest to `out`.

    Parameters
    ----------
    metadata
        Manifest of `fetch_metadata`.
    counts, folder, options, out
        As of `fetch_metadata`.

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
        files = [given_file(path, "counts") for path in paths]
        files[0] = replace(files[0], note=" | ".join(filter(None, (files[0].note, *notes))))
        manifest = Manifest(
            known.study, known.organism, "file", (*known.files, *files), {}, {"reader": how}
        )
    else:
        series = series_of(known)
        _check_organism(series, known.organism, known.of("metadata")[0].file)
        manifest = _choose(known, series, counts, Path(folder), Client(options))
    write_manifest(manifest, out)
    return manifest


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
    files = [downloaded(found, "counts", "ncbi")]
    try:
        annotation = client.obtain(
            geo.annotation_url(organism),
            folder=folder,
            name=geo.annotation_name(organism),
            validate=check_annotation,
        )
        files.append(downloaded(annotation, "annotation", "ncbi"))
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
        return downloaded(obtained, role, "recount3")

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
    table = recount3.read_counts(*recount3_tables(files), series, found.file)
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
            file = downloaded(obtained[name], "counts", "supplementary")
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


def obtain_soft(client: Client, study: str, folder: str | Path) -> Obtained:
    """Obtain the family SOFT file of a series in `folder`, and verify it."""

    def check(path: Path, where: str) -> None:
        cap = client.options.max_decompressed_bytes
        geo.check_soft(path, where, study=study, max_bytes=cap)

    name = geo.soft_name(study)
    return client.obtain(geo.soft_url(study), folder=folder, name=name, validate=check)


def _check_organism(series: Series, organism: str, where: str) -> None:
    name = SCIENTIFIC[organism]
    if name in series.organisms:
        return
    raise ConfigError(
        f"the samples of {series.accession} are {', '.join(series.organisms)}, not {name}",
        where=f"key organism, value {organism}; {where}",
        fix="set organism: to that of the study (human and mouse are supported)",
    )
