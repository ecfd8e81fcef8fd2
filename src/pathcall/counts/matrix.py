"""Assemble the counts of a study: verified, joined with the sheet, genes annotated."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pathcall.counts.gene_ids import (
    IdKind,
    annotate,
    as_given,
    check_mapped,
    detect_kind,
    strip_version,
)
from pathcall.counts.normalised import signs_of_normalisation
from pathcall.counts.sanity import (
    check_copied_samples,
    check_housekeeping,
    check_ids,
    check_repeated,
    check_sums,
    check_symbols,
    drop_rows_without_id,
)
from pathcall.counts.spreadsheet_ids import restore_dates
from pathcall.errors import ConfigError, InputError
from pathcall.files import check_seal, whole_file
from pathcall.study.sample_sheet import Sheet

if TYPE_CHECKING:
    import anndata as ad

logger = logging.getLogger(__name__)

# Summary rows that counting tools append: htseq-count's (old and new), STAR's, featureCounts'.
SUMMARY_ROWS = ("__no_feature", "__ambiguous", "__too_low_aQual", "__not_aligned",
                "__alignment_not_unique", "N_unmapped", "N_multimapping", "N_noFeature",
                "N_ambiguous", "no_feature", "ambiguous", "too_low_aQual", "not_aligned",
                "alignment_not_unique")  # fmt: skip
_SUMMARY_PREFIXES = ("__", "Unassigned_")


def is_summary(ids: pd.Index) -> np.ndarray:
    """Which rows are a counting tool's summary, not genes."""
    return np.asarray(
        ids.isin(SUMMARY_ROWS) | ids.astype(str).str.startswith(_SUMMARY_PREFIXES), dtype=bool
    )


@dataclass(frozen=True)
class Assembly:
    """Counts of a study.

    Attributes
    ----------
    data
        ``samples × genes``, raw integer counts; obs: included, reason and the sheet's columns;
        var: gene_id, symbol, entrez_id, gene_type.
    notes
        What was dropped or merged, with counts.
    """

    data: ad.AnnData
    notes: tuple[str, ...]


def verify_counts(counts: pd.DataFrame, *, where: str) -> pd.DataFrame:
    """Check that a table holds raw counts and give it as integers.

    Parameters
    ----------
    counts
        ``genes × samples``.
    where
        File it came from.

    Raises
    ------
    InputError
        Text, missing, negative, non-integer or normalised-looking values, or counts beyond 2⁵³.
    """
    for name, column in counts.items():
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_complex_dtype(column):
            raise InputError(
                "a count is TRUE or FALSE, or a complex number",
                where=f"{where}, column {name!r}, value {_first(column.tolist())!r}",
                fix="give one column of counts for each sample",
            )
        if not pd.api.types.is_numeric_dtype(column):
            numbers = pd.to_numeric(column, errors="coerce")
            bad = column[numbers.isna()]
            what = "a count is not a number"
            if bad.empty and (numbers >= 2**53).any():
                bad, what = column[numbers >= 2**53], "a count exceeds 2^53"
            value = _first(bad.tolist())
            comma = isinstance(value, str) and re.fullmatch(r"[-\d. ]*\d,\d+", value.strip())
            raise InputError(
                what,
                where=f"{where}, column {name!r}, row {_first(bad.index)}, value {value!r}",
                fix="write numbers without commas, neither for thousands nor decimals"
                if comma
                else "give one numeric column a sample and one row a gene",
            )
    values = counts.to_numpy(dtype=np.float64)
    for what, wrong, fix in (
        ("a count is missing", ~np.isfinite(values), "write 0 for genes without reads"),
        ("a count is negative", values < 0, "give raw counts, not log ratios or scores"),
    ):
        if wrong.any():
            raise InputError(what, where=f"{where}, {_place(counts, wrong)}", fix=fix)
    fraction = values != np.floor(values)
    if fraction.any():
        totals = values.sum(axis=0)
        scale = f"columns sum to about {np.median(totals):,.0f}"
        looks = (
            "TPM or CPM (columns sum to a million)"
            if np.allclose(totals, 1e6, rtol=0.02)
            else "log values"
            if values.max() < 30
            else "normalised or estimated counts"
        )
        raise InputError(
            f"the counts are not integers: they look like {looks}",
            where=f"{where}, {_place(counts, fraction)}; {scale}",
            fix="give raw counts; a negative binomial model has no meaning on normalised values"
            + (
                "; for estimated counts (Salmon, RSEM, tximport) set counts.estimated: true"
                if "estimated" in looks
                else ""
            ),
        )
    totals = values.sum(axis=0)
    if len(totals) > 1 and np.allclose(totals, 1e6, rtol=0.005):
        raise InputError(
            "the counts look normalised: every column sums to about a million",
            where=f"{where}, columns {counts.columns[0]!r} ({totals[0]:,.0f}), "
            f"{counts.columns[1]!r} ({totals[1]:,.0f}), …",
            fix="give raw counts, not TPM or CPM, rounded or not",
        )
    normalised = signs_of_normalisation(values)
    if normalised is not None:
        raise InputError(
            f"the counts look normalised and rounded: {normalised}",
            where=where,
            fix="give raw counts: a negative binomial model has no meaning on normalised values",
        )
    if values.size and values.max() >= 2**53:
        raise InputError(
            "a count exceeds 2^53",
            where=f"{where}, {_place(counts, values >= 2**53)}",
            fix="give raw counts",
        )
    return pd.DataFrame(values.astype(np.int64), index=counts.index, columns=counts.columns)


