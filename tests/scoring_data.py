"""A small panel and a small study for the tests of the scoring modules; everything is made up."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from pathcall.deseq.fitted import FittedModel

SYMBOLS = [f"GENE{i:04d}" for i in range(1000)]
SETS = {
    "UP_SET": SYMBOLS[:40],
    "DOWN_SET": SYMBOLS[40:70],
    "OTHER_SET": SYMBOLS[300:360],
    "TINY_SET": [*SYMBOLS[400:402], "UNKNOWN1"],
    "ABSENT_SET": ["UNKNOWN2", "UNKNOWN3", "UNKNOWN4"],
    "ARM_UP": SYMBOLS[500:525],
    "ARM_DN": SYMBOLS[525:545],
}
READOUTS = [
    ("ALPHA", "ALPHA_SET", "gene_set", "gene_sets.tsv:UP_SET", "+1", "evidence"),
    ("ALPHA", "ALPHA_LOST", "curated", "curated_sets.tsv:LOST_ON_ALPHA", "-1", "evidence"),
    ("ALPHA", "ALPHA_FOOT", "footprint", "footprints.tsv:Alpha", "+1", "evidence"),
    ("ALPHA", "ALPHA_ARMS", "signed_gene_set", "gene_sets.tsv:ARM_UP|gene_sets.tsv:ARM_DN", "+1",
     "evidence"),
    ("BETA", "BETA_DRIVER", "curated", "curated_sets.tsv:DRIVER", "+1", "evidence"),
    ("BETA", "BETA_TINY", "gene_set", "gene_sets.tsv:TINY_SET", "+1", "context"),
    ("BETA", "BETA_FOOT", "footprint", "footprints.tsv:Beta", "+1", "control"),
]  # fmt: skip


def write_panel(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)

    def save(frame: pd.DataFrame, name: str) -> None:
        frame.to_csv(folder / name, sep="\t", index=False, lineterminator="\n")

    save(
        pd.DataFrame(
            [("C", name, gene) for name, genes in SETS.items() for gene in genes],
            columns=["collection", "gene_set", "gene"],
        ),
        "gene_sets.tsv",
    )
    curated = [("LOST_ON_ALPHA", g, "+1") for g in SYMBOLS[70:80]]
    curated += [("DRIVER", SYMBOLS[80], "+1")]
    curated += [
        ("OSTEOCLAST_MARKERS", SYMBOLS[81], "+1"),
        ("OSTEOLYTIC_FACTORS", SYMBOLS[82], "+1"),
    ]
    save(pd.DataFrame(curated, columns=["gene_set", "gene", "direction"]), "curated_sets.tsv")
    foot = []
    for pathway, first in (("Alpha", 600), ("Beta", 650), ("Gamma", 800)):
        foot += [
            ("toy", pathway, gene, f"{weight:.4f}", "0.01")
            for gene, weight in zip(SYMBOLS[first : first + 80], rng.normal(size=80), strict=True)
        ]
    foot += [("toy", "Rare", gene, "1.0", "0.01") for gene in SYMBOLS[900:903]]
    save(
        pd.DataFrame(foot, columns=["model", "pathway", "gene", "weight", "p_value"]),
        "footprints.tsv",
    )
    save(
        pd.DataFrame(
            [(*row, "made up", "1", "none", "") for row in READOUTS],
            columns=["pathway", "readout", "family", "members", "expected_direction", "role",
                     "source", "version", "citation", "note"],
        ),
        "readouts.tsv",
    )  # fmt: skip
    classes = ["chemokine", "cytokine", "other_secreted", "protease"]
    save(
        pd.DataFrame(
            [
                (gene, classes[i % 4], "GO:0005576",
                 "GO:0005576=HDA" if i % 10 == 9 else "GO:0005576=IDA,HDA")
                for i, gene in enumerate(SYMBOLS[::10])
            ],
            columns=["gene", "class", "go_terms", "evidence"],
        ),
        "secretome.tsv",
    )  # fmt: skip
    ids = "entrez_id\tensembl_gene_id\tsymbol\tgene_type\taliases\n"
    with gzip.GzipFile(folder / "gene_ids.tsv.gz", "wb", mtime=0) as stream:
        stream.write(ids.encode())
    return folder


@dataclass(frozen=True)
class Study:
    """A fitted model and the tables of its contrasts."""

    model: FittedModel
    de: dict[str, pd.DataFrame]


def make_study(*, samples: int = 12, seed: int = 1, planted: float = 1.5) -> Study:
    """1,030 genes (10 without symbol, 20 whose symbol a stronger gene bears), two groups."""
    rng = np.random.default_rng(seed)
    symbols = np.array([*SYMBOLS, *SYMBOLS[:20], *[np.nan] * 10], dtype=object)
    ids = pd.Index([f"E{i:05d}" for i in range(len(symbols))], name="gene_id")
    base = rng.lognormal(5, 1, len(symbols))
    base[1000:1020] = 0.5
    half = np.repeat([0.0, 1.0], samples // 2)
    names = [f"S{i:02d}" for i in range(samples)]
    design = pd.DataFrame({"Intercept": 1.0, "group[T.b]": half}, index=names)
    values = rng.normal(8, 0.5, (samples, len(symbols)))
    lfc = np.zeros(len(symbols))
    lfc[:40] = planted
    lfc[40:70] = -planted
    lfc[70:80] = -planted  # lost on alpha
    lfc[80] = planted
    lfc[500:525] = planted
    lfc[525:545] = -planted
    panel_weights = np.random.default_rng(0).normal(size=80)  # as in write_panel
    lfc[600:680] = planted * np.sign(panel_weights)
    values += half[:, None] * lfc
    vst = pd.DataFrame(values, index=names, columns=ids)
    model = FittedModel(
        name="toy",
        formula="~ group",
        samples=pd.DataFrame({"group": np.where(half, "b", "a")}, index=names),
        counts=pd.DataFrame(np.ones_like(values, dtype=np.int64), index=names, columns=ids),
        vst=vst,
        symbols=pd.Series(symbols, index=ids),
        size_factors=pd.Series(1.0, index=names),
        dispersions=pd.Series(0.1, index=ids),
        base_mean=pd.Series(base, index=ids),
        design=design,
        contrasts={"b_vs_a": np.array([0.0, 1.0]), "a_vs_b": np.array([0.0, -1.0])},
    )
    up = wald_table(model, half)
    missing = np.arange(950, 960)  # below the filter
    up.loc[missing, ["lfc_se", "stat", "pvalue", "padj"]] = np.nan
    up.loc[960, "outlier"] = "yes"
    up.loc[960, ["pvalue", "padj"]] = np.nan
    down = up.assign(**{c: -up[c] for c in ("log2fc", "stat", "log2fc_shrunk")})
    return Study(model, {"b_vs_a": up, "a_vs_b": down})


def wald_table(model: FittedModel, half: np.ndarray) -> pd.DataFrame:
    """Table of schema ``de/{contrast}`` of two groups of equal size, by a z test on VST values."""
    values = model.vst.to_numpy()
    lfc = values[half == 1].mean(axis=0) - values[half == 0].mean(axis=0)
    se = np.sqrt(
        (values[half == 1].var(axis=0, ddof=1) + values[half == 0].var(axis=0, ddof=1))
        / (len(half) / 2)
    )
    stat = lfc / se
    p = 2 * stats.norm.sf(np.abs(stat))
    return pd.DataFrame(
        {
            "gene_id": model.base_mean.index.to_numpy(),
            "symbol": model.symbols.to_numpy(),
            "base_mean": model.base_mean.to_numpy(),
            "log2fc": lfc,
            "lfc_se": se,
            "stat": stat,
            "pvalue": p,
            "padj": stats.false_discovery_control(p),
            "log2fc_shrunk": lfc * 0.9,
            "lfc_se_shrunk": se,
            "outlier": "no",
        }
    )
