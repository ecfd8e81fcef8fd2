"""Results that the report's tests show: those of the embedded study, and hand-made variants.

A variant has what the embedded study lacks: many contrasts, an excluded and a flagged sample,
hostile text, another kind of data. It repeats the study's tables under other names, with signs
turned in every other contrast, and computes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import yaml

from pathcall.report.data import ReportData, read_results
from pathcall.study.plan import plan_study
from tests.project import Project

CONTRAST = "dexamethasone"
EXCLUDED = "GSM0000041"
FLAGGED = "GSM1275862"
SIGNED = ("log2fc", "log2fc_shrunk", "stat", "es", "nes", "z_camera", "score", "effect", "vote")
PER_CONTRAST = ("de", "enrichment", "activity", "secretome", "readouts")
BY_CONTRAST = (
    "evidence", "calls", "adjusted", "sensitivity", "ranking", "nfkb_genes", "secretome/overlap",
    "secretome/fra1",
)  # fmt: skip


@dataclass(frozen=True)
class Study:
    """A results folder and what `render_report` needs beside it."""

    results: Path
    config: dict[str, Any] = field(repr=False)
    contrasts: list[dict[str, Any]] = field(repr=False)
    panel: Path

    def data(self) -> ReportData:
        """What the report reads."""
        return read_results(
            self.results,
            config=self.config,
            contrasts=self.contrasts,
            panel_folder=self.panel,
        )

    def render(self, out: Path | None = None, figures: Path | None = None) -> Path:
        """Render the report."""
        from pathcall.report import render_report

        out = out or self.results / "report.html"
        render_report(
            self.results,
            config=self.config,
            contrasts=self.contrasts,
            panel_folder=self.panel,
            out=out,
            figures=figures,
        )
        return out

    def table(self, name: str) -> pd.DataFrame:
        """Read a table as it is."""
        return read(self.results / f"{name}.tsv")


def read(path: Path) -> pd.DataFrame:
    """Read a table; only ``NA`` is missing."""
    return pd.read_csv(path, sep="\t", na_values=["NA"], keep_default_na=False)


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, sep="\t", index=False, na_rep="NA")


def demo_study(project: Project) -> Study:
    """The embedded study, finished in `project`."""
    raw = yaml.safe_load((project.folder / "config/demo.yaml").read_text(encoding="utf-8"))
    plan = plan_study(raw, source="config/demo.yaml", root=project.folder)
    return Study(
        project.folder / "results" / plan.config.study,
        plan.config.model_dump(mode="json"),
        [contrast.as_dict() for contrast in plan.contrasts.values()],
        project.folder / "resources/panel",
    )


def variant(
    study: Study,
    results: Path,
    *,
    contrasts: Sequence[str],
    title: str = "",
    n_genes: int | None = None,
) -> Study:
    """Make a results folder with other contrasts, an excluded sample, a flag and simulated data.

    Parameters
    ----------
    study
        The embedded study.
    results
        Folder to write.
    contrasts
        Ids; their descriptions are ``description of {id}``.
    title
        Title of the first sample.
    n_genes
        Only these many genes, those of smallest p and FOSL1.
    """
    shutil.copytree(
        study.results, results, ignore=shutil.ignore_patterns("report.html", "logs", ".*.sha256")
    )
    for name in PER_CONTRAST:
        frame = study.table(f"{name}/{CONTRAST}")
        if name == "de" and n_genes is not None:
            kept = frame["pvalue"].rank(method="first") <= n_genes
            frame = frame[kept | (frame["symbol"] == "FOSL1")]
            genes = frame["gene_id"].tolist()
        (results / name / f"{CONTRAST}.tsv").unlink()
        for i, contrast in enumerate(contrasts):
            write(_turned(frame, i), results / name / f"{contrast}.tsv")
    for name in BY_CONTRAST:
        frame = study.table(name)
        parts = [_turned(frame, i).assign(contrast=c) for i, c in enumerate(contrasts)]
        write(pd.concat(parts), results / f"{name}.tsv")
    _excluded(results, title)
    _combined(results, contrasts)
    if n_genes is not None:
        data = ad.read_h5ad(results / "counts.h5ad")
        data[:, data.var["gene_id"].isin(genes)].copy().write_h5ad(results / "counts.h5ad")
    inputs = study.table("provenance/inputs")
    write(
        inputs.assign(kind=inputs["kind"].replace("embedded", "simulated")),
        results / "provenance/inputs.tsv",
    )
    (results / f"{study.config['study']}.zip").rename(results / "VARIANT.zip")
    first = study.contrasts[0]
    made = [
        {**first, "contrast": c, "group": "g", "description": f"description of {c}",
         "expected": {"MAPK": "repressed"}}
        for c in contrasts
    ]  # fmt: skip
    return Study(results, {**study.config, "study": "VARIANT"}, made, study.panel)


def _turned(frame: pd.DataFrame, i: int) -> pd.DataFrame:
    signed = [c for c in SIGNED if c in frame.columns]
    if not i % 2:
        return frame
    turned = frame.assign(**{c: -frame[c] for c in signed})
    if "ci_low" in frame and "effect" in frame:
        turned = turned.assign(ci_low=-frame["ci_high"], ci_high=-frame["ci_low"])
    return turned


def _excluded(results: Path, title: str) -> None:
    """One more sample, excluded, and a flag for one that is not; titles."""
    samples = read(results / "samples.tsv")
    more = pd.DataFrame(
        [{"sample": EXCLUDED, "included": "no", "reason": "library too small", "library_size": 1e5}]
    )
    samples = pd.concat([samples, more], ignore_index=True)
    titles = [f"title of {s}" for s in samples["sample"]]
    titles[0] = title or titles[0]
    write(samples.assign(geo_title=titles), results / "samples.tsv")
    data = ad.read_h5ad(results / "counts.h5ad")
    obs = pd.concat([data.obs.astype(str), pd.DataFrame({"included": ["no"]}, index=[EXCLUDED])])
    counts = np.vstack([np.asarray(data.X), np.asarray(data.X)[:1] // 100])
    var = data.var
    ad.AnnData(X=counts, obs=obs.fillna(""), var=var).write_h5ad(results / "counts.h5ad")
    flag = {
        "sample": FLAGGED, "flag": "library_size", "severity": "warning", "value": 0.41,
        "threshold": 0.5, "reason": "library is 0.41 times the median", "advice": "look at it",
    }  # fmt: skip
    flags = read(results / "qc/flags.tsv")
    write(pd.DataFrame([flag], columns=flags.columns), results / "qc/flags.tsv")


def _combined(results: Path, contrasts: Sequence[str]) -> None:
    """Combined effects in round numbers."""
    shown = {
        "group": "g", "effect": 0.5, "ci_low": 0.1, "ci_high": 0.9, "pvalue": 0.02, "fdr": 0.04,
        "i2": 0.25, "n_contrasts": len(contrasts), "loo_low": 0.4, "loo_high": 0.6,
        "error_correlation": 0.5,
    }  # fmt: skip
    evidence = read(results / "evidence.tsv")
    own = evidence[evidence["role"] == "evidence"].drop_duplicates(["pathway", "readout"])
    genes = read(results / "de" / f"{contrasts[0]}.tsv").dropna(subset=["padj", "symbol"]).head(40)
    for name, keys in (("pathways", own[["pathway", "readout"]]),
                       ("genes", genes[["gene_id", "symbol"]])):  # fmt: skip
        columns = read(results / f"combined/{name}.tsv").columns
        write(keys.assign(**shown)[list(columns)], results / f"combined/{name}.tsv")
