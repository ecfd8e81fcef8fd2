"""Small things that every file of the download layer needs. Imports the standard library only."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pathcall.errors import DownloadError, InputError

_CHUNK = 1 << 20
_STORAGE = {
    errno.ENOSPC: ("the disk is full", "free space there, then run again"),
    errno.EDQUOT: ("the disk quota is used up", "free space there, then run again"),
    errno.EFBIG: ("the file is larger than the limit of this process", "raise `ulimit -f`"),
    errno.EROFS: (
        "the file system is read-only",
        "run in a folder that can be written, or put the verified files there first",
    ),
    errno.EACCES: ("no permission to write", "give write permission there, then run again"),
    errno.EPERM: ("no permission to write", "give write permission there, then run again"),
}


def storage_trouble(error: BaseException) -> tuple[str, str] | None:
    """What an error says of the disk, and the fix; None where it is about something else."""
    return _STORAGE.get(error.errno or 0) if isinstance(error, OSError) else None


@contextmanager
def storage_errors(path: str | Path) -> Iterator[None]:
    """Turn a full, read-only or forbidden disk into one clear error that names `path`."""
    try:
        yield
    except OSError as error:
        trouble = storage_trouble(error)
        if trouble is None:
            raise
        what, fix = trouble
        raise DownloadError(what, where=str(path), fix=fix) from error


def sha256_of(path: str | Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a file."""
    digest = hashlib.sha256()
    size = 0
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def sync(path: str | Path) -> None:
    """Flush the bytes of `path` to disk before it gets its final name."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def whole_file(path: str | Path, *, sealed: bool = False) -> Iterator[Path]:
    """A temporary path whose content becomes `path` at the end: whole, on the disk, or not at all.

    Parameters
    ----------
    path
        Target; its folder is made.
    sealed
        Write the content's SHA-256 beside it (`seal_of`), so that `check_seal` knows later whether
        it was cut or changed.
    """
    path = Path(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
        try:
            yield Path(name)
            sync(name)
            os.chmod(name, 0o666 & ~_umask())
            if sealed:
                # Before the file: Snakemake removes an output before its job runs, so a run that is
                # killed between the two leaves a seal without a file, which nobody reads.
                with whole_file(seal_of(path)) as part:
                    part.write_text(f"{sha256_of(name)[1]}  {path.name}\n", encoding="utf-8")
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_atomic(text: str, path: str | Path, *, sealed: bool = False) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    with whole_file(path, sealed=sealed) as part:
        part.write_text(text, encoding="utf-8", newline="")


def seal_of(path: Path) -> Path:
    """Where the SHA-256 of a result stands, in the format of ``sha256sum``."""
    return path.with_name(f".{path.name}.sha256")


def is_intact(path: str | Path) -> bool:
    """Whether a file has the content that it was sealed with; true where it has no seal."""
    path = Path(path)
    try:
        sha = seal_of(path).read_text(encoding="utf-8").split()[0]
    except (OSError, UnicodeDecodeError, IndexError):
        return True
    return not path.is_file() or sha256_of(path)[1] == sha


def check_seal(path: str | Path) -> None:
    """Stop at a result that is not as its job wrote it.

    Raises
    ------
    InputError
        It was cut, emptied or edited.
    """
    if not is_intact(path):
        raise InputError(
            "a result was cut or changed since it was written",
            where=str(path),
            fix="delete it and run again: it is made anew",
        )


def check_seals(folder: str | Path) -> None:
    """`check_seal` for every result below a folder, all damaged ones named at once.

    Raises
    ------
    InputError
        At least one was cut, emptied or edited.
    """
    seals = sorted(Path(folder).rglob(".*.sha256"))
    files = [seal.with_name(seal.name[1 : -len(".sha256")]) for seal in seals]
    wrong = [str(path) for path in files if not is_intact(path)]
    if len(wrong) == 1:
        check_seal(wrong[0])
    elif wrong:
        listed = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise InputError(
            f"{len(wrong)} results were cut or changed since they were written",
            where=listed,
            fix="delete them and run again: they are made anew",
        )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
