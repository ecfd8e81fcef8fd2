"""The closed forms against refitting."""

import numpy as np
import pytest

from pathcall.qc.label_fit import exchange_gains, fit_labels
from pathcall.qc.mixtures import between_groups


def residual(design: np.ndarray, values: np.ndarray) -> float:
    beta = np.linalg.lstsq(design, values, rcond=None)[0]
    return float(((values - design @ beta) ** 2).sum())


@pytest.fixture(scope="module")
def study() -> tuple[np.ndarray, np.ndarray]:
    """Three groups of three in three blocks."""
    rng = np.random.default_rng(0)
    blocks = np.tile(np.eye(3)[:, 1:], (3, 1))
    design = np.hstack([np.repeat(np.eye(3), 3, axis=0), blocks])
    return design, rng.normal(size=(9, 40)) + design @ rng.normal(size=(5, 40)) * 2


@pytest.mark.parametrize(("i", "j"), [(0, 4), (2, 8), (1, 3)])
def test_gain_of_an_exchange(study, i: int, j: int) -> None:
    design, values = study
    fit = fit_labels(values, design)
    swapped = design.copy()
    swapped[[i, j]] = swapped[[j, i]]
    gain = residual(design, values) - residual(swapped, values)
    assert exchange_gains(fit)[i, j] == pytest.approx(gain)
    assert fit.rss == pytest.approx(residual(design, values))


def test_samples_of_one_label_or_left_out_are_not_exchanged(study) -> None:
    design, values = study
    kept = np.arange(9) != 4
    gains = exchange_gains(fit_labels(values, np.hstack([design[:, :3]]), kept))
    assert np.isneginf(gains[0, 1])
    assert np.isneginf(gains[4]).all()


def test_distance_is_what_leaving_the_sample_out_takes_off(study) -> None:
    design, values = study
    fit = fit_labels(values, design)
    for i in range(9):
        rest = np.arange(9) != i
        gain = residual(design, values) - residual(design[rest], values[rest])
        assert fit.distance[i] ** 2 * fit.noise == pytest.approx(gain)


def test_a_sample_without_mates_has_no_distance() -> None:
    values = np.random.default_rng(1).normal(size=(5, 20))
    fit = fit_labels(values, np.eye(3)[[0, 0, 1, 1, 2]])
    assert list(fit.predicted) == [True, True, True, True, False]
    assert fit.distance[4] == 0
    assert between_groups(fit, np.array([0, 0, 1, 1, 2])).group[4] == -1
