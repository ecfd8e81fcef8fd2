"""Draw docs/dag.svg, the rules of the demo and what flows between them.

python tools/draw_dag.py

The graph is Snakemake's own (``--rulegraph``); it is laid out and drawn here, so that no Graphviz
is needed and the same rules give the same bytes. ``tests/repository/test_docs.py`` fails
when the figure is not that of the workflow.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIGURE = ROOT / "docs" / "dag.svg"
# Rules that only collect the outputs of others.
COLLECTORS = ("default", "all")

ROW = 64
BOX_HEIGHT = 34
CHARACTER = 7.3  # width of one, in the monospaced font below
MARGIN = 24

STAGES = {
    "fetch": "#cfe3f5",
    "assemble": "#d9ead3",
    "run_qc": "#d9ead3",
    "fit": "#fde9c9",
    "render": "#e6d9f0",
}
OTHER = "#f3f3f3"

Edges = list[tuple[str, str]]


def main() -> None:
    """Draw the figure of the workflow as it stands."""
    FIGURE.write_text(draw(*read_rulegraph(rulegraph())), encoding="utf-8")
    print(FIGURE.relative_to(ROOT))


def rulegraph() -> str:
    """Return the demo's rule graph in the dot language."""
    command = [
        sys.executable, "-m", "snakemake", "--configfile", "config/demo.yaml",
        "--workflow-profile", "none", "--forceall", "--rulegraph", "dot", "--quiet", "all",
    ]  # fmt: skip
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "src"))
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"error: snakemake gives no rule graph — {done.stderr.strip()[-2000:]}")
    return done.stdout


def read_rulegraph(dot: str) -> tuple[list[str], Edges]:
    """Return rules and edges (from, to) of a graph in the dot language, collectors left out."""
    names = dict(re.findall(r'^\s*(\d+)\s*\[\s*label = "([^"\\]+)', dot, flags=re.MULTILINE))
    # A rule a model, made in a loop: the demo has one model.
    names = {key: re.sub(r"_airway$", "_{model}", name) for key, name in names.items()}
    pairs = re.findall(r"^\s*(\d+) -> (\d+)", dot, flags=re.MULTILINE)
    edges = sorted({(names[a], names[b]) for a, b in pairs})
    kept = sorted(set(names.values()) - set(COLLECTORS))
    return kept, [(a, b) for a, b in edges if a in kept and b in kept]


def draw(rules: list[str], edges: Edges) -> str:
    """Return the graph as SVG, each rule in the row above the first one that needs it."""
    edges = _without_shortcuts(edges)
    rows, ways = _rows(rules, edges)
    widths = [sum(_slot(node) for node in row) for row in rows]
    width = max(widths) + 2 * MARGIN
    height = len(rows) * ROW + 2 * MARGIN - (ROW - BOX_HEIGHT)
    centre: dict[str, tuple[float, float]] = {}
    for i, row in enumerate(rows):
        x = (width - widths[i]) / 2
        for node in row:
            centre[node] = (x + _slot(node) / 2, MARGIN + i * ROW + BOX_HEIGHT / 2)
            x += _slot(node)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-labelledby="t">',
        '<title id="t">The rules of the workflow and what flows between them</title>',
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>',
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="#ffffff"/>',
    ]
    half = BOX_HEIGHT / 2
    for way in ways:
        x, y = centre[way[0]][0], centre[way[0]][1] + half
        line = f"M{x:g} {y:g}"
        for node in way[1:]:
            x2, y2 = centre[node]
            line += f"C{x:g} {y + half:g} {x2:g} {y2 - 2 * half:g} {x2:g} {y2 - half:g}"
            x, y = x2, y2 + half
            if node != way[-1]:
                line += f"V{y:g}"
        parts.append(
            f'<path d="{line}" fill="none" stroke="#555" stroke-width="1.2" marker-end="url(#a)"/>'
        )
    for rule in rules:
        x, y = centre[rule]
        box = len(rule) * CHARACTER + 18
        parts.append(
            f'<rect x="{x - box / 2:g}" y="{y - half:g}" width="{box:g}" '
            f'height="{BOX_HEIGHT}" rx="6" fill="{_fill(rule)}" stroke="#555"/>'
            f'<text x="{x:g}" y="{y + 4:g}" text-anchor="middle" fill="#111" '
            f'font-family="ui-monospace,Menlo,Consolas,monospace" font-size="12">'
            f"{escape(rule)}</text>"
        )
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _slot(node: str) -> float:
    """Width that a node takes in its row; a point that an edge passes takes little."""
    return 30 if node.startswith("·") else len(node) * CHARACTER + 42


def _fill(rule: str) -> str:
    return next((colour for prefix, colour in STAGES.items() if rule.startswith(prefix)), OTHER)


def _without_shortcuts(edges: Edges) -> Edges:
    """Leave out edges that a longer way implies; they only clutter the figure."""
    following: dict[str, set[str]] = {}
    for source, target in edges:
        following.setdefault(source, set()).add(target)

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        stack = list(following.get(start, ()))
        while stack:
            rule = stack.pop()
            if rule not in found:
                found.add(rule)
                stack.extend(following.get(rule, ()))
        return found

    return [
        (source, target)
        for source, target in edges
        if not any(target in reached(other) for other in following[source] - {target})
    ]


def _rows(rules: list[str], edges: Edges) -> tuple[list[list[str]], list[list[str]]]:
    """Lay the rules out in rows; return rows and, for each edge, the nodes it runs through.

    A rule stands in the row above the first that needs it. An edge over several rows passes a point
    (a node named ``·…``) in each of them, so that it runs between the boxes and not behind them.
    """
    needed_by: dict[str, list[str]] = {rule: [] for rule in rules}
    for source, target in edges:
        needed_by[source].append(target)
    distance: dict[str, int] = {}

    def to_end(rule: str) -> int:
        if rule not in distance:
            distance[rule] = 1 + max((to_end(other) for other in needed_by[rule]), default=-1)
        return distance[rule]

    last = max(map(to_end, rules))
    rows: list[list[str]] = [[] for _ in range(last + 1)]
    for rule in rules:
        rows[last - distance[rule]].append(rule)
    ways: list[list[str]] = []
    for source, target in edges:
        between = range(last - distance[source] + 1, last - distance[target])
        points = [f"·{source}·{target}·{i}" for i in between]
        for i, point in zip(between, points, strict=True):
            rows[i].append(point)
        ways.append([source, *points, target])
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for way in ways:
        for one, other in itertools.pairwise(way):
            above.setdefault(other, []).append(one)
            below.setdefault(one, []).append(other)
    for _ in range(4):  # each row near its neighbours above, then below: few crossings
        _order(rows, above)
        _order(rows[::-1], below)
    return rows, ways


def _order(rows: list[list[str]], neighbours: dict[str, list[str]]) -> None:
    place: dict[str, float] = {}
    for row in rows:
        middle = {node: (j + 0.5) / len(row) for j, node in enumerate(row)}
        for node in row:
            near = [place[other] for other in neighbours.get(node, []) if other in place]
            if near:
                middle[node] = sum(near) / len(near)
        row.sort(key=lambda node: (round(middle[node], 9), node))
        place.update({node: (j + 0.5) / len(row) for j, node in enumerate(row)})


if __name__ == "__main__":
    main()
