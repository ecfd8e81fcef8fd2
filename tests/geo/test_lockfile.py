import pytest

from pathcall.errors import InputError
from pathcall.geo.lockfile import (
    Locked,
    Origin,
    forget,
    parse_origins,
    read_lock,
    read_origins,
    state,
    write_locked,
    write_origin,
)

SHA = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_lock_round_trip_is_sorted(tmp_path):
    rows = [Locked(name, f"https://h/{name}", 3, SHA, "2026-01-01T00:00:00Z") for name in "ba"]
    for row in rows:
        write_locked(tmp_path, row)
    assert list(read_lock(tmp_path)) == ["a", "b"]
    assert read_lock(tmp_path)["b"] == rows[0]
    text = (tmp_path / "inputs.lock.tsv").read_text()
    assert text.splitlines()[0] == "file\turl\tbytes\tsha256\tretrieved"
    assert text.endswith("\n")


@pytest.mark.parametrize(
    "line",
    ["a\tu\tx\t" + SHA + "\tt", "a\tu\t3\tabc\tt", "../a\tu\t3\t" + SHA + "\tt", "\0",
     "a\tu\t²\t" + SHA + "\tt", "a\tu\t" + "9" * 5_000 + "\t" + SHA + "\tt", "x" * 200_000],
)  # fmt: skip
def test_damaged_lock_is_named(tmp_path, line):
    (tmp_path / "inputs.lock.tsv").write_text("file\turl\tbytes\tsha256\tretrieved\n" + line)
    with pytest.raises(InputError):
        read_lock(tmp_path)


def test_state_sees_a_change_and_nothing_else(tmp_path):
    assert state(tmp_path) == "intact"
    (tmp_path / "a").write_bytes(b"abc")
    write_locked(tmp_path, Locked("a", "u", 3, SHA, "t"))
    write_locked(tmp_path, Locked("gone", "u", 3, SHA, "t"))
    assert state(tmp_path) == "intact"
    (tmp_path / "a").write_bytes(b"abd")
    assert state(tmp_path) == "changed: a"
    (tmp_path / "a").write_bytes(b"abcd")
    assert state(tmp_path) == "changed: a"


def test_state_of_a_damaged_lock_is_not_intact(tmp_path):
    (tmp_path / "inputs.lock.tsv").write_text("file\tsha256\na\tb\n")
    assert "damaged" in state(tmp_path)


def test_origin_reads_both_names_of_its_column():
    first = parse_origins("file\twhat\tkind\nx\tcounts\tsimulated\n", "m")
    second = parse_origins("file\treal_simulated_or_reconstructed\nx\tsimulated\n", "m")
    assert first["x"].kind == second["x"].kind == "simulated"
    assert parse_origins("file\tkind\nREADME\twritten for this folder\n", "m") == {}
    with pytest.raises(InputError, match="cannot be read"):
        parse_origins("<html></html>", "m")


def test_origin_round_trip(tmp_path):
    origin = Origin("x", "counts\tof  y", "reconstructed", "s", "MIT", SHA)
    write_origin(tmp_path, origin)
    assert read_origins(tmp_path)["x"].what == "counts of y"


def test_a_lock_or_marker_that_is_no_text_is_named(tmp_path):
    for name, read in (("inputs.lock.tsv", read_lock), ("ORIGIN.tsv", read_origins)):
        (tmp_path / name).write_bytes(b"\xff\xfe\x80 junk")
        with pytest.raises(InputError, match="not a text file"):
            read(tmp_path)
    assert "not a text file" in state(tmp_path)


def test_a_lock_without_times_is_read(tmp_path):
    (tmp_path / "inputs.lock.tsv").write_text(f"file\turl\tbytes\tsha256\na\tu\t3\t{SHA}\n")
    assert read_lock(tmp_path)["a"].retrieved == "NA"


def test_a_file_is_forgotten_with_its_row(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(b"abc")
        write_locked(tmp_path, Locked(name, "u", 3, SHA, "t"))
    forget(tmp_path, "a")
    assert list(read_lock(tmp_path)) == ["b"]
    assert not (tmp_path / "a").exists()
    before = (tmp_path / "inputs.lock.tsv").stat().st_mtime_ns
    forget(tmp_path, "c")  # never locked: nothing to rewrite
    assert (tmp_path / "inputs.lock.tsv").stat().st_mtime_ns == before
