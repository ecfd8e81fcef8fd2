"""Data sets that the benchmarks run on: counts, design matrix, contrasts, R's code for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Study:
    """Counts (``samples × genes``), factors, design matrix and contrasts of one study."""

    name: str
    counts: pd.DataFrame
    factors: pd.DataFrame
    formula: str
    design: pd.DataFrame
    weights: dict[str, npt.NDArray[np.float64]]
    #: Contrast → factor, test level, reference level.
    contrasts: dict[str, tuple[str, str, str]]


def _treatment(factors: pd.DataFrame) -> pd.DataFrame:
    columns = {"Intercept": pd.Series(1.0, index=factors.index)}
    for name, values in factors.items():
        for level in sorted(values.unique())[1:]:
            columns[f"{name}:{level}"] = (values == level).astype(float)
    return pd.DataFrame(columns)


def _study(
    name: str,
    counts: pd.DataFrame,
    factors: pd.DataFrame,
    contrasts: dict[str, tuple[str, str, str]],
) -> Study:
    design = _treatment(factors)
    weights = {}
    for key, (factor, test, reference) in contrasts.items():
        w = pd.Series(0.0, index=design.columns)
        for level, sign in ((test, 1.0), (reference, -1.0)):
            if f"{factor}:{level}" in w:
                w[f"{factor}:{level}"] += sign
        weights[key] = w.to_numpy()
    formula = "~ " + " + ".join(factors.columns)
    kept = counts.loc[:, counts.sum() >= 10]
    return Study(name, kept, factors, formula, design, weights, contrasts)


def airway() -> Study:
    """The embedded study: 8 samples, ``~ cell + dex``."""
    path = ROOT / "resources" / "demo" / "GSE52778_counts.tsv.gz"
    counts = pd.read_csv(path, sep="\t", index_col=0).T
    sheet = pd.read_csv(ROOT / "config" / "demo" / "samples.tsv", sep="\t", index_col=0)
    factors = sheet.loc[counts.index, ["cell", "dex"]].replace({"untreated": "a_untreated"})
    return _study(
        "airway", counts, factors, {"dexamethasone": ("dex", "dexamethasone", "a_untreated")}
    )


def a375() -> Study | None:
    """36 samples in 12 cells of three, from ``../shared`` where that is present."""
    path = SHARED / "A375_36_counts.tsv.gz"
    if not path.exists():
        return None
    counts = pd.read_csv(path, sep="\t", index_col=0).T
    sheet = pd.read_csv(SHARED / "A375_36_samples.tsv", sep="\t", index_col=0).loc[counts.index]
    factors = pd.DataFrame({"group": sheet["genotype"] + "." + sheet["drug"]})
    contrasts = {
        f"{drug}_vs_none_in_WT": ("group", f"WT.{drug}", "WT.none")
        for drug in ("vem", "tram", "comb")
    }
    contrasts["ARID1A_KO_vs_WT"] = ("group", "ARID1A_KO.none", "WT.none")
    return _study("A375_36", counts, factors, contrasts)


def simulated(n_samples: int, n_genes: int, *, seed: int = 1, levels: int = 4) -> Study:
    """Negative binomial counts, one factor of `levels` levels, a tenth of the genes changed."""
    rng = np.random.default_rng(seed)
    level = np.arange(n_samples) % levels
    base = np.exp(rng.normal(4, 2, n_genes))
    dispersion = 0.1 + 1 / base
    effect = rng.normal(0, 1, (levels, n_genes)) * (rng.random(n_genes) < 0.1)
    effect[0] = 0
    depth = np.exp(rng.normal(0, 0.3, n_samples))
    counts = np.empty((n_samples, n_genes), dtype=np.int32)
    for i in range(n_samples):
        mean = base * depth[i] * np.exp(effect[level[i]])
        counts[i] = rng.poisson(rng.gamma(1 / dispersion, dispersion * mean))
    index = [f"s{i}" for i in range(n_samples)]
    frame = pd.DataFrame(counts, index=index, columns=[f"g{i}" for i in range(n_genes)])
    factors = pd.DataFrame({"group": [f"l{v}" for v in level]}, index=index)
    return _study(f"simulated_{n_samples}x{n_genes}", frame, factors, {"l1": ("group", "l1", "l0")})


def load(name: str) -> Study | None:
    """By name: ``airway``, ``A375_36`` or ``simulated_SAMPLESxGENES``."""
    if name == "airway":
        return airway()
    if name == "A375_36":
        return a375()
    n_samples, n_genes = name.removeprefix("simulated_").split("x")
    return simulated(int(n_samples), int(n_genes))
