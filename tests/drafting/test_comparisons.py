import pandas as pd

from pathcall.drafting.comparisons import find_comparisons, interactions
from pathcall.drafting.factors import find_factors


def factors(copies=2, **columns):
    frame = pd.DataFrame({name: levels * copies for name, levels in columns.items()})
    return find_factors(frame.set_axis([f"s{i}" for i in range(len(frame))]))


def pairs(found):
    return [(c.test, c.reference) for c in find_comparisons(found)]


def test_each_treatment_against_the_vehicle():
    found = factors(treatment=["Untreated", "Dexamethasone", "Albuterol", "Albuterol_Dex"])
    assert pairs(found) == [
        ("dexamethasone", "untreated"), ("albuterol", "untreated"), ("albuterol_dex", "untreated"),
    ]  # fmt: skip


def test_genotype_and_drug_each_within_the_other():
    found = factors(
        genotype=["WT", "KO", "WT", "KO"], drug=["none", "none", "vem", "vem"], copies=3
    )
    assert pairs(found) == [
        ("ko_none", "wt_none"), ("wt_vem", "wt_none"), ("ko_vem", "wt_vem"), ("ko_vem", "ko_none"),
    ]  # fmt: skip
    ((one, two),) = interactions(find_comparisons(found), found)  # one of its two readings
    assert {(one.test, one.reference), (two.test, two.reference)} in (
        {("wt_vem", "wt_none"), ("ko_vem", "ko_none")},
        {("ko_none", "wt_none"), ("ko_vem", "wt_vem")},
    )
    assert two.test == "ko_vem"


def test_interactions_are_with_the_control_where_there_is_one():
    found = factors(genotype=["WT", "A", "B"] * 2, drug=["none"] * 3 + ["vem"] * 3, copies=3)
    pairs = interactions(find_comparisons(found), found)
    assert {two.test for _, two in pairs} == {"a_vem", "b_vem"}
    assert len(pairs) == 2


def test_interactions_between_settings_without_a_control():
    found = factors(line=["X", "X", "Y", "Y"], drug=["DMSO", "vem"] * 2, copies=3)
    ((one, two),) = interactions(find_comparisons(found), found)
    assert (one.test, two.test) == ("x_vem", "y_vem")


def test_the_control_of_the_same_time_is_preferred():
    found = factors(
        treatment=["DMSO", "vem", "DMSO", "vem"], time=["6h", "6h", "48h", "48h"], copies=3
    )
    assert pairs(found) == [("vem_6h", "dmso_6h"), ("vem_48h", "dmso_48h")]


def test_a_control_of_another_time_is_taken_and_doubted():
    found = factors(treatment=["DMSO", "vem", "vem"], time=["48h", "6h", "48h"], copies=3)
    doubts = {c.test: c.doubt for c in find_comparisons(found)}
    assert doubts == {"vem_6h": "its control is of another time (48h)", "vem_48h": ""}


def test_doses_of_the_control_do_not_matter():
    found = factors(drug=["vehicle", "vem", "vem"], dose=["", "1 uM", "10 uM"])
    assert [reference for _, reference in pairs(found)] == ["vehicle", "vehicle"]


def test_a_time_course_against_its_zero():
    found = factors(time=["0h", "1h", "6h"])
    assert pairs(found) == [("c_1h", "c_0h"), ("c_6h", "c_0h")]


def test_vehicle_before_untreated():
    found = factors(treatment=["untreated", "DMSO", "vem"])
    assert pairs(found) == [("vem", "dmso")]


def test_what_differs_in_two_characteristics_is_not_compared():
    found = factors(line=["A", "A", "B"], drug=["DMSO", "vem", "vem"], copies=3)
    assert pairs(found) == [("a_vem", "a_dmso")]


def test_without_a_control_there_is_a_doubt():
    found = factors(tissue=["lung", "liver"])
    (comparison,) = find_comparisons(found)
    assert (comparison.test, comparison.reference) == ("liver", "lung")
    assert "which side is the reference" in comparison.doubt


def test_a_control_by_the_end_of_its_name():
    found = find_comparisons(factors(line=["MSC1", "SCC1_Control", "MSC2"]))
    assert [(c.test, c.reference) for c in found] == [
        ("msc1", "scc1_control"), ("msc2", "scc1_control"),
    ]  # fmt: skip
    assert {c.doubt for c in found} == {"scc1_control was taken for the control, by its name"}


def test_a_group_of_one_sample_is_not_compared():
    frame = pd.DataFrame({"drug": ["DMSO", "DMSO", "vem", "vem", "tram"]}, index=list("abcde"))
    assert pairs(find_factors(frame)) == [("vem", "dmso")]
