"""What must hold of a fit whatever the data, and what cannot be fitted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pathcall.deseq.lrt import COLUMNS, likelihood_ratio_tests
from pathcall.errors import PathcallError
from pathcall.stats.size_factors import size_factors
from tests.deseq.fits import close, contrast, factorial, fit, simulated, two_groups


def test_results_do_not_depend_on_threads() -> None:
    design = factorial().assign(age=np.random.default_rng(3).normal(size=12))
    counts = simulated(factorial(), 1300)
    one, two = (fit(counts, design, n_cpus=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one.varm["LFC"], two.varm["LFC"], check_exact=True)
    for weights in ([0, 1, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 1]):
        tables = [contrast(dds, weights) for dds in (one, two)]
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    reduced = {term: design.drop(columns=term).to_numpy() for term in ("a:b", "age")}
    ratios = [likelihood_ratio_tests(dds, reduced) for dds in (one, two)]
    pd.testing.assert_frame_equal(*ratios, check_exact=True)


def test_coding_of_the_design_does_not_matter() -> None:
    """Cell means or treatment coding: the same contrast, the same answer."""
    design = factorial()
    counts = simulated(design, 400)
    cells = pd.DataFrame(
        {
            "00": (1 - design["a"]) * (1 - design["b"]),
            "01": (1 - design["a"]) * design["b"],
            "10": design["a"] * (1 - design["b"]),
            "11": design["a"] * design["b"],
        }
    )
    treatment = contrast(fit(counts, design), [0, 1, 0, 1])
    means = contrast(fit(counts, cells), [0, -1, 0, 1])
    for column in ("log2fc", "lfc_se", "stat"):
        close(treatment[column], means[column], atol=1e-4, rtol=1e-4)
    # Shrinkage puts its wide prior on other coefficients in the two codings.
    close(treatment["log2fc_shrunk"], means["log2fc_shrunk"], atol=0.02, rtol=0.02)


def test_order_of_genes_does_not_matter() -> None:
    counts = simulated(two_groups(4), 700)
    turned = counts.iloc[:, ::-1]
    a = contrast(fit(counts, two_groups(4)), [0, 1])
    b = contrast(fit(turned, two_groups(4)), [0, 1])
    pd.testing.assert_frame_equal(a, b.loc[a.index], rtol=1e-6)


def test_genes_without_counts_are_missing_and_do_no_harm() -> None:
    counts = simulated(two_groups(3), 300)
    with_zeros = counts.assign(zero1=0, zero2=0)
    result = contrast(fit(with_zeros, two_groups(3)), [0, 1])
    zeros = result.loc[["zero1", "zero2"]]
    assert (zeros["base_mean"] == 0).all()
    assert zeros.drop(columns=["base_mean", "outlier"]).isna().all().all()
    alone = contrast(fit(counts, two_groups(3)), [0, 1])
    pd.testing.assert_frame_equal(
        alone.drop(columns="padj"), result.loc[alone.index].drop(columns="padj")
    )


def test_one_gene() -> None:
    counts = simulated(two_groups(3), 1)
    result = contrast(fit(counts, two_groups(3)), [0, 1])
    assert result.shape == (1, 9)
    assert result.drop(columns="outlier").notna().all().all()


def test_a_sample_with_huge_counts() -> None:
    design = two_groups(4)
    counts = simulated(design, 500)
    plain = contrast(fit(counts, design), [0, 1])
    counts.iloc[2] *= 2000
    deep = contrast(fit(counts, design), [0, 1])
    assert deep["log2fc"].notna().all()
    # Depth is not expression: the factors absorb it (base_mean > 50: no zeros in the way).
    strong = plain["base_mean"] > 50
    assert np.corrcoef(plain["stat"][strong], deep["stat"][strong])[0, 1] > 0.95


def test_counts_above_two_to_the_31() -> None:
    design = two_groups(3)
    counts = simulated(design, 200).astype(np.int64)
    counts["big"] = np.array([3, 4, 5, 30, 40, 50], dtype=np.int64) * 10**9
    result = contrast(fit(counts, design), [0, 1])
    assert np.isfinite(result.loc["big", ["log2fc", "lfc_se", "stat"]].astype(float)).all()
    assert result.loc["big", "log2fc"] == pytest.approx(np.log2(10), abs=0.6)
    assert result.loc["big", "base_mean"] > 2**31


def test_a_single_continuous_covariate() -> None:
    index = [f"s{i}" for i in range(10)]
    age = np.linspace(-1, 1, 10)
    design = pd.DataFrame({"Intercept": 1.0, "age": age}, index=index)
    counts = simulated(design, 300)
    counts["slope"] = np.rint(200 * 2 ** (2 * age)).astype(int)
    result = contrast(fit(counts, design), [0, 1])
    assert result.loc["slope", "log2fc"] == pytest.approx(2, abs=0.3)
    assert result.loc["slope", "padj"] < 1e-6


def test_a_nearly_singular_design_does_not_break() -> None:
    design = two_groups(4)
    wobble = np.array([1, -1, 1, -1, -1, 1, 1, -1]) * 1e-4
    design["almost_b"] = design["b"] + wobble
    dds = fit(simulated(two_groups(4), 300), design)
    result = contrast(dds, [0, 1, 1])
    assert np.isfinite(result["log2fc"]).all()
    assert (result["lfc_se"] > 0).all()
    # Each of the two alone is not known.
    assert contrast(dds, [0, 1, 0])["lfc_se"].median() > 100


def test_intercept_only() -> None:
    design = two_groups(3)[["Intercept"]]
    counts = simulated(two_groups(3), 100, effect=0)
    dds = fit(counts, design)
    close(np.exp(dds.varm["LFC"]["Intercept"]), dds.var["_normed_means"], rtol=1e-12)


def test_every_gene_has_a_zero() -> None:
    design = two_groups(4)
    counts = simulated(design, 300)
    for i in range(counts.shape[1]):
        counts.iloc[i % 8, i] = 0
    factors = size_factors(counts)
    assert np.log(factors).mean() == pytest.approx(0, abs=1e-12)
    doubled = counts.copy()
    doubled.iloc[0] *= 2
    ratio = size_factors(doubled) / factors
    assert ratio.iloc[0] / ratio.iloc[1] == pytest.approx(2, rel=0.2)
    result = contrast(fit(counts, design), [0, 1])
    assert result["pvalue"].notna().mean() > 0.9


def test_a_contrast_of_silent_cells_says_nothing_changed() -> None:
    design = factorial()
    counts = simulated(design, 200)
    silent = (design["a"] == 1).to_numpy()
    counts.loc[silent, "g5"] = 0
    counts.loc[~silent, "g5"] = 100
    dds = fit(counts, design)
    row = contrast(dds, [0, 0, 1, 1]).loc["g5"]  # b within a
    assert (row["log2fc"], row["stat"], row["pvalue"]) == (0.0, 0.0, 1.0)


def test_outliers_are_replaced_from_seven_replicates_and_withheld_below() -> None:
    for n, replaced in ((8, True), (4, False)):
        design = two_groups(n)
        counts = simulated(design, 300, effect=0)
        gene = (counts.mean() - 300).abs().idxmin()
        counts.loc["s1", gene] = 200_000
        dds = fit(counts, design)
        row = contrast(dds, [0, 1]).loc[gene]
        assert bool(dds.var["replaced"][gene]) is replaced
        assert (row["outlier"] == "yes") is not replaced
        assert np.isnan(row["pvalue"]) == (not replaced)
        # The counts themselves are not touched.
        assert dds.to_df().loc["s1", gene] == 200_000


def test_an_outlier_that_three_samples_exceed_is_none_of_one_factor_alone() -> None:
    """As in R: only where the design is a single factor of two levels."""
    factor = two_groups(4)
    counts = simulated(factor, 300, effect=0)
    gene = str((counts.mean() - 300).abs().idxmin())
    counts[gene] = [10, 11, 900, 10, 2000, 2100, 1900, 2050]
    dds = fit(counts, factor)
    assert not dds.cooks_outlier()[gene]
    doses = factor.assign(b=np.repeat([0.0, 1, 2], [4, 1, 3]))
    dds = fit(counts, doses)
    assert dds.cooks_outlier()[gene]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c, d: (c + 0.5, d), "only contain integers"),
        (lambda c, d: (-c, d), "non-negative"),
        (lambda c, d: (c.astype(float).where(c > 100), d), "NaNs are not allowed in the count"),
        (lambda c, d: (c.astype(str), d), "only contain numbers"),
        (lambda c, d: (c.iloc[::-1], d), "index does not match"),
        (lambda c, d: (c, d.assign(again=d["b"] * 2)), "full rank"),
        (lambda c, d: (c, d.assign(x=np.nan)), "NaNs are not allowed in the design"),
        (lambda c, d: (c.iloc[[0, 3]], d.iloc[[0, 3]]), "no replicates"),
        (lambda c, d: (c * np.array([[0], [1], [1], [1], [1], [1]]), d), "no counts"),
    ],
)
def test_what_cannot_be_fitted_is_said(spoil: object, message: str) -> None:
    design = two_groups(3)
    counts, design = spoil(simulated(design, 50), design)  # type: ignore[operator]
    with pytest.raises((PathcallError, ValueError), match=message):
        fit(counts, design)


@pytest.mark.parametrize("weights", [[0, 0], [1], [0, np.nan]])
def test_weights_that_do_not_fit_are_refused(weights: object) -> None:
    dds = fit(simulated(two_groups(3), 20), two_groups(3))
    with pytest.raises(ValueError, match=r"weights|length"):
        contrast(dds, weights)


@pytest.mark.parametrize("keep", [[], ["Intercept", "b"], ["other"]])
def test_a_reduced_model_is_part_of_the_full_one(keep: list[str]) -> None:
    design = two_groups(3)
    dds = fit(simulated(design, 20), design)
    reduced = design.assign(other=np.arange(6.0))[keep].to_numpy()
    with pytest.raises(ValueError, match="no part of the full one"):
        likelihood_ratio_tests(dds, {"b": reduced})
    assert tuple(likelihood_ratio_tests(dds, {}).columns) == COLUMNS


def test_underdispersed_counts_are_fitted_without_a_trend() -> None:
    """Every gene with less variance than Poisson: gene-wise dispersions stay final."""
    design = two_groups(4)
    counts = pd.DataFrame(
        np.full((8, 30), 100) + np.arange(30), index=design.index,
        columns=[f"g{i}" for i in range(30)],
    )  # fmt: skip
    counts.iloc[::2] += 1
    dds = fit(counts, design)
    assert dds.trend.kind == "none"
    result = contrast(dds, [0, 1])
    assert result["pvalue"].min() > 0.5
