"""A simulated results folder for the report's tests: every table, no pipeline behind it.

SIMULATED. Counts are drawn from a negative binomial; the shape (three models, nine contrasts, 41
samples) is that of the default study, nothing else is. Statistics are quick stand-ins with the
right columns, scales and relations, so that the report can be tested without running the workflow.

``python -m tests.report_fixture FOLDER [N_GENES]`` writes the folder and renders its report.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import stats

from pathcall import tables
from pathcall.deseq.fitted import FittedModel
from pathcall.signatures.panel import Panel, load_panel
from tests.fitted_models import write_model

ROOT = Path(__file__).resolve().parents[1]
PANEL = ROOT / "resources" / "panel"
STUDY = "SIM41"

# model → [(cell, replicates)]; the reference cell first
CELLS: dict[str, list[tuple[dict[str, str], int]]] = {
    "in_vitro": [
        ({"condition": "A375_vehicle"}, 3),
        ({"condition": "A375_vem_6h"}, 3),
        ({"condition": "A375_vem_48h"}, 3),
        ({"condition": "Colo800_vehicle"}, 2),
        ({"condition": "Colo800_vem_48h"}, 2),
        ({"condition": "UACC62_vehicle"}, 2),
        ({"condition": "UACC62_vem_48h"}, 2),
        ({"condition": "H3122_vehicle"}, 2),
        ({"condition": "H3122_crizotinib_48h"}, 2),
    ],
    "A375_tumour": [({"drug": "vehicle"}, 4), ({"drug": "vemurafenib"}, 4)],
    "A375R_tumour": [
        ({"tumour": "R", "drug": "vehicle"}, 3),
        ({"tumour": "SR", "drug": "vehicle"}, 3),
        ({"tumour": "R", "drug": "vemurafenib"}, 3),
        ({"tumour": "SR", "drug": "vemurafenib"}, 3),
    ],
}
FORMULAS = {
    "in_vitro": "~ condition",
    "A375_tumour": "~ drug",
    "A375R_tumour": "~ tumour * drug",
}
EXCLUDED = "SIM0041"


def _contrast(
    name: str, model: str, test: dict[str, str], reference: dict[str, str], text: str, **more: Any
) -> dict[str, Any]:
    return {
        "contrast": name,
        "model": model,
        "test": test,
        "reference": reference,
        "subtract": None,
        "group": None,
        "expected": {},
        "description": text,
        **more,
    }


def _vitro(line: str, drug: str, text: str, **more: Any) -> dict[str, Any]:
    return _contrast(
        f"{line}_{drug}",
        "in_vitro",
        {"condition": f"{line}_{drug}"},
        {"condition": f"{line}_vehicle"},
        text,
        **more,
    )


DOWN = {"MAPK": "repressed"}
R = {"tumour": "R"}
SR = {"tumour": "SR"}
CONTRASTS: list[dict[str, Any]] = [
    _vitro("A375", "vem_6h", "A375 melanoma cells, vemurafenib 6 h", expected=DOWN),
    _vitro("A375", "vem_48h", "A375 melanoma cells, vemurafenib 48 h", expected=DOWN, group="h48"),
    _vitro(
        "Colo800", "vem_48h", "Colo800 melanoma cells, vemurafenib 48 h", expected=DOWN, group="h48"
    ),
    _vitro(
        "UACC62", "vem_48h", "UACC62 melanoma cells, vemurafenib 48 h", expected=DOWN, group="h48"
    ),
    _vitro(
        "H3122",
        "crizotinib_48h",
        "H3122 lung adenocarcinoma cells, crizotinib 48 h",
        expected=DOWN,
        group="h48",
    ),
    _contrast(
        "A375_vivo_vem",
        "A375_tumour",
        {"drug": "vemurafenib"},
        {"drug": "vehicle"},
        "A375 tumours, vemurafenib",
        expected=DOWN,
    ),
    _contrast(
        "A375R_Ronly_vem",
        "A375R_tumour",
        {**R, "drug": "vemurafenib"},
        {**R, "drug": "vehicle"},
        "A375R cells in R-only tumours, vemurafenib",
    ),
    _contrast(
        "A375R_SR_vem",
        "A375R_tumour",
        {**SR, "drug": "vemurafenib"},
        {**SR, "drug": "vehicle"},
        "A375R cells in regressing (SR) tumours, vemurafenib",
    ),
    _contrast(
        "A375R_SR_minus_Ronly",
        "A375R_tumour",
        {**SR, "drug": "vemurafenib"},
        {**SR, "drug": "vehicle"},
        "Interaction: SR minus R-only",
        subtract="A375R_Ronly_vem",
    ),
]
PLANTED = {  # contrast → pathway → log2 fold change of its readout genes
    "A375_vem_6h": {"MAPK": -1.0},
    "A375_vem_48h": {"MAPK": -1.6, "NFKB_CANONICAL": -0.3},
    "Colo800_vem_48h": {"MAPK": -1.0},
    "UACC62_vem_48h": {"MAPK": -1.1},
    "H3122_crizotinib_48h": {"MAPK": -1.3},
    "A375_vivo_vem": {"MAPK": -0.9},
    "A375R_Ronly_vem": {},
    "A375R_SR_vem": {"AKT": 0.9},
}


@dataclass(frozen=True)
class Simulated:
    """Where the simulated results are and what `render_report` needs beside them."""

    results: Path
    config: dict[str, Any]
    contrasts: list[dict[str, Any]] = field(repr=False)
    panel: Path = PANEL

    def render(self, out: Path | None = None) -> Path:
        from pathcall.report import render_report

        out = out or self.results / "report.html"
        render_report(
            self.results,
            config=self.config,
            contrasts=self.contrasts,
            panel_folder=self.panel,
            out=out,
        )
        return out


def make_results(
    results: Path,
    *,
    n_genes: int = 20_000,
    contrasts: list[str] | None = None,
    title: str = "",
    seed: int = 1,
) -> Simulated:
    """Write a simulated results folder.

    Parameters
    ----------
    results
        Target folder.
    n_genes
        Genes of the matrix; the panel's readout genes are always among them.
    contrasts
        Only these contrasts, and the models that they need; all by default.
    title
        GEO title of the first sample, to try hostile text.
    """
    rng = np.random.default_rng(seed)
    chosen = [c for c in CONTRASTS if contrasts is None or c["contrast"] in contrasts]
    models = [m for m in CELLS if any(c["model"] == m for c in chosen)]
    panel = load_panel(PANEL)
    genes = _genes(panel, n_genes)
    sheet = _sheet(models)
    counts, factors = _counts(rng, panel, genes, sheet)
    excluded = sheet["sample"] == EXCLUDED

    obs = sheet.set_index("sample")
    data = ad.AnnData(X=counts, obs=obs, var=genes.set_index("gene_id", drop=False))
    data.var.index.name = None
    results.mkdir(parents=True, exist_ok=True)
    data.write_h5ad(results / "counts.h5ad")
    factor_columns = ["model", "condition", "tumour", "drug"]
    titles = [f"{row['sample']}_{row['cell']}" for row in sheet.to_dict("records")]
    titles[0] = title or titles[0]
    samples = pd.DataFrame(
        {
            "sample": sheet["sample"],
            "included": np.where(excluded, "no", "yes"),
            "reason": pd.Series(
                np.where(excluded, "library 40 times smaller than the median", None), dtype=object
            ),
            "library_size": counts.sum(1).astype(float),
            "size_factor": np.where(excluded, np.nan, factors),
            **{c: sheet[c].where(sheet[c] != "", None) for c in factor_columns},
            "geo_title": titles,
        }
    )
    tables.write_table(samples, results / "samples.tsv", tables.SAMPLES)

    fitted: dict[str, FittedModel] = {}
    de: dict[str, pd.DataFrame] = {}
    for model in models:
        rows = np.flatnonzero((sheet["model"] == model) & ~excluded)
        fitted[model] = _fit(model, sheet.iloc[rows], counts[rows], factors[rows], genes, chosen)
        write_model(fitted[model], results / "models" / f"{model}.h5ad")
    for c in chosen:
        de[c["contrast"]] = _de(rng, c, chosen, sheet[~excluded], counts, factors, genes)
        tables.write_table(de[c["contrast"]], results / "de" / f"{c['contrast']}.tsv", tables.DE)
    _qc(results, sheet[~excluded].reset_index(drop=True), counts[~excluded], factors[~excluded])
    _signatures(results, panel, de, fitted, chosen)
    _secretome(results, panel, de, chosen)
    _further(results, de, models, chosen)
    config = {
        "study": STUDY,
        "organism": "human",
        "samples": "config/samples.tsv",
        "contrasts": "config/contrasts.tsv",
        "models": {m: {"samples": {}, "design": FORMULAS[m], "continuous": []} for m in models},
        "filter": {"min_count": 10, "min_samples": "auto"},
        "alpha": 0.05,
        "seed": 20150416,
        "signatures": "resources/panel",
        "offline": True,
    }
    _provenance(results, config)
    return Simulated(results, config, chosen)


def _genes(panel: Panel, n_genes: int) -> pd.DataFrame:
    ids = panel.gene_ids
    ids = ids[ids["symbol"].ne("") & ids["ensembl_gene_id"].ne("")]
    ids = ids.drop_duplicates("symbol").drop_duplicates("ensembl_gene_id")
    wanted = {g for r in panel.readouts for g in r.weights}
    small = {g for r in panel.readouts for g in r.weights if len(r.weights) <= 60}
    secreted = set(panel.secretome["gene"].head(400))
    # Genes of small readouts first, then all that the panel names, then any.
    order = np.select(
        [ids["symbol"].isin(small), ids["symbol"].isin(wanted | secreted)], [0, 1], default=2
    )
    chosen = ids.iloc[np.argsort(order, kind="stable")[:n_genes]].sort_values("ensembl_gene_id")
    return pd.DataFrame(
        {
            "gene_id": chosen["ensembl_gene_id"],
            "symbol": chosen["symbol"],
            "entrez_id": chosen["entrez_id"],
            "gene_type": chosen["gene_type"],
        }
    ).reset_index(drop=True)


def _sheet(models: list[str]) -> pd.DataFrame:
    rows: list[dict[str, str]] = []
    for model, cells in CELLS.items():
        for cell, n in cells:
            for replicate in range(1, n + 1):
                rows.append(
                    {
                        "sample": f"SIM{len(rows) + 1:04d}",
                        "model": model,
                        "condition": cell.get("condition", ""),
                        "tumour": cell.get("tumour", ""),
                        "drug": cell.get("drug", ""),
                        "cell": ", ".join(cell.values()),
                        "replicate": str(replicate),
                    }
                )
    sheet = pd.DataFrame(rows)
    return sheet[sheet["model"].isin(models)].reset_index(drop=True)


def _counts(
    rng: np.random.Generator, panel: Panel, genes: pd.DataFrame, sheet: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    level = rng.normal(4.5, 3.0, len(genes))
    lfc = np.zeros((len(sheet), len(genes)))
    position = {symbol: i for i, symbol in enumerate(genes["symbol"])}
    for contrast in CONTRASTS[:-1]:
        cell = ", ".join(contrast["test"].values())
        rows = np.flatnonzero((sheet["model"] == contrast["model"]) & (sheet["cell"] == cell))
        for pathway, strength in PLANTED[contrast["contrast"]].items():
            for readout in panel.readouts_of(pathway, role="evidence"):
                weights = pd.Series(readout.weights)
                weights = weights[weights.index.isin(position)]
                scaled = np.clip(weights / weights.abs().median(), -2, 2)
                columns = [position[g] for g in weights.index]
                effect = readout.expected_direction * strength * scaled.to_numpy()
                effect = effect * rng.uniform(0.2, 1.0, len(effect))
                current = lfc[np.ix_(rows, columns)]
                lfc[np.ix_(rows, columns)] = np.where(
                    np.abs(effect) > np.abs(current), effect, current
                )
        # a response outside the panel
        extra = rng.choice(len(genes), len(genes) // 20, replace=False)
        lfc[np.ix_(rows, extra)] += rng.normal(0, 0.8, len(extra))
    for model in CELLS:
        rows = np.flatnonzero(sheet["model"] == model)
        lfc[rows] += rng.normal(0, 0.5, len(genes))
    factors = np.exp(rng.normal(0, 0.25, len(sheet)))
    factors = np.where(sheet["sample"] == EXCLUDED, factors / 40, factors)
    mean = 2.0 ** np.clip(level + lfc, -6, 17) * factors[:, None]
    dispersion = 0.03 + 1.5 / np.maximum(mean.mean(0), 0.5)
    size = 1 / dispersion
    return rng.negative_binomial(size, size / (size + mean)).astype(np.int64), factors


def _tested(counts: np.ndarray) -> np.ndarray:
    return np.asarray((counts >= 10).sum(0) >= 3)


def _fit(model, sheet, counts, factors, genes, chosen):  # type: ignore[no-untyped-def]
    keep = _tested(counts)
    names = genes["gene_id"][keep].tolist()
    samples = sheet.set_index("sample")[
        ["cell", *[c for c in ("condition", "tumour", "drug") if (sheet[c] != "").all()]]
    ]
    frame = pd.DataFrame(counts[:, keep], index=samples.index, columns=names)
    cells = pd.get_dummies(samples["cell"], dtype=float)
    normal = frame.div(factors, axis=0)
    mean = normal.mean()
    residual = normal - cells @ np.linalg.lstsq(cells.to_numpy(), normal.to_numpy(), rcond=None)[0]
    raw = ((residual**2).sum() / max(1, len(frame) - cells.shape[1]) - mean) / mean**2
    weights = {}
    for c in chosen:
        if c["model"] == model:
            test, reference = ", ".join(c["test"].values()), ", ".join(c["reference"].values())
            weights[c["contrast"]] = (cells.columns == test).astype(float) - (
                cells.columns == reference
            )
    return FittedModel(
        name=model,
        formula=FORMULAS[model],
        samples=samples.drop(columns="cell"),
        counts=frame,
        vst=np.log2(normal + 1),
        symbols=pd.Series(genes["symbol"][keep].tolist(), index=names, dtype=object),
        size_factors=pd.Series(factors, index=samples.index),
        dispersions=(0.5 * raw.clip(1e-4, 20) + 0.5 * (0.03 + 1.5 / mean)).clip(1e-4, 20),
        base_mean=mean,
        design=cells,
        contrasts=weights,
    )


def _de(rng, c, chosen, sheet, counts, factors, genes):  # type: ignore[no-untyped-def]
    log = np.log2(counts / factors[:, None] + 0.5)
    rows = np.flatnonzero(sheet["model"].reindex(range(len(counts))) == c["model"])

    def cell(which: dict[str, str]) -> np.ndarray:
        hit = (sheet["model"] == c["model"]) & (sheet["cell"] == ", ".join(which.values()))
        return np.asarray(sheet.index[hit])

    pairs = [(cell(c["test"]), cell(c["reference"]), 1.0)]
    if c["subtract"]:
        other = next(x for x in CONTRASTS if x["contrast"] == c["subtract"])
        pairs.append((cell(other["test"]), cell(other["reference"]), -1.0))
    base = (counts[rows] / factors[rows, None]).mean(0)
    lfc = sum(sign * (log[t].mean(0) - log[r].mean(0)) for t, r, sign in pairs)
    variance = (0.03 + 1.5 / np.maximum(base, 0.5) + 1 / np.maximum(base, 0.5)) / np.log(2) ** 2
    se = np.sqrt(variance * sum(1 / len(t) + 1 / len(r) for t, r, _ in pairs))
    stat = lfc / se
    tested = _tested(counts[rows])
    outlier = tested & (rng.uniform(size=len(genes)) < 0.001)
    p = np.where(tested & ~outlier, np.maximum(2 * stats.norm.sf(np.abs(stat)), 1e-290), np.nan)
    padj = np.full(len(genes), np.nan)
    filtered = tested & ~outlier & (base > np.nanquantile(base[tested], 0.05))
    padj[filtered] = stats.false_discovery_control(p[filtered])
    shrink = 1 / (1 + variance)
    frame = pd.DataFrame({"gene_id": genes["gene_id"], "symbol": genes["symbol"]})
    for name, values in {
        "base_mean": base,
        "log2fc": lfc,
        "lfc_se": se,
        "stat": stat,
    }.items():
        frame[name] = np.where(tested, values, np.nan)
    frame["pvalue"], frame["padj"] = p, padj
    frame["log2fc_shrunk"] = np.where(tested, lfc * shrink, np.nan)
    frame["lfc_se_shrunk"] = np.where(tested, se * shrink, np.nan)
    frame["outlier"] = np.where(outlier, "yes", "no")
    return frame


def _qc(results: Path, sheet: pd.DataFrame, counts: np.ndarray, factors: np.ndarray) -> None:
    log = np.log2(counts / factors[:, None] + 1)
    top = np.argsort(-log.var(0))[:500]
    rank = stats.rankdata(log[:, np.sort(top)], axis=1)
    correlation = np.corrcoef(rank)
    centred = log[:, top] - log[:, top].mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    share = s**2 / (s**2).sum()
    names = sheet["sample"].tolist()
    same = (sheet["cell"].to_numpy()[:, None] == sheet["cell"].to_numpy()) & (
        sheet["model"].to_numpy()[:, None] == sheet["model"].to_numpy()
    )
    np.fill_diagonal(same, False)
    off = correlation + np.diag(np.full(len(sheet), np.nan))
    metrics = pd.DataFrame(
        {
            "sample": names,
            "library_size": counts.sum(1).astype(float),
            "n_genes": (counts > 0).sum(1),
            "pct_top_50": 100 * np.sort(counts, 1)[:, -50:].sum(1) / counts.sum(1),
            "pct_mitochondrial": 3.0,
            "size_factor": factors,
            "median_correlation": np.nanmedian(off, 1),
            "group": sheet["cell"],
            "group_correlation": [
                float(np.median(off[i, same[i]])) if same[i].any() else np.nan
                for i in range(len(sheet))
            ],
            "mate_distance": 1.0,
        }
    )
    tables.write_table(metrics, results / "qc" / "metrics.tsv", tables.QC_METRICS)
    pca = pd.DataFrame(
        [
            (name, f"PC{k + 1}", u[i, k] * s[k], share[k])
            for i, name in enumerate(names)
            for k in range(4)
        ],
        columns=["sample", "component", "score", "explained_variance"],
    )
    tables.write_table(pca, results / "qc" / "pca.tsv", tables.QC_PCA)
    pairs = pd.DataFrame(
        [(a, b, correlation[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)],
        columns=["sample", "other", "correlation"],
    )
    tables.write_table(pairs, results / "qc" / "correlation.tsv", tables.QC_CORRELATION)
    flags = pd.DataFrame(
        {
            "sample": [names[2]],
            "flag": ["library_size"],
            "severity": ["warning"],
            "value": [0.41],
            "threshold": [0.5],
            "reason": ["library is 0.41 times the median of the study"],
            "advice": ["look at it"],
        }
    )
    tables.write_table(flags, results / "qc" / "flags.tsv", tables.QC_FLAGS)


def running_sum(statistic: pd.Series, genes: set[str]) -> tuple[float, list[str]]:
    """GSEA's weighted running sum (Subramanian 2005): score and leading edge."""
    ordered = statistic.sort_values(ascending=False, kind="stable")
    hit = ordered.index.isin(genes)
    up = np.where(hit, ordered.abs(), 0.0)
    curve = np.cumsum(up / up.sum() - np.where(hit, 0.0, 1.0) / (~hit).sum())
    peak = int(np.argmax(np.abs(curve)))
    edge = hit & ((np.arange(len(hit)) <= peak) if curve[peak] > 0 else np.arange(len(hit)) >= peak)
    names = ordered.index[edge].tolist()
    return float(curve[peak]), names if curve[peak] > 0 else names[::-1]


