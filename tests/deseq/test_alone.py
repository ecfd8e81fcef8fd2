"""pathcall.deseq in place of pydeseq2's import, files of fitted models, and the other engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from pathcall import deseq
from pathcall.deseq import DeseqDataSet, DeseqStats, RInference
from pathcall.deseq import fit_models as fm
from pathcall.deseq.fitted import read_model, write_dataset
from tests.deseq.fits import close, contrast, data, dataset, factorial, fit, simulated, stats

TUTORIAL = """
inference = DefaultInference(n_cpus=1)
dds = DeseqDataSet(
    counts=counts_df,
    metadata=metadata,
    design="~condition",
    refit_cooks=True,
    inference=inference,
)
dds.deseq2()
ds = DeseqStats(dds, contrast=["condition", "B", "A"], inference=inference)
ds.summary()
ds.lfc_shrink(coeff="condition[T.B]")
"""


def tutorial_data() -> tuple[pd.DataFrame, pd.DataFrame]:
    """As pydeseq2's synthetic example: 100 samples, 10 genes, two factors."""
    rng = np.random.default_rng(42)
    metadata = pd.DataFrame(
        {"condition": np.repeat(["A", "B"], 50), "group": np.tile(["X", "Y"], 50)},
        index=[f"sample{i + 1}" for i in range(100)],
    )
    mean = np.exp(rng.uniform(1, 4, 10)) * np.exp(
        np.outer(metadata["condition"] == "B", rng.normal(0, 0.5, 10))
    )
    counts = rng.poisson(rng.gamma(2, mean / 2))
    return pd.DataFrame(counts, metadata.index, [f"gene{i + 1}" for i in range(10)]), metadata


@pytest.mark.filterwarnings("ignore")
def test_the_tutorial_of_pydeseq2_runs_with_another_import() -> None:
    from pydeseq2 import dds as stock_dds
    from pydeseq2 import default_inference
    from pydeseq2 import ds as stock_ds

    counts, metadata = tutorial_data()
    both = {"counts_df": counts, "metadata": metadata}
    ours = {"DeseqDataSet": DeseqDataSet, "DeseqStats": DeseqStats, "DefaultInference": RInference}
    stock = {
        "DeseqDataSet": stock_dds.DeseqDataSet,
        "DeseqStats": stock_ds.DeseqStats,
        "DefaultInference": default_inference.DefaultInference,
    }
    tables = []
    for names in (ours, stock):
        names.update(both)
        exec(TUTORIAL, names)
        tables.append(names["ds"].results_df)
    for column in ("log2FoldChange", "stat", "padj"):
        close(tables[0][column], tables[1][column], atol=0.05, rtol=0.05)
    assert list(tables[0].columns) == list(tables[1].columns)


def test_another_inference_is_refused() -> None:
    from pydeseq2.default_inference import DefaultInference

    design = factorial()
    with pytest.raises(TypeError, match="RInference"):
        dataset(simulated(design, 20), design, inference=DefaultInference(n_cpus=1))


