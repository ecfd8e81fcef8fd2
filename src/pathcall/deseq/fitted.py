"""One fitted model as a value: what the steps after the fit need, and its file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.stats.linear_models import residual_df

Float = npt.NDArray[np.float64]


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


def write_model(model: FittedModel, path: str | Path) -> None:
    """Write a fitted model as h5ad, whole or not at all."""
    data = ad.AnnData(
        X=model.counts.to_numpy(dtype=np.int64),
        obs=model.samples.astype(str).assign(size_factor=model.size_factors),
        var=pd.DataFrame(
            {
                # h5ad has no missing text: the empty string stands for "no symbol".
                "symbol": model.symbols.fillna("").astype(str),
                "dispersion": model.dispersions,
                "base_mean": model.base_mean,
            },
            index=model.counts.columns,
        ),
        layers={"vst": model.vst.to_numpy(dtype=np.float64)},
        obsm={"design": model.design.to_numpy(dtype=np.float64)},
        uns={
            "name": model.name,
            "formula": model.formula,
            "coefficients": list(model.design.columns),
            "continuous": ",".join(model.continuous),
            "contrasts": {key: np.asarray(value) for key, value in model.contrasts.items()},
        },
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    data.strings_to_categoricals()  # as writing would do, with a remark for each column
    data.write_h5ad(part)
    os.replace(part, path)


def read_model(path: str | Path) -> FittedModel:
    """Read a fitted model written by `write_model`."""
    data = ad.read_h5ad(path)
    samples = data.obs.astype({c: str for c in data.obs.columns if c != "size_factor"})

    def frame(values: npt.NDArray[np.generic]) -> pd.DataFrame:
        return pd.DataFrame(values, index=data.obs_names, columns=data.var_names)

    return FittedModel(
        name=str(data.uns["name"]),
        formula=str(data.uns["formula"]),
        samples=samples.drop(columns="size_factor"),
        counts=frame(data.X),
        vst=frame(data.layers["vst"]),
        symbols=data.var["symbol"].astype(str).astype(object).replace("", np.nan),
        size_factors=data.obs["size_factor"],
        dispersions=data.var["dispersion"],
        base_mean=data.var["base_mean"],
        design=pd.DataFrame(
            data.obsm["design"], index=data.obs_names, columns=list(data.uns["coefficients"])
        ),
        contrasts={key: np.asarray(v, dtype=float) for key, v in data.uns["contrasts"].items()},
        continuous=tuple(filter(None, str(data.uns["continuous"]).split(","))),
    )
