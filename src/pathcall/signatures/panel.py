"""The signature panel: gene sets, footprints, readouts, secretome and gene ids, read from a folder.

The panel is data, not code: a pathway is added by rows in ``readouts.tsv`` and, where wanted, a GMT
file beside it (see ``docs/panel.md``). The files are read by `pathcall.signatures.panel_files`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from pathcall.signatures.panel_files import (
    COLUMNS,
    GeneSet,
    PanelFiles,
    Readout,
    Role,
    is_gene_sets_only,
    read_gene_ids,
    read_gene_sets,
    read_panel_files,
)
from pathcall.tsv import Row

__all__ = ["GeneSet", "Panel", "Readout", "Role", "load_panel", "panel_of", "place_of"]


@dataclass(frozen=True)
class Panel:
    """All signatures of one panel folder."""

    folder: Path
    gene_sets: Mapping[str, GeneSet] = field(repr=False)
    footprints: pd.DataFrame = field(repr=False)
    readouts: tuple[Readout, ...] = field(repr=False)
    curated: pd.DataFrame = field(repr=False)
    secretome: pd.DataFrame = field(repr=False)

    @property
    def pathways(self) -> tuple[str, ...]:
        """Pathways that have evidence readouts, in the order of ``readouts.tsv``."""
        named = [r.pathway for r in self.readouts if r.role == "evidence"]
        return tuple(dict.fromkeys(named))

    def readouts_of(self, pathway: str, *, role: Role | None = None) -> tuple[Readout, ...]:
        """Readouts of one pathway, of one role if given."""
        return tuple(
            r for r in self.readouts if r.pathway == pathway and (role is None or r.role == role)
        )

    @cached_property
    def gene_ids(self) -> pd.DataFrame:
        """Gene identifiers: entrez_id, ensembl_gene_id, symbol, gene_type, aliases (text).

        Empty where the signatures are gene sets alone.
        """
        if is_gene_sets_only(self.folder):
            return pd.DataFrame(columns=list(COLUMNS["gene_ids.tsv.gz"]), dtype=str)
        return pd.read_csv(
            io.StringIO(read_gene_ids(self.folder)),
            sep="\t",
            dtype=str,
            keep_default_na=False,
            quoting=csv.QUOTE_NONE,
        )

    @cached_property
    def orthologs(self) -> pd.DataFrame | None:
        """How many of each readout's genes have an ortholog, if the panel is one read in orthologs.

        ``coverage.tsv`` of its folder as text: readout, n_human, n_orthologs, coverage, n_mouse,
        without_ortholog. None for a panel of its own organism's genes.
        """
        path = self.folder / "coverage.tsv"
        if not path.is_file():
            return None
        return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def load_panel(folder: str | Path) -> Panel:
    """Read and check a panel folder, or gene sets alone.

    Raises
    ------
    ConfigError
        As `pathcall.signatures.panel_files.read_panel_files` and `read_gene_sets`.
    """
    return panel_of((read_gene_sets if is_gene_sets_only(folder) else read_panel_files)(folder))


def panel_of(files: PanelFiles) -> Panel:
    """The panel of files that were read and checked."""
    footprints = _frame(files.footprints, "footprints.tsv")
    return Panel(
        folder=files.folder,
        gene_sets=files.gene_sets,
        footprints=footprints.assign(
            weight=footprints["weight"].astype(float), p_value=footprints["p_value"].astype(float)
        ),
        readouts=files.readouts,
        curated=_frame(files.curated, "curated_sets.tsv"),
        secretome=_frame(files.secretome, "secretome.tsv"),
    )


def place_of(files: Sequence[str]) -> Path:
    """What `load_panel` reads, from the files of a panel or of gene sets."""
    alone = len(files) == 1 and files[0].endswith(".gmt")
    return Path(files[0]) if alone else Path(files[0]).parent


def _frame(rows: Sequence[Row], name: str) -> pd.DataFrame:
    """Rows as text columns; a file that the panel lacks is an empty frame of its columns."""
    columns = list(rows[0]) if rows else list(COLUMNS[name])
    return pd.DataFrame([list(row.values()) for row in rows], columns=columns, dtype=str)
