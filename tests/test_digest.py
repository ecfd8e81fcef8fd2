from pathlib import Path

import pytest

from pathcall import digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "pathcall"
    (root / "report").mkdir(parents=True)
    (root / "a.py").write_text("from pathcall import b\n")
    (root / "b.py").write_text("import pathcall.c\n")
    (root / "c.py").write_text("X = 1\n")
    (root / "d.py").write_text("def f():\n    from pathcall.c import X\n")
    (root / "other.py").write_text("Y = 1\n")
    (root / "report" / "__init__.py").write_text("")
    (root / "report" / "page.html").write_text("<p>")
    monkeypatch.setattr(digest, "ROOT", root)
    return root


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("c.py", {"pathcall.a", "pathcall.b", "pathcall.c", "pathcall.d"}),
        ("b.py", {"pathcall.a", "pathcall.b"}),
        ("other.py", set()),
        ("report/page.html", {"pathcall.report"}),
    ],
)
def test_a_digest_follows_what_a_module_imports(
    package: Path, edited: str, changed: set[str]
) -> None:
    modules = ["pathcall.a", "pathcall.b", "pathcall.c", "pathcall.d", "pathcall.report"]
    before = {name: digest.code_digest(name) for name in modules}
    assert before == {name: digest.code_digest(name) for name in modules}
    with (package / edited).open("a") as file:
        file.write("\n# edited\n")
    digest._imports.cache_clear()
    after = {name: digest.code_digest(name) for name in modules}
    assert {name for name in modules if before[name] != after[name]} == changed


def test_an_unknown_module_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"pathcall\.nothing"):
        digest.code_digest("pathcall.nothing")
