"""Raw counts among a series' supplementary files: recognised by content, or refused with a reason.

Read: one matrix of genes × samples; or a ``…_RAW.tar`` of one file per sample, as htseq-count,
featureCounts, STAR (``ReadsPerGene.out.tab``), RSEM (``genes.results``) and salmon
(``quant.genes.sf``) write them, or a plain table of gene and count.

- STAR gives three columns. Their column is chosen once for the whole series, from the share of
  reads on the first strand, forward / (forward + reverse): at least 0.8 in all samples, forward; at
  most 0.2, reverse; 0.4 to 0.6, unstranded; anything else is refused.
- RSEM's expected counts and salmon's NumReads are estimates; they are rounded, half to even, as
  DESeq2 does on import. Other values that are not integers are refused: normalised.
- Tar members are read, never unpacked; absolute paths, ``..``, links and devices are refused.
"""

from __future__ import annotations

import csv
import gzip
import io
import logging
import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from pathcall.counts.matrix import SUMMARY_ROWS, verify_counts
from pathcall.errors import InputError
from pathcall.geo.gzip_checks import read_head, verify_gzip
from pathcall.geo.http import html_title
from pathcall.geo.soft import Series

logger = logging.getLogger(__name__)

_TABLE = re.compile(
    r"\.(txt|tsv|csv|tab|counts?|htseq|results|sf|out)(\.gz)?$|count[a-z]*\.gz$", re.I
)
_NORMALISED = re.compile(
    r"fpkm|rpkm|(?<![a-z])[tc]pm(?![a-z])|norm|rlog|vst|log2|(?<![a-z])rma(?![a-z])|zscore"
    r"|deseq|edger|limma|diff|(?<![a-z])de(gs?)?(?![a-z])|fold",
    re.I,
)
_COUNTS = re.compile(r"count|raw|htseq|readspergene|reads|expected|genes\.results|quant", re.I)
_ESTIMATED = re.compile(r"expected.?count|numreads|est.?count", re.I)
# Columns beside the samples' in matrices; compared without case and punctuation.
_ANNOTATION_WORDS = (
    "chr chrom chromosome seqnames start end stop strand length genelength exonlength width "
    "effectivelength geneid genename genesymbol symbol name description biotype genebiotype "
    "genetype type ensembl ensemblid ensemblgeneid entrez entrezid entrezgeneid transcriptids "
    "transcriptid locus class family gene band"
)
_ANNOTATION = frozenset(_ANNOTATION_WORDS.split())
_SYMBOL = ("genename", "genesymbol", "symbol", "externalgenename", "hgncsymbol")
_FIX = "give your own table with counts.source: file"
_MAX_MEMBER = 500_000_000
_STRANDED, _UNSTRANDED = 0.8, (0.4, 0.6)
Sample = tuple[str, pd.DataFrame]


class UnsuitableError(InputError):
    """There is something, but no raw counts that can serve; `auto` tries the next source."""


@dataclass(frozen=True)
class Table:
    """Counts found: ``genes × GSM``, symbols where the file has them, what was done."""

    counts: pd.DataFrame
    symbols: pd.Series | None
    notes: tuple[str, ...]


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


def read_file(path: Path, where: str, *, name: str, series: Series, max_bytes: int) -> Table:
    """Counts of one supplementary file.

    Raises
    ------
    UnsuitableError
        Not raw counts of this series; the reason says what it is.
    InputError
        A damaged file, or a tar archive with unsafe members.
    """
    if name.endswith(".tar"):
        return _finish(*_read_tar(path, where, series, max_bytes), where)
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
    return _finish(*_read_matrix(_decoded(raw, where), where, name, series), where)


def best(tables: Mapping[str, Table], where: str) -> str:
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


