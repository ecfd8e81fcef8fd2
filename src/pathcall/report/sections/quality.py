"""Samples: what was excluded, what is flagged, and their quality."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from pathcall import tables
from pathcall.report import svg as s
from pathcall.report.data import ReportData
from pathcall.report.lettering import widest
from pathcall.report.raster import block_means, png_address
from pathcall.report.sections.labels import group_name
from pathcall.report.svg import Scale, Svg
from pathcall.report.view import (
    Column,
    Table,
    figure,
    table,
    table_columns,
)

MANY = 120  # samples beyond which figures show groups: a row each would take many screens
ROWS = 300  # of the table of quality


def context(data: ReportData) -> dict[str, Any]:
    """Variables of the section."""
    return {
        "excluded": excluded_samples(data),
        "flags": flags_table(data),
        "metrics": metrics_table(data),
        "library": figure("library", draw_library_sizes(data), file="samples.tsv"),
        "pca": figure("pca", draw_pca(data), file="qc/pca.tsv"),
        "correlation": figure("correlation", draw_correlation(data), file="qc/correlation.tsv"),
    }


def excluded_samples(data: ReportData) -> Table:
    """Samples that were not used, and why."""
    rows = data.samples[data.samples["included"] == "no"]
    title = next((c for c in ("geo_title", "title") if c in rows.columns), None)
    columns = table_columns(tables.SAMPLES, "sample")
    columns += [Column(title, "Title")] if title else []
    columns += table_columns(tables.SAMPLES, "reason", "library_size")
    return table(
        rows,
        columns,
        ident="table-excluded",
        caption="Samples that were not used",
        file="samples.tsv",
        empty="Every sample of the sheet was used.",
    )


def flags_table(data: ReportData) -> Table:
    """What looks wrong with samples that were used."""
    frame = data.flags.assign(flag=[str(v).replace("_", " ") for v in data.flags["flag"]])
    return table(
        frame,
        table_columns(
            tables.QC_FLAGS, "sample", "flag", "severity", "value", "threshold", "reason", "advice"
        ),
        ident="table-flags",
        caption="What looks wrong, and why",
        file="qc/flags.tsv",
        css=lambda r, key: (
            {"severe": "bad", "warning": "warn"}.get(r["severity"], "") if key == "severity" else ""
        ),
        empty="No sample is flagged.",
    )


def metrics_table(data: ReportData) -> Table:
    """Quality of each included sample."""
    more = [c for c in data.samples.columns if c in ("geo_title", "title")]
    frame = data.metrics.merge(data.samples[["sample", *more]], on="sample", how="left")
    caption = "Quality of each included sample"
    if len(frame) > ROWS:  # what looks wrong, and what resembles the others least
        calm = ~frame["sample"].isin(data.flags["sample"])
        frame = frame.assign(calm=calm).sort_values(["calm", "median_correlation"], kind="stable")
        caption += f": flagged samples, then those of lowest median ρ; {ROWS} of {len(frame)}"
        frame = frame.head(ROWS)
    return table(
        frame,
        [
            *table_columns(tables.QC_METRICS, "sample"),
            *[Column(c, "Title") for c in more[:1]],
            *table_columns(
                tables.QC_METRICS,
                "group",
                "library_size",
                "n_genes",
                "pct_top_50",
                "pct_mitochondrial",
                "size_factor",
                "median_correlation",
                "group_correlation",
                "mate_distance",
            ),
        ],
        ident="table-metrics",
        caption=caption,
        file="qc/metrics.tsv",
        search=True,
    )


def draw_library_sizes(data: ReportData) -> Svg:
    """Library size of every sample, excluded ones open; of many samples, by group."""
    if len(data.samples) > MANY:
        return _library_sizes_by_group(data)
    rows = data.samples
    cell = dict(zip(data.metrics["sample"], data.metrics["group"], strict=True))
    names = [f"{n}  {group_name(cell.get(n))}".rstrip() for n in rows["sample"]]
    left, top, step = widest(names) + 14, 10, 17
    wide = max(160.0, min(420.0, 880 - left))
    sizes = rows["library_size"].to_numpy(dtype=float) / 1e6
    figure = Svg(
        left + wide + 70,
        top + step * len(rows) + 40,
        "Library sizes",
        f"{len(rows)} samples; excluded samples are pale.",
        ident="f-library",
    )
    x = Scale(0, max(1e-6, float(np.nanmax(sizes)) * 1.02), left, left + wide)
    figure.x_axis(x, top + step * len(rows), top=top, name="million counts")
    flagged = set(data.flags["sample"])
    for i, row in enumerate(rows.to_dict("records")):
        y = top + i * step
        figure.text(left - 6, y + 12, names[i], cls="s", anchor="end")
        size = sizes[i] if math.isfinite(sizes[i]) else 0.0
        figure.rect(
            left, y + 2, x(size) - left, step - 4, "fbar" if row["included"] == "yes" else "fpale"
        )
        note = (
            "excluded" if row["included"] == "no" else "flagged" if row["sample"] in flagged else ""
        )
        if note:
            figure.text(x(size) + 5, y + 12, note, cls="m")
    return figure


def _library_sizes_by_group(data: ReportData) -> Svg:
    """A row a group, a dot a sample; excluded samples have a row of their own."""
    cell = dict(zip(data.metrics["sample"], data.metrics["group"], strict=True))
    of = [
        group_name(cell.get(n)) or "no group" if included == "yes" else "excluded"
        for n, included in data.samples[["sample", "included"]].itertuples(index=False)
    ]
    sizes = data.samples["library_size"].to_numpy(dtype=float) / 1e6
    groups = list(dict.fromkeys(of))
    left, top, step = widest(groups) + 14, 10, 17
    wide = max(160.0, min(620.0, 880 - left))
    figure = Svg(
        left + wide + 30,
        top + step * len(groups) + 40,
        "Library sizes",
        f"{len(of)} samples in {len(groups)} groups, one dot a sample.",
        ident="f-library",
    )
    x = Scale(0, max(1e-6, float(np.nanmax(sizes)) * 1.02), left, left + wide)
    figure.x_axis(x, top + step * len(groups), top=top, name="million counts")
    for i, name in enumerate(groups):
        figure.text(left - 6, top + i * step + 12, name, cls="s", anchor="end")
    row = np.array([groups.index(name) for name in of], dtype=float)
    ok = np.isfinite(sizes)
    figure.dots(x.many(sizes[ok]), top + (row[ok] + 0.5) * step, "l0")
    return figure


def draw_pca(data: ReportData) -> Svg | None:
    """First two principal components; colour and shape are the sample's cell."""
    rows = data.pca[data.pca["component"].isin(["PC1", "PC2"])]
    wide = rows.pivot_table(index="sample", columns="component", values="score", sort=False)
    if not {"PC1", "PC2"} <= set(wide.columns):
        return None
    share = rows.drop_duplicates("component").set_index("component")["explained_variance"]
    cell = dict(zip(data.metrics["sample"], data.metrics["group"], strict=True))
    names = list(dict.fromkeys(cell.get(n, "") for n in wide.index))
    left, top, w, h = 56, 12, 430, 360
    figure = Svg(
        left + w + 48 + widest([group_name(n) for n in names]),
        max(top + h + 44, 30 + 18 * len(names)),
        "Principal components of the samples",
        f"{len(wide)} samples; PC1 {100 * share['PC1']:.0f}%, PC2 {100 * share['PC2']:.0f}% "
        "of the variance.",
        ident="f-pca",
    )
    x = Scale(*s.padded(wide["PC1"], share=0.06), left, left + w)
    y = Scale(*s.padded(wide["PC2"], share=0.06), top + h, top)
    figure.x_axis(x, top + h, top=top, name=f"PC1 ({100 * share['PC1']:.0f}% of variance)")
    figure.y_axis(
        y, left, right=left + w, offset=44, name=f"PC2 ({100 * share['PC2']:.0f}% of variance)"
    )
    # Hue and shape move together, so that every cell has a pair of its own.
    style = {
        n: (f"k{i % s.HUES}", s.MARKS[(i // s.HUES + i) % len(s.MARKS)])
        for i, n in enumerate(names)
    }
    for sample, row in wide.iterrows():
        hue, mark = style[cell.get(sample, "")]
        figure.mark(
            x(row["PC1"]),
            y(row["PC2"]),
            mark,
            hue,
            5,
            title=f"{sample} ({cell.get(sample, '')})",
            sample=str(sample),
        )
    for i, name in enumerate(names):
        hue, mark = style[name]
        figure.mark(left + w + 28, top + 10 + 18 * i, mark, hue, 5)
        figure.text(left + w + 40, top + 14 + 18 * i, group_name(name) or "no group", cls="s")
    return figure


def draw_correlation(data: ReportData) -> Svg:
    """Spearman correlation between samples."""
    names = list(dict.fromkeys(data.correlation["sample"]))
    row, column = (
        pd.Categorical(data.correlation[k], categories=names).codes for k in ("sample", "other")
    )
    values = np.full((len(names), len(names)), np.nan)
    values[row, column] = data.correlation["correlation"]
    cell = dict(zip(data.metrics["sample"], data.metrics["group"], strict=True))
    many = len(names) > MANY
    if many:  # groups stand together
        order = sorted(range(len(names)), key=lambda i: cell.get(names[i], ""))
        names, values = [names[i] for i in order], values[np.ix_(order, order)]
    off = values[~np.eye(len(names), dtype=bool)]
    low = float(np.nanmin(off)) if len(off) else 0.0
    labels = [f"{n}  {group_name(cell.get(n))}".rstrip() for n in names]
    if many:
        labels = [group_name(cell.get(n)) or "no group" for n in names]
    left, top = widest(labels) + 14, 8
    side = max(10.0, min(28.0, 460 / len(names), (860 - left) / len(names))) * len(names)
    side = 460.0 if many else side
    figure = Svg(
        left + side + 96,
        top + side + 10,
        "Correlation between samples",
        f"{len(names)} by {len(names)} samples, Spearman, VST values.",
        ident="f-correlation",
    )
    (_correlation_picture if many else _correlation_cells)(figure, values, labels, low, left, side)
    x = left + side + 14
    for k in range(s.SEQUENTIAL):
        figure.rect(x, top + (s.SEQUENTIAL - 1 - k) * 13, 14, 13, f"s{k}")
    figure.text(x + 19, top + 10, "1", cls="tick")
    figure.text(x + 19, top + 13 * s.SEQUENTIAL, f"{low:.3f}", cls="tick")
    return figure


def _correlation_cells(
    figure: Svg, values: s.Floats, labels: list[str], low: float, left: float, side: float
) -> None:
    """A cell a pair, a label a sample."""
    size, top = side / len(values), 8
    index = np.arange(len(values)) * size
    xs, ys = np.meshgrid(left + index, top + index)
    ok = np.isfinite(values)
    figure.cells(xs[ok], ys[ok], s.sequential(values[ok], low, 1.0), size - 0.6, size - 0.6, "s")
    for i, text in enumerate(labels):
        figure.text(left - 6, top + i * size + size / 2 + 3.5, text, cls="s", anchor="end")


def _correlation_picture(
    figure: Svg, values: s.Floats, labels: list[str], low: float, left: float, side: float
) -> None:
    """One picture of at most 460 pixels a side, and a label for each group that has room."""
    means = block_means(values, round(side))
    levels = s.sequential(np.nan_to_num(means, nan=low), low, 1.0).astype(np.uint8)
    figure.picture(left, 8, side, side, png_address(levels))
    free = 0.0
    for name in dict.fromkeys(labels):
        at = [i for i, other in enumerate(labels) if other == name]
        middle = 8 + (at[0] + at[-1] + 1) / 2 * side / len(labels)
        if middle - free >= 13:
            figure.text(left - 6, middle + 3.5, name, cls="s", anchor="end")
            free = middle
