"""How many independent samples a contrast rests on: replicates of a cell, or the spread of a slope.

A contrast between levels of factors rests on the samples of its cells, and is as well replicated as
the smallest of them. A contrast between two values of a continuous column (a dose, a time) has no
cells: no sample need have either value. It is a slope, and it rests on samples that are spread over
the column. Counted are the samples that carry the sparser end of the slope
(`pathcall.stats.linear_models.effective_samples`), rounded: with doses 0, 1 and 2, three samples
each, 3; with one sample at 100 and all others at 0, 1, whatever their number, since that one sample
decides. There are never more than the residual degrees of freedom of the model, which is what a
slope's error is measured with.

A difference of contrasts is as well replicated as the worst of them, however long the chain of
`subtract`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from pathcall.deseq.fitted import FittedModel
from pathcall.stats.linear_models import effective_samples, estimate_weights
from pathcall.study.contrasts import Contrast


class Replication(NamedTuple):
    """Samples, and what they are samples of, in words."""

    samples: int
    what: str

    def __str__(self) -> str:
        return f"{self.samples} sample{'' if self.samples == 1 else 's'} {self.what}"


def replication(
    model: FittedModel, contrast: Contrast, contrasts: Mapping[str, Contrast]
) -> Replication:
    """Replication of the least replicated part of a contrast.

    Parameters
    ----------
    model
        The fitted model the contrast belongs to.
    contrast
        The contrast.
    contrasts
        All contrasts, by id, to follow `subtract`.
    """
    parts: list[Replication] = []
    step: Contrast | None = contrast
    while step is not None:
        subtracted = contrasts[step.subtract] if step.subtract is not None else None
        parts += [_cell(model, step.test), _cell(model, step.reference)]
        slopes = step.slopes(model.continuous)
        if slopes:
            weights = model.contrasts[step.contrast]
            if subtracted is not None:  # the step itself, without what it subtracts
                weights = weights + model.contrasts[subtracted.contrast]
            carried = effective_samples(estimate_weights(model.design.to_numpy(float), weights))
            parts.append(
                Replication(
                    min(round(carried), model.residual_df),
                    f"at the sparser end of {' and '.join(slopes)}",
                )
            )
        step = subtracted
    return min(parts, key=lambda part: part.samples)


def _cell(model: FittedModel, cell: Mapping[str, str]) -> Replication:
    same = np.ones(len(model.samples), dtype=bool)
    for factor, level in cell.items():
        if factor not in model.continuous:
            same &= (model.samples[factor].astype(str) == str(level)).to_numpy()
    return Replication(int(same.sum()), "in the smallest cell")
