"""The rotation test: its error without an effect, what it needs to see one, and its parts."""

import numpy as np
import pytest
from scipy import stats

from pathcall.calls import rotation
from pathcall.stats.ebayes import Prior

GENES = 240


def groups(*sizes: int) -> list[np.ndarray]:
    """Lines of one readout each, on genes of their own."""
    made, start = [], 0
    for size in sizes:
        weights = np.zeros((GENES, 1))
        weights[start : start + size] = 1.0
        made.append(weights)
        start += size
    return made


def of(space: rotation.Space, weights: list[np.ndarray]) -> list[rotation.Line]:
    return [rotation.Line.of(space.values, w) for w in weights]


def design(n: int) -> np.ndarray:
    return np.column_stack([np.ones(2 * n), np.repeat([0.0, 1.0], n)])


def values(rng: np.random.Generator, n: int, lines: list[np.ndarray], shared: float) -> np.ndarray:
    """Null values whose lines share a factor, so that their scores are correlated."""
    load = shared * np.hstack(lines).sum(axis=1) * rng.normal(0.5, 0.2, GENES)
    sd = np.sqrt(6 / rng.chisquare(6, GENES))
    noise = rng.standard_normal((2 * n, GENES)) * sd
    return noise + np.outer(rng.standard_normal(2 * n), load)


CONTRAST = np.array([0.0, 1.0])


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 6])
def test_p_is_uniform_without_an_effect_though_lines_are_correlated(n):
    rng = np.random.default_rng([n, 8])
    lines = groups(9, 60, 80, 80)
    p = []
    for turn in range(1200):
        # Fresh rotations: with one set of them for all draws, its own error would be shared.
        random = rotation.random_directions(199, 2 * n - 1, turn)
        space = rotation.Samples(values(rng, n, lines, 0.6), design(n)).contrast(CONTRAST)
        p.append(rotation.rotation_test(space, of(space, lines), random, min_lines=2).p[0])
    p = np.array(p)
    # Four standard errors of 1,200 draws; the benchmark makes 10,000.
    for level in (0.02, 0.1, 0.5):
        error = 4 * np.sqrt(level * (1 - level) / len(p))
        assert abs((p <= level).mean() - level) < error


def moved(effects: list[float], *, n: int = 3, seed: int = 1) -> rotation.JointTest:
    lines = groups(20, 40, 60, 80)
    rng = np.random.default_rng(seed)
    drawn = values(rng, n, lines, 0.0)
    for weights, effect in zip(lines, effects, strict=True):
        drawn[n:] += effect * (weights[:, 0] != 0)
    space = rotation.Samples(drawn, design(n)).contrast(CONTRAST)
    random = rotation.random_directions(4999, 2 * n - 1, 3)
    return rotation.rotation_test(space, of(space, lines), random, min_lines=2)


def test_two_lines_say_more_than_one():
    two, one, none = (moved(e) for e in ([2.0, 2.0, 0, 0], [2.0, 0, 0, 0], [0.0, 0, 0, 0]))
    assert two.p[0] < 0.02
    assert two.p[0] < one.p[0] < none.p[0]
    # Which two makes no difference to the kind of statistic.
    assert moved([0.0, 0.0, 2.0, 2.0]).p[0] < 0.02


def test_the_test_is_symmetric():
    up, down = moved([1.0, 1.0, 1.0, 1.0]), moved([-1.0, -1.0, -1.0, -1.0])
    assert (up.direction[0], down.direction[0]) == (1, -1)
    assert up.effect[0] > 0 > down.effect[0]


