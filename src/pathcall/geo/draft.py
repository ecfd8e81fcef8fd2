"""A draft of a sample sheet from GEO's metadata, ready to edit in meaning, not in form."""

from __future__ import annotations

import logging
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from pathcall.errors import ConfigError, InputError
from pathcall.files import write_atomic
from pathcall.geo.fetch import obtain_soft
from pathcall.geo.http import Client
from pathcall.geo.options import DownloadOptions
from pathcall.geo.soft import Series, read_soft
from pathcall.geo.sources import clean_names
from pathcall.sample_columns import GEO_PREFIX
from pathcall.study.sample_sheet import is_taken

logger = logging.getLogger(__name__)

# Columns that the draft adds; a characteristic of that name is renamed, as one that is taken.
ADDED = ("title", "group", "replicate", "note")
# What makes a sample one of several of its kind, as people write it at the end of a title.
# Possessive, and begun only where a run of separators begins: linear in any title.
_REPLICATE = re.compile(
    r"(?:(?<![\s_.,;:#(\[-])[\s_.,;:#(\[-]++(?:biological|biol|bio|technical|tech|bulk)?+[\s_.-]*+"
    r"(?:replicates?|repeat|sample|reps?|no|r|n|s)?+|(?<=[A-Za-z])(?:replicate|rep))"
    r"[\s_.#-]*+\d++[a-z]?[\s)\]]*+$",
    re.IGNORECASE,
)
_REPLICATE_KEY = re.compile(r"\brep(licate)?s?\b|\bbatch\b|\blane\b|\brun\b|\bid\b", re.IGNORECASE)
_DONOR_KEY = re.compile(
    r"donor|patient|subject|individual|animal|participant|cell line|clone|age\b|sex|gender|date",
    re.IGNORECASE,
)
_TREATMENT_KEY = re.compile(
    r"treat|drug|agent|compound|dose|concentration|time|stimul|genotype|condition|infect|si ?rna"
    r"|sh ?rna|knock|transfect|group|status",
    re.IGNORECASE,
)


def draft_sheet(
    study: str, *, folder: str | Path, options: DownloadOptions, out: str | Path
) -> None:
    """Write the draft of a study's sample sheet to `out`.

    Parameters
    ----------
    study
        GEO series accession.
    folder
        ``resources/{study}``, for the metadata.
    options
        How to download.
    out
        Path of the draft. A series of several organisms or platforms is split into one draft each,
        ``{out}_{part}.tsv`` beside it, and the error names them.

    Raises
    ------
    InputError
        A SuperSeries, or several organisms or platforms.
    """
    if not re.fullmatch(r"GSE\d+", study):
        raise ConfigError(
            "a draft needs a GEO series accession",
            where=f"key study, value {study!r}",
            fix="--config study=GSE…",
        )
    series = read_soft(obtain_soft(Client(options), study, folder).path, study=study)
    refuse_superseries(series)
    parts = split_series(series)
    out = Path(out)
    if len(parts) > 1:
        written = []
        for name, samples in parts.items():
            path = out.with_name(f"{out.stem}_{name}.tsv")
            write_atomic(sheet_text(draft(series, samples)), path)
            written.append(f"{path} ({len(samples)} samples)")
        raise InputError(
            f"{study} has samples of several organisms or platforms, which one analysis cannot mix",
            where="; ".join(written),
            fix="these are drafts, one each: take one as the sample sheet of its own study",
        )
    table = draft(series, series.samples)
    write_atomic(sheet_text(table), out)
    logger.info("%s: %d samples, %d columns", out, len(table), table.shape[1])


def refuse_superseries(series: Series) -> None:
    """Raise InputError for a SuperSeries, naming its SubSeries."""
    if series.subseries:
        raise InputError(
            f"{series.accession} is a SuperSeries: a bundle of series with designs of their own",
            where=f"its SubSeries are {', '.join(series.subseries)}",
            fix=f"draft each of its own: --config study={series.subseries[0]}",
        )


