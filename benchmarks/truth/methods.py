"""Ways to call a pathway, each by its usual practice: the rule of pathcall, and what people use.

A method is a function of a fitted model with one contrast, giving pathway → −1, 0 or +1. All see
the same samples, filter and VST values; those that rank genes rank them by limma's moderated t.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy import stats

from pathcall.calls import rule as rule_of
from pathcall.calls.readout_tests import contrast_evidence, prepare
from pathcall.deseq.fitted import FittedModel
from pathcall.enrichment import camera
from pathcall.enrichment.gsea import gsea
from pathcall.enrichment.mlm import fit_footprints
from pathcall.signatures import sample_scores as ss
from pathcall.signatures.panel import Panel
from pathcall.signatures.weights import genes_by_symbol, weight_matrix
from pathcall.stats.ebayes import two_sided
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.stats.tails import two_sided_p
from pathcall.study.config import CallsConfig

Calls = Mapping[str, int]
Method = Callable[[FittedModel, Panel], Calls]
PATHWAYS = ("AKT", "NFKB_CANONICAL", "MAPK", "FRA1_AP1")
FOOTPRINT = {"AKT": "PI3K", "NFKB_CANONICAL": "NFkB", "MAPK": "MAPK"}
HALLMARK = {
    "AKT": "HALLMARK_PI3K_AKT_MTOR_SIGNALING",
    "NFKB_CANONICAL": "HALLMARK_TNFA_SIGNALING_VIA_NFKB",
    "MAPK": "HALLMARK_KRAS_SIGNALING_UP",
}
ALPHA = 0.05
RULE = CallsConfig(rotations=2999)


def _genes(model: FittedModel) -> tuple[pd.Series, np.ndarray, np.ndarray, np.ndarray]:
    kept = genes_by_symbol(model.symbols, model.base_mean)
    (weights,) = model.contrasts.values()
    return kept, model.vst[kept.index].to_numpy(), model.design.to_numpy(float), weights


def _moderated_t(model: FittedModel) -> pd.Series:
    kept, values, design, weights = _genes(model)
    return pd.Series(ss.test_scores(values, design, weights).t, index=list(kept))


def pathcall_rule(model: FittedModel, panel: Panel) -> Calls:
    """The rule of docs/method.md."""
    prepared = prepare(panel, model, RULE)
    (weights,) = model.contrasts.values()
    found = contrast_evidence(prepared, weights[:, None], RULE, seed=1)
    decision = rule_of.decide(prepared, found, RULE)
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


def _evidence_sets(model: FittedModel, panel: Panel) -> tuple[list[str], np.ndarray]:
    kept = genes_by_symbol(model.symbols, model.base_mean)
    own = [r for r in panel.readouts if r.role == "evidence" and r.pathway in PATHWAYS]
    signed = {r.readout: {g: w * r.expected_direction for g, w in r.weights.items()} for r in own}
    return [r.pathway for r in own], weight_matrix(signed, list(kept))[0]


def camera_best(model: FittedModel, panel: Panel) -> Calls:
    """Camera (correlation 0.01), the pathway's best evidence set, Bonferroni."""
    owners, weights = _evidence_sets(model, panel)
    z = camera.test_signatures(_moderated_t(model).to_numpy()[:, None], weights)[:, 0]
    return _best(z, np.nan_to_num(two_sided_p(z), nan=1.0), owners)


def fry_best(model: FittedModel, panel: Panel) -> Calls:
    """Fry's mean (genes over their moderated SD, ordinary t), best evidence set, Bonferroni."""
    owners, weights = _evidence_sets(model, panel)
    _, values, design, contrast = _genes(model)
    scores = ss.standardise(values, design) @ weights
    estimate = np.linalg.pinv(design)
    effect = contrast @ estimate @ scores
    variance, df = ss.residual_variance(scores, design)
    se = np.sqrt(variance * (contrast @ estimate @ estimate.T @ contrast))
    t = np.divide(effect, se, out=np.zeros_like(effect), where=se > 0)
    return _best(t, two_sided(t, df), owners)


def prerank(model: FittedModel, panel: Panel) -> Calls:
    """GSEA prerank over the Hallmarks, FDR < 0.05 of the pathway's Hallmark."""
    sets = {s.name: list(s.genes) for s in panel.gene_sets.values() if s.collection == "H"}
    table = gsea(_moderated_t(model), sets, seed=1)
    fdr = pd.Series(benjamini_hochberg(table["pvalue"].to_numpy(float)), index=table.index)
    return dict.fromkeys(PATHWAYS, 0) | {
        p: int(np.sign(table.at[s, "nes"])) if fdr[s] < ALPHA else 0 for p, s in HALLMARK.items()
    }


def _footprints(model: FittedModel, panel: Panel) -> tuple[np.ndarray, list[str], np.ndarray]:
    t = _moderated_t(model)
    rows = panel.footprints
    named = {
        str(p): dict(zip(g["gene"], g["weight"], strict=True)) for p, g in rows.groupby("pathway")
    }
    weights, names = weight_matrix(named, list(t.index))
    return t.to_numpy(), names, weights


def _by_fdr(z: np.ndarray, p: np.ndarray, names: list[str]) -> Calls:
    fdr = dict(zip(names, benjamini_hochberg(p), strict=True))
    sign = dict(zip(names, np.sign(z), strict=True))
    return dict.fromkeys(PATHWAYS, 0) | {
        p: int(sign[f]) if fdr[f] < ALPHA else 0 for p, f in FOOTPRINT.items()
    }


def progeny_ulm(model: FittedModel, panel: Panel) -> Calls:
    """PROGENy by decoupler's univariate linear model, FDR < 0.05 over its 14 pathways."""
    t, names, weights = _footprints(model, panel)
    r = np.array([np.corrcoef(t, w)[0, 1] for w in weights.T])
    df = len(t) - 2
    z = r * np.sqrt(df / (1 - r**2))
    return _by_fdr(z, two_sided(z, df), names)


def progeny_mlm(model: FittedModel, panel: Panel) -> Calls:
    """PROGENy by a multivariate linear model (correlation 0.01), FDR < 0.05."""
    t, names, weights = _footprints(model, panel)
    z = fit_footprints(t[:, None], weights).z[:, 0]
    return _by_fdr(z, two_sided_p(z), names)


def scores_limma(model: FittedModel, panel: Panel) -> Calls:
    """Hallmark scores of each sample (mean z, as GSVA's z-score), limma on them, FDR < 0.05."""
    kept, values, design, contrast = _genes(model)
    sets = {
        s.name: dict.fromkeys(s.genes, 1.0) for s in panel.gene_sets.values() if s.collection == "H"
    }
    weights, names = weight_matrix(sets, list(kept))
    z = stats.zscore(values, axis=0, nan_policy="omit")
    scores = np.nan_to_num(z) @ (weights / np.sqrt(np.maximum(weights.sum(axis=0), 1)))
    made = ss.test_scores(scores, design, contrast)
    fdr = dict(zip(names, benjamini_hochberg(made.p), strict=True))
    sign = dict(zip(names, np.sign(made.t), strict=True))
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
    "Hallmark z-scores + limma, FDR": scores_limma,
}
SLOW = {"prerank GSEA, Hallmark, FDR"}
