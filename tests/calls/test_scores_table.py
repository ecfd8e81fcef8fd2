import logging

import numpy as np
import pandas as pd
import pytest

from pathcall.calls.readout_tests import prepare
from pathcall.calls.scores_table import score_and_write, ssgsea_scores, weighted_scores
from pathcall.signatures.panel import load_panel
from pathcall.study.config import CallsConfig
from pathcall.tables import SCORES
from tests.calls_data import PANEL, simulated_model
from tests.fitted_models import write_model
from tests.scoring_data import make_study, write_panel


@pytest.fixture(scope="module")
def panel():
    return load_panel(PANEL)


@pytest.fixture(scope="module")
def prepared(panel):
    return prepare(panel, simulated_model(panel, {"AKT": 1.0}), CallsConfig())


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Panel and model of which every set is known."""
    panel = load_panel(write_panel(tmp_path_factory.mktemp("panel")))
    return panel, make_study().model


def wide(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.pivot_table(index="sample", columns="signature", values="score")


def test_weighted_and_ssgsea_scores_agree(prepared, panel):
    samples = [f"s{i + 1}" for i in range(12)]
    z = wide(weighted_scores(prepared, samples))
    gsea = wide(ssgsea_scores(prepared, panel, samples))
    both = z.columns.intersection(gsea.columns)
    assert len(both) > 80
    size = prepared.table["n_genes"].reindex(both).fillna(50)
    r = [np.corrcoef(z[c], gsea[c])[0, 1] for c in both if size[c] >= 10]
    assert np.median(r) > 0.8


def test_what_is_scored_by_which_method(small):
    panel, model = small
    prepared = prepare(panel, model, CallsConfig())
    samples = list(model.vst.index)
    gsea = wide(ssgsea_scores(prepared, panel, samples))
    z = wide(weighted_scores(prepared, samples))
    # Two measured genes are too few for a set, three are enough; footprints are no sets.
    assert set(gsea) == {"UP_SET", "DOWN_SET", "OTHER_SET", "ARM_UP", "ARM_DN", "ALPHA_SET",
                         "ALPHA_LOST", "ALPHA_ARMS"}  # fmt: skip
    assert {"ALPHA_FOOT", "BETA_FOOT", "BETA_DRIVER", "toy:Alpha"} <= set(z)
    assert "BETA_TINY" not in z
    np.testing.assert_allclose(gsea["ALPHA_SET"], gsea["UP_SET"])
    np.testing.assert_allclose(gsea["ALPHA_ARMS"], gsea["ARM_UP"] - gsea["ARM_DN"])
    # Signs are those of the signature: genes that are lost on alpha fall.
    b = model.design["group[T.b]"].to_numpy() == 1
    for scores in (gsea, z):
        change = scores[b].mean() - scores[~b].mean()
        assert change["ALPHA_SET"] > 0 > change["ALPHA_LOST"]
        assert change["ALPHA_ARMS"] > 0


def test_only_down_genes_score_below_zero(small, tmp_path):
    panel, model = small
    folder = write_panel(tmp_path / "panel")
    rows = pd.read_csv(folder / "curated_sets.tsv", sep="\t", dtype=str)
    rows.loc[rows["gene_set"] == "LOST_ON_ALPHA", "direction"] = "-1"
    rows.to_csv(folder / "curated_sets.tsv", sep="\t", index=False)
    turned = load_panel(folder)
    samples = list(model.vst.index)
    before = wide(ssgsea_scores(prepare(panel, model, CallsConfig()), panel, samples))
    after = wide(ssgsea_scores(prepare(turned, model, CallsConfig()), turned, samples))
    np.testing.assert_allclose(after["ALPHA_LOST"], -before["ALPHA_LOST"])


def test_a_sample_of_two_models_is_scored_once(small, tmp_path, caplog):
    _, model = small
    write_model(model, tmp_path / "one.h5ad")
    write_model(model, tmp_path / "two.h5ad")
    folder = write_panel(tmp_path / "panel")
    with caplog.at_level(logging.INFO):
        score_and_write([str(tmp_path / "one.h5ad"), str(tmp_path / "two.h5ad")],
                        signatures=str(folder), rule={}, out=str(tmp_path / "s.tsv"))  # fmt: skip
    made = pd.read_csv(tmp_path / "s.tsv", sep="\t", dtype={"sample": str})
    SCORES.validate(made)
    assert not made.duplicated(["sample", "signature", "method"]).any()
    assert made["sample"].nunique() == 12
    said = [record.message for record in caplog.records if "earlier model" in record.message]
    assert len(said) == 1
    assert said[0].endswith(": 12 of 12 samples were scored with an earlier model")
