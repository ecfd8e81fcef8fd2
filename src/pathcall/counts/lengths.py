"""Average transcript lengths beside the counts, as tximport and nf-core/rnaseq give them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pathcall.counts.gene_ids import strip_version
from pathcall.counts.readers import text_counts, unpacked
from pathcall.errors import InputError

if TYPE_CHECKING:
    import anndata as ad

logger = logging.getLogger(__name__)

FIX = "give the table of lengths that was made with the counts"


def read_lengths(path: str, counts: ad.AnnData) -> npt.NDArray[np.float64]:
    """Average transcript lengths of the genes and samples of `counts`, in their order.

    Parameters
    ----------
    path
        Table, ``genes × samples``, plain or gz. Rows of one gene are averaged; genes that have no
        counts are left out.
    counts
        Assembled counts, ``samples × genes``.

    Raises
    ------
    InputError
        A gene or a sample of the counts has no lengths, or a length is not a number above 0.
    """
    table = text_counts(unpacked(Path(path).read_bytes(), path), path).counts
    table.index = table.index.astype(str).str.strip()
    if counts.uns["gene_id_kind"] == "ensembl":
        table.index = strip_version(table.index.tolist())
    for what, named, present in (
        ("sample", counts.obs_names, table.columns),
        ("gene", counts.var_names, table.index),
    ):
        absent = named[~named.isin(present)]
        if len(absent):
            raise InputError(
                f"{len(absent)} of {len(named)} {what}s of the counts have no transcript lengths",
                where=f"{path}, {what} {absent[0]!r}; it names {present[0]!r} …",
                fix=FIX,
            )
    table = table.loc[table.index.isin(counts.var_names), counts.obs_names]
    for sample, column in table.items():
        numbers = np.asarray(column.to_numpy(), dtype=object if column.dtype == object else float)
        bad = [not isinstance(v, float) or not 0 < v < np.inf for v in numbers.tolist()]
        if any(bad):
            at = bad.index(True)
            raise InputError(
                "a transcript length is not a number above 0",
                where=f"{path}, gene {table.index[at]!r}, sample {sample!r}, "
                f"value {column.iloc[at]!s}",
                fix=FIX,
            )
    if table.index.has_duplicates:
        logger.info("%s: rows of one gene were averaged", path)
        table = table.groupby(level=0, sort=False).mean()
    return np.ascontiguousarray(table.loc[counts.var_names].to_numpy(dtype=float).T)
