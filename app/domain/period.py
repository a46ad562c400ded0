"""Periods: hour, day, month, year to date; whole seconds in Vietnamese time, end inclusive."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

OFFSET_S = 7 * 3600
DAY_S = 86400
NOW = "now"
KINDS = ("now", "hour", "day", "month", "year")


def bounds(kind: str, at_s: int) -> tuple[int, int]:
    """First and last second of the period of this kind that holds ``at_s``."""
    if kind == "hour":
        begin = at_s - at_s % 3600
        return begin, begin + 3599
    if kind == NOW:
        return 0, 2**62
    day = (at_s + OFFSET_S) // DAY_S
    if kind == "day":
        return day * DAY_S - OFFSET_S, (day + 1) * DAY_S - OFFSET_S - 1
    return _long_bounds(kind, day)


@lru_cache(maxsize=20000)
def _long_bounds(kind: str, day: int) -> tuple[int, int]:
    on = date(1970, 1, 1) + timedelta(days=day)
    if kind == "month":
        first = on.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    elif kind == "year":
        first, after = date(on.year, 1, 1), date(on.year + 1, 1, 1)
    else:
        raise ValueError(f"period {kind!r} is unknown; expected one of {', '.join(KINDS)}")
    return midnight_s(first), midnight_s(after) - 1


def midnight_s(on: date) -> int:
    """Epoch second at which a Vietnamese calendar day begins."""
    return int(datetime(on.year, on.month, on.day, tzinfo=UTC).timestamp()) - OFFSET_S


def day_of(at_s: int) -> int:
    """Number of the Vietnamese calendar day of an instant, days since 1970-01-01."""
    return (at_s + OFFSET_S) // DAY_S


def date_of(at_s: int) -> date:
    """Vietnamese calendar date of an instant."""
    return date(1970, 1, 1) + timedelta(days=day_of(at_s))
