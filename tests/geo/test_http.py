import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pathcall.errors import ConfigError, DownloadError, InputError, NotPresentError
from pathcall.geo.http import Client
from pathcall.geo.lockfile import read_lock, read_origins
from pathcall.geo.options import DownloadOptions
from pathcall.geo.transport import Transport
from pathcall.study.config import DownloadConfig
from tests.fake_geo import FTP, WWW, Fault, serve

URL = f"https://{FTP}/geo/series/GSE1nnn/GSE1/x.bin"
NAME = f"{FTP}/geo/series/GSE1nnn/GSE1/x.bin"


def anything(path, where):
    pass


def client(server, **changes):
    values = {"timeout_s": 1.0, "retries": 2, "max_wait_s": 0.5, "backoff_s": 0.01, **changes}
    return Client(DownloadOptions(mirrors=server.mirrors, **values))


def test_first_download_is_locked_and_later_runs_ask_nothing(tmp_path):
    with serve({NAME: b"abc"}) as server:
        got = client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        assert got.path.read_bytes() == b"abc"
        asked = len(server.requests)
        again = client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        assert len(server.requests) == asked
    assert again.locked == got.locked
    row = read_lock(tmp_path)["x.bin"]
    assert (row.url, row.bytes) == (URL, 3)
    assert row.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert row.retrieved.endswith("Z")


def test_changed_file_on_disk_stops_with_both_hashes(tmp_path):
    with serve({NAME: b"abc"}) as server:
        got = client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        got.path.write_bytes(b"abd")
        with pytest.raises(InputError, match="not the one that was locked") as caught:
            client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        line = caught.value.line()
        assert got.locked.sha256 in line
        assert "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9" in line
        assert "accept_changed_inputs=true" in line
        accepting = client(server, accept_changed_inputs=True)
        new = accepting.obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        assert new.locked.sha256.startswith("a52d159f")


def test_changed_file_at_the_server_stops_and_leaves_nothing(tmp_path):
    with serve({NAME: b"abc"}) as server:
        old = client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        old.path.unlink()
        server.files[NAME] = b"other"
        with pytest.raises(InputError, match=old.locked.sha256):
            client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        assert [p.name for p in tmp_path.iterdir() if "x.bin" in p.name] == []
        accepting = client(server, accept_changed_inputs=True)
        new = accepting.obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        assert new.path.read_bytes() == b"other"
        assert read_lock(tmp_path)["x.bin"].bytes == 5


def test_same_bytes_again_keep_the_time_of_the_first_download(tmp_path):
    with serve({NAME: b"abc"}) as server:
        old = client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        text = (tmp_path / "inputs.lock.tsv").read_text().replace(old.locked.retrieved, "2020")
        (tmp_path / "inputs.lock.tsv").write_text(text)
        old.path.unlink()
        new = client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        assert new.locked.retrieved == "2020"


def test_file_found_without_lock_is_validated_and_locked(tmp_path):
    (tmp_path / "x.bin").write_bytes(b"abc")
    own = Client(DownloadOptions(offline=True))
    got = own.obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
    assert got.locked.retrieved == "NA"
    assert read_lock(tmp_path)["x.bin"].bytes == 3


def test_offline_asks_no_host_without_a_mirror(tmp_path):
    with pytest.raises(NotPresentError, match="offline: true") as caught:
        Client(DownloadOptions(offline=True)).obtain(
            URL, folder=tmp_path, name="x.bin", validate=anything
        )
    assert FTP in caught.value.fix


def test_invalid_content_leaves_nothing(tmp_path):
    def refuse(path, where):
        raise InputError("wrong", where=where, fix="-")

    with serve({NAME: b"abc"}) as server, pytest.raises(InputError, match="wrong"):
        client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=refuse)
    assert list(tmp_path.iterdir()) == []


