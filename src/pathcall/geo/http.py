"""A download client that cannot be fooled: a file is complete and valid at its path, or not there.

What it does, in order: the locked file on disk is verified and used; else the file is fetched into
``.{name}.part`` (resumed where the server proves that it is still the same file), its content is
checked, its hash is compared with the lock, the lock is written, and only then it gets its name.
Killed at any moment, a rerun continues. One request at a time per host, over all processes of a
user on the machine.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from pathcall.errors import DamagedError, InputError, NotPresentError
from pathcall.files import sha256_of, storage_errors, sync
from pathcall.geo.lockfile import (
    LOCK_NAME,
    ORIGIN_NAME,
    Locked,
    Origin,
    parse_origins,
    read_lock,
    read_origins,
    write_locked,
    write_origin,
)
from pathcall.geo.options import DownloadOptions
from pathcall.geo.pages import html_error, is_html, is_listing, listed_names, safe_name
from pathcall.geo.transport import Transport, absent, discard, local_path
from pathcall.geo.turns import one_at_a_time

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Obtained:
    """A verified file on disk.

    Attributes
    ----------
    path
        Where it is.
    locked
        Its lock row.
    origin
        What its marker says, if there is one.
    """

    path: Path
    locked: Locked
    origin: Origin | None


class Client:
    """Downloads by one set of options."""

    def __init__(self, options: DownloadOptions) -> None:
        self.options = options
        self._origins: dict[str, dict[str, Origin] | None] = {}
        self._transport = Transport(options)

    # -- files ---------------------------------------------------------------------------------

    def obtain(
        self,
        url: str,
        *,
        folder: str | Path,
        name: str,
        validate: Callable[[Path, str], None],
    ) -> Obtained:
        """Obtain the file of `url` as ``folder/name``, verified.

        Parameters
        ----------
        url
            Address at the archive.
        folder
            The study's folder; holds the lock.
        name
            Name of the file there.
        validate
            Called with a path and what to call it in messages; raises InputError.

        Raises
        ------
        NotPresentError
            The archive has no such file, or `offline` forbids asking.
        DownloadError
            The server did not give the file, or the disk did not take it.
        InputError
            The bytes are not what they should be, or differ from the lock.
        """
        if not safe_name(name):
            raise InputError(
                "the archive gives a file an invalid name",
                where=f"{url}, name {name[:80]!r}",
                fix="do not use this file; report it to the archive it came from",
            )
        folder = Path(folder)
        path = folder / name
        for taken in (path, path.with_name(f".{name}.part"), folder / LOCK_NAME):
            if taken.is_dir():
                raise InputError(
                    "a folder stands where a file belongs",
                    where=str(taken),
                    fix="remove or rename it",
                )
        entry = read_lock(folder).get(name)
        if path.is_file():
            return self._verify(url, path, entry, validate)
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # Fails at once, and not after a long download, where nothing can be written.
            tempfile.TemporaryFile(dir=folder).close()
        with one_at_a_time(f"folder {folder.resolve()}"), storage_errors(folder):
            # What a process left that was killed while it wrote the lock.
            for table in (LOCK_NAME, ORIGIN_NAME):
                for stale in folder.glob(f".{table}.*.part"):
                    stale.unlink()
            return self._download(url, path, entry, validate)

    def _verify(
        self, url: str, path: Path, entry: Locked | None, validate: Callable[[Path, str], None]
    ) -> Obtained:
        with contextlib.suppress(OSError):
            discard(path.with_name(f".{path.name}.part"))
        size, sha = sha256_of(path)
        if entry is not None and entry.sha256 != sha and not self.options.accept_changed_inputs:
            raise _changed(f"{path} on disk", entry, size, sha, path)
        validate(path, str(path))
        if entry is None or entry.sha256 != sha:
            what = "had no lock row" if entry is None else f"was {entry.sha256} in the lock"
            logger.warning("%s %s: locked as it is, sha256 %s", path, what, sha)
            entry = Locked(path.name, url, size, sha, "NA")
            self._note_origin(url, path, sha, None)
            write_locked(path.parent, entry)
        else:
            logger.info("%s: verified, sha256 %s as locked", path, sha)
        return Obtained(path, entry, read_origins(path.parent).get(path.name))

    def _download(
        self, url: str, path: Path, entry: Locked | None, validate: Callable[[Path, str], None]
    ) -> Obtained:
        part = path.with_name(f".{path.name}.part")
        for last in (False, True):
            used = self._fetch(url, part)
            try:
                validate(part, used)
                break
            except DamagedError as error:
                # A line that cuts bodies without a length cannot be told from a bad file at the
                # archive; so the whole file is asked for once more.
                discard(part)
                if last:
                    raise
                logger.warning("%s; trying once more", error)
            except BaseException:
                discard(part)
                raise
        size, sha = sha256_of(part)
        if entry is not None and entry.sha256 != sha:
            if not self.options.accept_changed_inputs:
                discard(part)
                raise _changed(used, entry, size, sha, path)
            logger.warning("%s: was %s in the lock, now %s; accepted", path.name, entry.sha256, sha)
        retrieved = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if entry is not None and entry.sha256 == sha:
            retrieved = entry.retrieved
        self._note_origin(url, path, sha, used)
        with storage_errors(path):
            sync(part)
            # The lock first: a file at its final path always has its row.
            entry = Locked(path.name, url, size, sha, retrieved)
            write_locked(path.parent, entry)
            os.replace(part, path)
            discard(part)
        logger.info("%s: %d bytes, sha256 %s, from %s", path, size, sha, used)
        return Obtained(path, entry, read_origins(path.parent).get(path.name))

    def _note_origin(self, url: str, path: Path, sha: str, used: str | None) -> None:
        """Keep beside the file what its mirror's marker says of it."""
        host = urlsplit(url).hostname or ""
        if host not in self.options.mirrors:
            if used is not None and path.name in read_origins(path.parent):
                text = "the archive itself"
                write_origin(path.parent, Origin(path.name, "", "real", text, "", sha))
            return
        marked = self.origin(url)
        if used is None and (marked is None or marked.sha256 != sha):
            # Found on disk: the mirror can only speak for it if it has the very same bytes.
            return
        if marked is None:
            text = "a mirror that has no ORIGIN.tsv for it: not checked against the archive"
            origin = Origin(path.name, "", "real", text, "", sha)
        else:
            source = marked.source
            if marked.sha256 not in ("", "-", sha):
                source = f"differs from the sha256 in the mirror's ORIGIN.tsv; {source}"
                logger.warning("%s: %s", path, source)
            origin = Origin(path.name, marked.what, marked.kind, source, marked.licence, sha)
        write_origin(path.parent, origin)

    # -- small things that are not kept --------------------------------------------------------

    def text(self, url: str, *, limit: int = 50_000_000) -> str:
        """Text of a small page, such as a folder's index."""
        with tempfile.TemporaryDirectory(prefix="pathcall-") as folder:
            part = Path(folder) / "page"
            self._fetch(url, part, html=True, limit=limit)
            return part.read_bytes().decode("utf-8", errors="replace")

    def names(self, url: str) -> list[str]:
        """Names of the files in the folder `url`, sorted, by its index page.

        Raises
        ------
        NotPresentError
            There is no such folder.
        """
        local = self._local(url)
        if local is not None:
            if not local.is_dir():
                raise absent(url, "no such folder")
            names = sorted(path.name for path in local.iterdir() if path.is_file())
            return [name for name in names if safe_name(name)]
        names, refused = listed_names(self.text(url), url)
        if refused:
            logger.warning("%s: %d links are not file names and are left out, such as %r",
                           url, len(refused), refused[0][:80])  # fmt: skip
        return names

    def origin(self, url: str) -> Origin | None:
        """What the mirror's own ``ORIGIN.tsv`` says of the file of `url`.

        The marker lies beside the mirror's host folders (``{base}/../ORIGIN.tsv``) and names files
        as ``HOST/PATH``; for a base that answers for the host itself, at ``{base}/ORIGIN.tsv``.
        """
        split = urlsplit(url)
        host = split.hostname or ""
        base = self.options.mirrors.get(host)
        if base is None:
            return None
        path = f"{split.path.rsplit('/', 1)[0]}/{_file_of(url)}".lstrip("/")
        for root in dict.fromkeys((_parent(base), base.rstrip("/"))):
            if root is None:
                continue
            if root not in self._origins:
                self._origins[root] = self._read_marker(f"{root}/{ORIGIN_NAME}")
            origins = self._origins[root]
            if origins is not None:
                return origins.get(f"{host}/{path}") or origins.get(path)
        return None

    def _read_marker(self, address: str) -> dict[str, Origin] | None:
        try:
            with tempfile.TemporaryDirectory(prefix="pathcall-") as folder:
                part = Path(folder) / ORIGIN_NAME
                self._transport.transfer(address, part, limit=50_000_000, name=ORIGIN_NAME)
                text = part.read_text(encoding="utf-8")
        except NotPresentError:
            return None
        except UnicodeDecodeError as error:
            raise InputError(
                "the mirror's marker of origins is not text",
                where=address,
                fix="correct the mirror",
            ) from error
        logger.info("%s: the mirror says what its files are", address)
        return parse_origins(text, address)

    # -- one address ---------------------------------------------------------------------------

    def candidates(self, url: str) -> list[str]:
        """Addresses to try for `url`, in order: itself, or what a mirror has in its place.

        A query with ``file=`` is asked for as it is, then as a file of that name: a plain folder
        or a static server has no queries.

        Raises
        ------
        NotPresentError
            `offline`, and the host has no mirror.
        """
        split = urlsplit(url)
        host = split.hostname or ""
        base = self.options.mirrors.get(host)
        if base is None:
            if self.options.offline:
                raise NotPresentError(
                    "offline: true, and the file is neither in resources/ nor in a mirror",
                    where=url,
                    fix=f"name a mirror for {host} under mirrors:, or set offline: false",
                )
            return [url]
        base = base.rstrip("/")
        query = f"?{split.query}" if split.query else ""
        found = [f"{base}{split.path}{query}"]
        if query and "file" in parse_qs(split.query):
            found.append(f"{base}{split.path.rsplit('/', 1)[0]}/{quote(_file_of(url))}")
        return found

    def _local(self, url: str) -> Path | None:
        address = self.candidates(url)[-1]
        return local_path(address) if address.startswith("file:") else None

    def _fetch(self, url: str, part: Path, *, html: bool = False, limit: int | None = None) -> str:
        """Bytes of `url` into `part`, complete; gives the address that answered."""
        limit = self.options.max_decompressed_bytes if limit is None else limit
        candidates = self.candidates(url)
        if candidates[0].startswith("file:"):
            candidates = candidates[-1:]
        page: InputError | None = None
        for address in candidates:
            try:
                self._transport.transfer(address, part, limit=limit, name=_file_of(url))
            except NotPresentError:
                if address != candidates[-1]:
                    continue
                if page is not None:
                    raise page from None
                raise
            head = _head(part)
            if html or not is_html(head):
                return address
            discard(part)
            if not is_listing(head):
                page = html_error(address, head)
        if page is not None:
            raise page
        raise absent(url, "the mirror has a folder there, not the file")


def _head(path: Path, size: int = 65_536) -> bytes:
    with path.open("rb") as stream:
        return stream.read(size)


def _changed(where: str, entry: Locked, size: int, sha: str, path: Path) -> InputError:
    return InputError(
        f"the file is not the one that was locked: sha256 {sha} ({size} bytes), locked "
        f"{entry.sha256} ({entry.bytes} bytes)",
        where=f"{where}; {path.parent / LOCK_NAME}, file {path.name}",
        fix="delete a damaged file to download it again, or accept the new one with --config "
        "accept_changed_inputs=true",
    )


def _file_of(url: str) -> str:
    split = urlsplit(url)
    named = parse_qs(split.query).get("file")
    # Only a name: a query must not lead out of the folder.
    return (named[-1] if named else unquote(split.path)).rsplit("/", 1)[-1]


def _parent(base: str) -> str | None:
    base = base.rstrip("/")
    path = urlsplit(base).path
    return base.rsplit("/", 1)[0] if path.strip("/") else None
