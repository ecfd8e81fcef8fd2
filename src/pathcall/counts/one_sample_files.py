"""One file a sample, as htseq-count, featureCounts, STAR, RSEM and salmon write them.

STAR gives three columns. Their column is chosen once for the whole study, from the share of reads
on the first strand, forward / (forward + reverse): at least 0.8 in all samples, forward; at most
0.2, reverse; 0.4 to 0.6, unstranded; anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from pathcall.counts.matrix import is_summary
from pathcall.counts.readers import CountTable, round_estimates
from pathcall.counts.text_tables import read_text_table
from pathcall.errors import InputError

FORWARD, REVERSE, UNSTRANDED = 0.8, 0.2, (0.4, 0.6)
ESTIMATES = ("RSEM", "salmon")
_FIX = "give one file of genes and counts for each sample, all of one kind"
_ENDINGS = re.compile(
    r"(\.gz|\.txt|\.tsv|\.csv|\.tab|\.out|\.sf|[._-]?ReadsPerGene|\.genes\.results|\.results"
    r"|[._-]?htseq([._-]?counts?)?|[._-]?featureCounts|[._-]?(gene_?)?counts?)$",
    re.I,
)


@dataclass(frozen=True)
class SampleFile:
    """One sample's table: the program that wrote it, and ``genes × columns`` of numbers."""

    program: str
    frame: pd.DataFrame


def sample_of_path(path: str) -> str:
    """Name of a sample by its file: without the program's endings; ``quant.sf`` by its folder."""
    pure = PurePosixPath(path.replace("\\", "/"))
    name = pure.name
    while _ENDINGS.search(name):
        name = _ENDINGS.sub("", name)
    return pure.parent.name if name in ("", "quant", "quant.genes", "abundance") else name


def read_sample_file(text: str, where: str) -> SampleFile | None:
    """Recognise and read one sample's table; None if it is none.

    Raises
    ------
    InputError
        It is one, but damaged.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < 2:
        return None
    if lines[0].startswith("# Program:featureCounts") or lines[0].startswith("Geneid\tChr"):
        frame = read_text_table(text, where).frame
        return SampleFile("featureCounts", frame.iloc[:, [-1]].set_axis(["count"], axis=1))
    first = lines[0].split("\t")
    if first[0] == "N_unmapped" and len(first) == 4:
        frame = _headless(lines, ["unstranded", "forward", "reverse"], where)
        return SampleFile("STAR", frame)
    for program, column in (("RSEM", "expected_count"), ("salmon", "NumReads")):
        if column in first:
            frame = read_text_table(text, where).frame
            return SampleFile(program, frame[[column]].set_axis(["count"], axis=1))
    if len(first) != 2:
        return None
    if any(line.startswith("__") for line in lines[-6:]):
        return SampleFile("htseq-count", _headless(lines, ["count"], where))
    header = not re.fullmatch(r"-?[\d.eE+]+", first[1].strip())
    return SampleFile("gene and count", _headless(lines[header:], ["count"], where))


def combine_sample_files(files: Mapping[str, SampleFile], where: str) -> CountTable:
    """One matrix of several samples' tables, which must be of one kind and list the same genes.

    Parameters
    ----------
    files
        Sample → its table, in the order of the matrix.
    where
        The folder or archive, for messages.

    Raises
    ------
    InputError
        Mixed kinds, different genes, or STAR's columns that do not settle the strand.
    """
    programs = sorted({file.program for file in files.values()})
    if len(programs) > 1:
        raise InputError(f"tables of several kinds: {', '.join(programs)}", where=where, fix=_FIX)
    (program,) = programs
    notes = [f"{len(files)} tables of one sample each, {program}"]
    frames = {sample: file.frame for sample, file in files.items()}
    column = "count"
    if program == "STAR":
        column = _star_column(frames, where)
        notes.append(f"STAR's column for {column} reads")
    genes = next(iter(frames.values())).index
    differ = [name for name, frame in frames.items() if not frame.index.equals(genes)]
    if differ:
        raise InputError(
            "the samples' tables differ in their genes",
            where=f"{where}, {differ[0]}",
            fix="count all samples with one annotation; a shorter table may have been cut",
        )
    counts = pd.DataFrame({name: frame[column] for name, frame in frames.items()}, index=genes)
    if program in ESTIMATES:
        counts, note = round_estimates(counts, where, name="", declared=True)
        notes += [note] if note else []
    return CountTable(counts, None, tuple(notes))


def _headless(lines: list[str], columns: list[str], where: str) -> pd.DataFrame:
    header = "\t".join(["gene_id", *columns])
    return read_text_table("\n".join([header, *lines]), where).frame


def _star_column(frames: Mapping[str, pd.DataFrame], where: str) -> str:
    shares = {}
    for sample, frame in frames.items():
        genes = frame[~is_summary(frame.index)]
        bad = ~(genes.apply(pd.to_numeric, errors="coerce") >= 0).to_numpy()
        if bad.any():
            row, column = (int(i[0]) for i in np.nonzero(bad))
            value = genes.astype(object).iat[row, column]
            raise InputError(
                "a count is not a number, or negative",
                where=f"{where}, {sample}, row {genes.index[row]}, value {value!r}",
                fix="copy the file again, whole",
            )
        forward, reverse = float(genes["forward"].sum()), float(genes["reverse"].sum())
        shares[sample] = forward / (forward + reverse) if forward + reverse else 0.5
    values = np.array(list(shares.values()))
    if (values >= FORWARD).all():
        return "forward"
    if (values <= REVERSE).all():
        return "reverse"
    if ((values >= UNSTRANDED[0]) & (values <= UNSTRANDED[1])).all():
        return "unstranded"
    raise InputError(
        "STAR's counts do not settle whether the libraries are stranded",
        where=f"{where}, share of forward reads {values.min():.2f} to {values.max():.2f}",
        fix="choose a column yourself and give a matrix of genes × samples",
    )
