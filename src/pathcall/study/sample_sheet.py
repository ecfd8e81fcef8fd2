"""The sample sheet: which samples there are, and the levels of their factors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pathcall.errors import ConfigError, choose, nearest, shown
from pathcall.sample_columns import COMPUTED, FITTED, GEO_PREFIX
from pathcall.study.obs_sheet import read_obs
from pathcall.tsv import Row, read_rows

EXCLUSION = ("exclude", "exclude_reason")
RESERVED = ("sample", *EXCLUSION, *COMPUTED, *FITTED)
"""Names that no factor column can have."""
MISSING = ("", "NA")
_COLUMN = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")
# What other programs write for a missing value. `none` is left out: "drug: none" is a level.
_LOOKS_MISSING = ("na", "n/a", "nan", "null", "n.a.", "<na>", "?", "missing")


@dataclass(frozen=True)
class Sheet:
    """A checked sample sheet.

    Attributes
    ----------
    path
        File it came from.
    columns
        Factor columns, in the order of the file.
    rows
        Sample → factor column → level (text; ``""`` is missing), in the order of the file.
    excluded
        Sample → reason, for samples marked `exclude`.
    left_out
        Columns of an AnnData's ``obs`` that no design can use, by their names.
    """

    path: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]
    excluded: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    @property
    def included(self) -> tuple[str, ...]:
        """Samples that are not excluded."""
        return tuple(sample for sample in self.rows if sample not in self.excluded)

    def select(self, allowed: Mapping[str, Sequence[str]], *, what: str) -> tuple[str, ...]:
        """Included samples whose levels are allowed in every column.

        Parameters
        ----------
        allowed
            Column → allowed levels.
        what
            Where `allowed` comes from, for messages.

        Raises
        ------
        ConfigError
            A column or level that the sheet does not have.
        """
        for column, levels in allowed.items():
            self.need_column(column, where=what)
            known = {self.rows[sample][column] for sample in self.included}
            for level in levels:
                if level not in known:
                    raise ConfigError(
                        "a level matches no included sample",
                        where=f"{what}, column {column}, value {shown(level)}",
                        fix=choose(level, sorted(known), what=f"the levels in {self.path} are"),
                    )
        return tuple(
            sample
            for sample in self.included
            if all(self.rows[sample][column] in levels for column, levels in allowed.items())
        )

    def need_column(self, column: str, *, where: str) -> None:
        """Raise ConfigError unless the sheet has this factor column."""
        if column not in self.columns:
            raise ConfigError(
                "the sample sheet lacks a column",
                where=f"{self.path}, column {column!r}, named by {where}",
                fix=choose(column, self.columns, what="the sheet's factor columns are"),
            )

    def check_levels(self, columns: Iterable[str]) -> None:
        """Raise ConfigError where two spellings of a column are most likely one level.

        ``DMSO`` beside ``dmso``, ``6`` beside ``6.0``, ``wild type`` beside ``wild-type``: a
        misspelt level would silently leave its sample out of every cell.

        Parameters
        ----------
        columns
            Columns that a design, a model's `samples` or a contrast uses.
        """
        for column in dict.fromkeys(columns):
            where = f"{self.path}, column {column!r}"
            spelt: dict[str, tuple[str, str]] = {}
            signs = any("+" in self.rows[sample][column] for sample in self.included)
            for sample in self.included:
                level = self.rows[sample][column]
                if level.casefold() in _LOOKS_MISSING or (level in ("-", "--", ".") and not signs):
                    raise ConfigError(
                        "a level looks like a missing value",
                        where=f"{where}, value {level!r} ({sample})",
                        fix="write NA if it is missing, or another word if it is a level",
                    )
                other, first = spelt.setdefault(folded(level), (level, sample))
                if other != level:
                    raise ConfigError(
                        "two levels of a factor differ in spelling only",
                        where=f"{where}, values {shown(other)} ({first}) and {shown(level)} "
                        f"({sample})",
                        fix="write one spelling, or, if they are two levels, names that differ in "
                        "more than case, spaces or punctuation",
                    )


def folded(level: str) -> str:
    """What is left of a level without case, white space, punctuation and ways to write a number."""
    text = unicodedata.normalize("NFKC", level).casefold()
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")  # shows as nothing
    try:
        return repr(float(text.replace("_", "x")))
    except ValueError:
        # Signs stay: "CD4+" and "CD4-" are two levels.
        kept = "".join(
            c for c in text if c.isalnum() or c in ".," or unicodedata.category(c) == "Sm"
        )
        return kept + ("-" if text.rstrip().endswith(("-", "−", "–")) else "") or text


def read_sheet(path: str | Path) -> Sheet:
    """Read and check a sample sheet: a TSV file, or the ``obs`` of an h5ad.

    Raises
    ------
    ConfigError
        Naming file, column and value.
    """
    if Path(path).suffix == ".h5ad":
        return sheet_of_obs(read_obs(path), path)
    return _sheet(read_rows(path, needed=["sample"], what="sample sheet"), path)


def sheet_of_obs(rows: Sequence[Row], path: str | Path) -> Sheet:
    """Check the rows of an AnnData's ``obs`` (`pathcall.study.obs_sheet`).

    Columns whose names no design can use (``pct counts``) are left out and listed, since they are
    mostly another program's.

    Raises
    ------
    ConfigError
        Naming file, column and value.
    """
    if not rows:
        raise ConfigError(
            "obs has no samples", where=f"{path}, obs", fix="name an h5ad with observations"
        )
    usable = {name for name in rows[0] if _COLUMN.match(name) and not is_taken(name)}
    usable |= {"sample", *EXCLUSION}
    left_out = tuple(name for name in rows[0] if name not in usable)
    kept = [Row({k: v for k, v in row.items() if k in usable}, row.line) for row in rows]
    return replace(_sheet(kept, f"{path}, obs"), left_out=left_out)


def _sheet(rows: Sequence[Row], path: str | Path) -> Sheet:
    columns = tuple(name for name in rows[0] if name not in ("sample", *EXCLUSION))
    for column in columns:
        _check_column(column, path)
    samples: dict[str, dict[str, str]] = {}
    excluded: dict[str, str] = {}
    for row in rows:
        sample = row["sample"]
        if sample in MISSING:
            raise ConfigError(
                "a row of the sample sheet has no sample",
                where=f"{path}, line {row.line}, column sample",
                fix="name the sample",
            )
        if sample in samples:
            raise ConfigError(
                "a sample is listed twice",
                where=f"{path}, line {row.line}, column sample, value {shown(sample)}",
                fix="keep one row a sample",
            )
        samples[sample] = {
            column: "" if row[column] in MISSING else row[column] for column in columns
        }
        reason = _exclusion(row, path)
        if reason is not None:
            excluded[sample] = reason
    if not set(samples) - set(excluded):
        raise ConfigError(
            "every sample is excluded", where=f"{path}, column exclude", fix="keep some samples"
        )
    return Sheet(str(path), columns, samples, excluded)


def _check_column(column: str, path: str | Path) -> None:
    where = f"{path}, column {shown(column)}"
    if not _COLUMN.match(column) or len(column) > 100:
        raise ConfigError(
            "a column of the sample sheet has a name that a design cannot use",
            where=where,
            fix="use up to 100 letters, digits and _ only, a letter first",
        )
    # `Exclude` or `excluded` would be a factor, and the samples that it marks would stay in.
    meant = "sample" if column.casefold() == "sample" else nearest(column, EXCLUSION, cutoff=0.85)
    if meant:
        raise ConfigError(
            f"a column of the sample sheet looks like `{meant}`",
            where=where,
            fix=f"name it {meant}, or give the factor another name",
        )
    if is_taken(column):
        raise ConfigError(
            "a column of the sample sheet has a name that is taken",
            where=where,
            fix="rename it: samples.tsv and the fitted models have columns of their own called "
            f"{', '.join((*COMPUTED, *FITTED))} and {GEO_PREFIX}…",
        )


def is_taken(column: str) -> bool:
    """Whether `samples.tsv` has a column of this name that is not the sheet's, in any case."""
    name = column.casefold()
    return name in RESERVED or name.startswith(GEO_PREFIX)


def _exclusion(row: Row, path: str | Path) -> str | None:
    """Why a sample is excluded; None where it is not."""
    flag, reason = row.get("exclude", ""), row.get("exclude_reason", "")
    where = f"{path}, line {row.line}, column exclude, value {shown(flag)} ({row['sample']})"
    if flag.lower() not in ("", "na", "yes", "no"):
        raise ConfigError("`exclude` is neither yes nor no", where=where, fix="write yes or no")
    if flag in MISSING and reason not in MISSING:
        raise ConfigError(
            "a sample has a reason to be excluded, but is not",
            where=where,
            fix="write yes in `exclude`, or no to keep the sample",
        )
    if flag.lower() != "yes":
        return None
    return reason if reason not in MISSING else "no reason given in the sheet"
