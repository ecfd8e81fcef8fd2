"""The lock of a study's downloads: what each file was when it was first downloaded.

``resources/{study}/inputs.lock.tsv`` has one row a file: file, url, bytes, sha256, retrieved. It is
written at first download and only checked afterwards. ``ORIGIN.tsv`` beside it says what kind of
data a file is, where that is not simply "from the archive". Light: the Snakefile imports this.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pathcall.errors import InputError
from pathcall.files import sha256_of, write_atomic

LOCK_NAME = "inputs.lock.tsv"
ORIGIN_NAME = "ORIGIN.tsv"
KINDS = ("real", "embedded", "simulated", "reconstructed")
_KIND_COLUMNS = ("kind", "real_simulated_or_reconstructed")


@dataclass(frozen=True)
class Locked:
    """One downloaded file.

    Attributes
    ----------
    file
        Name in the study's folder.
    url
        Address at the archive (also where a mirror answered for it).
    bytes
        Size.
    sha256
        SHA-256 of the bytes.
    retrieved
        UTC time of the download; ``NA`` for a file that was already there.
    """

    file: str
    url: str
    bytes: int
    sha256: str
    retrieved: str


@dataclass(frozen=True)
class Origin:
    """What a file is, by the marker file ``ORIGIN.tsv`` beside it or at its mirror's root."""

    file: str
    what: str
    kind: str
    source: str
    licence: str
    sha256: str


def read_lock(folder: str | Path) -> dict[str, Locked]:
    """File name → its lock row; empty without a lock.

    Raises
    ------
    InputError
        The lock is damaged.
    """
    path = Path(folder) / LOCK_NAME
    locked: dict[str, Locked] = {}
    if not path.is_file():
        return locked
    for number, row in enumerate(_rows(_text(path), path), start=2):
        sha = row.get("sha256") or ""
        size = row.get("bytes") or ""
        name = row.get("file") or ""
        if (
            not name
            or Path(name).name != name
            or len(sha) != 64
            or not re.fullmatch(r"[0-9]{1,18}", size)
        ):
            raise InputError(
                "the lock of the downloads is damaged",
                where=f"{path}, line {number}",
                fix="restore it, or delete it to lock the files as they are now",
            )
        locked[name] = Locked(
            name, row.get("url") or "", int(size), sha, row.get("retrieved") or "NA"
        )
    return locked


def write_locked(folder: str | Path, entry: Locked) -> None:
    """Add or replace one row of the lock."""
    rows = {**read_lock(folder), entry.file: entry}
    _write(Path(folder) / LOCK_NAME, [rows[name] for name in sorted(rows)], Locked)


def forget(folder: str | Path, name: str) -> None:
    """Remove a file with its row: a later check has shown that it should not have been locked."""
    folder = Path(folder)
    rows = read_lock(folder)
    if rows.pop(name, None) is not None:
        _write(folder / LOCK_NAME, [rows[key] for key in sorted(rows)], Locked)
    (folder / name).unlink(missing_ok=True)


def read_origins(folder: str | Path) -> dict[str, Origin]:
    """File (as the marker names it) → its origin; empty without a marker."""
    path = Path(folder) / ORIGIN_NAME
    if not path.is_file():
        return {}
    return parse_origins(_text(path), str(path))


def parse_origins(text: str, where: str) -> dict[str, Origin]:
    """Read the text of an ``ORIGIN.tsv``; its kind column may have either of two names.

    A kind other than real, embedded, simulated or reconstructed describes files that are no data
    (a README); such rows are left out.

    Raises
    ------
    InputError
        No such table.
    """
    rows = _rows(text, where)
    names = list(rows.fieldnames or ())
    column = next((name for name in _KIND_COLUMNS if name in names), None)
    if column is None or "file" not in names:
        raise InputError(
            "the marker of the files' origin cannot be read",
            where=f"{where}: no columns `file` and `kind`",
            fix="correct it or remove it; without it nothing says whether data are real",
        )
    found: dict[str, Origin] = {}
    for row in rows:
        kind = (row[column] or "").strip()
        if kind not in KINDS:
            continue
        name = row["file"] or ""
        found[name] = Origin(
            name, row.get("what") or "", kind, row.get("source") or "",
            row.get("licence") or "", row.get("sha256") or "",
        )  # fmt: skip
    return found


def write_origin(folder: str | Path, origin: Origin) -> None:
    """Add or replace one row of the study's ``ORIGIN.tsv``."""
    rows = {**read_origins(folder), origin.file: origin}
    _write(Path(folder) / ORIGIN_NAME, [rows[name] for name in sorted(rows)], Origin)


def state(folder: str | Path) -> str:
    """``intact``, or what differs between the locked files on disk and the lock.

    For a rule's params: a file that was changed since it was locked reruns the rule, which then
    stops and says so. A missing file is no difference: it is downloaded again when it is needed.
    """
    try:
        locked = read_lock(folder)
    except InputError as error:
        return str(error)
    changed = []
    for name, entry in sorted(locked.items()):
        path = Path(folder) / name
        if path.is_file() and (
            path.stat().st_size != entry.bytes or sha256_of(path)[1] != entry.sha256
        ):
            changed.append(name)
    return f"changed: {', '.join(changed)}" if changed else "intact"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            "not a text file", where=str(path), fix="restore it, or delete it"
        ) from error


def _rows(text: str, where: str | Path) -> csv.DictReader[str]:
    if "\0" in text:
        raise InputError("not a table", where=str(where), fix="restore it or delete it")
    longest = max(map(len, text.splitlines()), default=0)
    if longest > csv.field_size_limit():
        raise InputError(
            f"not a table: a line has {longest:,} characters",
            where=str(where),
            fix="restore it, or delete it",
        )
    return csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)


def _write(
    path: Path, rows: list[Locked] | list[Origin], kind: type[Locked] | type[Origin]
) -> None:
    names = [field.name for field in fields(kind)]
    lines = ["\t".join(names)]
    lines += ["\t".join(_cell(asdict(row)[name]) for name in names) for row in rows]
    write_atomic("\n".join(lines) + "\n", path)


def _cell(value: object) -> str:
    return " ".join(str(value).split())
