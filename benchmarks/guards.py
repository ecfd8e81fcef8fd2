"""Plant what makes a study wrong in real data sets, and count what is caught.

``python -m benchmarks.guards`` plants each mistake 20 times, in turn in the real sets of
`benchmarks.qc`, prints the table and writes it into ``docs/reliability.md``. Caught: the samples in
question are flagged by quality control, or the run is refused. Nothing may be refused, and no
sample severely flagged, in the sets as they are.
"""

from __future__ import annotations

import argparse
import logging
import warnings
from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import anndata as ad
import numpy as np
import pandas as pd

from benchmarks.data import ROOT
from benchmarks.markdown import markdown_table
from benchmarks.qc import (
    APART,
    KNOWN,
    RealSet,
    cells_of,
    expression,
    flagged,
    mixed,
    real_sets,
    separation,
)
from benchmarks.truth.sets import symbols_of
from pathcall.counts.matrix import verify_counts
from pathcall.counts.sanity import check_copied_samples
from pathcall.errors import InputError
from pathcall.qc.confounding import confounding_flags
from pathcall.qc.donors import donor_flags
from pathcall.qc.flags import STUDY
from pathcall.qc.identity import sex_by_expression, sex_flags
from pathcall.qc.libraries import LibraryLimits, library_flags, library_metrics
from pathcall.stats.size_factors import size_factors

TIMES = 20
DIVISIONS = 200
SEED = 2
SHALLOW = 50
MARK = "## What a wrong data set ends in"


class Guard(NamedTuple):
    """A mistake: its name, how it ends, and a function that plants it and says if it is caught.

    The function gives None where a set cannot hold the mistake (no known sex, no donors).
    """

    mistake: str
    ends: str
    caught: Callable[[Planted, np.random.Generator], bool | None]


class Planted(NamedTuple):
    """A real set without its known odd samples, and its VST values."""

    real: RealSet
    values: pd.DataFrame
    others: tuple[RealSet, ...]


def _pair(p: Planted, rng: np.random.Generator, share: float) -> tuple[str, str] | None:
    """Two samples of cells of three (or the largest); a share of the second lies apart."""
    gaps = separation(p.real, p.values, share)
    cells = cells_of(p.real, p.real.sheet)
    size = cells.map(cells.value_counts())
    usable = size.index[size >= min(3, int(size.max()))]
    for _ in range(200):
        one, other = (str(x) for x in rng.choice(usable, 2, replace=False))
        if cells[one] != cells[other] and gaps.at[cells[one], cells[other]] > APART:
            return one, other
    return None


def exchanged(p: Planted, rng: np.random.Generator) -> bool | None:
    """Labels of two samples of cells that lie apart exchanged: both are named."""
    pair = _pair(p, rng, 1.0)
    if pair is None:
        return None
    sheet = p.real.sheet.copy()
    sheet.loc[list(pair)] = p.real.sheet.loc[list(pair[::-1])].to_numpy()
    return set(pair) <= flagged(p.real, p.values, p.real.counts, sheet)


def mixture(p: Planted, rng: np.random.Generator) -> bool | None:
    """Half of a sample's reads from another one of a cell that lies apart."""
    pair = _pair(p, rng, 0.5)
    if pair is None:
        return None
    counts = mixed(p.real.counts, *pair, 0.5, rng)
    return pair[0] in flagged(p.real, expression(counts), counts, p.real.sheet)


def copied(p: Planted, rng: np.random.Generator) -> bool:
    """One sample's counts given for another one too."""
    one, other = rng.choice(p.real.counts.index, 2, replace=False)
    counts = p.real.counts.copy()
    counts.loc[other] = counts.loc[one]
    return _refused(counts)


def other_tissue(p: Planted, rng: np.random.Generator) -> bool | None:
    """A sample replaced by one of another experiment on other cells."""
    options = [
        o for o in p.others if len(o.counts.columns.intersection(p.real.counts.columns)) > 9000
    ]
    if not options:
        return None
    other = options[int(rng.integers(len(options)))]
    foreign = other.counts.loc[rng.choice(other.counts.index)]
    sample = str(rng.choice(p.real.counts.index))
    counts = p.real.counts.copy()
    counts.loc[sample] = foreign.reindex(counts.columns).fillna(0).astype(int).to_numpy()
    return sample in flagged(p.real, expression(counts), counts, p.real.sheet)


def other_species(p: Planted, rng: np.random.Generator) -> bool:
    """A sample of another species, imitated: its gene ranks correlate with the real ones by 0.7."""
    sample = str(rng.choice(p.real.counts.index))
    counts = p.real.counts.copy()
    own = np.sort(counts.loc[sample].to_numpy())
    place = np.argsort(np.argsort(counts.loc[sample].to_numpy(), kind="stable"))
    noisy = 0.7 * (place / len(own) - 0.5) * np.sqrt(12) + np.sqrt(0.51) * rng.normal(size=len(own))
    counts.loc[sample] = own[np.argsort(np.argsort(noisy))]
    return sample in flagged(p.real, expression(counts), counts, p.real.sheet)


