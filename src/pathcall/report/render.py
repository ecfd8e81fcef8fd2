"""Put the page together: views of the tables, figures, packed data, one hashed script and style."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from pathcall.report import payload, sections, wording
from pathcall.report.data import ReportData, read_results
from pathcall.report.frame import asset, csp_hash, templates
from pathcall.report.sections.answer import draw_calls
from pathcall.report.sections.forest import draw_forest
from pathcall.report.sections.quality import draw_correlation, draw_library_sizes, draw_pca
from pathcall.report.sections.sample_scores import sample_groups
from pathcall.report.sections.scatter import draw_volcano
from pathcall.report.svg import Svg, figure_css
from pathcall.report.takeaway import write_takeaway
from pathcall.report.view import is_missing, text
from pathcall.tables import write_text

_log = logging.getLogger(__name__)
EMBED_BUDGET = 250_000  # bytes of base64
PAGE_BUDGET = 5_900_000  # bytes; beyond it the gene finder gives up precision and quiet genes
# Where the genes go: no text of the page holds a control character (`data.clean`).
_NOTE, _PACKED = "\x01note\x01", "\x01packed\x01"


def write_report(
    results: Path,
    *,
    config: Mapping[str, Any],
    contrasts: Sequence[Mapping[str, Any]],
    panel_folder: Path,
    out: Path,
    figures: Path | None = None,
) -> None:
    """See `pathcall.report.render_report`."""
    data = read_results(results, config=config, contrasts=contrasts, panel_folder=panel_folder)
    if figures is not None:
        write_figures(data, figures)
        write_takeaway(data, figures.parent)
    page = render_page(data)
    write_text(page, out)
    _log.info("report: %.2f MB", len(page.encode()) / 1e6)


def write_figures(data: ReportData, folder: Path) -> None:
    """Single figures as SVG files, for ``snakemake --report``."""
    made: dict[str, Svg | None] = {"calls": draw_calls(data)} if data.has_calls else {}
    made |= {
        "library": draw_library_sizes(data),
        "pca": draw_pca(data),
        "correlation": draw_correlation(data),
    }
    if data.has_calls:
        made |= {f"forest_{p}": draw_forest(data, p) for p in data.panel.pathways}
    made |= {f"volcano_{c.contrast}": draw_volcano(data, c.contrast) for c in data.contrasts}
    for name, figure in made.items():
        shown = figure or Svg(320, 40, name)
        if figure is None:
            shown.text(10, 25, "Nothing to draw: no value in the tables.")
        write_text(str(shown.markup(standalone=True)) + "\n", folder / f"{name}.svg")


def render_page(data: ReportData) -> str:
    """The page as text."""
    script = _script()
    figure_style, style = figure_css(), asset("report.css")
    environment = templates("pathcall.report")
    environment.filters |= {"shown": text, "path": quote, "counted": wording.counted}
    policy = (
        "default-src 'none'; "
        f"script-src '{csp_hash(script)}'; "
        f"style-src '{csp_hash(figure_style)}' '{csp_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    texts = _embedded(data)
    shown = sections.context(data)
    template = environment.get_template("page.html.j2")

    page = template.render(
        **shown,
        policy=policy,
        # Ours, and hashed: the only markup that the browser may run or apply.
        script=Markup(script),
        figure_style=Markup(figure_style),
        style=Markup(style),
        zip=f"{data.study}.zip",
        gene_note=_NOTE,
        packed=_PACKED,
        bundle=payload.pack(json.dumps(texts, sort_keys=True).encode()),
        files=_folders(data.files, texts),
    )
    # Genes take what the rest of the page leaves.
    room = PAGE_BUDGET - len(page.encode())
    packed = payload.build(data, budget=max(0, min(payload.BUDGET, room)))
    return page.replace(_NOTE, escape(packed.note)).replace(_PACKED, _scripts(data, packed))


def _scripts(data: ReportData, packed: payload.Payload) -> str:
    """What the page's script reads about genes."""
    blocks = "".join(
        f'<script type="application/octet-stream" id="data-{name}">{block}</script>\n'
        for name, block in packed.blocks.items()
    )
    about = _json(_meta(data, packed))
    return f'<script type="application/json" id="meta">{about}</script>\n{blocks}'


def _embedded(data: ReportData) -> dict[str, str]:
    """Tables that go into the page whole, in the order of `ReportData.files`, within the limit."""
    chosen: dict[str, str] = {}
    room = EMBED_BUDGET
    for name in data.files:
        if name in data.texts and (size := len(payload.pack(data.texts[name].encode()))) <= room:
            chosen[name] = data.texts[name]
            room -= size
    return chosen


def _folders(
    names: Sequence[str], embedded: Mapping[str, str]
) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Files by folder, those at the top first, each with whether it is in the page."""
    folders: dict[str, list[tuple[str, bool]]] = {}
    for name in names:
        folder = name.rpartition("/")[0]
        folders.setdefault(folder or "calls and samples", []).append((name, name in embedded))
    return list(folders.items())


SCRIPTS = ("core.js", "tables.js", "figures.js", "genes.js", "page.js")


def _script() -> str:
    """The page's script: its parts in one scope."""
    parts = "".join(asset(f"script/{name}") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _json(value: Any) -> Markup:
    # A "<" could end the script element or open a comment in it.
    return Markup(json.dumps(value, sort_keys=True).replace("<", "\\u003c"))


def _meta(data: ReportData, packed: payload.Payload) -> dict[str, Any]:
    sample_index = {name: i for i, name in enumerate(packed.meta["samples"])}
    factor = dict(zip(data.samples["sample"], data.samples["size_factor"], strict=True))
    strips = [
        {
            "model": g.model,
            "cell": g.cell,
            "samples": [sample_index[name] for name in g.samples if name in sample_index],
        }
        for g in sample_groups(data)
    ]
    factors = []
    for name in packed.meta["samples"]:
        own = factor.get(name)
        factors.append(1.0 if own is None or is_missing(own) else float(own))
    return {
        **packed.meta,
        "study": data.study,
        "species": {"human": "Homo_sapiens", "mouse": "Mus_musculus"}.get(
            str(data.config.get("organism")), ""
        ),
        "readouts": [
            {"name": r.readout, "pathway": r.pathway, "role": r.role}
            for r in data.panel.readouts
            if r.pathway in data.pathways
        ],
        "alpha": data.alpha,
        "sizeFactors": factors,
        "groups": strips,
        "models": list(data.models),
        "contrasts": [
            {"id": c.contrast, "label": c.label, "model": c.model} for c in data.contrasts
        ],
    }
