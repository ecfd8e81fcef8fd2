"""Donors and cell lines by expression: two samples with each other's donor.

The search for odd labels (`pathcall.qc.odd_samples`) judges on genes that vary *beside* the donors,
which are those of the treatment. Here samples are compared on the genes that vary most beside
everything but the donors: in samples of several people these are mostly the people's own. A donor
that expression does not show (a number of the replicate) says nothing, and is not held against
anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from pathcall.qc.expression import most_variable
from pathcall.qc.flags import Flag, Severity
from pathcall.qc.identity import PERSON
from pathcall.qc.label_fit import LabelFit, exchange_gains, fit_labels
from pathcall.qc.label_flags import dummies, terms_beside

Float = npt.NDArray[np.float64]

N_GENES = 200
"""Most variable genes on which donors are told apart."""


class DonorLimits(NamedTuple):
    """Limits of the search.

    Attributes
    ----------
    gain, gain_severe
        What exchanging two donors takes off the residual sum of squares, over the residual variance
        after it.
    shown
        F of the donors after it: whether expression shows them at all.
    """

    gain: float = 1.5
    gain_severe: float = 5.0
    shown: float = 6.0


def donor_flags(
    values: pd.DataFrame,
    sheet: pd.DataFrame,
    groups: pd.Series,
    blocks: Sequence[str],
    covariates: Sequence[str],
    explained: Collection[str] = (),
    limits: DonorLimits | None = None,
) -> list[Flag]:
    """Samples whose donors fit better exchanged with those of another sample.

    Parameters
    ----------
    values
        VST values of a model's samples, ``samples × genes``.
    sheet
        The sheet's columns and GEO's, index: sample.
    groups
        Cell of each sample.
    blocks, covariates
        Further terms of the design: factors, and numbers. Blocks are looked at as donors are, and
        columns that name a person or line.
    explained
        Samples that are flagged otherwise: left out.
    limits
        Limits.
    """
    usable = values.loc[~values.index.isin(list(explained))]
    own = sheet.loc[usable.index]
    flags: dict[str, Flag] = {}
    for column in _columns(own, blocks):
        others = [name for name in blocks if name != column]
        beside = np.hstack([dummies(groups[usable.index]), terms_beside(own, others, covariates)])
        found = _exchanges(usable.to_numpy(), beside, own[column], limits or DonorLimits())
        for flag in found:
            flags.setdefault(flag.sample, flag)
    return list(flags.values())


def _columns(sheet: pd.DataFrame, blocks: Sequence[str]) -> Iterator[str]:
    """The blocks, then columns named like a person or line, each division of the samples once."""
    seen = set()
    named = [str(name) for name in sheet.columns if PERSON.fullmatch(str(name))]
    for column in dict.fromkeys([*blocks, *named]):
        division = tuple(pd.factorize(sheet[column].astype(str))[0])
        if division not in seen:
            seen.add(division)
            yield column


def _exchanges(values: Float, beside: Float, donors: pd.Series, limits: DonorLimits) -> list[Flag]:
    """Flags of the exchanges in one column, the clearest first; each is put right for the next."""
    column = str(donors.name)
    known = donors.notna().to_numpy() & ~donors.astype(str).isin(["", "nan", "NA"]).to_numpy()
    samples, labels = donors.index[known], donors[known].astype(str).to_numpy(dtype=object)
    design = beside[known]
    if not 1 < len(set(labels)) < len(labels):
        return []
    y = values[known]
    y = y[:, most_variable(y, N_GENES, design=design)]
    without = fit_labels(y, design)
    flags: list[Flag] = []
    done: set[int] = set()
    while len(done) <= max(2, len(samples) // 3):
        found = _best_exchange(without, labels, limits)
        if found is None or done & {found[0], found[1]}:
            break
        i, j, gain = found
        # Of donors with two samples each, exchanging the other two explains as much.
        mates = [np.flatnonzero(labels == labels[k]) for k in (i, j)]
        either = [(i, j)]
        if all(len(two) == 2 for two in mates):
            either.append((int(mates[0].sum()) - i, int(mates[1].sum()) - j))
        severity: Severity = (
            "severe" if gain >= limits.gain_severe and len(either) == 1 else "warning"
        )
        for pair, others in zip(either, either[::-1], strict=True):
            rather = ""
            if len(either) == 2:
                names = " and ".join(str(samples[k]) for k in others)
                rather = f", or those of {names}: donors of two samples can't tell which"
            flags += [
                Flag(
                    str(samples[one]), "donor", severity, gain, limits.gain,
                    f"labelled {column}={labels[one]}; expression fits if its {column} and that of "
                    f"{samples[other]} ({labels[other]}) are exchanged{rather}",
                    f"look up which {column} {samples[one]} and {samples[other]} are from; correct "
                    "the sheet, or exclude both",
                )
                for one, other in (pair, pair[::-1])
            ]  # fmt: skip
        done |= {k for pair in either for k in pair}
        labels[[i, j]] = labels[[j, i]]
    return flags


def _best_exchange(
    without: LabelFit, labels: npt.NDArray[np.object_], limits: DonorLimits
) -> tuple[int, int, float] | None:
    """The two samples whose donors fit best exchanged, and the gain; None: none is good enough.

    `without`: the fit of the design without donors.
    """
    donors, whole = _fit(without, labels)
    # Donors that the rest of the design decides say nothing of their own.
    if whole.df < 1 or whole.rss <= 0 or whole.df == without.df:
        return None
    gains = exchange_gains(donors)
    i, j = (int(k) for k in np.unravel_index(int(np.argmax(gains)), gains.shape))
    gain = float(gains[i, j])
    if not np.isfinite(gain) or gain <= 0:
        return None
    strength = gain / (max(whole.rss - gain, 1e-12 * whole.rss) / whole.df)
    if strength < limits.gain:
        return None
    exchanged = labels.copy()
    exchanged[[i, j]] = exchanged[[j, i]]
    after = _fit(without, exchanged)[1]
    if after.df < 1 or after.df == without.df or not 0 < after.rss < whole.rss:
        return None
    shown = (without.rss - after.rss) / (without.df - after.df) / (after.rss / after.df)
    return (i, j, strength) if shown >= limits.shown else None


def _fit(without: LabelFit, labels: npt.NDArray[np.object_]) -> tuple[LabelFit, LabelFit]:
    """The fit of donors alone to what the rest of the design leaves, and that of all together."""
    own, design = dummies(pd.Series(labels)), without.design
    whole = fit_labels(without.values, np.hstack([design, own[:, 1:]]))
    rest = design @ whole.coefficients[: design.shape[1]]
    left = whole.values - rest  # noqa: PD011 (no data frame)
    return fit_labels(left, own), whole
