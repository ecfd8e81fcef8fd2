"""What can go wrong with a download, and what pathcall then does: run, checked, and written down.

``python -m benchmarks.faults downloads`` writes docs/reliability.md from it;
``tests/geo/test_reliability.py`` holds each row to its expectation.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pathcall.errors import PathcallError
from pathcall.geo import fetch
from pathcall.geo.options import DownloadOptions
from tests.fake_geo import BOT_PAGE, FOREVER, FakeGeo, Fault, Study, pack, serve

STUDY = Study(n_genes=4000)
COUNTS = {
    "source": "ncbi",
    "file": None,
    "metadata": None,
    "gene_id": "auto",
    "sra_study": None,
    "layer": None,
    "estimated": False,
}
DOC = Path(__file__).resolve().parents[1] / "docs" / "reliability.md"
_AT = "raw_counts"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its ``error:`` line (None: success), and whether all files are right."""

    error: str | None
    right_bytes: bool
    leftovers: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A fault, what is expected of it, and how to make it."""

    fault: str
    succeeds: bool
    names: str
    make: Callable[[], list[Fault]]


def _flip(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def _bomb() -> bytes:
    head = STUDY.counts_text().encode()
    return pack(head + b"0" * 400_000_000)


def _status(status: int, times: int, wait: bytes = b"") -> Callable[[], list[Fault]]:
    return lambda: [Fault("status", _AT, times, wait, status)]


def _body(
    make: Callable[[], bytes], at: str = _AT, times: int = FOREVER
) -> Callable[[], list[Fault]]:
    return lambda: [Fault("body", at, times, make())]


OTHER = Study(accession="GSE90002", first=9100001, n_genes=4000)
GOOD = STUDY.files()
CASES = (
    Case("an HTML page with status 200 (bot check)", False, "HTML page", _body(lambda: BOT_PAGE)),
    Case("404", False, "does not have the file", _status(404, FOREVER)),
    Case("429 with Retry-After, then good", True, "", _status(429, 1, b"0")),
    Case("503 twice, then good", True, "", _status(503, 2)),
    Case("503 for ever", False, "status 503", _status(503, FOREVER)),
    Case("connection reset in the body, then good (resumed)", True, "",
         lambda: [Fault("reset", _AT, 1)]),
    Case("connection reset for ever", False, "connection failed",
         lambda: [Fault("reset", _AT, FOREVER)]),
    Case("Content-Length longer than the body, then good (resumed)", True, "",
         lambda: [Fault("long_length", _AT, 1)]),
    Case("Content-Length longer than the body, for ever", False, "bytes of the",
         lambda: [Fault("long_length", _AT, FOREVER)]),
    Case("body cut, no Content-Length, then good", True, "",
         lambda: [Fault("no_length", _AT, 1)]),
    Case("body cut, no Content-Length, for ever", False, "cut short",
         lambda: [Fault("no_length", _AT, FOREVER)]),
    Case("body cut between chunks, then good", True, "",
         lambda: [Fault("chunks_cut", _AT, 1)]),
    Case("body cut between chunks, for ever", False, "the body ended after",
         lambda: [Fault("chunks_cut", _AT, FOREVER)]),
    Case("empty body", False, "empty", _body(lambda: b"")),
    Case("one flipped byte", False, "corrupt", _body(lambda: _flip(GOOD[STUDY.counts_path]))),
    Case("one flipped byte, then good", True, "",
         _body(lambda: _flip(GOOD[STUDY.counts_path]), times=1)),
    Case("a gzip bomb", False, "gzip bomb", _body(_bomb)),
    Case("first byte after the time limit, then good", True, "",
         lambda: [Fault("slow", _AT, 1, value=1.6)]),
    Case("first byte after the time limit, for ever", False, "no byte within the time limit",
         lambda: [Fault("slow", _AT, FOREVER, value=1.6)]),
    Case("another series' counts", False, "another series'",
         _body(lambda: OTHER.files()[OTHER.counts_path])),
    Case("another series' metadata", False, "not of GSE90001",
         _body(lambda: OTHER.files()[OTHER.soft_path], at="soft")),
    Case("TPM instead of counts", False, "TPM",
         _body(lambda: pack(STUDY.counts_text(STUDY.tpm())))),
    Case("another organism's annotation", False, "annotation is not that of Homo sapiens",
         _body(lambda: pack(STUDY.annotation(organism="Mus musculus", shift=10**6)), at="annot")),
    Case("another organism's annotation, without Ensembl ids", False, "another organism's",
         _body(lambda: pack(STUDY.annotation(shift=10**6).replace("ENSG", "X")), at="annot")),
    Case("a redirect to another host", False, "redirects to another host",
         lambda: [Fault("redirect", _AT, FOREVER, b"http://localhost:1/x.gz")]),
)  # fmt: skip


def options(server: FakeGeo, **changes: object) -> DownloadOptions:
    values: dict[str, object] = {
        "mirrors": server.mirrors, "timeout_s": 0.8, "retries": 3, "max_wait_s": 0.2,
        "backoff_s": 0.01, **changes,
    }  # fmt: skip
    return DownloadOptions(**values)  # type: ignore[arg-type]


def fetch_both(work: Path, how: DownloadOptions, source: str = "ncbi") -> None:
    """Both fetch rules, as the workflow runs them."""
    counts = {**COUNTS, "source": source}
    folder = work / "resources"
    fetch.fetch_metadata(STUDY.accession, organism="human", counts=counts, folder=folder,
                           options=how, out=work / "metadata.json")  # fmt: skip
    fetch.fetch_counts(work / "metadata.json", counts=counts, folder=folder, options=how,
                         out=work / "source.json")  # fmt: skip


def outcome(work: Path, error: PathcallError | None) -> Outcome:
    """What is on disk afterwards: every file at a final path must be exactly GEO's."""
    expected = {Path(name).name: body for name, body in GOOD.items()}
    folder = work / "resources"
    found = {p.name: p.read_bytes() for p in folder.iterdir()} if folder.is_dir() else {}
    data = {n: b for n, b in found.items() if n.endswith(".gz")}
    right = all(expected[name] == body for name, body in data.items())
    complete = (work / "source.json").is_file()
    # SOFT and counts at least: NCBI's annotation may be missing.
    right = right and (complete and len(data) >= 2 if error is None else not complete)
    left = tuple(sorted(n for n in found if n.startswith(".")))
    return Outcome(None if error is None else error.line(), right, left)


