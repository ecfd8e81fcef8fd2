import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pathcall.calls.calibration import calibrate
from pathcall.calls.call_pathways import call_study, used_genes
from pathcall.calls.nfkb_arms import GENES, arm_genes
from pathcall.calls.readout_tests import prepare
from pathcall.calls.sensitivity import vary_model
from pathcall.signatures import sample_scores as ss
from pathcall.signatures.panel import load_panel
from pathcall.study.config import CallsConfig
from pathcall.study.contrasts import Contrast
from pathcall.tables import ADJUSTED, CALLS_TABLE, EVIDENCE, NFKB_GENES, READOUTS, SENSITIVITY
from tests.calls_data import PANEL, dose_model, simulated_model

RULE = CallsConfig(rotations=1999, mock_contrasts=25)


def contrast(name, test, reference, *, subtract=None, expected=None):
    return Contrast(name, "simulated", test, reference, subtract, None, expected or {}, "")


def listed(expected=None):
    given, none = {"drug": "given"}, {"drug": "none"}
    alone, mixed = {"tumour": "alone"}, {"tumour": "mixed"}
    return {
        "alone_drug": contrast("alone_drug", alone | given, alone | none, expected=expected),
        "mixed_drug": contrast("mixed_drug", mixed | given, mixed | none, expected=expected),
        "interaction": contrast("interaction", mixed | given, mixed | none, subtract="alone_drug"),
    }


def de_tables(model):
    """Tables of the DE step with the moderated t in place of the Wald statistic."""
    weights = np.column_stack(list(model.contrasts.values()))
    made = ss.test_scores(model.vst.to_numpy(), model.design.to_numpy(), weights)
    tables = {}
    for k, name in enumerate(model.contrasts):
        p = made.p[:, k]
        tables[name] = pd.DataFrame(
            {
                "gene_id": model.vst.columns, "symbol": model.symbols.to_numpy(),
                "base_mean": model.base_mean.to_numpy(), "log2fc": made.effect[:, k],
                "lfc_se": made.se[:, k], "stat": made.t[:, k], "pvalue": p,
                "padj": np.minimum(p * len(p) / (p.argsort().argsort() + 1), 1),
                "log2fc_shrunk": made.effect[:, k] / 2, "lfc_se_shrunk": made.se[:, k],
                "outlier": "no",
            }
        )  # fmt: skip
    return tables


def run(panel, planted, *, expected=None):
    model = simulated_model(panel, planted)
    prepared = prepare(panel, model, RULE)
    empty = pd.DataFrame({c: [] for c in READOUTS.columns})
    contrasts = listed(expected)
    made = call_study(
        panel=panel, models={"simulated": model}, contrasts=contrasts, de=de_tables(model),
        readouts=dict.fromkeys(contrasts, empty),
        calibration={"simulated": calibrate(model, prepared, RULE, seed=1)}, rule=RULE, seed=1,
    )  # fmt: skip
    return model, made


@pytest.fixture(scope="module")
def panel():
    return load_panel(PANEL)


@pytest.fixture(scope="module")
def mapk(panel):
    return run(panel, {"MAPK": -1.0}, expected={"MAPK": "repressed"})


def cell(made, name, pathway):
    table = made.calls
    return table[(table["contrast"] == name) & (table["pathway"] == pathway)].iloc[0]


def test_tables_keep_their_schemas(mapk):
    _, made = mapk
    for schema, table in [
        (EVIDENCE, made.evidence), (CALLS_TABLE, made.calls), (ADJUSTED, made.adjusted),
        (NFKB_GENES, made.nfkb_genes),
    ]:  # fmt: skip
        assert len(schema.validate(table))
    assert len(made.calls) == 15


def test_the_on_target_control(mapk):
    _, made = mapk
    assert cell(made, "mixed_drug", "MAPK")["call"] == "repressed"
    assert set(made.calls.query("contrast == 'mixed_drug'")["control_ok"]) == {"yes"}
    assert set(made.calls.query("contrast == 'alone_drug'")["control_ok"]) == {"no"}
    assert set(made.calls.query("contrast == 'interaction'")["control_ok"]) == {"not_applicable"}
    assert "On-target control failed: MAPK" in cell(made, "alone_drug", "AKT")["reason"]


