"""Text of a PDF that Chromium printed: enough to see which words and numbers are on paper.

Fonts of such a file are composite: strings are glyph numbers, and each font's ToUnicode map says
which characters they are (PDF 32000-1:2008, 9.10).
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

_OBJECT = re.compile(rb"(\d+) 0 obj(.*?)endobj", re.DOTALL)
_SHOWN = re.compile(rb"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)> ?Tj|(ET)")


def _stream(body: bytes) -> bytes:
    found = re.search(rb"stream\r?\n(.*?)\r?\nendstream", body, re.DOTALL)
    if found is None:
        return b""
    return zlib.decompress(found[1]) if b"/FlateDecode" in body else found[1]


def _characters(cmap: bytes) -> dict[int, str]:
    """Glyph → characters, of a ToUnicode map."""
    made = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        for glyph, text in re.findall(rb"<(\w+)> <(\w+)>", block):
            made[int(glyph, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.DOTALL):
        for first, last, text in re.findall(rb"<(\w+)> <(\w+)> <(\w+)>", block):
            start = int(text, 16)
            for k in range(int(last, 16) - int(first, 16) + 1):
                made[int(first, 16) + k] = chr(start + k)
    return made


def pdf_text(path: Path) -> str:
    """Text in the order in which it is drawn, a line a block of text."""
    objects = {int(n): body for n, body in _OBJECT.findall(path.read_bytes())}
    maps: dict[int, dict[int, str]] = {}
    for n, body in objects.items():
        if found := re.search(rb"/ToUnicode (\d+) 0 R", body):
            maps[n] = _characters(_stream(objects[int(found[1])]))
    parts = []
    for body in objects.values():
        if b"/Type /Page\n" not in body and not re.search(rb"/Type\s*/Page\b", body):
            continue
        fonts = {name: int(n) for name, n in re.findall(rb"/(F\d+) (\d+) 0 R", body)}
        if found := re.search(rb"/Resources (\d+) 0 R", body):
            named = re.findall(rb"/(F\d+) (\d+) 0 R", objects[int(found[1])])
            fonts |= {name: int(n) for name, n in named}
        contents = re.search(rb"/Contents (\d+) 0 R", body)
        if contents is None:
            continue
        glyphs: dict[int, str] = {}
        for font, shown, end in _SHOWN.findall(_stream(objects[int(contents[1])])):
            if font:
                glyphs = maps.get(fonts.get(font, -1), {})
            elif end:
                parts.append("\n")
            else:
                text = bytes.fromhex(shown.decode())
                codes = [int.from_bytes(text[i : i + 2]) for i in range(0, len(text), 2)]
                parts.append("".join(glyphs.get(code, "") for code in codes))
    return "".join(parts)