def run_case(case: Case) -> Outcome:
    """Make the fault, fetch, look."""
    with tempfile.TemporaryDirectory() as folder, serve(GOOD) as server:
        server.faults = case.make()
        work = Path(folder)
        error = None
        try:
            fetch_both(work, options(server))
        except PathcallError as caught:
            error = caught
        return outcome(work, error)


# -- faults of the disk, and kill -9 -----------------------------------------------------------


def _child(work: str, how: DownloadOptions, limit: int | None) -> None:
    """In a process of its own; its error line goes into a file."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        fetch_both(Path(work), how)
    except PathcallError as error:
        Path(work, "..", "error.txt").write_text(error.line()[:2000], encoding="utf-8")
        os._exit(1)


def child(work: Path, how: DownloadOptions, limit: int | None = None) -> multiprocessing.Process:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults"])
    process = context.Process(target=_child, args=(str(work), how, limit))
    process.start()
    return process  # type: ignore[return-value]


def run_child(work: Path, *, limit: int | None = None) -> Outcome:
    """One run in a process of its own, to its end."""
    with serve(GOOD) as server:
        process = child(work, options(server), limit)
        process.join()
    said = work.parent / "error.txt"
    line = said.read_text(encoding="utf-8") if process.exitcode else None
    error = None
    if line is not None:
        what, where, fix = [*line.removeprefix("error: ").split(" — "), "", ""][:3]
        error = PathcallError(what, where=where, fix=fix)
    return outcome(work, error)


@contextlib.contextmanager
def mounted(path: Path, flags: str) -> Iterator[bool]:
    """A small tmpfs at `path`, where this process may mount one."""
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", flags, "pathcall-test", str(path)],
        capture_output=True, check=False,
    ) if shutil.which("mount") else None  # fmt: skip
    ok = done is not None and done.returncode == 0
    try:
        yield ok
    finally:
        if ok:
            subprocess.run(["umount", str(path)], check=True)


def full_disk() -> Outcome | None:
    """The study's folder on a tmpfs too small for its counts; None where none can be mounted."""
    with tempfile.TemporaryDirectory() as folder, mounted(Path(folder, "w"), "size=48k") as ok:
        return run_child(Path(folder, "w")) if ok else None


def size_limit() -> Outcome:
    """A limit on the size of files, as `ulimit -f` sets it."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "w")
        work.mkdir()
        return run_child(work, limit=20_000)


def read_only() -> Outcome | None:
    """A read-only study folder; None where none can be made (root ignores permissions)."""
    with tempfile.TemporaryDirectory() as folder, mounted(Path(folder, "w"), "ro,size=1m") as ok:
        if ok:
            return run_child(Path(folder, "w"))
        if os.getuid() == 0:
            return None
        Path(folder, "w").chmod(0o555)
        return run_child(Path(folder, "w"))


def kill_at_random(times: int, seed: int) -> list[tuple[float, str]]:
    """Kill a run at random moments; what a rerun then has: ``right`` or what is wrong."""
    draw = random.Random(seed)
    found = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder, serve(GOOD) as server:
            work = Path(folder)
            server.drip = (1500, 0.004)
            process = child(work, options(server))
            while not server.requests:
                time.sleep(0.002)
            moment = draw.uniform(0.0, 0.6)
            time.sleep(moment)
            process.kill()
            process.join()
            # It may be done already, and on its way out.
            whole = (work / "source.json").is_file()
            before = outcome(work, None if whole else PathcallError("killed", where="", fix=""))
            server.drip = None
            fetch_both(work, options(server))
            after = outcome(work, None)
            done = (work / "source.json").is_file()
            ok = after.right_bytes and done and before.right_bytes
            found.append((moment, "right" if ok and not after.leftovers else f"{before} {after}"))
    return found


# -- the document ------------------------------------------------------------------------------


def shown(line: str) -> str:
    """An error line without what differs between runs."""
    line = re.sub(r"127\.0\.0\.1:\d+", "MIRROR", line)
    line = re.sub(r"(/\S*)?/tmp\S*/w", "WORK", line)
    line = re.sub(r"/tmp/[^/\s]+", "WORK", line)
    line = re.sub(r"0x[0-9a-f]+", "…", line)
    line = re.sub(r"\b[0-9a-f]{32,64}\b", "…", line)
    return line.replace("|", "\\|")
