"""A small simulated model with a known truth, for the tests of scores and calls."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from pathcall.calls import simulation as simulate
from pathcall.deseq.fitted import FittedModel
from pathcall.signatures.panel import Panel, load_panel

PANEL = Path(__file__).resolve().parents[1] / "resources" / "panel"


@cache
def source(seed: int, n_genes: int) -> simulate.Source:
    return simulate.made_up_source(load_panel(PANEL), seed=seed, n_genes=n_genes)


def dose_model(
    panel: Panel,
    planted: dict[str, float],
    doses: list[float],
    *,
    response: list[float] | None = None,
    seed: int = 1,
) -> FittedModel:
    """A slope over a dose; the planted pathways rise by `response` (the dose itself by default)."""
    drawn = source(seed, 9000)
    rng = np.random.default_rng([seed, 6])
    names = [f"s{i + 1}" for i in range(len(doses))]
    effects = np.zeros((len(names), len(drawn.symbols)))
    for pathway, strength in planted.items():
        full = simulate.planted_effects(panel, drawn.symbols, pathway, strength, rng=rng)
        effects += np.outer(response or doses, full)
    counts = simulate.simulate_counts(drawn, np.ones(len(names)), effects, rng=rng)
    genes = pd.Index([f"g{i}" for i in range(len(drawn.symbols))])
    return FittedModel(
        name="doses",
        formula="~ dose",
        samples=pd.DataFrame({"dose": [f"{d:g}" for d in doses]}, index=names),
        counts=pd.DataFrame(counts, index=names, columns=genes),
        vst=pd.DataFrame(simulate.log_transform(counts, 0.05), index=names, columns=genes),
        symbols=pd.Series(drawn.symbols, index=genes, dtype=object),
        size_factors=pd.Series(1.0, index=names),
        dispersions=pd.Series(drawn.dispersion, index=genes),
        base_mean=pd.Series(counts.mean(axis=0), index=genes),
        design=pd.DataFrame({"Intercept": 1.0, "dose": doses}, index=names),
        contrasts={"slope": np.array([0.0, 1.0])},
        continuous=("dose",),
    )


def simulated_model(
    panel: Panel,
    planted: dict[str, float],
    *,
    seed: int = 1,
    replicates: int = 3,
    n_genes: int = 9000,
    readouts: list[str] | None = None,
) -> FittedModel:
    """A 2 × 2 model; the pathways are planted in the treated samples of the second tumour."""
    drawn = source(seed, n_genes)
    rng = np.random.default_rng([seed, 5])
    tumour = np.repeat(["alone", "alone", "mixed", "mixed"], replicates)
    drug = np.repeat(["none", "given", "none", "given"], replicates)
    names = [f"s{i + 1}" for i in range(len(drug))]
    hit = (tumour == "mixed") & (drug == "given")
    effects = np.zeros((len(names), len(drawn.symbols)))
    for pathway, strength in planted.items():
        effects[hit] += simulate.planted_effects(
            panel, drawn.symbols, pathway, strength, rng=rng, readouts=readouts
        )
    counts = simulate.simulate_counts(drawn, np.ones(len(names)), effects, rng=rng)
    genes = pd.Index([f"g{i}" for i in range(len(drawn.symbols))])
    t, d = (tumour == "mixed").astype(float), (drug == "given").astype(float)
    design = pd.DataFrame(
        {"Intercept": 1.0, "tumour": t, "drug": d, "tumour:drug": t * d}, index=names
    )
    return FittedModel(
        name="simulated",
        formula="~ tumour * drug",
        samples=pd.DataFrame({"tumour": tumour, "drug": drug}, index=names),
        counts=pd.DataFrame(counts, index=names, columns=genes),
        vst=pd.DataFrame(simulate.log_transform(counts, 0.05), index=names, columns=genes),
        symbols=pd.Series(drawn.symbols, index=genes, dtype=object),
        size_factors=pd.Series(1.0, index=names),
        dispersions=pd.Series(drawn.dispersion, index=genes),
        base_mean=pd.Series(counts.mean(axis=0), index=genes),
        design=design,
        contrasts={
            "alone_drug": np.array([0.0, 0, 1, 0]),
            "mixed_drug": np.array([0.0, 0, 1, 1]),
            "interaction": np.array([0.0, 0, 0, 1]),
        },
    )
