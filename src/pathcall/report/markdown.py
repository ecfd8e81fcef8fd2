"""Just enough Markdown for the Methods text, rendered without ever passing HTML through."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_INLINE = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|(?<![*\w])\*(?P<em>[^*\s][^*]*)\*(?![*\w])"
    r"|\[(?P<name>[^\]]+)\]\((?P<to>https?://[^\s)]+)\)|<?(?P<url>https?://[^\s<>)\]]+[^\s<>)\].,;])>?"
)


def render(text: str, *, level: int = 3) -> Markup:
    """Headings, lists, tables, code blocks, paragraphs; the first heading gets `level`.

    Everything is escaped; links are made for http and https only.
    """
    out: list[str] = []
    lines = text.splitlines()
    i = 0
    while i < len(lines):
        line = lines[i]
        if not line.strip():
            i += 1
        elif line.startswith("```"):
            end = next(
                (k for k in range(i + 1, len(lines)) if lines[k].startswith("```")), len(lines)
            )
            out.append(f'<pre tabindex="0">{escape(chr(10).join(lines[i + 1 : end]))}</pre>')
            i = end + 1
        elif heading := re.match(r"(#{1,4})\s+(.*)", line):
            depth = min(6, level - 1 + len(heading[1]))
            out.append(f"<h{depth}>{_inline(heading[2])}</h{depth}>")
            i += 1
        elif re.match(r"\s*([-*+]|\d+[.)])\s+", line):
            i = _list(lines, i, out)
        elif line.lstrip().startswith("|"):
            i = _table(lines, i, out)
        else:
            end = i
            while (
                end < len(lines) and lines[end].strip() and not _starts_block(lines[end], end > i)
            ):
                end += 1
            end = max(end, i + 1)
            out.append(f"<p>{_inline(' '.join(part.strip() for part in lines[i:end]))}</p>")
            i = end
    return Markup("\n".join(out))


def _starts_block(line: str, later: bool) -> bool:
    return later and bool(re.match(r"#{1,4}\s|```|\s*(?:(?:[-*+]|\d+[.)])\s|\|)", line))


def _list(lines: list[str], i: int, out: list[str]) -> int:
    tag = "ol" if re.match(r"\s*\d", lines[i]) else "ul"
    items: list[str] = []
    while i < len(lines) and lines[i].strip():
        item = re.match(r"\s*([-*+]|\d+[.)])\s+(.*)", lines[i])
        if item:
            items.append(item[2])
        elif items and lines[i].startswith((" ", "\t")):
            items[-1] += " " + lines[i].strip()
        else:
            break
        i += 1
    body = "".join(f"<li>{_inline(item)}</li>" for item in items)
    out.append(f"<{tag}>{body}</{tag}>")
    return i


def _table(lines: list[str], i: int, out: list[str]) -> int:
    rows = []
    while i < len(lines) and lines[i].lstrip().startswith("|"):
        cells = [cell.strip() for cell in lines[i].strip().strip("|").split("|")]
        if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            rows.append(cells)
        i += 1
    head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:]
    )
    out.append(
        '<div class="scroll" tabindex="0" role="region" aria-label="table of the methods"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    return i


def _inline(text: str) -> str:
    made, at = [], 0
    for match in _INLINE.finditer(text):
        made.append(str(escape(text[at : match.start()])))
        if match["code"]:
            made.append(f"<code>{escape(match['code'])}</code>")
        elif match["strong"]:
            made.append(f"<strong>{_inline(match['strong'])}</strong>")
        elif match["em"]:
            made.append(f"<em>{_inline(match['em'])}</em>")
        else:
            target = match["to"] or match["url"]
            made.append(
                f'<a href="{escape(target)}" rel="noreferrer">{escape(match["name"] or target)}</a>'
            )
        at = match.end()
    made.append(str(escape(text[at:])))
    return "".join(made)
