"""A download client that cannot be fooled: a file is complete and valid at its path, or not there.

What it does, in order: the locked file on disk is verified and used; else the file is fetched into
``.{name}.part`` (resumed where the server proves that it is still the same file), its content is
checked, its hash is compared with the lock, the lock is written, and only then it gets its name.
Killed at any moment, a rerun continues. One request at a time per host, over all processes of a
user on the machine.
"""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import http.client
import json
import logging
import os
import random
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit

import urllib3
from filelock import FileLock, Timeout
from tqdm import tqdm

from pathcall import __version__
from pathcall.errors import ConfigError, DownloadError, InputError
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

logger = logging.getLogger(__name__)

_CHUNK = 1 << 16
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_REDIRECTS = 5
_TIMEOUT_TRIES = 2
_SLOW_WINDOW_S = 60.0
_SLOW_BYTES = 6_000
# Redirects stay on the host, or within one of these groups of hosts that serve the same files.
# recount3's own manual names its copy at AWS; NCBI's two hosts serve GEO.
_SAME_SERVICE = (
    frozenset({"www.ncbi.nlm.nih.gov", "ftp.ncbi.nlm.nih.gov", "ncbi.nlm.nih.gov"}),
    frozenset({"duffel.rail.bio", "recount-opendata.s3.amazonaws.com"}),
)
# Published over plain HTTP only; what comes is checked by gzip's CRC and by the lock.
_PLAIN_HTTP_HOSTS = frozenset({"duffel.rail.bio"})
_HTML = re.compile(rb"^\s*(<!doctype\s+html|<html|<head|<body|<script|<title|<meta|<!--)", re.I)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.I | re.S)
_LISTING = re.compile(rb"(directory listing for|index of)\s", re.I)


class NotPresentError(DownloadError):
    """The server says that there is no such file (404), or nothing may be asked (offline)."""


class DamagedError(InputError):
    """The bytes are cut short or corrupt: another try may help."""


