"""Names and numbers as figures label them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pathcall.report.data import ReportData

FEW = 3  # contrasts up to here are named by their description, more of them by their id


def contrast_names(data: ReportData) -> dict[str, str]:
    """Contrast → its name in figures and sentences: ids where descriptions would bury the rest."""
    few = len(data.contrasts) <= FEW
    return {c.contrast: c.label if few else c.contrast for c in data.contrasts}


def short_names(pathway: str, readouts: Sequence[str]) -> dict[str, str]:
    """Readout → its name without the prefix that all share."""
    prefix = {name.split("_", 1)[0] for name in readouts}
    cut = len(prefix) == 1
    return {n: (n.split("_", 1)[1] if cut and "_" in n else n).replace("_", " ") for n in readouts}


def estimate(row: Mapping[Any, Any], effect: str, low: str, high: str) -> str:
    """An estimate with its interval, in words."""
    return f"{row[effect]:.3g} [{row[low]:.3g}, {row[high]:.3g}]"


def group_name(cell: object) -> str:
    """``drug=vehicle,line=A375`` as ``vehicle, A375``: levels say what they are levels of."""
    return ", ".join(part.split("=", 1)[-1] for part in str(cell or "").split(","))
