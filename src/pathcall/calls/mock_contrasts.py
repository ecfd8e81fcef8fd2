"""Mock contrasts: labels that mean nothing, put where the labels that mean something are.

A mock contrast splits the replicates of the cells that a real contrast compares: some of each
cell's samples are called "test", the others "reference". Its column is *added* to the design, so
every real effect stays fitted and none leaks into the mock: under the model the column's true
coefficient is zero, whatever the treatment does. Compared with permuting the real labels (which
mixes a strong treatment effect into the residual variance and makes the test look safer than it
is) or permuting residuals of a reduced model (Freedman and Lane; with three replicates the
residuals are few and correlated), nothing is estimated twice and the t test keeps its exact null
distribution; one residual degree of freedom is the price. Samples that share a row of the design
are exchangeable; where a design has no such samples (pairs), the column must be nearly orthogonal
to the design instead, which makes it a treatment effect of opposite sign in different pairs.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from pathcall.stats.linear_models import column_basis, samples_used

logger = logging.getLogger(__name__)

Float = npt.NDArray[np.float64]
Labels = tuple[float, ...]

# Share of a mock column's length that must lie outside the design.
MIN_EFFICIENCY = 0.7
# Enumerate up to this many label vectors, draw at random beyond.
MAX_ENUMERATED = 4096


def cells_of(design: Float) -> list[npt.NDArray[np.int64]]:
    """Samples that share a row of the design, in order of first appearance."""
    rows = [tuple(row) for row in np.round(design, 9)]
    made: dict[tuple[float, ...], list[int]] = {}
    for position, row in enumerate(rows):
        made.setdefault(row, []).append(position)
    return [np.array(members) for members in made.values()]


def mock_columns(design: Float, contrasts: Mapping[str, Float], *, limit: int, seed: int) -> Float:
    """Mock label columns of a model, ``samples × mocks``, entries −1, 0, +1.

    First those in the place of each contrast of the model (all distinct ones, or an equal share of
    the limit each, drawn at random), then, while there is room, those between further pairs of
    replicated cells. No column and its mirror image are both there.

    Parameters
    ----------
    design
        ``samples × coefficients``.
    contrasts
        Contrast → weights over the coefficients.
    limit
        Most columns to make.
    seed
        Seed of the random draws.
    """
    rng = np.random.default_rng(seed)
    cells = cells_of(design)
    places = []
    for weights in contrasts.values():
        used = samples_used(design, np.asarray(weights, dtype=float))
        place = tuple(i for i, cell in enumerate(cells) if used[cell].any())
        if place not in places:
            places.append(place)
    share = max(limit // max(len(places), 1), 1)
    chosen: dict[tuple[float, ...], Float] = {}
    spare: list[tuple[tuple[float, ...], Float]] = []
    for place in places:
        found = _columns(design, [cells[i] for i in place], share, rng)
        chosen |= dict(list(found.items())[:share])
        spare += list(found.items())[share:]
    replicated = [i for i, cell in enumerate(cells) if len(cell) > 1]
    pairs = [p for p in itertools.combinations(replicated, 2) if p not in places]
    for pair in pairs:
        spare += list(_columns(design, [cells[i] for i in pair], share, rng).items())
    for position in rng.permutation(len(spare)):
        if len(chosen) >= limit:
            break
        key, column = spare[position]
        chosen.setdefault(key, column)
    columns = list(chosen.values())[:limit]
    return np.array(columns).T if columns else np.zeros((len(design), 0))


def _columns(
    design: Float, cells: list[npt.NDArray[np.int64]], share: int, rng: np.random.Generator
) -> dict[tuple[float, ...], Float]:
    total = math.prod(_n_labels(len(cell)) for cell in cells)
    vectors: Iterable[tuple[Labels, ...]]
    if total <= MAX_ENUMERATED:
        picks = list(itertools.product(*(_labels(len(cell)) for cell in cells)))
        order = rng.permutation(len(picks))
        vectors = (picks[i] for i in order)
    else:
        vectors = (
            tuple(_random_labels(len(cell), rng) for cell in cells) for _ in range(20 * share)
        )
    q = column_basis(design)
    made: dict[tuple[float, ...], Float] = {}
    for labels in vectors:
        column = np.zeros(len(design))
        for cell, signs in zip(cells, labels, strict=True):
            column[cell] = signs
        free = column - q @ (q.T @ column)
        if free @ free < MIN_EFFICIENCY * (column @ column):
            continue
        first = free[np.argmax(np.abs(free) > 1e-9)]
        sign = np.sign(first)
        # Two label vectors that differ only inside the design are one mock contrast.
        key = tuple(np.round(sign * free, 9) + 0.0)
        made.setdefault(key, sign * column)
    return made


def _n_labels(n: int) -> int:
    """Label vectors that a cell of `n` samples has."""
    return 2 if n == 1 else math.comb(n, n // 2) * (1 + n % 2)


def _labels(n: int) -> list[Labels]:
    """Label vectors of a cell: as balanced as its size allows."""
    if n == 1:
        return [(-1.0,), (1.0,)]
    made = [
        tuple(1.0 if i in up else -1.0 for i in range(n))
        for ups in sorted({n // 2, n - n // 2})
        for up in itertools.combinations(range(n), ups)
    ]
    return sorted(made)


def _random_labels(n: int, rng: np.random.Generator) -> Labels:
    """One of these label vectors, without listing them: there are 2.7 million of 24 samples."""
    ups = n // 2 + (int(rng.integers(2)) if n % 2 else 0)
    labels = np.where(np.arange(n) < ups, 1.0, -1.0)
    return tuple(float(x) for x in rng.permutation(labels))