@dataclass(frozen=True, kw_only=True)
class DownloadOptions:
    """How to download. None of it changes what a verified file holds.

    Attributes
    ----------
    mirrors
        Host → base URL (http, https) or ``file://`` folder to use in its place.
    offline
        Use mirrors and files on disk only.
    accept_changed_inputs
        Lock a file that differs from the lock instead of stopping.
    timeout_s
        Seconds without a byte before a request is given up.
    retries
        Further tries after 429, 5xx, resets and short bodies.
    max_wait_s
        Longest wait between tries, also where the server asks for more.
    max_decompressed_bytes
        Largest size of a file, decompressed.
    backoff_s
        First wait between tries; it doubles each time.
    """

    mirrors: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False
    accept_changed_inputs: bool = False
    timeout_s: float = 30.0
    retries: int = 5
    max_wait_s: float = 120.0
    max_decompressed_bytes: int = 8 * 10**9
    backoff_s: float = 1.0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """From the values of a checked configuration (``Config.model_dump(mode="json")``)."""
        limits = config["download"]
        return cls(
            mirrors=dict(config["mirrors"]),
            offline=config["offline"],
            accept_changed_inputs=config["accept_changed_inputs"],
            timeout_s=limits["timeout_s"],
            retries=limits["retries"],
            max_wait_s=limits["max_wait_s"],
            max_decompressed_bytes=int(limits["max_decompressed_gb"] * 1e9),
        )


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
        self._random = random.Random()

    # -- files ---------------------------------------------------------------------------------

    def obtain(
        self,
        url: str,
        *,
        folder: str | Path,
        name: str,
        validate: Callable[[Path, str], None],
    ) -> Obtained:
        """Have the file of `url` at ``folder/name``, verified.

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
        folder = Path(folder)
        path = folder / name
        entry = read_lock(folder).get(name)
        if path.is_file():
            return self._verify(url, path, entry, validate)
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # Fails at once, and not after a long download, where nothing can be written.
            tempfile.TemporaryFile(dir=folder).close()
        with self._one_at_a_time(f"folder {folder.resolve()}"), storage_errors(folder):
            # What a process left that was killed while it wrote the lock.
            for table in (LOCK_NAME, ORIGIN_NAME):
                for stale in folder.glob(f".{table}.*.part"):
                    stale.unlink()
            return self._download(url, path, entry, validate)

    def _verify(
        self, url: str, path: Path, entry: Locked | None, validate: Callable[[Path, str], None]
    ) -> Obtained:
        with contextlib.suppress(OSError):
            _discard(path.with_name(f".{path.name}.part"))
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
                _discard(part)
                if last:
                    raise
                logger.warning("%s; trying once more", error)
            except BaseException:
                _discard(part)
                raise
        size, sha = sha256_of(part)
        if entry is not None and entry.sha256 != sha:
            if not self.options.accept_changed_inputs:
                _discard(part)
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
            _discard(part)
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
                raise _absent(url, "no such folder")
            return sorted(path.name for path in local.iterdir() if path.is_file())
        page = self.text(url)
        links = re.findall(r"""href\s*=\s*["']([^"'?#]+)["']""", page, re.I)
        base = urlsplit(url).path
        names = set()
        for link in links:
            path = urlsplit(urljoin(base, link)).path
            name = unquote(path.rsplit("/", 1)[-1])
            # Links out of the folder (parent, logo, help) are not files of it.
            inside = not link.startswith(("http:", "https:", "ftp:")) and (
                link.count("/") == 0 or path.startswith(base)
            )
            if name and inside and "/" not in link.strip("./"):
                names.add(name)
        return sorted(names)

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
                self._transfer(address, part, limit=50_000_000)
                text = part.read_text(encoding="utf-8")
        except NotPresentError:
            return None
        except UnicodeDecodeError as error:
            raise InputError(
                "the mirror's marker of origins is no text", where=address, fix="mend the mirror"
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
        return _local_path(address) if address.startswith("file:") else None

    def _fetch(self, url: str, part: Path, *, html: bool = False, limit: int | None = None) -> str:
        """Bytes of `url` into `part`, complete; gives the address that answered."""
        limit = self.options.max_decompressed_bytes if limit is None else limit
        candidates = self.candidates(url)
        if candidates[0].startswith("file:"):
            candidates = candidates[-1:]
        page: InputError | None = None
        for address in candidates:
            try:
                self._transfer(address, part, limit=limit)
            except NotPresentError:
                if address != candidates[-1]:
                    continue
                if page is not None:
                    raise page from None
                raise
            head = _head(part)
            if html or not _HTML.match(head):
                return address
            _discard(part)
            if not _LISTING.search(head):
                page = _html_error(address, head)
        if page is not None:
            raise page
        raise _absent(url, "the mirror has a folder there, not the file")

    def _transfer(self, address: str, part: Path, *, limit: int) -> None:
        scheme = urlsplit(address).scheme
        if scheme == "file":
            self._copy(address, part, limit)
            return
        if scheme not in ("http", "https"):
            raise ConfigError(
                f"cannot download from {scheme or 'no'} addresses",
                where=address,
                fix="use https, http (mirrors) or file://",
            )
        tries = timeouts = 0
        while True:
            try:
                with self._one_at_a_time(f"host {urlsplit(address).netloc}"):
                    self._request(address, part, limit)
                return
            except _AgainError as again:
                tries += 1
                timeouts += again.timeout
                if tries > self.options.retries or timeouts > _TIMEOUT_TRIES:
                    raise DownloadError(
                        again.what,
                        where=f"{address}, after {tries} tries",
                        fix="run again later: what is here is kept; or name a mirror",
                    ) from again
                wait = self._wait(tries, again.asked)
                logger.warning("%s: %s; try %d in %.1f s", address, again.what, tries + 1, wait)
                time.sleep(wait)

    def _wait(self, tries: int, asked: float | None) -> float:
        base = self.options.backoff_s * 2.0 ** (tries - 1)
        wait = base * self._random.uniform(0.75, 1.25)
        return min(max(wait, asked or 0.0), self.options.max_wait_s)

    def _request(self, address: str, part: Path, limit: int) -> None:
        side = part.with_name(part.name + ".json")
        headers = {"User-Agent": f"pathcall/{__version__}", "Accept-Encoding": "identity"}
        have, mark = _resumable(part, side, address)
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": mark}
        with contextlib.closing(self._open(address, headers)) as response:
            if have and response.status == 416:
                _discard(part)
                raise _AgainError("the server refused to resume (status 416)")
            total = _check_range(response, have) if response.status == 206 else None
            if response.status == 206 and total is None:
                _discard(part)
                raise _AgainError("the server resumed at another place than asked")
            if response.status != 206:
                have = 0
                length = response.headers.get("Content-Length", "")
                total = int(length) if length.isdigit() else None
                with storage_errors(part):
                    _discard(part)
                    side.write_text(json.dumps({"url": address, "mark": _mark(response)}))
            if total is not None and total > limit:
                raise _too_large(address, limit)
            with storage_errors(part), open(part, "ab" if have else "wb") as stream:
                self._receive(response, stream, have, total, address, limit)
        if total is not None and part.stat().st_size != total:
            raise _AgainError(
                f"the body has {part.stat().st_size} of the {total} bytes that it announced"
            )

    def _receive(
        self,
        response: urllib3.HTTPResponse,
        stream: BinaryIO,
        have: int,
        total: int | None,
        address: str,
        limit: int,
    ) -> None:
        done = have
        window, since = time.monotonic(), done
        with _progress(address, have, total) as tell, _network_errors(total, lambda: done):
            # What has arrived, and not a full buffer: a dropped line loses nothing that came.
            while chunk := response.read1(_CHUNK, decode_content=False):
                stream.write(chunk)
                done += len(chunk)
                tell(len(chunk))
                if done > limit:
                    raise _too_large(address, limit)
                now = time.monotonic()
                if now - window > _SLOW_WINDOW_S:
                    if done - since < _SLOW_BYTES:
                        raise _AgainError("the server sends next to nothing", timeout=True)
                    window, since = now, done

    def _open(self, address: str, headers: Mapping[str, str]) -> urllib3.HTTPResponse:
        timeout = urllib3.Timeout(
            connect=min(self.options.timeout_s, 30.0), read=self.options.timeout_s
        )
        url = address
        for _ in range(_MAX_REDIRECTS + 1):
            with _network_errors(None, lambda: 0):
                response = _pool(url).request(
                    "GET",
                    url,
                    headers=dict(headers),
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    decode_content=False,
                    timeout=timeout,
                )
            status = response.status
            if status in (200, 206, 416):
                assert isinstance(response, urllib3.HTTPResponse)  # the only kind outside a browser
                return response
            response.close()
            if status in (301, 302, 303, 307, 308):
                url = self._redirected(address, urljoin(url, response.headers.get("Location", "")))
                continue
            if status in _RETRIED:
                asked = _retry_after(response.headers.get("Retry-After"))
                raise _AgainError(f"the server answered with status {status}", asked=asked)
            if status in (404, 410):
                raise _absent(address, f"status {status}")
            raise DownloadError(
                f"the server answered with status {status}",
                where=address,
                fix="see whether the address opens in a browser; private series need a release",
            )
        raise DownloadError("too many redirects", where=address, fix="report it to the archive")

    def _redirected(self, address: str, target: str) -> str:
        old, new = urlsplit(address), urlsplit(target)
        safe = new.scheme == "https" or (new.scheme == "http" and old.scheme == "http")
        mirrored = any(address.startswith(base) for base in self.options.mirrors.values())
        same = new.hostname == old.hostname and (
            new.port == old.port or (new.port, old.port) == (None, None)
        )
        group = not mirrored and any({old.hostname, new.hostname} <= g for g in _SAME_SERVICE)
        if not (safe and (same or group)):
            raise DownloadError(
                "the server redirects to another host",
                where=f"{address} → {target}",
                fix="if that host is right, name it under mirrors:",
            )
        logger.info("%s: redirected to %s", address, target)
        return target

    def _copy(self, address: str, part: Path, limit: int) -> None:
        path = _local_path(address)
        if not path.is_file():
            raise _absent(address, "no such file")
        if path.stat().st_size > limit:
            raise _too_large(address, limit)
        with path.open("rb") as source, storage_errors(part), part.open("wb") as stream:
            while chunk := source.read(1 << 20):
                stream.write(chunk)

    @contextlib.contextmanager
    def _one_at_a_time(self, what: str) -> Iterator[None]:
        """Hold the lock for `what` over all processes of this user on this machine."""
        folder = Path(tempfile.gettempdir()) / f"pathcall-{os.getuid()}"
        with storage_errors(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
            name = hashlib.sha256(what.encode()).hexdigest()[:16]
            lock = FileLock(folder / f"{name}.lock")
            try:
                lock.acquire(timeout=3600)
            except Timeout as error:
                raise DownloadError(
                    "another download has been running for an hour",
                    where=what,
                    fix="wait for it or end it, then run again",
                ) from error
        try:
            yield
        finally:
            lock.release()


class _AgainError(Exception):
    """A failure that another try may mend."""

    def __init__(self, what: str, *, asked: float | None = None, timeout: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.asked = asked
        self.timeout = timeout


@contextlib.contextmanager
def _network_errors(total: int | None, done: Callable[[], int]) -> Iterator[None]:
    try:
        yield
    except urllib3.exceptions.NewConnectionError as error:  # a TimeoutError by its class only
        raise _AgainError(f"the connection failed ({_short(error)})") from error
    except urllib3.exceptions.TimeoutError as error:
        raise _AgainError("no byte within the time limit", timeout=True) from error
    except urllib3.exceptions.ProtocolError as error:
        if not isinstance(error.args[-1], http.client.IncompleteRead):
            raise _AgainError(f"the connection failed ({_short(error)})") from error
        of = f" of the {total} that it announced" if total is not None else ""
        raise _AgainError(f"the body ended after {done()} bytes{of}") from error
    except urllib3.exceptions.SSLError as error:
        raise DownloadError(
            f"no secure connection: {error}", where="TLS", fix="check clock and certificates"
        ) from error
    except (urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
        raise _AgainError(f"the connection failed ({_short(error)})") from error


def _short(error: BaseException) -> str:
    """The innermost reason, without the objects around it."""
    inner: BaseException = error
    while True:
        nested = [arg for arg in inner.args if isinstance(arg, BaseException)]
        reason = getattr(inner, "reason", None) if not nested else nested[-1]
        if not isinstance(reason, BaseException):
            break
        inner = reason
    text = getattr(inner, "strerror", None) or str(inner).split(": ", 1)[-1]
    return text or type(inner).__name__


def _pool(url: str) -> urllib3.PoolManager:
    """A pool for one request; through the proxy of the environment, as clusters often need."""
    split = urlsplit(url)
    host = split.hostname or ""
    proxy = urllib.request.getproxies().get(split.scheme)
    own = host in ("127.0.0.1", "localhost", "::1")
    if proxy and not own and not urllib.request.proxy_bypass(host):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


def _retry_after(text: str | None) -> float | None:
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    parsed = email.utils.parsedate_tz(text)
    return None if parsed is None else max(0.0, email.utils.mktime_tz(parsed) - time.time())


def _mark(response: urllib3.BaseHTTPResponse) -> str | None:
    """What proves, on resuming, that the file is still the same; None: start over instead."""
    tag = response.headers.get("ETag")
    if response.headers.get("Accept-Ranges", "").lower() == "none":
        return None
    if tag and not tag.startswith("W/"):
        return tag
    return response.headers.get("Last-Modified")


def _resumable(part: Path, side: Path, address: str) -> tuple[int, str]:
    try:
        about = json.loads(side.read_text())
        size = part.stat().st_size
        mark = about["mark"] if about["url"] == address else None
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""
    return (size, mark) if mark and size else (0, "")


def _check_range(response: urllib3.BaseHTTPResponse, have: int) -> int | None:
    """Total size by ``Content-Range``, if it begins where it must."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != have:
        return None
    return int(match[3])


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_name(part.name + ".json").unlink(missing_ok=True)


