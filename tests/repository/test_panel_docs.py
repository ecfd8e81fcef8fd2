"""docs/panel.md: the worked example does what it says."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pathcall import tables
from pathcall.calls.call_pathways import call_study
from pathcall.calls.ranking import rank_pathways
from pathcall.deseq.fitted import FittedModel
from pathcall.enrichment.enrich_model import enrich_model
from pathcall.signatures.panel import Panel, load_panel
from pathcall.study.config import CallsConfig
from pathcall.study.contrasts import Contrast
from tests.scoring_data import wald_table


def example(text: str, label: str) -> str:
    """The fenced block after an HTML comment."""
    found = re.search(rf"<!-- {re.escape(label)} -->\n *```\w+\n(.*?)\n *```", text, re.DOTALL)
    assert found is not None, label
    return textwrap.dedent(found.group(1)) + "\n"


@pytest.fixture(scope="module")
def panel(tmp_path_factory, pytestconfig) -> Panel:
    root = pytestconfig.rootpath
    text = (root / "docs" / "panel.md").read_text(encoding="utf-8")
    config = yaml.safe_load(example(text, "config"))
    folder = tmp_path_factory.mktemp("panel") / config["signatures"]
    assert f"cp -r resources/panel {config['signatures']}" in text
    shutil.copytree(root / "resources" / "panel", folder)
    (folder / "wnt.gmt").write_text(example(text, "file: wnt.gmt"), encoding="utf-8")
    with (folder / "readouts.tsv").open("a", encoding="utf-8") as stream:
        stream.write(example(text, "rows: readouts.tsv"))
    return load_panel(folder)


@pytest.fixture(scope="module")
def model(panel: Panel) -> FittedModel:
    """Two groups of five samples; WNT's readouts move, nothing else does."""
    rng = np.random.default_rng(21)
    wnt = panel.readouts_of("WNT")
    planted: dict[str, float] = {}
    for readout in wnt:
        for gene, weight in readout.weights.items():
            planted[gene] = float(np.sign(weight))
    others = sorted({g for r in panel.readouts for g in r.weights} - set(planted))
    symbols = [*sorted(planted), *others[:2500]]
    ids = pd.Index([f"E{i:05d}" for i in range(len(symbols))], name="gene_id")
    names = [f"S{i}" for i in range(10)]
    half = np.repeat([0.0, 1.0], 5)
    change = np.array([planted.get(s, 0.0) for s in symbols])
    values = rng.normal(8, 0.5, (10, len(symbols))) + half[:, None] * change
    return FittedModel(
        name="m",
        formula="~ drug",
        samples=pd.DataFrame({"drug": np.where(half == 1, "wnt3a", "vehicle")}, index=names),
        counts=pd.DataFrame(np.full(values.shape, 100), index=names, columns=ids),
        vst=pd.DataFrame(values, index=names, columns=ids),
        symbols=pd.Series(symbols, index=ids),
        size_factors=pd.Series(1.0, index=names),
        dispersions=pd.Series(0.1, index=ids),
        base_mean=pd.Series(rng.lognormal(5, 1, len(symbols)), index=ids),
        design=pd.DataFrame({"Intercept": 1.0, "drug": half}, index=names),
        contrasts={"wnt3a": np.array([0.0, 1.0])},
    )


def test_the_panel_knows_the_pathway(panel: Panel):
    assert "WNT" in panel.pathways
    assert panel.gene_sets["WNT_BETA_CATENIN_TARGETS"].collection == "wnt"
    assert [r.family for r in panel.readouts_of("WNT")] == ["footprint", "gene_set"]


def test_it_is_enriched_ranked_and_called(panel: Panel, model: FittedModel):
    de = {"wnt3a": wald_table(model, model.design["drug"].to_numpy())}
    scores = enrich_model(de, model, panel, confounders={}, seed=1)["wnt3a"]
    row = scores.enrichment.set_index("gene_set").loc["WNT_BETA_CATENIN_TARGETS"]
    assert row["collection"] == "wnt"
    assert row["nes"] > 1.5
    assert row["z_camera"] > 3

    rule = CallsConfig()
    ranked = rank_pathways(model, panel, rule=rule, seed=1)["wnt3a"]
    own = ranked[ranked["kind"] == "pathway"].set_index("name")
    assert own.at["WNT", "kind_rank"] == 1
    assert own.at["WNT", "kind_rank_high"] == 1

    contrast = Contrast(
        contrast="wnt3a", model="m", test={"drug": "wnt3a"}, reference={"drug": "vehicle"},
        subtract=None, group=None, expected={}, description="",
    )  # fmt: skip
    calls = call_study(
        panel=panel,
        models={"m": model},
        contrasts={"wnt3a": contrast},
        de=de,
        readouts={"wnt3a": scores.readouts},
        calibration={"m": pd.DataFrame(columns=list(tables.CALIBRATION.columns))},
        rule=rule,
        seed=1,
    ).calls.set_index("pathway")
    assert calls.at["WNT", "call"] == "activated"
    assert set(calls.at["WNT", "families"].split(";")) == {"footprint", "gene_set"}


def test_every_column_of_the_docs_is_in_the_shipped_registry(pytestconfig):
    root: Path = pytestconfig.rootpath
    header = (root / "resources/panel/readouts.tsv").read_text(encoding="utf-8").split("\n")[0]
    text = (root / "docs" / "panel.md").read_text(encoding="utf-8")
    rows = example(text, "rows: readouts.tsv").splitlines()
    assert {len(row.split("\t")) for row in rows} == {len(header.split("\t"))}
