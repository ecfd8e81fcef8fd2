"""The whole of what a user wrote, checked together, in this process."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pathcall.errors import ConfigError
from pathcall.study.config import CallsConfig
from pathcall.study.plan import StudyPlan, plan_study

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def demo(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder with the embedded study's files; commands run in it."""
    for part in ("config", "resources/panel", "resources/demo"):
        shutil.copytree(root / part, tmp_path / part)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(folder: Path, **change: Any) -> StudyPlan:
    raw = yaml.safe_load((folder / "config/demo.yaml").read_text())
    return plan_study(raw | change, source="config/demo.yaml", root=folder)


def refused(folder: Path, **change: Any) -> str:
    with pytest.raises(ConfigError) as error:
        planned(folder, **change)
    return error.value.line()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_defaults_of_the_rule_hold_for_the_shipped_panel(demo: Path) -> None:
    assert planned(demo).config.calls == CallsConfig()


def test_confounders_are_written_over_the_defaults(demo: Path) -> None:
    default = CallsConfig().confounders
    changed = planned(demo, calls={"confounders": {"AKT": [], "MAPK": ["GC_RESPONSE"]}})
    assert changed.config.calls.confounders == {
        **default, "AKT": [], "MAPK": ["GC_RESPONSE"],
    }  # fmt: skip
    assert planned(demo, calls={"confounders": {}}).config.calls.confounders == {}
    assert planned(demo, calls={"vote_p": 0.05}).config.calls.confounders == default


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ({"confounders": {"AKTT": ["GC_RESPONSE"]}},
         ["calls.confounders", "'AKTT'", "did you mean 'AKT'"]),
        ({"confounders": {"AKT": ["HALLMARK_E2F_TARGET"]}},
         ["calls.confounders.AKT", "did you mean 'HALLMARK_E2F_TARGETS'"]),
    ],
)  # fmt: skip
def test_names_that_the_panel_does_not_hold_are_refused(
    demo: Path, calls: dict, words: list[str]
) -> None:
    line = refused(demo, calls=calls)
    for word in [*words, "config/demo.yaml"]:
        assert word in line


def test_defaults_that_a_panel_does_not_hold_are_left_out(demo: Path) -> None:
    readouts = demo / "resources/panel/readouts.tsv"
    kept = [line for line in readouts.read_text().splitlines() if not line.startswith("AKT\t")]
    kept = [line for line in kept if "\tGC_RESPONSE\t" not in line]
    readouts.write_text("\n".join(kept) + "\n")
    calls = planned(demo).config.calls
    assert list(calls.confounders) == ["NFKB_CANONICAL", "NFKB_ALTERNATIVE"]
    assert "GC_RESPONSE" not in calls.confounders["NFKB_CANONICAL"]


@pytest.mark.parametrize("name", ["overlap", "fra1", "FRA1", "Overlap"])
def test_a_contrast_can_not_have_the_name_of_another_output(demo: Path, name: str) -> None:
    edit(demo / "config/demo/contrasts.tsv", "\ndexamethasone", f"\n{name}")
    line = refused(demo)
    assert "already has" in line
    assert f"'{name}'" in line
    assert f"secretome/{name.lower()}.tsv" in line


def test_targets_are_different_files(demo: Path) -> None:
    targets = [target.casefold() for target in planned(demo).targets()]
    assert len(targets) == len(set(targets))


def test_a_model_without_contrasts_is_refused(demo: Path) -> None:
    models = {"airway": {"design": "~ cell + dex"}, "other": {"design": "~ dex"}}
    line = refused(demo, models=models)
    assert "a model has no contrasts" in line
    assert "models.other" in line


