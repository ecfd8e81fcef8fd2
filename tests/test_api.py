"""The functions on an AnnData give the numbers of the workflow's tables."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import pathcall as pc
from pathcall import tables
from pathcall.errors import ConfigError, InputError
from tests.project import ROOT, Project

CHEAP = {"gene_id": "ensembl", "signatures": ROOT / "resources/panel"}


def airway() -> ad.AnnData:
    """The embedded study as a user would have it."""
    counts = pd.read_csv(ROOT / "resources/demo/GSE52778_counts.tsv.gz", sep="\t", index_col=0)
    obs = pd.read_csv(ROOT / "config/demo/samples.tsv", sep="\t", index_col=0)
    obs["cell"] = obs["cell"].astype("category")
    obs["pct counts"] = 1.5  # other programs' columns are no matter
    return ad.AnnData(counts[obs.index].T, obs=obs)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the example of docs/python.md leaves behind."""
    text = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    code = re.search(r"<!-- example -->\n```python\n(.*?)```", text, flags=re.DOTALL)
    assert code is not None
    own = [
        line for line in code[1].splitlines() if line and not line.startswith(("import", "print"))
    ]
    assert len(own) <= 6
    path = tmp_path_factory.mktemp("python") / "airway.h5ad"
    airway().write_h5ad(path)
    names: dict[str, Any] = {}
    exec(code[1].replace("airway.h5ad", str(path)), names)
    return names


def same(frame: pd.DataFrame, project: Project, name: str, schema: Any) -> None:
    theirs = tables.read_table(project.folder / f"results/GSE52778/{name}.tsv", schema)
    ours = schema.validate(frame).reset_index(drop=True)
    ours, theirs = (table.mask(table.isna()) for table in (ours, theirs))  # None and NaN are one
    # The last bits depend on how many threads BLAS has: one in a job, any number here.
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9, atol=1e-12, check_dtype=False)


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_the_example_gives_the_tables_of_the_demo(example: dict[str, Any], demo: Project) -> None:
    fit, made = example["fit"], example["made"]
    same(fit.genes["dexamethasone"], demo, "de/dexamethasone", tables.DE)
    same(made.calls, demo, "calls", tables.CALLS_TABLE)
    same(made.evidence, demo, "evidence", tables.EVIDENCE)
    same(made.adjusted, demo, "adjusted", tables.ADJUSTED)
    same(made.nfkb_genes, demo, "nfkb_genes", tables.NFKB_GENES)
    same(fit.terms, demo, "lrt/airway", tables.LRT)
    same(pc.score_samples(fit), demo, "scores/samples", tables.SCORES)
    scores = pc.enrich(fit)["dexamethasone"]
    same(scores.enrichment, demo, "enrichment/dexamethasone", tables.ENRICHMENT)
    same(scores.activity, demo, "activity/dexamethasone", tables.ACTIVITY)
    same(scores.readouts, demo, "readouts/dexamethasone", tables.READOUTS)
    assert any("pct counts" in note for note in fit.notes)


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, pathcall; heavy = {'anndata', 'numpy', 'pandas', 'scipy', 'pydeseq2'} & "
        "set(sys.modules); assert not heavy, heavy; assert 'fit' in dir(pathcall)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        pc.fitt  # noqa: B018


def test_a_contrast_is_read_from_text_or_a_mapping() -> None:
    one = pc.contrast("dex=treated, cell=A", {"dex": "none", "cell": "A"})
    assert one.contrast == "treated_A_vs_none_A"
    assert dict(one.test) == {"dex": "treated", "cell": "A"}
    for wrong in ("treated", "dex=", "=treated", ""):
        with pytest.raises(ConfigError, match="cell of a contrast can't be read"):
            pc.contrast(wrong, "dex=none")


@pytest.mark.parametrize(
    ("change", "design", "words"),
    [
        ({}, "~ cell + dose", "lacks a column"),
        ({"layer": "counts"}, "~ cell + dex", "no such layer"),
        ({"organism": "mouse", "signatures": None, "gene_id": "auto"}, "~ cell + dex", "of human"),
        ({"signatures": "nowhere"}, "~ cell + dex", "lacks a file"),
    ],
)
def test_mistakes_are_one_line(change: dict[str, Any], design: str, words: str) -> None:
    dex = pc.contrast("dex=dexamethasone", "dex=untreated")
    with pytest.raises((ConfigError, InputError), match=words) as error:
        pc.fit(airway(), design, dex, **(CHEAP | change))
    assert "\n" not in error.value.line()


def test_two_contrasts_of_one_name_and_decimals_are_refused() -> None:
    dex = pc.contrast("dex=dexamethasone", "dex=untreated")
    with pytest.raises(ConfigError, match="two contrasts have one name"):
        pc.fit(airway(), "~ cell + dex", [dex, dex], **CHEAP)
    data = airway()
    data.X = np.log1p(np.asarray(data.X, dtype=float))
    with pytest.raises(InputError, match="not integers"):
        pc.fit(data, "~ cell + dex", dex, **CHEAP)
