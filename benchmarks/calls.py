"""Measure the calls: false calls beside prerank GSEA, power, what is told apart.

``python -m benchmarks.calls`` prints the tables and writes ``benchmarks/results/calls.json`` and
``docs/calls_measured.md``. `--quick` halves the work. Real replicates: the embedded study, and
A375_36 where ``../shared`` is present. Everything else is simulated and says so.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks import data
from benchmarks.markdown import markdown_table
from pathcall.calls import readout_tests as ev
from pathcall.calls import rule as rule_of
from pathcall.calls import simulation as simulate
from pathcall.calls.confounders import look_beside
from pathcall.calls.mock_contrasts import mock_columns
from pathcall.deseq import DeseqDataSet
from pathcall.deseq.fitted import FittedModel
from pathcall.enrichment.gsea import gsea
from pathcall.signatures import sample_scores as ss
from pathcall.signatures.panel import Panel, load_panel
from pathcall.stats.multiple_testing import benjamini_hochberg
from pathcall.study.config import CallsConfig

ROOT = Path(__file__).resolve().parents[1]
SEED = 20150416
ARMS = "Canonical or alternative NF-κB (simulated, 4 against 4)"
RULE = CallsConfig()
Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


def fitted(study: data.Study, panel: Panel, min_samples: int) -> FittedModel:
    """A study's fitted model."""
    counts = study.counts.loc[:, (study.counts >= 10).sum() >= min_samples]
    samples = study.factors.astype(str)
    dds = DeseqDataSet(counts=counts, metadata=samples, design=study.design, n_cpus=1, quiet=True)
    dds.deseq2()
    dds.vst(use_design=True)
    ids = panel.gene_ids.drop_duplicates("ensembl_gene_id").set_index("ensembl_gene_id")["symbol"]
    bare = counts.columns.str.replace(r"\.\d+$", "", regex=True)
    symbols = pd.Series(ids.reindex(bare).to_numpy(), index=counts.columns, dtype=object)
    return FittedModel(
        name=study.name, formula=study.formula, samples=samples, counts=counts,
        vst=pd.DataFrame(dds.layers["vst_counts"], counts.index, counts.columns),
        symbols=symbols.where(symbols != "", np.nan), size_factors=dds.obs["size_factors"],
        dispersions=dds.var["dispersions"], base_mean=dds.var["_normed_means"], design=study.design,
        contrasts=study.weights,
    )  # fmt: skip


def all_contrasts(study: data.Study) -> dict[str, Float]:
    """For A375_36, each drug in each genotype and each knock-out; else the study's own."""
    if study.name != "A375_36":
        return dict(study.weights)

    def cell(genotype: str, drug: str) -> Float:
        own = pd.Series(0.0, index=study.design.columns)
        if f"group:{genotype}.{drug}" in own:
            own[f"group:{genotype}.{drug}"] = 1.0
        return own.to_numpy()

    made = {
        f"{g}_{d}": cell(g, d) - cell(g, "none")
        for g in ("WT", "ARID1A_KO", "MED12_KO")
        for d in ("vem", "tram", "comb")
    }
    for g in ("ARID1A_KO", "MED12_KO"):
        made[g] = cell(g, "none") - cell("WT", "none")
    return made


def false_calls(
    model: FittedModel, panel: Panel, *, n_rule: int, n_gsea: int
) -> list[dict[str, object]]:
    """The rule and prerank GSEA on the same mock contrasts."""
    prepared = ev.prepare(panel, model, RULE)
    columns = mock_columns(prepared.design, model.contrasts, limit=n_rule, seed=SEED)
    found = ev.mock_evidence(prepared, columns, RULE, seed=SEED)
    decision = rule_of.decide(prepared, found, RULE)
    some = columns[:, :n_gsea]
    t = ss.test_added(prepared.vst, prepared.design, some).t
    sets = {s.name: list(s.genes) for s in panel.gene_sets.values() if s.collection == "H"}
    own: dict[str, list[str]] = {}
    for pathway in prepared.pathways:
        for readout in panel.readouts_of(pathway, role="evidence"):
            if (
                readout.family in ("gene_set", "curated")
                and prepared.table.at[readout.readout, "assessable"]
                and prepared.table.at[readout.readout, "size"] > 1
            ):
                sets[readout.readout] = list(readout.genes)
                own.setdefault(pathway, []).append(readout.readout)
    hits: dict[str, list[bool]] = {p: [] for p in own}
    hallmark: list[float] = []
    for j in range(some.shape[1]):
        table = gsea(pd.Series(t[:, j], index=list(prepared.symbols)), sets, seed=SEED)
        fdr = pd.Series(benjamini_hochberg(table["pvalue"].to_numpy(float)), index=table.index)
        significant = fdr.reindex(list(sets)) < 0.05
        hallmark.append(float(significant[[s for s in sets if s.startswith("HALLMARK_")]].mean()))
        for pathway, names in own.items():
            hits[pathway].append(bool(significant[names].any()))
    rows: list[dict[str, object]] = []
    for i, pathway in enumerate(decision.pathways):
        called = np.isin(decision.call[i], (1, -1))
        rows.append(
            {
                "data": model.name,
                "pathway": pathway,
                "mock contrasts": len(called),
                "rule: false calls": float(called.mean()),
                "prerank FDR < 0.05, any set of the pathway": float(np.mean(hits[pathway]))
                if hits.get(pathway)
                else float("nan"),
                "mock contrasts (prerank)": some.shape[1],
                "prerank FDR < 0.05, share of Hallmarks": float(np.mean(hallmark)),
            }
        )
    return rows