def batch(p: Planted, rng: np.random.Generator) -> bool | None:
    """A batch column that says the same as the treatment."""
    name = str(rng.choice(["batch", "Lane", "run_date", "flowcell", "library_batch", "plate_id"]))
    factor = p.real.factors[-1]
    level = p.real.sheet[factor].astype(str)
    codes = pd.Series(rng.permutation(level.nunique()), index=level.unique())
    sheet = p.real.sheet.assign(**{name: level.map(codes).astype(str)})
    found = confounding_flags(sheet, [list(sheet.index)], p.real.factors, p.real.blocks)
    return any(flag.sample == STUDY and name in flag.reason for flag in found)


def shallow(p: Planted, rng: np.random.Generator) -> bool:
    """A library of a fiftieth of its reads."""
    sample = str(rng.choice(p.real.counts.index))
    counts = p.real.counts.copy()
    counts.loc[sample] = rng.binomial(counts.loc[sample].to_numpy(), 1 / SHALLOW)
    data = ad.AnnData(
        X=counts.to_numpy(float),
        obs=pd.DataFrame(index=counts.index),
        var=pd.DataFrame({"symbol": "", "entrez_id": ""}, index=counts.columns.astype(str)),
    )
    found = library_flags(library_metrics(data), LibraryLimits())
    return any(f.sample == sample and f.severity == "severe" for f in found)


def normalised(p: Planted, rng: np.random.Generator) -> bool:
    """Counts per million, median-of-ratios or quantile-normalised values, rounded to integers."""
    counts = p.real.counts.to_numpy(float)
    kind = int(rng.integers(3))
    if kind == 0:
        values = 1e6 * counts / counts.sum(axis=1, keepdims=True)
    elif kind == 1:
        values = counts / size_factors(p.real.counts).to_numpy()[:, None]
    else:
        target = np.sort(counts, axis=1).mean(axis=0)
        values = target[np.argsort(np.argsort(counts, axis=1, kind="stable"), axis=1)]
    made = pd.DataFrame(np.rint(values), index=p.real.counts.index, columns=p.real.counts.columns)
    return _refused(made)


def sex(p: Planted, rng: np.random.Generator) -> bool | None:
    """The sheet says the other sex for one sample."""
    found = sex_by_expression(p.real.counts, symbols_of(p.real.counts.columns))
    known = found.index[found["sex"] != ""] if len(found) else []
    if not len(known):
        return None
    sample = str(rng.choice(known))
    said = found["sex"].copy()
    said[sample] = {"male": "female", "female": "male"}[said[sample]]
    flags = sex_flags(found, p.real.sheet.assign(sex=said.reindex(p.real.sheet.index)))
    return {f.sample for f in flags} == {sample}


def donor(p: Planted, rng: np.random.Generator) -> bool | None:
    """Two samples of one treatment with each other's donor or cell line."""
    if not p.real.blocks:
        return None
    cells = cells_of(p.real, p.real.sheet)
    cell = rng.choice(cells.unique())
    pair = [str(x) for x in rng.choice(cells.index[cells == cell], 2, replace=False)]
    sheet = p.real.sheet.copy()
    sheet.loc[pair, p.real.blocks] = sheet.loc[pair[::-1], p.real.blocks].to_numpy()
    odd = flagged(p.real, p.values, p.real.counts, sheet)
    found = donor_flags(p.values, sheet, cells, p.real.blocks, [], odd)
    return bool(set(pair) & (odd | {flag.sample for flag in found}))


