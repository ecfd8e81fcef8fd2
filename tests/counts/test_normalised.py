import numpy as np
import pandas as pd
import pytest

from pathcall.counts.matrix import verify_counts
from pathcall.counts.normalised import signs_of_normalisation, unevenness
from pathcall.errors import InputError
from pathcall.stats.size_factors import size_factors


@pytest.fixture(scope="module")
def raw(root) -> pd.DataFrame:
    return pd.read_csv(root / "resources/demo/GSE52778_counts.tsv.gz", sep="\t", index_col=0)


def scaled(raw: pd.DataFrame) -> np.ndarray:
    return np.round(raw.to_numpy() / size_factors(raw.T).to_numpy())


def upper_quartile(raw: pd.DataFrame) -> np.ndarray:
    quartile = np.array([np.quantile(c[c > 0], 0.75) for c in raw.to_numpy().T])
    return np.round(raw.to_numpy() / quartile * quartile.mean())


def ten_million(raw: pd.DataFrame) -> np.ndarray:
    return np.round(raw.to_numpy() / raw.to_numpy().sum(axis=0) * 1e7)


def quantile(raw: pd.DataFrame) -> np.ndarray:
    ranks = raw.rank(method="first").to_numpy().astype(int) - 1
    return np.round(np.sort(raw.to_numpy(), axis=0).mean(axis=1)[ranks])


@pytest.mark.parametrize(
    ("normalise", "words"),
    [
        (scaled, "gaps and piles"),
        (upper_quartile, "gaps and piles"),
        (ten_million, "all columns sum to 9,999,"),
        (quantile, "same distribution"),
    ],
)
def test_rounded_normalised_values_are_refused(raw, normalise, words):
    table = pd.DataFrame(normalise(raw), index=raw.index, columns=raw.columns)
    with pytest.raises(InputError, match=words):
        verify_counts(table, where="counts.tsv")


def subsampled(raw: pd.DataFrame) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.column_stack([rng.multivariate_hypergeometric(c, 3_000_000, method="marginals")
                            for c in raw.to_numpy().T])  # fmt: skip


@pytest.mark.parametrize(
    "counts",
    [
        lambda raw: raw.to_numpy(),
        lambda raw: raw.to_numpy() * 2,  # both reads of a pair counted
        lambda raw: raw.to_numpy()[:, [0, 0, 0]],  # one library three times: another flag's matter
        lambda raw: np.random.default_rng(0).binomial(raw.to_numpy(), 0.1),
        subsampled,
    ],
    ids=["raw", "doubled", "copies", "thinned", "subsampled"],
)
def test_counts_are_let_through(raw, counts):
    assert signs_of_normalisation(counts(raw).astype(float)) is None


def test_small_tables_say_nothing():
    assert signs_of_normalisation(np.full((50, 4), 3.0)) is None


def histogram(**genes: int) -> np.ndarray:
    """Values of which `c5` = 40 are 5, and so on; 100 of each other up to 61."""
    n = dict.fromkeys(range(62), 100) | {int(k[1:]): v for k, v in genes.items()}
    return np.repeat(list(n), list(n.values())).astype(float)


def test_unevenness_of_small_counts():
    assert unevenness(histogram()) == (0.0, 0.0)
    gap, log_ratio = unevenness(histogram(c10=49))
    assert gap == pytest.approx(1 / 59)  # 49 is less than half of 100; counts 2 to 60 are judged
    steps = [np.log2(101 / 50), 2 * np.log2(101 / 75.5)]
    assert log_ratio == pytest.approx(sum(steps) / 59)
    assert unevenness(histogram(c10=50))[0] == 0
    assert unevenness(histogram(c2=49))[0] > 0
    assert unevenness(histogram(c60=49))[0] > 0
    assert unevenness(histogram(c61=49))[0] == unevenness(histogram(c1=49))[0] == 0  # no neighbours
    # Zeros and large values are not looked at.
    assert unevenness(np.append(histogram(c0=0), [1e6] * 99)) == (0.0, 0.0)


def test_five_counts_need_enough_genes():
    assert unevenness(np.repeat(np.arange(1.0, 8.0), 30))[0] == 0.0  # 2 to 6
    assert np.isnan(unevenness(np.repeat(np.arange(1.0, 7.0), 30))).all()
    assert np.isnan(unevenness(np.repeat(np.arange(1.0, 8.0), 29))).all()


@pytest.mark.parametrize(("genes", "said"), [(2_000, True), (1_999, False)])
def test_two_thousand_genes_are_enough(raw, genes, said):
    expressed = raw[(raw > 0).all(axis=1)].iloc[:genes, 0].to_numpy(dtype=float)
    values = np.column_stack([expressed, expressed[::-1], expressed])  # one distribution
    assert (signs_of_normalisation(values) is not None) == said


def test_two_samples_may_have_one_distribution_or_sum(raw):
    values = quantile(raw)
    assert signs_of_normalisation(values[:, :3]) is not None
    assert signs_of_normalisation(values[:, :2]) is None or "gaps" in str(
        signs_of_normalisation(values[:, :2])
    )
    assert signs_of_normalisation(scaled(raw)[:, :1]) is None


@pytest.mark.parametrize(("spread", "said"), [(0.0009, True), (0.0011, False)])
def test_sums_within_a_thousandth(raw, spread, said):
    values = raw.to_numpy(dtype=float)[:, :3]
    values[0] = 0
    most = values.sum(axis=0).max() * 2
    values[0] = most - values.sum(axis=0)  # equal sums
    assert signs_of_normalisation(values) is None  # to the last count: subsampled
    values[0, 0] += 3 * most * spread / (3 - spread)
    assert (signs_of_normalisation(values) is not None) == said


def test_genes_that_are_expressed_count():
    few = np.zeros((5_000, 3))
    values = np.repeat(np.arange(1.0, 2_001)[:, None], 3, axis=1)
    few[:2_000] = np.random.default_rng(0).permuted(values, axis=0)
    assert "same distribution" in str(signs_of_normalisation(few))
    few[0] = 0
    assert signs_of_normalisation(few) is None


def test_one_distribution_may_differ_in_a_hundredth(raw):
    values = quantile(raw).astype(float)
    n = len(values) // 100
    values[np.argsort(values[:, 0])[-n:], 0] += 1
    assert "same distribution" in str(signs_of_normalisation(values))
    values[np.argsort(values[:, 0])[-3 * n :], 0] += np.arange(3 * n) % 7 + 1
    assert "same distribution" not in str(signs_of_normalisation(values))
