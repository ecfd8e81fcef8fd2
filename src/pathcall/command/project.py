"""Where the workflow lies: in the folder of a clone, or inside the installed package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def project_folder() -> Path:
    """Folder that holds ``Snakefile``, ``workflow/``, ``profiles/`` and ``resources/``."""
    shipped = PACKAGE / "shipped"
    return shipped if shipped.is_dir() else PACKAGE.parents[1]
