"""The report of finished studies, measured: time and memory to render, size, speed, length, axe.

    PYTHONPATH=src python -m benchmarks.report [CONFIG[,CONFIG…] …]

A study is its config files, joined by commas, with results in ``results/`` already; by default the
embedded study and, where there are results of it, the default study. Writes
``benchmarks/results/report.json`` and ``docs/report_measured.md``. Needs Chromium.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.data import ROOT

LIMITS = {
    "megabytes": 6.0,
    "render_cpu_s": 8.0,
    "memory_mb": 600.0,
    "paint_s": 0.3,
    "interactive_s": 0.8,
    "screens_1400": 15.0,
    "screens_390": 15.0,
    "axe": 0,
}
NAMES = {
    "megabytes": "size (MB)",
    "render_cpu_s": "rendering, CPU seconds with imports",
    "render_s": "rendering, wall seconds with imports",
    "memory_mb": "rendering, peak memory (MB)",
    "paint_s": "first paint (s)",
    "interactive_s": "interactive (s)",
    "screens_1400": "screens of 1400 × 900, all folded",
    "screens_390": "screens of 390 × 844, all folded",
    "axe": "serious or critical findings of axe",
}
_RENDER = """
import sys
from pathlib import Path
import yaml
from pathcall.report import render_report
from pathcall.study.plan import plan_study
raw = {}
for name in sys.argv[2].split(","):
    raw |= yaml.safe_load(Path(name).read_text(encoding="utf-8"))
plan = plan_study(raw, source=sys.argv[2], root=Path.cwd())
render_report(
    Path("results") / plan.config.study,
    config=plan.config.model_dump(mode="json"),
    contrasts=[c.as_dict() for c in plan.contrasts.values()],
    panel_folder=Path(plan.config.signatures),
    out=Path(sys.argv[1]),
)
print(plan.config.study, len(plan.contrasts))
"""


def rendered(config: str, out: Path) -> dict[str, Any]:
    """Render a study in a process of its own."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", _RENDER, str(out), config],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"rendering {config} failed")
    study, contrasts = said.split()
    return {
        "study": study,
        "contrasts": int(contrasts),
        "render_s": time.perf_counter() - start,
        "render_cpu_s": used.ru_utime + used.ru_stime,
        "memory_mb": used.ru_maxrss / 1024,
        "megabytes": out.stat().st_size / 1e6,
    }


def shown(page_file: Path) -> dict[str, Any]:
    """Load a page three times in headless Chromium; the best times, its length, axe."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    made: dict[str, Any] = {"paint_s": 9e9, "interactive_s": 9e9}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        for width, height in ((1400, 900), (1400, 900), (1400, 900), (390, 844)):
            context = browser.new_context(
                viewport={"width": width, "height": height}, bypass_csp=True
            )
            page = context.new_page()
            page.goto(page_file.as_uri())
            page.wait_for_selector("html[data-ready]")
            length = page.evaluate("document.documentElement.scrollHeight") / height
            made[f"screens_{width}"] = length
            if width == 1400:
                paint, ready = page.evaluate(
                    "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
                    " performance.getEntriesByType('navigation')[0].domInteractive]"
                )
                made["paint_s"] = min(made["paint_s"], paint / 1000)
                made["interactive_s"] = min(made["interactive_s"], ready / 1000)
            else:
                page.evaluate(
                    "document.querySelectorAll('details').forEach((d) => (d.open = true))"
                )
                found = Axe().run(page, options={"resultTypes": ["violations"]}).response
                worst = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
                made["axe"] = len(worst)
            context.close()
        browser.close()
    return made


def main() -> None:
    """Measure, print, write."""
    configs = sys.argv[1:] or ["config/demo.yaml"]
    studies, load = [], os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        for config in configs:
            out = Path(folder) / "report.html"
            studies.append(rendered(config, out) | shown(out))
    results = ROOT / "benchmarks" / "results" / "report.json"
    results.write_text(json.dumps(studies, indent=1) + "\n", encoding="utf-8")
    head = " | ".join(f"{s['study']}, {s['contrasts']} contrast(s)" for s in studies)
    lines = [
        "# The report, measured",
        "",
        "Written by `PYTHONPATH=src python -m benchmarks.report` on finished results; do not edit. "
        "Best of three loads in headless Chromium from disk. Where other work shares the machine, "
        f"times grow, those of CPU too: its load was {load:.1f} at the start, on {os.cpu_count()} "
        "cores.",
        "",
        f"| | {head} | limit |",
        f"|---|{'---|' * len(studies)}---|",
    ]
    for key, name in NAMES.items():
        values = " | ".join(f"{s[key]:.3g}" for s in studies)
        lines.append(f"| {name} | {values} | {LIMITS.get(key, '')} |")
    (ROOT / "docs" / "report_measured.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
