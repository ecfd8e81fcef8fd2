"""A study with planted effects, as files: a clone by itself can test the default study's shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from pathcall.calls.simulation import made_up_source, planted_effects, simulate_counts
from pathcall.files import write_atomic
from pathcall.signatures.panel import Panel


def write_study(
    folder: str | Path,
    *,
    panel: Panel,
    planted: Mapping[str, float],
    seed: int,
    replicates: int = 3,
    interaction: bool = False,
    n_genes: int = 12_000,
) -> Path:
    """Write a whole simulated study as files: counts, sheet, contrasts, config, origin, truth.

    One factor `drug` (none, given); with `interaction`, also `tumour` (alone, mixed), and the
    pathways are planted in drug-treated mixed tumours only.

    Parameters
    ----------
    folder
        Where to write; made if need be.
    planted
        Pathway → strength (log2; negative: repressed).

    Returns
    -------
    pathlib.Path
        The config file. Its study is called ``simulated``.
    """
    folder = Path(folder)
    source = made_up_source(panel, seed=seed, n_genes=n_genes)
    rng = np.random.default_rng([seed, 1])
    cells = [("alone", "none"), ("alone", "given"), ("mixed", "none"), ("mixed", "given")]
    if not interaction:
        cells = cells[:2]
    hit = cells[-1]
    rows = [(t, d, r + 1) for t, d in cells for r in range(replicates)]
    effects = np.zeros((len(rows), len(source.symbols)))
    for pathway, strength in planted.items():
        truth = planted_effects(panel, source.symbols, pathway, strength, rng=rng)
        effects[[(t, d) == hit for t, d, _ in rows]] += truth
    size = np.exp(rng.normal(0, 0.2, len(rows)))
    counts = simulate_counts(source, size, effects, rng=rng)
    names = [f"SIM_{t}_{d}_{r}" for t, d, r in rows]
    frame = pd.DataFrame(counts.T, index=pd.Index(source.symbols, name="symbol"), columns=names)
    write_atomic(frame.to_csv(sep="\t", lineterminator="\n"), folder / "counts.tsv")
    sheet = ["sample\ttumour\tdrug\treplicate"]
    sheet += [f"{n}\t{t}\t{d}\t{r}" for n, (t, d, r) in zip(names, rows, strict=True)]
    write_atomic("\n".join(sheet) + "\n", folder / "samples.tsv")
    head = "contrast\tmodel\ttest\treference\tsubtract\tgroup\texpected\tdescription"
    if interaction:
        listed = [
            "alone_drug\tsimulated\ttumour=alone,drug=given\ttumour=alone,drug=none\t\t\t\tnothing",
            "mixed_drug\tsimulated\ttumour=mixed,drug=given\ttumour=mixed,drug=none\t\t\t\tplanted",
            "interaction\tsimulated\ttumour=mixed,drug=given\ttumour=mixed,drug=none\t"
            "alone_drug\t\t\tplanted",
        ]
        design = "~ tumour * drug"
        signed = ["mixed_drug", "interaction"]
    else:
        listed = ["drug\tsimulated\tdrug=given\tdrug=none\t\t\t\tplanted"]
        design = "~ drug"
        signed = ["drug"]
    write_atomic("\n".join([head, *listed]) + "\n", folder / "contrasts.tsv")
    truth_rows = ["contrast\tpathway\tstrength"]
    truth_rows += [f"{c}\t{p}\t{s!r}" for c in signed for p, s in planted.items()]
    write_atomic("\n".join(truth_rows) + "\n", folder / "truth.tsv")
    config = {
        "study": "simulated",
        "samples": str(folder / "samples.tsv"),
        "contrasts": str(folder / "contrasts.tsv"),
        "counts": {"source": "file", "file": str(folder / "counts.tsv"), "gene_id": "symbol"},
        "models": {"simulated": {"design": design}},
    }
    origin = "file\tkind\tsource\ncounts.tsv\tsimulated\ttests/planted_study.py\n"
    write_atomic(origin, folder / "ORIGIN.tsv")
    text = "# Simulated counts: no statement about biology may rest on them.\n"
    write_atomic(text + yaml.safe_dump(config, sort_keys=False), folder / "config.yaml")
    return folder / "config.yaml"
