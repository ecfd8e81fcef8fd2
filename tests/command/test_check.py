import shutil

import pytest

from pathcall.command.check import check, check_studies
from pathcall.errors import PathcallError
from tests.project import ROOT

FILES = {
    "config/demo/samples.tsv": "samples.tsv",
    "config/demo/contrasts.tsv": "contrasts.tsv",
    "resources/demo/GSE52778_counts.tsv.gz": "counts.tsv.gz",
}


@pytest.fixture
def study(tmp_path):
    config = (ROOT / "config/demo.yaml").read_text(encoding="utf-8")
    for source, name in FILES.items():
        shutil.copy(ROOT / source, tmp_path / name)
        config = config.replace(source, name)
    (tmp_path / "config.yaml").write_text(config, encoding="utf-8")
    return tmp_path


def test_a_sound_study_is_described(study, capsys):
    check([str(study)])
    said = capsys.readouterr().out
    assert "GSE52778: 8 samples, 1 model, 1 contrast" in said
    assert "airway: 8 samples, ~ cell + dex" in said


def test_a_mistake_in_the_contrasts_is_found(study, monkeypatch):
    monkeypatch.chdir(study)
    table = study / "contrasts.tsv"
    table.write_text(table.read_text(encoding="utf-8").replace("dex=untreated", "dex=nothing"))
    with pytest.raises(PathcallError, match="matches no sample"):
        check_studies(["config.yaml"])


def test_a_mistake_in_the_counts_is_found(study, monkeypatch):
    monkeypatch.chdir(study)
    sheet = study / "samples.tsv"
    sheet.write_text(sheet.read_text(encoding="utf-8").replace("GSM1275862", "GSM0"))
    with pytest.raises(PathcallError, match="not in the count matrix: GSM0"):
        check_studies(["config.yaml"])


def test_a_later_config_overrides_an_earlier_one(study, monkeypatch):
    monkeypatch.chdir(study)
    (study / "more.yaml").write_text("alpha: 0.2\nfilter: {min_count: 3}\n")
    config = check_studies(["config.yaml", "more.yaml"])[0].config
    assert (config.alpha, config.filter.min_count, config.filter.min_samples) == (0.2, 3, "auto")


@pytest.mark.slow
def test_many_studies_are_checked_one_by_one(study, monkeypatch, capsys):
    monkeypatch.chdir(study)
    config = (study / "config.yaml").read_text(encoding="utf-8")
    for name in ("ONE", "TWO"):
        (study / f"{name}.yaml").write_text(config.replace("GSE52778", name), encoding="utf-8")
    (study / "studies.yaml").write_text("studies: [ONE.yaml, TWO.yaml]\n", encoding="utf-8")
    check(["studies.yaml"])
    said = capsys.readouterr().out
    assert "ONE: 8 samples" in said
    assert "TWO: 8 samples" in said
    (study / "TWO.yaml").write_text(f"{config}alpha: 2\n", encoding="utf-8")
    with pytest.raises(PathcallError, match=r"TWO\.yaml, key alpha, value 2"):
        check(["studies.yaml"])


def test_transcript_lengths_are_checked_as_a_run_does(study, monkeypatch):
    monkeypatch.chdir(study)
    config = (study / "config.yaml").read_text(encoding="utf-8")
    (study / "lengths.tsv").write_text("gene_id\tGSM1275862\nENSG00000000003\t1000\n")
    given = config.replace("file: counts.tsv.gz", "file: counts.tsv.gz\n  lengths: lengths.tsv")
    assert given != config
    (study / "config.yaml").write_text(given, encoding="utf-8")
    with pytest.raises(PathcallError, match="have no transcript lengths"):
        check([str(study)])
