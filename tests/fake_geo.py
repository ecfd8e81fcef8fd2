"""A stand-in for GEO's and recount3's servers: their URL layout, and faults on demand.

`FakeGeo` answers for several hosts at once, as ``http://127.0.0.1:PORT/HOST/PATH``, so that the
configuration's ``mirrors`` can point at it. Files are made here, from nothing but a seed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

FTP = "ftp.ncbi.nlm.nih.gov"
WWW = "www.ncbi.nlm.nih.gov"
DUFFEL = "duffel.rail.bio"
HOSTS = (FTP, WWW, DUFFEL)
BOT_PAGE = (
    b"<!DOCTYPE html><html><head><title>Checking your browser - reCAPTCHA</title></head>"
    b"<body>Please confirm that you are not a robot.</body></html>"
)
FOREVER = 10**9


def pack(text: str | bytes) -> bytes:
    """Gzip with no time in it."""
    raw = text.encode() if isinstance(text, str) else text
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as stream:
        stream.write(raw)
    return buffer.getvalue()


def gsm(number: int, first: int = 9000001) -> str:
    return f"GSM{first + number}"


@dataclass
class Study:
    """A small series, all of whose files follow from its fields."""

    accession: str = "GSE90001"
    n_samples: int = 6
    n_genes: int = 400
    organism: str = "Homo sapiens"
    project: str = "SRP900165"
    first: int = 9000001
    seed: int = 7
    extra: Sequence[str] = ()
    sample_lines: Callable[[int], Sequence[str]] = field(
        default=lambda i: (
            "!Sample_characteristics_ch1 = cell line: A549",
            f"!Sample_characteristics_ch1 = treatment: {'drug' if i % 2 else 'vehicle'}",
        )
    )
    title: Callable[[int], str] = field(
        default=lambda i: f"{'drug' if i % 2 else 'vehicle'}_rep{i // 2 + 1}"
    )

    @property
    def gsms(self) -> list[str]:
        return [gsm(i, self.first) for i in range(self.n_samples)]

    @property
    def counts(self) -> np.ndarray[Any, Any]:
        rng = np.random.default_rng(self.seed)
        mean = rng.gamma(0.5, 400, self.n_genes)
        return rng.poisson(mean[:, None] * rng.uniform(0.7, 1.4, (1, self.n_samples)))

    @property
    def gene_ids(self) -> list[str]:
        return [str(1000 + 3 * i) for i in range(self.n_genes)]

    @property
    def ensembl_ids(self) -> list[str]:
        kind = "ENSG" if self.organism == "Homo sapiens" else "ENSMUSG"
        return [f"{kind}{i:011d}" for i in range(self.n_genes)]

    def soft(self) -> str:
        lines = [
            "^DATABASE = GeoMiame", "!Database_name = Gene Expression Omnibus (GEO)",
            f"^SERIES = {self.accession}", f"!Series_title = made for tests {self.accession}",
            f"!Series_geo_accession = {self.accession}", "!Series_summary = made up",
            *(f"!Series_sample_id = {name}" for name in self.gsms),
            f"!Series_relation = SRA: https://www.ncbi.nlm.nih.gov/sra?term={self.project}",
            *self.extra,
            "^PLATFORM = GPL11154", "!Platform_geo_accession = GPL11154",
            f"!Platform_organism = {self.organism}",
        ]  # fmt: skip
        for i, name in enumerate(self.gsms):
            own = list(self.sample_lines(i))
            lines += [
                f"^SAMPLE = {name}", f"!Sample_title = {self.title(i)}",
                f"!Sample_geo_accession = {name}", "!Sample_source_name_ch1 = cells, 1 µM",
                *([] if any("organism_ch1" in x for x in own) else
                  [f"!Sample_organism_ch1 = {self.organism}"]),
                *([] if any("platform_id" in x for x in own) else
                  ["!Sample_platform_id = GPL11154"]),
                "!Sample_library_strategy = RNA-Seq",
                f"!Sample_relation = SRA: https://www.ncbi.nlm.nih.gov/sra?term=SRX{880000 + i}",
                *own,
            ]  # fmt: skip
        return "\n".join(lines) + "\n"

    def counts_text(self, values: np.ndarray[Any, Any] | None = None) -> str:
        table = self.counts if values is None else values
        rows = ["\t".join(["GeneID", *self.gsms])]
        rows += [
            "\t".join([name, *(f"{v:g}" for v in row)])
            for name, row in zip(self.gene_ids, table, strict=True)
        ]
        return "\n".join(rows) + "\n"

    def tpm(self) -> np.ndarray[Any, Any]:
        values = self.counts + 0.5
        return np.round(values / values.sum(axis=0) * 1e6, 3)

    def annotation(self, *, organism: str | None = None, shift: int = 0) -> str:
        other = Study(n_genes=self.n_genes, organism=organism or self.organism)
        rows = ["GeneID\tSymbol\tDescription\tSynonyms\tGeneType\tEnsemblGeneID\tStatus"]
        rows += [
            f"{int(gene) + shift}\tSYM{i}\tgene {i}\t\tprotein-coding\t{ensembl}\t"
            for i, (gene, ensembl) in enumerate(zip(self.gene_ids, other.ensembl_ids, strict=True))
        ]
        return "\n".join(rows) + "\n"

    @property
    def runs(self) -> list[str]:
        """One run a sample, and a second one for the first sample."""
        return [f"SRR{770000 + i}" for i in range(self.n_samples + 1)]

    def run_sample(self, run: int) -> int:
        return run if run < self.n_samples else 0

    def recount3(self, annotation: str = "G026") -> dict[str, bytes]:
        lengths = [99.5 + run for run in range(len(self.runs))]
        counts = self.counts
        share = [
            counts[:, self.run_sample(r)] - counts[:, 0] // 3
            if r == 0
            else counts[:, 0] // 3
            if r == self.n_samples
            else counts[:, r]
            for r in range(len(self.runs))
        ]
        sums = np.column_stack([np.rint(s * x) for s, x in zip(share, lengths, strict=True)])
        rows = [f"##annotation={annotation}", "##date.generated=never",
                "\t".join(["gene_id", *self.runs])]  # fmt: skip
        rows += [
            "\t".join([f"{name}.7", *(f"{v:.0f}" for v in row)])
            for name, row in zip(self.ensembl_ids, sums, strict=True)
        ]
        sra = ["rail_id\texternal_id\tstudy\texperiment_acc\texperiment_title\tsample_name"]
        quality = ["rail_id\texternal_id\tstudy\tstar.average_mapped_length"]
        for r, run in enumerate(self.runs):
            i = self.run_sample(r)
            name = self.gsms[i]
            sra.append(f"{r}\t{run}\t{self.project}\tSRX{880000 + i}\t{name}: x; y\t{name}")
            quality.append(f"{r}\t{run}\t{self.project}\t{lengths[r]}")
        kind = "human" if self.organism == "Homo sapiens" else "mouse"
        base = f"{DUFFEL}/recount3/{kind}/data_sources/sra"
        end, project = self.project[-2:], self.project
        meta = f"{base}/metadata/{end}/{project}"
        return {
            f"{base}/gene_sums/{end}/{project}/sra.gene_sums.{project}.{annotation}.gz": pack(
                "\n".join(rows) + "\n"
            ),
            f"{meta}/sra.sra.{project}.MD.gz": pack("\n".join(sra) + "\n"),
            f"{meta}/sra.recount_qc.{project}.MD.gz": pack("\n".join(quality) + "\n"),
        }

    @property
    def series_path(self) -> str:
        return f"{FTP}/geo/series/{self.accession[:-3]}nnn/{self.accession}"

    @property
    def soft_path(self) -> str:
        return f"{self.series_path}/soft/{self.accession}_family.soft.gz"

    @property
    def counts_path(self) -> str:
        assembly = "GRCh38.p13" if self.organism == "Homo sapiens" else "GRCm39"
        return f"{WWW}/geo/download/{self.accession}_raw_counts_{assembly}_NCBI.tsv.gz"

    @property
    def annotation_path(self) -> str:
        human = self.organism == "Homo sapiens"
        name = "Human.GRCh38.p13" if human else "Mouse.GRCm39"
        return f"{WWW}/geo/download/{name}.annot.tsv.gz"

    def files(self) -> dict[str, bytes]:
        """Everything that GEO and recount3 have of it; no supplementary files."""
        return {
            self.soft_path: pack(self.soft()),
            self.counts_path: pack(self.counts_text()),
            self.annotation_path: pack(self.annotation()),
            **self.recount3(),
        }


@dataclass
class Fault:
    """What goes wrong for requests whose path or query holds `match`, the first `times` times."""

    kind: str
    match: str
    times: int = FOREVER
    body: bytes = b""
    value: float = 0.0
    pieces: Callable[[bytes], Iterable[bytes]] = field(default=lambda body: ())
    """Of the fault `raw`: what is sent in place of an answer, from the right body."""


class FakeGeo(ThreadingHTTPServer):
    """The server. `files`: ``HOST/PATH`` → bytes."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(files)
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.resumable = True
        self.drip: tuple[int, float] | None = None
        self.in_flight: dict[str, int] = {}
        self.most_in_flight: dict[str, int] = {}
        self.guard = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def mirrors(self) -> dict[str, str]:
        return {host: f"{self.address}/{host}" for host in HOSTS}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up (killed, or refusing a body) is part of the tests."""


@contextmanager
def serve(files: Mapping[str, bytes]) -> Iterator[FakeGeo]:
    server = FakeGeo(files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeGeo
    held = ""

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        host = self.path.lstrip("/").split("/", 1)[0]
        with self.server.guard:
            self.server.requests.append(self.path)
            now = self.server.in_flight.get(host, 0) + 1
            self.server.in_flight[host] = now
            most = self.server.most_in_flight
            most[host] = max(now, most.get(host, 0))
        self.held = host
        try:
            self._answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self._release()

    def _release(self) -> None:
        """No longer in flight: called before the last byte, which lets the client go on."""
        if self.held:
            with self.server.guard:
                self.server.in_flight[self.held] -= 1
            self.held = ""

    def _answer(self) -> None:
        fault = self._fault()
        split = urlsplit(self.path)
        name = unquote(split.path).lstrip("/")
        query = parse_qs(split.query)
        if "file" in query:
            name = f"{name.rsplit('/', 1)[0]}/{query['file'][0]}"
        body = self.server.files.get(name)
        if fault is not None:
            self._fail(fault, body or b"")
            return
        if body is None and name.endswith("/"):
            inside = sorted({f[len(name):].split("/")[0] for f in self.server.files
                             if f.startswith(name)})  # fmt: skip
            if inside:
                links = "".join(f'<a href="{n}">{n}</a>\n' for n in inside)
                page = f'<html><title>Index of /{name}</title><a href="../">..</a>\n{links}</html>'
                self._send(200, page.encode(), {"Content-Type": "text/html"})
                return
        if body is None:
            self._send(404, b"<html><title>404 Not Found</title></html>")
            return
        self._send_file(body)

    def _fault(self) -> Fault | None:
        with self.server.guard:
            for fault in self.server.faults:
                if fault.match in self.path and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self._release()
        self.end_headers()
        self.wfile.write(body)

    def _send_file(self, body: bytes) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        status, part = 200, body
        if self.server.resumable:
            tag = f'"{hashlib.md5(body).hexdigest()}"'
            headers |= {"ETag": tag, "Accept-Ranges": "bytes"}
            asked = self.headers.get("Range")
            if asked and self.headers.get("If-Range") == tag:
                self.server.ranges.append(asked)
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(body):
                    self._send(416, b"", {"Content-Range": f"bytes */{len(body)}"})
                    return
                status, part = 206, body[start:]
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        if self.server.drip is None:
            self._send(status, part, headers)
            return
        size, pause = self.server.drip
        self.send_response(status)
        for key, value in {"Content-Length": str(len(part)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        for start in range(0, len(part), size):
            time.sleep(pause)
            if start + size >= len(part):
                self._release()
            self.wfile.write(part[start : start + size])
            self.wfile.flush()

    def _fail(self, fault: Fault, body: bytes) -> None:
        half = body[: len(body) // 2]
        match fault.kind:
            case "status":
                wait = {"Retry-After": f"{fault.body.decode()}"} if fault.body else {}
                self._send(int(fault.value), b"<html>busy</html>", wait)
            case "body":
                self._send(200, fault.body)
            case "redirect":
                self._send(302, b"", {"Location": fault.body.decode()})
            case "long_length":
                tag = f'"{hashlib.md5(body).hexdigest()}"'
                self._send(200, half, {"Content-Length": str(len(body)), "ETag": tag})
                self.close_connection = True
            case "no_length":
                self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + half)
                self.close_connection = True
            case "reset":
                tag = f'"{hashlib.md5(body).hexdigest()}"'
                headers = f"HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {len(body)}\r\n\r\n"
                self.wfile.write(headers.encode() + half)
                self.wfile.flush()
                time.sleep(0.05)
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
                self.close_connection = True
            case "chunks_cut":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                self.wfile.write(f"{len(half):x}\r\n".encode() + half + b"\r\n")
                self.close_connection = True
            case "raw":
                for piece in fault.pieces(body):
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(fault.value)
                self.close_connection = True
            case "slow":
                time.sleep(fault.value)
                self._send(200, body)
            case _:
                raise AssertionError(fault.kind)