def split_series(series: Series) -> dict[str, pd.DataFrame]:
    """Samples by organism and platform; the name of a part says what sets it apart."""
    samples = series.samples
    names = pd.Series("", index=samples.index)
    for column in ("organism", "platform"):
        if samples[column].nunique() > 1:
            names = names + "_" + samples[column]
    names = names.map(lambda name: re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_"))
    return {str(name): rows for name, rows in samples.groupby(names, sort=True)}


def draft(series: Series, samples: pd.DataFrame) -> pd.DataFrame:
    """Draft rows: sample, title, varying characteristics, group, replicate, exclude, …, note.

    A characteristic that is the same in all samples is left out (logged). Groups are the samples
    that agree in their characteristics, and in their titles less the replicate's number where that
    leaves groups of several. A column that would leave most samples alone in their group (a donor,
    a batch) is not used for the groups; the note says so.
    """
    values = samples[list(series.characteristics)].map(_clean)
    if values.shape[1] == 0 and samples["source_name"].nunique() > 1:
        values = samples[["source_name"]].map(_clean)
    constant = [name for name in values.columns if values[name].nunique() <= 1]
    values = values.drop(columns=constant)
    if constant:
        logger.info("the same in all samples, left out: %s", ", ".join(constant))
    plain = [name[:80].removeprefix(GEO_PREFIX) for name in clean_names(list(values.columns))]
    names = clean_names([f"{n}_geo" if n in ADDED or is_taken(n) else n for n in plain])
    values.columns = pd.Index(names)
    titles = samples["title"].map(_clean)
    group, note = guess_groups(values, titles)
    number = group.groupby(group, sort=False).cumcount() + 1
    size = group.map(group.value_counts())
    excluded = ~samples["library_strategy"].isin(["RNA-Seq", ""])
    return pd.DataFrame(
        {
            "sample": samples.index,
            "title": titles,
            **{name: values[name].where(values[name] != "", "NA") for name in values.columns},
            "group": group,
            "replicate": number.astype(str),
            "exclude": ["yes" if e else "no" for e in excluded],
            "exclude_reason": [
                f"library strategy {s}" if e else "NA"
                for e, s in zip(excluded, samples["library_strategy"], strict=True)
            ],
            "note": [
                f"{note}; alone in its group: check" if alone else note for alone in size == 1
            ],
        }
    ).reset_index(drop=True)


def guess_groups(values: pd.DataFrame, titles: pd.Series) -> tuple[pd.Series, str]:
    """Guess which samples are replicates of each other.

    Parameters
    ----------
    values
        Varying characteristics, ``samples × columns``.
    titles
        Titles of the samples.

    Returns
    -------
    tuple
        Group of each sample, in ``[a-z0-9_]``, and how it was guessed.
    """
    stems = titles.map(without_replicate)
    used = [name for name in values.columns if not _REPLICATE_KEY.search(name.replace("_", " "))]
    ignored = [name for name in values.columns if name not in used]
    used = [name for name in used if not _implied(values[name], values[used])]
    while len(used) > 1 and _alone(_joined(values[used])) > 0.5:
        # By its name, or else the column with most levels: likeliest a donor, a batch or a date.
        least = max(used, key=lambda name: (_donor_like(name), values[name].nunique(), name))
        used.remove(least)
        ignored.append(least)
    if used and _alone(_joined(values[used])) > 0.5:
        ignored += used
        used = []
    group = _joined(values[used]) if used else pd.Series("", index=values.index)
    by_title = group + " " + stems
    how = f"guess: group by {', '.join(used)}" if used else "guess: group"
    if _alone(by_title) <= 0.5 and by_title.nunique() > max(group.nunique(), 1):
        # Titles that already tell all groups apart name them more briefly.
        group = stems if stems.nunique() == by_title.nunique() else by_title
        how = f"{how}{' and' if used else ' by'} title without its number"
    elif not used:
        how = "guess: no groups seen, one for all"
    if ignored:
        how += f"; not by {', '.join(sorted(ignored))} (a donor or batch?)"
    counts = Counter(group)
    labels = dict(zip(counts, clean_names([name or "all" for name in counts]), strict=True))
    return group.map(labels), how


def without_replicate(title: str) -> str:
    """A title less what numbers the replicate: ``A375_vem_rep2`` is of ``A375_vem``."""
    return _REPLICATE.sub("", title)


def sheet_text(table: pd.DataFrame) -> str:
    """The draft as text of a sample sheet."""
    return str(table.to_csv(sep="\t", index=False, na_rep="NA", lineterminator="\n", quoting=3))


def _donor_like(name: str) -> int:
    words = name.replace("_", " ")
    return bool(_DONOR_KEY.search(words)) - bool(_TREATMENT_KEY.search(words))


def _implied(column: pd.Series, others: pd.DataFrame) -> bool:
    """Whether one other column, of more levels (or of as many, and earlier), settles this one."""
    for name in others.columns:
        if name == column.name:
            continue
        other = others[name]
        settles = column.groupby(other).nunique().max() == 1
        earlier = others.columns.get_loc(name) < others.columns.get_loc(column.name)
        if settles and (other.nunique() > column.nunique() or earlier) and _alone(other) < 0.5:
            return True
    return False


def _joined(values: pd.DataFrame) -> pd.Series:
    return values.agg(" ".join, axis=1)


def _alone(group: pd.Series) -> float:
    """Share of samples that are the only one of their group."""
    return float((group.map(group.value_counts()) == 1).mean())


def _clean(text: str) -> str:
    # `,` and `=` separate cells in the contrasts table, quotes and tabs would break the sheet.
    text = text.replace('"', "'").replace(",", ";").replace("=", ":")
    return " ".join(text.split())
