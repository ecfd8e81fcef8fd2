"""The signature panel: gene sets, footprints, readouts, secretome and gene ids, read from a folder.

The panel is data, not code: a pathway is added by rows in ``readouts.tsv`` and, where wanted, a GMT
file beside it (see ``docs/panel.md``). The format of each file is in ``resources/panel/README.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

import pandas as pd

from pathcall.errors import ConfigError

Role = Literal["evidence", "control", "context"]
Family = Literal["gene_set", "signed_gene_set", "curated", "footprint"]
REQUIRED = ("gene_sets.tsv", "readouts.tsv", "gene_ids.tsv.gz")


@dataclass(frozen=True)
class GeneSet:
    """An unsigned set of gene symbols and the collection it was published in."""

    name: str
    collection: str
    genes: tuple[str, ...]


@dataclass(frozen=True)
class Readout:
    """One way to read a pathway from expression.

    Attributes
    ----------
    weights
        Gene symbol → weight: +1 for members (−1 in the down arm of a signed set), the published
        weight for footprints. Signs are those of the signature, **not** yet of the pathway.
    expected_direction
        +1 or −1: pathway activity = ``expected_direction`` × score.
    key
        Name of the footprint within its model for footprints, else the readout's name.
    """

    pathway: str
    readout: str
    family: Family
    role: Role
    expected_direction: int
    weights: Mapping[str, float] = field(repr=False)
    key: str
    source: str
    version: str
    citation: str
    note: str

    @property
    def genes(self) -> tuple[str, ...]:
        """Gene symbols, sorted."""
        return tuple(sorted(self.weights))


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
        """Gene identifiers: entrez_id, ensembl_gene_id, symbol, gene_type, aliases (text)."""
        return _read(self.folder / "gene_ids.tsv.gz")


def load_panel(folder: str | Path) -> Panel:
    """Read and check a panel folder.

    Raises
    ------
    ConfigError
        A file or column is missing, or a readout names members that do not exist.
    """
    folder = Path(folder)
    for name in REQUIRED:
        if not (folder / name).is_file():
            raise ConfigError(
                "the signature panel lacks a file",
                where=f"signatures: {folder}, file {name}",
                fix="point `signatures` to a folder in the format of resources/panel/README.md",
            )
    curated = _read_optional(folder / "curated_sets.tsv", ["gene_set", "gene", "direction"])
    footprints = _read_optional(
        folder / "footprints.tsv", ["model", "pathway", "gene", "weight", "p_value"]
    )
    footprints = footprints.assign(
        weight=footprints["weight"].astype(float), p_value=footprints["p_value"].astype(float)
    )
    secretome = _read_optional(folder / "secretome.tsv", ["gene", "class", "go_terms", "evidence"])
    tables: dict[str, dict[str, dict[str, float]]] = {
        "curated_sets.tsv": _weights(curated, "gene_set", curated["direction"].astype(float)),
        "footprints.tsv": _weights(footprints, "pathway", footprints["weight"]),
    }
    gene_sets: dict[str, GeneSet] = {}
    sets = _read(folder / "gene_sets.tsv")
    _need(sets, ["collection", "gene_set", "gene"], folder / "gene_sets.tsv")
    for (collection, name), rows in sets.groupby(["collection", "gene_set"], sort=True):
        gene_sets[name] = GeneSet(name, collection, tuple(sorted(set(rows["gene"]))))
    tables["gene_sets.tsv"] = {s.name: dict.fromkeys(s.genes, 1.0) for s in gene_sets.values()}
    for path in sorted(folder.glob("*.gmt")):
        own = {s.name: s for s in _read_gmt(path)}
        tables[path.name] = {s.name: dict.fromkeys(s.genes, 1.0) for s in own.values()}
        clash = sorted(set(own) & set(gene_sets))
        if clash:
            raise ConfigError(
                "a gene set is defined twice",
                where=f"{path}, set {clash[0]}",
                fix="rename the set",
            )
        gene_sets |= own
    return Panel(
        folder=folder,
        gene_sets=MappingProxyType(gene_sets),
        footprints=footprints,
        readouts=tuple(_readouts(folder / "readouts.tsv", tables)),
        curated=curated,
        secretome=secretome,
    )


def _readouts(
    path: Path, tables: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> Iterable[Readout]:
    frame = _read(path)
    columns = ["pathway", "readout", "family", "members", "expected_direction", "role"]
    _need(frame, columns, path)
    twice = frame["readout"][frame["readout"].duplicated()]
    if len(twice):
        raise ConfigError(
            "a readout is listed twice",
            where=f"{path}, column readout, value {twice.iloc[0]}",
            fix="give each readout a name of its own",
        )
    allowed = {
        "family": {"gene_set", "signed_gene_set", "curated", "footprint"},
        "role": {"evidence", "control", "context"},
        "expected_direction": {"+1", "1", "-1"},
    }
    for row in frame.to_dict("records"):
        for column, values in allowed.items():
            if row[column] not in values:
                raise ConfigError(
                    "a readout has an unknown value",
                    where=f"{path}, column {column}, value {row[column]!r} ({row['readout']})",
                    fix=f"use one of {', '.join(sorted(values))}",
                )
        weights: dict[str, float] = {}
        for arm, member in enumerate(row["members"].split("|")):
            file, _, key = member.partition(":")
            try:
                members = tables[file][key]
            except KeyError:
                raise ConfigError(
                    "a readout names members that the panel does not hold",
                    where=f"{path}, column members, value {member} ({row['readout']})",
                    fix="write FILE:KEY with a file of the panel folder and a set in it",
                ) from None
            sign = -1.0 if arm else 1.0
            for gene, weight in members.items():
                # A gene in both arms says nothing about the direction.
                weights[gene] = weights.get(gene, 0.0) + sign * weight
        yield Readout(
            pathway=row["pathway"],
            readout=row["readout"],
            family=cast(Family, row["family"]),
            role=cast(Role, row["role"]),
            expected_direction=int(row["expected_direction"]),
            weights=MappingProxyType({g: w for g, w in weights.items() if w != 0}),
            key=row["members"].partition(":")[2] if row["family"] == "footprint"
            else row["readout"],
            source=row.get("source", ""),
            version=row.get("version", ""),
            citation=row.get("citation", ""),
            note=row.get("note", ""),
        )  # fmt: skip


def _weights(frame: pd.DataFrame, key: str, weight: pd.Series) -> dict[str, dict[str, float]]:
    made: dict[str, dict[str, float]] = {}
    for name, gene, value in zip(frame[key], frame["gene"], weight, strict=True):
        made.setdefault(name, {})[gene] = float(value)
    return made


def _read_gmt(path: Path) -> list[GeneSet]:
    sets = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        name, _, *genes = line.rstrip("\n").split("\t")
        genes = [gene.strip() for gene in genes if gene.strip()]
        if not genes:
            raise ConfigError(
                "a gene set has no genes",
                where=f"{path}, line {number}, set {name!r}",
                fix="write NAME<tab>DESCRIPTION<tab>GENE<tab>GENE… on each line",
            )
        sets.append(GeneSet(name, path.stem, tuple(sorted(set(genes)))))
    return sets


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8")


def _read_optional(path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame({column: pd.Series(dtype=str) for column in columns})
    frame = _read(path)
    _need(frame, columns, path)
    return frame


def _need(frame: pd.DataFrame, columns: Iterable[str], path: Path) -> None:
    for column in columns:
        if column not in frame.columns:
            raise ConfigError(
                "a panel file lacks a column",
                where=f"{path}, column {column}",
                fix="see resources/panel/README.md for the format",
            )
