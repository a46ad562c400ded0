"""Periods and ages in Vietnamese time, whatever the machine's time zone, leap day and year end."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain import clock
from app.domain.clock import iso, local_date
from app.domain.period import bounds, date_of, midnight_s

THERE = ZoneInfo("Asia/Ho_Chi_Minh")
EDGES = (
    "2024-02-28T23:59:59", "2024-02-29T00:00:00", "2024-02-29T23:59:59", "2024-03-01T00:00:00",
    "2023-02-28T23:59:59", "2023-03-01T00:00:00", "2024-12-31T23:59:59", "2025-01-01T00:00:00",
    "2022-12-31T17:00:00", "2025-06-30T23:59:59", "2025-07-01T00:00:00", "2000-02-29T12:00:00",
)  # fmt: skip


@pytest.fixture(params=["UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Ho_Chi_Minh"])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine stands elsewhere."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def oracle(kind: str, at_s: int) -> tuple[int, int]:
    """By the calendar of the time zone data base."""
    here = datetime.fromtimestamp(at_s, THERE)
    begin = here.replace(minute=0, second=0, microsecond=0)
    if kind != "hour":
        begin = begin.replace(hour=0)
    after = begin + timedelta(days=1)
    if kind == "hour":
        after = begin + timedelta(hours=1)
    elif kind == "month":
        begin = begin.replace(day=1)
        after = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    elif kind == "year":
        begin = begin.replace(month=1, day=1)
        after = begin.replace(year=begin.year + 1)
    return int(begin.timestamp()), int(after.timestamp()) - 1


def test_a_period_is_the_calendars(host: str) -> None:
    rng = random.Random(766)
    first, last = midnight_s(date(2022, 1, 1)), midnight_s(date(2027, 1, 1))
    instants = [rng.randrange(first, last) for _ in range(1000)]
    instants += [int(datetime.fromisoformat(edge + "+07:00").timestamp()) for edge in EDGES]
    for at_s in instants:
        for kind in ("hour", "day", "month", "year"):
            assert bounds(kind, at_s) == oracle(kind, at_s), (host, kind, at_s)
        on = datetime.fromtimestamp(at_s, THERE)
        assert date_of(at_s) == on.date()
        assert (iso(at_s), local_date(at_s)) == (on.isoformat(), on.date().isoformat())


def test_data_time_is_the_same_wherever_the_machine_stands(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_s = datetime(2024, 2, 29, 23, 59, 58, tzinfo=THERE).timestamp()
    machine = clock.Machine(wall=lambda: at_s, steady=lambda: 100.0)
    told = clock.RealClock(machine)
    assert told.now_s() == at_s
    assert iso(told.now_s()) == "2024-02-29T23:59:58+07:00"
    assert iso(told.now_s() + 2) == "2024-03-01T00:00:00+07:00", host
