"""The truth's own reading of rule 2.1: when a dossier ended, and whether it is late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from collectors._world.calendar import DAY_S, day_of, is_working_day, midnight_s

_WORKING = ("2", "4", "5", "6")
# Morning and afternoon of an office, seconds of the day.
_OFFICE = ((27_000, 41_400), (46_800, 61_200))


@dataclass(frozen=True, slots=True)
class Switches:
    """The two readings the rule leaves open; the simulated province takes these defaults."""

    second_supplement: str = "late_without_result"
    fee_wait_stops_clock: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A dossier at one instant; ``late`` is None when it cannot be judged."""

    end: int | None
    done: bool
    late: bool | None
    waited: int = 0


def judge(
    item: dict[str, Any],
    statuses: list[tuple[int, str]],
    received: int,
    until: int,
    switches: Switches,
) -> Judged:
    """Judge a dossier by its newest item and all its statuses, by what happened until then."""
    end, done = _end([(at, s) for at, s in statuses if at <= until], received)
    requests = _requests(item, statuses, until)
    number = len(requests)
    if switches.fee_wait_stops_clock:
        requests += _waits("6", statuses, until)
    # An answer dated before its request is a slip of the pen: nothing was waited for.
    waited = sum(max(0, done - asked) for asked, done in requests if done is not None)
    due = _due(item, received)
    if due is None:
        return Judged(end, done, None, waited)
    if number > 1 and (not done or switches.second_supplement == "always_late"):
        return Judged(end, done, True, waited)
    if end is not None:
        return Judged(end, done, end - waited > due, waited)
    still = [asked for asked, answered in requests if answered is None]
    return Judged(end, done, min([until, *still]) - waited > due, waited)


def _end(known: list[tuple[int, str]], received: int) -> tuple[int | None, bool]:
    worked = max((at for at, s in known if s in _WORKING), default=-1)
    after = [(at, s) for at, s in known if at >= worked]
    for status in ("9", "10"):
        times = [at for at, s in after if s == status]
        if times:
            return max(times), True
    stopped = [at for at, s in after if s in ("8", "3")]
    if stopped:
        return min(stopped), False
    withdrawn = [at for at, s in after if s == "7" and at >= received]
    if withdrawn:
        return min(withdrawn), False
    return None, False


def _requests(
    item: dict[str, Any], statuses: list[tuple[int, str]], until: int
) -> list[tuple[int, int | None]]:
    listed = {
        r["HoSoBoSungId"]: r
        for r in item.get("DanhSachHoSoBoSung") or ()
        if r.get("HoSoBoSungId") and r.get("NgayBoSung")
    }
    if not listed:
        return _waits("5", statuses, until)
    found: list[tuple[int, int | None]] = []
    for request in listed.values():
        asked, told = seconds(request["NgayBoSung"]), request.get("NgayTiepNhanBoSung")
        if asked <= until:
            answered = seconds(told) if told else _next_work(statuses, asked)
            found.append((asked, answered if answered is not None and answered <= until else None))
    return found


def _waits(
    status: str, statuses: list[tuple[int, str]], until: int
) -> list[tuple[int, int | None]]:
    found: list[tuple[int, int | None]] = []
    for asked in sorted({at for at, s in statuses if s == status and at <= until}):
        answered = _next_work(statuses, asked)
        found.append((asked, answered if answered is not None and answered <= until else None))
    return found


def _next_work(statuses: list[tuple[int, str]], after: int) -> int | None:
    return min((at for at, s in statuses if s in ("2", "4") and at > after), default=None)


def _due(item: dict[str, Any], received: int) -> int | None:
    if item.get("NgayHenTra"):
        return seconds(item["NgayHenTra"])
    if item.get("ThoiHanGiaiQuyet") in (None, "") or unit_of(item) == "ngày":
        return None  # days of the calendar cannot be told in working days
    most = int(item["ThoiHanGiaiQuyet"])
    if unit_of(item) == "giờ":
        most = (most + 7) // 8
    return _after_working_days(day_of(received), most)


def unit_of(item: dict[str, Any]) -> str:
    """The procedure's own unit: "giờ", "ngày", or empty for working days."""
    told = str(item.get("DonViThoiHan") or "").strip().lower()
    return {"giờ": "giờ", "giờ làm việc": "giờ", "ngày": "ngày"}.get(told, "")


def taken(unit: str, received: int, end: int) -> float:
    """From receipt to the end: days of the calendar, office hours, or whole working days."""
    if unit == "ngày":
        return max(0, end - received) / DAY_S
    day, days, hours = day_of(received), 0, 0
    while day <= day_of(end):
        if is_working_day(day):
            days += day > day_of(received)
            into = midnight_s(day)
            hours += sum(
                max(0, min(end - into, closes) - max(received - into, opens))
                for opens, closes in _OFFICE
            )
        day += timedelta(days=1)
    return hours / 3600 if unit == "giờ" else days


@lru_cache(maxsize=8192)
def _after_working_days(day: date, count: int) -> int:
    left = count + 1
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return midnight_s(day) - 1


@lru_cache(maxsize=65536)
def seconds(text: str) -> int:
    """Read ``yyyyMMddHHmmss`` in Vietnamese time."""
    day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    clock = int(text[8:10]) * 3600 + int(text[10:12]) * 60 + int(text[12:14])
    return (day - date(1970, 1, 1)).days * DAY_S - 7 * 3600 + clock
