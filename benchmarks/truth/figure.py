"""One figure for the README: what each method finds, against what it finds where nothing is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

TITLES = {"AKT": "AKT", "NFKB_CANONICAL": "NF-κB", "MAPK": "MAPK"}


def draw(calls: pd.DataFrame, path: Path) -> None:
    """Share of perturbations found (3 against 3, each alone) against false calls on mock splits."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "pathcall", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(9, 3.6), sharey=True, layout="constrained")
    markers = "*osD^vP"
    for axis, (pathway, title) in zip(axes, TITLES.items(), strict=True):
        for i, (method, own) in enumerate(calls.groupby("method", sort=False)):
            part = own[own["pathway"] == pathway]
            alone = part[(part["kind"] == "alone") & (part["expected"] != 0)]
            null = part[part["kind"].isin(["mock", "days"])]
            axis.plot(
                100 * (null["call"] != 0).mean(), 100 * (alone["call"] == alone["expected"]).mean(),
                markers[i], color="#b8321b" if i == 0 else f"C{i}", markersize=13 if i == 0 else 7,
                label=str(method), clip_on=False, zorder=3,
            )  # fmt: skip
        axis.axvline(5, color="0.7", linewidth=0.8, linestyle="--")
        axis.set(title=title, xlabel="called on mock splits (%)", xlim=(-2, 80), ylim=(-3, 103))
    axes[0].set_ylabel("perturbations found (%)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3,
                  frameon=False)  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
