"""A little SVG: text escaped, coordinates rounded, colours by class.

Classes, so that one figure serves the light page, the dark page, the print and a file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from pathcall.report.lettering import LEADING, SMALL, text_width, wrap

Floats = npt.NDArray[np.float64]
DIVERGING = 11  # classes d0 … d10, d5 is zero
SEQUENTIAL = 9  # classes s0 … s8
MARKS = ("circle", "square", "triangle", "diamond", "cross", "ring")
HUES = 8  # classes k0 … k7, Okabe-Ito


def num(value: float) -> str:
    """A coordinate with one decimal at most."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


@dataclass(frozen=True)
class Scale:
    """A linear scale from data to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Pixel of one value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def many(self, values: Floats) -> Floats:
        """Pixels of many values."""
        return self.start + (values - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Round numbers within the scale, about `wanted` of them."""
        return ticks(self.low, self.high, wanted)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, at most about `wanted` of them."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    raw = span / max(1, wanted)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def padded(
    values: Iterable[float], *, zero: bool = False, share: float = 0.05, least: float = 1e-9
) -> tuple[float, float]:
    """Range of the finite values with a margin; never empty."""
    finite = [v for v in values if math.isfinite(v)]
    if zero or not finite:
        finite.append(0.0)
    low, high = min(finite), max(finite)
    margin = max((high - low) * share, least, 1e-6 * max(abs(low), abs(high)))
    return low - margin, high + margin


def label(value: float) -> str:
    """A tick label: no exponent for everyday numbers, a true minus sign."""
    if value == 0 or abs(value) < 1e-12:
        return "0"
    size = abs(value)
    if size >= 1e6:
        text = f"{value / 1e6:g}M"
    elif size >= 1e4:
        text = f"{value / 1e3:g}k"
    else:
        text = f"{value:.4g}"
    return text.replace("-", "−")


