"""A file of many studies: what it may hold, and one wrong study among good ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pathcall.errors import ConfigError
from pathcall.summary.plan import plan_studies
from tests.project import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for part in ("config", "resources"):
        (tmp_path / part).symlink_to(ROOT / part)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(file: str, **changes: Any) -> str:
    content = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
    Path(file).write_text(yaml.safe_dump(content | changes))
    return file


def planned(studies: object, **shared: Any):
    raw: Mapping[str, Any] = {"studies": studies, **shared}
    return plan_studies(raw, source="studies.yaml", root=ROOT)


def refused(studies: object, **shared: Any) -> str:
    with pytest.raises(ConfigError) as error:
        planned(studies, **shared)
    return str(error.value)


@pytest.mark.usefixtures("folder")
def test_a_wrong_study_is_kept_apart():
    files = [config("one.yaml", study="ONE"), config("two.yaml", study="TWO", alpha=2)]
    found = planned([*files, "missing.yaml"])
    assert list(found.plans) == list(found.configs) == ["ONE"]
    assert list(found.broken) == ["two.yaml", "missing.yaml"]
    assert "two.yaml, key alpha, value 2" in found.broken["two.yaml"].line()
    assert found.plans["ONE"].targets()[0] == "results/ONE/report.html"


@pytest.mark.usefixtures("folder")
def test_keys_beside_the_list_hold_for_all():
    files = [config("one.yaml", study="ONE", seed=5), config("two.yaml", study="TWO")]
    found = planned(files, seed=7, offline=True)
    assert {plan.config.seed for plan in found.plans.values()} == {7}
    assert found.configs["TWO"]["offline"] is True


@pytest.mark.usefixtures("folder")
def test_results_of_two_studies_never_meet():
    one = config("one.yaml", study="ONE")
    assert "a config file is listed twice: one.yaml" in refused([one, one])
    again = refused([one, config("again.yaml", study="ONE")])
    assert "study ONE of one.yaml and again.yaml" in again
    assert "differ in case only" in refused([one, config("case.yaml", study="One")])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("studies", [None, [], "one.yaml", {"a": 1}, ["one.yaml", 3]])
def test_what_is_no_list_of_files_is_refused(studies):
    assert "`studies` is not a list of config files" in refused(studies)


@pytest.mark.usefixtures("folder")
def test_a_key_of_one_study_is_refused():
    one = config("one.yaml", study="ONE")
    assert "write it into the study's own config file" in refused([one], samples="a.tsv")
    assert "did you mean 'mirrors'" in refused([one], miror={})


@pytest.mark.usefixtures("folder")
def test_a_run_without_any_study_is_refused():
    line = refused([config("one.yaml", study="ONE", alpha=2), "missing.yaml"])
    assert "none of the studies can be run" in line
    assert "one.yaml, key alpha" in line


@pytest.mark.usefixtures("folder")
def test_a_study_without_calls_is_kept_apart():
    files = [config("one.yaml", study="ONE"), config("two.yaml", study="TWO", pathways="none")]
    found = planned(files)
    assert list(found.plans) == ["ONE"]
    assert "without calls can't be compared" in found.broken["two.yaml"].line()
    assert "key pathways" in refused(files, pathways="none")
