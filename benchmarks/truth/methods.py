"""Ways to call a pathway, each by its usual practice: the rule of pathcall, and what people use.

A method is a function of a view of a model with one contrast, giving pathway → −1, 0 or +1. All see
the same samples, filter and VST values; those that rank genes rank them by limma's moderated t.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import gseapy
import numpy as np
import pandas as pd

from pathcall.calls import rule as rule_of
from pathcall.calls.readout_tests import Prepared, contrast_evidence, prepare
from pathcall.deseq.fitted import FittedModel
from pathcall.enrichment import camera
from pathcall.enrichment.gsea import gsea
from pathcall.enrichment.mlm import fit_footprints
from pathcall.signatures import sample_scores as ss
from pathcall.signatures.panel import Panel
from pathcall.signatures.weights import weight_matrix
from pathcall.stats.ebayes import two_sided
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.stats.tails import two_sided_p
from pathcall.study.config import CallsConfig

Calls = Mapping[str, int]


@dataclass(frozen=True)
class View:
    """A model of one contrast as the methods see it: genes with a symbol, moderated t of each."""

    panel: Panel
    prepared: Prepared
    contrast: np.ndarray
    t: np.ndarray

    @classmethod
    def of(cls, model: FittedModel, panel: Panel) -> View:
        """Lay the panel over a model with one contrast."""
        prepared = prepare(panel, model, RULE)
        (contrast,) = model.contrasts.values()
        t = ss.test_scores(prepared.vst, prepared.design, contrast).t
        return cls(panel, prepared, contrast, t)


Method = Callable[[View], Calls]
PATHWAYS = ("AKT", "NFKB_CANONICAL", "MAPK", "FRA1_AP1")
FOOTPRINT = {"AKT": "PI3K", "NFKB_CANONICAL": "NFkB", "MAPK": "MAPK"}
HALLMARK = {
    "AKT": "HALLMARK_PI3K_AKT_MTOR_SIGNALING",
    "NFKB_CANONICAL": "HALLMARK_TNFA_SIGNALING_VIA_NFKB",
    "MAPK": "HALLMARK_KRAS_SIGNALING_UP",
}
ALPHA = 0.05
RULE = CallsConfig(rotations=999)


def pathcall_rule(view: View) -> Calls:
    """The rule of docs/method.md."""
    found = contrast_evidence(view.prepared, view.contrast[:, None], RULE, seed=1)
    decision = rule_of.decide(view.prepared, found, RULE)
    code = {p: int(decision.call[i, 0]) for i, p in enumerate(decision.pathways)}
    return {p: code[p] if code[p] in (1, -1) else 0 for p in PATHWAYS}


def _best(z: np.ndarray, p: np.ndarray, owners: list[str]) -> Calls:
    """The sign of each pathway's set of smallest p, where that is below 0.05 by Bonferroni."""
    made = dict.fromkeys(PATHWAYS, 0)
    for pathway in PATHWAYS:
        own = [i for i, o in enumerate(owners) if o == pathway]
        best = min(own, key=lambda i: p[i])
        if p[best] * len(own) < ALPHA:
            made[pathway] = int(np.sign(z[best]))
    return made


def _evidence_sets(view: View) -> tuple[list[str], np.ndarray]:
    table = view.prepared.table
    own = ((table["role"] == "evidence") & table["pathway"].isin(PATHWAYS)).to_numpy()
    return list(table["pathway"][own]), view.prepared.weights[:, own]


def camera_best(view: View) -> Calls:
    """Camera (correlation 0.01), the pathway's best evidence set, Bonferroni."""
    owners, weights = _evidence_sets(view)
    z = camera.test_signatures(view.t[:, None], weights)[:, 0]
    return _best(z, np.nan_to_num(two_sided_p(z), nan=1.0), owners)


def fry_best(view: View) -> Calls:
    """Fry's mean (genes over their moderated SD, ordinary t), best evidence set, Bonferroni."""
    owners, weights = _evidence_sets(view)
    design, contrast = view.prepared.design, view.contrast
    scores = ss.standardise(view.prepared.vst, design) @ weights
    estimate = np.linalg.pinv(design)
    effect = contrast @ estimate @ scores
    variance, df = ss.residual_variance(scores, design)
    se = np.sqrt(variance * (contrast @ estimate @ estimate.T @ contrast))
    t = np.divide(effect, se, out=np.zeros_like(effect), where=se > 0)
    return _best(t, two_sided(t, df), owners)