def _signatures(results, panel, de, fitted, chosen):  # type: ignore[no-untyped-def]
    evidence: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    weights = {r.readout: pd.Series(dict(r.weights)) for r in panel.readouts}
    for model in fitted.values():
        vst = model.vst.set_axis(model.symbols.to_numpy(), axis=1)
        vst = vst.loc[:, ~vst.columns.duplicated()]
        centred = (vst - vst.mean()) / (vst.std() + 0.3)
        for readout in panel.readouts:
            w = weights[readout.readout]
            w = w[w.index.isin(centred.columns)]
            if len(w) >= 3:
                values = (centred[w.index] @ w) / np.sqrt((w**2).sum())
                scores += [
                    {
                        "sample": s,
                        "signature": readout.readout,
                        "method": "weighted_z",
                        "score": float(v),
                    }
                    for s, v in values.items()
                ]
    score_frame = pd.DataFrame(scores)
    by_readout = {
        name: rows.set_index("sample")["score"] for name, rows in score_frame.groupby("signature")
    }
    for c in chosen:
        name = c["contrast"]
        model = fitted[c["model"]]
        statistic = de[name].dropna(subset=["stat"]).set_index("symbol")["stat"]
        statistic = statistic[~statistic.index.duplicated()]
        rows = []
        for gene_set in panel.gene_sets.values():
            matched = set(gene_set.genes) & set(statistic.index)
            if len(matched) < 5:
                rows.append(
                    (
                        gene_set.name,
                        gene_set.collection,
                        len(gene_set.genes),
                        len(matched),
                        *[np.nan] * 7,
                        None,
                        "fewer than 5 genes with a statistic",
                    )
                )
                continue
            es, edge = running_sum(statistic, matched)
            z = _camera(statistic, dict.fromkeys(matched, 1.0))
            p = float(2 * stats.norm.sf(abs(z)))
            rows.append(
                (
                    gene_set.name,
                    gene_set.collection,
                    len(gene_set.genes),
                    len(matched),
                    es,
                    es * 3.2,
                    p,
                    np.nan,
                    z,
                    p,
                    np.nan,
                    ";".join(edge),
                    None,
                )
            )
        table = pd.DataFrame(rows, columns=list(tables.ENRICHMENT.columns))
        ok = table["p_camera"].notna()
        table.loc[ok, "fdr_camera"] = stats.false_discovery_control(table.loc[ok, "p_camera"])
        table["fdr"] = table["fdr_camera"]
        tables.write_table(table, results / "enrichment" / f"{name}.tsv", tables.ENRICHMENT)
        activity = []
        for key, rows_ in panel.footprints.groupby("pathway"):
            w = dict(zip(rows_["gene"], rows_["weight"], strict=True))
            hit = {g: v for g, v in w.items() if g in statistic.index}
            z = _camera(statistic, hit)
            activity.append(
                (rows_["model"].iloc[0], key, len(hit), z, float(2 * stats.norm.sf(abs(z))), np.nan)
            )
        frame = pd.DataFrame(activity, columns=list(tables.ACTIVITY.columns))
        frame["fdr"] = stats.false_discovery_control(frame["pvalue"])
        tables.write_table(frame, results / "activity" / f"{name}.tsv", tables.ACTIVITY)
        cells = model.design.to_numpy() @ model.contrasts[name]
        own: list[dict[str, Any]] = []
        for r in panel.readouts:
            hit = {g: v for g, v in r.weights.items() if g in statistic.index}
            coverage = len(hit) / len(r.weights)
            common = {
                "contrast": name,
                "pathway": r.pathway,
                "readout": r.readout,
                "family": r.family,
                "role": r.role,
                "n_genes": len(hit),
                "coverage": coverage,
            }
            if len(hit) < 3:
                own.append(
                    {
                        **common,
                        "method": "competitive",
                        "vote": 0,
                        "note": "fewer than 3 genes with a value",
                    }
                )
                continue
            z = r.expected_direction * _camera(statistic, hit)
            p = float(2 * stats.norm.sf(abs(z)))
            own.append(
                {
                    **common,
                    "method": "competitive",
                    "effect": z,
                    "stat": z,
                    "pvalue": p,
                    "fdr": min(1.0, p * 8),
                    "vote": int(np.sign(z) * (p < 0.006)),
                    "note": None,
                }
            )
            values = r.expected_direction * by_readout[r.readout].reindex(model.design.index)
            test, reference = values[cells > 0], values[cells < 0]
            rest = values.groupby(model.design.idxmax(axis=1)).transform(lambda v: v - v.mean())
            spread = np.sqrt((rest**2).sum() / max(1, model.residual_df))
            effect = float(test.mean() - reference.mean())
            se = spread * np.sqrt(1 / len(test) + 1 / len(reference))
            t = effect / float(se)
            p = float(2 * stats.t.sf(abs(t), model.residual_df))
            own.append(
                {
                    **common,
                    "method": "sample_score",
                    "effect": effect,
                    "stat": t,
                    "pvalue": p,
                    "fdr": min(1.0, p * 8),
                    "vote": int(np.sign(t) * (p < 0.006)),
                    "note": None,
                    "se": float(se),
                    "df": model.residual_df,
                }
            )
        evidence += own
        calls += _calls(c, own, panel)
    frame = pd.DataFrame(evidence, columns=list(tables.EVIDENCE.columns))
    tables.write_table(frame, results / "evidence.tsv", tables.EVIDENCE)
    tables.write_table(score_frame, results / "scores" / "samples.tsv", tables.SCORES)
    tables.write_table(pd.DataFrame(calls), results / "calls.tsv", tables.CALLS_TABLE)
    _combined(results, frame, de, chosen)


