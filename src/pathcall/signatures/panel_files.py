"""The files of a panel folder: read strictly, checked whole, before any job.

Imports the standard library only, so that the Snakefile can check a panel; `signatures.panel` makes
the data frames from it.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast, get_args

from pathcall.errors import ConfigError, choose, shown
from pathcall.tsv import Row, read_rows, read_text_file

Role = Literal["evidence", "control", "context"]
Family = Literal["gene_set", "signed_gene_set", "curated", "footprint"]
REQUIRED = ("gene_sets.tsv", "readouts.tsv", "gene_ids.tsv.gz")
COLUMNS = {
    "readouts.tsv": ("pathway", "readout", "family", "members", "expected_direction", "role"),
    "gene_sets.tsv": ("collection", "gene_set", "gene"),
    "curated_sets.tsv": ("gene_set", "gene", "direction"),
    "footprints.tsv": ("model", "pathway", "gene", "weight", "p_value"),
    "secretome.tsv": ("gene", "class", "go_terms", "evidence"),
    "gene_ids.tsv.gz": ("entrez_id", "ensembl_gene_id", "symbol", "gene_type", "aliases"),
}
"""Columns that are read, by file."""
MAX_GENE_IDS = 500_000_000
_DIRECTIONS = {"+1": 1, "1": 1, "-1": -1}
_PATHWAY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_READOUT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,199}")
# Lists of genes are joined by `;`, `|` and `,` in tables.
_GENE = re.compile(r"[^\s;,|\"'=]+")
_DATE = re.compile(r"\d{1,2}[-./][A-Za-z]{3,4}|\d{4}-\d{2}-\d{2}.*|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")


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
class PanelFiles:
    """What the files of a panel folder hold.

    Attributes
    ----------
    folder
        The folder.
    gene_sets
        Name → set, of ``gene_sets.tsv`` (by collection and name) and of the GMT files.
    readouts
        In the order of ``readouts.tsv``.
    curated, footprints, secretome
        Rows of those files; empty where a panel lacks the file.
    """

    folder: Path
    gene_sets: Mapping[str, GeneSet] = field(repr=False)
    readouts: tuple[Readout, ...] = field(repr=False)
    curated: Sequence[Row] = field(repr=False)
    footprints: Sequence[Row] = field(repr=False)
    secretome: Sequence[Row] = field(repr=False)

    @property
    def pathways(self) -> tuple[str, ...]:
        """Pathways that have evidence readouts, in the order of ``readouts.tsv``."""
        return tuple(dict.fromkeys(r.pathway for r in self.readouts if r.role == "evidence"))


def read_panel_files(folder: str | Path) -> PanelFiles:
    """Read and check a panel folder; ``gene_ids.tsv.gz`` is read by `read_gene_ids`.

    Raises
    ------
    ConfigError
        Naming file, line and value: a file or column is missing, a name or number is wrong, one
        thing is defined twice, or a readout names members that do not exist or cancel out.
    """
    folder = Path(folder)
    for name in REQUIRED:
        if not (folder / name).is_file():
            raise ConfigError(
                "the signature panel lacks a file",
                where=f"signatures: {folder}, file {name}",
                fix="point `signatures` to a folder in the format of docs/panel.md",
            )
    curated, footprints, secretome = (
        _rows(folder / name) if (folder / name).is_file() else []
        for name in ("curated_sets.tsv", "footprints.tsv", "secretome.tsv")
    )
    for row in footprints:
        _number(row, "p_value", folder / "footprints.tsv")
    tables: dict[str, dict[str, dict[str, float]]] = {
        "curated_sets.tsv": _weights(curated, folder / "curated_sets.tsv", "gene_set", "direction"),
        "footprints.tsv": _weights(footprints, folder / "footprints.tsv", "pathway", "weight"),
    }
    _one_model_each(footprints, folder / "footprints.tsv")
    own = folder / "gene_sets.tsv"
    sets = {own: _gene_sets(own), **{path: _read_gmt(path) for path in _gmt_files(folder)}}
    gene_sets = _by_name(sets)
    for path, found in sets.items():
        tables[path.name] = {s.name: dict.fromkeys(s.genes, 1.0) for s in found}
    secreted = folder / "secretome.tsv"
    for row in secretome:
        _gene(row["gene"], secreted, row.line)
    return PanelFiles(
        folder=folder,
        gene_sets=MappingProxyType(gene_sets),
        readouts=_readouts(folder / "readouts.tsv", tables),
        curated=curated,
        footprints=footprints,
        secretome=secretome,
    )


def is_gene_sets_only(path: str | Path) -> bool:
    """Whether a path is a GMT file, or a folder of such that is no panel (`read_gene_sets`)."""
    path = Path(path)
    if not path.is_dir():
        return path.suffix == ".gmt"
    return any(path.glob("*.gmt")) and not any((path / name).exists() for name in REQUIRED)


def read_gene_sets(path: str | Path) -> PanelFiles:
    """Gene sets alone: a GMT file, or the GMT files of a folder.

    Raises
    ------
    ConfigError
        There is none, a set is defined twice, or a line is wrong.
    """
    path = Path(path)
    files = _gmt_files(path) if path.is_dir() else [path] if path.suffix == ".gmt" else []
    if not files:
        raise ConfigError(
            "there are no gene sets",
            where=f"signatures: {path}",
            fix="name a GMT file, a folder of GMT files or a panel",
        )
    gene_sets = _by_name({file: _read_gmt(file) for file in files})
    return PanelFiles(path, MappingProxyType(gene_sets), (), [], [], [])


def _by_name(sets: Mapping[Path, Sequence[GeneSet]]) -> dict[str, GeneSet]:
    """Gene sets of all files by their names, each of which stands for one set."""
    gene_sets: dict[str, GeneSet] = {}
    for path, found in sets.items():
        for gene_set in found:
            if gene_set.name in gene_sets:
                raise ConfigError(
                    "a gene set is defined twice",
                    where=f"{path}, set {gene_set.name}, collection {gene_set.collection} and "
                    f"collection {gene_sets[gene_set.name].collection}",
                    fix="rename one of them, or delete it",
                )
            gene_sets[gene_set.name] = gene_set
    return gene_sets


def read_gene_ids(folder: str | Path) -> str:
    """Text of ``gene_ids.tsv.gz``, checked: a header and full rows.

    Raises
    ------
    ConfigError
        The file is no intact gzip file, not UTF-8, or not the table it should be.
    """
    path = Path(folder) / "gene_ids.tsv.gz"
    try:
        with gzip.open(path) as stream:
            content = stream.read(MAX_GENE_IDS + 1)
        text = content.decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ConfigError(
            "the panel's gene ids can't be read",
            where=f"{path} ({error})",
            fix="copy the file from the panel again",
        ) from None
    if len(content) > MAX_GENE_IDS:
        raise ConfigError(
            f"the panel's gene ids are larger than {MAX_GENE_IDS / 1e6:g} MB",
            where=str(path),
            fix="copy the file from the panel again",
        )
    header, *rows = text.replace("\r\n", "\n").split("\n")
    names = header.split("\t")
    for column in COLUMNS["gene_ids.tsv.gz"]:
        if column not in names:
            raise ConfigError(
                "the panel's gene ids lack a column",
                where=f"{path}, line 1, column {column}",
                fix=choose(column, names, what="the columns are"),
            )
    n_tabs = len(names) - 1
    for number, row in enumerate(rows, start=2):
        if row and row.count("\t") != n_tabs:
            raise ConfigError(
                "a row of the panel's gene ids is not as long as the header",
                where=f"{path}, line {number}",
                fix="copy the file from the panel again",
            )
    if not any(rows):
        raise ConfigError(
            "the panel's gene ids have no rows", where=str(path), fix="copy the file again"
        )
    return text


def check_panel(folder: str | Path) -> PanelFiles:
    """`read_panel_files`, and that each readout has genes that ``gene_ids.tsv.gz`` knows.

    Raises
    ------
    ConfigError
        As `read_panel_files` and `read_gene_ids`; a panel without evidence; a readout none of whose
        genes is known.
    """
    files = sorted(path.absolute() for path in Path(folder).glob("*") if path.is_file())
    stats = [path.stat() for path in files]
    state = [(str(f), s.st_mtime_ns, s.st_size) for f, s in zip(files, stats, strict=True)]
    return _checked(Path(folder), tuple(state))


@cache
def _checked(folder: Path, _state: tuple[tuple[str, int, int], ...]) -> PanelFiles:
    """`check_panel`, once for all studies of a run as long as no file of the folder changes."""
    files = read_panel_files(folder)
    path = files.folder / "readouts.tsv"
    if not files.pathways:
        raise ConfigError(
            "the signature panel has no readout that is evidence",
            where=f"{path}, column role",
            fix="give each pathway that is to be called readouts with the role evidence",
        )
    header, *rows = read_gene_ids(folder).split("\n")
    column = header.rstrip("\r").split("\t").index("symbol")
    known = {row.split("\t", column + 1)[column] for row in rows if row}
    for readout in files.readouts:
        if known.isdisjoint(readout.weights):
            raise ConfigError(
                "a readout has no gene that the panel's gene ids know",
                where=f"{path}, readout {readout.readout}, genes such as {readout.genes[0]!r}",
                fix="write symbols as in gene_ids.tsv.gz, in their case and of its organism",
            )
    return files


def _readouts(
    path: Path, tables: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> tuple[Readout, ...]:
    allowed = {
        "family": get_args(Family), "role": get_args(Role), "expected_direction": _DIRECTIONS
    }  # fmt: skip
    readouts: dict[str, Readout] = {}
    for row in _rows(path):
        at = f"{path}, line {row.line}"
        name = row["readout"]
        for column, pattern in (("pathway", _PATHWAY), ("readout", _READOUT)):
            if not pattern.fullmatch(row[column]) or row[column] == "NA":
                raise ConfigError(
                    f"a {column} has a name that cannot be a file name",
                    where=f"{at}, column {column}, value {shown(row[column])}",
                    fix="use letters, digits and _, a letter first; NA means missing",
                )
        if name in readouts:
            raise ConfigError(
                "a readout is listed twice",
                where=f"{at}, column readout, value {name}",
                fix="give each readout a name of its own",
            )
        for column, values in allowed.items():
            if row[column] not in values:
                raise ConfigError(
                    "a readout has an unknown value",
                    where=f"{at}, column {column}, value {shown(row[column])} ({name})",
                    fix=choose(row[column], values, what="use one of"),
                )
        readouts[name] = Readout(
            pathway=row["pathway"],
            readout=name,
            family=cast(Family, row["family"]),
            role=cast(Role, row["role"]),
            expected_direction=_DIRECTIONS[row["expected_direction"]],
            weights=MappingProxyType(_members(row, at, tables)),
            key=row["members"].partition(":")[2] if row["family"] == "footprint" else name,
            source=row.get("source", ""),
            version=row.get("version", ""),
            citation=row.get("citation", ""),
            note=row.get("note", ""),
        )
    return tuple(readouts.values())


def _members(
    row: Row, at: str, tables: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> dict[str, float]:
    """Gene → weight of a readout, over its one or two arms."""
    where = f"{at}, column members, value {shown(row['members'])} ({row['readout']})"
    arms = row["members"].split("|")
    weights: dict[str, float] = {}
    for sign, member in zip((1.0, -1.0), arms, strict=False):
        file, _, key = member.strip().partition(":")
        if key not in tables.get(file, {}):
            fix = "write FILE:KEY with a file of the panel folder and a set in it"
            where = where.replace(shown(row["members"]), member)
            near = choose(key, tables[file], what=f"{file} has") if file in tables else None
            raise ConfigError(
                "a readout names members that the panel does not hold",
                where=where,
                fix=f"{fix}; {near}"
                if near
                else f"{fix}; {choose(file, tables, what='files are')}",
            )
        for gene, weight in tables[file][key].items():
            # A gene in both arms says nothing about the direction.
            weights[gene] = weights.get(gene, 0.0) + sign * weight
    weights = {gene: weight for gene, weight in weights.items() if weight != 0}
    is_footprint = arms[0].startswith("footprints.tsv:")
    if len(arms) > 2 or ((is_footprint or row["family"] == "footprint") and len(arms) > 1):
        raise ConfigError(
            "a readout has too many arms",
            where=where,
            fix="write one set, or two (up and down) with | between them; a footprint is one",
        )
    if is_footprint != (row["family"] == "footprint"):
        raise ConfigError(
            "a readout's family does not fit its members",
            where=f"{where}, column family, value {row['family']!r}",
            fix="the family footprint is for members of footprints.tsv, and they for it",
        )
    if not weights:
        raise ConfigError(
            "the arms of a readout cancel out: no gene is left",
            where=where,
            fix="name two different sets",
        )
    return weights


def _gene_sets(path: Path) -> list[GeneSet]:
    genes: dict[tuple[str, str], set[str]] = {}
    for row in _rows(path):
        for column in ("collection", "gene_set"):
            _named(row, column, path)
        genes.setdefault((row["collection"], row["gene_set"]), set()).add(
            _gene(row["gene"], path, row.line)
        )
    return [GeneSet(name, c, tuple(sorted(genes[c, name]))) for c, name in sorted(genes)]


def _gmt_files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.name.lower().endswith(".gmt"))
    for path in found:
        if path.suffix != ".gmt":
            raise ConfigError(
                "a GMT file's name does not end with .gmt", where=str(path), fix="rename it"
            )
    return found


def _read_gmt(path: Path) -> list[GeneSet]:
    sets: dict[str, GeneSet] = {}
    for number, line in enumerate(read_text_file(path, what="GMT file").split("\n"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, *rest = (value.strip().strip('"').strip() for value in line.split("\t"))
        where = f"{path}, line {number}, set {shown(name)}"
        fix = "write NAME<tab>DESCRIPTION<tab>GENE<tab>GENE… on each line"
        if not rest:
            raise ConfigError("a line of a GMT file has no tabs", where=where, fix=fix)
        if name in ("", "NA") or not name.isprintable():
            raise ConfigError("a gene set has no name", where=where, fix=fix)
        genes = {_gene(gene, path, number) for gene in rest[1:] if gene}
        if not genes:
            raise ConfigError("a gene set has no genes", where=where, fix=fix)
        if name in sets:
            raise ConfigError("a gene set is defined twice", where=where, fix="rename one of them")
        sets[name] = GeneSet(name, path.stem, tuple(sorted(genes)))
    return list(sets.values())


def _weights(rows: Iterable[Row], path: Path, key: str, column: str) -> dict[str, dict[str, float]]:
    """Set → gene → weight."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        genes = found.setdefault(_named(row, key, path), {})
        gene = _gene(row["gene"], path, row.line)
        if gene in genes:
            raise ConfigError(
                "a gene stands in a set twice",
                where=f"{path}, line {row.line}, gene {gene}, {key} {row[key]}",
                fix="keep one row of them",
            )
        weight = _number(row, column, path)
        if weight == 0 or (column == "direction" and abs(weight) != 1):
            raise ConfigError(
                f"a gene has a {column} that says nothing",
                where=f"{path}, line {row.line}, column {column}, value {row[column]!r} ({gene})",
                fix="write +1 or -1" if column == "direction" else "delete the row",
            )
        genes[gene] = weight
    return found


