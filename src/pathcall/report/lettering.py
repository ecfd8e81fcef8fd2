"""How wide text is and where it breaks, so that no label is cut or runs into another.

Widths are upper bounds over the fonts that browsers take for ``system-ui`` (DejaVu Sans, the widest
of them, sets them); `tests/browser` measures the boxes of all texts in a real browser.
"""

from __future__ import annotations

SMALL = 11.0  # pixels, classes s, m, tick, name
TEXT = 12.0
LEADING = 13.0  # from line to line
_NARROW = frozenset("iIljtfr.,:;|!'()[]{} -·/")
_WIDE = frozenset("mwMW@%—→")
_BREAKS = frozenset("_-/,;")


def text_width(text: str, size: float = SMALL, *, bold: bool = False) -> float:
    """Pixels that `text` takes at most."""
    ems = sum(
        0.4 if c in _NARROW else 0.98 if c in _WIDE else 0.75 if c.isupper() else 0.64 for c in text
    )
    return size * ems * (1.1 if bold else 1.0)


def widest(texts: list[str], size: float = SMALL, *, bold: bool = False) -> float:
    """Pixels that the widest of `texts` takes at most; 0 for none."""
    return max((text_width(t, size, bold=bold) for t in texts), default=0.0)


def wrap(text: str, width: float, size: float = SMALL, *, bold: bool = False) -> list[str]:
    """Lines of at most `width` pixels, broken at spaces or after ``_ - / , ;``, else anywhere."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        joined = f"{line}{piece}"
        if not line or text_width(joined.rstrip(), size, bold=bold) <= width:
            line = joined
        else:
            lines.append(line.rstrip())
            line = piece
        while text_width(line.rstrip(), size, bold=bold) > width and len(line.rstrip()) > 1:
            k = next(
                k
                for k in range(len(line) - 1, 0, -1)
                if k == 1 or text_width(line[:k], size, bold=bold) <= width
            )
            lines.append(line[:k])
            line = line[k:]
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(text: str) -> list[str]:
    """Text cut after every space and every character of `_BREAKS`."""
    pieces, start = [], 0
    for i, c in enumerate(text):
        if c == " " or (c in _BREAKS and i + 1 < len(text)):
            pieces.append(text[start : i + 1])
            start = i + 1
    return [*pieces, text[start:]]