def test_the_mean_of_the_lines_is_an_ordinary_t_test():
    lines = groups(20, 40)
    drawn = values(np.random.default_rng(4), 4, lines, 0.3)
    space = rotation.Samples(drawn, design(4)).contrast(CONTRAST)
    made = rotation.rotation_test(
        space, of(space, lines), rotation.random_directions(99, 7, 1), min_lines=2
    )
    d0, scale = float(space.prior.df), float(space.prior.scale)
    centred = drawn - drawn.mean(axis=1, keepdims=True)
    rest = centred - np.repeat([centred[:4].mean(axis=0), centred[4:].mean(axis=0)], 4, axis=0)
    sd = np.sqrt((d0 * scale + (rest**2).sum(axis=0)) / (d0 + 6)) if np.isfinite(d0) else 1.0
    weights = np.hstack(lines) / np.reshape(sd, (-1, 1))
    weights /= np.abs(weights).sum(axis=0)
    own = (centred @ weights).mean(axis=1)
    expected = stats.ttest_ind(own[4:], own[:4])
    np.testing.assert_allclose(made.mean_t[0], expected.statistic, rtol=1e-9)
    np.testing.assert_allclose(made.effect[0], own[4:].mean() - own[:4].mean(), rtol=1e-9)
    np.testing.assert_allclose(made.se[0], made.effect[0] / made.mean_t[0], rtol=1e-9)


def test_an_added_column_is_a_contrast_of_the_design_that_holds_it():
    lines = groups(20, 40)
    rng = np.random.default_rng(5)
    drawn = values(rng, 6, lines, 0.4)
    column = np.tile([1.0, 1, -1, -1, 1, -1], 2)
    added = rotation.Samples(drawn, design(6)).added(column[:, None])
    whole = np.column_stack([design(6), column])
    alone = rotation.Samples(drawn, whole).contrast(np.array([0.0, 0, 2]))
    # Only the prior is estimated from one coordinate more.
    alone = alone._replace(prior=added.prior)
    few = rotation.random_directions(99, 10, 1)
    a = rotation.rotation_test(added, of(added, lines), few, min_lines=2)
    b = rotation.rotation_test(alone, of(alone, lines), few, min_lines=2)
    np.testing.assert_allclose(np.abs(a.effect), np.abs(b.effect), rtol=1e-9)
    np.testing.assert_allclose(a.line_t, b.line_t, rtol=1e-9)
    assert added.df == alone.df == 9


def test_a_score_without_residual_variance_has_no_t():
    scores = rotation.Scores(np.array([[1.0]]), np.array([[1.0]]))
    assert scores.t(3) == 0
    assert scores.cosine == 1


def test_lengths_do_not_depend_on_how_many_coordinates_there_are():
    rng = np.random.default_rng(6)
    values, weights = rng.standard_normal((8, 30)), np.ones((8, 1))
    line = rotation.Line.of(values, weights)
    assert line.factor.shape == (8, 8)
    u = rng.standard_normal(8)
    np.testing.assert_allclose(np.linalg.norm(u @ line.factor), np.linalg.norm(u @ values))
    few = rotation.Line.of(values[:, :3], weights)
    assert few.factor is few.values


def test_a_p_that_nobody_needs_is_left_open():
    lines = groups(20, 40)
    space = rotation.Samples(values(np.random.default_rng(4), 4, lines, 0.3), design(4))
    space = space.contrast(CONTRAST)
    random = rotation.random_directions(99, 7, 1)
    made = [
        rotation.rotation_test(
            space, of(space, lines), random, min_lines=2, needed=lambda t, yes=yes: np.array([yes])
        )
        for yes in (False, True)
    ]
    assert np.isnan(made[0].p[0])
    assert 0 < made[1].p[0] <= 1
    np.testing.assert_array_equal(made[0].line_t, made[1].line_t)


def test_the_largest_p_is_one_and_the_smallest_counts_the_rotations():
    space = rotation.Space(
        np.eye(3), np.eye(1, 3), np.array([1.0]), Prior(np.array(np.inf), np.array(1.0))
    )
    lines = [np.array([[1.0], [0], [0]]), np.array([[1.0], [0], [0]])]
    random = np.array([[0.0, 1, 0], [0, 0, 1], [0, 0.6, 0.8]])
    assert rotation.rotation_test(space, of(space, lines), random, min_lines=2).p[0] == 1 / 4
