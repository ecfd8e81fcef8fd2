import pandas as pd
import pytest

from pathcall.qc.confounding import confounding_flags

SAMPLES = [f"s{i}" for i in range(6)]


def flags(batch: str, column: str = "batch", models=(SAMPLES,), **kw):
    sheet = pd.DataFrame({"drug": list("aaabbb"), column: list(batch)}, index=SAMPLES)
    return confounding_flags(sheet, models, ["drug"], **kw)


@pytest.mark.parametrize("column", ["batch", "sequencing_date", "lane", "geo_instrument_model"])
def test_a_batch_that_equals_the_treatment(column):
    (flag,) = flags("xxxyyy", column)
    assert (flag.sample, flag.flag, flag.severity) == ("(all samples)", "confounded", "severe")
    assert "x: a, y: b" in flag.reason


@pytest.mark.parametrize(
    ("batch", "column"),
    [("xyxyxy", "batch"), ("xxxxxx", "batch"), ("uvwxyz", "batch"), ("xxxyyy", "condition"),
     ("xx yyy", "batch")],
    ids=["crossed", "one", "one each", "no batch", "not known"],
)  # fmt: skip
def test_batches_that_do_not(batch, column):
    assert flags(batch.replace(" ", " "), column) == []


def test_finer_batches_within_the_treatment_count():
    assert len(flags("uuvwww")) == 1
    assert flags("xxxyyy", adjusted=["batch"]) == []
    assert flags("xxxyyy", models=[SAMPLES[:3]]) == []
