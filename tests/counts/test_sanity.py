"""Each check at its limit: one below passes, one above is refused."""

import numpy as np
import pandas as pd
import pytest

from pathcall.counts.sanity import (
    HOUSEKEEPING,
    check_copied_samples,
    check_housekeeping,
    check_ids,
    check_repeated,
    check_sums,
    check_symbols,
    drop_rows_without_id,
)
from pathcall.errors import InputError


def counts(n: int, **columns: list[int]) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    made = {"a": rng.integers(1_000, 9_000, n), "b": rng.integers(1_000, 9_000, n)} | columns
    return pd.DataFrame(made, index=[f"G{i}" for i in range(n)])


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["5", "5", "x", "y"], "look like counts: 50% of them repeat"),  # half are numbers
        (["5", "5", "x", "y", "z"], None),
        (["5", "5"], "look like counts"),
        (["5"], None),
        (["0", "0", *map(str, range(1, 99))], "look like counts: 1%"),
        (["0", *map(str, range(7001, 7099))], None),
        ([*map(str, range(1000, 1096)), "1000", "1001", "1002", "1003", "1004"], None),  # 5% repeat
        ([*map(str, range(1000, 1095)), *map(str, range(1000, 1006))], "look like counts: 6%"),
        ([*map(str, range(100))], "number the rows"),
        ([*map(str, range(99))], None),
        ([*map(str, range(51, 151))], None),  # the largest is half as large again as they are many
        ([*map(str, range(50, 150))], "number the rows"),
        ([*map(str, range(50, 149)), "x"], None),
    ],
)
def test_ids_that_are_counts_or_row_numbers(ids: list[str], words: str | None) -> None:
    if words is None:
        check_ids(ids, where="f")
    else:
        with pytest.raises(InputError, match=rf"{words}.*first ids: {', '.join(ids[:3])}"):
            check_ids(ids, where="f")


def test_up_to_a_tenth_of_the_rows_may_lack_an_id() -> None:
    table = pd.DataFrame({"a": [1] * 20, "b": [3] * 20}, index=["NA", "", *map(str, range(18))])
    kept, note = drop_rows_without_id(table, where="f")
    assert list(kept.index) == [str(i) for i in range(18)]
    assert note == "2 rows without a gene id left out (10.00% of the counts)"
    assert drop_rows_without_id(kept, where="f") == (kept, None)
    with pytest.raises(InputError, match=r"2 of 19 rows have no gene id.*row 1 below"):
        drop_rows_without_id(table.iloc[:19], where="f")
    silent = pd.DataFrame({"a": [0] * 20}, index=["x"] * 19 + ["-"])
    assert drop_rows_without_id(silent, where="f")[1] == (
        "1 rows without a gene id left out (0.00% of the counts)"
    )


def test_copies_of_rows() -> None:
    table = counts(1_000)
    check_repeated(table, where="f")
    some = table.copy()
    some.iloc[:, :] = np.minimum(some, 99)  # may agree by chance: only many of them are copies
    check_repeated(pd.concat([some, some.iloc[:5]]), where="f")
    with pytest.raises(InputError, match=r"6 rows stand in the table twice.*first G0"):
        check_repeated(pd.concat([some, some.iloc[:6]]), where="f")
    with pytest.raises(InputError, match="1 rows stand in the table twice"):
        check_repeated(pd.concat([table, table.iloc[:1]]), where="f")
    few = table.iloc[:50].clip(upper=99)
    check_repeated(pd.concat([few, few.iloc[:4]]), where="f")
    with pytest.raises(InputError, match="5 rows stand in the table twice"):
        check_repeated(pd.concat([few, few.iloc[:5]]), where="f")
    low = counts(1_000, a=[4] * 1_000, b=[5] * 1_000)  # nine reads in all tell nothing
    check_repeated(pd.concat([low, low.iloc[:100]]), where="f")
    low = counts(1_000, a=[5] * 1_000, b=[5] * 1_000)
    with pytest.raises(InputError, match="100 rows stand in the table twice"):
        check_repeated(pd.concat([low, low.iloc[:100]]), where="f")


def test_rows_of_one_gene() -> None:
    def of_one(n: int, rows: int) -> pd.DataFrame:
        return counts(n).set_axis(["X"] * rows + [f"G{i}" for i in range(n - rows)])

    check_repeated(of_one(100, 21), where="f")  # a fifth of the rows are added to another
    with pytest.raises(InputError, match=r"21 of 100 rows.*most often X \(22 rows\)"):
        check_repeated(of_one(100, 22), where="f")
    check_repeated(of_one(20, 6), where="f")
    with pytest.raises(InputError, match="6 of 20 rows"):
        check_repeated(of_one(20, 7), where="f")
    check_repeated(of_one(9_000, 1_000), where="f")
    with pytest.raises(InputError, match="1000 of 9000 rows"):
        check_repeated(of_one(9_000, 1_001), where="f")


