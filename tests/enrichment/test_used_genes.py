import numpy as np
import pandas as pd

from pathcall.enrichment.used_genes import used_genes, used_statistics

TABLE = pd.DataFrame(
    {
        "gene_id": ["used", "no_statistic", "outlier", "silent"],
        "stat": [2.0, np.nan, 9.0, 0.0],
        "log2fc": [1.0, 5.0, 6.0, 0.0],
        "outlier": ["no", "no", "yes", "no"],
    }
)


def test_genes_that_say_nothing_are_not_used():
    assert used_genes(TABLE).to_dict() == {
        "used": True, "no_statistic": False, "outlier": False, "silent": False
    }  # fmt: skip


def test_statistics_are_those_of_used_genes():
    assert used_statistics(TABLE).dropna().to_dict() == {"used": 2.0}
    assert used_statistics(TABLE, "log2fc").dropna().to_dict() == {"used": 1.0}
