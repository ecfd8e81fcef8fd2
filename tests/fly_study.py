"""A small simulated study of an organism without a panel, as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

N_GENES = 600
UP = range(40, 80)


def fly_counts() -> pd.DataFrame:
    """Counts of six samples under fly ids; genes `UP` rise fourfold in the second three."""
    rng = np.random.default_rng(7)
    means = rng.lognormal(5, 1, N_GENES)[:, None] * np.ones(6)
    means[UP, 3:] *= 4
    counts = rng.negative_binomial(20, 20 / (20 + means))
    ids = [f"FBgn{i:07d}" for i in range(N_GENES)]
    return pd.DataFrame(counts, index=pd.Index(ids, name="gene_id"),
                        columns=[f"s{i}" for i in range(6)])  # fmt: skip


def write_fly_study(own: Path) -> None:
    """Write counts, sheet, contrasts, gene sets and config of the study ``heat`` into `own`."""
    own.mkdir()
    counts = fly_counts()
    counts.to_csv(own / "counts.tsv", sep="\t")
    (own / "samples.tsv").write_text(
        "sample\theat\n" + "".join(f"s{i}\t{'no' if i < 3 else 'yes'}\n" for i in range(6))
    )
    (own / "contrasts.tsv").write_text(
        "contrast\tmodel\ttest\treference\nheat\tall\theat=yes\theat=no\n"
    )
    ids = list(counts.index)
    sets = {
        "HEAT_SHOCK": ids[40:80],
        "QUIET": ids[200:240],
        "ABSENT": ["FBgn9999991", "FBgn9999992"],
    }
    (own / "fly.gmt").write_text(
        "".join(f"{name}\tx\t" + "\t".join(genes) + "\n" for name, genes in sets.items())
    )
    (own / "config.yaml").write_text(
        """
study: heat
organism: other
pathways: none
samples: own/samples.tsv
contrasts: own/contrasts.tsv
counts: {source: file, file: own/counts.tsv}
models: {all: {design: "~ heat"}}
signatures: own/fly.gmt
"""
    )
