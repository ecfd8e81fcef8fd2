"""pydeseq2 as it is: the other engine of the workflow, with nothing of ours in the fit."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydeseq2.dds import DeseqDataSet
from pydeseq2.default_inference import DefaultInference
from pydeseq2.ds import DeseqStats
from threadpoolctl import threadpool_limits

from pathcall.deseq.checks import check_counts, check_design
from pathcall.deseq.shrinkage import reparametrise

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
SHRUNKEN = "contrast"


def fit(
    counts: pd.DataFrame, samples: pd.DataFrame, design: pd.DataFrame, *, threads: int = 1
) -> DeseqDataSet:
    """Fit one model, and variance-stabilise its counts.

    Raises
    ------
    PathcallError
        Counts or design cannot be fitted.
    """
    check_counts(counts)
    check_design(design, counts.index)
    inference = DefaultInference(n_cpus=threads)
    arguments = {"counts": counts, "metadata": samples, "design": design, "quiet": True}
    with threadpool_limits(1):
        dds = DeseqDataSet(**arguments, inference=inference, low_memory=True)
        dds.deseq2()
        # Apart: a fit of the VST's trend that fails would overwrite that of the model.
        vst = DeseqDataSet(**arguments, inference=inference)
        vst.vst()
    dds.layers["vst_counts"] = vst.layers["vst_counts"]
    return dds


def contrast_table(dds: DeseqDataSet, weights: Float, *, alpha: float) -> pd.DataFrame:
    """Wald test and shrinkage of a contrast, as `pathcall.deseq.fit_models.contrast_table`.

    pydeseq2 shrinks coefficients only: the shrinkage is its own on the same model with the contrast
    as a coefficient.
    """
    matrix, transform, position = reparametrise(dds.obsm["design_matrix"].to_numpy(float), weights)
    names = list(dds.obsm["design_matrix"].columns)
    names[position] = SHRUNKEN
    with threadpool_limits(1):
        plain = DeseqStats(dds, weights, alpha=alpha, inference=dds.inference, quiet=True)
        plain.summary()
        turned = DeseqDataSet(
            adata=dds.to_picklable_anndata(), design=pd.DataFrame(matrix, dds.obs_names, names),
            inference=dds.inference, quiet=True,
        )  # fmt: skip
        for name in ("non_zero_idx", "non_zero_genes", "new_all_zeroes_genes"):
            if hasattr(dds, name):
                setattr(turned, name, getattr(dds, name))
        lfc = dds.varm["LFC"].to_numpy() @ transform.T
        turned.varm["LFC"] = pd.DataFrame(lfc, dds.var_names, names)
        shrunken = DeseqStats(
            turned, (np.arange(len(weights)) == position).astype(float), alpha=alpha,
            inference=dds.inference, quiet=True,
        )  # fmt: skip
        shrunken.summary()
        shrunken.lfc_shrink(SHRUNKEN)
    return plain.results_df.assign(
        log2fc_shrunk=shrunken.results_df["log2FoldChange"],
        lfc_se_shrunk=shrunken.results_df["lfcSE"],
    )