def test_counts_of_votes_are_those_of_the_evidence(mapk):
    _, made = mapk
    gate = made.evidence.query("method == 'sample_score' and role == 'evidence'")
    for row in made.calls.itertuples():
        own = gate[(gate["contrast"] == row.contrast) & (gate["pathway"] == row.pathway)]
        assert (own["vote"] == 1).sum() == row.n_up
        assert (own["vote"] == -1).sum() == row.n_down


def test_calls_carry_families_rate_and_reason(mapk):
    _, made = mapk
    row = cell(made, "mixed_drug", "MAPK")
    assert row["families"] == "curated;footprint"
    assert row["confidence"] in ("high", "moderate")
    assert row["false_call_rate"] <= 0.05
    assert "mock contrasts" in row["reason"]
    none = cell(made, "alone_drug", "MAPK")
    assert none["confidence"] == "none"
    assert pd.isna(none["families"])


def test_an_akt_call_that_mapk_explains_is_given_as_not_separable(panel):
    # MAPK output falls in all treated samples; the AKT readouts follow, but less far.
    _, made = run(panel, {"MAPK": -1.5, "AKT": -0.45})
    row = made.adjusted.query("contrast == 'mixed_drug' and pathway == 'AKT'").iloc[0]
    assert row["call_unadjusted"] == "repressed"
    assert row["separable"] == "no"
    assert row["confounder"] == "MAPK_PROGENY_MAPK"
    call = cell(made, "mixed_drug", "AKT")
    assert call["call"] == "repressed"
    assert call["status"] == "not_separable"
    assert "ot separable from MAPK_PROGENY_MAPK (log2 -" in call["reason"]


def test_an_akt_call_beside_quiet_confounders_is_separable(panel):
    _, made = run(panel, {"AKT": 1.0})
    row = made.adjusted.query("contrast == 'interaction' and pathway == 'AKT'").iloc[0]
    assert row["separable"] == "yes"
    call = cell(made, "interaction", "AKT")
    assert (call["call"], call["status"]) == ("activated", "called")


def test_every_assessed_pathway_has_effect_interval_p_and_fdr(mapk):
    _, made = mapk
    assessed = made.calls[made.calls["call"] != "not_assessable"]
    for column in ("effect", "ci_low", "ci_high", "pvalue", "fdr"):
        assert assessed[column].notna().all()
    assert (assessed["ci_low"] < assessed["effect"]).all()
    assert (assessed["fdr"] >= assessed["pvalue"]).all()
    row = cell(made, "mixed_drug", "MAPK")
    assert row["ci_high"] < 0
    assert row["effect"] < -0.3


@pytest.mark.parametrize(
    ("doses", "call"),
    [
        ([0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0], "activated"),
        ([0.1 * i for i in range(11)], "activated"),  # no two samples alike
        ([0.0] * 8 + [1.0], "not_assessable"),  # one sample decides
    ],
)
def test_a_slope_is_called_where_its_ends_are_replicated(panel, doses, call):
    row = slope_call(panel, dose_model(panel, {"MAPK": 1.5}, doses), top=1)
    assert row["call"] == call, row["reason"]
    if call == "not_assessable":
        assert "1 sample at the sparser end of dose, 2 needed" in row["reason"]


@pytest.mark.parametrize(
    ("levels", "call"),
    [
        ([0.0, 0.1, 0.8, 1.0], "activated"),  # in steps of any height
        ([1.0, 0.8, 0.1, 0.0], "repressed"),
        ([0.0, 1.0, 1.0, 0.0], "no_evidence"),  # up and down again is no trend
    ],
)
def test_a_trend_over_an_ordered_factor_is_a_slope_over_its_ranks(panel, levels, call):
    ranks = np.repeat([0.0, 1.0, 2.0, 3.0], 3)
    model = dose_model(panel, {"MAPK": 1.5}, ranks.tolist(), response=np.repeat(levels, 3).tolist())
    row = slope_call(panel, model, top=3)
    assert row["call"] == call, row["reason"]