def _camera(statistic: pd.Series, weights: dict[str, float]) -> float:
    """Correlation-adjusted z of a weighted set, both arms taken apart (inter-gene 0.01)."""
    w = pd.Series(weights)
    z = (statistic[w.index] - statistic.mean()) / statistic.std()
    m = len(w)
    score = float((z * np.sign(w)).sum() / m)
    return score / float(np.sqrt((1 + (m - 1) * 0.01) / m)) if m else float("nan")


def _calls(c: dict[str, Any], own: list[dict[str, Any]], panel: Panel) -> list[dict[str, Any]]:
    made = []
    votes = pd.DataFrame(own)
    for pathway in panel.pathways:
        rows = votes[(votes["pathway"] == pathway) & (votes["role"] == "evidence")]
        sample = rows[rows["method"] == "sample_score"]
        up, down = int((sample["vote"] > 0).sum()), int((sample["vote"] < 0).sum())
        families = sorted(set(sample.loc[sample["vote"] != 0, "family"]))
        call, confidence = "no_evidence", "none"
        reason = f"{up + down} of {len(sample)} readouts move; two families are needed"
        if len(sample) < 2:
            call, reason = "not_assessable", "fewer than two readouts with enough measured genes"
        elif up and down and min(up, down) > 1:
            call, reason = "conflicting", f"{up} readouts up and {down} down"
        elif len(families) >= 2 and up != down:
            call = "activated" if up > down else "repressed"
            confidence = "high" if max(up, down) > 3 else "moderate"
            reason = f"{max(up, down)} of {len(sample)} readouts agree in {len(families)} families"
        expected = c["expected"].get(pathway)
        made.append(
            {
                "contrast": c["contrast"],
                "pathway": pathway,
                "call": call,
                "confidence": confidence,
                "n_readouts": len(sample),
                "n_up": up,
                "n_down": down,
                "families": ";".join(families) or None,
                "control_ok": "not_applicable"
                if not expected
                else "yes"
                if call == expected
                else "no",
                "false_call_rate": 0.02 if call != "not_assessable" else np.nan,
                "reason": reason,
                "status": "called"
                if call in ("activated", "repressed")
                else "not_assessable"
                if call == "not_assessable"
                else "no_change_seen",
                "effect": float(sample["effect"].mean()),
                "ci_low": float(sample["effect"].mean() - 0.2),
                "ci_high": float(sample["effect"].mean() + 0.2),
                "pvalue": 0.01 if call in ("activated", "repressed") else 0.4,
                "fdr": 0.02 if call in ("activated", "repressed") else 0.5,
            }
        )
    return made