def assemble_counts(
    counts: pd.DataFrame,
    sheet: Sheet,
    gene_ids: pd.DataFrame,
    *,
    where: str,
    gene_id: str = "auto",
    symbols: pd.Series | None = None,
) -> Assembly:
    """Join a verified count table with the sheet and annotate its genes.

    Rows whose ids agree after the version suffix is taken off are added up. Samples of the matrix
    that the sheet does not name are left out and listed.

    Parameters
    ----------
    counts
        ``genes × samples``, as published.
    sheet
        Sample sheet.
    gene_ids
        The panel's gene ids; without rows, ids and symbols are taken as they are.
    where
        File the counts came from.
    gene_id
        Kind of id, or ``auto``.
    symbols
        id → symbol by the source's own annotation.

    Raises
    ------
    ConfigError
        A sample of the sheet is not in the matrix.
    InputError
        The values are not raw counts, samples are named twice, ids can't be mapped.
    """
    notes: list[str] = []
    counts = counts.copy(deep=False)
    counts.index = counts.index.astype(str).str.strip()
    counts.columns = counts.columns.astype(str).str.strip()
    if not set(sheet.included) & set(counts.columns) and set(sheet.included) <= set(counts.index):
        counts = counts.T
        symbols = None
        notes.append("the table was samples × genes; it was transposed")
    twice = counts.columns[counts.columns.duplicated()]
    if len(twice):
        raise InputError(
            "a sample has two columns of counts",
            where=f"{where}, column {twice[0]!r}",
            fix="keep one column a sample",
        )
    _check_samples(sheet, counts.columns, where)
    extra = [name for name in counts.columns if name not in sheet.rows]
    if extra:
        notes.append(f"{len(extra)} samples of the matrix are not in the sheet: {', '.join(extra)}")
    if sheet.left_out:
        notes.append(
            f"{len(sheet.left_out)} columns of obs that no design can use are left out of the "
            f"sheet: {', '.join(sheet.left_out)}"
        )
    absent = [name for name in sheet.rows if name not in counts.columns]
    if absent:
        notes.append(f"{len(absent)} excluded samples have no counts: {', '.join(absent)}")
    kept = [name for name in sheet.rows if name in counts.columns]
    counts = counts.loc[:, kept]
    summary = is_summary(counts.index)
    if summary.any():
        notes.append(f"{summary.sum()} summary rows of the counting tool dropped")
        counts = counts.loc[~summary]
    counts = verify_counts(counts, where=where)
    counts, note = drop_rows_without_id(counts, where=where)
    notes += [note] if note else []
    if counts.index.str.fullmatch(r"\d+\.0").all():  # numbers, written as decimals
        counts = counts.set_axis(counts.index.str.removesuffix(".0"))
        symbols = None
    check_ids(counts.index.tolist(), where=where)
    check_sums(counts, where=where)
    check_copied_samples(counts[[s for s in sheet.included if s in counts]], where=where)
    known = len(gene_ids) > 0
    kind: IdKind = (
        "symbol" if not known
        else detect_kind(counts.index.tolist(), where=where) if gene_id == "auto"
        else gene_id  # type: ignore[assignment]
    )  # fmt: skip
    if known and kind == "symbol":
        ids, restored, lost = restore_dates(counts.index.tolist(), set(gene_ids["symbol"]))
        if restored or lost:
            notes.append(
                f"a spreadsheet had turned {restored + lost} gene symbols into dates: {restored} "
                f"restored, {lost} left out because more than one symbol reads so"
            )
            counts = counts.set_axis(pd.Index(ids, dtype=object))
            counts = counts[counts.index.notna()]
    if kind == "ensembl":
        counts.index = pd.Index(strip_version(counts.index.tolist()))
    n_rows = len(counts)
    check_repeated(counts, where=where)
    if counts.index.duplicated().any():
        counts = counts.groupby(level=0, sort=False).sum()
        notes.append(f"{n_rows - len(counts)} rows with an id that occurs before were added to it")
    if symbols is not None and kind != "symbol":
        check_symbols(symbols, kind, gene_ids, where=where)
    if known:
        var = annotate(counts.index.tolist(), kind, gene_ids, symbols=symbols)
        has_counts = counts.sum(axis=1) > 0
        mapped = pd.Series(var.pop("mapped").to_numpy(), index=counts.index)
        check_mapped(mapped, has_counts, kind, where=where)
        check_housekeeping(counts, var["symbol"].tolist(), where=where)
        notes.append(
            f"{int((~mapped & has_counts).sum())} of {int(has_counts.sum())} genes with counts are "
            "not in the panel's gene ids; they are tested, but belong to no signature"
        )
    else:
        var = as_given(counts.index.tolist(), symbols)
        notes.append("gene ids are taken as they are: the signatures are gene sets without ids")
    included = set(sheet.included)
    empty = [s for s in sheet.included if counts[s].sum() == 0]
    if empty:
        raise InputError(
            "a sample has no counts at all",
            where=f"{where}, column {empty[0]!r}",
            fix="exclude it in the sample sheet, with the reason",
        )
    obs = pd.DataFrame(
        {
            "included": ["yes" if s in included else "no" for s in kept],
            "reason": [sheet.excluded.get(s, "") for s in kept],
            **{c: [sheet.rows[s][c] for s in kept] for c in sheet.columns},
        },
        index=pd.Index(kept, name="sample"),
    )
    var.index = pd.Index(var["gene_id"].to_numpy(), name=None)
    import anndata as ad  # half a second, which the jobs that download need not wait

    data = ad.AnnData(
        X=np.ascontiguousarray(counts.to_numpy().T),
        obs=obs,
        var=var.fillna("").astype(str),  # h5ad has no missing text
        uns={"gene_id_kind": kind, "notes": notes, "not_in_sheet": extra, "no_counts": absent},
    )
    for note in notes:
        logger.info(note)
    return Assembly(data, tuple(notes))


