"""One file of everything: what it holds, and that its bytes do not depend on when it was made."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

from pathcall.report.archive import write_archive
from tests.report_study import Study


def test_the_archive_holds_all_that_the_page_links_to(study: Study) -> None:
    page = (study.results / "report.html").read_text(encoding="utf-8")
    linked = {to for to in re.findall(r'href="([\w/.-]+\.\w+)"', page) if not to.endswith(".zip")}
    with zipfile.ZipFile(study.results / "GSE52778.zip") as archive:
        held = {name.removeprefix("GSE52778/") for name in archive.namelist()}
        assert archive.read("GSE52778/calls.tsv") == (study.results / "calls.tsv").read_bytes()
    assert {"calls.tsv", "counts.h5ad", "tables.xlsx", "de/dexamethasone.tsv"} <= linked <= held
    assert {"report.html", "figures/calls.svg", "qc/pathcall_calls_mqc.tsv"} <= held
    assert not [name for name in held if name.startswith(("models/", "logs/", "."))]


def test_the_bytes_are_the_same_again(tmp_path: Path) -> None:
    made = []
    for i, order in enumerate((("b/x.tsv", "a.tsv"), ("a.tsv", "b/x.tsv"))):
        results = tmp_path / str(i) / "S"
        for k, name in enumerate(order):
            (results / name).parent.mkdir(parents=True, exist_ok=True)
            (results / name).write_text(f"text of {name}\n")
            os.utime(results / name, (1e9 + i + k, 1e9 + i + k))
        write_archive(results, [results / name for name in order], results / "S.zip")
        made.append((results / "S.zip").read_bytes())
    assert made[0] == made[1]
    with zipfile.ZipFile(results / "S.zip") as archive:
        assert archive.namelist() == ["S/a.tsv", "S/b/x.tsv"]
        assert archive.read("S/b/x.tsv") == b"text of b/x.tsv\n"
