"""What the page needs of h5ad files, read without the rest of them.

A model holds a value for every gene and sample, of which the page shows a few hundred genes. The
layout is anndata's on disk (https://anndata.readthedocs.io/en/stable/fileformat-prose.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.files import check_seal
from pathcall.sample_columns import FITTED
from pathcall.stats.linear_models import residual_df

_LARGEST = np.iinfo(np.int32).max


@dataclass(frozen=True)
class StoredModel:
    """A fitted model (`pathcall.deseq.fitted`), its tested genes as far as the page shows them.

    Attributes
    ----------
    formula
        Its design.
    samples
        Sample sheet, one row a sample of the model (index: sample), as text.
    symbols, base_mean, dispersions
        By gene_id, of the tested genes.
    places
        Columns of these genes in the file.
    residual_df
        Samples less the rank of the design.
    """

    path: Path
    formula: str
    samples: pd.DataFrame = field(repr=False)
    symbols: pd.Series = field(repr=False)
    base_mean: pd.Series = field(repr=False)
    dispersions: pd.Series = field(repr=False)
    residual_df: int
    places: npt.NDArray[np.intp] = field(repr=False)

    def vst(self, genes: Sequence[str]) -> pd.DataFrame:
        """Variance-stabilised values (log2) of some of the tested genes, ``samples × genes``."""
        at = self.places[self.base_mean.index.get_indexer(list(genes))]
        order = np.argsort(at)
        values = np.empty((len(self.samples), len(at)))
        with h5py.File(self.path) as file:
            values[:, order] = file["layers/vst_counts"][:, at[order]]
        return pd.DataFrame(values, index=self.samples.index, columns=list(genes))


def read_stored_model(path: Path) -> StoredModel:
    """A fitted model that `pathcall.deseq.fitted.write_dataset` wrote."""
    check_seal(path)
    with h5py.File(path) as file:
        about, var, obs, design = (
            file[k] for k in ("uns/pathcall", "var", "obs", "obsm/design_matrix")
        )
        tested = _column(var, "expressed")
        genes = _index(var)[tested]

        def of_genes(name: str) -> pd.Series:
            return pd.Series(_column(var, name)[tested], index=genes)

        symbols = of_genes("symbol").astype(object)
        columns = [k for k in obs.attrs["column-order"] if k not in FITTED]
        names = list(design.attrs["column-order"])
        return StoredModel(
            path=path,
            formula=about["formula"].asstr()[()],
            samples=pd.DataFrame({k: _column(obs, k) for k in columns}, index=_index(obs)).astype(
                str
            ),
            symbols=symbols.where(symbols != "", np.nan),
            base_mean=of_genes("_normed_means"),
            dispersions=of_genes("dispersions"),
            residual_df=residual_df(np.column_stack([_column(design, k) for k in names])),
            places=np.flatnonzero(tested),
        )


def read_counts(path: Path) -> tuple[npt.NDArray[np.integer[Any]], list[str], pd.DataFrame]:
    """Raw counts (``samples × genes``), names of samples, and gene_id, symbol of each gene.

    In 32 bits where all counts fit: a thousand samples then take 160 MB.
    """
    with h5py.File(path) as file:
        stored = file["X"]
        counts = np.empty(stored.shape, dtype=np.int32)
        for i in range(len(counts)):
            row = stored[i]
            if row.size and row.max() > _LARGEST:
                counts = stored[()]
                break
            counts[i] = row
        genes = pd.DataFrame({k: _column(file["var"], k) for k in ("gene_id", "symbol")})
        return counts, _index(file["obs"]).tolist(), genes


def _index(frame: h5py.Group) -> npt.NDArray[Any]:
    return _column(frame, frame.attrs["_index"])


def _column(frame: h5py.Group, name: str) -> npt.NDArray[Any]:
    """A column of a data frame; missing text is NaN."""
    node = frame[name]
    kind = node.attrs["encoding-type"]
    if kind == "categorical":
        values = _column(node, "categories").astype(object)
        codes = node["codes"][()]
        missing = codes < 0
        return np.where(missing, np.nan, values[codes]) if missing.any() else values[codes]
    if kind.startswith("nullable-"):
        values, missing = _column(node, "values").astype(object), node["mask"][()]
        return np.where(missing, np.nan, values)
    values = node.asstr()[()] if kind == "string-array" else node[()]
    return np.asarray(values)
