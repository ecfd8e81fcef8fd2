"""Pack what a study was fetched from into a folder that serves as its mirror."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pathcall.errors import InputError
from pathcall.files import sha256_of, storage_errors, write_atomic
from pathcall.geo.lockfile import ORIGIN_NAME, Origin, read_origins, write_origin
from pathcall.geo.manifest import InputFile, read_manifest

logger = logging.getLogger(__name__)


def pack_mirror(manifest: str | Path, *, out: str | Path) -> None:
    """Copy the fetched files of a study to ``out/HOST/PATH`` and mark what each of them is.

    Parameters
    ----------
    manifest
        Manifest of `pathcall.geo.sources.fetch_counts`.
    out
        Folder to fill: host folders, ``ORIGIN.tsv``, and ``README.md`` with the lines for the
        configuration.

    Raises
    ------
    InputError
        Nothing was downloaded, or a file was changed since.
    """
    known = read_manifest(manifest)
    out = Path(out)
    files = [file for file in known.files if file.url is not None]
    if not files:
        raise InputError(
            "there is nothing to pack: this study downloads nothing",
            where=f"{manifest}, counts.source {known.source}",
            fix="copy the file itself",
        )
    hosts = []
    with storage_errors(out):
        for file in files:
            host, path = _place(file)
            target = out / host / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.file, target)
            if sha256_of(target)[1] != file.sha256:
                raise InputError(
                    "a fetched file was changed since it was verified",
                    where=file.file,
                    fix="delete it and run again",
                )
            write_origin(out, _origin(file, f"{host}/{path}"))
            hosts.append(host)
    write_atomic(_readme(known.study, sorted(set(hosts))), out / "README.md")
    logger.info("%d files packed into %s", len(files), out)


def _place(file: InputFile) -> tuple[str, str]:
    split = urlsplit(file.url or "")
    named = parse_qs(split.query).get("file", [split.path])[-1]
    folder = split.path.rsplit("/", 1)[0].lstrip("/")
    return split.hostname or "", f"{folder}/{unquote(named).rsplit('/', 1)[-1]}"


def _origin(file: InputFile, path: str) -> Origin:
    known = read_origins(Path(file.file).parent).get(Path(file.file).name)
    if known is not None:
        return replace(known, file=path, sha256=file.sha256)
    retrieved = file.retrieved or "at an unknown time"
    return Origin(path, "", file.kind, f"{file.url}, retrieved {retrieved}", "", file.sha256)


def _readme(study: str, hosts: list[str]) -> str:
    lines = "\n".join(f'  {host}: "file:///PATH/TO/THIS/FOLDER/{host}"' for host in hosts)
    return (
        f"# A mirror of what {study} needs\n\n"
        "Copy this folder to the machine without a network and put these lines into the\n"
        "configuration of the study, with the folder's absolute path:\n\n"
        f"```yaml\noffline: true\nmirrors:\n{lines}\n```\n\n"
        f"A static web server over this folder works as well (`http://SERVER/HOST`).\n"
        f"`{ORIGIN_NAME}` says what each file is; its kind appears in every report made from it.\n"
    )
