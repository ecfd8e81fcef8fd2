"""GEO's addresses, and the metadata of a series from its family SOFT file."""

from __future__ import annotations

import gzip
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from pathcall.archives import GEO_DOWNLOAD, GEO_SERIES
from pathcall.errors import DamagedError, InputError
from pathcall.geo.gzip_checks import read_head, verify_gzip

logger = logging.getLogger(__name__)

ASSEMBLIES = {"human": "GRCh38.p13", "mouse": "GRCm39"}
_SPECIES = {"human": "Human", "mouse": "Mouse"}
SCIENTIFIC = {"human": "Homo sapiens", "mouse": "Mus musculus"}
# Not by the locale: GEO writes UTF-8 (µM).
_OPEN = {"encoding": "utf-8", "errors": "replace"}
# Columns of Series.samples that are not characteristics.
FIELDS = ("title", "source_name", "description", "organism", "platform", "library_strategy",
          "library_source", "instrument", "sra_experiment", "biosample")  # fmt: skip


def series_url(study: str) -> str:
    """Folder of a series: ``…/series/GSE64nnn/GSE64741``."""
    return f"{GEO_SERIES}/{re.sub(r'[0-9]{1,3}$', 'nnn', study)}/{study}"


def soft_name(study: str) -> str:
    """Name of the family SOFT file."""
    return f"{study}_family.soft.gz"


def soft_url(study: str) -> str:
    """Address of the family SOFT file."""
    return f"{series_url(study)}/soft/{soft_name(study)}"


def suppl_url(study: str) -> str:
    """Address of the folder of supplementary files."""
    return f"{series_url(study)}/suppl/"


def counts_name(study: str, organism: str) -> str:
    """Name of the counts that NCBI makes of a series."""
    return f"{study}_raw_counts_{ASSEMBLIES[organism]}_NCBI.tsv.gz"


def counts_url(study: str, organism: str) -> str:
    """Address of the counts that NCBI makes of a series."""
    name = quote(counts_name(study, organism))
    return f"{GEO_DOWNLOAD}?type=rnaseq_counts&acc={study}&format=file&file={name}"


def annotation_name(organism: str) -> str:
    """Name of the gene annotation that belongs to NCBI's counts."""
    return f"{_SPECIES[organism]}.{ASSEMBLIES[organism]}.annot.tsv.gz"


def annotation_url(organism: str) -> str:
    """Address of the gene annotation that belongs to NCBI's counts."""
    return f"{GEO_DOWNLOAD}?format=file&type=rnaseq_counts&file={quote(annotation_name(organism))}"


@dataclass(frozen=True)
class Series:
    """Metadata of a GEO series.

    Attributes
    ----------
    accession, title, summary
        As in GEO.
    organisms, platforms
        All of them, sorted.
    samples
        One row a sample; index: GSM accession, in GEO's order. Columns: `FIELDS` (missing: ``""``),
        then one per key of the characteristics, named as in GEO.
    characteristics
        Those columns of `samples` that are characteristics.
    subseries
        Accessions of the SubSeries, if this is a SuperSeries.
    superseries
        Accessions of the SuperSeries it is part of.
    sra_studies
        SRA studies it names, sorted.
    supplementary
        Addresses of supplementary files that the series names.
    """

    accession: str
    title: str
    summary: str
    organisms: tuple[str, ...]
    platforms: tuple[str, ...]
    samples: pd.DataFrame
    characteristics: tuple[str, ...]
    subseries: tuple[str, ...] = ()
    superseries: tuple[str, ...] = ()
    sra_studies: tuple[str, ...] = ()
    supplementary: tuple[str, ...] = ()


def check_soft(path: Path, where: str, *, study: str, max_bytes: int) -> None:
    """Check a family SOFT file: whole gzip, this series, every sample that it lists.

    Raises
    ------
    InputError
        Naming what the file is instead.
    """
    head = read_head(path, where)
    verify_gzip(path, where, max_bytes=max_bytes)
    if not head.lstrip().startswith((b"^DATABASE", b"^SERIES", b"^PLATFORM", b"^SAMPLE")):
        first = head.split(b"\n", 1)[0][:60].decode("utf-8", "replace")
        raise InputError(
            "the file is not in SOFT format",
            where=f"{where}, first line {first!r}",
            fix="run again later, or see what the address gives in a browser",
        )
    _check_once(path, where)
    _read(path, where, study)


def _check_once(path: Path, where: str) -> None:
    """Of two descriptions of one sample, GEOparse would silently keep the last."""
    seen: set[bytes] = set()
    with gzip.open(path) as stream:
        for line in stream:
            if line.startswith((b"^SAMPLE", b"^SERIES")):
                if line.strip() in seen:
                    raise DamagedError(
                        "the file describes a sample or series twice",
                        where=f"{where}, {line.decode('utf-8', 'replace').strip()[:100]}",
                        fix="delete it to download it again",
                    )
                seen.add(line.strip())


def read_soft(path: str | Path, *, study: str | None = None) -> Series:
    """Parse a family SOFT file with GEOparse.

    Parameters
    ----------
    path
        The file, gzip-compressed or plain.
    study
        Accession that it must be of; None: any.

    Raises
    ------
    InputError
        Another series, no samples, or samples that are listed but not described.
    """
    return _read(Path(path), str(path), study)


