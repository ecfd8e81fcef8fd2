import subprocess
import sys
import tomllib

import pytest

import pathcall
from pathcall.command import cli
from tests.project import ROOT


def command(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "pathcall", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"pathcall {pathcall.__version__}\n"


def test_what_is_installed_as_pathcall_is_this_command():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"pathcall": f"{cli.__name__}:main"}


def test_starting_imports_nothing_heavy():
    code = (
        "import sys; import pathcall.command.cli\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "pydantic", "scipy", "anndata", "snakemake", "yaml"}
    assert heavy & set(done.stdout.split()) == set()


@pytest.mark.parametrize("arguments", [[], ["bogus"], ["check"], ["run"], ["--bogus"]])
def test_a_command_that_is_not_understood_is_one_line(arguments):
    done = command(*arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: the command is not understood: ")


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_config_that_is_not_there_is_one_line(verb, tmp_path):
    done = command(verb, "nowhere.yaml", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: there is no such config file — nowhere.yaml — ")


def test_help_of_run_says_where_snakemakes_arguments_go(capsys):
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    assert "pathcall run CONFIG [CONFIG ...] [snakemake arguments]" in capsys.readouterr().out
