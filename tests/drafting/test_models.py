import pandas as pd

from pathcall.drafting.comparisons import find_comparisons
from pathcall.drafting.factors import find_factors
from pathcall.drafting.models import find_models


def models(rows):
    frame = pd.DataFrame(rows, index=[f"s{i}" for i in range(len(rows))])
    found = find_factors(frame)
    return find_models(found, find_comparisons(found), study="X")


def rows(line, origin, n, drugs=("DMSO", "vem")):
    return [{"line": line, "origin": origin, "drug": drug} for drug in drugs for _ in range(n)]


def test_small_kinds_of_one_place_lend_each_other_their_dispersion():
    found = models([*rows("A", "dish", 3), *rows("B", "dish", 2), *rows("A", "tumour", 4)])
    assert [(m.samples, len(m.members)) for m in found] == [
        ({"origin": ["dish"]}, 10), ({"origin": ["tumour"]}, 8),
    ]  # fmt: skip


def test_large_kinds_are_fitted_by_themselves():
    found = models([*rows("A", "dish", 3), *rows("B", "dish", 3)])
    assert [(m.samples, len(m.members)) for m in found] == [
        ({"line": ["A"]}, 6), ({"line": ["B"]}, 6),
    ]  # fmt: skip


def test_one_kind_is_one_fit_of_all():
    (model,) = models([{"drug": drug} for drug in ["DMSO", "vem"] for _ in range(3)])
    assert model.name == "x"
    assert model.samples == {}


def test_donors_are_in_the_design_where_they_link_the_groups():
    paired = [{"drug": drug, "donor": donor} for donor in "abc" for drug in ("DMSO", "vem")]
    (model,) = models(paired)
    assert model.block
    nested = [*paired[:-1], {"drug": "vem", "donor": "d"}]
    (model,) = models(nested)
    assert not model.block
