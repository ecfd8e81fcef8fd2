"""What every page stands in: templates that escape, assets, and hashes for the page's policy."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

import jinja2

from pathcall.report.view import integer, number, percent, pvalue


def templates(package: str) -> jinja2.Environment:
    """Templates of a package: all is escaped, an unknown name is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "pvalue": pvalue,
        "percent": percent,
        "integer": integer,
    }
    return environment


def asset(name: str, package: str = "pathcall.report") -> str:
    """Text of a style sheet or script of a package."""
    return (files(package) / "assets" / name).read_text(encoding="utf-8")


def csp_hash(content: str) -> str:
    """What a content security policy calls this script or style."""
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
