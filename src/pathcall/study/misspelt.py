"""Levels of the sheet that look like a slip: their samples would silently be left out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from difflib import SequenceMatcher

from pathcall.errors import ConfigError
from pathcall.study.config import Config
from pathcall.study.contrasts import Contrast
from pathcall.study.sample_sheet import Sheet

_WORD = re.compile(r"[^\W\d_][^\W\d_ -]{5,}|[^\W\d_][^\W\d_]*[ -][^\W\d_ -]{4,}")
ALIKE = 0.92
"""Similarity (difflib) of two words from which one is taken for a slip of the other: a letter more,
less or other in a dozen. ``treated`` and ``untreated`` (0.88) are two words."""


def check_misspelt(config: Config, sheet: Sheet, contrasts: Mapping[str, Contrast]) -> None:
    """Stop at a level that no contrast or model names and that looks like one that they name.

    Raises
    ------
    ConfigError
        Naming sample, column and both spellings.
    """
    named: dict[str, set[str]] = defaultdict(set)
    for contrast in contrasts.values():
        for cell in (contrast.test, contrast.reference):
            for column, level in cell.items():
                named[column].add(level)
    for model in config.models.values():
        for column, levels in (model.samples or {}).items():
            named[column].update(map(str, levels))
    for column in sheet.columns:
        of_sample = {sample: sheet.rows[sample][column] for sample in sheet.included}
        # A named level that no sample has is the contrast's own slip, said elsewhere.
        present = sorted(named[column].intersection(of_sample.values()))
        for sample, level in of_sample.items():
            if level in named[column]:
                continue
            for other in present:
                if _alike(level, other):
                    raise ConfigError(
                        "a level looks like a misspelling of one that the contrasts or models name",
                        where=f"{sheet.path}, sample {sample}, column {column}, value {level!r}",
                        fix=f"write {other!r}; or, if it is another level, a name less like it",
                    )


def _alike(one: str, other: str) -> bool:
    return (
        one[:1].casefold() == other[:1].casefold()
        and _WORD.fullmatch(one) is not None
        and _WORD.fullmatch(other) is not None
        and SequenceMatcher(None, one.casefold(), other.casefold()).ratio() >= ALIKE
    )
