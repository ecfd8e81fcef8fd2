"""The engine against R DESeq2 1.38.3 (tests/reference), and where R has nothing to say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import optimize, stats

from pathcall.deseq import de
from pathcall.deseq.dispersion import Trend, fit_prior, fit_trend, loess
from pathcall.errors import PathcallError
from pathcall.stats.multiple_testing import benjamini_hochberg
from tests.project import ROOT

REFERENCE = ROOT / "tests" / "reference"
SETS = sorted(path.parent.name for path in REFERENCE.glob("*/weights.tsv"))
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
}
DESEQ2_TABLES = ROOT.parent / "shared" / "data"


def table(name: str, file: str, index: str | None = None) -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / name / file, sep="\t")
    return frame if index is None else frame.set_index(index)


def data(name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Counts, design and R's size factors of a reference set."""
    counts = table(name, "counts.tsv.gz", "gene_id").T
    design = table(name, "design.tsv", "sample")
    return counts, design, design.pop("size_factor")


@pytest.fixture(scope="module", params=SETS)
def fitted(request: pytest.FixtureRequest) -> tuple[str, de.Fit]:
    counts, design, _ = data(request.param)
    return request.param, de.fit_model(counts, design)


def close(ours: pd.Series, r: pd.Series, **tolerance: float) -> None:
    np.testing.assert_allclose(ours.to_numpy(float), r.to_numpy(float), **tolerance)


# ------------------------------------------------------------------------------------ R's values


def test_size_factors_are_r_s() -> None:
    counts, _, expected = data("airway")
    close(de.size_factors(counts), expected, rtol=1e-9)


def test_dispersions_are_r_s(fitted: tuple[str, de.Fit]) -> None:
    name, fit = fitted
    expected = table(name, "genes.tsv.gz", "gene_id")
    close(fit.base_mean, expected["base_mean"], rtol=1e-8)
    close(fit.dispersions_trend, expected["trend"], rtol=1e-6)
    close(fit.dispersions, expected["final"], rtol=1e-4)
    assert (fit.replaced == (expected["replaced"] == True)).all()  # noqa: E712 (NA is no)
    # Gene-wise estimates next to the lower bound are at the mercy of rounding, R's and ours.
    solid = expected["gene"] > 1e-6
    close(fit.dispersions_gene[solid], expected["gene"][solid], rtol=1e-3)


def test_contrasts_are_r_s(fitted: tuple[str, de.Fit]) -> None:
    name, fit = fitted
    results, weights = table(name, "results.tsv.gz"), table(name, "weights.tsv", "contrast")
    for contrast, row in weights.iterrows():
        expected = results[results["contrast"] == contrast].set_index("gene_id")
        ours = de.test_contrast(fit, row.to_numpy(), alpha=0.05, shrink=False)
        assert (ours["pvalue"].isna() == expected["pvalue"].isna()).all()
        assert (ours["padj"].isna() == expected["padj"].isna()).all()
        # A cell without counts has no finite estimate: R's optimiser stops somewhere on the way.
        known = expected["lfc_se"] < 1
        close(ours["log2fc"][known], expected["log2fc"][known], atol=1e-4)
        close(ours["lfc_se"][known], expected["lfc_se"][known], rtol=1e-3)
        close(ours["stat"], expected["stat"], atol=0.05)
        close(ours["stat"][known], expected["stat"][known], atol=1e-3)
        close(ours["padj"], expected["padj"], atol=1e-4)
        assert ((ours["padj"] < 0.05) == (expected["padj"] < 0.05)).all()