def write_counts(assembly: Assembly, path: str | Path) -> None:
    """Write the assembled counts as h5ad, whole or not at all."""
    data = assembly.data.copy()
    data.strings_to_categoricals()  # as writing would do, with a remark for each column
    with whole_file(path, sealed=True) as part:
        data.write_h5ad(part, compression="gzip")


def read_counts_h5ad(path: str | Path) -> ad.AnnData:
    """Read ``counts.h5ad``: samples × genes, raw integer counts."""
    import anndata as ad

    check_seal(path)
    data = ad.read_h5ad(path)
    # Text that repeats comes back from h5ad as categories.
    data.obs = data.obs.astype(str)
    data.var = data.var.astype(str)
    return data


def _check_samples(sheet: Sheet, columns: pd.Index, where: str) -> None:
    missing = [sample for sample in sheet.included if sample not in columns]
    if not missing:
        return
    look = ", ".join(map(repr, columns[:3]))
    named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    raise ConfigError(
        f"{len(missing)} sample(s) of the sheet are not in the count matrix: {named}",
        where=f"{sheet.path}, column sample; the columns of {where} look like {look}",
        fix="name the samples as the matrix does",
    )


def _place(counts: pd.DataFrame, wrong: np.ndarray) -> str:
    row, column = (int(i[0]) for i in np.nonzero(wrong))
    value = counts.iat[row, column]
    return f"column {counts.columns[column]!r}, row {counts.index[row]!r}, value {value!s}"


def _first(values: object) -> object:
    items = list(values)  # type: ignore[call-overload]
    return items[0] if items else "?"
