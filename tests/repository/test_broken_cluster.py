"""benchmarks/results/slurm.json: every case at least three times, every time the same bytes."""

import json
from collections import Counter
from pathlib import Path

CASES = {
    "cancelled", "node_down", "controller_restarted", "snakemake_killed", "memory_limit",
    "other_mount", "slow_files",
}  # fmt: skip


def test_a_cluster_that_breaks_changes_nothing(root: Path) -> None:
    rows = json.loads((root / "benchmarks/results/slurm.json").read_text(encoding="utf-8"))
    tried = Counter(row["case"] for row in rows)
    assert set(tried) == CASES
    assert min(tried.values()) >= 3
    assert [row for row in rows if not row["same_bytes"] or row["why"]] == []
    assert all(row["status"] == 0 or row["status_of_rerun"] == 0 for row in rows)