def prerank(view: View) -> Calls:
    """GSEA prerank over the Hallmarks, FDR < 0.05 of the pathway's Hallmark."""
    sets = {s.name: list(s.genes) for s in view.panel.gene_sets.values() if s.collection == "H"}
    table = gsea(pd.Series(view.t, index=list(view.prepared.symbols)), sets, seed=1)
    fdr = pd.Series(benjamini_hochberg(table["pvalue"].to_numpy(float)), index=table.index)
    return dict.fromkeys(PATHWAYS, 0) | {
        p: int(np.sign(table.at[s, "nes"])) if fdr[s] < ALPHA else 0 for p, s in HALLMARK.items()
    }


def _footprints(view: View) -> tuple[list[str], np.ndarray]:
    rows = view.panel.footprints
    named = {
        str(p): dict(zip(g["gene"], g["weight"], strict=True)) for p, g in rows.groupby("pathway")
    }
    weights, names = weight_matrix(named, view.prepared.symbols)
    return names, weights


def _by_fdr(z: np.ndarray, p: np.ndarray, names: list[str]) -> Calls:
    fdr = dict(zip(names, benjamini_hochberg(p), strict=True))
    sign = dict(zip(names, np.sign(z), strict=True))
    return dict.fromkeys(PATHWAYS, 0) | {
        p: int(sign[f]) if fdr[f] < ALPHA else 0 for p, f in FOOTPRINT.items()
    }


def progeny_ulm(view: View) -> Calls:
    """PROGENy by decoupler's univariate linear model, FDR < 0.05 over its 14 pathways."""
    names, weights = _footprints(view)
    r = np.array([np.corrcoef(view.t, w)[0, 1] for w in weights.T])
    df = len(view.t) - 2
    z = r * np.sqrt(df / (1 - r**2))
    return _by_fdr(z, two_sided(z, df), names)


def progeny_mlm(view: View) -> Calls:
    """PROGENy by a multivariate linear model (correlation 0.01), FDR < 0.05."""
    names, weights = _footprints(view)
    z = fit_footprints(view.t[:, None], weights).z[:, 0]
    return _by_fdr(z, two_sided_p(z), names)


def gsva_limma(view: View) -> Calls:
    """GSVA scores of the Hallmarks (gseapy's, Gaussian kernel), limma on them, FDR < 0.05."""
    prepared = view.prepared
    sets = {s.name: list(s.genes) for s in view.panel.gene_sets.values() if s.collection == "H"}
    values = pd.DataFrame(prepared.vst.T, index=list(prepared.symbols))
    values.columns = [f"s{i}" for i in range(values.shape[1])]
    made = gseapy.gsva(values, sets, kcdf="Gaussian", min_size=5, threads=1).res2d
    scores = made.pivot_table(index="Name", columns="Term", values="ES", aggfunc="first")
    scores = scores.loc[list(values.columns)]
    names = [str(c) for c in scores.columns]
    tested = ss.test_scores(scores.to_numpy(dtype=float), prepared.design, view.contrast)
    fdr = dict(zip(names, benjamini_hochberg(tested.p), strict=True))
    sign = dict(zip(names, np.sign(tested.t), strict=True))
    return dict.fromkeys(PATHWAYS, 0) | {
        p: int(sign[s]) if fdr[s] < ALPHA else 0 for p, s in HALLMARK.items()
    }


METHODS: dict[str, Method] = {
    "pathcall": pathcall_rule,
    "camera, best evidence set, Bonferroni": camera_best,
    "fry, best evidence set, Bonferroni": fry_best,
    "prerank GSEA, Hallmark, FDR": prerank,
    "PROGENy, ULM (decoupler), FDR": progeny_ulm,
    "PROGENy, MLM, FDR": progeny_mlm,
    "GSVA + limma, Hallmark, FDR": gsva_limma,
}
SLOW = {"prerank GSEA, Hallmark, FDR": 16, "GSVA + limma, Hallmark, FDR": 4}
"""Slow methods are given one of so many mock splits; the first, not all triples of macrophages."""