@pytest.mark.slow
def test_light_modules_do_not_import_pydeseq2() -> None:
    code = (
        "import sys; import pathcall.deseq, pathcall.deseq.fitted, pathcall.study.plan; "
        "sys.exit('pydeseq2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(AttributeError, match="Nothing"):
        deseq.Nothing  # noqa: B018


@pytest.mark.slow
def test_what_few_fits_need_is_imported_when_it_is_used() -> None:
    """matplotlib, scikit-learn and formulaic: not with the fit, but for those who ask."""
    code = """
import sys
from pathcall.deseq.stock import utils
later = {"matplotlib", "sklearn", "formulaic", "formulaic_contrasts"}
assert not later & set(sys.modules), later & set(sys.modules)
assert utils.LinearRegression(fit_intercept=False).fit([[1.0], [2.0]], [2.0, 4.0]).coef_[0] == 2
assert utils.plt.rcParams["figure.dpi"] > 0
import matplotlib.pyplot
assert utils.plt.figure is matplotlib.pyplot.figure
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    loaded = "import matplotlib.pyplot as p; from pathcall.deseq import stock"
    subprocess.run([sys.executable, "-c", f"{loaded}; assert stock.utils.plt is p"], check=True)


@pytest.fixture
def about() -> dict[str, object]:
    return {
        "name": "m", "formula": "~ a * b", "continuous": "", "engine": "exact",
        "coefficients": ["Intercept", "a[1/2]", "b", "a:b"],
        "contrasts": {"c": np.array([0.0, 1, 0, 1])},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["replicated", "cells_8884", "covariate"])
def test_a_fit_is_continued_from_its_file(tmp_path: Path, name: str) -> None:
    """Also with replaced outliers, and genes that the replacement emptied."""
    counts, design, _ = data(name)
    counts = counts.assign(lonely=0)
    counts.iloc[2, -1] = 5000
    dds = fit(counts, design, low_memory=True)
    dds.vst()
    dds.uns["pathcall"] = {"coefficients": list(design.columns)}
    weights = np.eye(design.shape[1])[-1]
    write_dataset(dds, tmp_path / "m.h5ad")
    read = ad.read_h5ad(tmp_path / "m.h5ad")
    again = DeseqDataSet(
        adata=read, design=read.obsm["design_matrix"], n_cpus=1, quiet=True, low_memory=True
    )
    pd.testing.assert_frame_equal(contrast(again, weights), contrast(dds, weights))
    assert again.trend == dds.trend
    if name == "replicated":
        assert list(again.new_all_zeroes_genes)[-1] == "lonely"
        row = contrast(again, weights).loc["lonely"]
        assert (row["log2fc"], row["lfc_se"], row["pvalue"]) == (0.0, 0.0, 1.0)


def test_a_level_with_a_slash_survives_the_file(tmp_path: Path, about: dict[str, object]) -> None:
    design = factorial().set_axis(about["coefficients"], axis=1)  # type: ignore[call-overload]
    dds = fit(simulated(design, 60), design)
    dds.vst()
    dds.var["symbol"] = ""
    dds.var["expressed"] = np.arange(60) < 40
    dds.uns["pathcall"] = about
    write_dataset(dds, tmp_path / "m.h5ad")
    model = read_model(tmp_path / "m.h5ad")
    assert list(model.design.columns) == about["coefficients"]
    assert model.counts.shape == (12, 40)
    assert model.symbols.isna().all()
    assert not (tmp_path / ".m.h5ad.part").exists()


# ---------------------------------------------------------------------------- options of pydeseq2


def test_thresholds_test_the_contrast() -> None:
    """R's p-values, from the effect and its error; a contrast is one number."""
    from scipy.stats import norm

    design = factorial()
    dds = fit(simulated(design, 200), design)
    plain = stats(dds, [0, 1, 1, 0]).results_df
    effect, se = plain["log2FoldChange"], plain["lfcSE"]
    expected = {
        "greater": norm.sf((effect - 0.5) / se),
        "less": norm.cdf((effect - 0.5) / se),
        "greaterAbs": np.minimum(1, 2 * norm.sf((effect.abs() - 0.5) / se)),
        "lessAbs": np.maximum(norm.sf((0.5 - effect) / se), norm.sf((effect + 0.5) / se)),
    }
    for alternative, p in expected.items():
        tested = stats(dds, [0, 1, 1, 0], alt_hypothesis=alternative, lfc_null=0.5)
        np.testing.assert_allclose(tested.results_df["pvalue"], p, rtol=1e-8)


def test_shrinkage_of_a_coefficient_takes_its_own_errors() -> None:
    design = factorial()
    dds = fit(simulated(design, 200), design)
    other = stats(dds, [0, 0, 1, 0])
    other.lfc_shrink(coeff="a")
    own = stats(dds, [0, 1, 0, 0])
    own.lfc_shrink()
    close(other.results_df["log2FoldChange"], own.results_df["log2FoldChange"], rtol=1e-9)
    close(other.LFC["a"] / np.log(2), own.results_df["log2FoldChange"], rtol=1e-9)
    with pytest.raises(KeyError, match="none of the coefficients"):
        own.lfc_shrink(coeff="z")
    fixed = stats(dds, [0, 1, 0, 0])
    fixed.lfc_shrink(adapt=False)
    assert (
        fixed.results_df["log2FoldChange"].abs().sum()
        > own.results_df["log2FoldChange"].abs().sum()
    )


def test_control_genes_and_poscounts() -> None:
    design = factorial()
    counts = simulated(design, 100)
    few = dataset(counts, design, control_genes=[f"g{i}" for i in range(30)])
    few.fit_size_factors()
    alone = dataset(counts.iloc[:, :30], design)
    alone.fit_size_factors()
    close(few.obs["size_factors"], alone.obs["size_factors"], rtol=1e-12)
    whole = dataset(counts, design, size_factors_fit_type="poscounts")
    whole.fit_size_factors()
    assert np.log(whole.obs["size_factors"]).mean() == pytest.approx(0, abs=1e-12)


# ---------------------------------------------------------------------------- the other engine


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_both_engines_find_the_same_genes() -> None:
    design = factorial()
    counts = simulated(design, 150)
    weights = np.array([0.0, 1, 0, 1])
    everything = np.ones(150, dtype=bool)
    tables = {}
    for engine in ("exact", "pydeseq2"):
        samples = design.astype(str)
        dds = fm.fit_dataset(counts, samples, design, expressed=everything, engine=engine)
        assert type(dds).__module__.startswith("pathcall" if engine == "exact" else "pydeseq2")
        assert dds.layers["vst_counts"].shape == counts.shape
        tables[engine] = fm.contrast_table(dds, weights, alpha=0.05, engine=engine)
    a, b = tables["exact"], tables["pydeseq2"]
    assert list(a.columns) == list(b.columns)
    x, y = set(a.index[a["padj"] < 0.05]), set(b.index[b["padj"] < 0.05])
    assert len(x & y) / len(x | y) > 0.85
    for column in ("log2fc", "log2fc_shrunk"):
        assert np.corrcoef(a[column], b[column])[0, 1] > 0.98
    assert not a["stat"].equals(b["stat"])
