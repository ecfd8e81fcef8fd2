import pandas as pd
import pytest

from pathcall.drafting.given_sheet import read_given_obs, read_given_sheet
from pathcall.errors import ConfigError

NAMES = ["a1", "a2", "b1", "b2"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx"])
def test_the_sample_column_is_found_by_its_content(tmp_path, ending):
    frame = pd.DataFrame(
        {"Group": ["x", "x", "y", "y"], "Sample ID": NAMES, "Age (y)": [1, 2, 3, 4]}
    )
    path = tmp_path / f"sheet.{ending}"
    if ending == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
    sheet, excluded, left = read_given_sheet(str(path), NAMES)
    assert list(sheet.index) == NAMES
    assert list(sheet.columns) == ["group", "age_y"]
    assert (excluded, left) == ({}, [])


def test_samples_of_one_side_only_are_said(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("sample,drug\na1,x\na2,x\nb1,y\nzz,y\n")
    sheet, _, left = read_given_sheet(str(path), NAMES)
    assert list(sheet.index) == ["a1", "a2", "b1"]
    assert left == [
        "1 samples of the sheet have no counts: zz.",
        "1 samples of the counts are not in the sheet: b2.",
    ]


def test_excluded_samples_keep_their_reason(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("sample,drug,exclude,exclude_reason\na1,x,yes,low\na2,x,no,\nb1,y,,\nb2,y,,\n")
    sheet, excluded, _ = read_given_sheet(str(path), NAMES)
    assert excluded == {"a1": "low"}
    assert list(sheet.columns) == ["drug"]


def test_a_sheet_of_other_samples(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("sample,drug\nq1,x\nq2,y\n")
    with pytest.raises(ConfigError, match="no column of the sheet names the samples"):
        read_given_sheet(str(path), NAMES)


def test_obs_gives_what_varies_and_is_no_measurement(tmp_path):
    import anndata as ad
    import numpy as np

    obs = pd.DataFrame(
        {"drug": list("xxyy"), "constant": ["k"] * 4, "pct_mito": [0.1, 0.2, 0.3, 0.4]},
        index=NAMES,
    )
    ad.AnnData(np.ones((4, 2)), obs=obs).write_h5ad(tmp_path / "x.h5ad")
    found = read_given_obs(tmp_path / "x.h5ad")
    assert found is not None
    assert list(found.columns) == ["drug"]
