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
# What Excel makes of SEPT2, MARCH1, DEC1 …: 2-Sep, 01/03/2024, Sep-02.
_EXCEL_DATE = re.compile(
    r"^(\d{1,2}-(Mar|Sep|Dec|Oct|Apr|Feb)|(Mar|Sep|Dec|Oct|Apr|Feb)-\d{1,2}|\d{1,2}/\d{1,2}/\d{2,4})$",
    re.IGNORECASE,
)


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
    if sum(bool(re.match(r"^[A-Za-z][\w.@-]*$", i)) for i in ids) > n / 2:
        return "symbol"
    raise InputError(
        "the gene ids are neither Ensembl ids, Entrez ids nor symbols",
        where=f"{where}, first ids: {', '.join(map(str, ids[:3]))}",
        fix="use one of these, or set counts.gene_id",
    )


def refuse_excel_dates(ids: Sequence[str], *, where: str) -> None:
    """Raise InputError where a spreadsheet has turned gene symbols into dates."""
    dates = [i for i in ids if _EXCEL_DATE.match(i)]
    if dates:
        raise InputError(
            f"{len(dates)} gene symbols were turned into dates by a spreadsheet",
            where=f"{where}, values {', '.join(dates[:3])}",
            fix="export the table again without opening it in a spreadsheet (2-Sep was SEPTIN2)",
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
        raise InputError(
            f"only {100 * share:.0f}% of the gene ids with counts can be mapped (read as {kind})",
            where=f"{where}, unknown ids such as {', '.join(map(str, first))}",
            fix="check organism and counts.gene_id, or use a panel with gene_ids.tsv.gz of that "
            "organism",
        )
