"""Is this matrix what it says it is? Checked after mapping, whatever table it came from.

A wrong table that is read without an error gives a full report of nonsense. Each check here stops
the run for a table of which no answer would be honest.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pathcall.errors import InputError

logger = logging.getLogger(__name__)

NO_ID = frozenset(["", "-", "--", "---", ".", "?", "na", "n/a", "nan", "none", "null", "#n/a"])
MAX_WITHOUT_ID = 0.1
MAX_MERGED = 0.2
MAX_ROWS_OF_ONE_ID = 1_000
MIN_REPEATED = 5
# Expressed in every tissue and cell line of human and mouse (Eisenberg & Levanon 2013, Trends Genet
# 29:569), whatever the protocol.
HOUSEKEEPING = (
    "ACTB", "ACTG1", "EEF1A1", "EEF2", "GAPDH", "HSP90AB1", "HSPA8", "PPIA", "RPL3", "RPL4",
    "RPLP0", "RPS3", "RPS6", "TPT1", "TUBA1B", "UBC", "YWHAZ",
)  # fmt: skip
MIN_LARGEST = 50
MIN_GENES = 5_000
"""Tables of fewer genes may be panels without housekeeping genes: not looked at."""


def check_ids(ids: Sequence[str], *, where: str) -> None:
    """Gene ids must not be numbers that repeat: those are counts.

    Raises
    ------
    InputError
        They look like counts.
    """
    numbers = [i for i in ids if i.isdigit()]
    if len(numbers) < max(2, len(ids) / 2):
        return
    if len(set(numbers)) == len(ids) >= 100 and max(map(int, numbers)) < 1.5 * len(ids):
        raise InputError(
            "the gene ids number the rows",
            where=f"{where}, first ids: {', '.join(ids[:3])}",
            fix="let the first column hold the gene ids",
        )
    repeated = 1 - len(set(numbers)) / len(numbers)
    if repeated > 0.05 or numbers.count("0") > 1:
        raise InputError(
            f"the gene ids look like counts: {repeated:.0%} of them repeat another",
            where=f"{where}, first ids: {', '.join(ids[:3])}",
            fix="let the first column hold the gene ids",
        )


def drop_rows_without_id(counts: pd.DataFrame, *, where: str) -> tuple[pd.DataFrame, str | None]:
    """Leave out rows whose gene id is empty or a placeholder, and say how many.

    Raises
    ------
    InputError
        More than a tenth of the rows have no id.
    """
    without = np.array([i.lower() in NO_ID for i in counts.index], dtype=bool)
    n = int(without.sum())
    if not n:
        return counts, None
    if n > MAX_WITHOUT_ID * len(counts):
        raise InputError(
            f"{n} of {len(counts)} rows have no gene id",
            where=f"{where}, first in row {int(np.argmax(without)) + 1} below the header",
            fix="let the first column hold the gene ids",
        )
    share = counts[without].to_numpy(dtype=float).sum() / max(counts.to_numpy(float).sum(), 1)
    return counts[~without], f"{n} rows without a gene id left out ({share:.2%} of the counts)"


def check_repeated(counts: pd.DataFrame, *, where: str) -> None:
    """Rows of one id that are about to be added together must be few, and no copies.

    Raises
    ------
    InputError
        The table holds rows twice, or many rows fall on one gene.
    """
    repeats = counts.index.duplicated(keep=False)
    if not repeats.any():
        return
    some = counts[repeats]
    seen = some[some.sum(axis=1) >= 10]
    copies = seen.reset_index().duplicated().to_numpy()
    n_copies = int(copies.sum())
    # Low counts may agree by chance; high ones in every sample don't.
    certain = copies & (seen.min(axis=1) >= 100).to_numpy()
    if n_copies >= max(MIN_REPEATED, 0.005 * len(counts)) or certain.any():
        raise InputError(
            f"{n_copies} rows stand in the table twice, with the same counts",
            where=f"{where}, first {seen.index[copies][0]}",
            fix="keep each gene once; adding the copies together would double the counts",
        )
    merged = len(counts) - counts.index.nunique()
    sizes = some.index.value_counts()
    if merged > max(MAX_MERGED * len(counts), MIN_REPEATED) or sizes.iloc[0] > MAX_ROWS_OF_ONE_ID:
        raise InputError(
            f"{merged} of {len(counts)} rows have a gene id that occurs before",
            where=f"{where}, most often {sizes.index[0]} ({sizes.iloc[0]} rows)",
            fix="give counts of genes, one row each; counts of transcripts or exons are to be "
            "summed by gene first",
        )


def check_sums(counts: pd.DataFrame, *, where: str) -> None:
    """No row may be the total of the others.

    Raises
    ------
    InputError
        One is.
    """
    totals = counts.sum(axis=0)
    if len(counts) < 3 or not (totals > 0).any():
        return
    for i in np.nonzero((2 * counts == totals).all(axis=1).to_numpy())[0]:
        raise InputError(
            f"row {counts.index[i]!r} is the sum of all others",
            where=f"{where}, row {i + 1} below the header",
            fix="delete it: it is not a gene",
        )


def check_copied_samples(counts: pd.DataFrame, *, where: str) -> None:
    """No two samples may have the same counts: one is a copy, and no replicate.

    Raises
    ------
    InputError
        Two have.
    """
    if len(counts) < 100:
        return
    seen: dict[bytes, str] = {}
    for name, column in counts.items():
        content = np.ascontiguousarray(column.to_numpy()).tobytes()
        if content in seen and column.any():
            raise InputError(
                f"samples {seen[content]!r} and {name!r} have the same counts",
                where=where,
                fix="exclude one of them in the sample sheet, or give its own counts",
            )
        seen[content] = str(name)


def check_symbols(symbols: pd.Series, kind: str, gene_ids: pd.DataFrame, *, where: str) -> None:
    """Ids and symbols of a table must name the same genes.

    Raises
    ------
    InputError
        Most do not: the ids belong to other rows, or number them.
    """
    column = "ensembl_gene_id" if kind == "ensembl" else "entrez_id"
    own = symbols.dropna().astype(str)
    own.index = own.index.astype(str)
    if kind == "ensembl":
        own.index = own.index.str.replace(r"\..*$", "", regex=True)
    panel = gene_ids.drop_duplicates(column).set_index(column)
    panel = panel.loc[panel.index.intersection(own.index)]
    own = own[~own.index.duplicated()].reindex(panel.index).str.upper()
    current = set(gene_ids["symbol"].str.upper())
    # A symbol that is no current one may be an older name of the gene.
    judged = own.isin(current)
    if judged.sum() < 20:
        return
    agree = float((own == panel["symbol"].str.upper())[judged].mean())
    if agree < 0.5:
        first = own.index[judged & (own != panel["symbol"].str.upper())][0]
        raise InputError(
            f"ids and symbols of the table disagree: only {agree:.0%} name the same gene",
            where=f"{where}, id {first} with symbol {own[first]}, known as "
            f"{panel.at[first, 'symbol']}",
            fix="check that the ids belong to these rows (sorted apart, or row numbers)",
        )


def check_housekeeping(counts: pd.DataFrame, symbols: Sequence[str | None], *, where: str) -> None:
    """Genes that every cell expresses must have counts.

    Raises
    ------
    InputError
        Half of them are silent: rows or ids are not what they seem.
    """
    if len(counts) < MIN_GENES:
        return
    largest = int(counts.to_numpy().max())
    if largest < MIN_LARGEST:
        raise InputError(
            f"the largest count is {largest}: the values look like log values or scores",
            where=where,
            fix="give raw counts",
        )
    upper = [s.upper() if isinstance(s, str) else "" for s in symbols]
    rows = np.array([s in HOUSEKEEPING for s in upper], dtype=bool)
    found = {s for s in upper if s in HOUSEKEEPING}
    total = pd.Series(counts[rows].sum(axis=1).to_numpy(), [s for s in upper if s in HOUSEKEEPING])
    silent = [s for s in HOUSEKEEPING if s not in found or total[s].sum() < counts.shape[1]]
    logger.info("%d of %d housekeeping genes have counts", len(HOUSEKEEPING) - len(silent),
                len(HOUSEKEEPING))  # fmt: skip
    if len(silent) > len(HOUSEKEEPING) / 2:
        raise InputError(
            f"{len(silent)} of {len(HOUSEKEEPING)} housekeeping genes are absent or have no counts",
            where=f"{where}: {', '.join(silent[:5])}, …",
            fix="check that the gene ids belong to these rows, and that all genes are in the table",
        )
