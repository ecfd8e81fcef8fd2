"""Normalisation factors from average transcript lengths, against R DESeq2 after tximport."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from pathcall.deseq import DeseqDataSet
from pathcall.deseq.fit_models import contrast_table, fit_dataset
from pathcall.deseq.fitted import write_dataset
from pathcall.deseq.lrt import likelihood_ratio_tests
from tests.deseq.fits import close, contrast, data, dataset, fit, table


@pytest.fixture(scope="module")
def fitted() -> DeseqDataSet:
    counts, design, _ = data("lengths")
    dds = dataset(counts, design)
    dds.layers["avg_tx_length"] = table("lengths", "lengths.tsv.gz", "gene_id").T.to_numpy()
    dds.deseq2()
    return dds


def test_factors_dispersions_and_replaced_counts(fitted: DeseqDataSet) -> None:
    factors = table("lengths", "normalization_factors.tsv.gz", "gene_id").T
    np.testing.assert_allclose(fitted.factors, factors.to_numpy(), rtol=1e-10)
    close(fitted.obs["size_factors"], data("lengths")[2], rtol=1e-10)
    expected, var = table("lengths", "genes.tsv.gz", "gene_id"), fitted.var
    close(var["_normed_means"], expected["base_mean"], rtol=1e-8)
    close(var["fitted_dispersions"], expected["trend"], rtol=1e-6)
    close(var["dispersions"], expected["final"], rtol=1e-6)
    assert (var["replaced"] == (expected["replaced"] == True)).all()  # noqa: E712 (NA is no)
    assert var["replaced"].sum() >= 10


def test_log2fc_and_p_match_deseq2(fitted: DeseqDataSet) -> None:
    expected, ours = table("lengths", "results.tsv.gz", "gene_id"), contrast(fitted, [0, 1])
    for column in ("log2fc", "lfc_se", "stat", "pvalue", "padj"):
        close(ours[column], expected[column], atol=1e-6, rtol=0)  # NaN where R has NA
    # They are not what counts alone give.
    counts, design, _ = data("lengths")
    plain = contrast(fit(counts, design), [0, 1])
    assert (plain["log2fc"] - ours["log2fc"]).abs().median() > 0.2


def test_vst_matches_deseq2(fitted: DeseqDataSet) -> None:
    fitted.vst(n_sub=200)
    expected = table("lengths", "vst.tsv.gz", "gene_id").T
    np.testing.assert_allclose(fitted.layers["vst_counts"], expected.to_numpy(), atol=1e-7)


def test_equal_lengths_are_size_factors() -> None:
    """All steps, shrinkage and likelihood ratios, with factors given in either way."""
    counts, design, _ = data("lengths")
    flat, plain = dataset(counts, design), dataset(counts, design)
    flat.layers["avg_tx_length"] = np.full(counts.shape, 1000.0)
    flat.deseq2()
    plain.obs["size_factors"] = flat.obs["size_factors"]
    plain._normalise()
    for step in (
        "fit_genewise_dispersions", "fit_dispersion_trend", "fit_dispersion_prior",
        "fit_MAP_dispersions", "fit_LFC", "calculate_cooks", "refit", "cooks_outlier",
    ):  # fmt: skip
        getattr(plain, step)()
    assert plain.var["replaced"].sum() >= 10
    pd.testing.assert_frame_equal(contrast(flat, [0, 1]), contrast(plain, [0, 1]), rtol=1e-6)
    null = {"b": design.iloc[:, :1].to_numpy()}
    ratios = [likelihood_ratio_tests(dds, null)["stat"] for dds in (flat, plain)]
    close(*ratios, rtol=1e-6, atol=1e-8)


def test_shrinkage_and_likelihood_ratios_take_them_too(fitted: DeseqDataSet) -> None:
    table, design = contrast(fitted, [0, 1]), fitted.obsm["design_matrix"]
    clear = (table["stat"].abs() > 6) & (table["lfc_se"] < 0.3)
    assert clear.sum() > 20
    close(table["log2fc_shrunk"][clear], table["log2fc"][clear], atol=0.2)
    ratios = likelihood_ratio_tests(fitted, {"b": design.iloc[:, :1].to_numpy()})
    ratios = ratios.set_index("gene_id")["stat"]
    assert np.corrcoef(ratios[clear], table["stat"][clear] ** 2)[0, 1] > 0.9


def test_the_workflow_fits_and_keeps_them(tmp_path: Path) -> None:
    counts, design, _ = data("lengths")
    lengths = table("lengths", "lengths.tsv.gz", "gene_id").T.to_numpy()
    dds = fit_dataset(
        counts, design.astype(str), design, expressed=np.ones(counts.shape[1], dtype=bool),
        lengths=lengths,
    )  # fmt: skip
    expected = table("lengths", "results.tsv.gz", "gene_id")
    before = contrast_table(dds, np.array([0.0, 1.0]), alpha=0.05)
    close(before["pvalue"], expected["pvalue"], atol=1e-6)
    dds.uns["pathcall"] = {"coefficients": list(design.columns)}
    write_dataset(dds, tmp_path / "m.h5ad")
    read = ad.read_h5ad(tmp_path / "m.h5ad")
    again = DeseqDataSet(adata=read, design=read.obsm["design_matrix"], n_cpus=1, quiet=True,
                         low_memory=True)  # fmt: skip
    pd.testing.assert_frame_equal(contrast(again, [0, 1]), before)