def test_a_row_of_totals() -> None:
    table = counts(9)
    total = table.sum().to_frame("all").T
    with pytest.raises(InputError, match=r"row 'all' is the sum of all others.*row 10 below"):
        check_sums(pd.concat([table, total]), where="f")
    check_sums(pd.concat([table, total + 1]), where="f")
    with pytest.raises(InputError, match="sum of all others"):
        check_sums(pd.concat([table.iloc[:2], table.iloc[:2].sum().to_frame("all").T]), where="f")
    check_sums(pd.concat([table.iloc[:1], table.iloc[:1]]), where="f")  # two rows tell nothing
    check_sums(0 * table, where="f")


def test_copied_samples() -> None:
    table = counts(100)
    check_copied_samples(table, where="f")
    with pytest.raises(InputError, match=r"samples 'a' and 'c' have the same counts"):
        check_copied_samples(table.assign(c=table["a"]), where="f")
    check_copied_samples(table.assign(c=table["a"]).iloc[:99], where="f")
    check_copied_samples(table.assign(c=0, d=0), where="f")  # empty samples: another check's matter


GENE_IDS = pd.DataFrame(
    {
        "entrez_id": [str(i) for i in range(40)],
        "ensembl_gene_id": [f"ENSG{i:011d}" for i in range(40)],
        "symbol": [f"S{i}" for i in range(40)],
    }
)


@pytest.mark.parametrize("kind", ["ensembl", "entrez"])
def test_ids_and_symbols_that_disagree(kind: str) -> None:
    column = "ensembl_gene_id" if kind == "ensembl" else "entrez_id"
    ids = GENE_IDS[column] + (".7" if kind == "ensembl" else "")
    right = GENE_IDS["symbol"].str.lower().to_numpy(dtype=object)

    def check(wrong: int, n: int = 40) -> None:
        symbols = right.copy()
        symbols[:wrong] = np.roll(symbols[:wrong], 1)
        check_symbols(pd.Series(symbols, index=ids).iloc[:n], kind, GENE_IDS, where="f")

    check(20)  # half of them agree
    with pytest.raises(InputError, match=rf"only 48% name the same gene.*id {GENE_IDS[column][0]} "
                                         "with symbol S20, known as S0"):  # fmt: skip
        check(21)
    check(19, n=19)  # too few to judge
    with pytest.raises(InputError, match="only 0%"):
        check(20, n=20)


def test_older_symbols_are_not_held_against_a_table() -> None:
    symbols = pd.Series([f"OLD{i}" for i in range(40)], index=GENE_IDS["entrez_id"])
    check_symbols(symbols, "entrez", GENE_IDS, where="f")


def test_housekeeping_genes() -> None:
    n = 5_000
    table = counts(n)
    symbols = [*HOUSEKEEPING, *[f"S{i}" for i in range(n - len(HOUSEKEEPING))]]

    def silenced(k: int, level: int = 0) -> pd.DataFrame:
        made = table.copy()
        made.iloc[:k] = 0
        made.iloc[:k, 0] = level
        return made

    check_housekeeping(silenced(8), symbols, where="f")
    with pytest.raises(
        InputError, match=r"9 of 17 housekeeping genes.*f: ACTB, ACTG1, EEF1A1, EEF2"
    ):
        check_housekeeping(silenced(9), symbols, where="f")
    check_housekeeping(silenced(9, level=2), symbols, where="f")  # one read a sample
    with pytest.raises(InputError, match="9 of 17"):
        check_housekeeping(silenced(9, level=1), symbols, where="f")
    check_housekeeping(silenced(9).iloc[1:], symbols[1:], where="f")  # a small panel of genes
    absent = [s if i >= 9 else None for i, s in enumerate(symbols)]
    with pytest.raises(InputError, match="9 of 17"):
        check_housekeeping(table, absent, where="f")
    check_housekeeping(table, [s.lower() for s in symbols], where="f")


def test_values_too_small_for_counts() -> None:
    symbols = [*HOUSEKEEPING, *[f"S{i}" for i in range(5_000 - len(HOUSEKEEPING))]]
    check_housekeeping(counts(5_000).clip(upper=50), symbols, where="f")
    with pytest.raises(InputError, match="the largest count is 49"):
        check_housekeeping(counts(5_000).clip(upper=49), symbols, where="f")
