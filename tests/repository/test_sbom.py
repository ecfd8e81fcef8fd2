"""The bill of materials and the list of licences are those of the lock."""

import json
import re
import sys

from tests.project import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import sbom

LOCK = sbom.LOCK.read_text(encoding="utf-8")
BILL = json.loads(sbom.SBOM.read_text(encoding="utf-8"))


def test_it_is_the_bill_of_the_lock():
    licences = {component["name"]: sbom.UNKNOWN for component in BILL["components"]}
    for component in BILL["components"]:
        for stated in component.get("licenses", []):
            licences[component["name"]] = stated.get("expression") or stated["license"]["name"]
    assert sbom.bill(LOCK, licences) == BILL, "run `make sbom`"
    assert sbom.PAGE.read_text(encoding="utf-8") == sbom.page(BILL), "run `make sbom`"


def test_what_is_installed_states_a_licence():
    silent = [c for c in BILL["components"] if "licenses" not in c]
    # Only on Windows, which is not supported.
    assert all("win" in component["properties"][0]["value"] for component in silent)


def test_every_package_and_hash_of_the_lock_is_in_it():
    assert len(BILL["components"]) == len(re.findall("^[^ #]+==", LOCK, re.MULTILINE))
    hashes = [h["content"] for component in BILL["components"] for h in component["hashes"]]
    assert sorted(hashes) == sorted(re.findall("sha256:([0-9a-f]{64})", LOCK))
    assert all(component["purl"].startswith("pkg:pypi/") for component in BILL["components"])


def test_licences_are_read_from_what_is_installed():
    assert sbom.licence_of("snakemake") == "MIT"
    assert sbom.licence_of("numpy").startswith("BSD-3-Clause")
    assert sbom.licence_of("no-such-package") == sbom.UNKNOWN
