import pytest

from pathcall.command.run import snakemake_command
from pathcall.errors import ConfigError
from tests.project import ROOT


@pytest.fixture
def study(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    for name in ("a.yaml", "b.yaml", "mine/config.yaml"):
        (tmp_path / name).write_text("study: X\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def after(command, option):
    return command[command.index(option) + 1]


def test_the_workflow_and_its_profile_are_named(study):
    command = snakemake_command(["a.yaml"])
    assert after(command, "--snakefile") == str(ROOT / "Snakefile")
    assert after(command, "--workflow-profile") == str(ROOT / "profiles" / "default")
    assert after(command, "--configfile") == "a.yaml"
    assert after(command, "--cores") == "all"
    assert "--directory" not in command


def test_several_configs_then_targets_then_options(study):
    command = snakemake_command(["a.yaml", "b.yaml", "calls", "--dry-run"])
    at = command.index("--configfile")
    assert command[at : at + 3] == ["--configfile", "a.yaml", "b.yaml"]
    assert command[at + 3].startswith("--")
    assert command[-2:] == ["calls", "--dry-run"]


def test_a_folder_is_run_in_itself(study):
    command = snakemake_command(["mine", "-n"])
    assert after(command, "--configfile") == "mine/config.yaml"
    assert after(command, "--directory") == "mine"


@pytest.mark.parametrize(
    ("given", "left_out"),
    [
        (["--cores", "2"], "all"),
        (["-c2"], "all"),
        (["--cores=2"], "all"),
        (["-j", "3"], "all"),
        (["--workflow-profile", "none"], str(ROOT / "profiles" / "default")),
        (["--executor", "slurm"], "all"),
    ],
)
def test_what_the_user_says_is_not_said_again(study, given, left_out):
    assert left_out not in snakemake_command(["a.yaml", *given])


def test_an_option_of_the_same_beginning_is_another(study):
    assert after(snakemake_command(["a.yaml", "--configfiles-are-great"]), "--cores") == "all"


def test_a_folder_without_a_config(study):
    (study / "empty").mkdir()
    with pytest.raises(ConfigError, match="no such config file"):
        snakemake_command(["empty"])
