"""Config files are read as plain data: nothing is evaluated, nothing is lost."""

import subprocess
import sys
from pathlib import Path

import pytest

from pathcall.errors import ConfigError
from pathcall.study.config_file import check_command_line, check_config_files, read_config_file

EVIL = (
    "__use_yte__: true\n__definitions__:\n  - import os\n  - os.system('touch pwned')\nstudy: x\n"
)
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config.yaml"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["holds no keys", "it is empty"]),
        ("- a\n", ["holds no keys", "it is a list"]),
        ("a", ["holds no keys", "it is a str"]),
        ("a:\n\tb: 1\n", ["not valid YAML", "line 2", "no tabs"]),
        ("a: b: c\n", ["not valid YAML", "line 1", "'a: b: c'"]),
        ("a: 1\n---\nb: 2\n", ["not valid YAML", "line 2"]),
        ("a: é".encode("latin-1"), ["not UTF-8", "line 1"]),
        ("a: 1".encode("utf-16"), ["UTF-16"]),
        ("a: 1\nb: 2\na: 3\n", ["appears twice", "lines 1 and 3", "'a'"]),
        ("m:\n  x:\n    a: 1\n    a: 2\n", ["appears twice", "lines 3 and 4"]),
        ('{"a": 1, "a": 2}', ["appears twice", "'a'"]),
        ('{\n\t"a": 1, "a": 2}', ["appears twice", "'a'"]),
        (EVIL, ["to be evaluated", "line 1", "__use_yte__"]),
        ("a: 1\nm:\n  __definitions__: [x]\n", ["to be evaluated", "line 3"]),
        ("a: [010]\n", ["not the one that it looks like", "line 1", "YAML reads 8"]),
        ("a: 1:30\n", ["not the one that it looks like", "YAML reads 90"]),
        ("a: 1_000\n", ["not the one that it looks like", "YAML reads 1000"]),
        ("a: 2024-13-45\n", ["can't be read", "month"]),
        ("a: " + "9" * 5000, ["can't be read", "in quotes"]),
        (LAUGHS, ["more than 20,000 values"]),
        ("a: &a [*a]\n", ["nested"]),
        ("a: " + "[" * 3000, ["nested"]),
        ("a: " + "[" * 200 + "]" * 200, ["nested"]),
        ("a: !!python/object/apply:os.system [ls]\n", ["not valid YAML", "line 1"]),
        ("? [a]\n: 1\n", ["a list or a mapping", "line 1"]),
        ("a: \x01\n", ["not valid YAML"]),
        ("a: 1\n" * 300_000, ["larger than 1 MB"]),
    ],
)  # fmt: skip
def test_what_is_no_plain_mapping_is_refused(
    path: Path, content: str | bytes, words: list[str]
) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as error:
        read_config_file(path)
    for word in [*words, "config.yaml"]:
        assert word in error.value.line()
    assert "\n" not in error.value.line()


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("a: 1\n", {"a": 1}),
        ("\ufeffa: 1\r\nb: 0\r\n", {"a": 1, "b": 0}),
        ('{\n\t"a": [1, 0.5]}', {"a": [1, 0.5]}),
        ("{a: 1}", {"a": 1}),
        ("x: &x {a: 1}\ny:\n  <<: *x\n  b: 2\n", {"x": {"a": 1}, "y": {"a": 1, "b": 2}}),
    ],
)
def test_plain_files_are_read(path: Path, content: str, value: dict) -> None:
    path.write_text(content)
    assert read_config_file(path) == value


def test_the_shipped_configs_are_plain(root: Path) -> None:
    check_config_files([root / "config/config.yaml", root / "config/demo.yaml"], evaluated=False)


def test_code_that_has_run_is_said_to_have_run(path: Path) -> None:
    path.write_text(EVIL)
    with pytest.raises(ConfigError, match="Snakemake has done so"):
        check_config_files([path], evaluated=True)


def test_missing_files_are_named(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not exist — .*config\.yaml"):
        read_config_file(path)


def checked(arguments: list[str]) -> str:
    """What `check_command_line` says, in a process of its own: it forgets its package."""
    code = "import sys; from pathcall.study.config_file import check_command_line as check; check()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == (1 if done.stderr else 0)
    return done.stderr


def test_the_config_files_of_a_command_are_found(path: Path) -> None:
    path.write_text(EVIL)
    Path("good.yaml").write_text("a: 1\n")
    refused = [
        ["--configfile", "config.yaml", "-n"],
        ["-n", "--configfiles", "good.yaml", "config.yaml"],
        ["--configfile=config.yaml"],
        ["--configfile", "none.yaml", "--cores", "1"],
    ]
    for arguments in refused:
        said = checked(arguments)
        assert said.startswith("error: ")
        assert said.count("\n") == 1
    for arguments in (["--configfile", "good.yaml", "--config", "a=1"], ["--cores", "1"], []):
        assert checked(arguments) == ""
    Path("config").mkdir()
    path.rename("config/config.yaml")
    assert "to be evaluated" in checked(["--cores", "1"])


def test_the_check_leaves_no_package_behind(path: Path) -> None:
    kept = {name: module for name, module in sys.modules.items() if name.startswith("pathcall")}
    try:
        check_command_line(["--cores", "1"])
        assert not [name for name in sys.modules if name.partition(".")[0] == "pathcall"]
    finally:
        sys.modules.update(kept)
