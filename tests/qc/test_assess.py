from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from pathcall.counts.matrix import assemble_counts
from pathcall.qc.assess import Quality, assess_quality
from pathcall.qc.sample_table import sample_table
from pathcall.signatures.panel import load_panel
from pathcall.study.sample_sheet import read_sheet
from pathcall.tables import QC_CORRELATION, QC_FLAGS, QC_METRICS, QC_PCA, SAMPLES

DEMO = {"factors": ["dex"], "blocks": ["cell"]}


@pytest.fixture(scope="module")
def airway(root: Path) -> ad.AnnData:
    counts = pd.read_csv(root / "resources/demo/GSE52778_counts.tsv.gz", sep="\t", index_col=0)
    gene_ids = load_panel(root / "resources/panel").gene_ids
    sheet = read_sheet(root / "config/demo/samples.tsv")
    return assemble_counts(counts, sheet, gene_ids, where="demo").data


@pytest.fixture(scope="module")
def clean(airway: ad.AnnData) -> Quality:
    return assess_quality(airway, **DEMO)


def flagged(data: ad.AnnData, name: str) -> set[str]:
    flags = assess_quality(data, **DEMO).flags
    return set(flags.loc[flags["flag"] == name, "sample"])


def test_tables_fit_their_schemas(airway: ad.AnnData, clean: Quality) -> None:
    for frame, schema in (
        (clean.metrics, QC_METRICS),
        (clean.pca, QC_PCA),
        (clean.correlation, QC_CORRELATION),
        (clean.flags, QC_FLAGS),
        (sample_table(airway, clean.size_factors), SAMPLES),
    ):
        schema.validate(frame)


def test_clean_data_has_no_flags(clean: Quality) -> None:
    assert len(clean.flags) == 0


def test_metrics_are_those_of_the_counts(airway: ad.AnnData, clean: Quality) -> None:
    counts = np.asarray(airway.X)
    assert clean.metrics["library_size"].tolist() == counts.sum(axis=1).tolist()
    assert clean.metrics["n_genes"].tolist() == (counts > 0).sum(axis=1).tolist()
    assert clean.metrics["pct_mitochondrial"].between(1, 10).all()


def test_principal_components(clean: Quality) -> None:
    wide = clean.pca.pivot_table(index="sample", columns="component", values="score")
    cross = wide.T @ wide
    assert np.allclose(cross - np.diag(np.diag(cross)), 0, atol=1e-6 * np.diag(cross).max())
    share = clean.pca.drop_duplicates("component")["explained_variance"]
    assert share.is_monotonic_decreasing
    assert share.sum() == pytest.approx(1)


def test_the_result_does_not_depend_on_the_run(airway: ad.AnnData, clean: Quality) -> None:
    again = assess_quality(airway, **DEMO)
    pd.testing.assert_frame_equal(again.pca, clean.pca, check_exact=True)


def swap(data: ad.AnnData, one: str, two: str, column: str = "dex") -> None:
    labels = data.obs[column].copy()
    data.obs.loc[[one, two], column] = labels[[two, one]].to_numpy()


def thin(data: ad.AnnData) -> None:
    rng = np.random.default_rng(0)
    data.X[0] = rng.binomial(data.X[0], 0.02)


def copy(data: ad.AnnData) -> None:
    data.X[3] = data.X[1]


def scramble(data: ad.AnnData) -> None:
    rng = np.random.default_rng(0)
    strong = np.argsort(data.X[2])[-12000:]
    data.X[2, strong] = rng.permutation(data.X[2, strong])


@pytest.mark.parametrize(
    ("plant", "flag", "expected"),
    [
        (lambda d: swap(d, "GSM1275862", "GSM1275863"), "sits_with_other_group",
         {"GSM1275862", "GSM1275863"}),
        (lambda d: swap(d, "GSM1275862", "GSM1275867", "cell"), "donor",
         {"GSM1275862", "GSM1275863", "GSM1275866", "GSM1275867"}),
        (thin, "library_size", {"GSM1275862"}),
        (thin, "few_genes", {"GSM1275862"}),
        (copy, "duplicate", {"GSM1275863", "GSM1275867"}),
        (scramble, "outlier", {"GSM1275866"}),
    ],
    ids=["swapped", "donors", "small library", "few genes", "duplicate", "outlier"],
)  # fmt: skip
def test_planted_faults_are_flagged(
    airway: ad.AnnData, plant: Callable[[ad.AnnData], None], flag: str, expected: set[str]
) -> None:
    data = airway.copy()
    plant(data)
    assert flagged(data, flag) == expected


