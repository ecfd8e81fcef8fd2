import ast
from pathlib import Path

import pytest

from pathcall import digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "pathcall"
    (root / "report").mkdir(parents=True)
    (root / "room" / "inner").mkdir(parents=True)
    (root / "room" / "__init__.py").write_text("")
    (root / "room" / "rule.py").write_text("from . import helper\nfrom ..c import X\n")
    (root / "room" / "helper.py").write_text("H = 1\n")
    (root / "room" / "prior.py").write_text("P = 1\n")
    (root / "room" / "prior_table.tsv.gz").write_text("1\n")
    (root / "room" / "inner" / "__init__.py").write_text("from pathcall import other\n")
    (root / "room" / "inner" / "deep.py").write_text("from .. import prior\n")
    (root / "e.py").write_text("from pathcall.room import rule\n")
    (root / "f.py").write_text("from pathcall.room.inner.deep import P\n")
    (root / "a.py").write_text("from pathcall import b\n")
    (root / "b.py").write_text("import pathcall.c\n")
    (root / "c.py").write_text("X = 1\n")
    (root / "d.py").write_text("def f():\n    from pathcall.c import X\n")
    (root / "other.py").write_text("Y = 1\n")
    (root / "report" / "__init__.py").write_text("")
    (root / "report" / "page.html").write_text("<p>")
    monkeypatch.setattr(digest, "ROOT", root)
    return root


MODULES = ["a", "b", "c", "d", "e", "f", "report", "room.rule", "room.helper", "room.inner.deep"]


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("c.py", {"a", "b", "c", "d", "e", "room.rule"}),
        ("b.py", {"a", "b"}),
        ("other.py", {"f", "room.inner.deep"}),  # the __init__ of room.inner imports it
        ("report/page.html", {"report"}),
        ("room/rule.py", {"e", "room.rule"}),
        ("room/helper.py", {"e", "room.rule", "room.helper"}),
        ("room/prior_table.tsv.gz", {"f", "room.inner.deep"}),
        ("room/inner/__init__.py", {"f", "room.inner.deep"}),
        (
            "room/__init__.py",
            {"e", "f", "room.rule", "room.helper", "room.inner.deep"},
        ),
    ],
)
def test_a_digest_follows_what_a_module_imports(
    package: Path, edited: str, changed: set[str]
) -> None:
    before = {name: digest.code_digest(f"pathcall.{name}") for name in MODULES}
    assert before == {name: digest.code_digest(f"pathcall.{name}") for name in MODULES}
    with (package / edited).open("a") as file:
        file.write("\n# edited\n")
    digest._imports.cache_clear()
    after = {name: digest.code_digest(f"pathcall.{name}") for name in MODULES}
    assert {name for name in MODULES if before[name] != after[name]} == changed


SOURCES = sorted(digest.ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=[str(p.relative_to(digest.ROOT)) for p in SOURCES])
def test_no_import_of_the_package_is_overlooked(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imports = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    found = digest._import_statements(path.read_text())
    assert sorted(map(ast.dump, found)) == sorted(map(ast.dump, imports))


def test_an_unknown_module_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"pathcall\.nothing"):
        digest.code_digest("pathcall.nothing")
    with pytest.raises(ModuleNotFoundError, match=r"pathcall\.report\.nothing"):
        digest.code_digest("pathcall.report.nothing")
