"""Names and numbers as figures label them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pathcall.report.svg import shorten


def short_names(pathway: str, readouts: Sequence[str]) -> dict[str, str]:
    """Readout → its name without the prefix that all share."""
    prefix = {name.split("_", 1)[0] for name in readouts}
    cut = len(prefix) == 1
    return {n: (n.split("_", 1)[1] if cut and "_" in n else n).replace("_", " ") for n in readouts}


def two_lines(text: str, length: int = 17) -> list[str]:
    """Text on one or two lines of `length` characters."""
    if len(text) <= length:
        return [text]
    words, first = text.split(" "), ""
    while words and len(first) + len(words[0]) + 1 <= length:
        first = f"{first} {words.pop(0)}".strip()
    rest = " ".join(words)
    return [first, shorten(rest, length + 1)] if first else [shorten(text, length)]


def estimate(row: Mapping[Any, Any], effect: str, low: str, high: str) -> str:
    """An estimate with its interval, in words."""
    return f"{row[effect]:.3g} [{row[low]:.3g}, {row[high]:.3g}]"