def _head(path: Path, size: int = 65_536) -> bytes:
    with path.open("rb") as stream:
        return stream.read(size)


def _html_error(address: str, head: bytes) -> InputError:
    match = _TITLE.search(head)
    title = f" titled “{' '.join(match[1].decode('utf-8', 'replace').split())}”" if match else ""
    bot = re.search(rb"captcha|robot|bot check|unusual traffic|are you human", head, re.I)
    what = "a bot check (an HTML page" if bot else "an HTML page ("
    what = f"{what}{title})".replace("( titled", "(titled").replace("()", "").rstrip()
    return InputError(
        f"the server sent {what} instead of the file",
        where=address,
        fix="run again later, or download it in a browser and name a mirror",
    )


def html_title(head: bytes) -> str | None:
    """What an HTML page calls itself; None if `head` does not begin one."""
    if not _HTML.match(head):
        return None
    match = _TITLE.search(head)
    return " ".join(match[1].decode("utf-8", "replace").split()) if match else ""


def _absent(address: str, why: str) -> NotPresentError:
    return NotPresentError(
        f"the server does not have the file ({why})",
        where=address,
        fix="check the accession and counts.source; or name a mirror that has it",
    )


def _too_large(address: str, limit: int) -> InputError:
    return InputError(
        f"the file is larger than the limit of {limit / 1e9:g} GB",
        where=address,
        fix="raise download.max_decompressed_gb if that is right",
    )


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


