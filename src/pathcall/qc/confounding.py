"""Batches that are the same as the treatment: no analysis can tell the two apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from pathcall.qc.flags import STUDY, Flag

_BATCH = re.compile(
    r"(geo_)?(.{0,60}_)?(batch|lane|plate|flow_?cell|date|day|run_?date|instrument(_?model)?|sequencer|"
    r"center|centre|site|operator|pool|kit|chip|experiment)(_?(id|no|number|name))?",
    re.IGNORECASE,
)


def confounding_flags(
    sheet: pd.DataFrame,
    models: Sequence[Sequence[str]],
    factors: Sequence[str],
    adjusted: Sequence[str] = (),
) -> list[Flag]:
    """Columns that look like batches and decide the cell of every sample of a model.

    Parameters
    ----------
    sheet
        The sheet's columns and GEO's, index: sample.
    models
        Samples of each model.
    factors
        Columns that contrasts name.
    adjusted
        Columns of the designs: a batch that equals the treatment there is refused before the fit.
    """
    made: dict[str, Flag] = {}
    for column in sheet.columns:
        name = str(column)
        if name in factors or name in adjusted or not _BATCH.fullmatch(name):
            continue
        for samples in models:
            own = sheet.loc[list(samples)]
            batch = own[column].astype(str).str.strip()
            if batch.isin(["", "nan", "NA"]).any() or not 1 < batch.nunique() < len(batch):
                continue
            for factor in factors:
                level = own[factor].astype(str)
                if level.nunique() > 1 and (level.groupby(batch).nunique() == 1).all():
                    pairs = ", ".join(
                        f"{b}: {level[batch == b].iloc[0]}" for b in dict.fromkeys(batch)
                    )
                    made.setdefault(
                        f"{name} {factor}",
                        Flag(
                            STUDY, "confounded", "severe", 1.0, 1.0,
                            f"each level of {name} holds one level of {factor} only ({pairs}): "
                            f"what {factor} does and what {name} does are the same contrast",
                            "no design can separate them; read every call as the effect of "
                            "both, or add samples that break the tie",
                        ),
                    )  # fmt: skip
    return list(made.values())
