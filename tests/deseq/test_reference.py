"""The fit against R DESeq2 1.38.3 (tests/reference)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.stats import f

from pathcall.deseq import DeseqDataSet
from pathcall.deseq.lrt import likelihood_ratio_tests
from pathcall.stats.size_factors import size_factors
from tests.deseq.fits import SETS, close, contrast, data, fit, table
from tests.project import ROOT

TERMS = {
    "covariate": {"block": ["block_q_vs_p", "block_r_vs_p"], "age": ["age"]},
    "interaction": {"line:drug": ["linem.drugx", "linem.drugy"]},
    "airway": {
        "dex": ["dex_dexamethasone_vs_untreated"],
        "cell": [
            "cell_N061011_vs_N052611",
            "cell_N080611_vs_N052611",
            "cell_N61311_vs_N052611",
        ],
    },
    "slope": {"sex": ["sex_m_vs_f"], "dose": ["dose"]},
}
DESEQ2_TABLES = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="module", params=SETS)
def fitted(request: pytest.FixtureRequest) -> tuple[str, DeseqDataSet]:
    counts, design, _ = data(request.param)
    return request.param, fit(counts, design)


@pytest.mark.parametrize("name", SETS)
def test_size_factors(name: str) -> None:
    """`zero_inflated` has no gene without a zero: R's rule ``poscounts``."""
    counts, _, expected = data(name)
    close(size_factors(counts), expected, rtol=1e-9)
    kind = "poscounts" if name == "zero_inflated" else "ratio"
    assert (counts > 0).all().any() == (kind == "ratio")
    close(size_factors(counts, kind=kind), expected, rtol=1e-9)


def test_dispersions(fitted: tuple[str, DeseqDataSet]) -> None:
    name, dds = fitted
    expected, var = table(name, "genes.tsv.gz", "gene_id"), dds.var
    close(var["_normed_means"], expected["base_mean"], rtol=1e-8)
    close(var["fitted_dispersions"], expected["trend"], rtol=1e-6)
    close(var["dispersions"], expected["final"], rtol=1e-4)
    assert (var["replaced"] == (expected["replaced"] == True)).all()  # noqa: E712 (NA is no)
    # Gene-wise estimates next to the lower bound are at the mercy of rounding, R's and ours.
    solid = expected["gene"] > 1e-6
    close(var["genewise_dispersions"][solid], expected["gene"][solid], rtol=1e-3)


def test_contrasts(fitted: tuple[str, DeseqDataSet]) -> None:
    name, dds = fitted
    results, weights = table(name, "results.tsv.gz"), table(name, "weights.tsv", "contrast")
    for key, row in weights.iterrows():
        expected = results[results["contrast"] == key].set_index("gene_id")
        ours = contrast(dds, row.to_numpy())
        assert (ours["pvalue"].isna() == expected["pvalue"].isna()).all()
        assert (ours["padj"].isna() == expected["padj"].isna()).all()
        # A cell without counts has no finite estimate: R's optimiser stops somewhere on the way.
        known = expected["lfc_se"] < 1
        close(ours["log2fc"][known], expected["log2fc"][known], rtol=5e-5, atol=1e-4)
        close(ours["lfc_se"][known], expected["lfc_se"][known], rtol=1e-3)
        close(ours["stat"], expected["stat"], atol=0.05)
        close(ours["stat"][known], expected["stat"][known], atol=1e-3)
        close(ours["padj"], expected["padj"], atol=1e-4)
        assert ((ours["padj"] < 0.05) == (expected["padj"] < 0.05)).all()


def test_outliers_in_cells_too_small_to_replace_stay_outliers() -> None:
    """Cells of 8, 8, 8 and 4: the distances of the first fit count, of samples not replaceable."""
    counts, design, _ = data("cells_8884")
    dds = fit(counts, design)
    expected = table("cells_8884", "genes.tsv.gz", "gene_id")
    outlier = expected["max_cooks"] > f.ppf(0.99, 3, 25)
    assert list(dds.var_names[dds.cooks_outlier()]) == list(expected.index[outlier])
    assert outlier.sum() >= 10
    assert (dds.var["replaced"] & outlier).sum() >= 10


