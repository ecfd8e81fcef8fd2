import numpy as np
import pytest
from scipy import stats

from pathcall.stats.tails import t_to_z, two_sided_p


@pytest.mark.parametrize("df", [3.0, 8.0, 200.0, 2e4])
def test_t_to_z_keeps_the_tail(df):
    t = np.array([-30.0, -4.0, -0.1, 0.0, 1.0, 6.0, 30.0])
    z = t_to_z(t, df)
    np.testing.assert_allclose(stats.norm.logsf(np.abs(z)), stats.t.logsf(np.abs(t), df), rtol=1e-8)
    assert (np.sign(z) == np.sign(t)).all()


def test_t_to_z_goes_on_where_the_tail_underflows():
    t = np.array([36.0, 36.5, 37.0, 37.5, 38.0, 39.0, 60.0])
    z = t_to_z(t, 2e4)
    assert (np.diff(z) > 0).all()
    assert np.isfinite(z).all()
    assert (two_sided_p(z) > 0).all()
