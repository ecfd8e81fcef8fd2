import pytest

from pathcall.counts.spreadsheet_ids import read_date, restore_dates


@pytest.mark.parametrize(
    ("cell", "date"),
    [
        ("2-Sep", (9, 2)),
        ("02. Sept.", (9, 2)),
        (" 10-Sep ", (9, 10)),
        ("1 - Mar", None),
        ("Sep-02", (9, 2)),
        ("Sept.-2", (9, 2)),
        ("March 7", (3, 7)),
        ("7.Mrz", (3, 7)),
        ("7/mars", (3, 7)),
        ("7-märz", (3, 7)),
        ("1-Dec", (12, 1)),
        ("1-dic", (12, 1)),
        ("4-Oct", (10, 4)),
        ("4-okt", (10, 4)),
        ("1-Feb", (2, 1)),
        ("1-avr.", (4, 1)),
        ("1-Nov", (11, 1)),
        ("1-Jan", None),
        ("2024-09-02", (9, 2)),
        ("2024-09-02 00:00:00", (9, 2)),
        ("2024-09-02 01:00:00", None),
        ("9/2/2024", (0, 0)),  # both September and February begin symbols
        ("9/7/2024", (9, 7)),
        ("7/9/24", (9, 7)),
        ("15.9.2024", (9, 15)),
        ("16.9.2024", (0, 0)),
        ("9/9/2024", (9, 9)),
        ("5/6/2024", (0, 0)),
        ("45358", (3, 7)),
        ("36770", (9, 1)),
        ("29999", None),
        ("50000", None),
        ("SEPTIN2", None),
        ("1-100", None),
    ],
)
def test_what_a_cell_reads_as(cell: str, date: tuple[int, int] | None) -> None:
    assert read_date(cell) == date


@pytest.mark.parametrize(
    ("month", "names"),
    [
        (2, "feb fév Feb"),
        (3, "mar march mrz mär märz maerz mars MAR"),
        (4, "apr avr"),
        (9, "sep sept september"),
        (10, "oct okt"),
        (11, "nov"),
        (12, "dec dez déc dic"),
    ],
)
def test_months_of_four_languages(month: int, names: str) -> None:
    for name in names.split():
        assert read_date(f"7-{name}") == read_date(f"{name}-7") == (month, 7)


KNOWN = ["SEPTIN2", "SEPTIN7", "MARCHF1", "MTARC1", "MARCHF7", "DELEC1", "TP53", "DEC2", "OCT4",
         "FEB1", "APR2", "NOV3", "MTARC2"]  # fmt: skip


@pytest.mark.parametrize(
    ("ids", "restored", "n", "lost"),
    [
        (["TP53", "2-Sep"], ["TP53", "SEPTIN2"], 1, 0),
        (["1-Mar", "7-Mar"], [None, "MARCHF7"], 1, 1),  # 1-Mar: MARCHF1 or MTARC1
        (["2-Sep", "SEPTIN2"], [None, "SEPTIN2"], 0, 1),  # its row is there
        (["2-Sep", "Sep-02"], [None, None], 0, 2),
        (["5-Sep"], [None], 0, 1),  # no such symbol
        (["1-Dec"], ["DELEC1"], 1, 0),
        (["2-Dec", "4-Oct", "1-Feb"], ["DEC2", "OCT4", "FEB1"], 3, 0),
        (["2-Apr", "3-Nov", "2-Mar"], ["APR2", "NOV3", "MTARC2"], 3, 0),
        (["1-Dec", "1-Jan"], ["DELEC1", "1-Jan"], 1, 0),
        (["5/6/2024"], [None], 0, 1),
        (["TP53"], ["TP53"], 0, 0),
    ],
)
def test_dates_get_their_symbol_back(
    ids: list[str], restored: list[str | None], n: int, lost: int
) -> None:
    assert restore_dates(ids, KNOWN) == (restored, n, lost)
