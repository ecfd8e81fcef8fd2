"""Good files, broken in many ways: the same plan, or one line that says what is wrong and where.

Each mutation is one of two kinds. *Format*: the content is the same (a BOM, quotes, rows in another
order) or can't be known (another encoding, a shifted row): the plan must be that of the unbroken
files, or an error. *Content*: a value, row or key is another: the plan must be of exactly what the
file now says, as a reader of three lines reads it, or an error. A third plan, a traceback, or an
error that does not say where, fails.

More examples: ``PATHCALL_MUTATIONS=5000 pytest tests/study/test_mutations.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pathcall.errors import PathcallError
from pathcall.signatures.panel_files import PanelFiles, read_panel_files
from pathcall.study.config import Config
from pathcall.study.config_file import read_config_file
from pathcall.study.plan import StudyPlan, plan_study
from tests.study.small_study import files, write_study
from tests.tried import MUTATIONS, note

pytestmark = pytest.mark.slow

GOOD = files()
TABLES = [name for name in GOOD if name.endswith(".tsv") and name != "counts.tsv"]
many = settings(
    derandomize=True, deadline=None, max_examples=MUTATIONS, database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("study")
    write_study(made)
    before = Path.cwd()
    os.chdir(made)
    yield made
    os.chdir(before)


@contextmanager
def changed(folder: Path, name: str, content: bytes) -> Iterator[None]:
    (folder / name).write_bytes(content)
    try:
        yield
    finally:
        (folder / name).write_bytes(GOOD[name])


def planned(folder: Path) -> tuple[StudyPlan, PanelFiles]:
    plan = plan_study(read_config_file("config.yaml"), source="config.yaml", root=folder)
    return plan, read_panel_files(plan.config.signatures)


def outcome(
    folder: Path, name: str, content: bytes, how: str
) -> tuple[StudyPlan, PanelFiles] | str:
    """The plan, or the line of the error, which must say what, where and how to fix it."""
    what = "panel" if name.startswith("panel/") else name.partition(".")[0]
    with changed(folder, name, content):
        try:
            plan = planned(folder)
        except PathcallError as found:
            error = found
        else:
            note(what, how, "read")
            return plan
    note(what, how, "refused")
    line = error.line()
    assert line.startswith("error: ")
    assert line.isprintable(), line
    assert len(line) < 1500, line
    what, where, fix = error.what, error.where, error.fix
    assert what.strip(), line
    assert fix.strip(), line
    files_named = (name, "samples.tsv", "contrasts.tsv", "config.yaml", "models.", "panel")
    assert any(part in where for part in files_named), line
    places = ("line ", "lines ", "column", "value", "key ", "set ", "file ", "models.", "contrast",
              "readout ", "(", "byte")  # fmt: skip
    whole_file = (
        where in (name, "samples.tsv", "contrasts.tsv", "config.yaml") or "too long" in where
    )
    assert whole_file or any(place in where for place in places), line
    return line


def fingerprint(plan: StudyPlan, panel: PanelFiles) -> dict[str, Any]:
    """All that a plan says, whatever the order of rows and columns."""
    models = {}
    for name, model in plan.models.items():
        design = model.design
        rows = dict(zip(design.samples, design.matrix.tolist(), strict=True))
        cells = {
            sample: dict(zip(design.coefficients, row, strict=True)) for sample, row in rows.items()
        }
        weights = {
            key: dict(zip(design.coefficients, value.tolist(), strict=True))
            for key, value in model.weights.items()
        }
        models[name] = (cells, weights, model.smallest_group, design.levels)
    return {
        "config": plan.config.model_dump(),
        "sheet": {s: dict(row) for s, row in plan.sheet.rows.items()},
        "excluded": dict(plan.sheet.excluded),
        "contrasts": {name: c.as_dict() for name, c in plan.contrasts.items()},
        "models": models,
        "gene_sets": dict(panel.gene_sets),
        "readouts": {r.readout: (r, dict(r.weights)) for r in panel.readouts},
        "footprints": sorted(tuple(sorted(row.items())) for row in panel.footprints),
        "secretome": sorted(tuple(sorted(row.items())) for row in panel.secretome),
        "curated": sorted(tuple(sorted(row.items())) for row in panel.curated),
    }


def test_the_unbroken_study_has_a_plan(folder: Path) -> None:
    plan, panel = planned(folder)
    assert {name: len(model.samples) for name, model in plan.models.items()} == {
        "tumour": 12, "vitro": 8,
    }  # fmt: skip
    assert len(plan.contrasts) == 5
    assert len(panel.gene_sets) == 4


@pytest.fixture(scope="module")
def unbroken(folder: Path) -> dict[str, Any]:
    return fingerprint(*planned(folder))


# -- format --------------------------------------------------------------------------------------

Draw = Callable[..., Any]


def _lines(content: bytes) -> list[str]:
    return content.decode().split("\n")[:-1]


def _joined(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _at(
    lines: list[str], draw: Draw, change: Callable[[str], str], *, header: bool = True
) -> bytes:
    i = draw(st.integers(0 if header else 1, len(lines) - 1))
    return _joined([change(line) if k == i else line for k, line in enumerate(lines)])


def _one_value(content: bytes, draw: Draw, change: Callable[[str], str]) -> bytes:
    lines = _lines(content)
    i = draw(st.integers(0, len(lines) - 1))
    values = lines[i].split("\t")
    j = draw(st.integers(0, len(values) - 1))
    values[j] = change(values[j])
    return _joined([*lines[:i], "\t".join(values), *lines[i + 1 :]])


def _insert(content: bytes, draw: Draw, what: bytes) -> bytes:
    at = draw(st.integers(0, len(content)))
    while at < len(content) and content[at] & 0xC0 == 0x80:  # not inside a character
        at += 1
    return content[:at] + what + content[at:]


def _replace_tab(content: bytes, draw: Draw, by: str) -> bytes:
    tabs = [i for i, byte in enumerate(content) if byte == 9]
    at = draw(st.sampled_from(tabs))
    return content[:at] + by.encode() + content[at + 1 :]


def _shuffled_columns(content: bytes, draw: Draw) -> bytes:
    rows = [line.split("\t") for line in _lines(content)]
    order = draw(st.permutations(range(len(rows[0]))))
    return _joined(["\t".join(row[j] for j in order) for row in rows])


def _shuffled_rows(content: bytes, draw: Draw) -> bytes:
    first, *rows = _lines(content)
    return _joined([first, *draw(st.permutations(rows))])


def _without_value(content: bytes, draw: Draw) -> bytes:
    """One row that lacks a value together with its tab: all behind it are shifted."""

    def change(line: str) -> str:
        values = line.split("\t")
        del values[draw(st.integers(0, len(values) - 1))]
        return "\t".join(values)

    return _at(_lines(content), draw, change)


HARMLESS: dict[str, Callable[[bytes, Draw], bytes]] = {
    "bom": lambda c, d: b"\xef\xbb\xbf" + c,
    "crlf": lambda c, d: c.replace(b"\n", b"\r\n"),
    "cr": lambda c, d: c.replace(b"\n", b"\r"),
    "no last newline": lambda c, d: c.rstrip(b"\n"),
    "blank lines": lambda c, d: _at(_lines(c), d, lambda line: line + "\n  \t "),
    "spaces": lambda c, d: _one_value(c, d, lambda v: f" {v}\u00a0"),
    "quoted value": lambda c, d: _one_value(c, d, lambda v: f'"{v}"'),
    "all quoted": lambda c, d: _joined(
        ["\t".join(f'"{v}"' for v in line.split("\t")) for line in _lines(c)]
    ),
    "empty columns": lambda c, d: _joined([line + "\t\t" for line in _lines(c)]),
    "rows": _shuffled_rows,
    "columns": _shuffled_columns,
}
UNREADABLE: dict[str, Callable[[bytes, Draw], bytes]] = {
    "quote before": lambda c, d: _one_value(c, d, lambda v: f'"{v}'),
    "quotes over rows": lambda c, d: _one_value(
        _one_value(c, d, lambda v: f'"{v}'), d, lambda v: f'{v}"'
    ),
    "nul": lambda c, d: _insert(c, d, b"\0"),
    "control": lambda c, d: _insert(c, d, d(st.sampled_from([b"\x1b", b"\x0b", b"\x0c", b"\x7f"]))),
    "line separator": lambda c, d: _insert(c, d, "\u2028".encode()),
    "not utf-8": lambda c, d: _insert(c, d, d(st.sampled_from([b"\xb5", b"\xff", b"\xc3\n"]))),
    "utf-16": lambda c, d: c.decode().encode(d(st.sampled_from(["utf-16", "utf-16-le"]))),
    "semicolons": lambda c, d: c.replace(b"\t", d(st.sampled_from([b";", b",", b"    ", b"|"]))),
    "tab lost": lambda c, d: _replace_tab(c, d, " "),
    "tab twice": lambda c, d: _replace_tab(c, d, "\t\t"),
    "newline in a row": lambda c, d: _replace_tab(c, d, "\n"),
    "value lost": _without_value,
    "header shifted": lambda c, d: c[c.index(b"\t") + 1 :],
    "index column": lambda c, d: b"\t" + c,
    "no header": lambda c, d: c[c.index(b"\n") + 1 :],
    "empty": lambda c, d: d(st.sampled_from([b"", b"\n", b"\xef\xbb\xbf", b" \t \n"])),
    "header only": lambda c, d: c[: c.index(b"\n") + 1],
    "long": lambda c, d: _one_value(c, d, lambda v: v + "x" * 140_000),
    "spreadsheet error": lambda c, d: _one_value(
        c, d, lambda v: d(st.sampled_from(["#REF!", "#NAME?", "#N/A", "#DIV/0!"]))
    ),
}


@many
@given(data=st.data(), name=st.sampled_from(TABLES), kind=st.sampled_from(sorted(HARMLESS)))
def test_harmless_mutations_change_nothing(
    folder: Path, unbroken: dict[str, Any], data: st.DataObject, name: str, kind: str
) -> None:
    found = outcome(folder, name, HARMLESS[kind](GOOD[name], data.draw), kind)
    assert not isinstance(found, str), found
    assert fingerprint(*found) == unbroken


@many
@given(data=st.data(), name=st.sampled_from(TABLES), kind=st.sampled_from(sorted(UNREADABLE)))
def test_unreadable_tables_are_the_same_or_an_error(
    folder: Path, unbroken: dict[str, Any], data: st.DataObject, name: str, kind: str
) -> None:
    found = outcome(folder, name, UNREADABLE[kind](GOOD[name], data.draw), kind)
    if not isinstance(found, str):
        assert fingerprint(*found) == unbroken


# -- content -------------------------------------------------------------------------------------


def _naive(content: bytes) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    header, *rows = [
        [value.strip() for value in line.split("\t")]
        for line in content.decode("utf-8-sig").split("\n")
        if line.strip()
    ]
    return tuple(header), [dict(zip(header, row, strict=True)) for row in rows]


def _said(value: str) -> str:
    value = value[1:-1].replace('""', '"') if value[:1] == value[-1:] == '"' else value
    return "" if value == "NA" else value.strip()


EDITS: dict[str, Callable[[str, Draw], str]] = {
    "other case": lambda v, d: v.swapcase(),
    "typo": lambda v, d: v[:-1] if d(st.booleans()) else v + d(st.sampled_from("xX9_ ")),
    "emptied": lambda v, d: d(st.sampled_from(["", "NA", "na", "N/A", "nan", "null", "-"])),
    "invisible": lambda v, d: v[:1] + d(st.sampled_from(["\u200b", "\u00ad", "  "])) + v[1:],
    "as number": lambda v, d: f"{v}.0" if v.isdigit() else f"{v}1",
    "excel": lambda v, d: d(st.sampled_from(
        ["1-Mar", "01.Mrz", "1-mars", "44256", "2024-03-01", "TRUE", "WAHR", "VRAI", "1,5", "1E+05"]
    )),
    "odd": lambda v, d: d(st.sampled_from(
        ["inf", "1e999", "1_0", "=cmd|' /C calc'!A0", "[x](https://evil)", "../../EVIL", "a/b",
         "{x}", "<script>", "'; rm -rf", "$(id)", "é", "x" * 300, "a=b", "a,b", "0", "-1",
         '5" dish']
    )),
}  # fmt: skip


def _edited(content: bytes, draw: Draw) -> bytes:
    kind = draw(st.sampled_from([*sorted(EDITS), "row lost", "row twice", "swapped", "header"]))
    lines = _lines(content)
    if kind == "row lost":
        i = draw(st.integers(1, len(lines) - 1))
        return _joined(lines[:i] + lines[i + 1 :])
    if kind == "row twice":
        return _joined([*lines, draw(st.sampled_from(lines[1:]))])
    rows = [line.split("\t") for line in lines]
    j = draw(st.integers(0, len(rows[0]) - 1))
    if kind == "swapped":
        a, b = draw(st.tuples(*[st.integers(0, len(rows) - 1)] * 2))
        rows[a][j], rows[b][j] = rows[b][j], rows[a][j]
    else:
        i = 0 if kind == "header" else draw(st.integers(1, len(rows) - 1))
        edit = EDITS[draw(st.sampled_from(sorted(EDITS))) if kind == "header" else kind]
        rows[i][j] = edit(rows[i][j], draw)
    return _joined(["\t".join(row) for row in rows])


@many
@given(data=st.data())
def test_an_edited_sheet_is_taken_at_its_word_or_refused(folder: Path, data: st.DataObject) -> None:
    content = _edited(GOOD["samples.tsv"], data.draw)
    found = outcome(folder, "samples.tsv", content, "edited")
    if isinstance(found, str):
        return
    sheet = found[0].sheet
    header, rows = _naive(content)
    factors = [name for name in header if name not in ("sample", "exclude", "exclude_reason")]
    assert list(sheet.columns) == factors
    assert {s: dict(r) for s, r in sheet.rows.items()} == {
        _said(row["sample"]): {name: _said(row[name]) for name in factors} for row in rows
    }
    assert len(sheet.rows) == len(rows)
    assert set(sheet.excluded) == {
        _said(row["sample"]) for row in rows if row.get("exclude", "").lower() == "yes"
    }


@many
@given(data=st.data())
def test_an_edited_contrasts_table_is_taken_at_its_word_or_refused(
    folder: Path, data: st.DataObject
) -> None:
    content = _edited(GOOD["contrasts.tsv"], data.draw)
    found = outcome(folder, "contrasts.tsv", content, "edited")
    if isinstance(found, str):
        return
    _, rows = _naive(content)
    contrasts = found[0].contrasts
    assert list(contrasts) == [_said(row["contrast"]) for row in rows]
    for row, contrast in zip(rows, contrasts.values(), strict=True):
        assert contrast.model == _said(row["model"])
        for cell, text in ((contrast.test, row["test"]), (contrast.reference, row["reference"])):
            assert ",".join(f"{k}={v}" for k, v in cell.items()) == _said(text)
        for key in ("subtract", "group", "description"):
            assert (getattr(contrast, key) or "") == _said(row.get(key, ""))
        expected = ",".join(f"{k}:{v}" for k, v in contrast.expected.items())
        assert expected == _said(row.get("expected", ""))


_USED = ("system", "donor", "line", "drug")


@many
@given(
    sample=st.integers(1, 20), column=st.sampled_from(_USED),
    kind=st.sampled_from(["other case", "invisible", "as number", "emptied"]), data=st.data(),
)  # fmt: skip
def test_no_slip_in_a_used_level_goes_by(
    folder: Path, unbroken: dict[str, Any], sample: int, column: str, kind: str, data: st.DataObject
) -> None:
    """Case, spaces, ways to write a number, words for missing: never a level of their own."""
    rows = [line.split("\t") for line in _lines(GOOD["samples.tsv"])]
    j = rows[0].index(column)
    if (kind, column) == ("emptied", "system") or (
        kind == "as number" and not rows[sample][j].isdigit()
    ):
        return  # without a system a sample is in no model; the others are typos
    rows[sample][j] = EDITS[kind](rows[sample][j], data.draw)
    found = outcome(folder, "samples.tsv", _joined(["\t".join(row) for row in rows]), kind)
    if isinstance(found, str):
        return
    # What no model sees may be anything: the donor of a sample in vitro is no block there.
    assert fingerprint(*found)["models"] == unbroken["models"]


@many
@given(data=st.data(), name=st.sampled_from([n for n in TABLES if n.startswith("panel/")]))
def test_an_edited_panel_is_taken_at_its_word_or_refused(
    folder: Path, unbroken: dict[str, Any], data: st.DataObject, name: str
) -> None:
    content = _edited(GOOD[name], data.draw)
    found = outcome(folder, name, content, "edited")
    if isinstance(found, str):
        return
    _, rows = _naive(content)
    panel = found[1]
    kept = {"panel/curated_sets.tsv": panel.curated, "panel/footprints.tsv": panel.footprints,
            "panel/secretome.tsv": panel.secretome}  # fmt: skip
    if name in kept:
        assert [dict(row) for row in kept[name]] == rows
    elif name == "panel/gene_sets.tsv":
        memberships = {(s.collection, s.name, g) for s in panel.gene_sets.values() for g in s.genes}
        own = {m for m in memberships if m[0] != "own"}
        assert own == {(row["collection"], row["gene_set"], row["gene"]) for row in rows}
    else:
        assert [r.readout for r in panel.readouts] == [row["readout"] for row in rows]
        for row, readout in zip(rows, panel.readouts, strict=True):
            assert (readout.pathway, readout.family, readout.role) == (
                row["pathway"], row["family"], row["role"],
            )  # fmt: skip
            assert readout.expected_direction == int(row["expected_direction"])
            assert readout.weights


@many
@given(data=st.data())
def test_a_broken_gmt_file_is_the_same_or_an_error(
    folder: Path, unbroken: dict[str, Any], data: st.DataObject
) -> None:
    name = "panel/own.gmt"
    kinds = ["bom", "crlf", "cr", "no last newline", "blank lines", "spaces", "quoted value",
             "all quoted"]  # fmt: skip
    kind = data.draw(st.sampled_from(kinds))
    found = outcome(folder, name, HARMLESS[kind](GOOD[name], data.draw), kind)
    assert not isinstance(found, str), found
    assert fingerprint(*found) == unbroken
    kind = data.draw(st.sampled_from(["nul", "not utf-8", "utf-16", "empty", "semicolons"]))
    assert isinstance(outcome(folder, name, UNREADABLE[kind](GOOD[name], data.draw), kind), str)


# -- config --------------------------------------------------------------------------------------

VALUES = ["-5", "0", "0.99", "1e9", ".inf", ".nan", "[]", "{}", "null", "true", "'x'", "010",
          "1:30", "'../x'", "[a, b]", "{a: 1}", '"\\0"', '"\\n"', "x" * 300, "NA",
          "'?eval'", "GSE1", "no", "2024-01-01", "&a [*a]", "!!python/name:os.system",
          "1_0", "*x"]  # fmt: skip


def _config(draw: Draw) -> bytes:
    lines = _lines(GOOD["config.yaml"])
    i = draw(st.integers(0, len(lines) - 1))
    kind = draw(st.sampled_from(
        ["lost", "twice", "swapped", "value", "case", "typo", "tabs", "cut", "indent", "extra",
         "unquoted", "byte", "colon", "top"]
    ))  # fmt: skip
    if kind == "lost":
        del lines[i]
    elif kind == "twice":
        lines.insert(draw(st.integers(0, len(lines))), lines[i])
    elif kind == "swapped":
        j = draw(st.integers(0, len(lines) - 1))
        lines[i], lines[j] = lines[j], lines[i]
    elif kind == "value":
        lines[i] = lines[i].partition(":")[0] + ": " + draw(st.sampled_from(VALUES))
    elif kind == "case":
        lines[i] = lines[i].swapcase()
    elif kind == "typo":
        at = draw(st.integers(0, max(0, len(lines[i]) - 1)))
        lines[i] = (
            lines[i][:at]
            + draw(st.sampled_from(["", "x", "-", " ", '"', "'"]))
            + lines[i][at + 1 :]
        )
    elif kind == "tabs":
        lines = [line.replace("  ", "\t") for line in lines]
    elif kind == "indent":
        lines[i] = " " + lines[i]
    elif kind == "extra":
        lines.insert(i, draw(st.sampled_from(
            ["__use_yte__: true", "__definitions__: [x]", "alhpa: 0.1", "---", "...", "? x",
             "<<: x", "- x", "%YAML 1.1", "offline: maybe", "mirrors: {ftp.ncbi.nih.gov: 'file:///m'}"]
        )))  # fmt: skip
    elif kind == "unquoted":
        lines = [line.replace('"', "") for line in lines]
    elif kind == "colon":
        lines[i] = lines[i].replace(":", "", 1)
    content = _joined(lines)
    if kind == "cut":
        return content[: draw(st.integers(0, len(content)))]
    if kind == "byte":
        return _insert(
            content, draw, draw(st.sampled_from([b"\0", b"\xff", b"\xb5", b"\x1b", b"\t"]))
        )
    if kind == "top":
        return draw(st.sampled_from(
            [b"", b"[]", b"null", b"- a", b"x", b"{" * 3000, content.decode().encode("utf-16"),
             b"\xef\xbb\xbf" + content, content.replace(b"\n", b"\r\n"), b"{}", b"{\"a\": 1"]
        ))  # fmt: skip
    return content


def _leaves(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*at, str(key)))
    else:
        yield at, [str(v) for v in value] if isinstance(value, list) else value


@many
@given(data=st.data())
def test_a_broken_config_is_taken_at_its_word_or_refused(
    folder: Path, unbroken: dict[str, Any], data: st.DataObject
) -> None:
    content = _config(data.draw)
    found = outcome(folder, "config.yaml", content, "edited")
    if isinstance(found, str):
        return
    raw = yaml.safe_load(content.decode("utf-8-sig"))
    made = dict(_leaves(found[0].config.model_dump(mode="json")))
    default = dict(_leaves(Config.model_validate({**raw, "calls": {}}).model_dump(mode="json")))
    written = dict(_leaves(raw))
    for key, value in written.items():
        assert made.get(key, {}) in (value, str(value)) or value == {}, (key, value)
    for key, value in made.items():
        if key not in written and key[:2] != ("calls", "confounders"):
            assert value == default.get(key), key
