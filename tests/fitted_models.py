"""Files of fitted models, made without a fit."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from pathcall.deseq.fitted import FittedModel, write_dataset


def write_model(model: FittedModel, path: str | Path) -> None:
    """Write `model` as a fit would."""
    data = ad.AnnData(
        X=model.counts.to_numpy(dtype=np.int64),
        obs=model.samples.astype(str).assign(size_factors=model.size_factors),
        var=pd.DataFrame(
            {
                "symbol": model.symbols.fillna("").astype(str),
                "dispersions": model.dispersions,
                "_normed_means": model.base_mean,
                "expressed": True,
            },
            index=model.counts.columns,
        ),
        layers={"vst_counts": model.vst.to_numpy(dtype=np.float64)},
        obsm={"design_matrix": model.design.astype(float)},
        uns={
            "pathcall": {
                "name": model.name,
                "formula": model.formula,
                "coefficients": list(model.design.columns),
                "continuous": ",".join(model.continuous),
                "contrasts": {key: np.asarray(value) for key, value in model.contrasts.items()},
                "engine": "exact",
            }
        },
    )
    write_dataset(data, path)
