"""Benchmarks of the engine, in one run on one machine.

    PYTHONPATH=src python -m benchmarks.run [--skip-stock] [--skip-scaling] [--threads 2]
                                            [--against COMMIT]

Prints ratios, writes ``benchmarks/results/*.json``, ``docs/benchmarks.md`` and its figures. R is
used where ``Rscript`` with DESeq2 and edgeR is there; the study of 36 samples where ``../shared``
is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data import ROOT, Study, load
from benchmarks.page import write_page

RESULTS = ROOT / "benchmarks" / "results"
SAMPLES = [8, 16, 32, 64, 125, 250, 500, 1000]
GENES = [5_000, 10_000, 20_000, 40_000, 60_000]


def one(
    engine: str, study: str, threads: int, folder: Path, root: Path = ROOT, **environment: str
) -> dict[str, Any]:
    """Run `benchmarks.one` of the checkout `root` and read its figures."""
    command = [sys.executable, "-m", "benchmarks.one", engine, study, str(threads), str(folder)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root / "src"), **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=root, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"  {engine:22s} {figures['fit_s']:8.2f} s fit {figures['contrasts_s']:7.2f} s contrasts "
          f"{figures['peak_mb']:6d} MB", flush=True)  # fmt: skip
    return figures


def in_r(study: Study, folder: Path) -> list[dict[str, Any]]:
    """Time R's engines; empty where R or its packages are missing."""
    if shutil.which("Rscript") is None:
        print("  no Rscript: R is left out")
        return []
    study.counts.T.to_csv(folder / "counts.tsv", sep="\t")
    study.factors.to_csv(folder / "factors.tsv", sep="\t")
    (folder / "formula.txt").write_text(study.formula + "\n")
    rows = [[key, *triple] for key, triple in study.contrasts.items()]
    columns = ["contrast", "factor", "test", "reference"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "contrasts.tsv", sep="\t", index=False)
    command = ["Rscript", str(ROOT / "benchmarks" / "reference.R"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"  R failed, left out: {done.stderr.strip().splitlines()[-1:]}")
        return []
    times = pd.read_csv(folder / "times.tsv", sep="\t")
    figures = []
    for engine, part in times.groupby("engine", sort=False):
        seconds = dict(zip(part["what"], part["seconds"], strict=True))
        figures.append(
            {
                "engine": engine,
                "study": study.name,
                "fit_s": seconds["fit"],
                "contrasts_s": seconds.get("contrasts"),
                "version": done.stdout.strip(),
            }
        )
        print(f"  {engine:22s} {seconds['fit']:8.2f} s fit", flush=True)
    return figures


def agreement(folder: Path, study: Study, left: str, right: str) -> list[dict[str, Any]]:
    """How far two engines' tables agree, contrast by contrast."""
    out = []
    names = {"baseMean": "base_mean", "log2FoldChange": "log2fc"}
    for key in study.weights:
        paths = [folder / f"{engine}_{key}.tsv" for engine in (left, right)]
        if not all(path.exists() for path in paths):
            continue
        a, b = (pd.read_csv(path, sep="\t", index_col=0).rename(columns=names) for path in paths)
        b = b.reindex(a.index)
        x, y = (set(t.index[t["padj"] < 0.05]) for t in (a, b))
        both = a["stat"].notna() & b["stat"].notna()
        expressed = a["base_mean"] >= 1
        near = (a["log2fc"] - b["log2fc"]).abs()[expressed] <= 1e-3
        ratio = (a["dispersion"] / b["dispersion"] - 1).abs().dropna()
        out.append(
            {
                "study": study.name,
                "contrast": key,
                "engines": [left, right],
                "significant": [len(x), len(y)],
                "jaccard": len(x & y) / max(len(x | y), 1),
                "wald_r": float(np.corrcoef(a["stat"][both], b["stat"][both])[0, 1]),
                "log2fc_within_1e-3": float(near.mean()),
                "dispersion_within_1pct": float((ratio < 0.01).mean()),
            }
        )
    return out


def checkout(commit: str, folder: Path) -> Path:
    """The project at a commit, with the shared data beside it as here."""
    root = folder / "project"
    root.mkdir(parents=True)
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(root)], input=packed.stdout, check=True)
    if (ROOT.parent / "shared").is_dir():
        (folder / "shared").symlink_to((ROOT.parent / "shared").resolve())
    return root