@pytest.mark.parametrize("name", sorted(TERMS))
def test_likelihood_ratios_are_r_s(name: str) -> None:
    counts, design, _ = data(name)
    ours = de.lrt(de.fit_model(counts, design), TERMS[name])
    for term, expected in table(name, "lrt.tsv.gz", "gene_id").groupby("term"):
        mine = ours[ours["term"] == term].set_index("gene_id")
        assert (mine["df"] == len(TERMS[name][str(term)])).all()
        # R takes means of at least 0.5 for the likelihood of genes that went to its optimiser.
        known = expected["pvalue"].notna() & (
            table(name, "genes.tsv.gz", "gene_id")["base_mean"] > 5
        )
        close(mine["stat"][known], expected["stat"][known], atol=1e-3)
        close(mine["pvalue"][known], expected["pvalue"][known], atol=1e-5)
        assert (mine["pvalue"].isna() == expected["pvalue"].isna()).all()


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


@pytest.mark.skipif(not DESEQ2_TABLES.exists(), reason="no ../shared/data beside the project")
def test_real_study_of_36_samples_has_r_s_answers() -> None:
    counts, design, contrasts = a375()
    fit = de.fit_model(counts, design, threads=2)
    for name, weights in contrasts.items():
        path = DESEQ2_TABLES / f"A375_36_DESeq2_{name}.tsv.gz"
        expected = pd.read_csv(path, sep="\t", index_col=0)
        ours = de.test_contrast(fit, weights, alpha=0.05, shrink=False).reindex(expected.index)
        a, b = set(ours.index[ours["padj"] < 0.05]), set(expected.index[expected["padj"] < 0.05])
        assert len(a & b) / len(a | b) >= 0.985
        both = ours["stat"].notna() & expected["stat"].notna()
        assert np.corrcoef(ours["stat"][both], expected["stat"][both])[0, 1] >= 0.9995


# ------------------------------------------------------------------------------------ invariances


