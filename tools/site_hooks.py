"""What MkDocs needs to know of this repository: pages outside of docs/, and links to files.

Pages that stand elsewhere (config/README.md, CHANGELOG.md, …) are read from where they are, as
``repository/…``. A link to any other file of the repository becomes the file's name.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = "repository"
_LINK = re.compile(
    r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]"
    r"\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)"
)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages outside of docs/ that the navigation names."""
    for name in _named(config["nav"]):
        if name.startswith(f"{OUTSIDE}/"):
            source = ROOT / name.removeprefix(f"{OUTSIDE}/")
            files.append(File.generated(config, name, abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Point links at the pages of the site; what is no page keeps its text alone."""
    own = page.file.src_uri
    here = Path(own.removeprefix(f"{OUTSIDE}/")) if own.startswith(OUTSIDE) else Path("docs") / own
    pages = {file.src_uri for file in files}
    blocks = re.split(r"(^```.*?^```)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(
        block if block.startswith("```") else _LINK.sub(lambda m: _link(m, here, own, pages), block)
        for block in blocks
    )


def _link(match: re.Match[str], here: Path, own: str, pages: set[str]) -> str:
    target = match["target"]
    if not target or re.match(r"[a-z]+:", target):
        return match[0]
    path = Path(os.path.normpath(here.parent / target)).as_posix()
    inside = path.removeprefix("docs/") if path.startswith("docs/") else f"{OUTSIDE}/{path}"
    if path == "README.md":
        inside = "index.md"
    if inside not in pages:
        if (ROOT / path).exists():
            return match["text"]
        return match[0]  # MkDocs says that it leads nowhere
    relative = os.path.relpath(inside, Path(own).parent or ".")
    return f"{match['image']}[{match['text']}]({relative}{match['anchor'] or ''})"


def _named(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    items = nav.values() if isinstance(nav, dict) else nav
    return [name for item in items for name in _named(item)]
