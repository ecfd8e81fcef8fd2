"""From downloaded files to the study's counts and list of inputs."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pathcall.counts.lengths import read_lengths
from pathcall.counts.matrix import Assembly, assemble_counts, write_counts
from pathcall.errors import InputError
from pathcall.geo import manifest, sources
from pathcall.geo.soft import Series
from pathcall.signatures.panel import Panel, load_panel, place_of
from pathcall.study.sample_sheet import Sheet, read_sheet
from pathcall.tables import INPUTS, write_table

logger = logging.getLogger(__name__)


def assemble_study(
    source: str,
    *,
    samples: str,
    contrasts: str,
    panel: Sequence[str],
    gene_id: str,
    lengths: Sequence[str] = (),
    counts_out: str,
    inputs_out: str,
) -> None:
    """Write ``counts.h5ad`` and ``provenance/inputs.tsv``.

    Parameters
    ----------
    source
        Manifest of the fetched files (`pathcall.geo.sources`).
    samples, contrasts
        Sample sheet and contrasts table.
    panel
        Files of the signature panel.
    gene_id
        Kind of gene identifier, or ``auto``.
    lengths
        One table of average transcript lengths, or none.
    counts_out, inputs_out
        Where to write.
    """
    table = sources.read_counts(source)
    sheet = read_sheet(samples)
    if table.source == "supplementary":
        _check_series(sources.read_series(source), sheet, table)
    assembly = assemble_table(
        table.counts,
        sheet,
        load_panel(place_of(panel)),
        where=table.where,
        gene_id=gene_id if gene_id != "auto" else (table.gene_id_kind or "auto"),
        symbols=table.symbols,
        lengths=lengths,
    )
    write_counts(assembly, counts_out)
    inputs = pd.concat(
        [
            manifest.input_rows(source),
            _given([samples, contrasts], "sheet", "written by the user"),
            *(_given([path], "lengths", "average transcript lengths") for path in lengths),
            _given(panel, "panel", "signature panel; origin in its README.md"),
        ],
        ignore_index=True,
    )
    write_table(inputs, inputs_out, INPUTS)


def assemble_table(
    counts: pd.DataFrame,
    sheet: Sheet,
    signatures: Panel,
    *,
    where: str,
    gene_id: str,
    symbols: pd.Series | None,
    lengths: Sequence[str] = (),
) -> Assembly:
    """The study's counts from a table of them, with transcript lengths where there are any.

    Parameters
    ----------
    counts, sheet, where, gene_id, symbols
        As of `pathcall.counts.matrix.assemble_counts`.
    signatures
        The panel, or gene sets alone.
    lengths
        One table of average transcript lengths, or none.

    Raises
    ------
    PathcallError
        As `assemble_counts` and `read_lengths`; gene sets alone share no gene with the counts.
    """
    assembly = assemble_counts(
        counts, sheet, signatures.gene_ids, where=where, gene_id=gene_id, symbols=symbols
    )
    for path in lengths:
        assembly.data.layers["avg_tx_length"] = read_lengths(path, assembly.data)
    if signatures.gene_ids.empty:
        _check_overlap(signatures, assembly.data.var["symbol"].tolist(), where)
    return assembly


def _check_overlap(panel: Panel, symbols: Sequence[str], where: str) -> None:
    """Gene sets without a table of ids must be in the ids of the counts."""
    genes = {gene for gene_set in panel.gene_sets.values() for gene in gene_set.genes}
    if genes.isdisjoint(symbols):
        raise InputError(
            "no gene of the gene sets is in the counts",
            where=f"{panel.folder}, such as {min(genes)}; {where}, such as {symbols[0]}",
            fix="write both in the same ids",
        )


def _check_series(series: Series | None, sheet: Sheet, table: sources.CountTable) -> None:
    """A supplementary file that lacks samples may have been cut: the sheet must say so."""
    if series is None:
        return
    absent = [s for s in series.samples.index if s not in table.counts and s not in sheet.excluded]
    if absent:
        raise InputError(
            f"{len(absent)} of {len(series.samples)} samples of the series have no counts: "
            + ", ".join(absent[:5]) + (" …" if len(absent) > 5 else ""),
            where=table.where,
            fix="if the file is whole, list them in the sample sheet with exclude yes and the "
            "reason; else delete it to download it again",
        )  # fmt: skip


def _given(paths: Sequence[str], source: str, note: str) -> pd.DataFrame:
    rows = []
    for path in paths:
        content = Path(path).read_bytes()
        rows.append(
            {
                "file": path,
                "url": None,
                "source": source,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "retrieved": None,
                "kind": "real",
                "note": note,
            }
        )
    return pd.DataFrame(rows)
