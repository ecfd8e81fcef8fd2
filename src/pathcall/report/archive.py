"""One ZIP of a results folder: the page and everything that it links to beside it."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

from pathcall.files import whole_file

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date that a ZIP file can hold
_PACKED = (".h5ad", ".xlsx")  # compressed already


def write_archive(results: Path, files: Iterable[Path], out: Path) -> None:
    """Write files of a results folder as ``{study}/…`` into `out`: the same bytes on every run.

    Parameters
    ----------
    results
        ``results/{study}``.
    files
        Files below it, in any order.
    out
        The ZIP file; written whole or not at all.
    """
    names = sorted({path.relative_to(results).as_posix() for path in files})
    with whole_file(out) as part, zipfile.ZipFile(part, "w") as archive:
        for name in names:
            entry = zipfile.ZipInfo(f"{results.name}/{name}", date_time=_LONG_AGO)
            entry.external_attr = 0o644 << 16
            packed = name.endswith(_PACKED)
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            entry.file_size = (results / name).stat().st_size
            with (results / name).open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)
