"""``pathcall init``: a folder that runs as it is, from an accession or from counts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import pandas as pd

from pathcall.command.check import check_studies
from pathcall.command.run import CONFIG_NAME
from pathcall.counts.given import read_given
from pathcall.drafting.factors import columns_of_names
from pathcall.drafting.given_sheet import read_given_obs, read_given_sheet
from pathcall.drafting.study_files import Draft, draft_study
from pathcall.errors import ConfigError, InputError
from pathcall.files import write_atomic
from pathcall.geo.draft import draft, refuse_superseries, split_series
from pathcall.geo.fetch import obtain_soft
from pathcall.geo.http import Client
from pathcall.geo.options import DownloadOptions
from pathcall.geo.soft import SCIENTIFIC, Series, read_soft
from pathcall.study.config import Config, count_files, load_config
from pathcall.study.config_file import read_config_file

FILES = {"samples": "samples.tsv", "contrasts": "contrasts.tsv", "config": CONFIG_NAME,
         "decide": "DECIDE.md"}  # fmt: skip
_COPIED = ("mirrors", "offline", "download")


def init(
    source: str,
    *,
    samples: str | None = None,
    out: str | None = None,
    organism: str | None = None,
    layer: str | None = None,
    configfile: str | None = None,
) -> None:
    """Write a study's folder and print what a person must decide.

    Parameters
    ----------
    source
        A GEO series accession, or counts: a table, an h5ad, a folder or glob of one file a sample.
    samples
        Sample sheet of one's own counts.
    out
        Folder to write.
    organism
        Organism; None: as GEO or the gene ids say.
    layer
        Layer of an h5ad that holds the raw counts.
    configfile
        Config whose ways to download are used and copied.

    Raises
    ------
    PathcallError
        The source can't be read, or no groups can be told apart: nothing is written then. Or the
        counts are not what they should be: the files stay, to be mended.
    """
    network = _network(configfile)
    if re.fullmatch(r"GSE\d+", source):
        study = source
        folder = Path(out or study)
        _refuse_full(folder)
        made = _of_series(study, folder, network, organism)
    else:
        study = _study_name(source)
        folder = Path(out or study)
        _refuse_full(folder)
        made = _of_counts(source, study, folder, samples=samples, organism=organism, layer=layer)
    for part, name in FILES.items():
        write_atomic(getattr(made, part), folder / name)
    with chdir(folder):
        plan = check_studies([CONFIG_NAME])[0]
    print(made.decide)
    print(f"{folder}/: {', '.join(FILES.values())}; {len(plan.sheet.included)} samples")
    print(f"next: pathcall run {folder}")


def _network(configfile: str | None) -> dict[str, Any]:
    if configfile is None:
        return {}
    raw = read_config_file(configfile)
    return {key: raw[key] for key in _COPIED if key in raw}


def _refuse_full(folder: Path) -> None:
    for name in FILES.values():
        if (folder / name).exists():
            raise ConfigError(
                "the folder holds a study already", where=str(folder / name),
                fix="name another folder with --out, or remove the files",
            )  # fmt: skip


def _study_name(source: str) -> str:
    path = Path(source.rstrip("/*").rpartition("*")[0] or source)
    name = re.sub(r"(\.(tsv|csv|txt|tab|gz|xlsx|h5ad|counts?))+$", "", path.name.rstrip("*."))
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-")
    return name[:60] if re.match(r"[A-Za-z]", name) else f"study_{name}"[:60].rstrip("_")


def _of_series(study: str, folder: Path, network: Mapping[str, Any], organism: str | None) -> Draft:
    settings = _settings(study, network)
    options = DownloadOptions.from_config(settings.model_dump(mode="json"))
    # Where the run looks for it.
    kept = folder / "resources" / study
    series = read_soft(obtain_soft(Client(options), study, kept).path, study=study)
    refuse_superseries(series)
    known = {scientific: name for name, scientific in SCIENTIFIC.items()}
    part, decide = _part(series, organism, known)
    species = part["organism"].iloc[0]
    if species not in known:
        raise InputError(
            f"the samples are of {species}", where=study, fix="human and mouse can be analysed"
        )
    table = draft(series, part).set_index("sample")
    excluded = dict(table.loc[table["exclude"] == "yes", "exclude_reason"])
    sheet = table.drop(columns=["group", "replicate", "exclude", "exclude_reason", "note"])
    sheet = sheet.replace("NA", "").astype(str)
    config: dict[str, Any] = {"organism": known[species]}
    if len(series.sra_studies) == 1:
        config["counts"] = {"sra_study": series.sra_studies[0]}
    return draft_study(
        study, sheet, config=config | dict(network), excluded=excluded, decide=decide, where=study
    )


def _settings(study: str, network: Mapping[str, Any]) -> Config:
    raw = {
        "study": study, "samples": "samples.tsv", "contrasts": "contrasts.tsv",
        "models": {"all": {"design": "~ group"}}, **network,
    }  # fmt: skip
    return load_config(raw, source="--configfile")


def _part(
    series: Series, organism: str | None, known: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """The samples of one organism and platform, the largest part, and a word on the others."""
    parts = [
        rows
        for rows in split_series(series).values()
        if organism is None or known.get(rows["organism"].iloc[0]) == organism
    ]
    if not parts:
        raise InputError(
            f"no samples of {organism}", where=f"{series.accession}: {', '.join(series.organisms)}",
            fix="give another --organism",
        )  # fmt: skip
    part = max(parts, key=len)
    if len(part) == len(series.samples):
        return part, []
    what = f"{part['organism'].iloc[0]}, {part['platform'].iloc[0]}"
    return part, [
        f"{len(series.samples) - len(part)} of {len(series.samples)} samples are of another "
        f"organism or platform and left out; kept: {what}."
    ]


def _of_counts(
    source: str,
    study: str,
    folder: Path,
    *,
    samples: str | None,
    organism: str | None,
    layer: str | None,
) -> Draft:
    paths = count_files(source)
    if not paths or not all(map(os.path.isfile, paths)):
        raise ConfigError(
            "there is no such file or accession", where=source,
            fix="name a GEO series (GSE…), a table of counts, an h5ad, or a folder of files",
        )  # fmt: skip
    table = read_given(paths, layer=layer)
    counts = table.counts.T if _transposed(table.counts) else table.counts
    names = [str(name).strip() for name in counts.columns]
    counts.columns = pd.Index(names)
    decide: list[str] = []
    if samples is not None:
        sheet, excluded, left = read_given_sheet(samples, names)
        decide += left
    elif source.endswith(".h5ad") and (found := read_given_obs(source)) is not None:
        sheet, excluded = found, {}
    else:
        columns = columns_of_names(names)
        if columns is None:
            raise InputError(
                "the groups of the samples cannot be told from their names",
                where=f"{source}, columns {', '.join(map(repr, names[:4]))} …",
                fix="write a sheet with the columns sample and group (tsv, csv or xlsx), and give "
                "it with --samples",
            )
        sheet, excluded = columns, {}
        decide.append(f"groups were read from the sample names: {', '.join(columns)}.")
    file = os.path.relpath(source, folder) if not os.path.isabs(source) else source
    config: dict[str, Any] = {
        "organism": organism or _organism(counts.index, table.symbols),
        "counts": {"source": "file", "file": file} | ({"layer": layer} if layer else {}),
    }
    return draft_study(
        study, sheet, config=config, excluded=excluded, decide=decide, where=samples or source
    )


def _transposed(counts: pd.DataFrame) -> bool:
    return bool(counts.shape[1] > 1000 > counts.shape[0])


def _organism(ids: pd.Index, symbols: pd.Series | None) -> str:
    from pathcall.counts.gene_ids import guess_organism

    guess = guess_organism([str(i) for i in ids])
    if guess is None and symbols is not None:
        guess = guess_organism([str(s) for s in symbols.dropna()])
    return "mouse" if guess and guess.startswith("mouse") else "human"