def _local_path(address: str) -> Path:
    split = urlsplit(address)
    if split.netloc not in ("", "localhost"):
        raise ConfigError(
            "a file:// mirror names a host",
            where=address,
            fix="write file:///absolute/folder (three slashes)",
        )
    return Path(unquote(split.path))


def _parent(base: str) -> str | None:
    base = base.rstrip("/")
    path = urlsplit(base).path
    return base.rsplit("/", 1)[0] if path.strip("/") else None


@contextlib.contextmanager
def _progress(address: str, have: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a line every ten seconds elsewhere."""
    name = _file_of(address)
    if sys.stderr.isatty():
        with tqdm(desc=name, initial=have, total=total, unit="B", unit_scale=True) as bar:

            def move(n: int) -> None:
                bar.update(n)

            yield move
        return
    state = {"done": have, "told": time.monotonic()}

    def tell(n: int) -> None:
        state["done"] += n
        if time.monotonic() - state["told"] > 10:
            state["told"] = time.monotonic()
            of = f" of {total / 1e6:.1f}" if total else ""
            print(f"{name}: {state['done'] / 1e6:.1f}{of} MB", file=sys.stderr, flush=True)

    yield tell
    print(f"{name}: {state['done'] / 1e6:.1f} MB received", file=sys.stderr, flush=True)
