"""A sample sheet from obs: the same from the file, from memory and from a TSV."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from pathcall.errors import ConfigError
from pathcall.study.obs_sheet import read_obs, rows_of_obs
from pathcall.study.sample_sheet import read_sheet, sheet_of_obs

OBS = pd.DataFrame(
    {
        "drug": pd.Categorical(["dmso", "x", None, "x"]),
        "dose": [0.0, 1.0, 2.5, np.nan],
        "replicate": [1, 2, 1, 2],
        "batch": pd.array([1, None, 2, 2], dtype="Int64"),
        "line": ["A", "A", "B β", "B β"],
        "treated": [False, True, True, True],
        "exclude": ["no", "yes", "no", "no"],
        "pct counts": [1.0, 2.0, 3.0, 4.0],
        "library_size": [1, 2, 3, 4],
    },
    index=["S1", "S2", "S3", "S4"],
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    data = ad.AnnData(np.ones((4, 3)), obs=OBS)
    data.write_h5ad(tmp_path / "study.h5ad")
    return tmp_path / "study.h5ad"


def test_obs_is_a_sheet(path: Path) -> None:
    sheet = read_sheet(path)
    assert sheet.columns == ("drug", "dose", "replicate", "batch", "line", "treated")
    assert sheet.rows["S1"] == {
        "drug": "dmso", "dose": "0", "replicate": "1", "batch": "1", "line": "A", "treated": "False"
    }  # fmt: skip
    assert sheet.rows["S3"]["drug"] == ""
    assert sheet.rows["S3"]["dose"] == "2.5"
    assert sheet.rows["S4"]["dose"] == ""
    assert sheet.rows["S2"]["batch"] == ""
    assert sheet.excluded == {"S2": "no reason given in the sheet"}
    assert sheet.left_out == ("pct counts", "library_size")


def test_file_and_memory_agree(path: Path) -> None:
    rows = rows_of_obs(list(OBS.index), {c: list(OBS[c]) for c in OBS})
    assert rows == read_obs(path)
    assert sheet_of_obs(rows, path) == read_sheet(path)


@pytest.mark.parametrize("content", [None, b"", b"junk"])
def test_what_is_no_h5ad_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x.h5ad").write_bytes(content)
    with pytest.raises(ConfigError, match="does not exist" if content is None else "can't be read"):
        read_sheet(tmp_path / "x.h5ad")


def test_every_sample_once(tmp_path: Path) -> None:
    twice = OBS[["line"]].iloc[:2].set_axis(["S1", "S1"])
    with pytest.warns(UserWarning, match="not unique"):
        data = ad.AnnData(np.ones((2, 1)), obs=twice)
    data.write_h5ad(tmp_path / "x.h5ad")
    with pytest.raises(ConfigError, match="listed twice"):
        read_sheet(tmp_path / "x.h5ad")
