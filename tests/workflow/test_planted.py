"""The default study in small, simulated: an interaction, and a contrast in which nothing happens.

What is planted is what the panel looks at: a test of the way from counts to calls, not of the rule.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pathcall import tables
from pathcall.signatures.panel import load_panel
from tests.calls_data import PANEL
from tests.planted_study import write_study
from tests.project import Project

pytestmark = pytest.mark.rare


def test_a_planted_pathway_is_called_where_it_was_planted(tmp_path: Path) -> None:
    project = Project.copy(tmp_path / "planted")
    config = write_study(
        project.folder / "planted", panel=load_panel(PANEL), planted={"AKT": 1.0}, seed=4,
        interaction=True,
    )  # fmt: skip
    done = project.snakemake("--configfile", str(config), "--cores", "2")
    assert done.returncode == 0, done.stderr
    results = project.folder / "results/simulated"
    calls = tables.read_table(results / "calls.tsv", tables.CALLS_TABLE)
    akt = calls[calls["pathway"] == "AKT"].set_index("contrast")["call"].to_dict()
    assert akt == {
        "alone_drug": "no_evidence", "mixed_drug": "activated", "interaction": "activated",
    }  # fmt: skip
    others = calls[calls["pathway"] != "AKT"]
    assert not others["call"].isin(["activated", "repressed"]).any()
    assert "simulated" in (results / "report.html").read_text()
