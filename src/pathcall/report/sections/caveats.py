"""What to keep in mind: controls, false-call rates, fragile calls, shared and flagged samples."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from pathcall.qc.flags import STUDY
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.sections.labels import contrast_names
from pathcall.report.view import (
    percent,
)


def caveats(data: ReportData) -> list[str]:
    """What to keep in mind when reading the calls, a sentence each."""
    made: list[str] = [*_orthologs(data)]
    labels = contrast_names(data)
    failed = data.calls[data.calls["control_ok"] == "no"]
    for contrast in failed["contrast"].unique():
        expected = data.contrast(str(contrast)).expected
        found = {
            k: str(data.call(str(contrast), k)["call"]) for k in expected if k in data.pathways
        }
        parts = [
            f"{wording.pathway(k)} had to be {v} and is “{wording.CALLS[found[k]]}”"
            for k, v in expected.items()
            if k in found and found[k] != v
        ]
        made.append(
            f"On-target control not met in {labels[str(contrast)]}: "
            f"{'; '.join(parts) or 'see the reasons'}. Its other calls are to be read with that "
            "in mind."
        )
    firm = data.calls[data.calls["call"].isin(["activated", "repressed"])]
    risky = firm[firm["false_call_rate"] > data.max_false_call_rate]
    made += [
        f"{wording.pathway(row['pathway'])} in {labels[row['contrast']]}: where nothing changes, "
        f"the rule makes a false call in {percent(row['false_call_rate'])} of cases."
        for row in risky.to_dict("records")
    ]
    made += _fragile(data, firm, labels)
    unknown = firm[firm["false_call_rate"].isna()]
    if len(unknown):
        made.append(
            f"{len(unknown)} of {len(firm)} calls have no false-call rate: none could be measured "
            "for their model."
        )
    for group, rows in data.combined_pathways.groupby("group", sort=False):
        correlation = rows["error_correlation"].dropna()
        if len(correlation) and correlation.any():
            most = correlation[correlation.abs().idxmax()]
            made.append(
                f"Contrasts of the group {group} share samples and are not independent answers: "
                f"their errors correlate by up to {most:.2f}. The combined intervals allow for it."
            )
    severe = data.flags[data.flags["severity"].isin(["severe", "warning"])]
    of_study = severe["sample"] == STUDY
    made += [f"{reason[:1].upper()}{reason[1:]}." for reason in severe.loc[of_study, "reason"]]
    severe = severe[~of_study]
    if len(severe):
        names = list(dict.fromkeys(severe["sample"]))
        made.append(
            f"{wording.counted(len(names), 'sample')} with a quality warning, still included: "
            f"{wording.listed(names)}."
        )
    n_out = int((data.samples["included"] == "no").sum())
    if n_out:
        made.append(f"{wording.counted(n_out, 'sample')} excluded; the reasons are listed.")
    return made


def _orthologs(data: ReportData) -> list[str]:
    """That the signatures are another organism's, and how many of their genes are lost."""
    table = data.panel.orthologs
    if table is None:
        return []
    evidence = [
        r.readout for r in data.panel.readouts if r.role == "evidence" and r.family != "footprint"
    ]
    share = table.set_index("readout")["coverage"].reindex(evidence).astype(float)
    return [
        "The signatures were published for human genes and are read through one-to-one orthologs: "
        f"of the genes of a readout that votes {percent(share.min())} ({share.idxmin()}) to "
        f"{percent(share.max())} have one. Each readout says how many."
    ]


def _fragile(data: ReportData, firm: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Calls that fewer than four in five of the declared analyses give."""
    frame = data.sensitivity
    made = []
    for row in firm.to_dict("records"):
        own = frame[(frame["contrast"] == row["contrast"]) & (frame["pathway"] == row["pathway"])]
        same = int((own["agrees"] == "yes").sum())
        if len(own) and own["agreement"].iloc[0] < 0.8:
            made.append(
                f"{wording.pathway(row['pathway'])} in {labels[row['contrast']]} is fragile: "
                f"{same} of {len(own)} alternative analyses give the same call."
            )
    return made
