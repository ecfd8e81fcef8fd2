from pathlib import Path

import numpy as np
import pytest

from pathcall.errors import ConfigError
from pathcall.study.config import Config, load_config
from pathcall.study.contrasts import Contrast, plan_models, read_contrasts
from pathcall.study.sample_sheet import read_sheet

SHEET = "sample\ttumour\tdrug\thours\n" + "".join(
    f"{t}{d}{i}\t{t}\t{d}\t{i}\n"
    for t in ("R", "SR")
    for d in ("vehicle", "vem")
    for i in (1, 2, 3)
)
HEADER = "contrast\tmodel\ttest\treference\tsubtract\tgroup\texpected\tdescription\n"
R = "r\tm\ttumour=R,drug=vem\ttumour=R,drug=vehicle\t\t\t\t\n"
SR = "sr\tm\ttumour=SR,drug=vem\ttumour=SR,drug=vehicle\t\tg\tMAPK:repressed\tin words\n"
BOTH = "i\tm\ttumour=SR,drug=vem\ttumour=SR,drug=vehicle\tr\t\t\t\n"


def plan(tmp_path: Path, contrasts: str, *, design: str = "~ tumour * drug", sheet: str = SHEET,
         **model: object):  # fmt: skip
    (tmp_path / "samples.tsv").write_text(sheet)
    (tmp_path / "contrasts.tsv").write_text(contrasts)
    config: Config = load_config(
        {
            "study": "GSE1",
            "samples": str(tmp_path / "samples.tsv"),
            "contrasts": str(tmp_path / "contrasts.tsv"),
            "models": {"m": {"design": design, **model}, "other": {"design": "~ drug"}},
        },
        source="config.yaml",
    )
    table = read_contrasts(config.contrasts)
    return plan_models(config, read_sheet(config.samples), table)["m"]


def test_weights_of_cells_and_interactions(tmp_path: Path) -> None:
    made = plan(tmp_path, HEADER + R + SR + BOTH)
    names = made.design.coefficients
    assert names == ("Intercept", "tumour[SR]", "drug[vem]", "tumour[SR]:drug[vem]")
    assert made.weights["r"].tolist() == [0, 0, 1, 0]
    assert made.weights["sr"].tolist() == [0, 0, 1, 1]
    assert made.weights["i"].tolist() == [0, 0, 0, 1]
    assert made.smallest_group == 3


def test_the_estimate_is_test_over_reference(tmp_path: Path) -> None:
    made = plan(tmp_path, HEADER + R + SR + BOTH)
    means = {("R", "vehicle"): 1.0, ("R", "vem"): 4.0, ("SR", "vehicle"): 2.0, ("SR", "vem"): 11.0}
    y = [means[row["tumour"], row["drug"]] for row in made.design.rows]
    beta = np.linalg.lstsq(made.design.matrix, y, rcond=None)[0]
    assert made.weights["r"] @ beta == pytest.approx(3)
    assert made.weights["sr"] @ beta == pytest.approx(9)
    assert made.weights["i"] @ beta == pytest.approx(6)


@pytest.mark.parametrize("design", ["~ tumour * drug", "~ 0 + tumour:drug", "~ drug * tumour"])
def test_weights_mean_the_same_under_any_coding(tmp_path: Path, design: str) -> None:
    made = plan(tmp_path, HEADER + R + SR + BOTH, design=design)
    y = np.random.default_rng(0).normal(size=12)
    beta = np.linalg.lstsq(made.design.matrix, y, rcond=None)[0]
    cell = {k: y[[r["tumour"] + r["drug"] == k for r in made.design.rows]].mean()
            for k in ("Rvem", "Rvehicle", "SRvem", "SRvehicle")}  # fmt: skip
    expected = cell["SRvem"] - cell["SRvehicle"] - cell["Rvem"] + cell["Rvehicle"]
    assert made.weights["i"] @ beta == pytest.approx(expected)


