"""Average transcript lengths beside the counts."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from pathcall.counts.lengths import read_lengths
from pathcall.errors import InputError

IDS = ["ENSG00000000003", "ENSG00000000005", "ENSG00000000419"]
HEADER = "gene_id\tgene_name\tA\tB\n"
ROWS = [
    "ENSG00000000005.6\tTNMD\t800.5\t810\n",
    "ENSG00000000003.15\tTSPAN6\t2000\t2100.25\n",
    "ENSG00000000419.12\tDPM1\t900\t905\n",
    "ENSG00000000457.14\tSCYL3\t3000\t3000\n",
]


def counts() -> ad.AnnData:
    obs, var = pd.DataFrame(index=["B", "A"]), pd.DataFrame(index=IDS)
    return ad.AnnData(np.ones((2, 3)), obs, var, uns={"gene_id_kind": "ensembl"})


def read(tmp_path: Path, text: str) -> np.ndarray:
    path = tmp_path / "salmon.merged.gene_lengths.tsv"
    path.write_text(text)
    return read_lengths(str(path), counts())


def test_they_follow_genes_and_samples_of_the_counts(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + "".join(ROWS))
    assert found.tolist() == [[2100.25, 810.0, 905.0], [2000.0, 800.5, 900.0]]


def test_rows_of_one_gene_are_averaged(tmp_path: Path) -> None:
    twice = "ENSG00000000003.15_PAR_Y\tTSPAN6\t1000\t1100.25\n"
    text = HEADER + "".join(ROWS) + twice.replace("_PAR_Y", "")
    assert read(tmp_path, text)[:, 0].tolist() == [1600.25, 1500.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER + "".join(ROWS[1:]), ["1 of 3 genes", "ENSG00000000005", "no transcript lengths"]),
        (HEADER.replace("\tB", "\tC") + "".join(ROWS), ["1 of 2 samples", "'B'"]),
        (HEADER + "".join(ROWS).replace("810", "0"), ["above 0", "ENSG00000000005", "'B'", "0"]),
        (HEADER + "".join(ROWS).replace("810", "-3"), ["above 0", "value -3"]),
        (HEADER + "".join(ROWS).replace("810", "NA"), ["above 0", "ENSG00000000005", "nan"]),
        (HEADER + "".join(ROWS).replace("810", "long"), ["long"]),
        ("", ["empty"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    for word in ["salmon.merged.gene_lengths.tsv", *words]:
        assert word in str(error.value)
