"""The working calendar of the simulated province: weekends, Tết, holidays and swapped days."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import cache

ZONE = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
FIRST_DAY = date(2022, 1, 1)
DAY_S = 86400

# Days off that fall on Monday to Friday, with the days given in lieu, by government notice.
TET = (
    (date(2022, 1, 31), date(2022, 2, 4)),
    (date(2023, 1, 20), date(2023, 1, 26)),
    (date(2024, 2, 8), date(2024, 2, 14)),
    (date(2025, 1, 27), date(2025, 1, 31)),
)
HOLIDAYS = frozenset(
    date.fromisoformat(day)
    for day in (
        *("2021-01-01", "2021-02-10", "2021-02-11", "2021-02-12", "2021-02-15", "2021-02-16"),
        *("2021-04-21", "2021-04-30", "2021-05-03", "2021-09-02", "2021-09-03"),
        *("2022-01-03", "2022-04-11", "2022-05-02", "2022-05-03", "2022-09-01", "2022-09-02"),
        *("2023-01-02", "2023-05-01", "2023-05-02", "2023-05-03", "2023-09-01", "2023-09-04"),
        *("2024-01-01", "2024-04-18", "2024-04-29", "2024-04-30", "2024-05-01", "2024-09-02"),
        *("2024-09-03", "2025-01-01", "2025-04-07", "2025-04-30", "2025-05-01", "2025-05-02"),
        *("2025-09-01", "2025-09-02"),
    )
)
# Saturdays worked in exchange for a day off.
WORKED_SATURDAYS = frozenset({date(2024, 5, 4), date(2025, 4, 26)})


def midnight_s(day: date) -> int:
    """Give the epoch second at which the local day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp())


def day_of(at_s: int) -> date:
    """Give the local day of an instant."""
    return datetime.fromtimestamp(at_s, ZONE).date()


def iso(at_s: float) -> str:
    """Write an instant in Vietnamese time."""
    return datetime.fromtimestamp(at_s, ZONE).isoformat(timespec="seconds")


def seconds_of(text: str) -> int:
    """Read an ISO instant; without an offset it is Vietnamese time."""
    # A plus sign that was not escaped in an address arrives as a space.
    told = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
    return int((told if told.tzinfo else told.replace(tzinfo=ZONE)).timestamp())


def in_tet(day: date) -> bool:
    """Say whether the day belongs to the Tết closure, the weekends around it included."""
    return any(
        first - timedelta(days=_weekend_before(first))
        <= day
        <= last + timedelta(days=_weekend_after(last))
        for first, last in TET
    )


@cache
def is_working_day(day: date) -> bool:
    """Say whether offices are open."""
    if day in WORKED_SATURDAYS:
        return True
    return day.weekday() < 5 and day not in HOLIDAYS and not in_tet(day)


@cache
def rush(day: date) -> float:
    """Give how busy offices are against a plain working day (1.0); 0 on a day off."""
    if not is_working_day(day):
        return 0.0
    factor = (1.12, 1.03, 1.0, 0.98, 0.9, 0.7, 0.7)[day.weekday()]
    if _working_days_left(day) < 3:
        factor *= 1.45
    for first, last in TET:
        if 0 < (first - day).days <= 10:
            factor *= 1.3
        elif 0 < (day - last).days <= 12:
            factor *= 0.55
    return factor


@cache
def _working_days_left(day: date) -> int:
    later, count = day + timedelta(days=1), 0
    while later.month == day.month:
        count += is_working_day(later)
        later += timedelta(days=1)
    return count


def _weekend_before(first: date) -> int:
    return 2 if first.weekday() == 0 else 0


def _weekend_after(last: date) -> int:
    return 2 if last.weekday() == 4 else 0
