"""Write what the workflow is made of: docs/sbom.cdx.json (CycloneDX 1.5) and docs/licences.md.

python tools/sbom.py

Names, versions and hashes are those of requirements/workflow.txt; licences are what the installed
packages say of themselves; ``tests/repository/test_sbom.py`` holds both to the lock.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "workflow.txt"
SBOM = ROOT / "docs" / "sbom.cdx.json"
PAGE = ROOT / "docs" / "licences.md"

UNKNOWN = "not stated"
_PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))?(?: \\)?$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
# Names that packages give to their licences, where they give no SPDX expression.
_SPDX = {
    "MIT": "MIT", "MIT License": "MIT", "The MIT License (MIT)": "MIT", "Expat license": "MIT",
    "BSD": "BSD-3-Clause", "BSD License": "BSD-3-Clause", "BSD 3-Clause License": "BSD-3-Clause",
    "BSD-3-Clause": "BSD-3-Clause", "3-Clause BSD License": "BSD-3-Clause",
    "BSD-3": "BSD-3-Clause", "new BSD": "BSD-3-Clause", "BSD-2-Clause": "BSD-2-Clause",
    "Apache Software License": "Apache-2.0", "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0", "Apache-2.0": "Apache-2.0", "Apache License, Version 2.0":
    "Apache-2.0", "ISC License (ISCL)": "ISC", "ISC": "ISC",
    "Python Software Foundation License": "PSF-2.0", "PSF": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "MPL-2.0": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
}  # fmt: skip

HEAD = """\
# Licences of what the workflow installs

<!-- Generated from requirements/workflow.txt and the installed packages by `make sbom`. -->

Every package of the lock, with the licence that it states. The same list with hashes, for tools:
[sbom.cdx.json](sbom.cdx.json) (CycloneDX 1.5). pathcall itself is MIT-licensed; it imports these
packages and ships none of them.

| package | version | licence |
|---|---|---|
"""


def packages(lock: str) -> list[tuple[str, str, str, list[str]]]:
    """Name, version, marker and hashes of each package of a lock."""
    found = list(_PACKAGE.finditer(lock))
    ends = [match.start() for match in found[1:]] + [len(lock)]
    return [
        (match[1], match[2], match[3] or "", _HASH.findall(lock[match.end() : end]))
        for match, end in zip(found, ends, strict=True)
    ]


def licence_of(name: str) -> str:
    """SPDX expression of an installed package, or its own words, or that it states none."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return UNKNOWN
    if said.get("License-Expression"):
        return str(said["License-Expression"])
    classified = [
        c.rpartition(" :: ")[2]
        for c in said.get_all("Classifier") or []
        if c.startswith("License :: ") and c != "License :: OSI Approved"
    ]
    text = (said.get("License") or "").strip()
    if text in _SPDX:
        return _SPDX[text]
    if classified:
        return " AND ".join(sorted({_SPDX.get(c, c) for c in classified}))
    first = text.split("\n", 1)[0].strip() or _first_line_of_licence(name)
    return _SPDX.get(first, first[:60]) or UNKNOWN


def _first_line_of_licence(name: str) -> str:
    for file in metadata.files(name) or []:
        if file.name.upper().startswith(("LICENSE", "LICENCE")) and ".dist-info" in str(file):
            return file.read_text(encoding="utf-8").strip().split("\n", 1)[0].strip()
    return ""


def bill(lock: str, licences: dict[str, str]) -> dict[str, Any]:
    """Return the bill of materials of a lock."""
    components = []
    for name, version, marker, hashes in packages(lock):
        component: dict[str, Any] = {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
        }
        licence = licences[name]
        if licence != UNKNOWN:
            spdx = re.fullmatch(
                r"[A-Za-z0-9.+()-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+()-]+)*", licence
            )
            component["licenses"] = [
                {"expression": licence} if spdx else {"license": {"name": licence}}
            ]
        component["hashes"] = [{"alg": "SHA-256", "content": value} for value in sorted(hashes)]
        if marker:
            component["properties"] = [{"name": "pip:marker", "value": marker}]
        components.append(component)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(hashlib.sha256(lock.encode()).hexdigest()[:32])}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "pathcall",
                "name": "pathcall",
                "licenses": [{"expression": "MIT"}],
            }
        },
        "components": components,
    }


def page(sbom: dict[str, Any]) -> str:
    """Return the table of licences as a page."""
    rows = []
    for component in sbom["components"]:
        stated = component.get("licenses", [{"expression": UNKNOWN}])[0]
        licence = stated.get("expression") or stated["license"]["name"]
        rows.append(f"| {component['name']} | {component['version']} | {licence} |")
    return HEAD + "\n".join(rows) + "\n"


def text(sbom: dict[str, Any]) -> str:
    """Return the bill as the text of its file: a line for each package."""
    head = json.dumps({**sbom, "components": []}, indent=1, ensure_ascii=False)
    lines = ",\n".join("  " + json.dumps(c, ensure_ascii=False) for c in sbom["components"])
    return head.replace('"components": []', f'"components": [\n{lines}\n ]') + "\n"


def main() -> None:
    """Write both files; licences of what is not installed here are kept from the last time."""
    lock = LOCK.read_text(encoding="utf-8")
    before: dict[str, str] = {}
    if SBOM.is_file():
        for component in json.loads(SBOM.read_text(encoding="utf-8"))["components"]:
            for stated in component.get("licenses", []):
                before[component["name"]] = stated.get("expression") or stated["license"]["name"]
    licences = {}
    for name, _, _, _ in packages(lock):
        found = licence_of(name)
        licences[name] = before.get(name, found) if found == UNKNOWN else found
    sbom = bill(lock, licences)
    SBOM.write_text(text(sbom), encoding="utf-8")
    PAGE.write_text(page(sbom), encoding="utf-8")
    missing = [name for name, licence in licences.items() if licence == UNKNOWN]
    if missing:
        print(f"no licence stated: {', '.join(missing)}", file=sys.stderr)


if __name__ == "__main__":
    main()