def against(commit: str, threads: int, rounds: int = 5) -> list[dict[str, Any]]:
    """Our engine here and at another commit in turn, the least of `rounds` of each figure."""
    out = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        roots = {"here": ROOT, commit: checkout(commit, folder / "other")}
        for name in ("airway", "A375_36"):
            if load(name) is None:
                continue
            print(f"{name}: here and at {commit} in turn")
            runs: dict[str, list[dict[str, Any]]] = {key: [] for key in roots}
            for i in range(rounds + 1):
                for key, root in roots.items():
                    cache = str(folder / f"cache_{key}")
                    figures = one("pathcall", name, threads, folder, root, NUMBA_CACHE_DIR=cache)
                    if i:  # the first of each compiles
                        runs[key].append({"all_s": figures["fit_s"] + figures["contrasts_s"],
                                          **figures})  # fmt: skip
            least = {
                key: {what: min(r[what] for r in of) for what in ("all_s", "cpu_s", "peak_mb")}
                for key, of in runs.items()
            }
            ratios = {what: least["here"][what] / least[commit][what] for what in least["here"]}
            print("  here over there: " + ", ".join(f"{k} {v:.2f}" for k, v in ratios.items()))
            out.append({"study": name, "commit": commit, "rounds": rounds, "here": least["here"],
                        "there": least[commit], "ratios": ratios})  # fmt: skip
    return out


def compare(name: str, threads: int, *, stock: bool) -> dict[str, Any] | None:
    """All engines on one study."""
    study = load(name)
    if study is None:
        print(f"{name}: not here, left out")
        return None
    print(f"{name}: {len(study.counts)} samples, {study.counts.shape[1]} genes")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cache = folder / "cache"
        first = one("pathcall", name, threads, folder, NUMBA_CACHE_DIR=str(cache))
        figures = [{**first, "engine": "pathcall, first run"}]
        figures += [one("pathcall", name, n, folder) for n in sorted({1, threads})]
        if stock:
            figures.append(one("pydeseq2", name, threads, folder))
        figures += in_r(study, folder)
        agreements = agreement(folder, study, "pathcall", "DESeq2")
        agreements += agreement(folder, study, "pydeseq2", "DESeq2")
    ours = next(f for f in figures if f["engine"] == "pathcall" and f["threads"] == threads)
    total = ours["fit_s"] + ours["contrasts_s"]
    ratios = {
        f"{'fit and contrasts, ' if f['engine'] == 'pydeseq2' else 'fit of '}{f['engine']}": total
        / (f["fit_s"] + (f["contrasts_s"] if f["engine"] == "pydeseq2" else 0))
        for f in figures
        if not f["engine"].startswith("pathcall")
    }
    for key, value in ratios.items():
        print(f"  ours, all of it, over {key}: {value:.3f}")
    for a in agreements:
        print(f"  {a['engines'][0]} / {a['engines'][1]} {a['contrast']}: Jaccard "
              f"{a['jaccard']:.4f}, Wald r {a['wald_r']:.6f}")  # fmt: skip
    return {"study": name, "figures": figures, "ratios": ratios, "agreement": agreements}


def slope(x: list[float], y: list[float]) -> float:
    """Slope of log y over log x by least squares."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def scaling(threads: int) -> dict[str, Any]:
    """Time and memory over samples and over genes, on simulated counts."""
    out: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # Warm the compiled kernels.
        one("pathcall", "simulated_8x1000", threads, folder)
        sets = {
            "samples": [f"simulated_{n}x10000" for n in SAMPLES],
            "genes": [f"simulated_12x{n}" for n in GENES],
        }
        for axis, names in sets.items():
            print(f"scaling in {axis}")
            runs = [one("pathcall", name, threads, folder) for name in names]
            size = [float(SAMPLES[i] if axis == "samples" else GENES[i]) for i in range(len(runs))]
            seconds = [round(r["fit_s"] + r["contrasts_s"], 3) for r in runs]
            large = len(size) // 2
            out[axis] = {
                "size": size,
                "seconds": seconds,
                "peak_mb": [r["peak_mb"] for r in runs],
                "slope": slope(size, seconds),
                "slope_upper_half": slope(size[large:], seconds[large:]),
            }
            print(f"  log-log slope {out[axis]['slope']:.2f}, "
                  f"upper half {out[axis]['slope_upper_half']:.2f}")  # fmt: skip
        print("1,000 samples x 40,000 genes, 4 levels")
        out["large"] = one("pathcall", "simulated_1000x40000", threads, folder)
    return out


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    cpu = platform.processor() or platform.machine()
    path = Path("/proc/cpuinfo")
    if path.exists():
        names = [line for line in path.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    git = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(git, capture_output=True, text=True, cwd=ROOT, check=False)
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "commit": done.stdout.strip() or "unknown",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--skip-stock", action="store_true", help="leave stock pydeseq2 out")
    parser.add_argument("--skip-scaling", action="store_true")
    parser.add_argument("--against", metavar="COMMIT", help="compare with the engine of a commit")
    parser.add_argument("--page-only", action="store_true", help="rewrite docs from results")
    arguments = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    if not arguments.page_only:
        studies = [
            compare(name, arguments.threads, stock=not arguments.skip_stock)
            for name in ("airway", "A375_36")
        ]
        _write("engines.json", {"machine": machine(), "studies": [s for s in studies if s]})
        if arguments.against:
            other = against(arguments.against, arguments.threads)
            _write("against.json", {"machine": machine(), "studies": other})
        if not arguments.skip_scaling:
            _write("scaling.json", {"machine": machine(), **scaling(arguments.threads)})
    write_page(RESULTS, ROOT / "docs")


def _write(name: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    (RESULTS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
