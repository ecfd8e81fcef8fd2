import itertools

import numpy as np
import pytest

from pathcall.calls.mock_contrasts import MIN_EFFICIENCY, cells_of, mock_columns


def two_groups(n):
    design = np.column_stack([np.ones(2 * n), np.repeat([0.0, 1], n)])
    return design, {"c": np.array([0.0, 1])}


def paired(n):
    pair = np.repeat(np.eye(n), 2, axis=0)
    return np.column_stack([pair, np.tile([0.0, 1], n)]), {"c": np.array([0.0] * n + [1])}


def outside(column, design):
    return column - design @ np.linalg.lstsq(design, column, rcond=None)[0]


def test_cells_are_samples_of_one_row():
    assert [list(c) for c in cells_of(two_groups(2)[0])] == [[0, 1], [2, 3]]


@pytest.mark.parametrize(("n", "expected"), [(2, 2), (3, 18), (4, 18)])
def test_every_distinct_mock_contrast_is_made_once(n, expected):
    # n = 3: one of three in each cell (3 × 3) or one against two (3 × 3), mirror images apart;
    # n = 4: 6 × 6 / 2.
    design, contrasts = two_groups(n)
    columns = mock_columns(design, contrasts, limit=500, seed=1)
    assert columns.shape == (2 * n, expected)
    free = np.array([outside(c, design) for c in columns.T])
    for a, b in itertools.combinations(free, 2):
        assert not np.allclose(a, b)
        assert not np.allclose(a, -b)


def test_mock_labels_are_balanced_within_cells():
    design, contrasts = two_groups(4)
    columns = mock_columns(design, contrasts, limit=500, seed=1)
    assert (np.abs(columns) == 1).all()
    assert (columns[:4].sum(axis=0) == 0).all()


@pytest.mark.parametrize("make", [two_groups, paired])
def test_a_mock_column_is_not_in_the_design_nor_the_real_contrast(make):
    design, contrasts = make(4)
    for column in mock_columns(design, contrasts, limit=500, seed=1).T:
        free = outside(column, design)
        assert free @ free >= MIN_EFFICIENCY * (column @ column)
        # The real effect, a column of the design, can't leak into the mock one.
        np.testing.assert_allclose(design.T @ free, 0, atol=1e-9)


def test_a_real_effect_leaves_the_mock_test_null():
    design, contrasts = paired(6)
    rng = np.random.default_rng(0)
    effect = 50 * design[:, -1][:, None]
    values = rng.normal(size=(12, 300)) + effect
    from pathcall.signatures.sample_scores import test_added as added
    from pathcall.stats.ebayes import two_sided

    columns = mock_columns(design, contrasts, limit=40, seed=2)
    made = added(values, design, columns)
    p = two_sided(made.t, made.df[None, :])
    assert 0.03 < (p < 0.05).mean() < 0.07


def test_the_limit_is_kept_and_the_seed_decides():
    design = np.kron(np.eye(12), np.ones((3, 1)))
    contrasts = {f"c{i}": np.eye(12)[i] - np.eye(12)[0] for i in range(1, 12)}
    one = mock_columns(design, contrasts, limit=50, seed=1)
    assert one.shape == (36, 50)
    np.testing.assert_array_equal(one, mock_columns(design, contrasts, limit=50, seed=1))
    assert not np.array_equal(one, mock_columns(design, contrasts, limit=50, seed=2))


def test_two_against_two_in_a_bare_design_leaves_few():
    assert mock_columns(*two_groups(2), limit=200, seed=1).shape[1] == 2


def test_no_replicates_no_mock_contrasts():
    design = np.eye(2)
    assert mock_columns(design, {"c": np.array([1.0, -1])}, limit=10, seed=1).shape[1] == 0


def test_large_cells_are_drawn_from_not_listed():
    """24 samples a side have 7 × 10¹² splits: listing a cell's alone took 13 s and 0.7 GB."""
    import tracemalloc

    design = np.column_stack([np.ones(48), np.repeat([0.0, 1.0], 24)])
    tracemalloc.start()
    columns = mock_columns(design, {"c": np.array([0.0, 1])}, limit=50, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert columns.shape == (48, 50)
    assert (columns[:24].sum(axis=0) == 0).all()
    assert (columns[24:].sum(axis=0) == 0).all()
    assert peak < 20e6


def test_random_labels_are_as_balanced_as_the_size_allows():
    from pathcall.calls.mock_contrasts import _labels, _n_labels, _random_labels

    rng = np.random.default_rng(1)
    for n in (1, 2, 3, 4, 5):
        listed = set(_labels(n))
        assert len(listed) == _n_labels(n)
        assert {_random_labels(n, rng) for _ in range(300)} == listed
