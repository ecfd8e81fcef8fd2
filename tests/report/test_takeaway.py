"""The workbook and MultiQC's files against the tables."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import yaml

from pathcall.report import takeaway
from pathcall.report.data import ReportData
from tests.report_study import Study


@pytest.fixture(scope="module")
def data(study: Study) -> ReportData:
    return study.data()


def test_sheets_are_the_tables(data: ReportData) -> None:
    book = openpyxl.load_workbook(io.BytesIO(takeaway.workbook(data)))
    assert book.sheetnames == list(takeaway.sheets(data))
    for name, frame in takeaway.sheets(data).items():
        head, *rows = book[name].iter_rows(values_only=True)
        assert list(head) == list(frame.columns)
        assert len(rows) == len(frame)
        for row, wanted in zip(rows, frame.itertuples(index=False), strict=True):
            for got, value in zip(row, wanted, strict=True):
                if pd.isna(value):
                    assert got is None
                elif isinstance(value, str):
                    assert got == value
                else:
                    assert got == pytest.approx(value)


def test_text_that_begins_like_a_formula_stays_text(data: ReportData) -> None:
    hostile = data.samples.assign(geo_title="=1+1")
    book = openpyxl.load_workbook(
        io.BytesIO(takeaway.workbook(replace(data, samples=hostile))), data_only=False
    )
    cell = book["samples"].cell(2, len(hostile.columns))
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_the_bytes_are_the_same_again(data: ReportData, monkeypatch: pytest.MonkeyPatch) -> None:
    first = takeaway.workbook(data)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert takeaway.workbook(data) == first


def test_multiqc_reads_samples_and_calls(data: ReportData) -> None:
    made = takeaway.multiqc(data)
    assert list(made) == list(takeaway.MULTIQC)
    for name, text in made.items():
        head = "\n".join(
            line.removeprefix("# ") for line in text.splitlines() if line.startswith("#")
        )
        about = yaml.safe_load(head)
        assert about["id"] == name
        assert about["plot_type"] == "table"
    samples = pd.read_csv(io.StringIO(made["pathcall_samples"]), sep="\t", comment="#")
    assert samples["library_size"].tolist() == data.metrics["library_size"].tolist()
    calls = pd.read_csv(io.StringIO(made["pathcall_calls"]), sep="\t", comment="#")
    for row in data.calls.to_dict("records"):
        own = calls.set_index("contrast").loc[row["contrast"], row["pathway"]]
        assert own == row["call"]


def test_both_are_written_beside_the_page(study: Study, tmp_path: Path) -> None:
    study.render(tmp_path / "report.html", tmp_path / "figures")
    assert (tmp_path / "tables.xlsx").read_bytes().startswith(b"PK")
    assert {p.name for p in (tmp_path / "qc").glob("*_mqc.tsv")} == {
        "pathcall_samples_mqc.tsv", "pathcall_calls_mqc.tsv"
    }  # fmt: skip
