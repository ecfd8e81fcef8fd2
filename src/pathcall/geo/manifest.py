"""The files that entered a study: what each is, where it came from, its hash."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from pathcall.errors import InputError
from pathcall.files import check_seal, sha256_of, write_atomic
from pathcall.geo.http import Obtained
from pathcall.geo.lockfile import ORIGIN_NAME, read_origins
from pathcall.tables import INPUTS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class InputFile:
    """One file that entered: a row of ``provenance/inputs.tsv`` with its role."""

    role: str
    file: str
    url: str | None
    source: str
    bytes: int
    sha256: str
    retrieved: str | None
    kind: str
    note: str | None


@dataclass(frozen=True)
class Manifest:
    """The fetched files of a study.

    Attributes
    ----------
    study, organism
        As configured.
    source
        Chosen source of counts; empty as long as only metadata were fetched.
    files
        Every file, metadata first.
    passed_over
        Source → why it was passed over, in the order tried.
    details
        What reading the files needs to know (source-specific).
    """

    study: str
    organism: str
    source: str
    files: tuple[InputFile, ...]
    passed_over: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def of(self, role: str) -> list[InputFile]:
        """Files of one role."""
        return [file for file in self.files if file.role == role]


def input_rows(path: str | Path) -> pd.DataFrame:
    """Rows of ``provenance/inputs.tsv`` for the files of a manifest."""
    rows = [asdict(file) for file in read_manifest(path).files]
    frame = pd.DataFrame(rows, columns=["role", *INPUTS.columns])
    return frame.drop(columns="role").astype({"bytes": int})


def read_manifest(path: str | Path) -> Manifest:
    """Read what `write_manifest` wrote."""
    check_seal(path)
    raw = json.loads(Path(path).read_text(encoding="utf-8"))
    raw["files"] = tuple(InputFile(**file) for file in raw["files"])
    return Manifest(**raw)


def write_manifest(manifest: Manifest, path: str | Path) -> None:
    """Write a manifest as JSON, whole or not at all."""
    write_atomic(
        json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n", path, sealed=True
    )


def downloaded(obtained: Obtained, role: str, source: str) -> InputFile:
    """A verified download as an input of a study."""
    locked, origin = obtained.locked, obtained.origin
    note = None
    if origin is not None:
        note = "; ".join(filter(None, (origin.what, f"from {origin.source}")))
    return InputFile(
        role=role,
        file=obtained.path.as_posix(),
        url=locked.url,
        source=source,
        bytes=locked.bytes,
        sha256=locked.sha256,
        retrieved=None if locked.retrieved == "NA" else locked.retrieved,
        kind="real" if origin is None else origin.kind,
        note=note,
    )


def given_file(path: str, role: str) -> InputFile:
    """A file of the user's; its kind is what an ``ORIGIN.tsv`` beside it says."""
    size, sha = sha256_of(path)
    folder, name = Path(path).parent, Path(path).name
    origin = read_origins(folder).get(name)
    note = "given by the user"
    if origin is not None:
        note = "; ".join(filter(None, (origin.what, origin.source)))
        if origin.sha256 not in ("", "-", sha):
            note = f"differs from the sha256 in {folder / ORIGIN_NAME}; {note}"
            logger.warning("%s: %s", path, note)
    return InputFile(
        role=role,
        file=path,
        url=None,
        source="file" if origin is None or origin.kind != "embedded" else "embedded",
        bytes=size,
        sha256=sha,
        retrieved=None,
        kind="real" if origin is None else origin.kind,
        note=note,
    )


def verify_files(manifest: Manifest, path: str | Path) -> None:
    """Stop where a file of a manifest is gone or was changed.

    Raises
    ------
    InputError
        Naming the file, with both hashes.
    """
    for file in manifest.files:
        if not Path(file.file).is_file():
            raise InputError(
                "a fetched file is gone",
                where=f"{file.file}, named by {path}",
                fix="run again with --forcerun fetch_metadata",
            )
        size, sha = sha256_of(file.file)
        if sha != file.sha256:
            raise InputError(
                f"a fetched file was changed: sha256 {sha} ({size} bytes), fetched "
                f"{file.sha256} ({file.bytes} bytes)",
                where=file.file,
                fix="restore it; or delete it and run with --forcerun fetch_metadata",
            )
