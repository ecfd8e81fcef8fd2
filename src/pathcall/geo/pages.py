"""HTML where a file belongs: bot checks, error pages, folders' listings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from urllib.parse import unquote, urljoin, urlsplit

from pathcall.errors import InputError

_HTML = re.compile(
    rb"^\s{0,1000}(<!doctype\s{1,100}html|<html|<head|<body|<script|<title|<meta|<!--)", re.I
)
_TITLE = re.compile(rb"<title[^>]{0,1000}>([^<]{0,2000})", re.I)
_LISTING = re.compile(rb"(directory listing for|index of)\s", re.I)
_BOT = re.compile(rb"captcha|robot|bot check|unusual traffic|are you human", re.I)
_LINK = re.compile(r"""href\s{0,10}=\s{0,10}["']([^"'?#]{1,2000})["']""", re.I)
_MAX_NAME = 200


def is_html(head: bytes) -> bool:
    """Whether a file begins as an HTML page."""
    return _HTML.match(head) is not None


def is_listing(head: bytes) -> bool:
    """Whether a page is a server's listing of a folder."""
    return _LISTING.search(head) is not None


def html_title(head: bytes) -> str | None:
    """What an HTML page calls itself; None if `head` does not begin one."""
    if not is_html(head):
        return None
    match = _TITLE.search(head)
    return " ".join(match[1].decode("utf-8", "replace").split()) if match else ""


def html_error(address: str, head: bytes) -> InputError:
    """The error for a page in place of a file."""
    title = html_title(head)
    what = "a bot check (an HTML page" if _BOT.search(head) else "an HTML page"
    if title:
        what += f" titled “{title}”" if what.startswith("a bot") else f" (titled “{title}”)"
    what += ")" if what.startswith("a bot") else ""
    return InputError(
        f"the server sent {what} instead of the file",
        where=address,
        fix="run again later, or download it in a browser and name a mirror",
    )


def safe_name(name: str) -> bool:
    """Whether a name is that of a file in a folder: no path, nothing that a terminal acts on."""
    return (
        name not in ("", ".", "..")
        and not any(sign in name for sign in "/\\")
        and name.isprintable()
        and len(name.encode()) <= _MAX_NAME
    )


def listed_names(page: str, url: str) -> tuple[list[str], list[str]]:
    """Names of the files that a folder's index page links to, and links that are no such names.

    Links out of the folder (parent, logo, help) are neither.
    """
    base = urlsplit(url).path
    names: set[str] = set()
    refused: set[str] = set()
    for link in _links(page):
        if link.startswith(("http:", "https:", "ftp:", "//", "mailto:", "javascript:")):
            continue
        try:
            path = urlsplit(urljoin(base, link)).path
        except ValueError:
            refused.add(link)
            continue
        inside = path.removeprefix(base) if path.startswith(base) else ""
        # A folder (ends in a slash), the folder itself, or a link that leads elsewhere.
        if not inside or "/" in inside:
            continue
        name = unquote(inside)
        (names if safe_name(name) else refused).add(name)
    return sorted(names), sorted(refused)


def _links(page: str) -> Iterable[str]:
    return (unescape(match[1]).strip() for match in _LINK.finditer(page))
