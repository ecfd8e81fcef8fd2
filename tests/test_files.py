import os
from pathlib import Path

import pytest

from pathcall.content import Content
from pathcall.errors import DownloadError, InputError
from pathcall.files import check_seal, check_seals, seal_of, whole_file, write_atomic


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "x.tsv"

    def fail() -> None:
        with whole_file(path, sealed=True) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(path.parent.iterdir()) == []
    write_atomic("whole\n", path, sealed=True)
    assert sorted(p.name for p in path.parent.iterdir()) == [".x.tsv.sha256", "x.tsv"]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("content", ["", "who", "whole\nmore\n", "whale\n"])
def test_a_change_breaks_the_seal(tmp_path: Path, content: str) -> None:
    path = tmp_path / "de" / "x.tsv"
    write_atomic("whole\n", path, sealed=True)
    check_seal(path)
    check_seals(tmp_path)
    path.write_text(content)
    for check in (lambda: check_seal(path), lambda: check_seals(tmp_path)):
        with pytest.raises(InputError, match=r"cut or changed.*x\.tsv.*delete it"):
            check()
    path.unlink()
    check_seals(tmp_path)


def test_all_damaged_results_are_named(tmp_path: Path) -> None:
    for name in "abcdefg":
        write_atomic("whole\n", tmp_path / name, sealed=True)
        (tmp_path / name).write_text("")
    with pytest.raises(InputError, match=r"7 results.*/a, .*/e and 2 more"):
        check_seals(tmp_path)


def test_without_a_seal_or_with_half_of_one_nothing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("1")
    check_seal(path)
    seal_of(path).write_bytes(b"")
    check_seal(path)
    seal_of(path).write_bytes(b"\xff\xfe")
    check_seal(path)


def test_a_seal_is_read_by_sha256sum(tmp_path: Path) -> None:
    write_atomic("abc", tmp_path / "x", sealed=True)
    sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert seal_of(tmp_path / "x").read_text() == f"{sha}  x\n"


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((DownloadError, OSError)), whole_file(tmp_path / "file" / "x"):
        pass


def test_content_is_hashed_by_the_main_process_and_inherited(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("1")
    environment: dict[str, str] = {}
    first = Content(main=True, environment=environment).of([str(path), "none"])
    assert first["none"] == "absent"
    path.write_text("2")
    assert Content(main=False, environment=environment).of([str(path), "none"]) == first
    assert Content(main=True, environment=environment).of([str(path)]) != {
        str(path): first[str(path)]
    }


def test_a_note_is_computed_once_a_run() -> None:
    environment: dict[str, str] = {}
    assert Content(main=True, environment=environment).note("a", lambda: "1") == "1"
    assert Content(main=False, environment=environment).note("a", lambda: "2") == "1"
    assert Content(main=True, environment=environment).note("a", lambda: "2") == "2"