def _one_model_each(footprints: Iterable[Row], path: Path) -> None:
    models: dict[str, str] = {}
    for row in footprints:
        if models.setdefault(row["pathway"], row["model"]) != row["model"]:
            raise ConfigError(
                "two footprint models have a pathway of one name",
                where=f"{path}, line {row.line}, pathway {row['pathway']}, models "
                f"{models[row['pathway']]} and {row['model']}",
                fix="rename the pathway in one of them: readouts name it by `footprints.tsv:NAME`",
            )


def _rows(path: Path) -> list[Row]:
    return read_rows(path, needed=COLUMNS[path.name], what=f"panel's {path.name}")


def _named(row: Row, column: str, path: Path) -> str:
    if row[column] in ("", "NA") or not row[column].isprintable():
        raise ConfigError(
            f"a row of the panel's {path.name} has no {column}",
            where=f"{path}, line {row.line}, column {column}, value {shown(row[column])}",
            fix="name it; NA means missing",
        )
    return row[column]


def _gene(gene: str, path: Path, line: int) -> str:
    if not _GENE.fullmatch(gene) or gene == "NA" or _DATE.fullmatch(gene):
        raise ConfigError(
            "a gene of the panel is not a gene symbol",
            where=f"{path}, line {line}, gene {shown(gene)}",
            fix="write one symbol between tabs; spreadsheets turn some into dates",
        )
    return gene


def _number(row: Row, column: str, path: Path) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(
            f"a {column} of the panel is not a finite number",
            where=f"{path}, line {row.line}, column {column}, value {shown(row[column])}",
            fix="write a number",
        )
    return value
