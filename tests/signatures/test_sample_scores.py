import numpy as np
from scipy import stats

from pathcall.signatures import sample_scores as ss

contrast_scores, added_scores = ss.test_scores, ss.test_added


def test_unit_weights_have_unit_length_and_no_level():
    weights = np.array([[1.0, 0, 2], [1, 0, -1], [0, 0, 0], [0, 0, 5]])
    made = ss.unit_weights(weights)
    np.testing.assert_allclose(made.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose((made**2).sum(axis=0), [1, 0, 1])


def test_joint_scores_are_coefficients_of_the_joint_model():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(200, 3))
    weights[:, 1] += weights[:, 0]
    profile = rng.normal(size=200)
    design = np.column_stack([np.ones(200), weights])
    coefficients = np.linalg.lstsq(design, profile, rcond=None)[0][1:]
    scores = profile @ ss.joint_weights(weights)
    # Unit length changes the scale of a coefficient, not its sign or rank between samples.
    lengths = np.sqrt(np.diag(np.linalg.inv(design.T @ design))[1:])
    np.testing.assert_allclose(scores * lengths, coefficients, rtol=1e-9)


def test_an_unmoderated_score_test_is_the_two_sample_t_test():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=4), rng.normal(1, 1, size=4)
    design = np.column_stack([np.ones(8), np.repeat([0.0, 1], 4)])
    made = contrast_scores(np.r_[a, b][:, None], design, np.array([0.0, 1]))
    expected = stats.ttest_ind(b, a)
    np.testing.assert_allclose(made.t, expected.statistic)
    np.testing.assert_allclose(made.p, expected.pvalue)


def test_added_columns_equal_separate_fits():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(10, 40))
    design = np.column_stack([np.ones(10), np.repeat([0.0, 1], 5)])
    added = rng.choice([-1.0, 1.0], size=(10, 3))
    made = added_scores(values, design, added)
    for j in range(3):
        alone = contrast_scores(
            values, np.column_stack([design, added[:, j]]), np.array([0.0, 0, 1])
        )
        np.testing.assert_allclose(made.effect[:, j], alone.effect)
        np.testing.assert_allclose(made.t[:, j], alone.t)
        np.testing.assert_allclose(made.df[j], alone.df[0])


def test_no_residual_degrees_of_freedom_gives_no_p():
    made = contrast_scores(np.eye(2), np.array([[1.0, 0], [1, 1]]), np.array([0.0, 1]))
    assert np.isnan(made.p).all()