def test_retry_after_is_honoured_up_to_the_longest_wait(tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr("pathcall.geo.transport.time.sleep", waits.append)
    with serve({NAME: b"abc"}) as server:
        server.faults = [
            Fault("status", "x.bin", 1, b"3", 429),
            Fault("status", "x.bin", 1, b"99999", 503),
        ]
        client(server, max_wait_s=20).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
    assert waits == [3.0, 20.0]


def test_back_off_doubles_with_jitter():
    own = Transport(DownloadOptions(backoff_s=1.0, max_wait_s=100))
    for tries, base in ((1, 1.0), (2, 2.0), (4, 8.0)):
        waits = {own._wait(tries, None) for _ in range(20)}
        assert len(waits) > 1
        assert all(0.75 * base <= wait <= 1.25 * base for wait in waits)


def test_query_and_static_layouts_both_work(tmp_path):
    url = f"https://{WWW}/geo/download/?type=rnaseq_counts&acc=GSE1&format=file&file=a%20b.gz"
    with serve({f"{WWW}/geo/download/a b.gz": b"abc"}) as server:
        own = client(server)
        assert own.candidates(url) == [
            f"{server.address}/{WWW}/geo/download/?type=rnaseq_counts&acc=GSE1&format=file"
            "&file=a%20b.gz",
            f"{server.address}/{WWW}/geo/download/a%20b.gz",
        ]
        server.faults = [Fault("status", "?type", value=404)]
        got = own.obtain(url, folder=tmp_path, name="a b.gz", validate=anything)
        assert got.path.read_bytes() == b"abc"


def test_a_static_servers_listing_for_a_query_is_not_taken_for_the_file(tmp_path):
    url = f"https://{WWW}/geo/download/?acc=GSE1&file=a.gz"
    page = b"<!DOCTYPE HTML><html><title>Directory listing for /</title></html>"
    with serve({f"{WWW}/geo/download/a.gz": b"abc"}) as server:
        server.faults = [Fault("body", "?acc", body=page)]
        got = client(server).obtain(url, folder=tmp_path, name="a.gz", validate=anything)
        assert got.path.read_bytes() == b"abc"
        del server.files[f"{WWW}/geo/download/a.gz"]
        with pytest.raises(NotPresentError):
            client(server).obtain(url, folder=tmp_path / "b", name="a.gz", validate=anything)


def test_a_query_cannot_lead_out_of_the_mirrors_folder(tmp_path):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "secret").write_bytes(b"s")
    own = Client(DownloadOptions(mirrors={WWW: (tmp_path / "mirror").as_uri()}))
    url = f"https://{WWW}/?file=../secret"
    with pytest.raises(NotPresentError):
        own.obtain(url, folder=tmp_path / "r", name="x", validate=anything)


def test_file_mirror_with_spaces_and_percent(tmp_path):
    folder = tmp_path / "a folder 100%" / Path(NAME).parent
    folder.mkdir(parents=True)
    (folder / "x.bin").write_bytes(b"abc")
    own = Client(
        DownloadOptions(offline=True, mirrors={FTP: (tmp_path / "a folder 100%" / FTP).as_uri()})
    )
    got = own.obtain(URL, folder=tmp_path / "r", name="x.bin", validate=anything)
    assert got.path.read_bytes() == b"abc"


@pytest.mark.parametrize("base", ["file://server/folder", "ftp://server/folder"])
def test_mirrors_that_cannot_work_are_named(tmp_path, base):
    with pytest.raises(ConfigError):
        Client(DownloadOptions(mirrors={FTP: base}, retries=0)).obtain(
            URL, folder=tmp_path, name="x", validate=anything
        )


def test_redirect_within_the_host_is_followed_and_to_others_is_not(tmp_path):
    with serve({NAME: b"abc", f"{FTP}/moved": b"abc"}) as server:
        server.faults = [Fault("redirect", "x.bin", body=f"{server.address}/{FTP}/moved".encode())]
        got = client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
        assert got.path.read_bytes() == b"abc"
        server.faults = [Fault("redirect", "x.bin", body=b"https://example.org/x")]
        with pytest.raises(DownloadError, match="redirects to another host"):
            client(server).obtain(URL, folder=tmp_path / "b", name="x.bin", validate=anything)


@pytest.mark.parametrize(
    ("old", "new", "follows"),
    [
        ("https://www.ncbi.nlm.nih.gov/a", "https://ftp.ncbi.nlm.nih.gov/a", True),
        ("https://www.ncbi.nlm.nih.gov/a", "http://www.ncbi.nlm.nih.gov/a", False),
        ("https://www.ncbi.nlm.nih.gov/a", "https://www.ncbi.nlm.nih.gov.evil.org/a", False),
        ("http://duffel.rail.bio/a", "https://recount-opendata.s3.amazonaws.com/a", True),
        ("http://duffel.rail.bio/a", "https://ftp.ncbi.nlm.nih.gov/a", False),
        ("https://www.ncbi.nlm.nih.gov/a", "file:///etc/passwd", False),
    ],
)
def test_which_redirects_are_safe(old, new, follows):
    own = Transport(DownloadOptions())
    if follows:
        assert own.redirected(old, old, new) == new
    else:
        with pytest.raises(DownloadError):
            own.redirected(old, old, new)


def test_a_body_beyond_the_limit_is_cut_off(tmp_path):
    with serve({NAME: b"x" * 100_000}) as server, pytest.raises(InputError, match="larger than"):
        client(server, max_decompressed_bytes=5_000).obtain(
            URL, folder=tmp_path, name="x.bin", validate=anything
        )


