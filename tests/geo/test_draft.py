import pandas as pd
import pytest

from pathcall.errors import ConfigError, InputError
from pathcall.geo import draft
from pathcall.geo import soft as geo
from pathcall.geo.options import DownloadOptions
from pathcall.study.sample_sheet import read_sheet
from tests.fake_geo import Study, pack, serve


def make(study, tmp_path):
    """The draft as a user meets it: written, then read as a sample sheet."""
    out = tmp_path / "draft" / "samples.tsv"
    with serve({study.soft_path: pack(study.soft())}) as server:
        how = DownloadOptions(mirrors=server.mirrors, retries=0)
        draft.draft_sheet(study.accession, folder=tmp_path / "r", options=how, out=out)
    sheet = read_sheet(out)
    table = pd.read_csv(out, sep="\t", dtype=str, keep_default_na=False)
    return sheet, table


def lines(*pairs):
    return [f"!Sample_characteristics_ch1 = {key}: {value}" for key, value in pairs]


def test_constant_characteristics_are_left_out_and_replicates_grouped(tmp_path):
    sheet, table = make(Study(), tmp_path)
    assert list(table.columns) == [
        "sample", "title", "treatment", "group", "replicate", "exclude", "exclude_reason", "note",
    ]  # fmt: skip
    assert table["group"].tolist() == ["vehicle", "drug"] * 3
    assert table["replicate"].tolist() == ["1", "1", "2", "2", "3", "3"]
    assert "guess" in table["note"][0]
    assert sheet.columns == ("title", "treatment", "group", "replicate", "note")


def test_airway_like_donors_are_not_groups(tmp_path):
    """As GSE52778: four donors, two treatments, titles of donor and treatment."""
    donors = ["N61311", "N052611", "N080611", "N061011"]
    study = Study(
        n_samples=16,
        sample_lines=lambda i: lines(
            ("tissue", "human airway smooth muscle cells"),
            ("treatment", ["Untreated", "Dexamethasone", "Albuterol", "Albuterol_Dex"][i % 4]),
            ("ercc_mix", "1/-"),
            ("cell line", donors[i // 4]),
        ),
        title=lambda i: f"{donors[i // 4]}_{['untreated', 'Dex', 'Alb', 'Alb_Dex'][i % 4]}",
    )
    _, table = make(study, tmp_path)
    assert table["group"].nunique() == 4
    assert table.groupby("group")["treatment"].nunique().max() == 1
    assert "ercc_mix" not in table
    assert "not by cell_line (a donor or batch?)" in table["note"][0]


def test_titles_split_what_characteristics_do_not(tmp_path):
    study = Study(
        n_samples=8,
        sample_lines=lambda i: lines(("drug", "vem" if i >= 4 else "vehicle")),
        title=lambda i: (
            f"A375R_{'SR' if i % 4 >= 2 else 'Ronly'}_{'vem' if i >= 4 else 'veh'}_rep{i % 2 + 1}"
        ),
    )
    _, table = make(study, tmp_path)
    assert table["group"].nunique() == 4
    assert table["group"][0] == "a375r_ronly_veh"


def test_without_characteristics_titles_group(tmp_path):
    study = Study(sample_lines=lambda i: [], title=lambda i: f"{'ko' if i < 3 else 'wt'}, {i % 3}")
    _, table = make(study, tmp_path)
    assert table["group"].tolist() == ["ko"] * 3 + ["wt"] * 3


def test_form_is_right_whatever_the_values_hold(tmp_path):
    study = Study(
        sample_lines=lambda i: lines(
            ("sample", f"x{i % 2}"),
            ("1st dose (µM)", ["1,5 = low", 'say "high"'][i % 2]),
            ("Cell-Line", ["a", "b"][i % 2]),
            ("cell line", ["a", ""][i % 2]),
        )
    )
    sheet, table = make(study, tmp_path)
    assert sheet.columns[1:5] == ("sample_geo", "c_1st_dose_um", "cell_line", "cell_line_2")
    assert table["c_1st_dose_um"][0] == "1;5 : low"
    assert table["cell_line_2"][1] == "NA"


def test_other_assays_are_excluded_with_a_reason(tmp_path):
    study = Study()
    text = study.soft()
    head, _, tail = text.rpartition("!Sample_library_strategy = RNA-Seq")
    path = tmp_path / "x.soft.gz"
    path.write_bytes(pack(f"{head}!Sample_library_strategy = ChIP-Seq{tail}"))
    series = geo.read_soft(path)
    table = draft.draft(series, series.samples)
    assert table["exclude"].tolist() == ["no"] * 5 + ["yes"]
    assert table["exclude_reason"].iloc[-1] == "library strategy ChIP-Seq"


def test_superseries_point_to_their_subseries(tmp_path):
    study = Study(
        extra=[f"!Series_relation = SuperSeries of: {name}" for name in ("GSE90003", "GSE90004")]
    )
    with pytest.raises(InputError, match="GSE90003, GSE90004") as caught:
        make(study, tmp_path)
    assert "--config study=GSE90003" in caught.value.fix
    assert not (tmp_path / "draft").exists()


def test_organisms_and_platforms_are_split_into_drafts_of_their_own(tmp_path):
    study = Study(
        sample_lines=lambda i: [
            f"!Sample_organism_ch1 = {'Mus musculus' if i >= 4 else 'Homo sapiens'}",
            f"!Sample_platform_id = GPL{1 if i < 2 else 2}",
            *lines(("treatment", "drug" if i % 2 else "vehicle")),
        ]
    )
    with pytest.raises(InputError, match="several organisms or platforms") as caught:
        make(study, tmp_path)
    names = sorted(path.name for path in (tmp_path / "draft").iterdir())
    assert names == [
        "samples_Homo_sapiens_GPL1.tsv", "samples_Homo_sapiens_GPL2.tsv",
        "samples_Mus_musculus_GPL2.tsv",
    ]  # fmt: skip
    assert "samples_Mus_musculus_GPL2.tsv (2 samples)" in caught.value.where
    for name in names:
        assert len(read_sheet(tmp_path / "draft" / name).rows) == 2


def test_a_name_that_is_no_accession(tmp_path):
    with pytest.raises(ConfigError, match="GEO series accession"):
        draft.draft_sheet("airway", folder=tmp_path, options=DownloadOptions(), out=tmp_path / "x")


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("A375 vem rep1", "A375 vem"),
        ("A375_vem_biological replicate 2", "A375_vem"),
        ("A375 vem (n=3)", "A375 vem (n=3)"),
        ("ctrl-rep-2", "ctrl"),
        ("ctrl tech rep 3", "ctrl"),
        ("ctrlRep2", "ctrl"),
        ("ctrl no. 3", "ctrl"),
        ("ctrl 1", "ctrl"),
        ("ctrl, 1a", "ctrl"),
        ("ctrl sample_4)", "ctrl"),
        ("ctrl s2", "ctrl"),
        ("day7", "day7"),
    ],
)
def test_the_number_of_a_replicate_is_taken_off_a_title(title, stem):
    assert draft._REPLICATE.sub("", title) == stem


def test_a_title_of_dashes_takes_no_time():
    for sign in "- _.(":
        assert draft._REPLICATE.sub("", f"x{sign * 100_000}y").endswith("y")