def _read(path: Path, where: str, study: str | None) -> Series:
    entry = _parse(path, where)
    meta: dict[str, list[str]] = entry.metadata
    listed = meta.get("sample_id", [])
    if not entry.gsms and not listed:
        raise InputError("the series has no samples", where=where, fix="check the accession")
    accession = _first(meta, "geo_accession") or str(entry.name)
    if study is not None and accession != study:
        raise InputError(
            f"the metadata are those of {accession}, not of {study}",
            where=where,
            fix="check the mirror, or delete the file to download it again",
        )
    missing = [name for name in listed if name not in entry.gsms]
    if missing:
        raise DamagedError(
            f"{len(missing)} of {len(listed)} samples are listed but not described",
            where=f"{where}, first {missing[0]}",
            fix="the file is incomplete: delete it to download it again",
        )
    order = listed or sorted(entry.gsms)
    rows = {name: _sample(entry.gsms[name].metadata) for name in order}
    keys = list(dict.fromkeys(key for row in rows.values() for key in row[1]))
    names = {key: f"characteristic {key}" if key in FIELDS else key for key in keys}
    samples = pd.DataFrame(
        [
            {**fields, **{names[key]: own.get(key, "") for key in keys}}
            for fields, own in rows.values()
        ],
        index=pd.Index(list(rows), name="sample"),
        columns=[*FIELDS, *names.values()],
    )
    relations = meta.get("relation", [])
    # An organism field may hold several, one line each; samples keep them joined by "; ".
    species = {part for cell in samples["organism"] for part in cell.split("; ") if part}
    return Series(
        accession=accession,
        title=_first(meta, "title"),
        summary=" ".join(meta.get("summary", [])),
        organisms=tuple(sorted(species)),
        platforms=tuple(sorted(set(samples["platform"]) - {""})),
        samples=samples,
        characteristics=tuple(names.values()),
        subseries=_related(relations, "SuperSeries of:"),
        superseries=_related(relations, "SubSeries of:"),
        sra_studies=tuple(
            sorted({m for text in relations for m in re.findall(r"\b[SED]RP\d+", text)})
        ),
        supplementary=tuple(
            url
            for key in ("supplementary_file", "supplementary_file_1")
            for url in meta.get(key, [])
            if url.upper() != "NONE"
        ),
    )


def _parse(path: Path, where: str) -> Any:
    # GEOparse logs to the console at DEBUG from its import on.
    logging.getLogger("GEOparse").setLevel(logging.CRITICAL)
    from GEOparse.GEOparse import parse_GSE

    logging.getLogger("GEOparse").setLevel(logging.CRITICAL)
    try:
        # GEOparse opens by the name's ending, and a `.part` has another: so lines are given.
        return (
            parse_GSE(str(path), open_kwargs=_OPEN)
            if path.name.endswith((".gz", ".soft"))
            else _by_link(path)
        )
    except Exception as error:  # GEOparse raises bare Exceptions, KeyErrors, ValueErrors
        raise InputError(
            f"the file cannot be parsed as SOFT ({type(error).__name__}: {error})",
            where=where,
            fix="delete it to download it again; if it comes back, report the accession",
        ) from error


def _by_link(path: Path) -> Any:
    import tempfile

    from GEOparse.GEOparse import parse_GSE

    with tempfile.TemporaryDirectory(prefix="pathcall-") as folder:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        link = Path(folder) / ("family.soft.gz" if packed else "family.soft")
        link.symlink_to(path.resolve())
        return parse_GSE(str(link), open_kwargs=_OPEN)


def _sample(meta: dict[str, list[str]]) -> tuple[dict[str, str], dict[str, str]]:
    relations = meta.get("relation", [])
    fields = {
        "title": _first(meta, "title"),
        "source_name": _first(meta, "source_name_ch1"),
        "description": "; ".join(meta.get("description", [])),
        "organism": "; ".join(sorted(set(meta.get("organism_ch1", [])))),
        "platform": _first(meta, "platform_id"),
        "library_strategy": _first(meta, "library_strategy"),
        "library_source": _first(meta, "library_source"),
        "instrument": _first(meta, "instrument_model"),
        "sra_experiment": _found(relations, r"\b[SED]RX\d+"),
        "biosample": _found(relations, r"\bSAM[NED][A-Z]?\d+"),
    }
    own: dict[str, str] = {}
    for number, text in enumerate(meta.get("characteristics_ch1", []), start=1):
        key, colon, value = text.partition(":")
        if not colon:
            key, value = f"characteristic {number}", text
        key, value = key.strip(), value.strip()
        own[key] = f"{own[key]}; {value}" if key in own else value
    return fields, own


def _first(meta: dict[str, list[str]], key: str) -> str:
    values = meta.get(key, [])
    return str(values[0]).strip() if values else ""


def _found(texts: list[str], pattern: str) -> str:
    return next((m[0] for text in texts if (m := re.search(pattern, text))), "")


def _related(relations: list[str], kind: str) -> tuple[str, ...]:
    found = {
        accession
        for text in relations
        if text.startswith(kind)
        for accession in re.findall(r"GSE\d+", text)
    }
    return tuple(sorted(found, key=lambda name: int(name[3:])))