def simulated(
    panel: Panel, n: int, planted: Mapping[str, float], seeds: range, *, interaction: bool
) -> tuple[rule_of.Decision, list[ev.Prepared]]:
    """The rule on simulated data sets, one contrast each, `n` samples a cell; and the data."""
    source = simulate.made_up_source(panel, seed=SEED, n_genes=10_000)
    cells = 4 if interaction else 2
    t = np.repeat([0.0, 0.0, 1.0, 1.0], n)
    d = np.tile(np.repeat([0.0, 1.0], n), cells // 2)
    if interaction:
        design = np.column_stack([np.ones(4 * n), t, d, t * d])
        contrast, hit = np.array([0.0, 0, 0, 1]), (t * d) > 0
    else:
        design = np.column_stack([np.ones(2 * n), d])
        contrast, hit = np.array([0.0, 1]), d > 0
    values = []
    for seed in seeds:
        rng = np.random.default_rng([SEED, seed, n])
        effects = np.zeros((len(d), len(source.symbols)))
        for pathway, strength in planted.items():
            effects[hit] += simulate.planted_effects(
                panel, source.symbols, pathway, strength, rng=rng
            )
        counts = simulate.simulate_counts(source, np.ones(len(d)), effects, rng=rng)
        values.append(simulate.log_transform(counts, 0.05))
    genes = pd.Index([f"g{i}" for i in range(len(source.symbols))])
    names = [f"s{i}" for i in range(len(d))]
    model = FittedModel(
        name="simulated", formula="", samples=pd.DataFrame(index=names),
        counts=pd.DataFrame(counts, index=names, columns=genes),
        vst=pd.DataFrame(values[0], index=names, columns=genes),
        symbols=pd.Series(source.symbols, index=genes, dtype=object),
        size_factors=pd.Series(1.0, index=names),
        dispersions=pd.Series(source.dispersion, index=genes),
        base_mean=pd.Series(source.base_mean, index=genes),
        design=pd.DataFrame(design, index=names), contrasts={"c": contrast},
    )  # fmt: skip
    prepared = ev.prepare(panel, model, RULE)
    drawn = [replace(prepared, vst=v[:, prepared.columns]) for v in values]
    found = [
        ev.contrast_evidence(p, contrast[:, None], RULE, seed=SEED, rotations=1999) for p in drawn
    ]
    return rule_of.decide(prepared, ev.stacked(found), RULE), drawn


def not_separable(
    panel: Panel, drawn: Sequence[ev.Prepared], decision: rule_of.Decision, pathway: str
) -> Bool:
    """Calls of a pathway that a declared confounder explains as well, one a data set."""
    i = decision.pathways.index(pathway)
    marked = np.zeros(len(drawn), dtype=bool)
    for k in np.flatnonzero(np.isin(decision.call[i], (1, -1))):
        weights = np.zeros((drawn[k].design.shape[1], 1))
        weights[-1] = 1.0
        beside = look_beside(drawn[k], panel, pathway, RULE.confounders[pathway], weights)
        call, effect = int(decision.call[i, k]), float(decision.effect[i, k])
        marked[k] = beside is not None and bool(beside.explaining(call, effect, 0, RULE))
    return marked


def shares(decision: rule_of.Decision, pathway: str, sign: float) -> tuple[float, float]:
    """Share found with the right sign, and share of calls among the other pathways."""
    at = decision.pathways.index(pathway)
    linked = {at, decision.pathways.index("FRA1_AP1")} if pathway == "MAPK" else {at}
    others = [i for i in range(len(decision.pathways)) if i not in linked]
    found = float((decision.call[at] == np.sign(sign)).mean())
    return found, float(np.isin(decision.call[others], (1, -1)).mean())


def markdown(rows: list[dict[str, object]]) -> str:
    def shown(value: object) -> str:
        if isinstance(value, float):
            return "–" if np.isnan(value) else f"{value:.3g}"
        return str(value)

    head = list(rows[0])
    return "\n".join(markdown_table(head, ([shown(r[h]) for h in head] for r in rows))) + "\n"


FIGURE = "![Share called with the right sign against planted strength](figures/power.svg)\n"


def power_figure(rows: list[dict[str, object]], path: Path) -> None:
    """Share called with the right sign against planted strength, a panel a pathway."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "pathcall"
    from matplotlib import pyplot as plt

    names = [name for name in rows[0] if name not in ("n per side", "strength")]
    figure, axes = plt.subplots(1, len(names), figsize=(3.2 * len(names), 3), sharey=True)
    for axis, name in zip(axes, names, strict=True):
        for n in dict.fromkeys(row["n per side"] for row in rows):
            own = [row for row in rows if row["n per side"] == n]
            axis.plot([r["strength"] for r in own], [r[name] for r in own], "o-", label=f"n = {n}")
        axis.set(title=name, xlabel="planted strength (log2)", ylim=(-0.03, 1.03))
    axes[0].set_ylabel("share called, right sign")
    axes[-1].legend(frameon=False, title="per side")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def recovery(panel: Panel, seeds: range) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for pathway in ("AKT", "NFKB_CANONICAL", "MAPK", "FRA1_AP1"):
        for strength in (0.8, -0.8):
            decision, _ = simulated(panel, 3, {pathway: strength}, seeds, interaction=True)
            found, false = shares(decision, pathway, strength)
            rows.append(
                {"planted": pathway, "strength": strength, "data sets": len(seeds),
                 "found": found, "false calls elsewhere": false}
            )  # fmt: skip
    return rows


def arms(panel: Panel, seeds: range) -> list[dict[str, object]]:
    """Canonical or alternative NF-κB: what is called where one arm is planted."""
    rows: list[dict[str, object]] = []
    for planted, other in (
        ("NFKB_CANONICAL", "NFKB_ALTERNATIVE"),
        ("NFKB_ALTERNATIVE", "NFKB_CANONICAL"),
    ):
        for strength in (0.8, 1.5):
            decision, drawn = simulated(panel, 4, {planted: strength}, seeds, interaction=False)
            calls = {p: decision.call[decision.pathways.index(p)] for p in (planted, other)}
            marked = {p: not_separable(panel, drawn, decision, p) for p in (planted, other)}
            rows.append(
                {
                    "planted": planted, "strength": strength,
                    "called activated": float((calls[planted] == 1).mean()),
                    "and separable": float(((calls[planted] == 1) & ~marked[planted]).mean()),
                    "the other arm called activated": float((calls[other] == 1).mean()),
                    "and separable, wrongly": float(
                        ((calls[other] == 1) & ~marked[other]).mean()
                    ),
                    "a line of the other arm votes": float(
                        (decision.line_votes[decision.pathways.index(other)] > 0)
                        .any(axis=0)
                        .mean()
                    ),
                }
            )  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half the seeds and mock contrasts")
    parser.add_argument("--nfkb", action="store_true", help="measure the arms of NF-κB alone")
    parser.add_argument(
        "--recovery", action="store_true", help="only print what simulated 2 × 2 studies recover"
    )
    options = parser.parse_args()
    quick = options.quick
    panel = load_panel(ROOT / "resources" / "panel")
    seeds = range(10 if quick else 20)
    if options.recovery:
        print(markdown(recovery(panel, seeds)))
        return
    path = ROOT / "docs" / "calls_measured.md"
    if options.nfkb:
        before = path.read_text(encoding="utf-8").partition(f"## {ARMS}")[0]
        text = f"## {ARMS}\n\n`--nfkb`, {len(seeds)} studies each.\n\n" + markdown(
            arms(panel, seeds)
        )
        path.write_text(before + text, encoding="utf-8")
        print(text)
        return
    made: dict[str, list[dict[str, object]]] = {
        "false_calls": [], "recovery": [], "power": [], "nfkb": []
    }  # fmt: skip
    studies = [(data.airway(), 4), (data.a375(), 3)]
    for study, smallest in studies:
        if study is None:
            continue
        model = fitted(study, panel, smallest)
        mocked = replace(model, contrasts=all_contrasts(study))
        made["false_calls"] += false_calls(mocked, panel, n_rule=200, n_gsea=10 if quick else 30)
    made["recovery"] = recovery(panel, seeds)
    for n in (2, 3, 4, 6):
        for strength in (0.05, 0.1, 0.2, 0.3, 0.5):
            row: dict[str, object] = {"n per side": n, "strength": strength}
            for pathway in ("AKT", "NFKB_CANONICAL", "MAPK"):
                decision, _ = simulated(panel, n, {pathway: strength}, seeds, interaction=False)
                row[pathway] = shares(decision, pathway, strength)[0]
            made["power"].append(row)
    made["nfkb"] = arms(panel, seeds)
    titles = {
        "false_calls": "False calls on mock contrasts of real replicates",
        "recovery": "Simulated 2 × 2 studies, three replicates, interaction contrast",
        "power": "Power (simulated, n against n): share called with the right sign",
        "nfkb": ARMS,
    }
    command = "python -m benchmarks.calls" + (" --quick" if quick else "")
    text = [
        "# The calls, measured",
        "",
        f"Made by `{command}`. Rates are before confounders, where it does not say `separable`.",
        "",
    ]
    for key, rows in made.items():
        if rows:
            text += [f"## {titles[key]}", "", markdown(rows)]
            if key == "power":
                text += [FIGURE]
            print(f"\n{titles[key]}\n{pd.DataFrame(rows).to_string(index=False)}", flush=True)
    power_figure(made["power"], ROOT / "docs" / "figures" / "power.svg")
    path.write_text("\n".join(text), encoding="utf-8")
    results = ROOT / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    (results / "calls.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
