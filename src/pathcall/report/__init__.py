"""The report: one HTML file that answers the question and lets every number be followed back.

Figures are SVG made here, without a plotting library; the page works without scripts and sends no
request. Layers: `data` reads the tables, `sections` holds one module a section of the page (its
content and its figures), `payload` packs what the page's script searches, `render` puts it
together, `wording` holds every caption and every fixed phrase.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["render_report"]


def render_report(
    results: Path,
    *,
    config: Mapping[str, Any],
    contrasts: Sequence[Mapping[str, Any]],
    panel_folder: Path,
    out: Path,
    figures: Path | None = None,
) -> None:
    """Render the report of one results folder.

    Parameters
    ----------
    results
        ``results/{study}``, complete but for the report.
    config
        The effective configuration as plain data.
    contrasts
        The contrasts table as plain data, in its order.
    panel_folder
        Signature panel of the run.
    out
        The HTML file; written whole or not at all.
    figures
        Folder for single figures as SVG files (for ``snakemake --report``), with the workbook
        ``tables.xlsx`` and files for MultiQC beside it; none by default.

    Raises
    ------
    InputError
        A table of the contract is missing or does not fit its schema.
    """
    # Here, not above: the workflow imports `wording` while it is parsed.
    from pathcall.report.render import write_report

    write_report(
        results,
        config=config,
        contrasts=contrasts,
        panel_folder=panel_folder,
        out=out,
        figures=figures,
    )
