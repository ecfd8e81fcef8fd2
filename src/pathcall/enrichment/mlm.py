r"""Footprints: linear models of gene statistics on signed weights (decoupler's ``mlm``).

All pathways of a footprint model enter one regression of the gene statistics :math:`z` on their
weights :math:`W` with an intercept, so that targets that two pathways share count for the one that
explains them (MAPK and EGFR do not leak into PI3K and NF-κB). The score of a pathway is the *t* of
its coefficient, as ``decoupler.mt.mlm`` gives it (Badia-i-Mompel 2022, Bioinform Adv 2:vbac016).

That *t* takes genes for independent replicates. The tested value allows for their correlation as
camera does: each coefficient is a linear functional :math:`c_p` of the statistics (a row of
:math:`(X^T X)^{-1} X^T`), and

.. math::

    z_p = \frac{\sum_g c_{pg} z_g}{s \sqrt{\sum_g c_{pg}^2
        + \rho_p [(\sum_{g \in S_p} |c_{pg}|)^2 - \sum_{g \in S_p} c_{pg}^2]}}

with :math:`S_p` the pathway's own targets and :math:`\rho_p` their mean correlation, weighted by
:math:`c` and signed (see `pathcall.enrichment.camera`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pathcall.enrichment import camera
from pathcall.enrichment.camera import PRESET_CORRELATION, Float
from pathcall.stats.linear_models import column_basis
from pathcall.stats.tails import t_to_z

_COLLINEAR = 1e-6
"""Share of a column's spread that must be left beside the others for it to be estimable."""


@dataclass(frozen=True)
class LinearFit:
    """Regressions of gene statistics on signatures.

    Attributes
    ----------
    coefficient
        ``p × k``.
    t
        *t* value of each coefficient with genes taken for independent, ``p × k``.
    z
        Normal deviate after correction for inter-gene correlation, ``p × k``.
    """

    coefficient: Float
    t: Float
    z: Float


def mlm_functionals(weights: Float) -> Float:
    """Each coefficient of the joint model as weights on the genes, ``genes × p``."""
    design = np.column_stack([np.ones(len(weights)), weights])
    if len(design) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("footprints are collinear over the measured genes")
    # Scaled columns: PROGENy weights run over two orders of magnitude.
    scale = np.sqrt(np.einsum("gp,gp->p", design, design))
    basis, triangle = np.linalg.qr(design / scale)
    functionals: Float = (np.linalg.inv(triangle) @ basis.T / scale[:, None]).T[:, 1:]
    return functionals


def fit_footprints(
    stats: Float,
    weights: Float,
    correlation: Float | float = PRESET_CORRELATION,
    *,
    df: Float | float = np.inf,
) -> LinearFit:
    """All footprints of a model at once, with the correlation-corrected value beside the *t*.

    Parameters
    ----------
    stats
        Gene statistics, ``genes × k``.
    weights
        ``genes × p``.
    correlation
        Mean signed correlation of each footprint's targets: `footprint_correlation`.
    df
        Degrees of freedom of the correlation's estimate; infinite where it is preset.

    Raises
    ------
    ValueError
        The weights are collinear, or there are no more genes than columns.
    """
    functionals = mlm_functionals(weights)
    design = np.column_stack([np.ones(len(weights)), weights])
    basis, _ = np.linalg.qr(design)
    residual = stats - basis @ (basis.T @ stats)
    s2 = np.einsum("gk,gk->k", residual, residual) / (len(stats) - design.shape[1])
    coefficient = functionals.T @ stats
    return _test(coefficient, functionals, weights != 0, s2, correlation, df, design.shape[1])


def footprint_correlation(residuals: Float, weights: Float, residual_df: int) -> Float:
    """Mean signed correlation of each footprint's targets, weighted as the joint model does.

    Parameters
    ----------
    residuals
        ``samples × genes``, from the model's own design.
    weights
        ``genes × p``.
    residual_df
        Samples less the rank of the design; the preset value stands below
        `camera.MIN_RESIDUAL_DF`.
    """
    used = np.where(weights != 0, mlm_functionals(weights), 0.0)
    return camera.estimate_correlation(residuals, used, residual_df)


def fit_joint(
    stats: Float,
    target: Float,
    nuisance: Float,
    correlation: Float | float = PRESET_CORRELATION,
    *,
    df: Float | float = np.inf,
) -> LinearFit:
    """Each target signature on its own, adjusted for all nuisance signatures.

    The regression of the statistics on an intercept, one target and every nuisance column: what the
    target's genes do beyond what MAPK output and proliferation, say, do to them.

    Parameters
    ----------
    stats
        Gene statistics, ``genes × k``.
    target
        ``genes × s``.
    nuisance
        ``genes × q``.
    correlation, df
        As in `camera.test_signatures`.

    Returns
    -------
    LinearFit
        NaN for a target that the nuisance columns explain (such as the nuisance itself).
    """
    design = np.column_stack([np.ones(len(nuisance)), nuisance])
    basis = column_basis(design)
    residual = stats - basis @ (basis.T @ stats)
    centred = target - target.mean(axis=0)
    own = target - basis @ (basis.T @ target)
    spread = np.einsum("gs,gs->s", own, own)
    before = np.einsum("gs,gs->s", centred, centred)
    spread[spread <= _COLLINEAR * np.maximum(before, 1e-300)] = np.nan
    functionals = own / spread
    coefficient = functionals.T @ residual
    whole = np.einsum("gk,gk->k", residual, residual)
    columns = basis.shape[1] + 1
    s2 = np.maximum(whole - coefficient**2 * spread[:, None], 0.0) / (len(stats) - columns)
    return _test(coefficient, functionals, target != 0, s2, correlation, df, columns)


def _test(
    coefficient: Float,
    functionals: Float,
    own: np.typing.NDArray[np.bool_],
    s2: Float,
    correlation: Float | float,
    df: Float | float,
    columns: int,
) -> LinearFit:
    square = np.einsum("gp,gp->p", functionals, functionals)
    inside = np.where(own, functionals, 0.0)
    pairs = np.abs(inside).sum(axis=0) ** 2 - np.einsum("gp,gp->p", inside, inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = coefficient / np.sqrt(s2 * square[:, None])
        adjusted = coefficient / np.sqrt(s2 * (square + correlation * pairs)[:, None])
    freedom = np.minimum(df, len(functionals) - columns)
    z = t_to_z(adjusted, camera._column(freedom))
    return LinearFit(coefficient, t, z)