@dataclass
class Svg:
    """A figure under construction.

    Parameters
    ----------
    width, height
        In pixels.
    title
        Short accessible name.
    desc
        What the figure shows, in words, for those who cannot see it.
    """

    width: float
    height: float
    title: str
    desc: str = ""
    ident: str = ""
    parts: list[str] = field(default_factory=list, repr=False)

    def add(self, markup: str) -> None:
        """Add markup that is already safe."""
        self.parts.append(markup)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        cls: str = "t",
        anchor: str = "start",
        rotate: float | None = None,
        title: str = "",
    ) -> None:
        """Text; `title` is shown on hover where the text had to be shortened."""
        turn = f' transform="rotate({num(rotate)} {num(x)} {num(y)})"' if rotate else ""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        inner = escape(text) + (Markup("<title>{}</title>").format(title) if title else "")
        self.add(f'<text class="{cls}" x="{num(x)}" y="{num(y)}"{where}{turn}>{inner}</text>')

    def label(
        self,
        x: float,
        y: float,
        text: str,
        width: float,
        *,
        cls: str = "s",
        anchor: str = "start",
        stands: str = "middle",
        title: str = "",
    ) -> int:
        """Text on as many lines of `width` pixels as it needs; how many they are.

        `stands` says what of the block is at `y`: its ``middle``, its ``top`` or its ``bottom``.
        """
        lines = wrap(text, width, SMALL, bold="b" in cls.split())
        up = {"middle": (len(lines) - 1) / 2, "top": 0.0, "bottom": len(lines) - 1.0}[stands]
        drop = {"middle": 4.0, "top": 10.0, "bottom": 0.0}[stands]
        for k, line in enumerate(lines):
            at = y + drop + (k - up) * LEADING
            self.text(x, at, line, cls=cls, anchor=anchor, title=title)
        return len(lines)

    def line(self, x1: float, y1: float, x2: float, y2: float, cls: str = "grid") -> None:
        """A straight line."""
        if x1 == x2:
            d = f"M{num(x1)} {num(y1)}V{num(y2)}"
        elif y1 == y2:
            d = f"M{num(x1)} {num(y1)}H{num(x2)}"
        else:
            d = f"M{num(x1)} {num(y1)}L{num(x2)} {num(y2)}"
        self.add(f'<path class="{cls}" d="{d}"/>')

    def rect(self, x: float, y: float, w: float, h: float, cls: str, title: str = "") -> None:
        """A rectangle; `title` is shown on hover (with the class ``hover``)."""
        end = f"><title>{escape(title)}</title></rect>" if title else "/>"
        self.add(
            f'<rect class="{cls}" x="{num(x)}" y="{num(y)}" width="{num(max(0, w))}" '
            f'height="{num(max(0, h))}"{end}'
        )

    def mark(
        self,
        x: float,
        y: float,
        kind: str,
        cls: str,
        r: float = 4,
        title: str = "",
        sample: str = "",
    ) -> None:
        """A symbol of one of `MARKS`; marks of one `sample` light up together on hover."""
        hover = f"<title>{escape(title)}</title>" if title else ""
        of = f' data-s="{escape(sample)}"' if sample else ""
        if kind in ("circle", "ring"):
            extra = " open" if kind == "ring" else ""
            inner = f'<circle class="mk {cls}{extra}"{of} cx="{num(x)}" cy="{num(y)}" r="{num(r)}"'
            self.add(f"{inner}>{hover}</circle>" if hover else f"{inner}/>")
            return
        shapes = {
            "square": f"M{num(x - r)} {num(y - r)}h{num(2 * r)}v{num(2 * r)}h{num(-2 * r)}z",
            "triangle": f"M{num(x)} {num(y - 1.2 * r)}l{num(1.15 * r)} {num(2 * r)}"
            f"h{num(-2.3 * r)}z",
            "diamond": f"M{num(x)} {num(y - 1.3 * r)}l{num(1.3 * r)} {num(1.3 * r)}"
            f"l{num(-1.3 * r)} {num(1.3 * r)}l{num(-1.3 * r)} {num(-1.3 * r)}z",
            "cross": f"M{num(x - r)} {num(y - r)}l{num(2 * r)} {num(2 * r)}"
            f"m0 {num(-2 * r)}l{num(-2 * r)} {num(2 * r)}",
        }
        extra = " open" if kind == "cross" else ""
        inner = f'<path class="mk {cls}{extra}"{of} d="{shapes[kind]}"'
        self.add(f"{inner}>{hover}</path>" if hover else f"{inner}/>")

    def dots(self, x: Floats, y: Floats, cls: str, *, grid: float = 2.0) -> None:
        """Many dots as one path on a grid of 1/`grid` pixel.

        Dots of a row that are no more than a pixel apart are one stroke (`dot_path`): it covers
        what they would, in a fifth of the bytes.
        """
        if len(x):
            self.add(
                f'<path class="dots {cls}" stroke-width="{num(3 * grid)}" '
                f'transform="scale({num(1 / grid)})" d="{dot_path(x * grid, y * grid, grid)}"/>'
            )

    def cells(
        self, x: Floats, y: Floats, levels: npt.NDArray[np.int64], w: float, h: float, prefix: str
    ) -> None:
        """Equal rectangles, one path a colour level: strokes as thick as a cell is high.

        A cell costs about nine bytes.
        """
        for level in np.unique(levels):
            at = levels == level
            d = "".join(
                f"M{num(a)} {num(b + h / 2)}h{num(w)}" for a, b in zip(x[at], y[at], strict=True)
            )
            self.add(f'<path class="{prefix}s{level}" stroke-width="{num(h)}" d="{d}"/>')

    def picture(self, x: float, y: float, w: float, h: float, address: str) -> None:
        """A picture at a ``data:`` address, its pixels as they are."""
        self.add(
            f'<image x="{num(x)}" y="{num(y)}" width="{num(w)}" height="{num(h)}" '
            f'preserveAspectRatio="none" image-rendering="pixelated" href="{address}"/>'
        )

    def x_axis(
        self, scale: Scale, y: float, *, top: float | None = None, name: str = "", wanted: int = 5
    ) -> None:
        """Ticks below `y`, grid lines up to `top`; as many ticks as their labels have room."""
        for tick in _roomy(scale, wanted):
            x = scale(tick)
            if top is not None:
                self.line(x, top, x, y, "zero" if abs(tick) < 1e-12 else "grid")
            self.text(x, y + 14, label(tick), cls="tick", anchor="middle")
        if name:
            self.text((scale.start + scale.end) / 2, y + 31, name, cls="axis", anchor="middle")

    def y_axis(
        self,
        scale: Scale,
        x: float,
        *,
        right: float | None = None,
        name: str = "",
        wanted: int = 5,
        offset: float = 36,
    ) -> None:
        """Ticks left of `x`, grid lines up to `right`."""
        for tick in scale.ticks(wanted):
            y = scale(tick)
            if right is not None:
                self.line(x, y, right, y, "zero" if abs(tick) < 1e-12 else "grid")
            self.text(x - 6, y + 4, label(tick), cls="tick", anchor="end")
        if name:
            middle = (scale.start + scale.end) / 2
            self.text(x - offset, middle, name, cls="axis", anchor="middle", rotate=-90)

    def markup(self, *, standalone: bool = False) -> Markup:
        """The finished figure; `standalone` brings its own style sheet."""
        key = self.ident or "figure"
        style = f"<style>{figure_css()}</style>" if standalone else ""
        space = ' xmlns="http://www.w3.org/2000/svg"' if standalone else ""
        described = f' aria-describedby="{escape(key)}-d"' if self.desc else ""
        desc = f'<desc id="{escape(key)}-d">{escape(self.desc)}</desc>' if self.desc else ""
        back = f'<rect class="back" width="{num(self.width)}" height="{num(self.height)}"/>'
        return Markup(
            f'<svg{space} class="fig" role="img" width="{num(self.width)}" '
            f'height="{num(self.height)}" viewBox="0 0 {num(self.width)} {num(self.height)}" '
            f'aria-labelledby="{escape(key)}-t"{described}>'
            f'<title id="{escape(key)}-t">{escape(self.title)}</title>{desc}{style}'
            f"{back if standalone else ''}{''.join(self.parts)}</svg>"
        )