def _combined(results: Path, evidence: pd.DataFrame, de: dict, chosen: list) -> None:  # type: ignore[type-arg]
    genes, pathways = [], []
    for group in sorted({c["group"] for c in chosen if c["group"]}):
        names = [c["contrast"] for c in chosen if c["group"] == group]
        rows = evidence[evidence["contrast"].isin(names) & (evidence["method"] == "sample_score")]
        for (pathway, readout), part in rows.groupby(["pathway", "readout"], sort=False):
            pathways.append(
                {
                    "group": group,
                    "pathway": pathway,
                    "readout": readout,
                    **_meta(part["effect"].to_numpy()),
                }
            )
        lfc = np.column_stack([de[n]["log2fc"] for n in names])
        genes += [
            {
                "group": group,
                "gene_id": de[names[0]]["gene_id"][i],
                "symbol": de[names[0]]["symbol"][i],
                **_meta(lfc[i]),
            }
            for i in np.flatnonzero(np.isfinite(lfc).all(1))[:2000]
        ]
    for rows, name, schema in (
        (genes, "genes", tables.COMBINED_GENES),
        (pathways, "pathways", tables.COMBINED_PATHWAYS),
    ):
        frame = pd.DataFrame(rows, columns=list(schema.columns))
        if not len(frame):
            frame = frame.astype(
                {
                    c: float
                    for c in frame.columns
                    if c not in ("group", "gene_id", "symbol", "pathway", "readout")
                }
            )
        frame["fdr"] = np.minimum(1, frame["pvalue"].astype(float) * 4)
        tables.write_table(frame, results / "combined" / f"{name}.tsv", schema)


