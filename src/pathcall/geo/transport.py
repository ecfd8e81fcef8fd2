"""One address into one file: resumed where the server proves it is the same file, tried again.

Retries are not urllib3's own: each try holds the host's lock anew, goes on from what has come, and
counts stalls apart, which ``Retry`` does not do.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import logging
import random
import re
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urljoin, urlsplit

import urllib3
from tqdm import tqdm

from pathcall import __version__
from pathcall.errors import ConfigError, DownloadError, InputError, NotPresentError
from pathcall.files import storage_errors
from pathcall.geo.options import DownloadOptions
from pathcall.geo.turns import one_at_a_time
from pathcall.geo.watchdog import Watchdog

logger = logging.getLogger(__name__)

_CHUNK = 1 << 16
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_REDIRECTS = 5
_TIMEOUT_TRIES = 2
# Redirects stay on the host, or within one of these groups of hosts that serve the same files.
# recount3's own manual names its copy at AWS; NCBI's two hosts serve GEO.
_SAME_SERVICE = (
    frozenset({"www.ncbi.nlm.nih.gov", "ftp.ncbi.nlm.nih.gov", "ncbi.nlm.nih.gov"}),
    frozenset({"duffel.rail.bio", "recount-opendata.s3.amazonaws.com"}),
)


class Transport:
    """Transfers by one set of options."""

    def __init__(self, options: DownloadOptions) -> None:
        self.options = options
        self._random = random.Random()

    def transfer(self, address: str, part: Path, *, limit: int, name: str = "") -> None:
        """Fetch the bytes of an address into `part`, complete.

        Parameters
        ----------
        address
            http, https or file.
        part
            Where to write; what is there already is resumed if it is the same file.
        limit
            Most bytes that are taken.
        name
            What to call it in messages of progress.

        Raises
        ------
        NotPresentError
            There is no such file.
        DownloadError
            The server did not give it.
        InputError
            It is larger than `limit`.
        """
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
                with one_at_a_time(f"host {urlsplit(address).netloc}"):
                    self._request(address, part, limit, name)
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

    def _request(self, address: str, part: Path, limit: int, name: str) -> None:
        side = part.with_name(part.name + ".json")
        headers = {"User-Agent": f"pathcall/{__version__}", "Accept-Encoding": "identity"}
        have, mark = _resumable(part, side, address)
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": mark}
        window = 2 * self.options.timeout_s
        with (
            Watchdog(window, self.options.max_transfer_s) as watchdog,
            contextlib.closing(self._open(address, headers, watchdog)) as response,
        ):
            if have and response.status == 416:
                discard(part)
                raise _AgainError("the server refused to resume (status 416)")
            if response.status == 206:
                total: int | None = _check_resumed(response, have, mark, part)
            else:
                have, total = 0, _content_length(response)
                with storage_errors(part):
                    discard(part)
                    about = {"url": address, "mark": _mark(response), "total": total}
                    side.write_text(json.dumps(about))
            if total is not None and total > limit:
                raise too_large(address, limit)
            with storage_errors(part), open(part, "ab" if have else "wb") as stream:
                self._receive(response, stream, have, total, address, limit, name, watchdog)
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
        name: str,
        watchdog: Watchdog,
    ) -> None:
        done = have
        with (
            _progress(name or address, have, total) as tell,
            _network_errors(watchdog, total, lambda: done),
        ):
            # What has arrived, and not a full buffer: a dropped line loses nothing that came.
            while chunk := response.read1(_CHUNK, decode_content=False):
                stream.write(chunk)
                done += len(chunk)
                watchdog.received(len(chunk))
                tell(len(chunk))
                if done > limit:
                    raise too_large(address, limit)

    def _open(
        self, address: str, headers: Mapping[str, str], watchdog: Watchdog
    ) -> urllib3.HTTPResponse:
        timeout = urllib3.Timeout(
            connect=min(self.options.timeout_s, 30.0), read=self.options.timeout_s
        )
        url = address
        for _ in range(_MAX_REDIRECTS + 1):
            with contextlib.ExitStack() as opened:
                with _network_errors(watchdog, None, lambda: 0):
                    response = _pool(url, watchdog).request(
                        "GET",
                        url,
                        headers=dict(headers),
                        redirect=False,
                        retries=False,
                        preload_content=False,
                        decode_content=False,
                        timeout=timeout,
                    )
                    # Headers that the watchdog cut look like those of an answer.
                    opened.callback(response.close)
                opened.pop_all()
            status = response.status
            if status in (200, 206, 416):
                assert isinstance(response, urllib3.HTTPResponse)  # the only kind outside a browser
                return response
            response.close()
            if status in (301, 302, 303, 307, 308):
                url = self.redirected(address, url, response.headers.get("Location", ""))
                continue
            if status in _RETRIED:
                asked = _retry_after(response.headers.get("Retry-After"))
                raise _AgainError(f"the server answered with status {status}", asked=asked)
            if status in (404, 410):
                raise absent(address, f"status {status}")
            raise DownloadError(
                f"the server answered with status {status}",
                where=address,
                fix="see whether the address opens in a browser; private series need a release",
            )
        raise DownloadError("too many redirects", where=address, fix="report it to the archive")

    def redirected(self, address: str, current: str, location: str) -> str:
        """Where a redirect leads, if it may: on the same host, or within one service.

        Raises
        ------
        DownloadError
            It leads elsewhere, or to no address at all.
        """
        try:
            target = urljoin(current, location)
            old, new = urlsplit(address), urlsplit(target)
            same = new.hostname == old.hostname and new.port == old.port
        except ValueError as error:
            raise DownloadError(
                f"the server redirects to what is no address ({error})",
                where=f"{address} → {location[:200]}",
                fix="report it to the archive",
            ) from None
        safe = new.scheme == "https" or (new.scheme == "http" and old.scheme == "http")
        mirrored = any(address.startswith(base) for base in self.options.mirrors.values())
        group = not mirrored and any({old.hostname, new.hostname} <= g for g in _SAME_SERVICE)
        if not (safe and (same or group)):
            raise DownloadError(
                "the server redirects to another host",
                where=f"{address} → {target[:200]}",
                fix="if that host is right, name it under mirrors:",
            )
        logger.info("%s: redirected to %s", address, target)
        return target

    def _copy(self, address: str, part: Path, limit: int) -> None:
        path = local_path(address)
        if not path.is_file():
            raise absent(address, "no such file")
        if path.stat().st_size > limit:
            raise too_large(address, limit)
        with path.open("rb") as source, storage_errors(part), part.open("wb") as stream:
            while chunk := source.read(1 << 20):
                stream.write(chunk)


class _AgainError(Exception):
    """A failure that another try may cure."""

    def __init__(self, what: str, *, asked: float | None = None, timeout: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.asked = asked
        self.timeout = timeout


@contextlib.contextmanager
def _network_errors(
    watchdog: Watchdog, total: int | None, done: Callable[[], int]
) -> Iterator[None]:
    """Failures of the network, and what the watchdog ended, as something to try again."""
    try:
        with _plain_network_errors(total, done):
            yield
    except _AgainError as error:
        if watchdog.tripped:
            raise _AgainError(watchdog.tripped, timeout=True) from error
        raise
    # A body of unknown length that the watchdog cut looks like one that ended.
    if watchdog.tripped:
        raise _AgainError(watchdog.tripped, timeout=True)


@contextlib.contextmanager
def _plain_network_errors(total: int | None, done: Callable[[], int]) -> Iterator[None]:
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


def _pool(url: str, watchdog: Watchdog) -> urllib3.PoolManager:
    """A pool for one request; through the proxy of the environment, as clusters often need."""
    split = urlsplit(url)
    host = split.hostname or ""
    proxy = urllib.request.getproxies().get(split.scheme)
    own = host in ("127.0.0.1", "localhost", "::1")
    if proxy and not own and not urllib.request.proxy_bypass(host):
        return watchdog.proxy(proxy)
    return watchdog.pool()


def _whole(text: str | None) -> int | None:
    """A header's number; None for what is none (`isdigit` takes "²" for one)."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text.strip()) else None


