"""A user's own description of samples: a sheet in any form, or the `obs` of an h5ad."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pathcall.errors import ConfigError
from pathcall.geo.sources import clean_names
from pathcall.study.sample_sheet import is_taken

_ENOUGH = 0.5
"""Share of the counts' samples that the sample column of a sheet must name."""


def read_given_sheet(
    path: str, names: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """Read a sheet (tsv, csv, xlsx) whose sample column is found by its content.

    Parameters
    ----------
    path
        The sheet.
    names
        Samples of the counts.

    Returns
    -------
    tuple
        ``samples × columns`` as text, in the order of the sheet; sample → why it is excluded; and
        a word on samples that are in one of the two only.

    Raises
    ------
    ConfigError
        The sheet can't be read, or no column names the samples of the counts.
    """
    frame = _read(path)
    found = {c: len(set(frame[c]) & set(names)) for c in frame.columns}
    column = max(found, key=lambda c: found[c])
    if found[column] < _ENOUGH * min(len(names), len(frame)) or frame[column].duplicated().any():
        raise ConfigError(
            "no column of the sheet names the samples of the counts",
            where=f"{path}, columns {', '.join(map(repr, frame.columns[:6]))}; the counts have "
            f"{', '.join(map(repr, names[:3]))} …",
            fix="name the samples in the sheet as the counts do, one row each",
        )
    sheet = frame.set_index(column)
    sheet.index.name = "sample"
    lost = [name for name in sheet.index if name not in set(names)]
    more = [name for name in names if name not in set(sheet.index)]
    left = []
    if lost:
        left.append(f"{len(lost)} samples of the sheet have no counts: {', '.join(lost[:3])}.")
    if more:
        left.append(
            f"{len(more)} samples of the counts are not in the sheet: {', '.join(more[:3])}."
        )
    sheet = sheet.drop(index=lost)
    excluded = {}
    if "exclude" in sheet:
        reasons = sheet["exclude_reason"] if "exclude_reason" in sheet else sheet["exclude"]
        excluded = {
            str(sample): reasons[sample] or "as the sheet says"
            for sample in sheet.index[sheet["exclude"].str.casefold() == "yes"]
        }
    return (
        _named(sheet.drop(columns=["exclude", "exclude_reason"], errors="ignore")),
        excluded,
        left,
    )


def read_given_obs(path: str | Path) -> pd.DataFrame | None:
    """The text columns of an h5ad's `obs`; None where it has none that vary."""
    import anndata as ad

    obs = ad.read_h5ad(path, backed="r").obs
    columns = [
        name
        for name in obs.columns
        if not pd.api.types.is_float_dtype(obs[name]) and obs[name].nunique() > 1
    ]
    if not columns:
        return None
    frame = obs[columns].astype(object).where(obs[columns].notna(), "")
    return _named(frame.astype(str).map(_clean))


def _read(path: str) -> pd.DataFrame:
    how = {"dtype": str, "keep_default_na": False}
    try:
        if path.lower().endswith((".xlsx", ".xlsm")):
            frame = pd.read_excel(path, **how)
        else:
            frame = pd.read_csv(path, sep=None, engine="python", encoding="utf-8-sig", **how)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise ConfigError(
            "the sheet can't be read", where=f"{path} ({error})", fix="save it as tsv, csv or xlsx"
        ) from error
    if frame.empty:
        raise ConfigError("the sheet has no rows", where=path, fix="give one row a sample")
    frame.columns = pd.Index([str(name).strip() or f"column_{i}" for i, name in
                              enumerate(frame.columns)])  # fmt: skip
    return frame.map(_clean)


def _clean(text: str) -> str:
    """Text that the contrasts table and the sheet can hold."""
    text = " ".join(text.replace('"', "'").replace(",", ";").replace("=", ":").split())
    return "" if text in ("NA", "nan", "NaN", "N/A", "n/a", "na", "null", "<NA>") else text


def _named(sheet: pd.DataFrame) -> pd.DataFrame:
    """Column names that a sheet can have; ``replicate`` is written anew."""
    plain = clean_names([str(name) for name in sheet.columns])
    taken = ("replicate", "variant", "title")
    names = [f"{n}_given" if n in taken or is_taken(n) else n for n in plain]
    return sheet.set_axis(clean_names(names), axis=1)
