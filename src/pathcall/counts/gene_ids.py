"""Gene identifiers: which kind a matrix uses, and the symbol, Entrez id and type of each id."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Literal

import pandas as pd

from pathcall.errors import InputError

logger = logging.getLogger(__name__)

IdKind = Literal["ensembl", "entrez", "symbol"]
MIN_MAPPED = 0.5
_ENSEMBL = re.compile(r"^ENS[A-Z]*G\d{11}(\.\d+)?(_PAR_Y)?$")
# What each annotation calls its genes; the first that fits most ids names the organism.
_ORGANISMS = {
    "human": r"ENSG\d{11}",
    "mouse": r"ENSMUSG\d{11}",
    "rat": r"ENSRNOG\d{11}",
    "zebrafish": r"ENSDARG\d{11}",
    "fruit fly": r"FBgn\d{7}",
    "C. elegans": r"WBGene\d{8}",
    "yeast": r"Y[A-P][LR]\d{3}[WC](-[A-Z])?",
    "Arabidopsis": r"AT[1-5MC]G\d{5}",
    "another species": r"ENS[A-Z]{3,4}G\d{11}",
}
_TRANSCRIPT = re.compile(r"^(ENS[A-Z]*T\d{11}|[NX][MR]_\d+)(\.\d+)?$")
# Human symbols are upper case but for a few (C1orf43); mouse and rat symbols are capitalised.
_CAPITALISED = re.compile(r"^[A-Z][a-z][a-z0-9-]+$")


def guess_organism(ids: Sequence[str]) -> str | None:
    """Organism that most gene ids are of, None where they don't tell (Entrez ids never do)."""
    for organism, pattern in _ORGANISMS.items():
        matcher = re.compile(rf"^{pattern}(\.\d+)?(_PAR_Y)?$")
        if sum(bool(matcher.match(i)) for i in ids) > len(ids) / 2:
            return organism
    if len(ids) >= 20:
        capitalised = sum(bool(_CAPITALISED.match(i)) for i in ids)
        if capitalised > len(ids) / 2:
            return "mouse or rat"
    return None


def detect_kind(ids: Sequence[str], *, where: str) -> IdKind:
    """Kind of gene identifier that most ids are.

    Raises
    ------
    InputError
        No kind holds for more than half of the ids.
    """
    n = max(len(ids), 1)
    if sum(bool(_ENSEMBL.match(i)) for i in ids) > n / 2:
        return "ensembl"
    if sum(i.isdigit() for i in ids) > n / 2:
        return "entrez"
    if sum(bool(_TRANSCRIPT.match(i)) for i in ids) > n / 2:
        raise InputError(
            "the ids are those of transcripts",
            where=f"{where}, first ids: {', '.join(map(str, ids[:3]))}",
            fix="give counts of genes: sum the transcripts by gene (tximport, salmon's "
            "quant.genes.sf)",
        )
    organism = guess_organism(ids)
    symbols = sum(bool(re.match(r"^[A-Za-z][\w.@-]*$", i)) for i in ids) > n / 2
    if symbols and organism in (None, "mouse or rat"):
        return "symbol"
    raise InputError(
        "the gene ids are neither Ensembl ids, Entrez ids nor symbols"
        + (f": they look like those of {organism}" if organism else ""),
        where=f"{where}, first ids: {', '.join(map(str, ids[:3]))}",
        fix="use one of these, or set counts.gene_id",
    )


def strip_version(ids: Sequence[str]) -> list[str]:
    """Ensembl ids without version suffix (and without ``_PAR_Y``)."""
    return [i.split(".")[0].removesuffix("_PAR_Y") for i in ids]


