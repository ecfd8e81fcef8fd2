"""What a flag says: the sample, what is wrong, how bad, what was measured, why, and what to do."""

from __future__ import annotations

from typing import Literal, NamedTuple

import pandas as pd

Severity = Literal["info", "warning", "severe"]

STUDY = "(all samples)"
"""Stands for the sample in a flag about the study as a whole."""


class Flag(NamedTuple):
    """One row of ``qc/flags.tsv``."""

    sample: str
    flag: str
    severity: Severity
    value: float
    threshold: float
    reason: str
    advice: str


def flag_table(flags: list[Flag], samples: list[str]) -> pd.DataFrame:
    """Table of schema ``qc/flags``: by sample, in the order of the sheet; the study's own first."""
    position = {STUDY: -1} | {sample: i for i, sample in enumerate(samples)}
    order = sorted(flags, key=lambda f: (position[f.sample], f.flag))
    table = pd.DataFrame(order, columns=list(Flag._fields))
    return table.astype({"value": float, "threshold": float})