def _read_matrix(
    text: str, where: str, name: str, series: Series
) -> tuple[pd.DataFrame, pd.Series | None, list[str]]:
    frame = _frame(text, where)
    sample_of = match_samples([str(c) for c in frame.columns], series)
    notes = []
    if len(sample_of) < 2:
        shown = ", ".join(map(str, frame.columns[:3]))
        raise UnsuitableError(
            f"its columns are not samples of {series.accession}",
            where=f"{where}, columns {shown}",
            fix=_FIX,
        )
    symbols = next((frame[c] for c in frame.columns if _key(str(c)) in _SYMBOL), None)
    rest = [c for c in frame.columns if c not in sample_of]
    unknown = [
        c
        for c in rest
        if _key(str(c)) not in _ANNOTATION and pd.api.types.is_numeric_dtype(frame[c])
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
    if _ESTIMATED.search(name):
        counts, note = _rounded(counts, where)
        notes.append(note)
    return counts, symbols, notes


def _frame(text: str, where: str) -> pd.DataFrame:
    """A table with its first column as index; comment lines (``#``) on top are skipped."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if len(lines) - start < 2:
        raise UnsuitableError("it holds no table", where=where, fix=_FIX)
    header = lines[start]
    separator = max("\t,; ", key=header.count)
    cells = next(csv.reader([header], delimiter=separator))
    width = len(next(csv.reader([lines[start + 1]], delimiter=separator)))
    # R writes a header without a name for the row names.
    names = ["gene_id", *cells] if width == len(cells) + 1 else cells
    if len(set(names)) != len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise UnsuitableError("two columns have one name", where=f"{where}, {twice!r}", fix=_FIX)
    try:
        frame = pd.read_csv(
            io.StringIO("\n".join(lines[start + 1 :])), sep=separator, header=None, names=names,
            dtype={names[0]: str}, keep_default_na=False, na_values=["", "NA"], index_col=False,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise UnsuitableError(f"not a table ({error})", where=where, fix=_FIX) from error
    frame = frame.set_index(names[0])
    return frame[frame.index.notna()]


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


def _read_tar(
    path: Path, where: str, series: Series, max_bytes: int
) -> tuple[pd.DataFrame, pd.Series | None, list[str]]:
    refused: dict[str, str] = {}
    samples: dict[str, tuple[str, Sample]] = {}
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
                sample = _read_sample(_unpacked(raw, f"{where}, {name}", max_bytes), name, where)
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
    except tarfile.TarError as error:
        raise InputError(
            f"the tar archive is damaged ({error})", where=where, fix="delete it to try again"
        ) from error
    if len(samples) < 2:
        shown = "; ".join(f"{name}: {why}" for name, why in list(refused.items())[:3])
        raise UnsuitableError(
            "the archive has no count tables", where=f"{where} ({shown})", fix=_FIX
        )
    kinds = sorted({kind for _, (kind, _) in samples.values()})
    if len(kinds) > 1:
        raise UnsuitableError(
            f"the archive mixes tables of several kinds: {', '.join(kinds)}", where=where, fix=_FIX
        )
    notes = [f"{len(samples)} tables of one sample each, {kinds[0]}"]
    if refused:
        notes.append(f"{len(refused)} other members not read")
    frames = {gsm: frame for gsm, (_, (_, frame)) in samples.items()}
    column = _star_column(frames, where) if kinds[0] == "STAR" else "count"
    if kinds[0] == "STAR":
        notes.append(f"STAR's column for {column} reads")
    genes = next(iter(frames.values())).index
    differ = [name for name, frame in frames.items() if not frame.index.equals(genes)]
    if differ:
        raise UnsuitableError(
            "the samples' tables differ in their genes", where=f"{where}, {differ[0]}", fix=_FIX
        )
    order = [gsm for gsm in series.samples.index if gsm in frames]
    counts = pd.DataFrame({gsm: frames[gsm][column] for gsm in order}, index=genes)
    if kinds[0] in ("RSEM", "salmon"):
        counts, note = _rounded(counts, where)
        notes.append(note)
    return counts, None, notes


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
    return _decoded(raw, where)


def _decoded(raw: bytes, where: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnsuitableError("not a text file", where=where, fix=_FIX) from error


def _read_sample(text: str, name: str, where: str) -> Sample | None:
    """Kind of program and ``genes × columns`` of one sample's table; None if it is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return None
    if lines[0].startswith("# Program:featureCounts") or lines[0].startswith("Geneid\tChr"):
        frame = _frame(text, f"{where}, {name}")
        return "featureCounts", frame.iloc[:, [-1]].set_axis(["count"], axis=1)
    first = lines[0].split("\t")
    if first[0] == "N_unmapped" and len(first) == 4:
        frame = _plain(lines, ["unstranded", "forward", "reverse"], f"{where}, {name}")
        return "STAR", frame
    if "expected_count" in first:
        frame = _frame(text, f"{where}, {name}")
        return "RSEM", frame[["expected_count"]].set_axis(["count"], axis=1)
    if "NumReads" in first:
        frame = _frame(text, f"{where}, {name}")
        return "salmon", frame[["NumReads"]].set_axis(["count"], axis=1)
    if len(first) != 2:
        return None
    if any(line.startswith("__") for line in lines[-6:]):
        return "htseq-count", _plain(lines, ["count"], f"{where}, {name}")
    header = not re.fullmatch(r"-?[\d.eE+]+", first[1].strip())
    return "gene and count", _plain(lines[header:], ["count"], f"{where}, {name}")


def _plain(lines: list[str], columns: list[str], where: str) -> pd.DataFrame:
    try:
        frame = pd.read_csv(
            io.StringIO("\n".join(lines)), sep="\t", header=None, names=["gene_id", *columns],
            dtype={"gene_id": str}, keep_default_na=False, na_values=["", "NA"], index_col=False,
        )  # fmt: skip
    except (pd.errors.ParserError, ValueError) as error:
        raise UnsuitableError(f"not a table ({error})", where=where, fix=_FIX) from error
    return frame.set_index("gene_id")


def _star_column(frames: Mapping[str, pd.DataFrame], where: str) -> str:
    shares = {}
    for gsm, frame in frames.items():
        genes = frame[~frame.index.isin(SUMMARY_ROWS)]
        forward, reverse = float(genes["forward"].sum()), float(genes["reverse"].sum())
        shares[gsm] = forward / (forward + reverse) if forward + reverse else 0.5
    values = np.array(list(shares.values()))
    if (values >= _STRANDED).all():
        return "forward"
    if (values <= 1 - _STRANDED).all():
        return "reverse"
    if ((values >= _UNSTRANDED[0]) & (values <= _UNSTRANDED[1])).all():
        return "unstranded"
    raise UnsuitableError(
        "STAR's counts do not settle whether the libraries are stranded",
        where=f"{where}, share of forward reads {values.min():.2f} to {values.max():.2f}",
        fix=_FIX,
    )


# -- both --------------------------------------------------------------------------------------


def _rounded(counts: pd.DataFrame, where: str) -> tuple[pd.DataFrame, str]:
    values = counts.apply(pd.to_numeric, errors="coerce")
    if values.isna().to_numpy().any():
        raise UnsuitableError("a count is not a number", where=where, fix=_FIX)
    return values.round().astype(np.int64), "estimated counts, rounded half to even"


def _finish(counts: pd.DataFrame, symbols: pd.Series | None, notes: list[str], where: str) -> Table:
    summary = counts.index.isin(SUMMARY_ROWS) | counts.index.str.startswith("__")
    if summary.any():
        notes.append(f"{int(summary.sum())} summary rows left out")
        counts = counts[~summary]
        symbols = None if symbols is None else symbols[~summary]
    try:
        counts = verify_counts(counts, where=where)
    except InputError as error:
        raise UnsuitableError(error.what, where=error.where, fix=_FIX) from error
    if counts.empty:
        raise UnsuitableError("it holds no genes", where=where, fix=_FIX)
    if symbols is not None and counts.index.is_unique:
        symbols = symbols.astype(object).where(symbols.notna(), None)
    else:
        symbols = None
    for note in notes:
        logger.info("%s: %s", where, note)
    return Table(counts, symbols, tuple(notes))


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
