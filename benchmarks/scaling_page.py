"""docs/scaling.md and its figure, from the results of `benchmarks.growth`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.growth_study import Size

TARGETS = {(300, 40_000, 20): (8, 4), (1000, 40_000, 20): (30, 8)}
"""Samples, genes, contrasts → minutes on two cores, GB of the largest job."""
SLOPE = 1.1
COLOURS = ("#1b6ca8", "#b8571b", "#3a7d44", "#8e5ea2")


def write_scaling_page(results: Path, axes: Mapping[str, Sequence[Size]], docs: Path) -> None:
    """Write ``scaling.md`` and ``figures/growth.svg`` into `docs`."""
    content = json.loads((results / "growth.json").read_text())
    studies = content["studies"]
    found = {axis: _along(studies, sizes) for axis, sizes in axes.items()}
    machine = content["machine"]
    commits = sorted({s["commit"] for s in studies})
    text = [
        "# From forty samples to a thousand",
        "",
        "Written by `python -m benchmarks.growth --grid`; do not edit. Studies are simulated "
        "(`benchmarks/growth_study.py`): negative binomial counts of groups of equal size, one "
        "control a model, every second treatment with a pathway planted. Every gene is expressed, "
        "as a real study's are not. The whole workflow runs, from the table of counts to the "
        "report. CPU seconds are those of all processes, memory is that of the largest job. *Load "
        "before* is the load average as the run began (–: not noted; other work filled the "
        "machine): beside other work wall seconds grow many times, and CPU seconds as well.",
        "",
        f"Machine: {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}; "
        f"commit {', '.join(commits)}.",
        "",
        "| samples | genes | contrasts | models | cores | load before | wall (s) | CPU (s) "
        "| memory (MB) | report.html (MB) | all results (MB) |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    text += [
        f"| {s['samples']:,} | {s['genes']:,} | {s['contrasts']} | {s['models']} | {s['cores']} "
        f"| {s.get('load', '–')} | {s['wall_s']:,.0f} | {s['cpu_s']:,.0f} | {s['peak_mb']:,.0f} "
        f"| {s['page_mb']:.1f} | {s['results_mb']:,.0f} |"
        for s in studies
    ]
    text += ["", *_targets(studies)]
    _figure(found, docs / "figures" / "growth.svg")
    text += [
        "",
        "![CPU seconds and memory over samples, genes and contrasts](figures/growth.svg)",
        "",
        "Log-log slopes (1: twice the size takes twice as much), by least squares over the sizes "
        "above that differ in that one number, and between the largest two:",
        "",
        "| of | over | CPU | CPU, largest two | memory | report.html |",
        "|---|---|---|---|---|---|",
    ]
    for axis, (sizes, runs) in found.items():
        if len(runs) > 1:
            cpu, memory, page = ([r[key] for r in runs] for key in ("cpu_s", "peak_mb", "page_mb"))
            text.append(
                f"| {axis} | {', '.join(f'{v:,}' for v in sizes)} | {_slope(sizes, cpu):.2f} | "
                f"{_slope(sizes[-2:], cpu[-2:]):.2f} | {_slope(sizes, memory):.2f} | "
                f"{_slope(sizes, page):.2f} |"
            )
    text += ["", *_rules(found), *_overhead(results), *_many(results)]
    (docs / "scaling.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def _along(
    studies: Sequence[dict[str, Any]], sizes: Sequence[Size]
) -> tuple[list[float], list[dict[str, Any]]]:
    """Sizes of an axis that were measured, and their runs."""
    axis = next(
        key for key in ("samples", "genes", "contrasts", "models")
        if len({getattr(size, key) for size in sizes}) > 1
    )  # fmt: skip
    keys = ("samples", "genes", "contrasts", "models")
    known = {tuple(s[k] for k in keys): s for s in studies}
    runs = [known[at] for size in sizes if (at := tuple(getattr(size, k) for k in keys)) in known]
    return [run[axis] for run in runs], runs


def _targets(studies: Sequence[dict[str, Any]]) -> list[str]:
    out = []
    for s in studies:
        target = TARGETS.get((s["samples"], s["genes"], s["contrasts"]))
        if target and s["models"] == 1:
            out.append(
                f"- {s['samples']:,} samples × {s['genes']:,} genes × {s['contrasts']} contrasts: "
                f"{s['wall_s'] / 60:.1f} min on {s['cores']} cores (target ≤ {target[0]}), "
                f"{s['peak_mb'] / 1024:.1f} GB (target ≤ {target[1]})."
            )
    return out


def _rules(found: Mapping[str, tuple[list[float], list[dict[str, Any]]]]) -> list[str]:
    """What each rule takes along the axis of samples, in CPU seconds and MB."""
    sizes, runs = found["samples"]
    if len(runs) < 2:
        return []
    names = sorted(
        {name for run in runs for name in run["rules"]},
        key=lambda name: -runs[-1]["rules"].get(name, {"cpu_s": 0})["cpu_s"],
    )
    head = " | ".join(f"{size:,} samples: CPU (s), memory (MB)" for size in sizes)
    out = ["## By rule", "", f"| rule | {head} | slope |", "|---" * (len(sizes) + 2) + "|"]
    for name in names:
        own = [run["rules"].get(name) for run in runs]
        if any(o is None for o in own):
            continue
        cells = " | ".join(f"{o['cpu_s']:.1f}, {o['peak_mb']:,.0f}" for o in own if o)
        cpu = [o["cpu_s"] for o in own if o]
        out.append(f"| `{name}` | {cells} | {_slope(sizes[-2:], cpu[-2:]):.2f} |")
    return [*out, "", "Slopes are those between the largest two.", ""]


def _overhead(results: Path) -> list[str]:
    """What the workflow costs beside its jobs."""
    path = results / "overhead.json"
    if not path.exists():
        return []
    out = [
        "## Overhead",
        "",
        "The same scripts through the workflow and, one after the other, in one process, in turns "
        "(`python -m benchmarks.overhead`; the least of each figure). The overhead is what the one "
        "process does not take: starting processes, imports, planning. Target: ≤ 35% of the wall.",
        "",
        "| study | cores | rounds | jobs | workflow: wall, CPU (s) | one process: wall, CPU (s) "
        "| overhead: wall, CPU |",
        "|---|---|---|---|---|---|---|",
    ]
    out += [
        f"| {' '.join(s['study'])} | {s['cores']} | {s['rounds']} "
        f"| {s['jobs']} | {s['wall_s']:.1f}, {s['cpu_s']:.1f} "
        f"| {s['one_process_wall_s']:.1f}, {s['one_process_cpu_s']:.1f} "
        f"| {s['overhead_wall']:.0%}, {s['overhead_cpu']:.0%} |"
        for s in json.loads(path.read_text())["studies"]
    ]
    return [*out, ""]


def _many(results: Path) -> list[str]:
    """Twenty studies in one command."""
    path = results / "many_studies.json"
    if not path.exists():
        return []
    s = json.loads(path.read_text())
    return [
        "## Many studies in one command",
        "",
        f"{s['studies']} studies (the embedded one, and simulated ones of 12 samples and 12,000 "
        f"genes) with their summary, on {s['cores']} cores: {s['wall_s']:,.0f} s, "
        f"{s['cpu_s']:,.0f} CPU s. One of them alone takes {s['one_wall_s']:.0f} s and "
        f"{s['one_cpu_s']:.0f} CPU s; {s['studies']} times that, and a minute, are "
        f"{s['allowed_s']:,.0f} s (`python -m benchmarks.many_studies`).",
        "",
    ]


def _slope(x: Sequence[float], y: Sequence[float]) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _figure(found: Mapping[str, tuple[list[float], list[dict[str, Any]]]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "pathcall", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot as plt

    shown = {axis: of for axis, of in found.items() if len(of[1]) > 1}
    figure, axes = plt.subplots(
        1, max(len(shown), 1), figsize=(3.1 * max(len(shown), 1), 3.2), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axis, (name, (sizes, runs)) in zip(axes[0], shown.items(), strict=False):
        for colour, (label, values) in zip(
            COLOURS,
            {
                "CPU (s)": [r["cpu_s"] for r in runs],
                "wall on 2 cores (s)": [r["wall_s"] for r in runs],
                "memory (MB)": [r["peak_mb"] for r in runs],
            }.items(),
            strict=False,
        ):
            axis.loglog(sizes, values, "o-", color=colour, label=label)
        axis.set_xlabel(name)
        axis.grid(visible=True, which="major", alpha=0.3)
    if shown:
        axes[0][0].legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
