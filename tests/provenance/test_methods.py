import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from markupsafe import escape

from pathcall.deseq.fitted import FittedModel, read_model
from pathcall.provenance.methods import config_text, methods_text, software_table, write_provenance
from pathcall.report.markdown import render
from pathcall.study.config import load_config
from pathcall.study.contrasts import Contrast
from pathcall.tables import INPUTS, SOFTWARE, read_table, write_table
from tests.fitted_models import write_model

CONFIG = {
    "study": "GSE1",
    "samples": "s.tsv",
    "contrasts": "c.tsv",
    "models": {"m": {"design": "~ drug"}},
}
CONTRAST = Contrast("c1", "m", {"drug": "vem"}, {"drug": "vehicle"}, None, None, {}, "")


@pytest.fixture
def model() -> FittedModel:
    samples = pd.DataFrame({"drug": ["vem", "vem", "vehicle", "vehicle"]}, index=list("abcd"))
    genes = ["g1", "g2"]
    counts = pd.DataFrame([[1, 2], [3, 4], [5, 6], [7, 8]], index=samples.index, columns=genes)
    return FittedModel(
        name="m",
        formula="~ drug",
        samples=samples,
        counts=counts,
        vst=np.log2(counts + 1.0),
        symbols=pd.Series(["TP53", np.nan], index=genes, dtype=object),
        size_factors=pd.Series([1.0, 0.5, 2.0, 1 / 3], index=samples.index),
        dispersions=pd.Series([0.1, 0.2], index=genes),
        base_mean=pd.Series([4.0, 5.0], index=genes),
        design=pd.DataFrame({"Intercept": 1.0, "drug[vem]": [1.0, 1, 0, 0]}, index=samples.index),
        contrasts={"c1": np.array([0.0, 1.0])},
    )


def inputs(kind: str) -> pd.DataFrame:
    row = ("f.tsv.gz", None, "ncbi", 3, "0" * 64, None, kind, None)
    return pd.DataFrame([row], columns=list(INPUTS.columns))


@pytest.mark.parametrize(
    "level", ["[x](https://evil)", "https://evil", "**x**", "a`[x](https://b)"]
)
def test_a_level_makes_no_link_in_the_methods(model: FittedModel, level: str) -> None:
    contrast = replace(CONTRAST, test={"drug": level})
    text = methods_text(
        load_config(CONFIG, source="c"), [contrast], inputs=inputs("real"),
        software=software_table(), models=[model],
    )  # fmt: skip
    html = render("\n".join(line for line in text.splitlines() if "**Contrasts.**" in line))
    assert "evil" not in "".join(re.findall(r"<a [^>]*>", html))
    assert f"<code>drug={escape(level.replace('`', chr(39)))}</code>" in html
    assert "<a " not in html


def test_a_fitted_model_is_read_back_exactly(tmp_path: Path, model: FittedModel) -> None:
    path = tmp_path / "models" / "m.h5ad"
    write_model(model, path)
    back = read_model(path)
    assert (back.name, back.formula, back.residual_df) == ("m", "~ drug", 2)
    pd.testing.assert_frame_equal(back.counts, model.counts, check_names=False)
    pd.testing.assert_frame_equal(back.vst, model.vst, check_exact=True, check_names=False)
    pd.testing.assert_frame_equal(back.design, model.design, check_names=False)
    pd.testing.assert_frame_equal(back.samples, model.samples, check_names=False)
    assert back.symbols.tolist()[0] == "TP53"
    assert pd.isna(back.symbols.tolist()[1])
    assert back.size_factors.tolist() == model.size_factors.tolist()
    assert back.contrasts["c1"].tolist() == [0.0, 1.0]


def test_software_is_listed_with_versions() -> None:
    table = SOFTWARE.validate(software_table())
    names = set(table["name"])
    assert {"pathcall", "python", "pydeseq2", "gseapy", "GEOparse"} <= names
    assert names - set(software_table(geo_metadata=False)["name"]) == {"GEOparse"}


def test_the_effective_config_reads_back() -> None:
    config = load_config(CONFIG, source="c").model_dump(mode="json")
    assert yaml.safe_load(config_text(config)) == config


@pytest.mark.parametrize("kind", ["simulated", "embedded", "real"])
def test_methods_say_what_was_run(tmp_path: Path, model: FittedModel, kind: str) -> None:
    text = methods_text(
        load_config(CONFIG, source="c"),
        [CONTRAST],
        inputs=inputs(kind),
        software=software_table(),
        models=[model],
    )
    assert "4 samples" in text
    assert "`~ drug`" in text
    assert "drug=vem against drug=vehicle" in text
    assert ("Nature of the data" in text) == (kind != "real")
    assert ("no statement about biology" in text) == (kind == "simulated")


def test_the_step_writes_its_three_files(tmp_path: Path, model: FittedModel) -> None:
    write_model(model, tmp_path / "m.h5ad")
    write_table(inputs("real"), tmp_path / "inputs.tsv", INPUTS)
    out = {key: str(tmp_path / "out" / key) for key in ("software", "config", "methods")}
    write_provenance(
        load_config(CONFIG, source="c").model_dump(mode="json"),
        [CONTRAST.as_dict()],
        inputs=str(tmp_path / "inputs.tsv"),
        models=[str(tmp_path / "m.h5ad")],
        out=out,
    )
    read_table(out["software"], SOFTWARE)
    assert "GSE1" in Path(out["methods"]).read_text()


def test_methods_say_what_was_rounded_and_which_factors(model: FittedModel) -> None:
    table = inputs("real")
    table["note"] = "x | estimated counts: 12,345 decimal values rounded half to even | y"
    lengths = table.assign(source="lengths", note=None)
    texts = [
        methods_text(
            load_config(CONFIG, source="c"), [CONTRAST], inputs=given, software=software_table(),
            models=[model],
        )
        for given in (inputs("real"), pd.concat([table, lengths], ignore_index=True))
    ]  # fmt: skip
    assert "counts from source `ncbi`." in texts[1]
    for words in (
        "They are estimated counts: 12,345 decimal values rounded half to even.",
        "normalisation factors of each gene and sample from average transcript lengths",
    ):
        assert words not in texts[0]
        assert words in texts[1]