def simulated(
    design: pd.DataFrame, n_genes: int, *, seed: int = 1, effect: float = 1.0, depth: float = 5.0
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    base = np.exp(rng.normal(depth, 1.5, n_genes))
    beta = rng.normal(0, effect, (n_genes, design.shape[1])) * (rng.random((n_genes, 1)) < 0.3)
    beta[:, 0] = 0
    mu = base * np.exp(design.to_numpy() @ beta.T)
    alpha = 0.05 + 1 / base
    counts = rng.poisson(rng.gamma(1 / alpha, alpha * mu))
    names = [f"g{i}" for i in range(n_genes)]
    return pd.DataFrame(counts, index=design.index, columns=names)


def two_groups(n: int) -> pd.DataFrame:
    x = np.repeat([0.0, 1.0], n)
    index = [f"s{i}" for i in range(2 * n)]
    return pd.DataFrame({"Intercept": 1.0, "b": x}, index=index)


def factorial() -> pd.DataFrame:
    index = [f"s{i}" for i in range(12)]
    a, b = np.tile([0.0, 0.0, 1.0, 1.0], 3), np.tile([0.0, 1.0], 6)
    return pd.DataFrame({"Intercept": 1.0, "a": a, "b": b, "a:b": a * b}, index=index)


def test_results_do_not_depend_on_threads() -> None:
    design = factorial().assign(age=np.random.default_rng(3).normal(size=12))
    counts = simulated(factorial(), 1300)
    one, two = (de.fit_model(counts, design, threads=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one.beta, two.beta, check_exact=True)
    for weights in ([0, 1, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 1]):
        tables = [de.test_contrast(fit, weights, alpha=0.05) for fit in (one, two)]
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    terms = {"a:b": ["a:b"], "age": ["age"]}
    pd.testing.assert_frame_equal(de.lrt(one, terms), de.lrt(two, terms), check_exact=True)


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
    treatment = de.test_contrast(de.fit_model(counts, design), [0, 1, 0, 1], alpha=0.05)
    means = de.test_contrast(de.fit_model(counts, cells), [0, -1, 0, 1], alpha=0.05)
    for column in ("log2fc", "lfc_se", "stat"):
        close(treatment[column], means[column], atol=1e-4, rtol=1e-4)
    # Shrinkage puts its wide prior on other coefficients in the two codings.
    close(treatment["log2fc_shrunk"], means["log2fc_shrunk"], atol=0.02, rtol=0.02)


def test_order_of_genes_does_not_matter() -> None:
    counts = simulated(two_groups(4), 700)
    turned = counts.iloc[:, ::-1]
    a = de.test_contrast(de.fit_model(counts, two_groups(4)), [0, 1], alpha=0.05)
    b = de.test_contrast(de.fit_model(turned, two_groups(4)), [0, 1], alpha=0.05)
    pd.testing.assert_frame_equal(a, b.loc[a.index], rtol=1e-6)


# ------------------------------------------------------------------------------------ shrinkage


@pytest.mark.parametrize("weights", [[0, 1, 0, 0], [0, 0, 0, 1], [0, 1, -1, 0], [0, 1, 0, 1]])
def test_shrinkage_is_the_posterior_mode(weights: list[float]) -> None:
    """Against a general optimiser on the written-out posterior, for any kind of contrast."""
    design = factorial()
    counts = simulated(design, 200)
    fit = de.fit_model(counts, design)
    c = np.asarray(weights, dtype=float)
    result = de.test_contrast(fit, c, alpha=0.05)
    ln2 = np.log(2)
    scale = de.prior_scale((result["log2fc"] * ln2).to_numpy(), (result["lfc_se"] * ln2).to_numpy())
    matrix, transform, position = de.reparametrise(design.to_numpy(), c)
    np.testing.assert_allclose(transform[position], c)
    sf = fit.size_factors.to_numpy()
    for gene in result.index[::17]:
        y, size = counts[gene].to_numpy(), 1 / fit.dispersions[gene]

        def loss(b: npt.NDArray[np.float64], y: object = y, size: float = size) -> float:
            mu = sf * np.exp(matrix @ b)
            prior = np.log1p((b[position] / scale) ** 2)
            prior += (np.delete(b, position) ** 2).sum() / (2 * de.PRIOR_WIDE**2)
            return float(-stats.nbinom.logpmf(y, size, size / (size + mu)).sum() + prior)

        starts = [transform @ fit.beta.loc[gene].to_numpy()]
        starts.append(np.where(np.arange(4) == position, 0.0, starts[0]))
        best = min(
            (optimize.minimize(loss, s, method="BFGS", options={"gtol": 1e-7}) for s in starts),
            key=lambda r: r.fun,
        )
        mode = result["log2fc_shrunk"][gene] * ln2
        assert mode == pytest.approx(best.x[position], abs=2e-4)
        step = 1e-3
        hessian = np.array(
            [
                [
                    (
                        loss(best.x + step * (ei + ej)) - loss(best.x + step * (ei - ej))
                        - loss(best.x - step * (ei - ej)) + loss(best.x - step * (ei + ej))
                    ) / (4 * step**2)
                    for ej in np.eye(4)
                ]
                for ei in np.eye(4)
            ]
        )  # fmt: skip
        sd = np.sqrt(np.linalg.inv(hessian)[position, position])
        assert result["lfc_se_shrunk"][gene] * ln2 == pytest.approx(sd, rel=0.02)


def test_shrinkage_keeps_signs_and_shrinks() -> None:
    design = factorial()
    fit = de.fit_model(simulated(design, 600), design)
    for weights in ([0, 1, 0, 0], [0, -1, 0, 0], [0, 1, -1, 0], [0, 0, 0, 1], [0, -1, 0, -1]):
        result = de.test_contrast(fit, weights, alpha=0.05)
        clear = result["stat"].abs() > 4
        assert clear.sum() > 20
        same = np.sign(result["log2fc"]) == np.sign(result["log2fc_shrunk"])
        assert same[clear].all()
        assert (result["log2fc_shrunk"].abs() <= result["log2fc"].abs() + 1e-2).mean() > 0.97
        assert np.corrcoef(result["log2fc"][clear], result["log2fc_shrunk"][clear])[0, 1] > 0.98


def test_a_reversed_contrast_is_the_negative() -> None:
    design = factorial()
    fit = de.fit_model(simulated(design, 400), design)
    up = de.test_contrast(fit, [0, 1, -1, 0], alpha=0.05)
    down = de.test_contrast(fit, [0, -1, 1, 0], alpha=0.05)
    close(up["log2fc"], -down["log2fc"], atol=1e-12)
    close(up["padj"], down["padj"], rtol=1e-12)
    close(up["log2fc_shrunk"], -down["log2fc_shrunk"], atol=1e-9)


# ------------------------------------------------------------------------------------ edge cases


def test_genes_without_counts_are_missing_and_do_no_harm() -> None:
    counts = simulated(two_groups(3), 300)
    with_zeros = counts.assign(zero1=0, zero2=0)
    result = de.test_contrast(de.fit_model(with_zeros, two_groups(3)), [0, 1], alpha=0.05)
    zeros = result.loc[["zero1", "zero2"]]
    assert (zeros["base_mean"] == 0).all()
    assert zeros.drop(columns=["base_mean", "outlier"]).isna().all().all()
    alone = de.test_contrast(de.fit_model(counts, two_groups(3)), [0, 1], alpha=0.05)
    pd.testing.assert_frame_equal(
        alone.drop(columns="padj"), result.loc[alone.index].drop(columns="padj")
    )


def test_one_gene() -> None:
    counts = simulated(two_groups(3), 1)
    result = de.test_contrast(de.fit_model(counts, two_groups(3)), [0, 1], alpha=0.05)
    assert result.shape == (1, 9)
    assert result.drop(columns="outlier").notna().all().all()


def test_a_sample_with_huge_counts() -> None:
    design = two_groups(4)
    counts = simulated(design, 500)
    plain = de.test_contrast(de.fit_model(counts, design), [0, 1], alpha=0.05)
    counts.iloc[2] *= 2000
    deep = de.test_contrast(de.fit_model(counts, design), [0, 1], alpha=0.05)
    assert deep["log2fc"].notna().all()
    # Depth is not expression: the factors absorb it (base_mean > 50: no zeros in the way).
    strong = plain["base_mean"] > 50
    assert np.corrcoef(plain["stat"][strong], deep["stat"][strong])[0, 1] > 0.95


def test_counts_above_two_to_the_31() -> None:
    design = two_groups(3)
    counts = simulated(design, 200).astype(np.int64)
    counts["big"] = np.array([3, 4, 5, 30, 40, 50], dtype=np.int64) * 10**9
    result = de.test_contrast(de.fit_model(counts, design), [0, 1], alpha=0.05)
    assert np.isfinite(result.loc["big", ["log2fc", "lfc_se", "stat"]].astype(float)).all()
    assert result.loc["big", "log2fc"] == pytest.approx(np.log2(10), abs=0.6)
    assert result.loc["big", "base_mean"] > 2**31


def test_a_single_continuous_covariate() -> None:
    index = [f"s{i}" for i in range(10)]
    age = np.linspace(-1, 1, 10)
    design = pd.DataFrame({"Intercept": 1.0, "age": age}, index=index)
    counts = simulated(design, 300)
    counts["slope"] = np.rint(200 * 2 ** (2 * age)).astype(int)
    result = de.test_contrast(de.fit_model(counts, design), [0, 1], alpha=0.05)
    assert result.loc["slope", "log2fc"] == pytest.approx(2, abs=0.3)
    assert result.loc["slope", "padj"] < 1e-6


def test_a_nearly_singular_design_does_not_break() -> None:
    design = two_groups(4)
    wobble = np.array([1, -1, 1, -1, -1, 1, 1, -1]) * 1e-4
    design["almost_b"] = design["b"] + wobble
    fit = de.fit_model(simulated(two_groups(4), 300), design)
    result = de.test_contrast(fit, [0, 1, 1], alpha=0.05)
    assert np.isfinite(result["log2fc"]).all()
    assert (result["lfc_se"] > 0).all()
    # Each of the two alone is not known.
    assert de.test_contrast(fit, [0, 1, 0], alpha=0.05, shrink=False)["lfc_se"].median() > 100


def test_intercept_only() -> None:
    design = two_groups(3)[["Intercept"]]
    counts = simulated(two_groups(3), 100, effect=0)
    fit = de.fit_model(counts, design)
    close(np.exp(fit.beta["Intercept"]), fit.base_mean, rtol=1e-12)


def test_every_gene_has_a_zero() -> None:
    design = two_groups(4)
    counts = simulated(design, 300)
    for i in range(counts.shape[1]):
        counts.iloc[i % 8, i] = 0
    factors = de.size_factors(counts)
    assert np.log(factors).mean() == pytest.approx(0, abs=1e-12)
    doubled = counts.copy()
    doubled.iloc[0] *= 2
    ratio = de.size_factors(doubled) / factors
    assert ratio.iloc[0] / ratio.iloc[1] == pytest.approx(2, rel=0.2)
    result = de.test_contrast(de.fit_model(counts, design), [0, 1], alpha=0.05)
    assert result["pvalue"].notna().mean() > 0.9


def test_a_contrast_of_silent_cells_says_nothing_changed() -> None:
    design = factorial()
    counts = simulated(design, 200)
    silent = (design["a"] == 1).to_numpy()
    counts.loc[silent, "g5"] = 0
    counts.loc[~silent, "g5"] = 100
    fit = de.fit_model(counts, design)
    row = de.test_contrast(fit, [0, 0, 1, 1], alpha=0.05).loc["g5"]  # b within a
    assert (row["log2fc"], row["stat"], row["pvalue"]) == (0.0, 0.0, 1.0)


def test_outliers_are_replaced_from_seven_replicates_and_withheld_below() -> None:
    for n, replaced in ((8, True), (4, False)):
        design = two_groups(n)
        counts = simulated(design, 300, effect=0)
        gene = (counts.mean() - 300).abs().idxmin()
        counts.loc["s1", gene] = 200_000
        fit = de.fit_model(counts, design)
        row = de.test_contrast(fit, [0, 1], alpha=0.05).loc[gene]
        assert bool(fit.replaced[gene]) is replaced
        assert (row["outlier"] == "yes") is not replaced
        assert np.isnan(row["pvalue"]) == (not replaced)
        # The counts themselves are not touched.
        assert fit.counts.loc["s1", gene] == 200_000


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c, d: (c + 0.5, d), "counts must be integers"),
        (lambda c, d: (-c, d), "counts must be integers"),
        (lambda c, d: (c.astype(float).where(c > 100), d), "missing or infinite"),
        (lambda c, d: (c.astype(str), d), "not numbers"),
        (lambda c, d: (c.iloc[::-1], d), "same samples"),
        (lambda c, d: (c.iloc[:, :0], d), "no gene"),
        (lambda c, d: (c, d.assign(again=d["b"] * 2)), "full rank"),
        (lambda c, d: (c, d.assign(x=np.nan)), "missing values"),
        (lambda c, d: (c.iloc[[0, 3]], d.iloc[[0, 3]]), "no replicates"),
        (lambda c, d: (c * np.array([[0], [1], [1], [1], [1], [1]]), d), "no counts"),
    ],
)
def test_what_cannot_be_fitted_is_said(spoil: object, message: str) -> None:
    design = two_groups(3)
    counts, design = spoil(simulated(design, 50), design)  # type: ignore[operator]
    with pytest.raises(PathcallError, match=message):
        de.fit_model(counts, design)


