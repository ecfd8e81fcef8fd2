"""Secreted factors that change, what they are enriched in, and FRA1 with its targets.

The secretome is the panel's (GO extracellular region and space). In its strict form, factors whose
only evidence is a high-throughput mass-spectrometry list (code HDA; ACTB is one) are left out.
Over-representation is gseapy's offline ``enrich``: hypergeometric, with the genes that were tested
and kept an FDR as the background.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pathcall.signatures.panel import Panel, load_panel
from pathcall.signatures.weights import genes_by_symbol
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.tables import DE, FRA1, SECRETOME, SECRETOME_OVERLAP, read_table, write_table

logger = logging.getLogger(__name__)

OSTEO = "OSTEO"
"""Curated sets whose name starts so are osteoclast-activating or osteolytic, and shown apart."""
FRA1_PATHWAY = "FRA1_AP1"
DIRECTIONS = {"up": 1, "down": -1}


def factor_classes(panel: Panel, *, strict: bool) -> pd.Series:
    """Symbol → class of each secreted factor.

    Parameters
    ----------
    panel
        Signatures.
    strict
        Leave out factors whose evidence codes are all HDA.
    """
    table = panel.secretome
    if strict:
        only_hda = table["evidence"].map(_only_hda).to_numpy(dtype=bool)
        logger.info(
            "secretome: %d of %d factors rest on mass-spectrometry lists alone (HDA), left out",
            int(only_hda.sum()), len(table),
        )  # fmt: skip
        table = table[~only_hda]
    return pd.Series(table["class"].to_numpy(), index=table["gene"].to_numpy(), dtype=object)


def _only_hda(evidence: str) -> bool:
    codes = {
        code for term in evidence.split("|") for code in term.partition("=")[2].split(",") if code
    }
    return codes == {"HDA"}


def osteo_sets(panel: Panel) -> dict[str, tuple[str, ...]]:
    """Curated osteoclast-activating and osteolytic sets of the panel."""
    own = panel.curated[panel.curated["gene_set"].str.startswith(OSTEO)]
    return {
        str(name): tuple(sorted(set(rows["gene"])))
        for name, rows in own.groupby("gene_set", sort=True)
    }


def profile_secretome(
    de: Mapping[str, pd.DataFrame],
    panel: Panel,
    *,
    groups: Mapping[str, str | None],
    alpha: float,
    strict: bool,
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    """Secreted factors, their enrichment, and FRA1.

    Parameters
    ----------
    de
        Contrast → table of schema ``de/{contrast}``, all with the same genes.
    panel
        Signatures.
    groups
        Contrast → its group, if any.
    alpha
        FDR below which a gene has changed.
    strict
        Leave out factors whose evidence codes are all HDA.

    Returns
    -------
    factors, overlap, fra1
        Contrast → table SECRETOME; tables SECRETOME_OVERLAP and FRA1.
    """
    classes = factor_classes(panel, strict=strict)
    osteo = osteo_sets(panel)
    changed = {contrast: _direction(table, alpha) for contrast, table in de.items()}
    factors = {}
    for contrast, table in de.items():
        group = groups.get(contrast)
        peers = [c for c in de if c == contrast or (group is not None and groups.get(c) == group)]
        factors[contrast] = _factors(table, changed, contrast, peers, classes, osteo, group)
        logger.info(
            "%s: %d secreted factors up, %d down",
            contrast,
            int((factors[contrast]["direction"] == "up").sum()),
            int((factors[contrast]["direction"] == "down").sum()),
        )
    overlap = [
        _overlap(contrast, table, changed[contrast], classes, osteo)
        for contrast, table in de.items()
    ]
    fra1 = [_fra1(contrast, table, panel) for contrast, table in de.items()]
    return (
        factors,
        pd.concat(overlap, ignore_index=True),
        pd.concat(fra1, ignore_index=True),
    )


COLUMNS = ("gene_id", "symbol", "base_mean", "log2fc", "stat", "padj", "log2fc_shrunk")
"""Columns of ``de/{contrast}`` that are read."""


def profile_and_write(
    de: Mapping[str, str],
    *,
    signatures: str,
    groups: Mapping[str, str | None],
    alpha: float,
    strict: bool,
    factors_out: Mapping[str, str],
    overlap_out: str,
    fra1_out: str,
) -> None:
    """Read the tables of all contrasts, profile the secretome, write the results.

    Parameters
    ----------
    de, factors_out
        Contrast → path.
    """
    factors, overlap, fra1 = profile_secretome(
        {contrast: read_table(path, DE, COLUMNS) for contrast, path in de.items()},
        load_panel(signatures),
        groups=groups,
        alpha=alpha,
        strict=strict,
    )
    for contrast, frame in factors.items():
        write_table(frame, factors_out[contrast], SECRETOME)
    write_table(overlap, overlap_out, SECRETOME_OVERLAP)
    write_table(fra1, fra1_out, FRA1)


def _direction(table: pd.DataFrame, alpha: float) -> pd.Series:
    """gene_id → −1, 0, +1: changed at this FDR, and which way."""
    significant = table["padj"].lt(alpha).to_numpy()
    sign = np.sign(table["log2fc"].fillna(0).to_numpy())
    return pd.Series(np.where(significant, sign, 0).astype(int), index=table["gene_id"])


def _factors(
    table: pd.DataFrame,
    changed: Mapping[str, pd.Series],
    contrast: str,
    peers: Sequence[str],
    classes: pd.Series,
    osteo: Mapping[str, Sequence[str]],
    group: str | None,
) -> pd.DataFrame:
    own = changed[contrast]
    table = table.set_index("gene_id", drop=False)
    hit = table[(own != 0) & table["symbol"].isin(classes.index)]
    sign = own[hit.index]
    same = sum(
        (changed[peer].reindex(hit.index, fill_value=0) == sign).astype(int) for peer in peers
    )
    of_osteo = [
        ";".join(name for name, genes in osteo.items() if symbol in genes) or None
        for symbol in hit["symbol"]
    ]
    frame = pd.DataFrame(
        {
            "gene_id": hit["gene_id"],
            "symbol": hit["symbol"],
            "class": classes.reindex(hit["symbol"]).to_numpy(),
            "direction": np.where(sign > 0, "up", "down"),
            "log2fc": hit["log2fc"],
            "log2fc_shrunk": hit["log2fc_shrunk"],
            "padj": hit["padj"],
            "osteoclast": pd.Series(of_osteo, index=hit.index, dtype=object),
            "group": pd.Series(group, index=hit.index, dtype=object),
            "n_in_group": same,
        }
    )
    order = np.lexsort((frame["gene_id"], frame["padj"], frame["direction"] == "down"))
    return frame.iloc[order].reset_index(drop=True)


def _overlap(
    contrast: str,
    table: pd.DataFrame,
    changed: pd.Series,
    classes: pd.Series,
    osteo: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    tested = table[table["padj"].notna()].set_index("gene_id")
    kept = genes_by_symbol(tested["symbol"], tested["base_mean"])
    background = kept.to_list()
    measured = set(background)
    sets = {"all": set(classes.index) & measured}
    for name in sorted(set(classes)):
        sets[name] = set(classes.index[classes == name]) & measured
    sets |= {name: set(genes) & measured for name, genes in osteo.items()}
    rows: list[dict[str, Any]] = []
    for direction, sign in DIRECTIONS.items():
        query = kept[changed[kept.index] == sign].to_list()
        found = over_representation(query, sets, background)
        for name, genes in sets.items():
            rows.append(
                {
                    "contrast": contrast,
                    "class": name,
                    "direction": direction,
                    "n_class": len(genes),
                    "n_changed": len(query),
                    "n_overlap": len(genes & set(query)),
                    "n_background": len(background),
                    "odds_ratio": found.at[name, "odds_ratio"],
                    "pvalue": found.at[name, "pvalue"],
                    "genes": ";".join(sorted(genes & set(query))) or None,
                }
            )
    frame = pd.DataFrame(rows)
    frame["fdr"] = benjamini_hochberg(frame["pvalue"].to_numpy(dtype=float))
    frame["genes"] = frame["genes"].astype(object)
    return frame[list(SECRETOME_OVERLAP.columns)]


def over_representation(
    query: Sequence[str], sets: Mapping[str, set[str]], background: Sequence[str]
) -> pd.DataFrame:
    """Hypergeometric over-representation of each set, by gseapy.

    gseapy leaves out sets without a hit; here they get p = 1, and NaN where the set or the query
    is empty (nothing to test).

    Parameters
    ----------
    query
        Symbols, a part of `background`.
    sets
        Name → symbols of the background.
    background
        Symbols that could have been in the query.

    Returns
    -------
    pandas.DataFrame
        odds_ratio (with ½ added to each cell: Haldane–Anscombe), pvalue (index: set).
    """
    import gseapy

    chosen = set(query)
    total, k = len(background), len(chosen)
    made = pd.DataFrame(np.nan, index=list(sets), columns=["odds_ratio", "pvalue"])
    hit = {name: sorted(genes) for name, genes in sets.items() if genes & chosen}
    if hit:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            result = gseapy.enrich(
                sorted(chosen), hit, background=list(background), outdir=None, no_plot=True
            ).results.set_index("Term")
        for line in filter(None, said.getvalue().splitlines()):
            logger.info("gseapy: %s", line)
        made.loc[result.index, "odds_ratio"] = result["Odds Ratio"].astype(float)
        made.loc[result.index, "pvalue"] = result["P-value"].astype(float)
    for name, genes in sets.items():
        if genes and k and name not in hit:
            m = len(genes)
            made.at[name, "pvalue"] = 1.0
            made.at[name, "odds_ratio"] = 0.5 * (total - m - k + 0.5) / ((m + 0.5) * (k + 0.5))
    return made


def _fra1(contrast: str, table: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """FOSL1 and the genes of its readouts, each with the direction that means more FRA1."""
    tested = table[table["stat"].notna()].set_index("gene_id")
    kept = genes_by_symbol(tested["symbol"], tested["base_mean"])
    gene_of = pd.Series(kept.index, index=kept.to_numpy())
    rows: list[dict[str, Any]] = []
    for readout in panel.readouts_of(FRA1_PATHWAY):
        for symbol, weight in sorted(readout.weights.items()):
            if symbol not in gene_of.index:
                continue
            gene = tested.loc[gene_of[symbol]]
            rows.append(
                {
                    "contrast": contrast,
                    "readout": readout.readout,
                    "role": "driver" if len(readout.weights) == 1 else "target",
                    "gene_id": gene_of[symbol],
                    "symbol": symbol,
                    "direction": int(np.sign(weight)) * readout.expected_direction,
                    "log2fc": gene["log2fc"],
                    "log2fc_shrunk": gene["log2fc_shrunk"],
                    "padj": gene["padj"],
                }
            )
    return pd.DataFrame(rows, columns=list(FRA1.columns))
