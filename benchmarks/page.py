"""docs/benchmarks.md and its figures, from the JSON results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TARGETS = {
    "DESeq2": {"A375_36": 0.20, "airway": 0.35},
    "pydeseq2": {"A375_36": 0.10, "airway": 0.10},
}


def write_page(results: Path, docs: Path) -> None:
    """Write ``benchmarks.md`` and ``figures/scaling.svg`` into `docs`."""
    text = [
        "# Benchmarks",
        "",
        "Written by `make bench` (`PYTHONPATH=src python -m benchmarks`) from "
        "`benchmarks/results/*.json`; do not edit. Times are wall seconds with compiled kernels "
        "cached unless it says otherwise; *ours* is the fit, all contrasts, and shrinkage of each. "
        "Each engine runs in a process of its own, all of them one after the other on the same "
        "data. Where other work shares the machine, seconds grow and ratios are rough.",
        "",
    ]
    engines = results / "engines.json"
    if engines.exists():
        text += _engines(json.loads(engines.read_text()))
    other = results / "against.json"
    if other.exists():
        text += _against(json.loads(other.read_text()))
    scaling = results / "scaling.json"
    if scaling.exists():
        content = json.loads(scaling.read_text())
        _figure(content, docs / "figures" / "scaling.svg")
        text += _scaling(content)
    (docs / "benchmarks.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _cpu(figures: dict[str, Any]) -> str:
    """Only ours: pydeseq2's workers and R are processes of their own."""
    return _number(figures["cpu_s"]) if figures["engine"].startswith("pathcall") else ""


def _engines(content: dict[str, Any]) -> list[str]:
    machine = content["machine"]
    out = [
        f"Measured at commit {machine['commit']}. Machine: {machine['cpu']}, {machine['cores']} "
        f"cores, Python {machine['python']}. CPU seconds count imports, and suffer little where "
        "other work shares the machine.",
        "",
    ]
    for study in content["studies"]:
        figures = study["figures"]
        out += [
            f"## {study['study']}: {figures[0]['samples']} samples, {figures[0]['genes']:,} genes",
            "",
            "| engine | threads | fit (s) | contrasts (s) | CPU (s) | peak memory (MB) |",
            "|---|---|---|---|---|---|",
        ]
        out += [
            f"| {f['engine']} | {f.get('threads', 1)} | {_number(f['fit_s'])} | "
            f"{_number(f['contrasts_s'])} | {_cpu(f)} | "
            f"{_number(f.get('peak_mb'), 0)} |"
            for f in figures
        ]
        out += ["", "| ours over | ratio | target |", "|---|---|---|"]
        for key, value in study["ratios"].items():
            engine = key.split()[-1]
            target = TARGETS.get(engine, {}).get(study["study"])
            out.append(f"| {key} | {value:.3f} | {'' if target is None else f'≤ {target}'} |")
        out += [
            "",
            "| agreement | contrast | padj < 0.05 | Jaccard | Wald r | log2fc within 0.001 "
            "| dispersion within 1% |",
            "|---|---|---|---|---|---|---|",
        ]
        out += [
            f"| {a['engines'][0]} / {a['engines'][1]} | {a['contrast']} | "
            f"{a['significant'][0]:,} / {a['significant'][1]:,} | {a['jaccard']:.4f} | "
            f"{a['wald_r']:.6f} | {a['log2fc_within_1e-3']:.4%} | "
            f"{a['dispersion_within_1pct']:.3%} |"
            for a in study["agreement"]
        ]
        out.append("")
    return out


def _against(content: dict[str, Any]) -> list[str]:
    studies = content["studies"]
    if not studies:
        return []
    commit, rounds = studies[0]["commit"], studies[0]["rounds"]
    out = [
        f"## This engine over that of commit {commit}",
        "",
        f"Fit, contrasts and shrinkage, {rounds} runs of each in turn, the least of each figure. "
        "Targets: time ≤ 1.2, memory ≤ 1.3. Imports count in the CPU seconds and in the memory.",
        "",
        "| study | seconds | ratio | CPU (s) | ratio | peak memory (MB) | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for s in studies:
        cells = [
            f"{s['here'][k]:,.{d}f} / {s['there'][k]:,.{d}f} | {s['ratios'][k]:.2f}"
            for k, d in (("all_s", 2), ("cpu_s", 2), ("peak_mb", 0))
        ]
        out.append(f"| {s['study']} | {' | '.join(cells)} |")
    return [*out, ""]


def _scaling(content: dict[str, Any]) -> list[str]:
    large = content["large"]
    out = [
        "## Scaling (simulated counts, one factor of 4 levels, one contrast)",
        "",
        "![Time and peak memory over samples and genes](figures/scaling.svg)",
        "",
        "| axis | sizes | seconds | log-log slope | slope of the upper half |",
        "|---|---|---|---|---|",
    ]
    for axis in ("samples", "genes"):
        s = content[axis]
        out.append(
            f"| {axis} | {', '.join(f'{v:,.0f}' for v in s['size'])} | "
            f"{', '.join(f'{v:.2f}' for v in s['seconds'])} | {s['slope']:.2f} | "
            f"{s['slope_upper_half']:.2f} |"
        )
    out += [
        "",
        f"1,000 samples × 40,000 genes: fit {large['fit_s']:.1f} s, contrast with shrinkage "
        f"{large['contrasts_s']:.1f} s, peak memory {large['peak_mb'] / 1024:.2f} GB (target ≤ 4).",
        "",
    ]
    return out


def _figure(content: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "pathcall", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    titles = {"samples": "10,000 genes", "genes": "12 samples"}
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        s = content[name]
        axis.loglog(s["size"], s["seconds"], "o-", color="#1b6ca8", label="seconds")
        memory = [v / 1024 for v in s["peak_mb"]]
        axis.loglog(s["size"], memory, "s--", color="#b8571b", label="peak memory (GB)")
        axis.set_xlabel(name)
        axis.set_title(f"{title}: slope {s['slope']:.2f}, upper half {s['slope_upper_half']:.2f}")
        axis.legend(frameon=False)
        axis.grid(visible=True, which="major", alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