def test_continuous_columns_are_slopes(tmp_path: Path) -> None:
    row = "h\tm\thours=3\thours=1\t\t\t\t\n"
    made = plan(tmp_path, HEADER + row, design="~ drug + hours", continuous=["hours"])
    assert made.weights["h"].tolist() == [0, 0, 2]


def test_the_smallest_group_of_a_slope_is_its_sparser_end(tmp_path: Path) -> None:
    row = "c\tm\thours=3\thours=1\t\t\t\t\n"
    made = plan(tmp_path, HEADER + row, design="~ drug + hours", continuous=["hours"])
    assert made.smallest_group == 4  # twelve samples: four each at 1, 2 and 3 hours


def test_terms_for_the_likelihood_ratio_test(tmp_path: Path) -> None:
    made = plan(tmp_path, HEADER + R)
    names = list(made.design.coefficients)
    left = {"tumour": ["Intercept", "drug[vem]"], "drug": ["Intercept", "tumour[SR]"]}
    left["tumour:drug"] = ["Intercept", "tumour[SR]", "drug[vem]"]
    assert list(made.reduced) == list(left)
    for term, columns in left.items():
        kept = made.design.matrix[:, [names.index(name) for name in columns]]
        np.testing.assert_array_equal(made.reduced[term], kept)


DRUG = "d\tm\tdrug=vem\tdrug=vehicle\t\t\t\t\n"


@pytest.mark.parametrize("design", ["~ 0 + tumour + drug", "~ tumour + drug"])
def test_terms_without_intercept(tmp_path: Path, design: str) -> None:
    """Leaving a factor out leaves the constant in, whichever factor is coded in full."""
    made = plan(tmp_path, HEADER + DRUG, design=design)
    p = made.design.matrix.shape[1]
    assert {term: p - matrix.shape[1] for term, matrix in made.reduced.items()} == {
        "tumour": 1,
        "drug": 1,
    }


def test_a_single_factor_without_intercept(tmp_path: Path) -> None:
    made = plan(tmp_path, HEADER + DRUG, design="~ 0 + drug")
    np.testing.assert_array_equal(made.reduced["drug"], np.ones((12, 1)))


def test_a_slope_through_the_origin_has_nothing_to_leave_out(tmp_path: Path) -> None:
    row = "h\tm\thours=3\thours=1\t\t\t\t\n"
    made = plan(tmp_path, HEADER + row, design="~ 0 + hours", continuous=["hours"])
    assert made.reduced == {}


