import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pathcall.counts.matrix import assemble_counts, read_counts_h5ad, verify_counts, write_counts
from pathcall.errors import ConfigError, InputError
from pathcall.signatures.panel import load_panel
from pathcall.study.sample_sheet import Sheet

GENES = ["ENSG00000000003", "ENSG00000000419", "ENSG00000000457", "ENSG00000000460"]


def table(**change: list) -> pd.DataFrame:
    columns = {"a": [1, 2, 3, 4], "b": [0, 5, 0, 7], "c": [9, 9, 9, 9], **change}
    return pd.DataFrame(columns, index=GENES)


def sheet(*samples: str, excluded: dict[str, str] | None = None) -> Sheet:
    rows = {s: {"drug": "v" if i % 2 else "x"} for i, s in enumerate(samples)}
    return Sheet("samples.tsv", ("drug",), rows, excluded or {})


@pytest.fixture(scope="module")
def gene_ids(root: Path) -> pd.DataFrame:
    return load_panel(root / "resources/panel").gene_ids


def assemble(counts: pd.DataFrame, samples: Sheet, gene_ids: pd.DataFrame):
    return assemble_counts(counts, samples, gene_ids, where="counts.tsv")


def test_integer_valued_floats_become_integers() -> None:
    made = verify_counts(table(a=[1.0, 2.0, 3.0, 4.0]), where="f")
    assert made["a"].dtype == np.int64
    assert made["a"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ([1, -2, 3, 4], ["negative", "'a'", GENES[1], "value -2"]),
        ([1, np.nan, 3, 4], ["missing", GENES[1]]),
        ([1, np.inf, 3, 4], ["missing"]),
        ([1.5, 2, 3, 4], ["not integers", "log values", "value 1.5"]),
        ([100.5, 2, 3, 4], ["normalised or estimated"]),
        (["1", "x", "3", "4"], ["not a number", "'a'", "'x'"]),
        ([2.0**60, 2, 3, 4], ["exceeds 2^53"]),
    ],
)
def test_what_is_no_raw_count_is_refused(column: list, words: list[str]) -> None:
    with pytest.raises(InputError) as error:
        verify_counts(table(a=column), where="counts.tsv")
    for word in [*words, "counts.tsv"]:
        assert word in error.value.line()


def test_tpm_is_named() -> None:
    rng = np.random.default_rng(0)
    values = rng.gamma(1, size=(400, 3))
    frame = pd.DataFrame(1e6 * values / values.sum(axis=0), columns=["a", "b", "c"])
    with pytest.raises(InputError, match=r"not integers.*TPM or CPM"):
        verify_counts(frame, where="f")
    with pytest.raises(InputError, match="sums to about a million"):
        verify_counts(frame.round(), where="f")


def test_limits_of_what_looks_normalised() -> None:
    whole = pd.DataFrame({"a": [500_000, 500_000], "b": [400_000, 600_000]})
    for shift, refused in ((4_900, True), (5_100, False)):  # within half a percent of a million
        counts = whole.add(np.array([[shift], [0]]))
        if refused:
            with pytest.raises(InputError, match="about a million"):
                verify_counts(counts, where="f")
        else:
            assert verify_counts(counts, where="f").equals(counts)
    # One sample alone may have a million reads.
    assert verify_counts(whole[["a"]], where="f").equals(whole[["a"]])
    for shift, words in ((19_000.5, "TPM or CPM"), (21_000.5, "normalised or estimated")):
        with pytest.raises(InputError, match=words):
            verify_counts(whole.add(np.array([[shift], [0]])), where="f")
    for value, words in ((29.5, "log values"), (30.0, "normalised or estimated")):
        with pytest.raises(InputError, match=words):
            verify_counts(pd.DataFrame({"a": [0.5, value]}), where="f")


@pytest.mark.parametrize("value", [2**53, 2**53 - 1])
def test_the_largest_count(value: int) -> None:
    if value == 2**53:
        with pytest.raises(InputError, match=r"exceeds 2\^53"):
            verify_counts(table(a=[value, 2, 3, 4]), where="f")
    else:
        assert verify_counts(table(a=[value, 2, 3, 4]), where="f")["a"].iloc[0] == value


def test_counts_beyond_32_bits_are_kept() -> None:
    made = verify_counts(table(a=[2**33, 2, 3, 4]), where="f")
    assert made["a"].iloc[0] == 2**33


def test_assembly_joins_sheet_and_annotation(gene_ids: pd.DataFrame) -> None:
    made = assemble(table(), sheet("b", "a", excluded={"a": "failed"}), gene_ids)
    data = made.data
    assert data.obs_names.tolist() == ["b", "a"]
    assert np.asarray(data.X).tolist() == [[0, 5, 0, 7], [1, 2, 3, 4]]
    assert data.obs["included"].tolist() == ["yes", "no"]
    assert data.obs["reason"].tolist() == ["", "failed"]
    assert data.var["symbol"].tolist() == ["TSPAN6", "DPM1", "SCYL3", "C1orf112"]
    assert list(data.var.columns) == ["gene_id", "symbol", "entrez_id", "gene_type"]
    assert data.uns["not_in_sheet"] == ["c"]
    assert any("not in the sheet: c" in note for note in made.notes)


def test_versions_and_summary_rows(gene_ids: pd.DataFrame) -> None:
    counts = table()
    counts.index = ["ENSG00000000003.14", "ENSG00000000003.14_PAR_Y", "ENSG00000000457.1",
                    "__no_feature"]  # fmt: skip
    made = assemble(counts, sheet("a", "b"), gene_ids)
    assert made.data.var_names.tolist() == ["ENSG00000000003", "ENSG00000000457"]
    assert np.asarray(made.data.X)[0].tolist() == [3, 3]
    assert any("1 summary rows" in note for note in made.notes)
    assert any("1 rows with an id that occurs before" in note for note in made.notes)


def test_a_sample_that_is_not_in_the_matrix_is_named(gene_ids: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match=r"1 sample\(s\).*: d — .*look like 'a', 'b', 'c'"):
        assemble(table(), sheet("a", "d"), gene_ids)


def test_an_excluded_sample_may_lack_counts(gene_ids: pd.DataFrame) -> None:
    made = assemble(table(), sheet("a", "b", "d", excluded={"d": "lost"}), gene_ids)
    assert made.data.obs_names.tolist() == ["a", "b"]
    assert made.data.uns["no_counts"] == ["d"]


def test_duplicated_columns_empty_samples_and_foreign_ids(gene_ids: pd.DataFrame) -> None:
    twice = pd.concat([table(), table()[["a"]]], axis=1)
    with pytest.raises(InputError, match="two columns"):
        assemble(twice, sheet("a", "b"), gene_ids)
    with pytest.raises(InputError, match=r"no counts at all.*'a'"):
        assemble(table(a=[0, 0, 0, 0]), sheet("a", "b"), gene_ids)
    foreign = table()
    foreign.index = [f"ENSMUSG0000000000{i}" for i in range(4)]
    with pytest.raises(InputError, match="only 0% of the gene ids"):
        assemble(foreign, sheet("a", "b"), gene_ids)


def test_the_file_is_the_same_each_time(tmp_path: Path, gene_ids: pd.DataFrame) -> None:
    digests = set()
    for name in ("one.h5ad", "two.h5ad"):
        write_counts(assemble(table(), sheet("a", "b"), gene_ids), tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")] == []
    data = read_counts_h5ad(tmp_path / "one.h5ad")
    assert data.obs["drug"].tolist() == ["x", "v"]
    assert np.asarray(data.X).dtype.kind == "i"
