"""Contrasts with a known answer: perturbations, and splits of true replicates.

Every case is a design of its own with one contrast, as a user of that many samples would have it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from benchmarks.truth.sets import SHARED, Set, load


@dataclass(frozen=True)
class Case:
    """One contrast.

    Attributes
    ----------
    name
        Unique within its set.
    study
        Name of the set.
    kind
        ``alone`` (a perturbation with its own fit), ``joint`` (in the model of all its samples),
        ``mock`` (a split of replicates: nothing to find), ``negative`` (a perturbation that must
        not give a named call).
    design, weights
        ``samples × coefficients``; the contrast.
    n
        Samples a side.
    expected
        Pathway → `activated`, `repressed` or, for a negative, the call it must not get.
    """

    name: str
    study: str
    kind: str
    design: pd.DataFrame = field(repr=False)
    weights: np.ndarray = field(repr=False)
    n: int
    expected: dict[str, str] = field(default_factory=dict)


def two_groups(
    s: Set, test: Sequence[str], reference: Sequence[str], *, block: bool
) -> tuple[pd.DataFrame, np.ndarray]:
    """``~ block + group`` or ``~ group``, and the contrast test over reference."""
    samples = [*test, *reference]
    design = pd.DataFrame({"Intercept": 1.0}, index=samples)
    if block:
        blocks = s.sheet["block"].loc[samples]
        for level in sorted(blocks.unique())[1:]:
            design[f"block:{level}"] = (blocks == level).astype(float)
    design["test"] = [1.0] * len(test) + [0.0] * len(reference)
    weights = np.zeros(design.shape[1])
    weights[-1] = 1.0
    return design, weights


def _cell(s: Set, cell: str) -> list[str]:
    return list(s.sheet.index[s.sheet["cell"] == cell])


def _pairs() -> dict[str, dict[tuple[str, str], dict[str, str]]]:
    """Set → (test cell, reference cell) → pathway → expected."""
    made: dict[str, dict[tuple[str, str], dict[str, str]]] = {}
    truth = pd.read_csv(SHARED / "truth" / "truth.tsv", sep="\t")
    for row in truth[truth["expected"] != "not scored"].itertuples():
        test, reference = (str(x).partition("=")[2] for x in (row.test, row.reference))
        made.setdefault(str(row.study), {}).setdefault((test, reference), {})[row.pathway] = (
            row.expected
        )
    drugs = {
        (f"{g}.{d}", f"{g}.none"): {"MAPK": "repressed"}
        for g in ("WT", "ARID1A_KO", "MED12_KO")
        for d in ("vem", "tram", "comb")
    }
    return made | {"a375": drugs}


def perturbations() -> Iterator[Case]:
    """Perturbations with a known answer, and what must not be called.

    Each alone, 3 against 3 (all triples of donors where there are more), and in one model of all
    samples of its set.
    """
    for study, pairs in _pairs().items():
        s = load(study)
        if s is None:
            continue
        for (test, reference), expected in pairs.items():
            up, down = _cell(s, test), _cell(s, reference)
            name = f"{test}-{reference}"
            if len(up) <= 3:
                yield Case(name, study, "alone", *two_groups(s, up, down, block=False), 3, expected)
                continue
            blocks = s.sheet["block"]
            for triple in itertools.combinations(sorted(blocks.unique()), 3):
                t = [x for x in up if blocks[x] in triple]
                r = [x for x in down if blocks[x] in triple]
                yield Case(
                    f"{name}:{'+'.join(triple)}", study, "alone",
                    *two_groups(s, t, r, block=s.paired), 3, expected,
                )  # fmt: skip
        yield from _joint(s, pairs)
    airway = load("airway")
    if airway is not None:
        up, down = _cell(airway, "dexamethasone"), _cell(airway, "untreated")
        yield Case(
            "dex", "airway", "negative", *two_groups(airway, up, down, block=True), 4,
            {"NFKB_CANONICAL": "activated"},
        )  # fmt: skip


def perturbations_of(n: int) -> Iterator[Case]:
    """The same perturbations with `n` samples a side, each alone.

    2: two of the three replicates of each cell, two of six donors. 6, 9 and 12: replicates of two,
    three or four contrasts of one drug pooled (time points, genotypes), those in the design; all
    six donors.
    """
    for study, pairs in _pairs().items():
        s = load(study)
        if s is None:
            continue
        if s.paired:
            ((test, reference), expected), *_ = pairs.items()
            up, down = _cell(s, test), _cell(s, reference)
            blocks = s.sheet["block"]
            for chosen in itertools.combinations(sorted(blocks.unique()), n):
                t, r = ([x for x in side if blocks[x] in chosen] for side in (up, down))
                yield Case(f"{test}-{reference}:{'+'.join(chosen)}", study, "alone",
                           *two_groups(s, t, r, block=True), n, expected)  # fmt: skip
        elif n == 2:
            for (test, reference), expected in pairs.items():
                for left in range(3):
                    t, r = ([x for j, x in enumerate(_cell(s, c)) if j != left]
                            for c in (test, reference))  # fmt: skip
                    yield Case(f"{test}-{reference}:without{left}", study, "alone",
                               *two_groups(s, t, r, block=False), n, expected)  # fmt: skip
        else:
            yield from _pooled(s, pairs, n)


def _pooled(s: Set, pairs: dict[tuple[str, str], dict[str, str]], n: int) -> Iterator[Case]:
    """Contrasts of one drug and expectation pooled, three replicates each, with no shared cell."""
    kinds: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for (test, reference), expected in pairs.items():
        drug = test.rpartition(".")[2] if s.name == "a375" else test.partition("_")[0]
        kinds.setdefault((drug, *sorted(expected)), []).append((test, reference))
    for (drug, *pathways), members in kinds.items():
        expected = {p: pairs[members[0]][p] for p in pathways}
        for chosen in itertools.combinations(members, n // 3):
            if len({cell for pair in chosen for cell in pair}) < 2 * len(chosen):
                continue
            samples, labels, strata = [], [], []
            for test, reference in chosen:
                for cell, label in ((test, 1.0), (reference, 0.0)):
                    own = _cell(s, cell)
                    samples += own
                    labels += [label] * len(own)
                    strata += [test] * len(own)
            design = pd.DataFrame(
                {t: [float(x == t) for x in strata] for t, _ in chosen}, index=samples
            )
            design["test"] = labels
            weights = np.zeros(design.shape[1])
            weights[-1] = 1.0
            name = f"{drug}:{'+'.join(t for t, _ in chosen)}"
            yield Case(name, s.name, "alone", design, weights, n, expected)


def _joint(s: Set, pairs: dict[tuple[str, str], dict[str, str]]) -> Iterator[Case]:
    cells = sorted(s.sheet["cell"].unique())
    design = pd.DataFrame(
        {c: (s.sheet["cell"] == c).astype(float) for c in cells}, index=s.sheet.index
    )
    if s.paired:
        for level in sorted(s.sheet["block"].unique())[1:]:
            design[f"block:{level}"] = (s.sheet["block"] == level).astype(float)
    for (test, reference), expected in pairs.items():
        weights = np.zeros(design.shape[1])
        weights[cells.index(test)], weights[cells.index(reference)] = 1.0, -1.0
        n = len(_cell(s, test))
        yield Case(f"{test}-{reference}:all", s.name, "joint", design, weights, n, expected)


def mocks(n: int = 3, *, limit: int = 10_000, seed: int = 1, days: bool = False) -> Iterator[Case]:
    """Splits of true replicates, `n` against `n`, cells kept in the design.

    Two cells of three: two of one and one of the other are called test, chosen so that no day or
    run goes with the label; with `days`, those splits in which it does in part. Six donors of one
    cell: all splits.
    """
    for study in ("mcf10a", "a375", "eye", "macrophage", "airway"):
        s = load(study)
        if s is None:
            continue
        made = list(_mocks_of(s, n, days))
        rng = np.random.default_rng([seed, n])
        keep = sorted(rng.permutation(len(made))[:limit])
        yield from (made[i] for i in keep)


def _mocks_of(s: Set, n: int, days: bool) -> Iterator[Case]:
    cells = {c: _cell(s, c) for c in sorted(s.sheet["cell"].unique())}
    if not s.paired:
        threes = [c for c, members in cells.items() if len(members) == 3]
        for group in _groups(threes, n):
            yield from _crossed(s, group, cells, n, days)
        return
    if n == 3 and not days:
        for cell, members in cells.items():
            if len(members) < 6:
                continue
            for up in itertools.combinations(members[:6], 3):
                if members[0] not in up:
                    continue
                down = [x for x in members[:6] if x not in up]
                yield Case(
                    f"{cell}:{'+'.join(up)}", s.name, "mock",
                    *two_groups(s, up, down, block=False), 3,
                )  # fmt: skip


def _groups(cells: list[str], n: int) -> Iterator[tuple[str, ...]]:
    """Groups of cells whose replicates make `n` a side: 2 (for 2 v 2, 3 v 3), 4 (6), … 8 (12)."""
    size = {2: 2, 3: 2, 6: 4, 9: 6, 12: 8}[n]
    if size == 2:
        yield from itertools.combinations(cells, 2)
        return
    rng = np.random.default_rng([n, len(cells)])
    seen = set()
    for _ in range(60):
        if len(cells) < size:
            return
        pick = tuple(sorted(rng.choice(cells, size, replace=False)))
        if pick not in seen:
            seen.add(pick)
            yield pick


def _crossed(
    s: Set, group: tuple[str, ...], cells: dict[str, list[str]], n: int, days: bool
) -> Iterator[Case]:
    """Labels +,+,− in half of the cells and −,−,+ in the others.

    The odd replicate is of the same day in all cells, so that label and day are orthogonal; with
    `days` it is of another day in every second cell.
    """
    blocks = s.sheet["block"]
    turns = range(3) if len(group) == 2 else (sum(map(ord, group[0])) % 3,)
    for odd, shift in itertools.product(turns, (1, 2) if days else (0,)):
        samples: list[str] = []
        labels: list[float] = []
        for i, cell in enumerate(group):
            members = sorted(cells[cell], key=lambda x: (blocks[x], x))
            sign = np.ones(3) if i % 2 else -np.ones(3)
            sign[(odd + shift * (i % 2)) % 3] *= -1
            if n == 2:
                keep = [j for j in range(3) if j != (odd + 1) % 3]
                members, sign = [members[j] for j in keep], sign[keep]
            samples += members
            labels += list(sign)
        if sum(labels):
            continue
        design = pd.DataFrame(
            {c: (s.sheet["cell"].loc[samples] == c).astype(float) for c in group}, index=samples
        )
        design["mock"] = np.array(labels) / 2
        weights = np.zeros(design.shape[1])
        weights[-1] = 1.0
        name = f"{'|'.join(group)}:{odd}{shift or ''}"
        yield Case(name, s.name, "days" if days else "mock", design, weights, n)
