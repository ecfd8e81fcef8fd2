"""A sample between two groups: the closed form against refitting, and what is no mixture."""

import numpy as np
import pytest

from pathcall.qc.label_fit import fit_labels
from pathcall.qc.mixtures import SHARES, between_groups
from pathcall.stats.ebayes import squeeze

CELLS = np.repeat([0, 1, 2], 4)


@pytest.fixture(scope="module")
def study() -> tuple[np.ndarray, np.ndarray]:
    """Three groups of four in four blocks; sample 5 has half of its RNA from group 2."""
    rng = np.random.default_rng(0)
    design = np.hstack([np.repeat(np.eye(3), 4, axis=0), np.tile(np.eye(4)[:, 1:], (3, 1))])
    means = design @ rng.normal(size=(6, 60)) * 2 + 8
    means[5] = np.log2(0.5 * 2 ** means[5] + 0.5 * 2 ** means[9])
    return design, means + 0.3 * rng.normal(size=(12, 60)) * np.exp(rng.normal(0, 0.4, 60))


@pytest.mark.parametrize("left_out", [None, 2])
def test_each_sample_is_held_against_a_fit_without_it(study, left_out):
    design, values = study
    kept = np.arange(12) != (-1 if left_out is None else left_out)
    fit = fit_labels(values, design, kept)
    found = between_groups(fit, CELLS)
    for i in range(12):
        rest = kept.copy()
        rest[i] = False
        x, y = design[rest], values[rest]
        beta = np.linalg.lstsq(x, y, rcond=None)[0]
        left, df = y - x @ beta, len(x) - 6
        weight = 1 / squeeze((left**2).sum(axis=0) / df, df).variance
        own = design[i] @ beta
        spread = 1 + design[i] @ np.linalg.pinv(x.T @ x) @ design[i]
        error = values[i] - own
        noise = np.median(left**2 @ weight) * len(left) / df
        square = error**2 @ weight / spread
        tried = []
        for g, row in enumerate(fit.rows):
            if row[:3] @ design[i, :3] == 0:
                for s in SHARES:
                    mixed = np.log2((1 - s) * 2**own + s * 2 ** (row @ beta)) - own
                    gain = (error**2 - (error - mixed) ** 2) @ weight / spread
                    sd = np.sqrt(((left @ (weight * mixed)) ** 2).sum() / df * spread)
                    tried.append((gain, s, g, (error * mixed) @ weight / sd))
        gain, share, group, t = max(tried)
        if gain <= 0 or square <= noise:
            assert found.group[i] == -1
            continue
        assert (found.group[i], found.share[i]) == (group, share)
        assert found.gain[i] == pytest.approx(gain / noise)
        assert found.t[i] == pytest.approx(t)
        assert found.explained[i] == pytest.approx(min(gain / (square - noise), 1))


def test_the_share_is_on_the_scale_of_counts(study):
    design, values = study
    found = between_groups(fit_labels(values, design), CELLS)
    assert found.gain.argmax() == 5
    assert found.share[5] == pytest.approx(0.5, abs=0.11)
    assert found.t[5] > 5
    assert found.explained[5] > 0.9


def test_a_change_across_the_axis_of_two_groups_is_no_mixture(study):
    design, values = study
    values = values.copy()
    values[5] = values[6]
    values[5, ::2] += 3.0
    values[5, 1::2] -= 3.0
    found = between_groups(fit_labels(values, design), CELLS)
    assert found.explained[5] < 0.5
