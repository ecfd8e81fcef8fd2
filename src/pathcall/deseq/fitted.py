"""One fitted model as a value: what the steps after the fit need, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.deseq.stored import StoredModel, read_stored
from pathcall.files import check_seal, whole_file
from pathcall.sample_columns import FITTED
from pathcall.stats.linear_models import residual_df

if TYPE_CHECKING:
    import anndata as ad

Float = npt.NDArray[np.float64]

LAYERS = ("vst_counts", "replace_counts", "normalization_factors")


@dataclass(frozen=True)
class FittedModel:
    """Counts, VST values, design and contrasts of one fitted model.

    Attributes
    ----------
    name
        Key of the model in the config.
    formula
        Its design.
    samples
        Sample sheet, one row a sample of the model (index: sample), factors as text.
    counts
        Raw integer counts, ``samples × tested genes``.
    vst
        Variance-stabilised values on log2 scale, same shape.
    symbols
        gene_id → symbol (NA where there is none), for the tested genes.
    size_factors
        Sample → size factor.
    dispersions
        gene_id → final (MAP) dispersion.
    base_mean
        gene_id → mean of normalised counts.
    design
        Design matrix, ``samples × coefficients``.
    contrasts
        Contrast id → weights over the coefficients.
    continuous
        Columns of the sheet that the design takes as numbers.
    """

    name: str
    formula: str
    samples: pd.DataFrame
    counts: pd.DataFrame
    vst: pd.DataFrame
    symbols: pd.Series
    size_factors: pd.Series
    dispersions: pd.Series
    base_mean: pd.Series
    design: pd.DataFrame
    contrasts: Mapping[str, Float]
    continuous: tuple[str, ...] = ()

    @property
    def residual_df(self) -> int:
        """Samples less the rank of the design."""
        return residual_df(self.design.to_numpy(dtype=float))


def write_dataset(data: ad.AnnData, path: str | Path) -> None:
    """Write a fitted data set as h5ad, whole or not at all.

    The layout is pydeseq2's, less what follows from the rest (normalised counts, Cook's distances
    and means of samples). ``/`` in names of coefficients, which HDF5 takes for folders, becomes
    ``∕``; the names as they are stand in ``uns["pathcall"]["coefficients"]``.
    """
    import anndata as ad

    columns = [name.replace("/", "∕") for name in data.obsm["design_matrix"].columns]
    written = ad.AnnData(
        X=np.asarray(data.X, dtype=np.int64),
        obs=data.obs.copy(),
        var=data.var.copy(),
        layers={name: data.layers[name] for name in LAYERS if name in data.layers},
        obsm={"design_matrix": data.obsm["design_matrix"].set_axis(columns, axis=1)},
        varm={"LFC": data.varm["LFC"].set_axis(columns, axis=1)} if "LFC" in data.varm else {},
        uns={
            key: value.to_numpy() if isinstance(value, pd.Series) else value
            for key, value in data.uns.items()
        },
    )
    written.strings_to_categoricals()  # as writing would do, with a remark for each column
    with whole_file(path, sealed=True) as part:
        written.write_h5ad(part)


def known_symbols(symbols: pd.Series) -> pd.Series:
    """Symbols as `FittedModel` has them: NaN for the empty text that h5ad holds."""
    text = symbols.astype(object)
    return text.where(text != "", np.nan)


def read_model(path: str | Path) -> FittedModel:
    """Read a fitted model that `write_dataset` wrote."""
    check_seal(path)
    return fitted_model(read_stored(path))


def fitted_model(data: ad.AnnData | StoredModel) -> FittedModel:
    """A fitted model, of the genes of a fitted data set that count as expressed."""
    about = data.uns["pathcall"]
    var = data.var[data.var["expressed"].to_numpy()]
    kept = data.var["expressed"].to_numpy()

    def frame(values: npt.NDArray[np.generic]) -> pd.DataFrame:
        return pd.DataFrame(values[:, kept], index=data.obs_names, columns=var.index)

    return FittedModel(
        name=str(about["name"]),
        formula=str(about["formula"]),
        samples=data.obs.drop(columns=list(FITTED), errors="ignore").astype(str),
        counts=frame(np.asarray(data.X, dtype=np.int64)),
        vst=frame(data.layers["vst_counts"]),
        symbols=known_symbols(var["symbol"]),
        size_factors=data.obs["size_factors"].rename("size_factor"),
        dispersions=var["dispersions"],
        base_mean=var["_normed_means"],
        design=data.obsm["design_matrix"].set_axis(list(about["coefficients"]), axis=1),
        contrasts={key: np.asarray(v, dtype=float) for key, v in about["contrasts"].items()},
        continuous=tuple(filter(None, str(about["continuous"]).split(","))),
    )