def slope_call(panel, model, *, top):
    """MAPK's row for a slope from 0 to `top`."""
    model = replace(model, contrasts={"slope": np.array([0.0, float(top)])})
    slope = Contrast("slope", "doses", {"dose": str(top)}, {"dose": "0"}, None, None, {}, "")
    made = call_study(
        panel=panel, models={"doses": model}, contrasts={"slope": slope}, de=de_tables(model),
        readouts={"slope": pd.DataFrame({c: [] for c in READOUTS.columns})},
        calibration={"doses": calibrate(model, prepare(panel, model, RULE), RULE, seed=1)},
        rule=RULE, seed=1,
    )  # fmt: skip
    return cell(made, "slope", "MAPK")


def test_an_outlier_gene_moves_no_vote(panel):
    model = simulated_model(panel, {})
    prepared = prepare(panel, model, RULE)
    at = prepared.names.index("AKT_FOXO_TARGETS")
    genes = model.vst.columns[prepared.columns[prepared.weights[:, at] != 0]]
    tables = de_tables(model)
    for table in tables.values():
        hit = table["gene_id"].isin(genes[:4])
        table.loc[hit, "outlier"] = "yes"
        table.loc[hit, ["pvalue", "padj"]] = np.nan
    used = used_genes(prepared, model.vst.columns, list(tables.values()))
    assert (~used).sum() == 4 * len(tables)
    assert set(model.vst.columns[prepared.columns[~used[:, 0]]]) == set(genes[:4])


def test_genes_of_the_arms(mapk):
    model, _ = mapk
    table = de_tables(model)["mixed_drug"]
    expressed = set(table.loc[table["symbol"] != "RELB", "gene_id"])
    made = arm_genes("mixed_drug", table, expressed=expressed)
    assert list(made["symbol"]) == list(GENES)
    assert made.set_index("symbol").at["RELB", "expressed"] == "no"


@pytest.mark.slow
def test_sensitivity_varies_one_choice_at_a_time(mapk, panel):
    model, _ = mapk
    names = list(model.contrasts)
    table = vary_model(panel=panel, model=model, contrasts=names, tables=de_tables(model),
                       rule=RULE, seed=1)  # fmt: skip
    SENSITIVITY.validate(table)
    own = table.query("contrast == 'mixed_drug' and pathway == 'MAPK'")
    assert set(own["kind"]) == {"filter", "evidence", "threshold", "sample"}
    # Six samples are in this contrast, twelve in the interaction.
    assert (own["kind"] == "sample").sum() == 6
    both = table.query("contrast == 'interaction' and pathway == 'MAPK' and kind == 'sample'")
    assert len(both) == 12
    assert own["agreement"].iloc[0] == (own["agrees"] == "yes").mean()
    assert (own.query("kind == 'sample'")["call"] == "repressed").all()


@pytest.mark.slow
def test_a_pathway_added_by_rows_and_a_gmt_is_called(tmp_path):
    folder = tmp_path / "panel"
    shutil.copytree(PANEL, folder)
    hallmarks = load_panel(PANEL).gene_sets
    up, targets = hallmarks["HALLMARK_HYPOXIA"], hallmarks["HALLMARK_ADIPOGENESIS"]
    (folder / "mine.gmt").write_text(
        "\t".join(["MY_UP", "mine", *up.genes[:60]])
        + "\n"
        + "\t".join(["MY_DOWN", "mine", *up.genes[60:90]])
        + "\n"
        + "\t".join(["MY_TARGETS", "mine", *targets.genes[:50]])
        + "\n"
    )
    tail = "1\tmine\tme\t\n"
    with (folder / "readouts.tsv").open("a") as stream:
        stream.write(
            "HYPOXIA\tHYPOXIA_MINE\tsigned_gene_set\tmine.gmt:MY_UP|mine.gmt:MY_DOWN\t+1\tevidence"
            f"\tmine\t{tail}"
            f"HYPOXIA\tHYPOXIA_TARGETS\tgene_set\tmine.gmt:MY_TARGETS\t-1\tevidence\tmine\t{tail}"
        )
    _, made = run(load_panel(folder), {"HYPOXIA": 1.0})
    assert cell(made, "mixed_drug", "HYPOXIA")["call"] == "activated"
    assert cell(made, "alone_drug", "HYPOXIA")["call"] == "no_evidence"
