from pathlib import Path

import pytest
import yaml

from pathcall.errors import ConfigError
from pathcall.study.config import Config, load_config, resolve

BASE = {
    "study": "GSE1",
    "samples": "samples.tsv",
    "contrasts": "contrasts.tsv",
    "models": {"m": {"design": "~ drug"}},
}


def message(raw: dict) -> str:
    with pytest.raises(ConfigError) as error:
        load_config(raw, source="config.yaml")
    return error.value.line()


def test_defaults_are_those_of_the_documented_config(root: Path) -> None:
    written = yaml.safe_load((root / "config/config.yaml").read_text())
    defaults = load_config(BASE, source="config.yaml").model_dump(mode="json")
    full = load_config(written, source="config.yaml").model_dump(mode="json")
    own = {"study", "samples", "contrasts", "models"}
    for key in set(defaults) - own - {"counts"}:
        assert full[key] == defaults[key], key
    assert {**full["counts"], "sra_study": None} == defaults["counts"]


def test_config_is_frozen() -> None:
    config = load_config(BASE, source="config.yaml")
    with pytest.raises(ValueError, match="frozen"):
        config.alpha = 0.1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"alhpa": 0.1}, ["unknown config key", "key alhpa", "did you mean 'alpha'"]),
        ({"counts": {"sourc": "ncbi"}}, ["key counts.sourc", "'source'"]),
        ({"models": {"m": {"desing": "~ a"}}}, ["key models.m.desing", "'design'"]),
        ({"alpha": 2}, ["key alpha", "value 2"]),
        ({"models": {}}, ["key models"]),
        ({"models": {"a b": {"design": "~ a"}}}, ["models"]),
        ({"study": "12"}, ["key study"]),
        ({"study": "airway"}, ["not a GEO series accession"]),
        ({"counts": {"source": "file"}}, ["go together"]),
        ({"counts": {"file": "x.tsv"}}, ["go together"]),
        ({"counts": {"lengths": "x.tsv"}}, ["key counts", "source: file"]),
        (
            {
                "counts": {"source": "file", "file": "x.tsv", "lengths": "l.tsv"},
                "de": {"engine": "pydeseq2"},
            },
            ["counts.lengths", "engine: exact"],
        ),
        ({"organism": "rat"}, ["key organism", "'human', 'mouse' or 'other'"]),
        ({"organism": "Human"}, ["key organism", "did you mean 'human'"]),
        ({"counts": {"source": "NCBI"}}, ["key counts.source", "did you mean 'ncbi'"]),
        ({"filter": {"min_samples": -5}}, ["key filter.min_samples,", "value -5"]),
        ({"filter": {"min_count": float("inf")}}, ["key filter.min_count"]),
        ({"calls": {"vote_p": 0.99}}, ["key calls.vote_p", "value 0.99", "0.2"]),
        ({"calls": {"call_p": 0.5}}, ["key calls.call_p", "0.1"]),
        ({"calls": {"confounder_ratio": 1e9}}, ["key calls.confounder_ratio", "10"]),
        ({"calls": {"max_false_call_rate": 0.9}}, ["key calls.max_false_call_rate"]),
        ({"alpha": float("nan")}, ["key alpha", "finite"]),
        ({"download": {"timeout_s": float("inf")}}, ["key download.timeout_s", "finite"]),
        ({"mirrors": {"ftp.ncbi.nih.gov": "file:///m"}}, ["did you mean 'ftp.ncbi.nlm.nih.gov'"]),
        ({"mirrors": {"www.ncbi.nlm.nih.gov": "/m"}}, ["key mirrors", "file:// folder"]),
        ({"study": "GSE" + "1" * 300}, ["key study", "at most 100"]),
        ({"models": {"m" * 101: {"design": "~ a"}}}, ["key models", "at most 100"]),
        ({"models": {"NA": {"design": "~ a"}}}, ["key models", "missing"]),
        ({"models": {"m": {"design": "~ a"}, "M": {"design": "~ a"}}}, ["m and M differ in case"]),
        ({"models": {"m": {"design": "~ a", "samples": {"d": [True]}}}}, ["value True", "quotes"]),
        ({"samples": ""}, ["key samples", "name a file"]),
        ({"samples": "a\nb"}, ["key samples", "name a file"]),
        ({"samples": "{x}.tsv"}, ["key samples", "wildcard"]),
    ],
)
def test_wrong_config_names_key_and_fix(change: dict, words: list[str]) -> None:
    line = message({**BASE, **change})
    assert line.startswith("error: ")
    assert "\n" not in line
    assert "config.yaml" in line
    for word in words:
        assert word in line


def test_missing_key_is_named() -> None:
    line = message({key: value for key, value in BASE.items() if key != "samples"})
    assert "missing" in line
    assert "key samples" in line


def test_levels_may_be_numbers() -> None:
    raw = {**BASE, "models": {"m": {"design": "~ drug", "samples": {"hours": [6, "48"]}}}}
    assert load_config(raw, source="c").models["m"].samples == {"hours": ["6", "48"]}


def test_every_key_is_described() -> None:
    def walk(schema: dict) -> None:
        for name, field in schema.get("properties", {}).items():
            # A section says what it is in its own description.
            assert field.get("description") or "$ref" in field, name

    schema = Config.model_json_schema()
    for part in [schema, *schema["$defs"].values()]:
        assert part["description"]
        walk(part)


def test_a_shipped_folder_is_found_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root" / "panel").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    assert resolve("panel", root=tmp_path / "root") == str(tmp_path / "root" / "panel")
    (tmp_path / "run" / "panel").mkdir()
    assert resolve("panel", root=tmp_path / "root") == "panel"
    assert resolve("none", root=tmp_path / "root") == "none"