def _meta(effects: np.ndarray) -> dict[str, float]:
    n = len(effects)
    mean = float(effects.mean())
    half = float(stats.t.ppf(0.975, max(1, n - 1)) * effects.std(ddof=1 if n > 1 else 0) / n**0.5)
    t = mean / (half / stats.t.ppf(0.975, max(1, n - 1)) + 1e-9)
    loo = [(effects.sum() - e) / max(1, n - 1) for e in effects]
    return {
        "effect": mean,
        "ci_low": mean - half,
        "ci_high": mean + half,
        "pvalue": float(2 * stats.t.sf(abs(t), max(1, n - 1))),
        "fdr": np.nan,
        "i2": 0.35,
        "n_contrasts": n,
        "loo_low": min(loo),
        "loo_high": max(loo),
        "error_correlation": 0.0,
    }


def _secretome(results: Path, panel: Panel, de: dict, chosen: list) -> None:  # type: ignore[type-arg]
    classes = dict(zip(panel.secretome["gene"], panel.secretome["class"], strict=True))
    found, overlap = {}, []
    for c in chosen:
        frame = de[c["contrast"]]
        rows = frame[frame["symbol"].isin(classes) & (frame["padj"] < 0.05)]
        found[c["contrast"]] = pd.DataFrame(
            {
                "gene_id": rows["gene_id"],
                "symbol": rows["symbol"],
                "class": rows["symbol"].map(classes),
                "direction": np.where(rows["log2fc"] > 0, "up", "down"),
                "log2fc": rows["log2fc"],
                "log2fc_shrunk": rows["log2fc_shrunk"],
                "padj": rows["padj"],
                "osteoclast": pd.Series(None, index=rows.index, dtype=object),
                "group": pd.Series(c["group"], index=rows.index, dtype=object),
                "n_in_group": 1,
            }
        )
        for direction in ("up", "down"):
            changed = (frame["padj"] < 0.05) & ((frame["log2fc"] > 0) == (direction == "up"))
            part = found[c["contrast"]].query("direction == @direction")
            n_class = int(frame.loc[frame["stat"].notna(), "symbol"].isin(classes).sum())
            overlap.append(
                {
                    "contrast": c["contrast"],
                    "class": "all",
                    "direction": direction,
                    "n_class": n_class,
                    "n_changed": int(changed.sum()),
                    "n_overlap": len(part),
                    "n_background": int(frame["stat"].notna().sum()),
                    "odds_ratio": 1.4,
                    "pvalue": 0.02,
                    "fdr": 0.06,
                    "genes": ";".join(part["symbol"]) or None,
                }
            )
    for name, rows in found.items():
        tables.write_table(rows, results / "secretome" / f"{name}.tsv", tables.SECRETOME)
    tables.write_table(
        pd.DataFrame(overlap), results / "secretome" / "overlap.tsv", tables.SECRETOME_OVERLAP
    )


