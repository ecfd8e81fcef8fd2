"""Servers that answer slowly for ever, resume another file, or send headers that are none."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pathcall.errors import DownloadError, InputError, PathcallError
from pathcall.geo import turns
from pathcall.geo.http import Client
from pathcall.geo.options import DownloadOptions
from pathcall.geo.pages import listed_names, safe_name
from pathcall.geo.transport import Transport, _retry_after

HOST = "ftp.ncbi.nlm.nih.gov"
URL = f"https://{HOST}/x.bin"
OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def raw_server(answer: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """A server that speaks whatever `answer` writes, one thread a connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        listener.settimeout(0.05)
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection:
            try:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(4096)
                if b"/ORIGIN.tsv " in request:
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                else:
                    answer(connection, request)
            except OSError:
                pass  # the client hung up, as it should

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        listener.close()


def drip(connection: socket.socket, head: bytes, piece: bytes, every: float = 0.1) -> None:
    """`head`, then `piece` again and again for longer than any test waits."""
    connection.sendall(head)
    for _ in range(int(60 / every)):
        connection.sendall(piece)
        time.sleep(every)


def options(address: str, **more: object) -> DownloadOptions:
    values = {"timeout_s": 0.5, "retries": 1, "backoff_s": 0.01, "max_wait_s": 0.1, **more}
    return DownloadOptions(mirrors={HOST: address}, **values)


def anything(path: Path, where: str) -> None:
    pass


STALLS = {
    "a header at a byte every 100 ms": (OK + b"X-Slow: ", b"a"),
    "headers without end": (OK, b"X-More: 1\r\n"),
    "100 Continue for ever": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a chunk size that drips": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "trailers without end": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", b"X-More: 1\r\n",
    ),
    "a body at 100 bytes a second": (OK + b"Content-Length: 99999\r\n\r\n", b"0123456789"),
    "a body without length at 100 bytes a second": (OK + b"\r\n", b"0123456789"),
    "a status line that drips": (b"", b"H"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", STALLS)
def test_a_server_that_drips_is_given_up(kind: str, tmp_path: Path) -> None:
    head, piece = STALLS[kind]
    start = time.monotonic()
    with (
        raw_server(lambda connection, _: drip(connection, head, piece)) as address,
        pytest.raises(DownloadError),
    ):
        Client(options(address)).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
    # Two tries of a window of one second each.
    assert time.monotonic() - start < 10
    assert not (tmp_path / "x.bin").exists()


def test_the_whole_transfer_has_a_deadline(tmp_path: Path) -> None:
    head, piece = OK + b"Content-Length: 999999999\r\n\r\n", b"x" * 5_000
    with (
        raw_server(lambda connection, _: drip(connection, head, piece, 0.01)) as address,
        pytest.raises(DownloadError, match="longer than it may"),
    ):
        Client(options(address, max_transfer_s=1.0, retries=0)).obtain(
            URL, folder=tmp_path, name="x.bin", validate=anything
        )


@pytest.mark.parametrize(
    ("mark", "etag", "content_range", "resumes"),
    [
        ('"v1"', '"v1"', "bytes 4-7/8", True),
        ('"v1"', '"v2"', "bytes 4-7/8", False),
        ('"v1"', None, "bytes 4-7/8", False),
        ('"v1"', '"v1"', "bytes 3-7/8", False),
        ('"v1"', '"v1"', "bytes 4-6/8", False),
        ('"v1"', '"v1"', "bytes 4-7/*", False),
        ('"v1"', '"v1"', "bytes ²-7/8", False),
    ],
)
def test_only_the_rest_of_the_same_version_is_appended(
    mark: str, etag: str | None, content_range: str, resumes: bool, tmp_path: Path
) -> None:
    requests = []

    def answer(connection: socket.socket, request: bytes) -> None:
        requests.append(request)
        if len(requests) == 1:  # half of version 1, then the line drops
            connection.sendall(OK + f"ETag: {mark}\r\nContent-Length: 8\r\n\r\nAAAA".encode())
        elif b"Range: bytes=4-" in request:
            tag = f"ETag: {etag}\r\n" if etag else ""
            head = f"HTTP/1.1 206 Partial Content\r\n{tag}Content-Range: {content_range}\r\n"
            connection.sendall(f"{head}Content-Length: 4\r\n\r\n".encode("latin-1", "replace")
                               + b"aaaa")  # fmt: skip
        else:
            connection.sendall(OK + b'ETag: "v2"\r\nContent-Length: 8\r\n\r\nBBBBbbbb')

    with raw_server(answer) as address:
        got = Client(options(address, retries=3)).obtain(
            URL, folder=tmp_path, name="x.bin", validate=anything
        )
    assert got.path.read_bytes() == (b"AAAAaaaa" if resumes else b"BBBBbbbb")


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:99999/x", "http://127.0.0.1:x/", "http://[::1/x", "http://[bad]/x", "//[/"],
)
def test_a_redirect_to_no_address_is_one_line(location: str) -> None:
    with pytest.raises(DownloadError, match="redirects to"):
        Transport(DownloadOptions()).redirected(URL, URL, location)


@pytest.mark.parametrize("length", ["²", "-5", "1e3", "9" * 40, "", "4,4"])
def test_a_length_that_is_no_number_is_no_length(length: str, tmp_path: Path) -> None:
    def answer(connection: socket.socket, request: bytes) -> None:
        head = f"Content-Length: {length}\r\nConnection: close\r\n\r\n".encode()
        connection.sendall(OK + head + b"abcd")

    with raw_server(answer) as address:
        try:
            got = Client(options(address, retries=0)).obtain(
                URL, folder=tmp_path, name="x.bin", validate=anything
            )
        except PathcallError:
            assert not (tmp_path / "x.bin").exists()
        else:
            assert got.path.read_bytes() == b"abcd"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("²", None), ("Fri, 31 Dec 99999 23:59:59 GMT", None), ("soon", None),
     (None, None), ("-1", None)],
)  # fmt: skip
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert _retry_after(text) == seconds


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "a\0b", "a\x1b[2Jb", "a\nb", "x" * 300, "ä" * 150],
)
def test_names_that_cannot_be_files_are_refused(name: str, tmp_path: Path) -> None:
    assert not safe_name(name)
    with pytest.raises(InputError, match="an invalid name"):
        Client(DownloadOptions()).obtain(URL, folder=tmp_path, name=name, validate=anything)
    assert list(tmp_path.iterdir()) == []


def test_links_that_lead_out_of_a_folder_are_no_names_of_it() -> None:
    links = ["a.txt", "b%20c.txt", "./d.txt", "%2fetc%2fEVIL_counts.txt", "%2e%2e%2fEVIL.txt",
             "..%5cEVIL.txt", "a%00b.txt", "a%1b%5b2J.txt", "x" * 300, "sub/", "../", "/",
             "http://[/x", "https://example.org/y.txt", "//example.org/z.txt", "?C=N"]  # fmt: skip
    page = "".join(f'<a href="{link}">x</a>' for link in links)
    names, refused = listed_names(page, "https://host/geo/suppl/")
    assert names == ["a.txt", "b c.txt", "d.txt"]
    assert len(refused) == 6


def test_a_lock_folder_of_someone_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / f"pathcall-{os.getuid()}"
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DownloadError, match="belongs to someone else"), turns.one_at_a_time("x"):
        pass
    folder.unlink()
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with pytest.raises(DownloadError, match="others may write"), turns.one_at_a_time("x"):
        pass
    folder.chmod(0o700)
    with turns.one_at_a_time("x"):
        pass
