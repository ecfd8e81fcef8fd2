"""From downloaded files to the study's counts, sample table, quality tables and list of inputs."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from pathcall import sources
from pathcall.counts import assemble_counts, read_counts_h5ad, write_counts
from pathcall.panel import load_panel
from pathcall.qc import assess_quality, sample_table
from pathcall.sheet import read_sheet
from pathcall.tables import (
    INPUTS,
    QC_CORRELATION,
    QC_FLAGS,
    QC_METRICS,
    QC_PCA,
    SAMPLES,
    write_table,
)

logger = logging.getLogger(__name__)


def assemble_study(
    source: str,
    *,
    samples: str,
    contrasts: str,
    panel: Sequence[str],
    gene_id: str,
    counts_out: str,
    inputs_out: str,
) -> None:
    """Write ``counts.h5ad`` and ``provenance/inputs.tsv``.

    Parameters
    ----------
    source
        Manifest of the fetched files (`pathcall.sources`).
    samples, contrasts
        Sample sheet and contrasts table.
    panel
        Files of the signature panel.
    gene_id
        Kind of gene identifier, or ``auto``.
    counts_out, inputs_out
        Where to write.
    """
    table = sources.read_counts(source)
    assembly = assemble_counts(
        table.counts,
        read_sheet(samples),
        load_panel(Path(panel[0]).parent).gene_ids,
        where=table.where,
        gene_id=gene_id if gene_id != "auto" else (table.gene_id_kind or "auto"),
        symbols=table.symbols,
    )
    write_counts(assembly, counts_out)
    inputs = pd.concat(
        [
            sources.input_rows(source),
            _given([samples, contrasts], "sheet", "written by the user"),
            _given(panel, "panel", "signature panel; origin in its README.md"),
        ],
        ignore_index=True,
    )
    write_table(inputs, inputs_out, INPUTS)


def assess_study(
    counts: str,
    source: str,
    *,
    factors: Sequence[str],
    blocks: Sequence[str],
    models: Sequence[Sequence[str]],
    min_count: int,
    out: Mapping[str, str],
) -> None:
    """Write the quality tables and ``samples.tsv``; `out` maps the table's name to its path."""
    data = read_counts_h5ad(counts)
    quality = assess_quality(
        data, factors=factors, blocks=blocks, models=models, min_count=min_count
    )
    metadata = sources.sample_metadata(source)
    write_table(sample_table(data, quality.size_factors, metadata), out["samples"], SAMPLES)
    write_table(quality.metrics, out["metrics"], QC_METRICS)
    write_table(quality.pca, out["pca"], QC_PCA)
    write_table(quality.correlation, out["correlation"], QC_CORRELATION)
    write_table(quality.flags, out["flags"], QC_FLAGS)


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
