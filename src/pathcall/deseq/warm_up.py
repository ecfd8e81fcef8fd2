"""Compile every kernel, or load it from the cache: set-up does this once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathcall.deseq.dataset import DeseqDataSet
from pathcall.deseq.kernels import dispersion
from pathcall.deseq.layout import Layout
from pathcall.deseq.lrt import likelihood_ratio_tests
from pathcall.deseq.stats import DeseqStats


def warm_up() -> None:
    """Run every step of the fit on a small simulation."""
    rng = np.random.default_rng(0)
    names = [f"s{i}" for i in range(16)]
    counts = pd.DataFrame(rng.poisson(rng.gamma(5, 20, (16, 64))), index=names)
    counts.columns = [f"g{i}" for i in range(64)]
    counts.iloc[3, 5] = 10**6
    plain = pd.DataFrame({"Intercept": 1.0, "b": np.repeat([0.0, 1.0], 8)}, index=names)
    for design in (plain, plain.assign(x=rng.normal(size=16))):
        dds = DeseqDataSet(counts=counts, metadata=plain, design=design, n_cpus=1, quiet=True)
        dds.deseq2()
        dds.vst()
        stats = DeseqStats(dds, np.eye(design.shape[1])[1], quiet=True)
        stats.summary()
        stats.lfc_shrink()
        likelihood_ratio_tests(dds, {"b": design.drop(columns="b").to_numpy()})
    # Those that only some genes need.
    layout, y = Layout.of(plain), np.ascontiguousarray(counts.to_numpy(float).T)
    shape = (layout.rows, layout.group, layout.saturated, layout.log_det)
    dispersion.dispersion_grid(y, y + 1, *shape, np.ones(64), 0.0, -18.0, 2.0, 20, np.empty(64))
