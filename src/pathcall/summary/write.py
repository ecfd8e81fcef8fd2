"""Write results/summary: the tables of many studies and their page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pathcall.deseq.fitted import read_model
from pathcall.summary.combine import (
    combine_studies,
    correlation_of_study,
    groups_of_studies,
    stack_calls,
    studies_with_shared_errors,
)
from pathcall.summary.page import render_summary
from pathcall.tables import (
    CALLS_TABLE,
    EVIDENCE,
    SUMMARY_CALLS,
    SUMMARY_COMBINED,
    read_table,
    write_table,
    write_text,
)

RESULTS = Path("results")


def summarise_studies(
    contrasts: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    models: Mapping[str, Iterable[str]],
    absent: Mapping[str, str],
) -> None:
    """Read what the studies' runs wrote, combine it and write the summary.

    Parameters
    ----------
    contrasts
        Study → rows of its contrasts table, as plain data.
    models
        Study → names of its models.
    absent
        Study or config file → the ``error:`` line for which it is left out.
    """
    folder = RESULTS
    calls = stack_calls(
        {study: read_table(folder / study / "calls.tsv", CALLS_TABLE) for study in contrasts},
        contrasts,
    )
    groups = groups_of_studies(contrasts)
    correlation = {
        study: correlation_of_study(
            (read_model(folder / study / "models" / f"{name}.h5ad") for name in models[study]),
            contrasts[study],
        )
        for study in studies_with_shared_errors(groups)
    }
    evidence = {study: read_table(folder / study / "evidence.tsv", EVIDENCE) for study in contrasts}
    combined = combine_studies(calls, evidence, groups, correlation)
    write_table(calls, folder / "summary" / "calls.tsv", SUMMARY_CALLS)
    write_table(combined, folder / "summary" / "combined.tsv", SUMMARY_COMBINED)
    write_text(render_summary(calls, combined, absent=absent), folder / "summary" / "report.html")


def summarise_rest(
    contrasts: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    models: Mapping[str, Iterable[str]],
    absent: Mapping[str, str],
    failed: Mapping[str, str],
) -> None:
    """The summary of a run in which some studies failed: of the others, with the reasons.

    Parameters
    ----------
    failed
        Study → its ``error:`` line. The others are as in `summarise_studies`.
    """
    complete = {
        study: rows
        for study, rows in contrasts.items()
        if study not in failed and (RESULTS / study / "report.html").is_file()
    }
    left_out = {
        study: failed.get(study, "error: not finished — results of the study — run again")
        for study in contrasts
        if study not in complete
    }
    if complete:
        summarise_studies(complete, models=models, absent={**absent, **left_out})
