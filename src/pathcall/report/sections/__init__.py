"""The sections of the page, one module each: its content and its figures together.

A section's `context` returns the variables of its part of the template. A new section is a module
here with a `context`, its name in `SECTIONS`, and its markup in ``templates/``.
"""

from __future__ import annotations

from typing import Any

from pathcall import __version__
from pathcall.report import wording
from pathcall.report.data import ReportData
from pathcall.report.sections import (
    answer,
    contrasts,
    controls,
    false_calls,
    methods,
    model_fit,
    provenance,
    quality,
    ranking,
    secretome,
    sensitivity,
    set_map,
    shared_genes,
    single_sets,
    why,
)

SECTIONS = (
    answer,
    single_sets,
    why,
    ranking,
    controls,
    false_calls,
    sensitivity,
    quality,
    model_fit,
    contrasts,
    shared_genes,
    set_map,
    secretome,
    methods,
    provenance,
)


WITHOUT_CALLS = (quality, model_fit, contrasts, shared_genes, set_map, methods, provenance)
"""Sections of a page without calls (``pathways: none``)."""


def context(data: ReportData) -> dict[str, Any]:
    """Every variable of the page's template that comes from the results."""
    made: dict[str, Any] = {
        "study": data.study,
        "version": __version__,
        "alpha": data.alpha,
        "contrasts": data.contrasts,
        "banners": [(k, *wording.KINDS[k]) for k in data.kinds if k in wording.KINDS],
        "captions": wording.CAPTIONS,
        "has_calls": data.has_calls,
        "kind_of_page": "pathway calls" if data.has_calls else "differential expression",
        **answer.study_size(data),
        "n_sets": len(data.panel.gene_sets),
        "has_footprints": any(len(frame) for frame in data.activity.values()),
    }
    for section in SECTIONS if data.has_calls else WITHOUT_CALLS:
        made |= section.context(data)
    return made
