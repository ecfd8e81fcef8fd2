"""Real data sets: counts, symbols, and what is known of each sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pandas as pd

from pathcall.signatures.panel import load_panel

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
PANEL = ROOT / "resources" / "panel"
GEO = SHARED / "geo-mirror" / "www.ncbi.nlm.nih.gov" / "geo" / "download"


@dataclass(frozen=True)
class Set:
    """One experiment.

    Attributes
    ----------
    name
        Its name in the tables.
    counts
        ``samples × genes``, raw.
    symbols
        Gene → symbol (NA where there is none).
    sheet
        Sample → `cell` (samples of one cell are replicates) and `block` (day, donor or run that
        samples of several cells share).
    paired
        Cells are compared within blocks (donors), not across them.
    """

    name: str
    counts: pd.DataFrame = field(repr=False)
    symbols: pd.Series = field(repr=False)
    sheet: pd.DataFrame = field(repr=False)
    paired: bool = False


@cache
def _symbols() -> tuple[pd.Series, pd.Series]:
    ids = load_panel(PANEL).gene_ids
    ensembl = ids.drop_duplicates("ensembl_gene_id").set_index("ensembl_gene_id")["symbol"]
    entrez = ids.drop_duplicates("entrez_id").set_index("entrez_id")["symbol"]
    return ensembl, entrez


def _set(name: str, counts: pd.DataFrame, sheet: pd.DataFrame, *, paired: bool = False) -> Set:
    counts = counts.loc[sheet.index].astype(int)
    counts.columns = counts.columns.astype(str)
    return Set(name, counts, symbols_of(counts.columns), sheet, paired)


def symbols_of(genes: pd.Index) -> pd.Series:
    """Gene (Ensembl or Entrez id) → symbol; NaN where there is none."""
    ensembl, entrez = _symbols()
    bare = genes.astype(str).str.replace(r"\.\d+$", "", regex=True)
    table = ensembl if bare.str.startswith("ENSG").mean() > 0.5 else entrez
    symbols = pd.Series(table.reindex(bare).to_numpy(), index=genes, dtype=object)
    return symbols.where(symbols != "", float("nan"))


def _counts(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", index_col=0).T


@cache
def load(name: str) -> Set | None:
    """A set by name; None where its files are not here."""
    made = LOADERS[name]
    try:
        return made()
    except FileNotFoundError:
        return None


def _mcf10a() -> Set:
    sheet = pd.read_csv(SHARED / "truth" / "mcf10a_samples.tsv", sep="\t", index_col=0)
    sheet = sheet.assign(block=sheet["rep"].str[:2])[["cell", "block"]]
    return _set("mcf10a", _counts(SHARED / "truth" / "mcf10a_counts.tsv.gz"), sheet)


def _macrophage() -> Set:
    sheet = pd.read_csv(SHARED / "truth" / "macrophage_samples.tsv", sep="\t", index_col=0)
    sheet = sheet.rename(columns={"cond": "cell", "line": "block"})[["cell", "block"]]
    return _set(
        "macrophage", _counts(SHARED / "truth" / "macrophage_counts.tsv.gz"), sheet, paired=True
    )


def _a375() -> Set:
    sheet = pd.read_csv(SHARED / "data" / "A375_36_samples.tsv", sep="\t", index_col=0)
    cell = sheet["genotype"] + "." + sheet["drug"]
    sheet = pd.DataFrame({"cell": cell, "block": sheet["replicate"]})
    return _set("a375", _counts(SHARED / "data" / "A375_36_counts.tsv.gz"), sheet)


def _airway() -> Set:
    counts = _counts(ROOT / "resources" / "demo" / "GSE52778_counts.tsv.gz")
    sheet = pd.read_csv(ROOT / "config" / "demo" / "samples.tsv", sep="\t", index_col=0)
    sheet = pd.DataFrame({"cell": sheet["dex"], "block": sheet["cell"]}).loc[counts.index]
    return _set("airway", counts, sheet, paired=True)


def _eye() -> Set:
    counts = _counts(GEO / "GSE164073_raw_counts_GRCh38.p13_NCBI.tsv.gz").sort_index()
    tissue = [t for t in ("cornea", "limbus", "sclera") for _ in range(6)]
    state = (["mock"] * 3 + ["cov2"] * 3) * 3
    sheet = pd.DataFrame(
        {
            "cell": [f"{t}.{s}" for t, s in zip(tissue, state, strict=True)],
            "block": [f"r{i % 3}" for i in range(18)],
        },
        index=counts.index,
    )
    return _set("eye", counts, sheet)


LOADERS = {
    "mcf10a": _mcf10a,
    "macrophage": _macrophage,
    "a375": _a375,
    "airway": _airway,
    "eye": _eye,
}