@pytest.mark.parametrize("weights", [[0, 0], [1], [0, np.nan], [[0, 1]]])
def test_weights_that_do_not_fit_are_refused(weights: object) -> None:
    fit = de.fit_model(simulated(two_groups(3), 20), two_groups(3))
    with pytest.raises(ValueError, match="weights"):
        de.test_contrast(fit, weights, alpha=0.05)


def test_a_term_must_leave_a_model() -> None:
    fit = de.fit_model(simulated(two_groups(3), 20), two_groups(3))
    with pytest.raises(ValueError, match="no reduced model"):
        de.lrt(fit, {"all": ["Intercept", "b"]})
    assert list(de.lrt(fit, {}).columns) == ["gene_id", "term", "df", "stat", "pvalue", "padj"]


# ------------------------------------------------------------------------------------ the parts


def test_filter_counts_samples_not_totals() -> None:
    counts = pd.DataFrame({"a": [10, 10, 0], "b": [30, 0, 0], "c": [9, 9, 9]})
    assert list(de.filter_genes(counts, min_count=10, min_samples=2)) == [True, False, False]


def test_adjusted_p_values() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.9])
    expected = stats.false_discovery_control(p[~np.isnan(p)])
    np.testing.assert_allclose(benjamini_hochberg(p)[~np.isnan(p)], expected)
    assert np.isnan(benjamini_hochberg(p)[1])
    assert len(benjamini_hochberg(np.array([]))) == 0