def _further(results: Path, de: dict, models: list, chosen: list) -> None:  # type: ignore[type-arg]
    """Tables that a run adds to the contract's: sensitivity, adjusted calls, calibration."""
    calls = pd.read_csv(results / "calls.tsv", sep="\t")
    sensitivity, adjusted, genes = [], [], []
    for row in calls.to_dict("records"):
        own = [("ranking", "shrunken log2FC"), ("filter", "min_count 20"), ("evidence", "no C6")]
        for k, (kind, variant) in enumerate(own):
            other = row["call"] in ("activated", "repressed") and row["n_readouts"] == 7 and k == 2
            sensitivity.append(
                {
                    "contrast": row["contrast"],
                    "pathway": row["pathway"],
                    "kind": kind,
                    "variant": variant,
                    "call": "no_evidence" if other else row["call"],
                    "agrees": "no" if other else "yes",
                    "agreement": 2 / 3 if other else 1.0,
                }
            )
        if row["pathway"] == "AKT":
            adjusted.append(
                {
                    "contrast": row["contrast"],
                    "pathway": "AKT",
                    "call_unadjusted": row["call"],
                    "call_adjusted": row["call"],
                    "confounders": "MAPK_PROGENY_MAPK;HALLMARK_E2F_TARGETS",
                    "moved": None,
                    "strongest_t": 4.2,
                    "confounder_t": np.nan,
                    "separable": "yes",
                    "effect": 0.3,
                    "confounder": None,
                }
            )
    for c in chosen:
        frame = de[c["contrast"]].drop_duplicates("symbol").set_index("symbol")
        for symbol in ("NFKB2", "RELB", "MAP3K14"):
            has = symbol in frame.index and np.isfinite(frame.loc[symbol, "stat"])
            values = frame.loc[symbol] if has else {}
            genes.append(
                {
                    "contrast": c["contrast"],
                    "symbol": symbol,
                    "part": "alternative",
                    "expressed": "yes" if has else "no",
                    **{
                        k: values[k] if has else np.nan
                        for k in ("base_mean", "log2fc", "lfc_se", "padj")
                    },
                }
            )
    for rows, name, schema in (
        (sensitivity, "sensitivity", tables.SENSITIVITY),
        (adjusted, "adjusted", tables.ADJUSTED),
        (genes, "nfkb_genes", tables.NFKB_GENES),
    ):
        frame = pd.DataFrame(rows, columns=list(schema.columns))
        tables.write_table(frame, results / f"{name}.tsv", schema)
    ranking, fra1 = [], []
    evidence = pd.read_csv(results / "evidence.tsv", sep="\t")
    gate = evidence[(evidence["method"] == "sample_score") & (evidence["role"] == "evidence")]
    for c in chosen:
        own = gate[gate["contrast"] == c["contrast"]].groupby("pathway", sort=False)["stat"].mean()
        activity = pd.read_csv(results / "activity" / f"{c['contrast']}.tsv", sep="\t")
        named = [("pathway", k, v) for k, v in own.items()]
        named += [("footprint", k, v) for k, v in zip(activity["source"], activity["score"])]  # noqa: B905
        named.sort(key=lambda row: -abs(row[2]))
        for i, (kind, name, effect) in enumerate(named):
            ranking.append(
                {
                    "contrast": c["contrast"],
                    "kind": kind,
                    "name": name,
                    "effect": effect,
                    "ci_low": effect - 1.5,
                    "ci_high": effect + 1.5,
                    "stat": effect,
                    "pvalue": 0.5,
                    "fdr": 0.5,
                    "rank": i + 1.0,
                    "rank_low": max(1.0, i - 1.0),
                    "rank_high": i + 4.0,
                    "kind_rank": 1.0,
                    "kind_rank_low": 1.0,
                    "kind_rank_high": 3.0,
                }
            )
        frame = de[c["contrast"]]
        fra1 += [
            {
                "contrast": c["contrast"],
                "readout": "FRA1_FOSL1",
                "role": "driver",
                "gene_id": row["gene_id"],
                "symbol": "FOSL1",
                "direction": 1,
                "log2fc": row["log2fc"],
                "log2fc_shrunk": row["log2fc_shrunk"],
                "padj": row["padj"],
            }
            for row in frame[frame["symbol"] == "FOSL1"].to_dict("records")
        ]
    for rows, name, schema in (
        (ranking, "ranking", tables.RANKING),
        (fra1, "secretome/fra1", tables.FRA1),
    ):
        frame = pd.DataFrame(rows, columns=list(schema.columns))
        tables.write_table(frame, results / f"{name}.tsv", schema)
    for model in models:
        frame = pd.DataFrame(
            {
                "model": model,
                "pathway": sorted(set(calls["pathway"])),
                "source": "mock_contrasts",
                "n_contrasts": 200,
                "n_called": 4,
                "false_call_rate": 0.02,
                "ci_high": 0.05,
                "used": "yes",
                "ci_low": 0.005,
            }
        )
        tables.write_table(frame, results / "calibration" / f"{model}.tsv", tables.CALIBRATION)


