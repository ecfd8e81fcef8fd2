"""From downloaded files to the study's counts and list of inputs."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pathcall.counts.matrix import assemble_counts, write_counts
from pathcall.geo import sources
from pathcall.signatures.panel import load_panel
from pathcall.study.sample_sheet import read_sheet
from pathcall.tables import INPUTS, write_table

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
        Manifest of the fetched files (`pathcall.geo.sources`).
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