def test_rows_become_plain_data_and_back(tmp_path: Path) -> None:
    (tmp_path / "c.tsv").write_text(HEADER + SR)
    contrast = read_contrasts(str(tmp_path / "c.tsv"))["sr"]
    assert contrast.expected == {"MAPK": "repressed"}
    assert contrast.group == "g"
    assert contrast.subtract is None
    assert Contrast.from_dict(contrast.as_dict()) == contrast


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("x\tnone\tdrug=vem\tdrug=vehicle\t\t\t\t\n", ["unknown model", "'none'", "m, other"]),
        ("a b\tm\tdrug=vem\tdrug=vehicle\t\t\t\t\n", ["'a b'"]),
        (R + R, ["listed twice", "'r'"]),
        ("x\tm\tdrug=vem\ttumour=R\t\t\t\t\n", ["different columns"]),
        ("x\tm\tdrug=vem\tdrug=vem\t\t\t\t\n", ["are the same"]),
        ("x\tm\tdrug=vom\tdrug=vehicle\t\t\t\t\n", ["matches no sample", "'vom'", "vehicle, vem"]),
        ("x\tm\tdose=1\tdose=2\t\t\t\t\n", ["design does not use", "'dose'"]),
        ("x\tm\tdrug:vem\tdrug:vehicle\t\t\t\t\n", ["can't be read", "'drug:vem'"]),
        ("x\tm\t\tdrug=vehicle\t\t\t\t\n", ["lacks a cell", "column test"]),
        (R + "i\tm\ttumour=SR,drug=vem\ttumour=SR,drug=vehicle\tq\t\t\t\n",
         ["unknown contrast", "'q'"]),
        ("o\tother\tdrug=vem\tdrug=vehicle\t\t\t\t\n"
         "i\tm\ttumour=SR,drug=vem\ttumour=SR,drug=vehicle\to\t\t\t\n", ["another model", "'o'"]),
        ("a\tm\tdrug=vem\tdrug=vehicle\tb\t\t\t\nb\tm\ttumour=SR\ttumour=R\ta\t\t\t\n",
         ["circle"]),
        ("x\tm\tdrug=vem\tdrug=vehicle\t\t\tMAPK:down\t\n", ["'down'", "PATHWAY:activated"]),
    ],
)  # fmt: skip
def test_bad_contrasts_are_refused(tmp_path: Path, rows: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        plan(tmp_path, HEADER + rows)
    for word in [*words, "contrasts.tsv"]:
        assert word in error.value.line()


def test_a_cell_without_replicates(tmp_path: Path) -> None:
    sheet = "\n".join(
        line for line in SHEET.splitlines() if not line.startswith(("SRvem2", "SRvem3"))
    )
    with pytest.raises(ConfigError, match=r"no replicates.*tumour=SR,drug=vem.*1 sample"):
        plan(tmp_path, HEADER + SR, sheet=sheet + "\n")


def test_an_interaction_that_the_design_can_not_tell(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a design with the interaction"):
        plan(tmp_path, HEADER + R + BOTH, design="~ tumour + drug")


def test_an_unknown_column_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "c.tsv").write_text(HEADER.replace("group", "grp") + R)
    with pytest.raises(ConfigError, match=r"unknown column.*'grp'"):
        read_contrasts(str(tmp_path / "c.tsv"))


def test_the_default_study_has_its_nine_contrasts(root: Path, monkeypatch) -> None:
    import yaml

    monkeypatch.chdir(root)
    config = load_config(yaml.safe_load(Path("config/config.yaml").read_text()), source="c")
    contrasts = read_contrasts(config.contrasts)
    plans = plan_models(config, read_sheet(config.samples), contrasts)
    assert len(contrasts) == 9
    assert sum(c.group == "inhibitor_48h" for c in contrasts.values()) == 4
    assert {name: len(p.samples) for name, p in plans.items()} == {
        "in_vitro": 21, "A375_tumour": 8, "A375R_tumour": 12,
    }  # fmt: skip


def test_what_is_subtracted_may_subtract_in_turn(tmp_path: Path) -> None:
    """A difference of differences of differences: the signs alternate all the way down."""
    sheet = "sample\tline\ttumour\tdrug\n" + "".join(
        f"{n}{t}{d}{i}\t{n}\t{t}\t{d}\n"
        for n in ("A", "B") for t in ("R", "SR") for d in ("no", "vem") for i in (1, 2)
    )  # fmt: skip
    rows = [
        ("a", "line=A,tumour=R", "NA"), ("b", "line=A,tumour=SR", "a"),
        ("c", "line=B,tumour=R", "b"), ("d", "line=B,tumour=SR", "c"),
    ]  # fmt: skip
    text = HEADER + "".join(
        f"{name}\tm\t{cell},drug=vem\t{cell},drug=no\t{other}\t\t\t\n" for name, cell, other in rows
    )
    made = plan(tmp_path, text, design="~ line * tumour * drug", sheet=sheet)
    effect = {"a": 1.0, "b": 10.0, "c": 100.0, "d": 1000.0}
    cells = {("A", "R"): "a", ("A", "SR"): "b", ("B", "R"): "c", ("B", "SR"): "d"}
    y = [
        effect[cells[row["line"], row["tumour"]]] if row["drug"] == "vem" else 0.0
        for row in made.design.rows
    ]
    beta = np.linalg.lstsq(made.design.matrix, y, rcond=None)[0]
    found = {name: float(made.weights[name] @ beta) for name in effect}
    assert found == pytest.approx(
        {"a": 1, "b": 10 - 1, "c": 100 - (10 - 1), "d": 1000 - (100 - (10 - 1))}
    )


def test_a_long_chain_of_subtractions_is_no_matter(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(1500)]
    rows = [
        f"{name}\tm\ttumour=R,drug=vem\ttumour=R,drug=vehicle\t{other}\t\t\t\n"
        for name, other in zip(names, ["NA", *names], strict=False)
    ]
    with pytest.raises(ConfigError, match="zero under its design"):
        plan(tmp_path, HEADER + "".join(rows))


@pytest.mark.parametrize("value", ["inf", "nan", "1_0", "1e999", "three", "1,5"])
def test_a_value_of_a_continuous_column_is_a_finite_number(tmp_path: Path, value: str) -> None:
    row = f"h\tm\thours={value}\thours=1\t\t\t\t\n"
    with pytest.raises(ConfigError, match=r"contrasts\.tsv.*hours") as error:
        plan(tmp_path, HEADER + row, design="~ drug + hours", continuous=["hours"])
    assert "number" in error.value.line() or "can't be read" in error.value.line()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (R + R.replace("r\t", "again\t", 1), ["ask the same question", "r and again"]),
        (R + SR.replace("sr\t", "R\t", 1), ["differ in case only", "'r' and 'R'"]),
        (SR + R.replace("\t\t\t\t\n", "\t\tG\t\t\n"), ["column group", "'g' and 'G'"]),
        (R.replace("tumour=R,drug=vem", "tumor=R,drug=vem").replace("tumour=R,", "tumor=R,"),
         ["did you mean 'tumour'"]),
        (R.replace("\tm\t", "\tM\t"), ["did you mean 'm'"]),
        (R.replace("r\t", "NA\t", 1), ["means missing", "line 2"]),
        (R.replace("r\t", "r" * 101 + "\t", 1), ["up to 100 letters"]),
        (R.replace("drug=vem\t", "drug=VEM\t"), ["did you mean 'vem'"]),
        (R.replace("\t\t\t\t\n", "\trr\t\t\t\n"), ["did you mean 'r'"]),
        (R.replace("tumour=R,drug=vem", '"tumour=R,drug=vem'), ["not closed", "line 2"]),
    ],
)  # fmt: skip
def test_slips_in_the_contrasts_table_are_named(
    tmp_path: Path, rows: str, words: list[str]
) -> None:
    with pytest.raises(ConfigError) as error:
        plan(tmp_path, HEADER + rows)
    for word in [*words, "contrasts.tsv"]:
        assert word in error.value.line()