def _provenance(results: Path, config: dict[str, Any]) -> None:
    import yaml

    digest = hashlib.sha256(b"simulated").hexdigest()
    inputs = pd.DataFrame(
        {
            "file": [f"resources/{STUDY}/counts.tsv.gz", "resources/panel/readouts.tsv"],
            "url": ["https://example.org/counts.tsv.gz", None],
            "source": ["file", "panel"],
            "bytes": [123456, 11605],
            "sha256": [digest, digest],
            "retrieved": ["2026-01-02T03:04:05Z", None],
            "kind": ["simulated", "real"],
            "note": ["drawn by tests/report_fixture.py, nothing measured", None],
        }
    )
    tables.write_table(inputs, results / "provenance" / "inputs.tsv", tables.INPUTS)
    software = pd.DataFrame(
        {
            "name": ["numpy", "pathcall"],
            "version": ["2", "0.1.0"],
            "used_for": ["drawing these data", "this report"],
            "citation": [None, None],
        }
    )
    tables.write_table(software, results / "provenance" / "software.tsv", tables.SOFTWARE)
    tables.write_text(yaml.safe_dump(config, sort_keys=False), results / "provenance/config.yaml")
    tables.write_text(
        "# Methods\n\nCounts of **41 simulated samples** were drawn from a negative binomial "
        "distribution. See <https://example.org/method> and `tests/report_fixture.py`.\n\n"
        "## Statistics\n\n- quick stand-ins, *not* pydeseq2\n- nothing measured\n",
        results / "provenance" / "methods.md",
    )


if __name__ == "__main__":
    made = make_results(
        Path(sys.argv[1]), n_genes=int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    )
    print(made.render())
