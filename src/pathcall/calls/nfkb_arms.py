"""Canonical or alternative NF-κB: the genes that speak for one arm, and what they can't say."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

# What each gene does for which arm (reviewed in Sun 2011, Cell Res 21:71). Their transcripts are
# only part of the story: the alternative arm is switched by the protein NIK and by the processing
# of p100, neither of which RNA shows.
GENES: Mapping[str, str] = {
    "NFKB2": "p100/p52, alternative arm; also induced by the canonical arm",
    "RELB": "partner of p52, alternative arm; also induced by the canonical arm",
    "MAP3K14": "NIK, kinase of the alternative arm; regulated as protein",
    "BIRC2": "cIAP1, degrades NIK: holds the alternative arm down",
    "BIRC3": "cIAP2, degrades NIK; also induced by the canonical arm",
    "TRAF2": "degrades NIK with TRAF3 and cIAP",
    "TRAF3": "degrades NIK: loss switches the alternative arm on",
}

STATEMENT = (
    "RNA separates the two arms poorly: the alternative arm is switched by NIK and p100 protein, "
    "and NFKB2, RELB and BIRC3 are targets of the canonical arm too"
)


def arm_genes(contrast: str, table: pd.DataFrame, *, expressed: Collection[str]) -> pd.DataFrame:
    """Rows of schema ``nfkb_genes`` for one contrast.

    Parameters
    ----------
    contrast
        Its id.
    table
        Its table ``de/{contrast}.tsv``.
    expressed
        Ids of the genes that the model counts as expressed; others are listed without values.
    """
    # Mouse genes have the same names, written Nfkb2.
    named = table.assign(upper=table["symbol"].str.upper())
    named = named[named["upper"].isin(GENES)]
    written = named.drop_duplicates("upper").set_index("upper")["symbol"]
    found = named[named["gene_id"].isin(expressed)]
    found = found.sort_values("base_mean", ascending=False, kind="stable", na_position="last")
    best = found.drop_duplicates("upper").set_index("upper")
    rows = []
    for symbol, part in GENES.items():
        have = symbol in best.index and pd.notna(best.at[symbol, "stat"])
        value = {
            column: float(best.at[symbol, column]) if have else float("nan")
            for column in ("base_mean", "log2fc", "lfc_se", "padj")
        }
        rows.append(
            {
                "contrast": contrast,
                "symbol": written.get(symbol, symbol),
                "part": part,
                "expressed": "yes" if have else "no",
                **value,
            }
        )
    return pd.DataFrame(rows)
