from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pathcall import tables
from pathcall.errors import DownloadError, InputError
from pathcall.files import seal_of


def flags(**change: list) -> pd.DataFrame:
    columns = {
        "sample": ["a", "nan"],
        "flag": ["outlier", "duplicate"],
        "severity": ["warning", "severe"],
        "value": [1 / 3, np.nan],
        "threshold": [1e-300, 0.1 + 0.2],
        "reason": ["tab\there", 'a "quote"'],
        "advice": ["exclude it", "look"],
    }
    return pd.DataFrame({**columns, **change})


def test_what_is_written_is_read_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "flags.tsv"
    tables.write_table(flags(), path, tables.QC_FLAGS)
    pd.testing.assert_frame_equal(
        tables.read_table(path, tables.QC_FLAGS), flags(), check_exact=True
    )
    assert "\tNA\t" in path.read_text()


def test_an_empty_table_has_its_header(tmp_path: Path) -> None:
    path = tmp_path / "flags.tsv"
    tables.write_table(flags().iloc[:0], path, tables.QC_FLAGS)
    assert path.read_text() == "sample\tflag\tseverity\tvalue\tthreshold\treason\tadvice\n"
    assert len(tables.read_table(path, tables.QC_FLAGS)) == 0


def test_a_wrong_frame_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "flags.tsv"
    for wrong in (flags(severity=["bad", "info"]), flags().drop(columns="flag"),
                  flags(sample=["a", None])):  # fmt: skip
        with pytest.raises(tables.SchemaError):
            tables.write_table(wrong, path, tables.QC_FLAGS)
    assert list(tmp_path.iterdir()) == []


def test_an_edited_file_is_refused_on_read(tmp_path: Path) -> None:
    path = tmp_path / "flags.tsv"
    tables.write_table(flags(), path, tables.QC_FLAGS)
    path.write_text(path.read_text().replace("severe", "awful"))
    with pytest.raises(InputError, match="cut or changed since it was written"):
        tables.read_table(path, tables.QC_FLAGS)
    seal_of(path).unlink()  # as in results of another version
    with pytest.raises(InputError, match="does not fit its schema") as error:
        tables.read_table(path, tables.QC_FLAGS)
    assert str(path) in error.value.line()


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "x.txt"
    tables.write_text("old", path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(DownloadError, match="the disk is full"):
        tables.write_text("new", path)
    assert path.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".x.txt.sha256", "x.txt"]


def test_every_column_is_described() -> None:
    schemas = [v for v in vars(tables).values() if isinstance(v, tables.DataFrameSchema)]
    assert {id(schema) for schema in schemas} == {id(schema) for schema in tables.SCHEMAS}
    assert len(schemas) >= 15
    for schema in schemas:
        assert schema.description, schema.name
        text = tables.describe(schema)
        for name, column in schema.columns.items():
            assert column.description, f"{schema.name}.{name}"
            assert f"`{name}`" in text


@pytest.mark.parametrize(
    ("schema", "column", "right", "wrong"),
    [
        (tables.EVIDENCE, "vote", [-1, 0, 1], [2]),
        (tables.EVIDENCE, "note", ["x", None], None),
        (tables.EVIDENCE, "readout", ["x"], [None]),
        (tables.ENRICHMENT, "leading_edge", ["TNF;IL6", None], None),
        (tables.ENRICHMENT, "pvalue", [0.0, 0.5, 1.0], [1.1]),
        (tables.CALLS_TABLE, "call", ["activated"], ["Activated"]),
        (tables.DE, "gene_id", ["1", "2"], ["1", "1"]),
        (tables.DE, "symbol", ["TNF", None], [1.5]),
        (tables.DE, "stat", [1, None], ["high"]),
        (tables.ENRICHMENT, "n_genes", [3.0], [3.5]),
        (tables.ENRICHMENT, "n_genes", [3], [None]),
    ],
)
def test_a_column_takes_what_it_may_hold_and_nothing_else(
    schema: tables.DataFrameSchema, column: str, right: list[object], wrong: list[object] | None
) -> None:
    check = schema.columns[column]
    check.checked(pd.Series(right, name=column))
    if wrong is not None:
        with pytest.raises(tables.SchemaError):
            check.checked(pd.Series(wrong, name=column))


def test_some_columns_are_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "flags.tsv"
    tables.write_table(flags(), path, tables.QC_FLAGS)
    some = ["value", "sample"]
    pd.testing.assert_frame_equal(
        tables.read_table(path, tables.QC_FLAGS, some), flags()[some], check_exact=True
    )


def test_columns_come_in_their_order_and_others_only_where_they_may() -> None:
    with pytest.raises(tables.SchemaError, match="the columns are"):
        tables.QC_FLAGS.validate(flags().iloc[:, ::-1])
    with pytest.raises(tables.SchemaError, match="the columns are"):
        tables.QC_FLAGS.validate(flags().assign(further=1))
    with pytest.raises(tables.SchemaError, match="column flag is not there"):
        tables.QC_FLAGS.validate(flags().drop(columns="flag"))
    row = {"sample": ["a"], "included": ["yes"], "reason": [None], "library_size": [1],
           "size_factor": [1.0], "drug": ["none"]}  # fmt: skip
    assert "drug" in tables.SAMPLES.validate(pd.DataFrame(row))
