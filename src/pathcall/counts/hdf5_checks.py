"""Checks of an HDF5 file: damage that hangs or kills its reader, data of other files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pathcall.errors import InputError

MIN_BYTES_PER_S = 1e6
"""A file is read whole at this speed at least."""
START_S = 60.0
"""Time that starting to read may take on a busy machine."""


def check_readable(path: Path, where: str) -> None:
    """Read the file once in a process of its own: the HDF5 library may hang or crash on damage.

    Raises
    ------
    InputError
        It did.
    """
    from pathcall.counts import read_all

    limit = START_S + path.stat().st_size / MIN_BYTES_PER_S
    command = [sys.executable, read_all.__file__, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit, check=False)
        ended = "" if done.returncode == 0 else f"reading it ends with status {done.returncode}"
    except subprocess.TimeoutExpired:
        ended = f"reading it does not end within {limit:.0f} s"
    if ended:
        raise InputError(
            f"the h5ad file is damaged ({ended})",
            where=where,
            fix="copy it again, whole, or write it again with anndata",
        )


def refuse_links(path: Path, where: str) -> None:
    """Content of an h5ad must be in it: what it links to is not covered by its recorded hash.

    Raises
    ------
    InputError
        It is no HDF5 file, or takes data from another one.
    """
    import h5py

    def check(group: h5py.Group, inside: str) -> None:
        for key in group:
            link = group.get(key, getlink=True)
            item = None if isinstance(link, h5py.ExternalLink) else group.get(key)
            outside = isinstance(link, h5py.ExternalLink) or (
                isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)
            )
            if outside:
                raise InputError(
                    "the h5ad takes data from another file",
                    where=f"{where}, {inside}{key}",
                    fix="write it again with all data inside",
                )
            if isinstance(item, h5py.Group) and isinstance(link, h5py.HardLink):
                check(item, f"{inside}{key}/")

    try:
        with h5py.File(path) as file:
            check(file, "/")
    except (OSError, RuntimeError, KeyError) as error:
        raise InputError(
            f"not an h5ad file, or a damaged one ({str(error).splitlines()[0]})",
            where=where,
            fix="write it again with anndata, whole",
        ) from error