def test_given_files_are_files(demo: Path) -> None:
    (demo / "empty").mkdir()
    for value in ("empty", "none.tsv", "none/*.txt", "x" * 300):
        line = refused(demo, counts={"source": "file", "file": value})
        assert "counts.file" in line
    line = refused(demo, counts={"source": "file", "file": "config/demo.yaml", "metadata": "empty"})
    assert "counts.metadata" in line
    line = refused(demo, counts={"source": "file", "file": "config/demo.yaml", "lengths": "no.tsv"})
    assert "counts.lengths" in line
    for key in ("samples", "contrasts"):
        for value in ("config", "none.tsv", "x" * 300):
            line = refused(demo, **{key: value})
            assert f"config/demo.yaml, key {key}, value" in line
    assert "folder of signatures does not exist" in refused(demo, signatures="none")
    assert "lacks a file" in refused(demo, signatures="config")


def test_a_mistake_in_the_panel_stops_before_any_job(demo: Path) -> None:
    edit(demo / "resources/panel/footprints.tsv", "-2.1766", "nan")
    line = refused(demo)
    assert "resources/panel/footprints.tsv, line 2, column weight, value 'nan'" in line


def test_a_misspelt_level_is_named(demo: Path) -> None:
    edit(
        demo / "config/demo/samples.tsv",
        "GSM1275863\tSRR1039509\tN61311\tdexamethasone",
        "GSM1275863\tSRR1039509\tN61311\tdexamethason",
    )
    line = refused(demo)
    assert "misspelling" in line
    assert "column dex, value 'dexamethason'" in line
    assert "write 'dexamethasone'" in line


@pytest.mark.parametrize(("organism", "panel"), [("human", "panel"), ("mouse", "panel_mouse")])
def test_the_panel_follows_the_organism(root: Path, demo: Path, organism: str, panel: str) -> None:
    if not (demo / "resources" / panel).is_dir():
        shutil.copytree(root / "resources" / panel, demo / "resources" / panel)
    plan = planned(demo, organism=organism)
    assert str(plan.signatures) == f"resources/{panel}"
    assert plan.config.calls == CallsConfig()
    assert planned(demo, organism="mouse", signatures="resources/panel").pathways


def test_without_calls_the_targets_follow(demo: Path) -> None:
    (demo / "sets.gmt").write_text("A\tx\tTP53\tMDM2\tCDKN1A\n")
    plan = planned(demo, pathways="none", signatures="sets.gmt", organism="other")
    made = {target.removeprefix("results/GSE52778/") for target in plan.targets()}
    assert {name.partition("/")[0] for name in made} == {
        "report.html", "GSE52778.zip", "tables.xlsx", "counts.h5ad", "samples.tsv", "qc", "de",
        "enrichment", "lrt", "provenance",
    }  # fmt: skip
    assert plan.panel_files == ["sets.gmt"]
    assert plan.pathways == ()
    with_panel = planned(demo, pathways="none")
    assert "results/GSE52778/activity/dexamethasone.tsv" in with_panel.targets()
    assert "results/GSE52778/calls.tsv" not in with_panel.targets()
    assert {*with_panel.targets()} < {*planned(demo).targets()}


def test_what_does_not_go_without_calls_is_refused(demo: Path) -> None:
    (demo / "sets.gmt").write_text("A\tx\tTP53\tMDM2\tCDKN1A\n")
    assert "`organism: other` needs" in refused(demo, organism="other")
    assert "folder of signatures does not exist" in refused(demo, signatures="sets.gmt")
    (demo / "sets.gmt").write_text("A\tx\n")
    assert "a gene set has no genes" in refused(demo, pathways="none", signatures="sets.gmt")
    edit(demo / "config/demo/contrasts.tsv", "dex=untreated\t\t", "dex=untreated\tAKT:repressed\t")
    assert "no pathway is called" in refused(demo, pathways="none")


def test_the_sheet_may_be_the_obs_of_an_h5ad(demo: Path) -> None:
    import anndata as ad
    import numpy as np
    import pandas as pd

    obs = pd.read_csv(demo / "config/demo/samples.tsv", sep="\t", index_col=0)
    ad.AnnData(np.ones((len(obs), 2)), obs=obs).write_h5ad(demo / "study.h5ad")
    plan = planned(demo, samples="study.h5ad")
    assert plan.sheet.rows == planned(demo).sheet.rows
    assert plan.models["airway"].samples == planned(demo).models["airway"].samples
