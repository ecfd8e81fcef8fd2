"""The workflow's fit, from counts to its files, with both engines."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from pathcall.deseq.fit_models import Engine, fit_study_model
from pathcall.deseq.fitted import read_model, write_dataset
from pathcall.study.config import FilterConfig, ModelConfig
from pathcall.study.contrasts import Contrast
from pathcall.tables import DE, LRT, write_table
from tests.deseq.fits import simulated, two_groups


def assembled() -> ad.AnnData:
    design = two_groups(4)
    counts = simulated(design, 120).assign(silent=0)
    obs = pd.DataFrame(
        {"drug": np.repeat(["none", "a/b"], 4), "included": "yes", "reason": ""}, counts.index
    )
    var = pd.DataFrame({"symbol": ["", *counts.columns[1:]]}, counts.columns)
    return ad.AnnData(counts.to_numpy(), obs, var)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ["exact", "pydeseq2"])
def test_a_model_is_fitted_and_written(tmp_path: Path, engine: Engine) -> None:
    contrast = Contrast("c", "m", {"drug": "a/b"}, {"drug": "none"}, None, None, {}, "")
    fitted, tables, lrt = fit_study_model(
        assembled(), name="m", model=ModelConfig(design="~ drug"), contrasts={"c": contrast},
        gene_filter=FilterConfig(), alpha=0.05, engine=engine,
    )  # fmt: skip
    write_table(tables["c"], tmp_path / "c.tsv", DE)
    write_table(lrt, tmp_path / "lrt.tsv", LRT)
    write_dataset(fitted, tmp_path / "m.h5ad")
    table = tables["c"].set_index("gene_id")
    assert len(table) == 121
    assert table.loc["silent"].drop("outlier").isna()["base_mean"]
    assert table["padj"].notna().sum() > 80
    # pydeseq2 has no likelihood-ratio test.
    assert len(lrt) == (0 if engine == "pydeseq2" else fitted.n_vars)
    model = read_model(tmp_path / "m.h5ad")
    assert list(model.samples.columns) == ["drug"]
    assert pd.isna(model.symbols.iloc[0])
    assert np.isfinite(model.vst.to_numpy()).all()
    assert fitted.uns["pathcall"]["engine"] == engine
