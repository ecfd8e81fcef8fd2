import pytest

from pathcall.drafting.controls import control_rank, is_dose, is_time, names_control


@pytest.mark.parametrize(
    "level",
    ["vehicle", "DMSO", "dmso 0.1%", "DMSO control", "Vehicle_48h", "mock", "siCtrl", "si control",
     "non-targeting siRNA", "Non targeting", "scrambled shRNA", "siCtrl_DMSO", "PBS",
     "empty vector",
     "control", "ctrl", "Control group", "WT", "wild-type", "Wild type mice", "+/+",
     "untreated", "Untreated", "not treated", "no treatment", "un-treated", "none", "unstimulated",
     "naive", "uninfected", "0h", "0 hr", "day 0", "t0", "0", "healthy donor", "normal tissue"],
)  # fmt: skip
def test_controls_are_known_as_people_write_them(level):
    assert control_rank(level) is not None


@pytest.mark.parametrize(
    "level",
    ["vemurafenib", "LPS", "treated", "KO", "ARID1A_KO", "siRELA", "DMSO + drug", "6h", "day 10",
     "tumour", "Dexamethasone", "WT + LPS", "control of MYC", "infected", "high", "IFN-gamma", ""],
)  # fmt: skip
def test_what_is_no_control(level):
    assert control_rank(level) is None


def test_the_matched_vehicle_comes_before_untreated():
    assert control_rank("DMSO") < control_rank("control") < control_rank("untreated")


def test_times_and_doses():
    assert is_time("time point", ["6", "24"])
    assert is_time("x", ["0h", "6h", "day 3"])
    assert not is_time("x", ["A375", "WM88"])
    assert not is_time("treatment", ["6h", "LPS"])
    assert is_dose("dose_um")
    assert not is_dose("drug")


def test_a_control_named_after_its_cells():
    assert names_control("SCC1_Control")
    assert names_control("MCF7-DMSO")
    assert not names_control("DMSO + drug")
    assert not names_control("KO")
    assert not names_control("")