def test_lowess_is_r_s() -> None:
    """R 4.2.2: ``lowess(c(1,3,2,5,4,8,9,7,12,30), f = 0.6)$y``."""
    y = np.array([1, 3, 2, 5, 4, 8, 9, 7, 12, 30.0])
    expected = [
        1.26016789221,
        2.18698248506,
        3.14229279846,
        4.11256713170,
        5.62688269726,
        6.90244181000,
        8.04341908995,
        9.21468408447,
        10.39933432067,
        11.95597165865,
    ]
    np.testing.assert_allclose(de.lowess(np.arange(1.0, 11), y, span=0.6), expected, rtol=1e-6)


def test_loess_reproduces_a_quadratic() -> None:
    x = np.linspace(0, 8, 200)
    at = np.linspace(0, 8, 57)
    np.testing.assert_allclose(
        loess(x, 3 - 2 * x + 0.5 * x**2, at, span=0.2), 3 - 2 * at + 0.5 * at**2, atol=1e-9
    )


def test_prior_at_few_residual_degrees_of_freedom_finds_the_spread() -> None:
    rng = np.random.default_rng(5)
    for df in (1, 2, 3):
        for variance in (0.5, 1.5):
            log_ratio = np.log(rng.chisquare(df, 20_000) / df)
            log_ratio += rng.normal(0, np.sqrt(variance), 20_000)
            prior = fit_prior(np.exp(log_ratio), np.ones(20_000), df)
            assert prior.variance == pytest.approx(variance, abs=0.2)


