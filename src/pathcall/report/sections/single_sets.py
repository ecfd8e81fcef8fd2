"""What a single gene set's FDR alone would have claimed, where the rule does not say the same."""

from __future__ import annotations

import re
from typing import Any

from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.sections.labels import contrast_names
from pathcall.report.view import pvalue

SHOWN = 3  # claims on the first screen; the others are folded


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    claims = single_set_claims(data)
    return {"set_claims": claims[:SHOWN], "more_set_claims": claims[SHOWN:]}


def single_set_claims(data: ReportData) -> list[dict[str, str]]:
    """Claims of the set of smallest FDR (GSEA) of each pathway and contrast, smallest first.

    From the rows ``gsea`` of evidence.tsv below the FDR of the config, where calls.tsv does not
    call the pathway in that direction. Control readouts, and pathways that
    are never called, claim nothing.
    """
    rows = data.evidence[data.evidence["method"] == "gsea"]
    rows = rows[(rows["fdr"] < data.alpha) & rows["role"].isin(["evidence", "context"])]
    rows = rows[rows["pathway"].isin(data.pathways)]
    rows = rows.sort_values("fdr", kind="stable").drop_duplicates(["contrast", "pathway"])
    claims = []
    names = contrast_names(data)
    for row in rows.to_dict("records"):
        up = row["stat"] > 0
        call = data.call(row["contrast"], row["pathway"])
        if call["call"] == ("activated" if up else "repressed"):
            continue
        # The reason's first words; the rest names readouts.
        reason = re.split(r"[;:.] | [(]", str(call["reason"]))[0]
        where = "" if len(names) == 1 else f" in {names[row['contrast']]}"
        claims.append(
            {
                "contrast": row["contrast"],
                "pathway": row["pathway"],
                "text": f"{row['readout']} alone: {wording.pathway(row['pathway'])} "
                f"{'up' if up else 'down'}{where}, FDR {pvalue(row['fdr'])}. The lines of evidence "
                f"together: {wording.answer(call)} ({reason}).",
            }
        )
    return claims
