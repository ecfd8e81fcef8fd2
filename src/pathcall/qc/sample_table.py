"""``samples.tsv``: the sheet joined with what was measured and with GEO's metadata."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd


def sample_table(
    data: ad.AnnData, factor: pd.Series, metadata: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Join the sheet with size factors and GEO's metadata (schema ``samples``).

    Parameters
    ----------
    data
        ``counts.h5ad``, all samples of the sheet that have counts.
    factor
        Sample → size factor, included samples.
    metadata
        GEO's metadata, index: sample; its columns get the prefix ``geo_``.
    """
    library = pd.Series(np.asarray(data.X).sum(axis=1), index=data.obs_names).astype(float)
    sheet = data.obs.drop(columns=["included", "reason"])
    table = pd.DataFrame(
        {
            "sample": data.obs_names,
            "included": data.obs["included"].to_numpy(),
            "reason": data.obs["reason"].replace("", None).to_numpy(),
            "library_size": library.to_numpy(),
            "size_factor": factor.reindex(data.obs_names).to_numpy(),
            **{name: sheet[name].replace("", None).to_numpy() for name in sheet.columns},
        }
    )
    outside = [
        *((s, "not in the sample sheet") for s in data.uns.get("not_in_sheet", [])),
        *((s, "excluded; no counts") for s in data.uns.get("no_counts", [])),
    ]
    if outside:
        extra = pd.DataFrame(
            [{"sample": s, "included": "no", "reason": reason} for s, reason in outside]
        )
        table = pd.concat([table, extra], ignore_index=True)
    if metadata is not None:
        own = metadata.reindex(table["sample"])
        for name in own.columns:
            column = own[name].astype(object).to_numpy()
            table[f"geo_{name}"] = [None if pd.isna(v) or v == "" else str(v) for v in column]
    return table
