"""Two hundred ways for a server to misbehave: each ends in the right bytes, or in one line.

A behaviour (a status, a broken body, a broken protocol) is met by one file of a study, once or for
ever; `try_behaviour` fetches the study as the workflow does and looks at what is on the disk.
"""

from __future__ import annotations

import gzip
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import chain, repeat
from pathlib import Path

from pathcall.errors import PathcallError
from tests import faults
from tests.fake_geo import BOT_PAGE, FOREVER, Fault, pack, serve

TIME_LIMIT_S = 20.0
Pieces = Callable[[bytes], Iterable[bytes]]

# File of the study that meets the behaviour → counts.source that asks for it.
TARGETS = {
    "soft": "ncbi", "raw_counts": "ncbi", "annot": "ncbi",
    "gene_sums": "recount3", "sra.sra": "recount3", "recount_qc": "recount3",
}  # fmt: skip


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _whole(change: Callable[[bytes], bytes], *headers: str) -> Pieces:
    return lambda body: [answer(change(body), "200 OK", *headers)]


def _raw(*pieces: bytes) -> Pieces:
    return lambda body: pieces


def _status(status: int) -> Pieces:
    return lambda body: [answer(b"<html>no</html>", f"{status} x")]


def _flip(body: bytes) -> bytes:
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 4]) + body[at + 1 :]


def _zeros(body: bytes) -> bytes:
    at = len(body) // 3
    return body[:at] + bytes(60) + body[at + 60 :]


def _lines(body: bytes) -> list[bytes]:
    return gzip.decompress(body).splitlines(keepends=True)


def _drip(head: bytes) -> Pieces:
    return lambda body: chain([head], repeat(b"X: y\r\n", 400))


def _chunked(*chunks: bytes) -> Pieces:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return lambda body: [head, *chunks]


BEHAVIOURS: dict[str, Pieces] = {
    **{f"status {s}": _status(s) for s in (204, 400, 403, 404, 410, 418, 429, 500, 503, 999)},
    "a bot check with status 200": _whole(lambda body: BOT_PAGE),
    "an empty body": _whole(lambda body: b""),
    "half of the body, its length right": _whole(lambda body: body[: len(body) // 2]),
    "half of the body, the length of the whole": lambda body: [
        answer(body).replace(body, body[: len(body) // 2])
    ],
    "a bit flipped": _whole(_flip),
    "a block of the body lost": _whole(lambda body: body[: len(body) // 3] + body[-50:]),
    "a block of zeros": _whole(_zeros),
    "the body twice": _whole(lambda body: body + body),
    "garbage before the body": _whole(lambda body: b"x" * 20 + body),
    "garbage after the body": _whole(lambda body: body + b"x" * 20),
    "compressed twice": _whole(lambda body: pack(body)),
    "not compressed": _whole(lambda body: gzip.decompress(body)),
    "half of the lines, packed anew": _whole(
        lambda body: pack(b"".join(_lines(body)[: len(_lines(body)) // 2]))
    ),
    "Content-Encoding: gzip": _whole(lambda body: body, "Content-Encoding: gzip"),
    "a gzip bomb": _whole(lambda body: pack(gzip.decompress(body)[:2_000] + b"0" * 40_000_000)),
    "no answer": _raw(),
    "no HTTP": _raw(b"220 ftp ready\r\n"),
    "an unknown version of HTTP": _raw(b"HTTP/9.9 200 banana\r\n\r\n"),
    "a header of 200 kB": _raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"),
    "10,000 headers": _raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"),
    "headers without end": _drip(b"HTTP/1.1 200 OK\r\n"),
    "a length of 10^18": lambda body: [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\n" + body
    ],
    "a length below zero": lambda body: [
        b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\nConnection: close\r\n\r\n" + body[:50]
    ],
    "a chunk without a size": _chunked(b"zz\r\nabc\r\n"),
    "a chunk of endless size": _chunked(b"f" * 400),
    "chunks cut": lambda body: [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + body[:64] + b"\r\n"
    ],
    "100 Continue without end": lambda body: repeat(b"HTTP/1.1 100 Continue\r\n\r\n", 400),
    "a part that was not asked for": lambda body: [
        answer(body[10:], "206 Partial", f"Content-Range: bytes 10-{len(body) - 1}/{len(body)}")
    ],
    "a redirect to itself": lambda body: [answer(b"", "302 Found", "Location: ?")],
    "a redirect to nowhere": lambda body: [answer(b"", "302 Found")],
    "a redirect to a file": lambda body: [answer(b"", "301 Moved", "Location: file:///etc/passwd")],
    "a redirect to another host": lambda body: [
        answer(b"", "307 Moved", "Location: http://localhost:9/x.gz")
    ],
}  # fmt: skip
TIMES = {"once": 1, "for ever": FOREVER}
# A shorter list of genes is a table as good: nothing in recount3's sums says how many there are.
UNKNOWABLE = ("half of the lines, packed anew", "gene_sums")
CASES = [
    (how, at, often)
    for how in BEHAVIOURS
    for at in TARGETS
    for often in TIMES
    if (how, at) != UNKNOWABLE
]


def try_behaviour(how: str, at: str, often: str) -> faults.Outcome:
    """Fetch a study from a server that behaves so; what came of it."""
    with tempfile.TemporaryDirectory() as folder, serve(faults.GOOD) as server:
        drips = how in ("headers without end", "100 Continue without end")
        server.faults = [
            Fault("raw", at, TIMES[often], value=0.05 if drips else 0.0, pieces=BEHAVIOURS[how])
        ]
        work = Path(folder)
        error = None
        start = time.monotonic()
        try:
            options = faults.options(server, timeout_s=0.4, retries=2)
            faults.fetch_both(work, options, source=TARGETS[at])
        except PathcallError as caught:
            error = caught
        taken = time.monotonic() - start
        assert taken < TIME_LIMIT_S, f"{how}, {at}, {often}: {taken:.0f} s"
        return faults.outcome(work, error)


def check(found: faults.Outcome, how: str) -> str:
    """How it ended, ``right`` or ``refused``; a third end is an `AssertionError`."""
    # Half of the lines are a whole file; only beside the others it is seen that some are missing.
    assert found.right_bytes or (how == UNKNOWABLE[0] and found.error), found
    if found.error is None:
        assert found.leftovers == (), found
        return "right"
    assert found.error.startswith("error: "), found
    assert found.error.isprintable(), found
    assert len(found.error.split(" — ")) >= 3, found
    assert len(found.error) < 1_500, found
    return "refused"