def test_trend_falls_back_to_a_local_fit_where_the_parametric_one_fails() -> None:
    rng = np.random.default_rng(2)
    mean = np.exp(rng.normal(5, 1.5, 2000))
    rising = 0.01 * mean**0.7 * np.exp(rng.normal(0, 0.2, 2000))
    trend = fit_trend(mean, rising)
    assert trend.kind == "local"
    middle = np.exp(np.linspace(4, 6, 5))
    np.testing.assert_allclose(trend(middle), 0.01 * middle**0.7, rtol=0.1)
    assert fit_trend(mean, np.full(2000, 1e-8)).kind == "none"
    falling = fit_trend(mean, (0.05 + 2 / mean) * np.exp(rng.normal(0, 0.2, 2000)))
    assert falling.kind == "parametric"
    assert Trend("parametric", 0.1, 2.0)(np.array([4.0]))[0] == pytest.approx(0.6)


def test_underdispersed_counts_are_fitted_without_a_trend() -> None:
    """Every gene with less variance than Poisson: gene-wise dispersions stay final."""
    design = two_groups(4)
    counts = pd.DataFrame(
        np.full((8, 30), 100) + np.arange(30), index=design.index,
        columns=[f"g{i}" for i in range(30)],
    )  # fmt: skip
    counts.iloc[::2] += 1
    fit = de.fit_model(counts, design)
    assert fit.trend is not None
    assert fit.trend.kind == "none"
    result = de.test_contrast(fit, [0, 1], alpha=0.05)
    assert result["pvalue"].min() > 0.5
