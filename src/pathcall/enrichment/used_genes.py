"""Which genes of a contrast speak for it: one answer for GSEA, camera, footprints and votes."""

from __future__ import annotations

import pandas as pd

USED = ("gene_id", "stat", "outlier")
"""Columns of ``de/{contrast}`` that say which genes are used."""


def used_genes(table: pd.DataFrame) -> pd.Series:
    """Genes whose Wald statistic is used.

    Left out are genes without a statistic, genes whose p-value was withheld for a Cook's-distance
    outlier (one sample decides them), and genes with a statistic of exactly 0: those have no count
    on either side of the contrast, in a model whose other samples express them. Such a gene says
    nothing, and thousands of ties at 0 make gseapy's sampler fail.

    Parameters
    ----------
    table
        Table of schema ``de/{contrast}``.

    Returns
    -------
    pandas.Series
        gene_id → used, in the order of the table.
    """
    used = table["stat"].notna() & (table["stat"] != 0) & (table["outlier"] != "yes")
    return pd.Series(used.to_numpy(dtype=bool), index=table["gene_id"].to_numpy(), name="used")


def ranked_statistics(table: pd.DataFrame, genes: pd.Series, column: str = "stat") -> pd.Series:
    """Symbol → `column` of the genes that are used, in the order of `genes`.

    Parameters
    ----------
    table
        Table of schema ``de/{contrast}``.
    genes
        gene_id → symbol, one gene a symbol (`pathcall.signatures.weights.genes_by_symbol`).
    """
    values = used_statistics(table, column).reindex(genes.index)
    used = used_genes(table).reindex(genes.index, fill_value=False).to_numpy(dtype=bool)
    return pd.Series(values.to_numpy()[used], index=genes.to_numpy()[used])


def used_statistics(table: pd.DataFrame, column: str = "stat") -> pd.Series:
    """gene_id → `column` of the table, NaN for genes that are not used."""
    used = used_genes(table)
    return pd.Series(table[column].to_numpy(dtype=float), index=used.index).where(used)
