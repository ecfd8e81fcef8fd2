"""A small study as a user writes it: config, sheet, contrasts and a panel of a few genes."""

from __future__ import annotations

import gzip
from pathlib import Path

CONFIG = """\
study: small
organism: human
samples: samples.tsv
contrasts: contrasts.tsv
counts:
  source: file
  file: counts.tsv
models:
  tumour:
    samples: {system: [tumour]}
    design: "~ donor + line * drug"
  vitro:
    samples:
      system: [vitro]
      hours: [6, 48]
    design: "~ drug + hours"
    continuous: [hours]
filter: {min_count: 10, min_samples: auto}
alpha: 0.05
seed: 7
signatures: panel
calls:
  vote_p: 0.1
  confounders:
    ONE: [TWO_SET, OTHER]
download:
  retries: 2
"""

_CELLS = [
    (line, drug, n) for line in ("R", "SR") for drug in ("vehicle", "1µM drug") for n in "123"
]
_HOURS = ["6", "6", "48", "48"]
SAMPLES = (
    "sample\tsystem\tdonor\tline\tdrug\thours\ttitle\texclude\texclude_reason\n"
    + "".join(
        f"t{i}\ttumour\t{n}\t{line}\t{drug}\tNA\ttumour {i}\tno\tNA\n"
        for i, (line, drug, n) in enumerate(_CELLS, start=1)
    )
    + "".join(
        f"v{i}\tvitro\t{i % 2 + 1}\tR\t{'vehicle' if i < 4 else '1µM drug'}\t{_HOURS[i % 4]}\t"
        f"cells {i}\t\t\n"
        for i in range(8)
    )
    + "x1\tvitro\t1\tR\tvehicle\t6\tlost\tyes\tfew reads\n"
)

CONTRASTS = """\
contrast\tmodel\ttest\treference\tsubtract\tgroup\texpected\tdescription
R_drug\ttumour\tline=R,drug=1µM drug\tline=R,drug=vehicle\tNA\tdrug\tONE:repressed\tresistant cells
SR_drug\ttumour\tline=SR,drug=1µM drug\tline=SR,drug=vehicle\t\tdrug\t\tsensitive cells
difference\ttumour\tline=SR,drug=1µM drug\tline=SR,drug=vehicle\tR_drug\t\t\tinteraction
in_vitro\tvitro\tdrug=1µM drug\tdrug=vehicle\t\tdrug\tONE:repressed,TWO:activated\t5 µl, a dish
slope\tvitro\thours=48\thours=6\t\t\t\tper 42 h
"""

GENES = [f"GENE{i}" for i in range(1, 31)]
PANEL = {
    "gene_sets.tsv": "collection\tgene_set\tgene\n"
    + "".join(f"H\tSET_UP\t{g}\n" for g in GENES[:6])
    + "".join(f"H\tSET_DN\t{g}\n" for g in GENES[6:10])
    + "".join(f"C2\tOTHER\t{g}\n" for g in GENES[10:14]),
    "curated_sets.tsv": "gene_set\tgene\tdirection\n"
    + "".join(
        f"LITERATURE\t{g}\t{s}\n" for g, s in zip(GENES[14:18], ["+1", "-1"] * 2, strict=True)
    ),
    "footprints.tsv": "model\tpathway\tgene\tweight\tp_value\n"
    + "".join(f"MODEL\tTWO\t{g}\t{w}\t0.01\n" for g, w in zip(GENES[18:22], "2345", strict=True)),
    "secretome.tsv": "gene\tclass\tgo_terms\tevidence\n"
    "GENE1\tcytokine\tGO:0005615\tGO:0005615=IDA\n",
    "own.gmt": f"TWO_SET\tfrom a paper\t{GENES[22]}\t{GENES[23]}\t{GENES[24]}\n",
    "readouts.tsv": "pathway\treadout\tfamily\tmembers\texpected_direction\trole\tnote\n"
    "ONE\tONE_SET\tsigned_gene_set\tgene_sets.tsv:SET_UP|gene_sets.tsv:SET_DN\t+1\tevidence\tup\n"
    "ONE\tONE_LITERATURE\tcurated\tcurated_sets.tsv:LITERATURE\t-1\tevidence\tdown\n"
    "TWO\tTWO_FOOTPRINT\tfootprint\tfootprints.tsv:TWO\t+1\tevidence\tweights\n"
    "TWO\tTWO_SET\tgene_set\town.gmt:TWO_SET\t+1\tcontext\tshown\n",
}
GENE_IDS = "entrez_id\tensembl_gene_id\tsymbol\tgene_type\taliases\n" + "".join(
    f"{i}\tENSG{i:011d}\t{g}\tprotein-coding\t\n" for i, g in enumerate(GENES, start=1)
)


def files() -> dict[str, bytes]:
    """Relative path → content."""
    texts = {
        "config.yaml": CONFIG, "samples.tsv": SAMPLES, "contrasts.tsv": CONTRASTS,
        "counts.tsv": "never read here\n",
        **{f"panel/{name}": text for name, text in PANEL.items()},
    }  # fmt: skip
    content = {name: text.encode() for name, text in texts.items()}
    content["panel/gene_ids.tsv.gz"] = gzip.compress(GENE_IDS.encode(), 1, mtime=0)
    return content


def write_study(folder: Path) -> None:
    """Write all files below `folder`."""
    (folder / "panel").mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (folder / name).write_bytes(content)
