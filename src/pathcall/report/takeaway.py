"""What others read: one workbook of the tables, and the samples' quality for MultiQC.

Both are the run's tables again and are the same bytes on every run.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pathcall.files import whole_file
from pathcall.report.view import is_missing
from pathcall.tables import write_text

if TYPE_CHECKING:
    from pathcall.report.data import ReportData

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date that a ZIP file can hold
MULTIQC = ("pathcall_samples", "pathcall_calls")


def write_takeaway(data: ReportData, folder: Path) -> None:
    """Write ``tables.xlsx`` and ``qc/*_mqc.tsv`` into a results folder."""
    with whole_file(folder / "tables.xlsx") as part:
        part.write_bytes(workbook(data))
    for name, text in multiqc(data).items():
        write_text(text, folder / "qc" / f"{name}_mqc.tsv")


def sheets(data: ReportData) -> dict[str, pd.DataFrame]:
    """Tables of the workbook by the name of their sheet."""
    of_calls = {
        "calls": data.calls,
        "evidence": data.evidence,
        "adjusted": data.adjusted,
        "sensitivity": data.sensitivity,
        "ranking": data.ranking,
    }
    return {
        **(of_calls if data.has_calls else {}),
        "samples": data.samples,
        "quality": data.metrics,
        "flags": data.flags,
        "inputs": data.inputs,
        "software": data.software,
    }


def workbook(data: ReportData) -> bytes:
    """A sheet a table; text stays text, also where it begins like a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    book.properties.creator = "pathcall"
    book.properties.created = dt.datetime(*_LONG_AGO)
    for name, frame in sheets(data).items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        sheet.append(list(frame.columns))
        for row in frame.itertuples(index=False):
            cells: list[Any] = []
            for value in row:
                if is_missing(value):
                    cells.append(None)
                elif isinstance(value, str) and value[:1] in "=+-@":
                    cell = WriteOnlyCell(sheet, value)
                    cell.data_type = "s"
                    cells.append(cell)
                else:
                    cells.append(value)
            sheet.append(cells)
    held = io.BytesIO()
    book.save(held)
    return _timeless(held.getvalue())


def _timeless(content: bytes) -> bytes:
    """The same archive without the time at which it was written."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            part = old.read(info)
            if info.filename == "docProps/core.xml":
                stamp = rb"(<dcterms:modified[^>]*>)[^<]*"
                part = re.sub(stamp, rb"\g<1>1980-01-01T00:00:00Z", part)
            named = zipfile.ZipInfo(info.filename, date_time=_LONG_AGO)
            named.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(named, part)
    return out.getvalue()


def multiqc(data: ReportData) -> dict[str, str]:
    """Custom content of MultiQC: samples with their flags, and contrasts with their calls."""
    flags = data.flags.groupby("sample", sort=False)["flag"].agg(", ".join)
    columns = ["library_size", "n_genes", "pct_top_50", "pct_mitochondrial", "median_correlation"]
    samples = data.metrics[["sample", "group", *columns]].assign(
        flags=[flags.get(name, "none") for name in data.metrics["sample"]]
    )
    described = [
        (MULTIQC[0], "samples", "Quality of the samples, with what looks wrong (qc/flags.tsv).",
         samples),
    ]  # fmt: skip
    if data.has_calls:
        calls = data.calls.pivot_table(
            index="contrast", columns="pathway", values="call", aggfunc="first", sort=False
        ).reset_index()
        described.append(
            (MULTIQC[1], "calls", "The call of each pathway in each contrast (calls.tsv).", calls)
        )
    return {
        name: f"# id: {name}\n# section_name: 'pathcall: {title}'\n# description: '{words}'\n"
        f"# plot_type: table\n{_tsv(frame)}"
        for name, title, words, frame in described
    }


def _tsv(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(sep="\t", index=False, na_rep="NA", lineterminator="\n"))
