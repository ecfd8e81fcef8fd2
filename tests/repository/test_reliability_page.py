"""docs/reliability.md shows what was measured, and nothing in it went wrong."""

import json

from benchmarks import faults

FOUND = json.loads(faults.RESULTS.read_text(encoding="utf-8"))
TEXT = faults.DOC.read_text(encoding="utf-8")


def test_the_page_is_that_of_the_results():
    assert TEXT.startswith(faults.document(FOUND).rstrip()), "run `python -m benchmarks.faults`"


def test_nothing_ended_in_a_third_way():
    assert FOUND["inputs"]["failed"] == []
    assert sum(row[3] for row in FOUND["inputs"]["rows"]) >= 2_000
    behaviours = FOUND["servers"]["behaviours"]
    assert {how: row["wrong"] for how, row in behaviours.items() if row["wrong"]} == {}
    assert sum(row["tried"] for row in behaviours.values()) >= 200
    downloads, runs = FOUND["killed_downloads"], FOUND["killed_runs"]
    assert downloads["right"] == downloads["tried"]
    assert runs["identical"] == runs["tried"]
    assert runs["left"] == runs["wrong"] == []
    assert downloads["tried"] + runs["tried"] >= 100
    shortage = FOUND["shortage"].values()
    assert all(row["same"] and row["status"] for ends in shortage for row in ends)