def donors_measured(sets: list[Planted], divisions: int) -> pd.DataFrame:
    """Every exchange of two donors, within a cell and across, and divisions without any meaning.

    Random divisions have 2 to n / 2 "donors" of about equal size, spread over all cells. Where the
    samples are few and of real donors, one of them may come near the truth, and is flagged rightly.
    """
    rng = np.random.default_rng([SEED, len(GUARDS)])
    rows = []
    for p in sets:
        cells = cells_of(p.real, p.real.sheet)
        planted = caught = 0
        for block in p.real.blocks:
            for one, other in combinations(cells.index, 2):
                sheet = p.real.sheet[[block]].copy()
                if sheet.at[one, block] == sheet.at[other, block]:
                    continue
                sheet.loc[[one, other]] = sheet.loc[[other, one]].to_numpy()
                named = {f.sample for f in donor_flags(p.values, sheet, cells, [block], [])}
                planted, caught = planted + 1, caught + ({one, other} <= named)
        flagged_divisions = 0
        for _ in range(divisions):
            n = int(rng.integers(2, max(3, len(cells) // 2 + 1)))
            codes = pd.Series(0, index=cells.index)
            for _, mates in cells.groupby(cells):
                codes[mates.index] = (rng.permutation(len(mates)) + rng.integers(n)) % n
            sheet = pd.DataFrame({"donor": "d" + codes.astype(str)})
            flagged_divisions += bool(donor_flags(p.values, sheet, cells, ["donor"], []))
        rows.append(
            {
                "set": p.real.name, "samples": len(cells),
                "exchanges named": f"{caught} of {planted}" if planted else "–",
                "random divisions flagged": f"{flagged_divisions} of {divisions}",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _refused(counts: pd.DataFrame) -> bool:
    """Whether the assembly of a study refuses these counts (``samples × genes``)."""
    try:
        verify_counts(counts.T, where="planted")
        check_copied_samples(counts.T, where="planted")
    except InputError:
        return True
    return False


GUARDS = (
    Guard("labels of two samples exchanged", "flag", exchanged),
    Guard("half of a sample's reads from another group", "flag", mixture),
    Guard("one sample's counts given for two", "refused", copied),
    Guard("a sample of another tissue", "flag", other_tissue),
    Guard("a sample of another species (imitated)", "flag", other_species),
    Guard("a batch that equals the treatment", "flag", batch),
    Guard("a library 50 times smaller", "severe flag", shallow),
    Guard("normalised values rounded to integers", "refused", normalised),
    Guard("the sheet says the other sex", "severe flag", sex),
    Guard("donors or cell lines of two samples exchanged", "flag", donor),
)


def load_sets() -> list[Planted]:
    """The real sets, each with those it can borrow samples from."""
    sets = []
    for real in real_sets():
        odd = KNOWN.get(real.name, [])
        sets.append(
            RealSet(real.name, real.counts.drop(index=odd), real.sheet.drop(index=odd),
                    real.factors, real.blocks)
        )  # fmt: skip
    made = []
    for real in sets:
        others = tuple(o for o in sets if o is not real)
        made.append(Planted(real, expression(real.counts), others))
    return made


def measure(sets: list[Planted], times: int) -> pd.DataFrame:
    """One row a mistake: planted, caught, in which sets it was missed."""
    rows = []
    for i, guard in enumerate(GUARDS):
        rng = np.random.default_rng([SEED, i])
        outcome: list[tuple[str, bool]] = []
        able = list(sets)
        while able and len(outcome) < times:
            planted = able[len(outcome) % len(able)]
            caught = guard.caught(planted, rng)
            if caught is None:
                able.remove(planted)
            else:
                outcome.append((planted.real.name, caught))
        missed = pd.Series([name for name, ok in outcome if not ok], dtype=str).value_counts()
        rows.append(
            {
                "planted": guard.mistake, "ends in": guard.ends,
                "caught": f"{sum(ok for _, ok in outcome)} of {len(outcome)}",
                "missed in": ", ".join(f"{name} ({k})" for name, k in missed.items()) or "–",
                "sets": ", ".join(dict.fromkeys(name for name, _ in outcome)),
            }
        )  # fmt: skip
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def page(table: pd.DataFrame, donors: pd.DataFrame, refused: list[str], samples: int) -> str:
    """The section of ``docs/reliability.md``."""
    return "\n".join(
        [
            MARK, "",
            "Written by `python -m benchmarks.guards`: mistakes planted in real data sets. Where "
            "labels are exchanged or reads mixed, the result lies apart from what the label says "
            f"(squared distance more than {APART:g} times that between replicates); for others, "
            "and for how often a wrong sample is blamed: [qc_measured.md](qc_measured.md).", "",
            *markdown_table(table.columns, table.to_numpy()), "",
            f"As they are, {len(refused)} of these {samples} samples' sets are refused"
            + (f" ({', '.join(refused)})." if refused else "."), "",
            "Donors: every exchange of two of them, and random divisions of each set, not to be "
            "flagged. Airway and macrophages have real donors, which a random division of so "
            "few samples may nearly hit; the limits were set on these two.", "",
            *markdown_table(donors.columns, donors.to_numpy()), "",
        ]
    )  # fmt: skip


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help="how often each is planted")
    times = parser.parse_args().times
    sets = load_sets()
    table = measure(sets, times)
    refused = [p.real.name for p in sets if _refused(p.real.counts)]
    text = page(
        table, donors_measured(sets, DIVISIONS), refused, sum(len(p.real.counts) for p in sets)
    )
    path = ROOT / "docs" / "reliability.md"
    before = path.read_text(encoding="utf-8").partition(MARK)[0]
    path.write_text(before.rstrip() + "\n\n" + text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
