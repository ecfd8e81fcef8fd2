import pandas as pd
import pytest

from pathcall.drafting.factors import columns_of_names, find_factors


def table(**columns):
    return pd.DataFrame(columns, index=[f"s{i}" for i in range(len(next(iter(columns.values()))))])


def test_a_donor_that_meets_all_treatments_blocks():
    found = find_factors(table(treatment=["none", "LPS"] * 3, donor=list("aabbcc")))
    assert list(found.levels) == ["treatment"]
    assert found.block is not None
    assert found.block.name == "donor"


def test_a_donor_of_one_group_each_does_not_block():
    found = find_factors(table(disease=["healthy", "sick"] * 3, donor=list("abcdef")))
    assert list(found.levels) == ["disease"]
    assert found.block is None


def test_a_column_that_combines_others_is_no_factor():
    found = find_factors(
        table(
            group=["WT.none", "WT.vem", "KO.none", "KO.vem"] * 2,
            genotype=["WT", "WT", "KO", "KO"] * 2,
            drug=["none", "vem"] * 4,
        )
    )
    assert list(found.levels) == ["genotype", "drug"]
    assert found.ignored["group"] == "combines genotype, drug"


def test_of_two_columns_that_go_together_the_one_with_controls_stays():
    clones = table(genotype=["WT"] * 4 + ["KO"] * 4, clone=list("aabbccdd"))
    assert list(find_factors(clones).levels) == ["genotype"]
    lines = table(kind=["skin"] * 4 + ["lung"] * 4, line=list("aabbccdd"), drug=["DMSO", "vem"] * 4)
    assert "line" not in find_factors(lines).ignored or find_factors(lines).block is not None


def test_replicates_and_names_are_no_factors():
    found = find_factors(
        table(drug=["DMSO", "vem"] * 3, replicate=list("112233"), barcode=list("abcdef"))
    )
    assert list(found.levels) == ["drug"]
    assert set(found.ignored) == {"replicate", "barcode"}


def test_one_spelling_of_a_level():
    found = find_factors(table(drug=["DMSO", "dmso", "vem", "DMSO", "vem", "vem"]))
    assert set(found.levels["drug"]) == {"DMSO", "vem"}
    assert found.notes == ("drug: 'dmso' as 'DMSO'",)


def test_words_of_titles_tell_groups_apart_that_no_column_does():
    drug = ["vehicle", "vehicle", "vem", "vem"] * 2
    titles = [f"X_{v}_{d}_rep{i}" for v, d, i in zip("RRRRSSSS", drug, "12121212", strict=True)]
    values = table(drug=drug)
    found = find_factors(values, pd.Series(titles, index=values.index))
    assert found.levels["variant"].tolist() == ["R"] * 4 + ["S"] * 4
    assert found.group.nunique() == 4
    assert found.group.iloc[0] == "x_r_vehicle"


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["ctrl_1", "ctrl_2", "KO_rep1", "KO_rep2"],
         {"genotype": ["ctrl", "ctrl", "KO", "KO"], "replicate": ["1", "2", "rep1", "rep2"]}),
        (["WT1", "WT2", "KO1", "KO2"], {"group": ["WT", "WT", "KO", "KO"]}),
        (
            ["A375_DMSO_1", "A375_vem_1", "A375_DMSO_2", "A375_vem_2"],
            {"treatment": ["DMSO", "vem"] * 2, "replicate": ["1", "1", "2", "2"]},
        ),
        (
            ["WT_none_R1", "KO_none_R1", "WT_LPS_R1", "KO_LPS_R1"] * 2,
            {"genotype": ["WT", "KO"] * 4, "treatment": ["none", "none", "LPS", "LPS"] * 2},
        ),
        (
            ["donor1_ctrl_6h", "donor1_LPS_6h", "donor2_ctrl_6h", "donor2_LPS_6h"],
            {"donor": ["donor1"] * 2 + ["donor2"] * 2, "treatment": ["ctrl", "LPS"] * 2},
        ),
        (
            ["N61311_untreated", "N61311_dex", "N052611_untreated", "N052611_dex"],
            {"donor": ["N61311"] * 2 + ["N052611"] * 2, "treatment": ["untreated", "dex"] * 2},
        ),
        (["KO_1_S1", "KO_2_S2", "WT_1_S3", "WT_2_S4_L001"], {"genotype": ["KO", "KO", "WT", "WT"],
                                                            "replicate": ["1", "2", "1", "2"]}),
    ],
)  # fmt: skip
def test_names_that_spell_out_their_groups(names, columns):
    if len(names) == 8:  # twice: the second half is another replicate
        names = names[:4] + [name.replace("R1", "R2") for name in names[4:]]
        columns = {**columns, "replicate": ["R1"] * 4 + ["R2"] * 4}
    found = columns_of_names(names)
    assert found is not None
    assert {name: found[name].tolist() for name in found} == columns


@pytest.mark.parametrize(
    "names",
    [["S1", "S2", "S3", "S4"], ["a", "b", "c", "d"], ["x_1", "x_2", "x_3"], ["a1_x", "b7", "c2_z"]],
)
def test_names_that_tell_nothing(names):
    assert columns_of_names(names) is None
