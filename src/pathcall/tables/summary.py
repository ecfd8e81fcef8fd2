"""Tables over many studies: results/summary."""

from __future__ import annotations

from pathcall.tables.calls import CALLS_TABLE
from pathcall.tables.columns import number, schema, text
from pathcall.tables.combined import COMBINED

SUMMARY_CALLS = schema(
    "results/summary/calls",
    "The calls of all studies below one another.",
    {
        "study": text("study", label="Study"),
        **CALLS_TABLE.columns,
        "group": text("question that the contrast answers", nullable=True, label="Group"),
        "description": text("the contrast in words", nullable=True),
    },
)

SUMMARY_COMBINED = schema(
    "results/summary/combined",
    "Effects combined by random effects over the contrasts of a group in all studies: of a pathway "
    "(`readout` missing: the mean of its lines of evidence) and of each of its readouts.",
    {
        "group": COMBINED["group"],
        "pathway": text("pathway", label="Pathway"),
        "readout": text("readout; missing: the pathway itself", nullable=True, label="Readout"),
        **{key: column for key, column in COMBINED.items() if key != "group"},
        "n_studies": number("studies that have contrasts of the group", label="Studies"),
        "n_activated": number("contrasts with the call activated", label="Activated"),
        "n_repressed": number("contrasts with the call repressed", label="Repressed"),
    },
)
