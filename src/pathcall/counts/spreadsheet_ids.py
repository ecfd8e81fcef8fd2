"""Gene symbols that a spreadsheet turned into dates: SEPTIN2 as 2-Sep, MARCHF7 as 07.Mrz or 45358.

Ziemann, Eren & El-Osta 2016, Genome Biol 17:177. A date is restored where only one current symbol
can have been it and the table has no row for that symbol; others are left out and counted, because
MARCHF1 and MTARC1 both read 1-Mar.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Sequence

# English, German, French and Spanish abbreviations of the months that begin a gene symbol.
_MONTHS = {
    "mar": 3, "march": 3, "mrz": 3, "mär": 3, "märz": 3, "maerz": 3, "mars": 3,
    "sep": 9, "sept": 9, "september": 9, "oct": 10, "okt": 10,
    "dec": 12, "dez": 12, "déc": 12, "dic": 12, "feb": 2, "fév": 2, "apr": 4, "avr": 4, "nov": 11,
}  # fmt: skip
_SYMBOLS = {
    3: ("MARCHF{}", "MTARC{}"),
    9: ("SEPTIN{}",),
    12: ("DELEC{}", "DEC{}"),
    10: ("OCT{}",),
    2: ("FEB{}",),
    4: ("APR{}",),
    11: ("NOV{}",),
}
_DAY_MONTH = re.compile(r"^(\d{1,2})[-. /]{1,2}([^\W\d_]{3,9})\.?$")
_MONTH_DAY = re.compile(r"^([^\W\d_]{3,9})\.?[-. /](\d{1,2})$")
_ISO = re.compile(r"^(\d{4})-(\d{2})-(\d{2})(?:[ T]00:00:00)?$")
_SLASHED = re.compile(r"^(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d{2})$")
_SERIAL = re.compile(r"^[34]\d{4}$")


def read_date(cell: str) -> tuple[int, int] | None:
    """Month and day that a gene id reads as, None where it is no date.

    A date whose day and month can be told apart in two ways has month 0.
    """
    cell = cell.strip()
    for pattern, day, month in ((_DAY_MONTH, 1, 2), (_MONTH_DAY, 2, 1)):
        match = pattern.match(cell)
        if match and match[month].lower() in _MONTHS:
            return _MONTHS[match[month].lower()], int(match[day])
    match = _ISO.match(cell)
    if match:
        return int(match[2]), int(match[3])
    match = _SLASHED.match(cell)
    if match:
        one, other = int(match[1]), int(match[2])
        possible = {(m, d) for m, d in ((one, other), (other, one)) if m in _SYMBOLS and 0 < d < 16}
        return possible.pop() if len(possible) == 1 else (0, 0)
    if _SERIAL.match(cell):  # days since 1899-12-30, as spreadsheets store a date
        date = datetime.date(1899, 12, 30) + datetime.timedelta(days=int(cell))
        return date.month, date.day
    return None


def restore_dates(ids: Sequence[str], known: Collection[str]) -> tuple[list[str | None], int, int]:
    """Give dates their symbol back.

    Parameters
    ----------
    ids
        Gene symbols, some of them dates.
    known
        Current symbols.

    Returns
    -------
    tuple
        Ids with a symbol in place of a date, None where it cannot be told; how many dates were
        restored; how many were not.
    """
    dates = {i: read_date(cell) for i, cell in enumerate(ids)}
    found = {i: date for i, date in dates.items() if date is not None}
    taken = set(ids)
    once = [d for d in found.values() if list(found.values()).count(d) == 1]
    restored: list[str | None] = list(ids)
    count = 0
    for i, (month, day) in found.items():
        names = [p.format(day) for p in _SYMBOLS.get(month, ())]
        fits = [name for name in names if name in known]
        restored[i] = None
        if len(fits) == 1 and fits[0] not in taken and (month, day) in once:
            restored[i] = fits[0]
            count += 1
    return restored, count, len(found) - count
