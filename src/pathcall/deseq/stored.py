"""What a model's h5ad file holds, read without anndata, which takes half a second to import.

Reads what `pathcall.deseq.fitted.write_dataset` writes: dense matrices, and the encodings of
anndata's format that its tables and notes have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd


class StoredModel(NamedTuple):
    """A fitted data set: the parts of an AnnData that a `FittedModel` is made of, by its names."""

    X: Any
    obs: pd.DataFrame
    var: pd.DataFrame
    layers: dict[str, Any]
    obsm: dict[str, Any]
    uns: dict[str, Any]

    @property
    def obs_names(self) -> pd.Index:
        """The samples."""
        return self.obs.index


def read_stored(path: str | Path) -> StoredModel:
    """Read a fitted data set.

    Raises
    ------
    ValueError
        The file holds what anndata writes in other ways.
    """
    with h5py.File(path) as file:
        return StoredModel(
            _value(file["X"]),
            _value(file["obs"]),
            _value(file["var"]),
            {"vst_counts": _value(file["layers/vst_counts"])},
            {"design_matrix": _value(file["obsm/design_matrix"])},
            {"pathcall": _value(file["uns/pathcall"])},
        )


def _value(item: Any) -> Any:
    kind = str(item.attrs["encoding-type"])
    match kind:
        case "array" | "numeric-scalar":
            return item[()]
        case "string":
            return item.asstr()[()]
        case "string-array":
            return item.asstr()[()].astype(object)
        case "categorical":
            codes, known = item["codes"][()], _value(item["categories"])
            values = known[codes]
            values[codes < 0] = np.nan
            return values
        case "nullable-boolean":
            values = item["values"][()].astype(object)
            values[item["mask"][()]] = pd.NA
            return values
        case "dataframe":
            name = str(item.attrs["_index"])
            index = pd.Index(_value(item[name]), name=None if name == "_index" else name)
            columns = {name: _value(item[name]) for name in item.attrs["column-order"]}
            return pd.DataFrame(columns, index=index)
        case "dict":
            return {name: _value(part) for name, part in item.items()}
    raise ValueError(f"{item.name} of {item.file.filename}: {kind} is not read here")