def test_a_server_that_is_not_there_is_named(tmp_path):
    class Quiet(BaseHTTPRequestHandler):
        pass

    with HTTPServer(("127.0.0.1", 0), Quiet) as closed:
        address = f"http://127.0.0.1:{closed.server_address[1]}"
    own = Client(DownloadOptions(mirrors={FTP: address}, retries=1, backoff_s=0.01))
    with pytest.raises(DownloadError, match=r"connection failed.*refused"):
        own.obtain(URL, folder=tmp_path, name="x.bin", validate=anything)


def test_names_lists_a_folder_of_a_server_and_of_a_file_mirror(tmp_path):
    files = {f"{FTP}/d/a.txt": b"1", f"{FTP}/d/b c.txt": b"2", f"{FTP}/d/sub/c.txt": b"3"}
    with serve(files) as server:
        assert client(server).names(f"https://{FTP}/d/")[:2] == ["a.txt", "b c.txt"]
        with pytest.raises(NotPresentError):
            client(server).names(f"https://{FTP}/none/")
    for name, body in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    own = Client(DownloadOptions(mirrors={FTP: (tmp_path / FTP).as_uri()}))
    assert own.names(f"https://{FTP}/d/") == ["a.txt", "b c.txt"]
    with pytest.raises(NotPresentError):
        own.names(f"https://{FTP}/none/")


def test_names_reads_an_apache_index(tmp_path):
    page = (
        b'<html><title>Index of /geo</title><a href="?C=N;O=D">Name</a><a href="/geo/">Parent</a>'
        b'<a href="GSE1_RAW.tar">GSE1_RAW.tar</a> <a href="filelist.txt">f</a>'
        b'<a href="https://www.hhs.gov/x.html">HHS</a></html>'
    )
    with serve({}) as server:
        server.faults = [Fault("body", "/d/", body=page)]
        assert client(server).names(f"https://{FTP}/d/") == ["GSE1_RAW.tar", "filelist.txt"]


def test_threads_take_turns_at_a_host(tmp_path):
    files = {f"{FTP}/f{i}": b"x" * 2000 for i in range(4)}
    with serve(files) as server:
        server.drip = (500, 0.01)
        threads = [
            threading.Thread(
                target=lambda i=i: client(server).obtain(
                    f"https://{FTP}/f{i}", folder=tmp_path / str(i), name="f", validate=anything
                )
            )
            for i in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.most_in_flight[FTP] == 1
    assert all((tmp_path / str(i) / "f").stat().st_size == 2000 for i in range(4))


@pytest.mark.parametrize("taken", ["x.bin", ".x.bin.part", "inputs.lock.tsv"])
def test_a_folder_where_a_file_belongs_is_named(tmp_path, taken):
    (tmp_path / taken).mkdir()
    with serve({NAME: b"abc"}) as server, pytest.raises(InputError, match="a folder stands where"):
        client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)


def test_a_body_that_ends_at_the_limit_is_whole(tmp_path):
    with serve({NAME: b"x" * 5_000}) as server:
        got = client(server, max_decompressed_bytes=5_000).obtain(
            URL, folder=tmp_path, name="x.bin", validate=anything
        )
    assert got.path.stat().st_size == 5_000


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(tmp_path, status):
    with serve({NAME: b"abc"}) as server:
        server.faults = [Fault("status", "x.bin", 1, b"", status)]
        got = client(server, retries=1).obtain(
            URL, folder=tmp_path, name="x.bin", validate=anything
        )
    assert got.path.read_bytes() == b"abc"


@pytest.mark.parametrize("status", [400, 401, 403, 405, 501, 505])
def test_a_refusal_is_not_tried_again(tmp_path, status):
    with serve({NAME: b"abc"}) as server:
        server.faults = [Fault("status", "x.bin", 1, b"", status)]
        with pytest.raises(DownloadError, match=f"status {status}"):
            client(server, retries=1).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)


def test_defaults_are_those_of_the_config():
    section = DownloadConfig().model_dump()
    config = {"mirrors": {}, "offline": False, "accept_changed_inputs": False, "download": section}
    assert DownloadOptions.from_config(config) == DownloadOptions()


def test_a_mirror_speaks_only_for_a_file_on_disk_that_has_its_bytes(tmp_path):
    marker = f"file\tkind\tsha256\n{NAME}\tsimulated\t{'0' * 64}\n".encode()
    with serve({NAME: b"abc", "ORIGIN.tsv": marker}) as server:
        (tmp_path / "x.bin").write_bytes(b"other")
        client(server).obtain(URL, folder=tmp_path, name="x.bin", validate=anything)
    assert read_origins(tmp_path) == {}
