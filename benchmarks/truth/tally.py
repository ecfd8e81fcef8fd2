"""Found, missed, wrong and false calls, with Clopper–Pearson intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.markdown import markdown_table
from benchmarks.truth.methods import PATHWAYS

SIGN = {"activated": 1, "repressed": -1}


def interval(k: int, n: int) -> tuple[float, float]:
    """95% Clopper–Pearson interval of k of n."""
    low = 0.0 if k == 0 else float(stats.beta.ppf(0.025, k, n - k + 1))
    high = 1.0 if k == n else float(stats.beta.ppf(0.975, k + 1, n - k))
    return low, high


def shown(k: int, n: int) -> str:
    """As ``12/13`` or, from 30 on, ``3.1% (1.8–5.0)``."""
    if n == 0:
        return "–"
    if n < 30:
        return f"{k}/{n}"
    low, high = interval(k, n)
    return f"{100 * k / n:.1f}% ({100 * low:.1f}–{100 * high:.1f})"


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a method: found and wrong among positives, false among mock splits.

    Parameters
    ----------
    rows
        method, kind, study, case, pathway, expected (0 where nothing is known), call.
    """
    made = []
    for method, own in rows.groupby("method", sort=False):
        row: dict[str, str] = {"method": str(method)}
        for kind, title in (("alone", "alone"), ("joint", "in one model")):
            for pathway in PATHWAYS:
                part = own[
                    (own["kind"] == kind) & (own["pathway"] == pathway) & (own["expected"] != 0)
                ]
                found = int((part["call"] == part["expected"]).sum())
                row[f"{pathway} found, {title}"] = shown(found, len(part))
        positives = own[own["kind"].isin(["alone", "joint"]) & (own["expected"] != 0)]
        wrong = positives["call"] == -positives["expected"]
        row["wrong direction"] = shown(int(wrong.sum()), len(positives)).split(" ")[0]
        null = own[own["kind"].isin(["mock", "days"])]
        for pathway in PATHWAYS:
            part = null[null["pathway"] == pathway]
            row[f"{pathway} false"] = shown(int((part["call"] != 0).sum()), len(part))
        any_of = (null["call"] != 0).groupby([null["study"], null["case"]]).any()
        row["any false"] = shown(int(any_of.sum()), len(any_of))
        made.append(row)
    return pd.DataFrame(made)


def by_samples(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a method and number of samples a side: found, and false on mock splits.

    Parameters
    ----------
    rows
        As in `table`, with `n`.
    """
    made = []
    rows = rows[rows["kind"].isin(["alone", "mock", "days"])]
    for n, of_n in rows.groupby("n"):
        for method, own in of_n.groupby("method", sort=False):
            row = {"a side": str(n), "method": str(method)}
            alone = own[(own["kind"] == "alone") & (own["expected"] != 0)]
            for pathway in PATHWAYS[:3]:
                part = alone[alone["pathway"] == pathway]
                row[f"{pathway} found"] = shown(
                    int((part["call"] == part["expected"]).sum()), len(part)
                )
            null = own[own["kind"].isin(["mock", "days"])]
            for pathway in PATHWAYS[:3]:
                part = null[null["pathway"] == pathway]
                row[f"{pathway} false"] = shown(int((part["call"] != 0).sum()), len(part))
            any_of = (null["call"] != 0).groupby([null["study"], null["case"]]).any()
            row["any of four false"] = shown(int(any_of.sum()), len(any_of))
            made.append(row)
    return pd.DataFrame(made)


def markdown(frame: pd.DataFrame) -> str:
    """A table of text as Markdown."""
    return "\n".join(markdown_table(frame.columns, frame.to_numpy())) + "\n"


def votes(rows: pd.DataFrame) -> pd.DataFrame:
    """Readouts: share that moves the right way, the wrong way and on mock splits (p < 0.1).

    Parameters
    ----------
    rows
        pathway, readout, role, kind, study, expected, vote.
    """
    made = []
    for (pathway, readout, role), own in rows.groupby(["pathway", "readout", "role"], sort=False):
        row = {"pathway": str(pathway), "readout": str(readout), "role": str(role)}
        known = own[(own["kind"] == "alone") & (own["expected"] != 0)]
        for study, part in known.groupby("study"):
            right = int((part["vote"] == part["expected"]).sum())
            wrong = int((part["vote"] == -part["expected"]).sum())
            row[f"{study}: right, wrong, of"] = f"{right}, {wrong}, {len(part)}"
        null = own[own["kind"].isin(["mock", "days"])]
        share = f"{100 * np.mean(null['vote'] != 0):.1f}%" if len(null) else "–"
        row["votes on mock splits"] = share
        made.append(row)
    return pd.DataFrame(made).fillna("–")
