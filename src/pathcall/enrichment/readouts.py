"""The table of the panel's readouts in a contrast, tested on genes alone and beside confounders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pathcall.enrichment import mlm
from pathcall.enrichment.activity import FootprintFit
from pathcall.enrichment.camera import Float
from pathcall.enrichment.matrices import SignatureMatrices
from pathcall.errors import ConfigError
from pathcall.signatures.panel import Panel, Readout
from pathcall.signatures.weights import MIN_GENES
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.stats.tails import two_sided_p
from pathcall.tables import READOUTS


def readout_table(
    ranked: pd.Series,
    lfc: pd.Series,
    matrices: SignatureMatrices,
    panel: Panel,
    gsea_rows: Mapping[str, pd.Series],
    fits: Mapping[str, FootprintFit],
    confounders: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """Table of schema ``readouts/{contrast}``, signs turned towards the pathway.

    Parameters
    ----------
    ranked, lfc
        Symbol → Wald statistic and log2 fold change.
    matrices, panel
        Weights and correlations of the readouts, and what they are.
    gsea_rows
        Readout → its row of GSEA's results, for readouts that are plain sets.
    fits
        Footprint model → its fit.
    confounders
        Pathway → readouts or gene sets that its readouts are tested beside once more.

    Raises
    ------
    ConfigError
        A confounder is neither a readout nor a gene set.
    """
    stats = ranked.to_numpy(dtype=float)[:, None]
    weights = matrices.readouts.loc[ranked.index]
    measured = (weights != 0).sum(axis=0)
    plain = mlm.fit_joint(
        stats, weights.to_numpy(), np.empty((len(ranked), 0)),
        matrices.readout_correlation.to_numpy(), df=matrices.df,
    )  # fmt: skip
    beside = {
        pathway: _nuisance(pathway, names, matrices, ranked.index)
        for pathway, names in confounders.items()
    }
    rows: list[dict[str, Any]] = []
    for i, readout in enumerate(panel.readouts):
        n = int(measured.iloc[i])
        base = {
            "pathway": readout.pathway,
            "readout": readout.readout,
            "family": readout.family,
            "role": readout.role,
            "n_genes": n,
            "coverage": n / len(readout.weights) if readout.weights else 0.0,
        }
        sign = readout.expected_direction
        # Scaled so that the coefficient is the mean statistic of genes of average weight.
        scale = float(np.mean(np.abs([*readout.weights.values()]))) if readout.weights else np.nan

        def add(
            method: str,
            effect: float = np.nan,
            stat: float = np.nan,
            p: float = np.nan,
            note: str | None = None,
            base: dict[str, Any] = base,
            sign: int = sign,
        ) -> None:
            rows.append(
                {**base, "method": method, "effect": sign * effect, "stat": sign * stat,
                 "pvalue": p, "note": note}
            )  # fmt: skip

        if len(readout.weights) == 1:
            (gene, weight), *_ = readout.weights.items()
            if n:
                z = float(ranked[gene]) * np.sign(weight)
                add("gene", float(lfc[gene]) * np.sign(weight), z, _p(z))
            else:
                add("gene", note="not measured")
            continue
        few = f"fewer than {MIN_GENES} genes with a statistic" if n < MIN_GENES else None
        if readout.readout in gsea_rows:
            row = gsea_rows[readout.readout]
            add("gsea", row["es"], row["nes"], row["pvalue"])
        elif few and is_unsigned(readout):
            add("gsea", note=few)
        if few:
            add("camera", note=few)
        else:
            z = float(plain.z[i, 0])
            add("camera", plain.coefficient[i, 0] * scale, z, _p(z))
        found = [f for f in fits.values() if readout.key in f.weights.columns]
        is_footprint = readout.family == "footprint" and bool(found)
        if is_footprint:
            z = float(found[0].fit.z[found[0].row(readout.key), 0])
            effect = found[0].fit.coefficient[found[0].row(readout.key), 0]
            add("mlm", effect * scale, z, _p(z))
        nuisance = beside.get(readout.pathway)
        if nuisance is None or few:
            continue
        own = nuisance.drop(columns=[readout.readout], errors="ignore")
        if own.shape[1] == 0:
            continue
        note = "adjusted for " + ", ".join(own.columns)
        fit = mlm.fit_joint(
            stats, weights.iloc[:, [i]].to_numpy(), own.to_numpy(),
            matrices.readout_correlation.iloc[[i]].to_numpy(), df=matrices.df,
        )  # fmt: skip
        z = float(fit.z[0, 0])
        add("camera_adjusted", fit.coefficient[0, 0] * scale, z, _p(z), note)
        if is_footprint:
            effect, z = _joint_footprint(stats, found[0], readout.key, own, matrices.df)
            add("mlm_adjusted", effect * scale, z, _p(z), note)
    frame = pd.DataFrame(rows)
    frame["fdr"] = np.nan
    for index in frame.groupby("method", sort=True).groups.values():
        frame.loc[index, "fdr"] = benjamini_hochberg(
            frame.loc[index, "pvalue"].to_numpy(dtype=float)
        )
    frame["note"] = frame["note"].astype(object)
    return frame[list(READOUTS.columns)]


def _joint_footprint(
    stats: Float, model: FootprintFit, pathway: str, nuisance: pd.DataFrame, df: float
) -> tuple[float, float]:
    """Coefficient and z of a footprint beside its model's others and the nuisance signatures."""
    others = model.weights.drop(columns=pathway).to_numpy()
    # Columns that the footprint model already holds add nothing: fit_joint drops them.
    fit = mlm.fit_joint(
        stats,
        model.weights[[pathway]].to_numpy(),
        np.column_stack([others, nuisance.to_numpy()]),
        model.correlation[[pathway]].to_numpy(),
        df=df,
    )
    return float(fit.coefficient[0, 0]), float(fit.z[0, 0])


def _nuisance(
    pathway: str, names: Sequence[str], matrices: SignatureMatrices, symbols: Sequence[str]
) -> pd.DataFrame:
    columns = {}
    for name in names:
        if name in matrices.readouts.columns:
            columns[name] = matrices.readouts[name]
        elif name in matrices.sets.columns:
            columns[name] = matrices.sets[name]
        else:
            raise ConfigError(
                "a confounder is neither a readout nor a gene set of the panel",
                where=f"calls.confounders, pathway {pathway}, value {name!r}",
                fix="name a readout of readouts.tsv or a set of gene_sets.tsv or of a GMT file",
            )
    frame = pd.DataFrame(columns, index=matrices.readouts.index).loc[symbols]
    return frame.loc[:, (frame != 0).any(axis=0)]


def _p(z: float) -> float:
    return float(two_sided_p(np.array([z]))[0])


def is_unsigned(readout: Readout) -> bool:
    """Whether all genes of a readout have weight one, as in a gene set."""
    return set(readout.weights.values()) == {1.0}