def compare_ratios(ours: pd.DataFrame, name: str) -> None:
    for term, expected in table(name, "lrt.tsv.gz", "gene_id").groupby("term"):
        mine = ours[ours["term"] == term].set_index("gene_id")
        # R takes means of at least 0.5 for the likelihood of genes that went to its optimiser.
        known = expected["pvalue"].notna() & (
            table(name, "genes.tsv.gz", "gene_id")["base_mean"] > 5
        )
        close(mine["stat"][known], expected["stat"][known], atol=1e-3)
        close(mine["pvalue"][known], expected["pvalue"][known], atol=1e-5)
        assert (mine["pvalue"].isna() == expected["pvalue"].isna()).all()


@pytest.mark.parametrize("name", sorted(TERMS))
def test_likelihood_ratios(name: str) -> None:
    counts, design, _ = data(name)
    reduced = {term: design.drop(columns=c).to_numpy() for term, c in TERMS[name].items()}
    ours = likelihood_ratio_tests(fit(counts, design), reduced)
    compare_ratios(ours, name)
    for term, columns in TERMS[name].items():
        assert (ours.loc[ours["term"] == term, "df"] == len(columns)).all()


def test_likelihood_ratios_without_intercept() -> None:
    """``~ 0 + batch + grp``: leaving `batch` out leaves the constant in."""
    counts, design, _ = data("no_intercept")
    cells = design[["batchp", "batchq", "batchr"]]
    grp = pd.DataFrame({"no": 1 - design["grpyes"], "yes": design["grpyes"]})
    reduced = {"batch": grp.to_numpy(), "grp": cells.to_numpy()}
    ours = likelihood_ratio_tests(fit(counts, design), reduced)
    compare_ratios(ours, "no_intercept")
    assert ours.groupby("term")["df"].first().to_dict() == {"batch": 2, "grp": 1}


def a375() -> tuple[pd.DataFrame, pd.DataFrame, dict[str, npt.NDArray[np.float64]]]:
    counts = pd.read_csv(DESEQ2_TABLES / "A375_36_counts.tsv.gz", sep="\t", index_col=0).T
    sheet = pd.read_csv(DESEQ2_TABLES / "A375_36_samples.tsv", sep="\t", index_col=0)
    group = (sheet["genotype"] + "." + sheet["drug"]).reindex(counts.index)
    levels = sorted(group.unique())
    design = pd.DataFrame({level: (group == level).astype(float) for level in levels})
    cell = dict(zip(levels, np.eye(len(levels)), strict=True))
    contrasts = {f"{d}_vs_none_in_WT": cell[f"WT.{d}"] - cell["WT.none"] for d in ("vem", "comb")}
    contrasts["ARID1A_KO_vs_WT_untreated"] = cell["ARID1A_KO.none"] - cell["WT.none"]
    return counts.loc[:, counts.sum() >= 10], design, contrasts


@pytest.mark.slow
@pytest.mark.skipif(not DESEQ2_TABLES.exists(), reason="no ../shared/data beside the project")
def test_real_study_of_36_samples_matches_deseq2() -> None:
    counts, design, contrasts = a375()
    dds = fit(counts, design, n_cpus=2)
    for name, weights in contrasts.items():
        path = DESEQ2_TABLES / f"A375_36_DESeq2_{name}.tsv.gz"
        expected = pd.read_csv(path, sep="\t", index_col=0)
        ours = contrast(dds, weights).reindex(expected.index)
        a, b = set(ours.index[ours["padj"] < 0.05]), set(expected.index[expected["padj"] < 0.05])
        assert len(a & b) / len(a | b) >= 0.985
        both = ours["stat"].notna() & expected["stat"].notna()
        assert np.corrcoef(ours["stat"][both], expected["stat"][both])[0, 1] >= 0.9995
