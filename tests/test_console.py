import io
import logging
import re
from pathlib import Path

import pytest

from pathcall.console import TARGETS, WIDTH, Console, calls_table, clock
from tests.project import ROOT


def record(message="", level=logging.INFO, **more):
    found = logging.LogRecord("snakemake.logging", level, "f", 1, message, (), None)
    found.__dict__.update(more)
    return found


def run(console, name, number, done, total):
    console.emit(record(event="job_info", jobid=number, rule_name=name, output=[]))
    console.emit(record(event="job_finished", job_id=number))
    console.emit(record(event="progress", done=done, total=total))


@pytest.fixture
def console():
    console = Console(io.StringIO())
    console.filter_snakemakes(record(event="workflow_started"))
    return console


def shown(console):
    return console._stream.getvalue().splitlines()


def test_a_line_for_each_step_and_none_for_the_target(console, tmp_path):
    console.results = tmp_path / "GSE1"
    console.emit(record(event="run_info", stats={"fit": 1, "draw": 1, "default": 1, "total": 3}))
    for at, name in enumerate(["fit", "draw", "default"], start=1):
        run(console, name, at, at, 3)
    first, *steps = shown(console)
    assert first == "GSE1: 2 steps"
    assert [re.sub(r" +[0-9]:[0-9]{2}", " _", line) for line in steps] == [
        "1/2 _  fit (0:00)",
        "2/2 _  draw (0:00)",
    ]
    assert console.complete


def test_a_step_of_a_long_name_is_one_line(console):
    run(console, "fit_model_" + "x" * 100, 1, 1, 2)
    assert [len(line) for line in shown(console)] == [WIDTH]


def test_snakemakes_own_lines_are_its_own_until_the_jobs_begin():
    console = Console(io.StringIO())
    assert console.filter_snakemakes(record("Unlocked working directory."))
    assert not console.filter_snakemakes(record(event="workflow_started"))
    assert not console.filter_snakemakes(record("Select jobs to execute..."))


def test_warnings_and_errors_are_seen_and_chatter_is_not(console):
    console.emit(record("Select jobs to execute..."))
    console.emit(record("The file is old", logging.WARNING))
    console.emit(record("MissingInputException in rule x:\nx.tsv", logging.ERROR))
    assert shown(console) == ["The file is old", "MissingInputException in rule x:", "x.tsv"]


def test_after_a_failed_job_snakemake_repeats_nothing(console):
    console.emit(
        record("e", logging.ERROR, event="job_error", jobid=1, rule_name="fit", log=["f.log"])
    )
    console.emit(record("At least one job did not complete successfully.", logging.ERROR))
    assert shown(console) == ["failed  fit: f.log"]
    assert console.closing() == ""


def test_the_end_shows_calls_page_and_time(console, tmp_path, monkeypatch):
    (tmp_path / "calls.tsv").write_text(
        "contrast\tpathway\tcall\tstatus\n"
        "dex\tAKT\tno_evidence\tno_change_seen\n"
        "dex\tMAPK\trepressed\tcalled\n"
        "dex\tNFKB_CANONICAL\tactivated\tnot_separable\n"
    )
    (tmp_path / "report.html").touch()
    console.results = tmp_path
    run(console, "default", 1, 1, 1)
    assert console.closing().splitlines()[:-1] == [
        "",
        "contrast  AKT     MAPK    NFKB_CANONICAL",
        "dex       .       down    (up)",
        "(…): a confounder explains it as well",
        "",
    ]
    monkeypatch.chdir(tmp_path.parent)
    page = f"{tmp_path.name}/report.html  ("
    assert console.closing().splitlines()[-1].startswith(page)


def test_a_part_of_the_outputs_shows_no_calls_of_an_earlier_run(console, tmp_path):
    (tmp_path / "calls.tsv").write_text("contrast\tpathway\tcall\ndex\tAKT\tactivated\n")
    console.results = tmp_path
    run(console, "qc", 1, 1, 1)
    assert len(console.closing().splitlines()) == 1


def test_the_table_fits_the_screen(tmp_path):
    names = [f"contrast_of_many_letters_number_{i}" for i in range(40)]
    pathways = ["AKT", "NFKB_CANONICAL", "NFKB_ALTERNATIVE", "MAPK", "FRA1_AP1", "INTERFERON_I"]
    rows = [f"{name}\t{p}\tactivated\tnot_separable" for name in names for p in pathways]
    path = tmp_path / "calls.tsv"
    path.write_text("\n".join(["contrast\tpathway\tcall\tstatus", *rows]) + "\n")
    lines = calls_table(path, width=WIDTH)
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) < 30
    assert any(line.startswith("and 16 more") for line in lines)


def test_without_a_table_of_calls_there_is_none(tmp_path: Path):
    assert calls_table(tmp_path / "calls.tsv", width=WIDTH) == []


def test_targets_are_the_rules_without_output():
    paths = ("Snakefile", "workflow/Snakefile", "workflow/rules/study.smk")
    text = "".join((ROOT / path).read_text() for path in paths)
    assert set(re.findall(r"^rule (\w+):", text, re.MULTILINE)) == set(TARGETS)


@pytest.mark.parametrize(("seconds", "text"), [(7, "0:07"), (754, "12:34"), (3725, "1:02:05")])
def test_clock(seconds, text):
    assert clock(seconds) == text
