"""Each row of docs/reliability.md, made and looked at."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import faults
from tests.fake_geo import Fault, serve
from tests.project import ROOT

pytestmark = pytest.mark.slow

SHOWN = faults.DOC.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", faults.CASES, ids=lambda case: case.fault)
def test_fault_ends_with_right_bytes_or_one_line(case):
    result = faults.run_case(case)
    assert result.right_bytes
    if case.succeeds:
        assert result.error is None
        assert result.leftovers == ()
        assert f"| {case.fault} | succeeds, right bytes |" in SHOWN
    else:
        assert result.error is not None
        assert result.error.startswith("error: ")
        assert "\n" not in result.error
        assert case.names in result.error
        assert len(result.error.split(" — ")) >= 3
        assert f"| {case.fault} | status ≠ 0 | `{faults.shown(result.error)}` |" in SHOWN


def test_full_disk():
    result = faults.full_disk()
    if result is None:
        pytest.skip("no tmpfs can be mounted here (needs root)")
    assert result.right_bytes
    assert "the disk is full" in result.error


def test_limit_on_file_size():
    result = faults.size_limit()
    assert result.right_bytes
    assert "larger than the limit of this process" in result.error


def test_read_only_resources():
    result = faults.read_only()
    if result is None:
        pytest.skip("root ignores permissions, and no read-only tmpfs can be mounted here")
    assert result.right_bytes
    assert "read-only" in result.error or "no permission" in result.error


def test_killed_at_20_random_moments():
    found = faults.kill_at_random(20, seed=20150416)
    assert [what for _, what in found] == ["right"] * 20


def test_a_dropped_line_is_resumed_and_not_started_over(tmp_path):
    with serve(faults.GOOD) as server:
        server.faults = [Fault("reset", "raw_counts", 1)]
        faults.fetch_both(tmp_path, faults.options(server))
        assert len(server.ranges) == 1
        size = len(faults.GOOD[faults.STUDY.counts_path])
        assert server.ranges[0].startswith("bytes=")
        assert 0 < int(server.ranges[0][6:-1]) <= size // 2


def test_a_file_that_changed_at_the_server_is_not_resumed(tmp_path):
    with serve(faults.GOOD) as server:
        folder = tmp_path / "resources"
        folder.mkdir()
        part = folder / f".{Path(faults.STUDY.counts_path).name}.part"
        part.write_bytes(b"\x1f\x8bof an older file")
        url = f"{server.address}/{'x'}"
        part.with_name(part.name + ".json").write_text(f'{{"url": "{url}", "mark": "\\"old\\""}}')
        faults.fetch_both(tmp_path, faults.options(server))
        assert server.ranges == []
        assert faults.outcome(tmp_path, None).right_bytes


def test_one_request_in_flight_per_host_over_processes(tmp_path):
    with serve(faults.GOOD) as server:
        server.drip = (4000, 0.003)
        works = [tmp_path / str(i) / "w" for i in range(3)]
        for work in works:
            work.mkdir(parents=True)
        processes = [faults.child(work, faults.options(server)) for work in works]
        for process in processes:
            process.join()
        assert [p.exitcode for p in processes] == [0, 0, 0]
        hosts = {h: n for h, n in server.most_in_flight.items() if h.endswith(".gov")}
        # Each host once at a time; the marker of the mirror itself is another address.
        assert hosts == {"ftp.ncbi.nlm.nih.gov": 1, "www.ncbi.nlm.nih.gov": 1}


def test_without_a_network_a_file_mirror_is_enough(tmp_path):
    for name, body in faults.GOOD.items():
        (tmp_path / "mirror" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mirror" / name).write_bytes(body)
    script = (
        "import sys; from pathlib import Path; from tests import faults\n"
        "from tests.fake_geo import HOSTS; from pathcall.geo.http import DownloadOptions\n"
        "base = Path(sys.argv[1]).as_uri()\n"
        "how = DownloadOptions(offline=True, mirrors={h: f'{base}/{h}' for h in HOSTS})\n"
        "faults.fetch_both(Path(sys.argv[2]), how)\n"
    )
    work = tmp_path / "w"
    command = [sys.executable, "-c", script, str(tmp_path / "mirror"), str(work)]
    alone = ["unshare", "--net", "--map-root-user"]
    able = subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    if not able:
        pytest.skip("network namespaces are not allowed here")
    env = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run([*alone, *command], check=True, env=env, capture_output=True)
    assert faults.outcome(work, None).right_bytes
