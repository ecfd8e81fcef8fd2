"""A user's own counts: one table, or one file a sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pathcall.counts import readers
from pathcall.counts.one_sample_files import (
    combine_sample_files,
    read_sample_file,
    sample_of_path,
)
from pathcall.counts.text_tables import decode
from pathcall.errors import InputError


def read_given(
    paths: Sequence[str], *, layer: str | None = None, estimated: bool = False
) -> readers.CountTable:
    """A user's counts: one table, or one file a sample.

    Raises
    ------
    InputError
        A file is damaged, no table of counts, or two files are of one sample.
    """
    if len(paths) == 1:
        return readers.read_count_table(paths[0], paths[0], layer=layer, estimated=estimated)
    files = {}
    for path in paths:
        name = sample_of_path(path)
        if name in files:
            raise InputError(
                "two files are of one sample", where=f"{path}, sample {name!r}",
                fix="keep one file a sample, named by it",
            )  # fmt: skip
        raw = readers.unpacked(Path(path).read_bytes(), path)
        sample = read_sample_file(decode(raw, path)[0], path)
        if sample is None:
            raise InputError(
                "no table of one sample's genes and counts", where=path,
                fix="let counts.file name files of htseq-count, featureCounts, STAR, RSEM or "
                "salmon only",
            )  # fmt: skip
        files[name] = sample
    return combine_sample_files(files, f"{len(paths)} files, {paths[0]} …")
