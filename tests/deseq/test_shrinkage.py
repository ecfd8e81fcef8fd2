"""Shrinkage of any contrast."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import optimize, stats

from pathcall.deseq.inference import PRIOR_WIDE
from pathcall.deseq.shrinkage import prior_scale, reparametrise
from tests.deseq.fits import close, contrast, factorial, fit, simulated


@pytest.mark.parametrize("weights", [[0, 1, 0, 0], [0, 0, 0, 1], [0, 1, -1, 0], [0, 1, 0, 1]])
def test_shrinkage_is_the_posterior_mode(weights: list[float]) -> None:
    """Against a general optimiser on the written-out posterior, for any kind of contrast."""
    design = factorial()
    counts = simulated(design, 200)
    dds = fit(counts, design)
    c = np.asarray(weights, dtype=float)
    result = contrast(dds, c)
    ln2 = np.log(2)
    scale = prior_scale(result["log2fc"].to_numpy(), result["lfc_se"].to_numpy())
    matrix, transform, position = reparametrise(design.to_numpy(), c)
    np.testing.assert_allclose(transform[position], c)
    sf = dds.obs["size_factors"].to_numpy()
    for gene in result.index[::17]:
        y, size = counts[gene].to_numpy(), 1 / dds.var["dispersions"][gene]

        def loss(b: npt.NDArray[np.float64], y: object = y, size: float = size) -> float:
            mu = sf * np.exp(matrix @ b)
            prior = np.log1p((b[position] / scale) ** 2)
            prior += (np.delete(b, position) ** 2).sum() / (2 * PRIOR_WIDE**2)
            return float(-stats.nbinom.logpmf(y, size, size / (size + mu)).sum() + prior)

        starts = [transform @ dds.varm["LFC"].loc[gene].to_numpy()]
        starts.append(np.where(np.arange(4) == position, 0.0, starts[0]))
        best = min(
            (optimize.minimize(loss, s, method="BFGS", options={"gtol": 1e-7}) for s in starts),
            key=lambda r: r.fun,
        )
        mode = result["log2fc_shrunk"][gene] * ln2
        assert mode == pytest.approx(best.x[position], abs=2e-4)
        step = 1e-3
        hessian = np.array(
            [
                [
                    (
                        loss(best.x + step * (ei + ej)) - loss(best.x + step * (ei - ej))
                        - loss(best.x - step * (ei - ej)) + loss(best.x - step * (ei + ej))
                    ) / (4 * step**2)
                    for ej in np.eye(4)
                ]
                for ei in np.eye(4)
            ]
        )  # fmt: skip
        sd = np.sqrt(np.linalg.inv(hessian)[position, position])
        assert result["lfc_se_shrunk"][gene] * ln2 == pytest.approx(sd, rel=0.02)


def test_shrinkage_keeps_signs_and_shrinks() -> None:
    design = factorial()
    dds = fit(simulated(design, 600), design)
    for weights in ([0, 1, 0, 0], [0, -1, 0, 0], [0, 1, -1, 0], [0, 0, 0, 1], [0, -1, 0, -1]):
        result = contrast(dds, weights)
        clear = result["stat"].abs() > 4
        assert clear.sum() > 20
        same = np.sign(result["log2fc"]) == np.sign(result["log2fc_shrunk"])
        assert same[clear].all()
        assert (result["log2fc_shrunk"].abs() <= result["log2fc"].abs() + 1e-2).mean() > 0.97
        assert np.corrcoef(result["log2fc"][clear], result["log2fc_shrunk"][clear])[0, 1] > 0.98


def test_a_reversed_contrast_is_the_negative() -> None:
    design = factorial()
    dds = fit(simulated(design, 400), design)
    up = contrast(dds, [0, 1, -1, 0])
    down = contrast(dds, [0, -1, 1, 0])
    close(up["log2fc"], -down["log2fc"], atol=1e-12)
    close(up["padj"], down["padj"], rtol=1e-12)
    close(up["log2fc_shrunk"], -down["log2fc_shrunk"], atol=1e-9)