def test_a_quote_loses_no_contrast(tmp_path: Path) -> None:
    """Excel puts quotes around a cell with a comma; a quote in a description hides no row."""
    quoted = R.replace("tumour=R,drug=vem\t", '"tumour=R,drug=vem"\t').replace("\n", '5" dish\n')
    assert set(plan(tmp_path, HEADER + quoted + SR + BOTH).weights) == {"r", "sr", "i"}


def test_a_trend_over_an_ordered_factor_is_a_slope_over_its_ranks(tmp_path: Path) -> None:
    """The example of config/README.md."""
    sheet = "sample\tstage\tstage_rank\tdrug\n" + "".join(
        f"{stage}{i}\t{stage}\t{rank}\t{'ab'[i % 2]}\n"
        for rank, stage in enumerate(("naive", "early", "late"))
        for i in (1, 2, 3)
    )
    trend = "trend\tm\tstage_rank=2\tstage_rank=0\t\t\t\tnaive to late\n"
    made = plan(tmp_path, HEADER + trend, sheet=sheet, design="~ stage_rank",
                continuous=["stage_rank"])  # fmt: skip
    y = [2.0 * float(row["stage_rank"]) + 1 for row in made.design.rows]
    beta = np.linalg.lstsq(made.design.matrix, y, rcond=None)[0]
    assert made.weights["trend"] @ beta == pytest.approx(4)


def test_lines_that_begin_with_a_hash_are_comments(tmp_path: Path) -> None:
    (tmp_path / "contrasts.tsv").write_text(f"# of the first plate\n{HEADER}{R}# not yet: {SR}")
    assert list(read_contrasts(str(tmp_path / "contrasts.tsv"))) == ["r"]
