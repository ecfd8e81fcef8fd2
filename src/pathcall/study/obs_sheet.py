"""A sample sheet from the ``obs`` of an AnnData, in memory or in an h5ad.

The file is read with h5py alone: the Snakefile reads it before any job, and importing anndata takes
seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pathcall.errors import ConfigError
from pathcall.tsv import Row


def rows_of_obs(names: Sequence[Any], columns: Mapping[str, Sequence[Any]]) -> list[Row]:
    """Rows of a sample sheet: one an observation, its name in `sample`, values as text.

    Parameters
    ----------
    names
        Names of the observations.
    columns
        Column → one value an observation. Whole numbers are written without decimals, missing
        values as ``""``.
    """
    text = {name: [_text(value) for value in values] for name, values in columns.items()}
    return [
        Row({"sample": str(sample), **{name: text[name][i] for name in text}}, i + 1)
        for i, sample in enumerate(names)
    ]


def read_obs(path: str | Path) -> list[Row]:
    """Rows of the sample sheet that an h5ad holds in its ``obs``.

    Raises
    ------
    ConfigError
        The file is missing, no h5ad, or of a version before anndata 0.7.
    """
    import h5py

    fix = "name a sample sheet, or write the h5ad again with anndata"
    if not Path(path).is_file():
        raise ConfigError(
            "the sample sheet does not exist", where=str(path), fix="correct the path"
        )
    try:
        with h5py.File(path, "r") as file:
            obs = file["obs"]
            index = str(obs.attrs["_index"])
            names = _values(obs[index])
            columns = {str(key): _values(obs[key]) for key in obs.attrs["column-order"]}
    except (OSError, KeyError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            "the obs of the h5ad can't be read as a sample sheet",
            where=f"{path} ({str(error).splitlines()[0]})",
            fix=fix,
        ) from None
    # A column `sample` names the observations once more, or something else: their names count.
    columns.pop("sample", None)
    return rows_of_obs(names, columns)


def _values(item: Any) -> list[Any]:
    """Values of a column as anndata stores it: text, numbers, categories or with a mask."""
    import h5py

    if isinstance(item, h5py.Dataset):
        return list(item.asstr()[:] if h5py.check_string_dtype(item.dtype) else item[:])
    if "categories" in item:
        levels = _values(item["categories"])
        return [levels[code] if code >= 0 else None for code in item["codes"][:]]
    values, mask = _values(item["values"]), item["mask"][:]
    return [None if missing else value for value, missing in zip(values, mask, strict=True)]


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) == "<NA>":
        return ""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())
