"""Calls of many studies side by side, and the same question combined over them.

Contrasts of one `group` answer the same question, in one study or in several. Their effects on each
pathway and each readout are combined by random effects, as within a study
(`pathcall.calls.meta_analysis`). Contrasts of different studies have independent errors; those of
one study may share samples.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pathcall.calls.meta_analysis import (
    SAMPLE_METHOD,
    combine_effects,
    error_correlation,
    group_contrasts,
)
from pathcall.deseq.fitted import FittedModel
from pathcall.tables import SUMMARY_CALLS, SUMMARY_COMBINED

logger = logging.getLogger(__name__)

Groups = Mapping[str, Sequence[tuple[str, str]]]
"""Group → its contrasts as (study, contrast)."""


def groups_of_studies(contrasts: Mapping[str, Sequence[Mapping[str, Any]]]) -> Groups:
    """Contrasts that answer the same question, over all studies.

    Parameters
    ----------
    contrasts
        Study → rows of its contrasts table, as plain data.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for study, rows in contrasts.items():
        for row in rows:
            if row["group"]:
                groups.setdefault(row["group"], []).append((study, row["contrast"]))
    return groups


def stack_calls(
    calls: Mapping[str, pd.DataFrame], contrasts: Mapping[str, Sequence[Mapping[str, Any]]]
) -> pd.DataFrame:
    """All calls below one another, by schema SUMMARY_CALLS.

    Parameters
    ----------
    calls
        Study → its ``calls.tsv``.
    contrasts
        Study → rows of its contrasts table, as plain data.
    """
    parts = []
    for study, table in calls.items():
        rows = {row["contrast"]: row for row in contrasts[study]}
        parts.append(
            table.assign(
                study=study,
                group=[rows[name]["group"] or np.nan for name in table["contrast"]],
                description=[rows[name]["description"] or np.nan for name in table["contrast"]],
            )
        )
    return pd.concat(parts, ignore_index=True)[list(SUMMARY_CALLS.columns)]


def studies_with_shared_errors(groups: Groups) -> list[str]:
    """Studies with two contrasts of one group, whose samples may be the same."""
    found = []
    for members in groups.values():
        studies = [study for study, _ in members]
        found += [study for study in studies if studies.count(study) > 1]
    return list(dict.fromkeys(found))


def correlation_of_study(
    models: Iterable[FittedModel], contrasts: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """Correlation of the errors of a study's grouped contrasts, from the samples they share."""
    return error_correlation(models, group_contrasts(contrasts))


def combine_studies(
    calls: pd.DataFrame,
    evidence: Mapping[str, pd.DataFrame],
    groups: Groups,
    correlation: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Effects of each group's pathways and readouts over studies, by schema SUMMARY_COMBINED.

    Parameters
    ----------
    calls
        Table of `stack_calls`.
    evidence
        Study → its ``evidence.tsv``.
    groups
        Groups of `groups_of_studies`.
    correlation
        Study → `correlation_of_study`, for those of `studies_with_shared_errors`.
    """
    scores = pd.concat(
        [
            table[table["method"] == SAMPLE_METHOD].assign(study=study)
            for study, table in evidence.items()
        ],
        ignore_index=True,
    )
    parts = []
    for group, members in groups.items():
        shared = _shared(members, correlation)
        pathways = _combined(calls.assign(readout=""), members, shared)
        called = calls.set_index(["study", "contrast"]).index.isin(members)
        votes = calls[called].groupby("pathway")["call"]
        for column, call in (("n_activated", "activated"), ("n_repressed", "repressed")):
            counts = votes.agg(lambda found, call=call: int((found == call).sum()))
            pathways[column] = pathways["pathway"].map(counts).astype(float)
        readouts = _combined(scores, members, shared)
        found = pd.concat([pathways.assign(readout=np.nan), readouts], ignore_index=True)
        found.insert(0, "group", group)
        found["n_studies"] = len({study for study, _ in members})
        parts.append(found)
        logger.info("%s: %d contrasts of %d studies", group, len(members), found["n_studies"][0])
    if not parts:
        return pd.DataFrame({name: [] for name in SUMMARY_COMBINED.columns})
    return pd.concat(parts, ignore_index=True).reindex(columns=list(SUMMARY_COMBINED.columns))


def _shared(
    members: Sequence[tuple[str, str]], correlation: Mapping[str, pd.DataFrame]
) -> np.ndarray:
    matrix = np.zeros((len(members),) * 2)
    for i, (study, one) in enumerate(members):
        for j, (other_study, other) in enumerate(members):
            if i != j and study == other_study:
                matrix[i, j] = correlation[study].at[one, other]
    return matrix


def _combined(
    rows: pd.DataFrame, members: Sequence[tuple[str, str]], shared: np.ndarray
) -> pd.DataFrame:
    keys = rows[["pathway", "readout"]].drop_duplicates()
    index = pd.MultiIndex.from_frame(keys)
    of = dict(list(rows.groupby(["study", "contrast"], sort=False)))
    effect, error = (
        np.column_stack(
            [
                of[member].set_index(["pathway", "readout"])[column].reindex(index).to_numpy(float)
                if member in of
                else np.full(len(index), np.nan)
                for member in members
            ]
        )
        for column in ("effect", "se")
    )
    return keys.reset_index(drop=True).assign(**combine_effects(effect, error, shared).columns())