def annotate(
    ids: Sequence[str],
    kind: IdKind,
    gene_ids: pd.DataFrame,
    *,
    symbols: pd.Series | None = None,
) -> pd.DataFrame:
    """Symbol, Entrez id and gene type of each id.

    An Ensembl id of several Entrez genes takes the one with the lowest Entrez id. A symbol that is
    not current is resolved by a unique alias.

    Parameters
    ----------
    ids
        Gene ids without version.
    kind
        What they are.
    gene_ids
        The panel's table: entrez_id, ensembl_gene_id, symbol, gene_type, aliases.
    symbols
        id → symbol by the source's own annotation, for ids the panel does not know.

    Returns
    -------
    DataFrame
        One row an id, in order: gene_id, symbol, entrez_id, gene_type (None where unknown), mapped
        (yes: known to the panel).
    """
    table = gene_ids.assign(number=pd.to_numeric(gene_ids["entrez_id"])).sort_values(
        ["number", "ensembl_gene_id"], kind="stable"
    )
    column = {"ensembl": "ensembl_gene_id", "entrez": "entrez_id", "symbol": "symbol"}[kind]
    by_id = table.drop_duplicates(column).set_index(column)
    by_id["entrez"] = by_id["entrez_id"] if kind != "entrez" else by_id.index
    by_id["name"] = by_id["symbol"] if kind != "symbol" else by_id.index
    keys = list(ids)
    if kind == "symbol":
        keys = _current_symbols(keys, table)
    found = by_id.reindex(keys)
    out = pd.DataFrame(
        {
            "gene_id": list(ids),
            "symbol": found["name"].to_numpy(dtype=object),
            "entrez_id": found["entrez"].to_numpy(dtype=object),
            "gene_type": found["gene_type"].to_numpy(dtype=object),
        }
    )
    out = out.where(out.notna(), None)
    out["mapped"] = found["name"].notna().to_numpy()
    if symbols is not None:
        own = symbols[~symbols.index.duplicated()].reindex(list(ids)).to_numpy(dtype=object)
        fill = out["symbol"].isna().to_numpy() & pd.notna(own)
        out.loc[fill, "symbol"] = own[fill]
        logger.info("%d symbols come from the source's annotation, not the panel", fill.sum())
    if kind == "entrez":
        out["entrez_id"] = list(ids)
    elif kind == "symbol":
        out["symbol"] = out["symbol"].where(out["mapped"], list(ids))
    return out


def as_given(ids: Sequence[str], symbols: pd.Series | None) -> pd.DataFrame:
    """Genes of an organism without a table of ids: columns as `annotate`, less ``mapped``.

    The symbol is the source's own, else the id itself.
    """
    own = pd.Series(list(ids), index=list(ids), dtype=object)
    if symbols is not None:
        own = symbols[~symbols.index.duplicated()].reindex(list(ids)).fillna(own)
    names = own.to_numpy(dtype=object)
    return pd.DataFrame({"gene_id": list(ids), "symbol": names}).assign(
        entrez_id=None, gene_type=None
    )


def _current_symbols(symbols: list[str], table: pd.DataFrame) -> list[str]:
    current = set(table["symbol"])
    alias = table[["aliases", "symbol"]].drop_duplicates()
    pairs = alias.assign(alias=alias["aliases"].str.split("|")).explode("alias")
    pairs = pairs[(pairs["alias"] != "") & ~pairs["alias"].isin(current)]
    pairs = pairs.drop_duplicates(["alias", "symbol"])
    unique = pairs[~pairs["alias"].duplicated(keep=False)].set_index("alias")["symbol"]
    renamed = [s if s in current else unique.get(s, s) for s in symbols]
    changed = sum(a != b for a, b in zip(symbols, renamed, strict=True))
    logger.info("%d symbols resolved by a unique alias", changed)
    return renamed


def check_mapped(mapped: pd.Series, has_counts: pd.Series, kind: IdKind, *, where: str) -> None:
    """Raise InputError unless at least half of the genes with counts are known to the panel."""
    share = float(mapped[has_counts.to_numpy()].mean()) if has_counts.any() else 0.0
    logger.info(
        "%d of %d %s ids with counts are known to the panel (%.1f%%)",
        int(mapped[has_counts.to_numpy()].sum()),
        int(has_counts.sum()),
        kind,
        100 * share,
    )
    if share < MIN_MAPPED:
        first = mapped.index[~mapped & has_counts.to_numpy()][:3]
        organism = guess_organism(mapped.index[has_counts.to_numpy()].tolist())
        looks = f"; they look like those of {organism}" if organism else ""
        raise InputError(
            f"only {100 * share:.0f}% of the gene ids with counts can be mapped (read as {kind}"
            f"{looks})",
            where=f"{where}, unknown ids such as {', '.join(map(str, first))}",
            fix="check organism and counts.gene_id, or use a panel with gene_ids.tsv.gz of that "
            "organism",
        )