def test_excluded_samples_are_listed_but_not_measured(airway: ad.AnnData) -> None:
    data = airway.copy()
    data.obs.loc["GSM1275862", ["included", "reason"]] = ["no", "failed"]
    data.uns["not_in_sheet"] = ["other"]
    quality = assess_quality(data, **DEMO)
    assert "GSM1275862" not in set(quality.metrics["sample"])
    metadata = pd.DataFrame({"cell_line": ["x"]}, index=["GSM1275862"])
    table = sample_table(data, quality.size_factors, metadata).set_index("sample")
    assert table.loc["GSM1275862", "included"] == "no"
    assert table.loc["GSM1275862", "reason"] == "failed"
    assert np.isnan(table.loc["GSM1275862", "size_factor"])
    assert table.loc["GSM1275862", "geo_cell_line"] == "x"
    assert table.loc["other", "reason"] == "not in the sample sheet"


@pytest.mark.slow
def test_simulated_counts_of_a_real_sheet_have_no_severe_flag(shared: Path, root: Path) -> None:
    folder = shared / "geo-mirror/www.ncbi.nlm.nih.gov/geo/download"
    counts = pd.read_csv(
        folder / "GSE64741_raw_counts_GRCh38.p13_NCBI.tsv.gz", sep="\t", index_col=0
    )
    gene_ids = load_panel(root / "resources/panel").gene_ids
    sheet = read_sheet(root / "config/samples.tsv")
    data = assemble_counts(counts, sheet, gene_ids, where="mirror").data
    in_vitro = data.obs["system"] == "in_vitro"
    tumours = data.obs["cell_line"].where(~in_vitro)
    groups = [in_vitro, tumours == "A375", tumours == "A375R"]
    models = [data.obs_names[group.to_numpy()].tolist() for group in groups]
    factors = ["tumour", "drug", "condition"]
    clean = assess_quality(data, factors=factors, models=models).flags
    assert len(clean) <= 4
    assert not (clean["severity"] == "severe").any()
    swapped = data.copy()
    columns = ["drug", "condition"]
    one, two = "GSM1579147", "GSM1579153"  # A375: vehicle, vemurafenib 48 h
    swapped.obs.loc[[one, two], columns] = data.obs.loc[[two, one], columns].to_numpy()
    flags = assess_quality(swapped, factors=factors, models=models).flags
    assert {one, two} <= set(flags["sample"])


def test_samples_without_sheet_or_counts_are_listed_with_the_reason(
    airway: ad.AnnData, clean: Quality
) -> None:
    data = airway.copy()
    data.uns["not_in_sheet"] = ["GSM1"]
    data.uns["no_counts"] = ["GSM2", "GSM3"]
    table = sample_table(data, clean.size_factors)
    assert list(table["sample"]) == [*data.obs_names, "GSM1", "GSM2", "GSM3"]
    outside = table.set_index("sample").loc[["GSM1", "GSM2", "GSM3"]]
    assert list(outside["included"]) == ["no"] * 3
    assert list(outside["reason"]) == ["not in the sample sheet", *["excluded; no counts"] * 2]
    assert outside["library_size"].isna().all()
    assert list(table.index) == list(range(len(table)))
    assert list(table.columns[:5]) == list(SAMPLES.columns)
    assert len(SAMPLES.validate(table)) == len(table)


def test_a_batch_that_equals_the_treatment_is_named_once(airway: ad.AnnData) -> None:
    data = airway.copy()
    data.obs["seq_date"] = ["monday" if d == "untreated" else "friday" for d in data.obs["dex"]]
    flags = assess_quality(data, **DEMO).flags
    assert list(flags["flag"]) == ["confounded"]
    assert QC_FLAGS.validate(flags)["sample"].tolist() == ["(all samples)"]


def test_sex_that_the_genes_contradict(airway: ad.AnnData) -> None:
    data = airway.copy()
    # By expression one donor is female, three are male.
    female = set(data.obs_names[data.obs["cell"] == "N061011"])
    for sex, expected in (("male", female), ("female", set(data.obs_names) - female)):
        metadata = pd.DataFrame({"sex": sex}, data.obs_names)
        flags = assess_quality(data, **DEMO, metadata=metadata).flags
        assert set(flags["flag"]) == {"sex"}
        assert set(flags["sample"]) == expected
