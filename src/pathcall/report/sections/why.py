"""Why: the evidence of each pathway, put together from the modules beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from pathcall import tables
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.sections import marker_genes
from pathcall.report.sections.answer import calls_of, finding_of
from pathcall.report.sections.combined import combined_readouts
from pathcall.report.sections.forest import draw_forest
from pathcall.report.sections.leading_edge import draw_leading_edge
from pathcall.report.sections.readouts import (
    adjusted_calls,
    evidence_lines,
    readouts_of_panel,
    summary,
)
from pathcall.report.sections.running_sums import draw_running_sums, gene_rankings, main_readouts
from pathcall.report.sections.sample_scores import draw_scores
from pathcall.report.sections.single_sets import single_set_claims
from pathcall.report.view import (
    Column,
    figure,
    table,
    table_columns,
)


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    ranked = gene_rankings(data)
    # Running sums stand where there is a call, or a claim of a single set that is not one.
    told = {(c["pathway"], c["contrast"]) for c in single_set_claims(data)}
    called = data.calls[data.calls["call"].isin(["activated", "repressed"])]
    told |= set(zip(called["pathway"], called["contrast"], strict=True))
    return {
        "why": [why(data, p, ranked, told) for p in data.pathways],
        **marker_genes.context(data),
    }


def why(
    data: ReportData,
    pathway: str,
    ranked: Mapping[str, pd.Series],
    told: Collection[tuple[str, str]],
) -> dict[str, Any]:
    """What the section of one pathway shows; running sums of the (pathway, contrast) in `told`."""
    call_columns = [
        Column("label", "Contrast"),
        *table_columns(
            tables.CALLS_TABLE,
            "call",
            "confidence",
            "reason",
            "effect",
            "ci_low",
            "ci_high",
            "pvalue",
            "n_lines",
            "lines_up",
            "lines_down",
            "false_call_rate",
            "control_ok",
            "families",
        ),
    ]
    calls = pd.DataFrame(calls_of(data, pathway))
    calls["label"] = [data.contrast(c).label for c in calls["contrast"]]
    calls["families"] = [
        v.replace(";", ", ") if isinstance(v, str) else v for v in calls["families"]
    ]
    calls["control_ok"] = calls["control_ok"].map(
        {"yes": "as expected", "no": "not as expected", "not_applicable": "none declared"}
    )
    state = calls["call"].copy()
    calls["call"] = [f"{wording.mark(c)} {wording.answer(c)}" for c in calls.to_dict("records")]
    calls["state"] = state
    own = data.evidence[data.evidence["pathway"] == pathway]
    return {
        "id": pathway,
        "name": wording.pathway(pathway),
        "finding": finding_of(data, pathway),
        "calls": table(
            calls,
            call_columns,
            ident=f"calls-{pathway}",
            caption=f"{wording.pathway(pathway)}: the call in each contrast",
            file="calls.tsv",
            anchors=lambda r: f"call-{pathway}-{r['contrast']}",
            css=lambda r, key: f"call-{r['state']}" if key == "call" else "",
        ),
        "summary": summary(data, pathway, own),
        "evidence": evidence_lines(data, pathway, own),
        "readouts": readouts_of_panel(data, pathway),
        "adjusted": adjusted_calls(data, pathway),
        "combined": combined_readouts(data, pathway),
        "forest": figure("forest", draw_forest(data, pathway), file="evidence.tsv"),
        "scores": figure("scores", draw_scores(data, pathway), file="scores/samples.tsv"),
        "edge": figure("edge", draw_leading_edge(data, pathway, ranked)),
        "main": [(r.readout, i % 8) for i, r in enumerate(main_readouts(data, pathway))],
        "curves": [
            f
            for c in data.contrasts
            if (pathway, c.contrast) in told
            and (
                f := figure(
                    "enrichment",
                    draw_running_sums(data, pathway, c.contrast, ranked[c.contrast]),
                    c.contrast,
                    file=f"enrichment/{c.contrast}.tsv",
                )
            )
        ],
    }
