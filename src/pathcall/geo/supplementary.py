"""Raw counts among a series' supplementary files: recognised by content, or refused with a reason.

Read: one matrix of genes × samples; or a ``…_RAW.tar`` of one file per sample, as htseq-count,
featureCounts, STAR (``ReadsPerGene.out.tab``), RSEM (``genes.results``) and salmon
(``quant.genes.sf``) write them, or a plain table of gene and count.

- Tar members are read, never unpacked; absolute paths, ``..``, links and devices are refused.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import logging
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from pathcall.counts.matrix import is_summary, verify_counts
from pathcall.counts.one_sample_files import SampleFile, combine_sample_files, read_sample_file
from pathcall.counts.readers import ANNOTATION, SYMBOL, CountTable, round_estimates
from pathcall.counts.text_tables import decode, read_text_table
from pathcall.errors import InputError
from pathcall.geo.gzip_checks import read_head, verify_gzip
from pathcall.geo.pages import html_title
from pathcall.geo.soft import Series

logger = logging.getLogger(__name__)

_TABLE = re.compile(
    r"\.(txt|tsv|csv|tab|counts?|htseq|results|sf|out)(\.gz)?$|count[a-z]*\.gz$", re.I
)
# Words in a name, not parts of words: "normoxia", "normal_vs_tumor" and "differentiation" are none.
_NORMALISED = re.compile(
    r"[fr]pkm|(?<![a-z])[tc]pm(?![a-z])|normali[sz]|(?<![a-z])norm(?![a-z])|(?<![a-z])norm_?counts"
    r"|rlog|(?<![a-z])vst(?![a-z])|log2|(?<![a-z])rma(?![a-z])|z_?score|deseq|edger|limma"
    r"|(?<![a-z])diff(?![a-z])|diff_?exp|differential|(?<![a-z])de(gs?)?(?![a-z])"
    r"|fold_?change|(?<![a-z])fc(?![a-z])",
    re.I,
)
_COUNTS = re.compile(r"count|raw|htseq|readspergene|reads|expected|genes\.results|quant", re.I)
_FIX = "give your own table with counts.source: file"
_MAX_MEMBER = 500_000_000


class UnsuitableError(InputError):
    """There is something, but no raw counts that can serve; `auto` tries the next source."""


def judge_names(names: Sequence[str]) -> tuple[list[list[str]], dict[str, str]]:
    """Sort file names into what to look into, best first, and what not, with the reason.

    Returns
    -------
    tuple
        Tiers of names (tables that call themselves counts; RAW.tar; other tables), and refused
        name → reason.
    """
    tiers: list[list[str]] = [[], [], []]
    refused: dict[str, str] = {}
    for name in sorted(names):
        if name == "filelist.txt":
            continue
        if name.endswith("_RAW.tar"):
            tiers[1].append(name)
        elif re.search(r"\.xlsx?(\.gz)?$", name, re.I):
            refused[name] = "a spreadsheet: it may have turned gene names into dates"
        elif not _TABLE.search(name):
            refused[name] = "not a text table"
        elif _NORMALISED.search(name) and not re.search(r"raw|unnorm|non.?norm", name, re.I):
            refused[name] = "its name says normalised values or test results"
        else:
            tiers[0 if _COUNTS.search(name) else 2].append(name)
    return tiers, refused


def read_file(path: Path, where: str, *, name: str, series: Series, max_bytes: int) -> CountTable:
    """Counts of one supplementary file.

    Raises
    ------
    UnsuitableError
        Not raw counts of this series; the reason says what it is.
    InputError
        A damaged file, or a tar archive with unsafe members.
    """
    if name.endswith(".tar"):
        table = _read_tar(path, where, series, max_bytes)
        with _unsuitable():
            return _finish(table, where)
    if name.endswith(".gz"):
        read_head(path, where)
        verify_gzip(path, where, max_bytes=max_bytes)
        raw = gzip.decompress(path.read_bytes())
    else:
        raw = path.read_bytes()
        title = html_title(raw[:65_536])
        if title is not None:
            raise InputError(f"an HTML page (“{title}”) instead of the file", where=where, fix=_FIX)
    if not raw:
        raise InputError("the file is empty (0 bytes)", where=where, fix=_FIX)
    with _unsuitable():
        return _finish(_read_matrix(raw, where, name, series), where)


@contextlib.contextmanager
def _unsuitable() -> Iterator[None]:
    """What the readers refuse is not a table of counts here; `auto` goes on to the next source."""
    try:
        yield
    except UnsuitableError:
        raise
    except InputError as error:
        raise UnsuitableError(error.what, where=error.where, fix=_FIX) from error


def best(tables: Mapping[str, CountTable], where: str) -> str:
    """Name of the table with most samples; a tie between different tables is refused."""
    most = max(table.counts.shape[1] for table in tables.values())
    names = [name for name, table in tables.items() if table.counts.shape[1] == most]
    first = tables[names[0]].counts
    if any(not tables[name].counts.equals(first) for name in names[1:]):
        raise UnsuitableError(
            "several tables of raw counts, and nothing says which one to take",
            where=f"{where}: {', '.join(names)}",
            fix="download the right one and name it with counts.source: file",
        )
    return names[0]


# -- one matrix --------------------------------------------------------------------------------


def _read_matrix(raw: bytes, where: str, name: str, series: Series) -> CountTable:
    text, encoding = decode(raw, where)
    frame = read_text_table(text, where).frame
    sample_of = match_samples([str(c) for c in frame.columns], series)
    notes = list(encoding)
    if len(sample_of) < 2:
        shown = ", ".join(map(str, frame.columns[:3]))
        raise UnsuitableError(
            f"its columns are not samples of {series.accession}",
            where=f"{where}, columns {shown}",
            fix=_FIX,
        )
    symbols = next((frame[c] for c in frame.columns if _key(str(c)) in SYMBOL), None)
    rest = [c for c in frame.columns if c not in sample_of]
    unknown = [
        c
        for c in rest
        if _key(str(c)) not in ANNOTATION and pd.api.types.is_numeric_dtype(frame[c])
    ]
    if unknown:
        raise UnsuitableError(
            f"{len(unknown)} columns are neither samples of {series.accession} nor annotation",
            where=f"{where}, first {unknown[0]}",
            fix=_FIX,
        )
    if rest:
        notes.append(f"columns left out: {', '.join(map(str, rest))}")
    counts = frame[list(sample_of)].rename(columns=sample_of)
    counts, note = round_estimates(counts, where, name=name, declared=False)
    notes += [note] if note else []
    return CountTable(counts, symbols, tuple(notes))


def match_samples(names: Sequence[str], series: Series) -> dict[str, str]:
    """Column or file name → GSM, where it is unambiguous: by accession, title, description."""
    keys: dict[str, set[str]] = {}
    samples = series.samples
    for gsm in samples.index:
        texts = [samples.loc[gsm, "title"], samples.loc[gsm, "source_name"]]
        for part in samples.loc[gsm, "description"].split(";"):
            texts += [part, part.split(":")[-1]]
        for text in texts:
            if _key(text):
                keys.setdefault(_key(text), set()).add(gsm)
    found: dict[str, str] = {}
    for name in names:
        accession = re.search(r"GSM\d+", name)
        if accession is not None:
            if accession[0] in samples.index:
                found[name] = accession[0]
            continue
        bare = PurePosixPath(name.replace("\\", "/")).name
        bare = re.sub(r"(Aligned.*|\.sorted.*|\.bam|\.sam|\.txt|\.counts?|_counts?)$", "", bare)
        for key in (_key(name), _key(bare)):
            if len(keys.get(key, ())) == 1:
                found[name] = next(iter(keys[key]))
                break
    repeated = [gsm for gsm in found.values() if list(found.values()).count(gsm) > 1]
    return {name: gsm for name, gsm in found.items() if gsm not in repeated}


# -- one file per sample -----------------------------------------------------------------------


def _read_tar(path: Path, where: str, series: Series, max_bytes: int) -> CountTable:
    refused: dict[str, str] = {}
    samples: dict[str, tuple[str, SampleFile]] = {}
    size = 0
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                _refuse_unsafe(member, where)
                size += member.size
                if size > max_bytes or member.size > _MAX_MEMBER:
                    raise InputError(
                        "a tar member is larger than the limit",
                        where=f"{where}, {member.name}",
                        fix="raise download.max_decompressed_gb if that is right",
                    )
                if not member.isfile():
                    continue
                name = PurePosixPath(member.name).name
                tiers, reasons = judge_names([name])
                gsm = re.search(r"GSM\d+", name)
                if reasons or tiers[1] or gsm is None:
                    refused[name] = reasons.get(name, "no GSM accession in its name")
                    continue
                if gsm[0] not in series.samples.index:
                    raise InputError(
                        f"the archive is another series': {gsm[0]} is no sample of "
                        f"{series.accession}",
                        where=f"{where}, {name}",
                        fix="delete it to download it again; check the mirror",
                    )
                stream = archive.extractfile(member)
                raw = stream.read() if stream is not None else b""
                text = _unpacked(raw, f"{where}, {name}", max_bytes)
                with _unsuitable():
                    sample = read_sample_file(text, f"{where}, {name}")
                if sample is None:
                    refused[name] = "no table of genes and counts"
                    continue
                if gsm[0] in samples:
                    raise UnsuitableError(
                        "a sample has several tables, and nothing says which one to take",
                        where=f"{where}: {samples[gsm[0]][0]}, {name}",
                        fix=_FIX,
                    )
                samples[gsm[0]] = (name, sample)
            _check_end(path, archive.offset, where)
    except tarfile.TarError as error:
        raise InputError(
            f"the tar archive is damaged ({error})", where=where, fix="delete it to try again"
        ) from error
    if len(samples) < 2:
        shown = "; ".join(f"{name}: {why}" for name, why in list(refused.items())[:3])
        raise UnsuitableError(
            "the archive has no count tables", where=f"{where} ({shown})", fix=_FIX
        )
    order = [gsm for gsm in series.samples.index if gsm in samples]
    with _unsuitable():
        table = combine_sample_files({gsm: samples[gsm][1] for gsm in order}, where)
    more = (f"{len(refused)} other members not read",) if refused else ()
    return CountTable(table.counts, None, (*table.notes, *more))


def _check_end(path: Path, offset: int, where: str) -> None:
    """An archive ends with a block of zeros; one that was cut between members does not."""
    with path.open("rb") as file:
        file.seek(offset)
        if file.read(512) != bytes(512):
            raise InputError(
                "the tar archive is cut: it has no end marker",
                where=where,
                fix="delete it to download it again",
            )


def _refuse_unsafe(member: tarfile.TarInfo, where: str) -> None:
    path = PurePosixPath(member.name.replace("\\", "/"))
    what = None
    if path.is_absolute() or re.match(r"[A-Za-z]:", member.name):
        what = "an absolute path"
    elif ".." in path.parts:
        what = "a path that leads out of it"
    elif not (member.isfile() or member.isdir()):
        what = "a link or device"
    if what is not None:
        raise InputError(
            f"the tar archive holds {what}",
            where=f"{where}, member {member.name!r}",
            fix="do not use this archive; report it to the archive it came from",
        )


def _unpacked(raw: bytes, where: str, max_bytes: int) -> str:
    if raw[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(raw)) as stream:
                raw = stream.read(min(_MAX_MEMBER, max_bytes) + 1)
        except (OSError, EOFError) as error:
            raise InputError(
                f"a tar member is damaged ({error})", where=where, fix="delete it to try again"
            ) from error
        if len(raw) > min(_MAX_MEMBER, max_bytes):
            raise InputError(
                "a tar member is larger than the limit when decompressed",
                where=where,
                fix="do not use this archive",
            )
    return decode(raw, where)[0]


# -- both --------------------------------------------------------------------------------------


def _finish(table: CountTable, where: str) -> CountTable:
    counts, symbols, notes = table.counts, table.symbols, list(table.notes)
    summary = is_summary(counts.index)
    if summary.any():
        notes.append(f"{int(summary.sum())} summary rows left out")
        counts = counts[~summary]
        symbols = None if symbols is None else symbols[~summary]
    counts = verify_counts(counts, where=where)
    if counts.empty:
        raise UnsuitableError("it holds no genes", where=where, fix=_FIX)
    if symbols is not None and counts.index.is_unique:
        symbols = symbols.astype(object).where(symbols.notna(), None)
    else:
        symbols = None
    for note in notes:
        logger.info("%s: %s", where, note)
    return CountTable(counts, symbols, tuple(notes))


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