def _roomy(scale: Scale, wanted: int) -> list[float]:
    """Ticks whose labels neither touch nor stick out by more than a few pixels."""
    low, high = min(scale.start, scale.end) - 7, max(scale.start, scale.end) + 7
    for n in range(wanted, 0, -1):
        half = {t: text_width(label(t)) / 2 for t in scale.ticks(n)}
        inside = [t for t, w in half.items() if low <= scale(t) - w and scale(t) + w <= high]
        if all(abs(scale(b) - scale(a)) > half[a] + half[b] + 4 for a, b in pairwise(inside)):
            return inside
    return [0.0] if scale.low <= 0 <= scale.high else []


def draw_estimate(
    figure: Svg, x: Scale, y: float, row: Mapping[Any, Any], cls: str, title: str
) -> None:
    """`row`'s effect with its interval (low, high), cut at the ends of the scale.

    A circle, or a diamond for what is combined (class ``comb``).
    """
    low, high = max(x.low, row["low"]), min(x.high, row["high"])
    if math.isfinite(low) and math.isfinite(high):
        figure.line(x(low), y, x(high), y, f"i{cls}")
    kind, size = ("diamond", 5) if cls == "comb" else ("circle", 4)
    figure.mark(x(row["effect"]), y, kind, f"f{cls}", size, title=title)


def dot_path(x: Floats, y: Floats, gap: float = 1.0) -> str:
    """Strokes through the (rounded) points of each row, from one to the next within `gap`.

    Moves are relative; a point alone is a subpath of length zero (``mDX DYz``), others are joined
    (``mDX DYhN``).
    """
    wide = 1 << 20
    spots = np.unique(np.rint(y).astype(np.int64) * wide + np.rint(x).astype(np.int64) + wide // 2)
    b, a = spots // wide, spots % wide - wide // 2
    first = (np.diff(b, prepend=b[0] - 1) != 0) | (np.diff(a, prepend=a[0]) > gap)
    start = np.flatnonzero(first)
    end = np.append(start[1:], len(a)) - 1
    long = a[end] - a[start]
    dx = a[start] - np.concatenate([[0], a[end][:-1]])
    dy = np.diff(b[start], prepend=0)
    return "".join(
        [
            f"m{i}{j if j < 0 else f' {j}'}{f'h{n}' if n else 'z'}"
            for i, j, n in zip(dx.tolist(), dy.tolist(), long.tolist(), strict=True)
        ]
    )


def diverging(values: Floats, limit: float) -> npt.NDArray[np.int64]:
    """Level 0 … 10 of values clipped to ±`limit`."""
    share = np.clip(np.asarray(values, dtype=float) / limit, -1, 1)
    half = (DIVERGING - 1) // 2
    return np.rint(share * half).astype(np.int64) + half


def sequential(values: Floats, low: float, high: float) -> npt.NDArray[np.int64]:
    """Level 0 … 8 of values clipped to `low` … `high`."""
    share = np.clip((np.asarray(values, dtype=float) - low) / max(high - low, 1e-12), 0, 1)
    return np.minimum((share * SEQUENTIAL).astype(np.int64), SEQUENTIAL - 1)


def polyline(x: Sequence[float], y: Sequence[float]) -> str:
    """Path data through points."""
    points = [f"{num(a)} {num(b)}" for a, b in zip(x, y, strict=True)]
    return "M" + "L".join(points)


def shorten(text: str, length: int) -> str:
    """Text cut to `length` characters with an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def figure_css() -> str:
    """Colours and line styles of figures, for files of their own."""
    return (files("pathcall.report") / "assets" / "figure.css").read_text(encoding="utf-8")
