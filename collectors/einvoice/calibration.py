"""How many, how much and how fast: the invented figures of the simulated tax offices."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date

INVOICES_A_DAY = 6000
ENTERPRISES = 4720  # active on the first day; births outnumber deaths a little
FULL_REGISTER_SCALE = 0.05
FIRST_DAY = date(2022, 1, 1)


@dataclass(frozen=True, slots=True)
class Office:
    """A tax office, or a joint one with its codes; shares of the province; lag in adoption."""

    group: str
    codes: tuple[str, ...]
    enterprises: float
    invoices: float
    ahead: float


OFFICES = (
    Office("1100", ("1100",), 0.08, 0.22, 0.07),
    Office("1101-1102", ("1101", "1101", "1101", "1101", "1101", "1102"), 0.46, 0.44, 0.02),
    Office("1103", ("1103",), 0.06, 0.04, -0.02),
    Office("1104-1109", ("1104", "1104", "1104", "1109", "1109"), 0.07, 0.035, -0.09),
    Office("1105", ("1105",), 0.11, 0.085, 0.0),
    Office("1106", ("1106",), 0.11, 0.11, 0.01),
    Office("1107", ("1107",), 0.06, 0.04, -0.04),
    Office("1108", ("1108",), 0.05, 0.03, -0.07),
)
TOURIST_GROUP = "1106"
SILENT_GROUP = "1107"
SILENT_DAYS = (date(2022, 8, 15), date(2022, 8, 18))  # catches up on the second

# Share of active enterprises that are accepted and invoice, by day.
_ADOPTION = (
    (date(2022, 1, 1), 0.55),
    (date(2022, 4, 1), 0.62),
    (date(2022, 6, 1), 0.71),
    (date(2022, 7, 1), 0.80),
    (date(2022, 8, 1), 0.845),
    (date(2022, 10, 5), 0.882),
    (date(2022, 12, 31), 0.903),
    (date(2023, 12, 31), 0.93),
    (date(2099, 12, 31), 0.94),
)
_ADOPTION_DAYS = [day for day, _ in _ADOPTION]

# Share of the day's invoices by hour of the day; nothing from 22 to 6.
HOURS = {
    6: 0.01,
    7: 0.05,
    8: 0.115,
    9: 0.13,
    10: 0.12,
    11: 0.075,
    12: 0.03,
    13: 0.065,
    14: 0.11,
    15: 0.115,
    16: 0.09,
    17: 0.045,
    18: 0.02,
    19: 0.012,
    20: 0.009,
    21: 0.004,
}
TILL_HOURS = {hour: 0.03 if hour < 10 or hour in {14, 15} else 0.085 for hour in HOURS}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of message with invoices: its share, invoices a message, value, rejections."""

    code: str
    share: float
    a_message: int
    value: int
    rejected: float
    reasons: tuple[str, ...]
    day_off: float  # of a working day's invoices, on a day off


KINDS = (
    Kind("200", 0.62, 1, 9_500_000, 0.021, ("1", "1", "1", "3", "9"), 0.10),
    Kind("203", 0.26, 3, 420_000, 0.018, ("3", "3", "3", "9"), 0.12),
    Kind("206", 0.09, 15, 310_000, 0.035, ("7",), 0.55),
    Kind("400", 0.03, 12, 260_000, 0.05, ("4", "4", "5"), 0.60),
)


def adoption(day: date) -> float:
    """Give the province's share of enterprises that invoice electronically on the day."""
    at = bisect_right(_ADOPTION_DAYS, day)
    if at == 0:
        return _ADOPTION[0][1]
    (before, low), (after, high) = _ADOPTION[at - 1], _ADOPTION[at]
    return low + (high - low) * (day - before).days / (after - before).days
