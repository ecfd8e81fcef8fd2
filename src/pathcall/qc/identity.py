"""Sex by expression, against what the sheet says and within one donor or cell line.

XIST is expressed where there are two X chromosomes, the Y genes where there is a Y. Both are clear
or silent in nearly all tissues. Tumour cells may lose either, so silence alone proves nothing:
only a gene that is expressed where it should not exist is a contradiction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pathcall.qc.flags import Flag

# Of human, mouse (EIF2S3Y) or both; mouse symbols are compared in capitals.
Y_GENES = ("RPS4Y1", "DDX3Y", "KDM5D", "UTY", "USP9Y", "EIF1AY", "EIF2S3Y", "ZFY")
X_GENE = "XIST"
PRESENT = 5.0
"""Normalised counts per million from which on a gene counts as expressed."""
ABSENT = 0.5
_SEX = re.compile(r"(geo_)?(sex|gender)", re.IGNORECASE)
PERSON = re.compile(
    r"(geo_)?(donor|patient|subject|individual|participant|cell_?line|line|cell)(_?id)?",
    re.IGNORECASE,
)
"""Columns that name whom, or which line, a sample is from."""
_WORDS = {"m": "male", "male": "male", "man": "male", "f": "female", "female": "female",
          "woman": "female"}  # fmt: skip


def sex_by_expression(counts: pd.DataFrame, symbols: pd.Series) -> pd.DataFrame:
    """XIST and the Y genes of each sample, in counts per million, and what they say.

    Parameters
    ----------
    counts
        ``samples × genes``.
    symbols
        gene → symbol.

    Returns
    -------
    pandas.DataFrame
        xist, y, sex (male, female or empty), index: sample. No rows where the genes are not in the
        matrix.
    """
    upper = symbols.reindex(counts.columns).fillna("").astype(str).str.upper().to_numpy()
    on_y, on_x = np.isin(upper, Y_GENES), upper == X_GENE
    if on_y.sum() < 3 or not on_x.any():
        return pd.DataFrame(columns=["xist", "y", "sex"], dtype=object)
    values = counts.to_numpy(dtype=float)
    per_million = 1e6 / values.sum(axis=1)
    xist = values[:, on_x].sum(axis=1) * per_million
    y = values[:, on_y].sum(axis=1) * per_million
    sex = np.where(
        (y >= PRESENT) & (xist < ABSENT), "male",
        np.where((xist >= PRESENT) & (y < ABSENT), "female", ""),
    )  # fmt: skip
    return pd.DataFrame({"xist": xist, "y": y, "sex": sex}, index=counts.index)


def sex_flags(found: pd.DataFrame, sheet: pd.DataFrame, mixed: Sequence[str] = ()) -> list[Flag]:
    """Samples whose sex by expression contradicts the sheet, or others of the same donor or line.

    Parameters
    ----------
    found
        `sex_by_expression`.
    sheet
        The sheet's columns and GEO's, index: sample.
    mixed
        Samples that are explained otherwise (mixtures), and not reported again.
    """
    flags: dict[str, Flag] = {}
    known = found[found["sex"] != ""].drop(index=list(mixed), errors="ignore")
    for column in sheet.columns:
        name = str(column)
        if _SEX.fullmatch(name):
            said = sheet[column].astype(str).str.strip().str.lower().map(_WORDS)
            for sample, row in known.iterrows():
                if isinstance(said.get(sample), str) and said[sample] != row["sex"]:
                    flags.setdefault(
                        str(sample),
                        _flag(str(sample), row, f"the sheet says {column}={said[sample]}"),
                    )
        elif PERSON.fullmatch(name):
            who = sheet.loc[known.index, column].astype(str)
            for person, members in known.groupby(who, sort=True):
                votes = members["sex"].value_counts()
                if person in ("", "nan", "NA") or len(votes) < 2 or votes.iloc[0] == votes.iloc[1]:
                    continue
                for sample, row in members[members["sex"] != votes.index[0]].iterrows():
                    others = f"the other samples of {column}={person} are {votes.index[0]}"
                    flags.setdefault(str(sample), _flag(str(sample), row, others))
    return list(flags.values())


def _flag(sample: str, row: pd.Series, against: str) -> Flag:
    male = row["sex"] == "male"
    value = float(row["y"] if male else row["xist"])
    gene = "genes of the Y chromosome" if male else "XIST"
    return Flag(
        sample, "sex", "severe", value, PRESENT,
        f"{row['sex']} by expression ({value:.0f} counts per million of {gene}), but {against}",
        "check which donor or line the sample is from: labels may have been exchanged",
    )  # fmt: skip
