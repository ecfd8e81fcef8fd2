from pathlib import Path

import h5py
import pytest

from pathcall.counts import hdf5_checks, read_all
from pathcall.errors import InputError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "x.h5ad", "w") as file:
        file["a/b"] = [1, 2]
        file["a"].attrs["c"] = "text"
        file["again"] = file["a"]  # a circle of links comes to an end
        file["a/up"] = file["/"]
    return tmp_path / "x.h5ad"


def test_a_whole_file_is_readable(path: Path) -> None:
    hdf5_checks.check_readable(path, "x.h5ad")


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        ("import time; time.sleep(60)", "does not end within 1 s"),
        ("import os; os.abort()", "ends with status -6"),
    ],
)
def test_damage_that_hangs_or_kills_the_reader_is_one_line(
    path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, words: str
) -> None:
    monkeypatch.setattr(hdf5_checks, "START_S", 1.0)
    program = path.with_name("reader.py")
    program.write_text(reader)
    monkeypatch.setattr(read_all, "__file__", str(program))
    with pytest.raises(InputError, match=f"damaged.*{words}.*x.h5ad"):
        hdf5_checks.check_readable(path, "x.h5ad")


def test_all_of_a_file_is_read_once(path: Path) -> None:
    seen: set[int] = set()
    with h5py.File(path) as file:
        read_all.read(file, seen)
    assert len(seen) == 3  # the root, the group a, the data set b


def test_what_is_no_hdf5_file_is_left_to_the_reader(tmp_path: Path) -> None:
    (tmp_path / "x.h5ad").write_bytes(b"junk")
    hdf5_checks.check_readable(tmp_path / "x.h5ad", "x.h5ad")
    with pytest.raises(InputError, match="not an h5ad file"):
        hdf5_checks.refuse_links(tmp_path / "x.h5ad", "x.h5ad")
