import numpy as np
import pandas as pd
import pytest

from pathcall.counts.matrix import verify_counts
from pathcall.counts.normalised import signs_of_normalisation
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
