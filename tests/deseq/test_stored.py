"""A model's file is read as anndata reads it."""

from dataclasses import fields
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest

from pathcall.deseq.fitted import fitted_model
from pathcall.deseq.stored import read_stored
from pathcall.signatures.panel import load_panel
from tests.calls_data import PANEL, simulated_model
from tests.fitted_models import write_model


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.h5ad"
    model = simulated_model(load_panel(PANEL), {})
    model.symbols.iloc[3] = np.nan
    write_model(model, path)
    return path


def test_a_model_is_what_anndata_reads(path: Path) -> None:
    ours, theirs = fitted_model(read_stored(path)), fitted_model(ad.read_h5ad(path))
    for field in fields(theirs):
        one, other = getattr(ours, field.name), getattr(theirs, field.name)
        if isinstance(other, pd.DataFrame):
            pd.testing.assert_frame_equal(one, other)
        elif isinstance(other, pd.Series):
            pd.testing.assert_series_equal(one, other)
        elif field.name == "contrasts":
            assert {k: list(v) for k, v in one.items()} == {k: list(v) for k, v in other.items()}
        else:
            assert one == other
    assert ours.symbols.isna().sum() == 1


def test_missing_values_are_missing(tmp_path: Path, path: Path) -> None:
    data = ad.read_h5ad(path)
    data.obs["level"] = pd.Categorical(["a", None] * (data.n_obs // 2))
    data.var["settled"] = pd.array([True, None] * (data.n_vars // 2), dtype="boolean")
    data.write_h5ad(tmp_path / "other.h5ad")
    stored = read_stored(tmp_path / "other.h5ad")
    assert stored.obs["level"].isna().tolist() == data.obs["level"].isna().tolist()
    assert stored.var["settled"].isna().tolist() == data.var["settled"].isna().tolist()


def test_what_is_not_written_here_is_not_guessed(tmp_path: Path, path: Path) -> None:
    other = tmp_path / "other.h5ad"
    other.write_bytes(path.read_bytes())
    with h5py.File(other, "r+") as file:
        file["X"].attrs["encoding-type"] = "csr_matrix"
    with pytest.raises(ValueError, match="csr_matrix is not read here"):
        read_stored(other)