def _retry_after(text: str | None) -> float | None:
    seconds = _whole(text)
    if seconds is not None or not text:
        return seconds
    try:
        parsed = email.utils.parsedate_tz(text)
        return None if parsed is None else max(0.0, email.utils.mktime_tz(parsed) - time.time())
    except (ValueError, OverflowError, TypeError):
        return None


def _content_length(response: urllib3.BaseHTTPResponse) -> int | None:
    return _whole(response.headers.get("Content-Length"))


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


def _check_resumed(response: urllib3.BaseHTTPResponse, have: int, mark: str, part: Path) -> int:
    """Total size of a file that is resumed, if this is the rest of the same file.

    The server was asked to send the rest only of the version that `mark` names (``If-Range``), but
    some send it of whatever they have now: the answer must carry the same mark.
    """
    match = re.fullmatch(
        r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})",
        response.headers.get("Content-Range", "").strip(),
    )
    wrong = None
    if match is None or int(match[1]) != have or int(match[2]) + 1 != int(match[3]):
        wrong = "the server resumed at another place than asked"
    elif mark not in (response.headers.get("ETag"), response.headers.get("Last-Modified")):
        wrong = "the server resumed another version of the file"
    if wrong is not None or match is None:
        discard(part)
        raise _AgainError(wrong or "")
    return int(match[3])


def discard(part: Path) -> None:
    """Remove a partial file and what is noted beside it."""
    part.unlink(missing_ok=True)
    part.with_name(part.name + ".json").unlink(missing_ok=True)


def absent(address: str, why: str) -> NotPresentError:
    """The error for a file that is not there."""
    return NotPresentError(
        f"the server does not have the file ({why})",
        where=address,
        fix="check the accession and counts.source; or name a mirror that has it",
    )


def too_large(address: str, limit: int) -> InputError:
    """The error for more bytes than are taken."""
    return InputError(
        f"the file is larger than the limit of {limit / 1e9:g} GB",
        where=address,
        fix="raise download.max_decompressed_gb if that is right",
    )


def local_path(address: str) -> Path:
    """Path of a ``file://`` address.

    Raises
    ------
    ConfigError
        It names a host.
    """
    split = urlsplit(address)
    if split.netloc not in ("", "localhost"):
        raise ConfigError(
            "a file:// mirror names a host",
            where=address,
            fix="write file:///absolute/folder (three slashes)",
        )
    return Path(unquote(split.path))


@contextlib.contextmanager
def _progress(name: str, have: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a line every ten seconds elsewhere."""
    name = name if name.isprintable() else ascii(name)
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
