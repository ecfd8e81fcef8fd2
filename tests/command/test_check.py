import shutil

import pytest

from pathcall.command.check import check, check_study
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
        check_study(["config.yaml"])


def test_a_mistake_in_the_counts_is_found(study, monkeypatch):
    monkeypatch.chdir(study)
    sheet = study / "samples.tsv"
    sheet.write_text(sheet.read_text(encoding="utf-8").replace("GSM1275862", "GSM0"))
    with pytest.raises(PathcallError, match="not in the count matrix: GSM0"):
        check_study(["config.yaml"])


def test_a_later_config_overrides_an_earlier_one(study, monkeypatch):
    monkeypatch.chdir(study)
    (study / "more.yaml").write_text("alpha: 0.2\nfilter: {min_count: 3}\n")
    config = check_study(["config.yaml", "more.yaml"]).config
    assert (config.alpha, config.filter.min_count, config.filter.min_samples) == (0.2, 3, "auto")
