"""Clocks: data time as a port; the only place that asks the machine what time it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

ZONE = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
_DAY = 86400
_OFFSET = 7 * 3600
# After the machine's clock was put back: data time goes on at this share until it is overtaken.
_WAITING_PACE = 0.5


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine tells: the wall's time, which people may put back, and one that counts."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic


MACHINE = Machine()


class Clock(Protocol):
    """Data time: what the feeds and the law live in. ``now_s`` is epoch seconds."""

    simulated: bool

    def now_s(self) -> float: ...

    def rate(self) -> float: ...

    def real_seconds_until(self, data_s: float) -> float: ...


class RealClock:
    """Production: data time is real time, but it never goes back when that is put back."""

    simulated = False

    def __init__(self, machine: Machine = MACHINE) -> None:
        self._machine = machine
        self._now = machine.wall()
        self._counted = machine.steady()

    def now_s(self) -> float:
        counted = self._machine.steady()
        slow = self._now + (counted - self._counted) * _WAITING_PACE
        self._now, self._counted = max(slow, self._machine.wall()), counted
        return self._now

    def rate(self) -> float:
        return 1.0

    def real_seconds_until(self, data_s: float) -> float:
        return max(0.0, data_s - self.now_s())


@dataclass(frozen=True, slots=True)
class _Pace:
    office_rate: float
    other_rate: float
    office_start_s: int
    office_end_s: int

    def at(self, data_s: float) -> tuple[float, float]:
        """Rate at an instant and the instant at which it changes next."""
        local = data_s + _OFFSET
        day, second = divmod(local, _DAY)
        weekday = (int(day) + 3) % 7
        midnight = day * _DAY - _OFFSET
        if weekday >= 5:
            return self.other_rate, midnight + _DAY
        if second < self.office_start_s:
            return self.other_rate, midnight + self.office_start_s
        if second < self.office_end_s:
            return self.office_rate, midnight + self.office_end_s
        return self.other_rate, midnight + _DAY


class SimulatedClock:
    """Piecewise linear data time from an anchor; the monotonic clock paces it: no steps."""

    simulated = True

    def __init__(
        self,
        pace: _Pace,
        anchor_data_s: float,
        elapsed_real_s: float,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pace = pace
        self._steady = steady
        self._mono = steady() - elapsed_real_s
        self._segments: list[tuple[float, float, float]] = [
            (0.0, anchor_data_s, pace.at(anchor_data_s)[0])
        ]

    def now_s(self) -> float:
        real = self._steady() - self._mono
        start, data, rate = self._segment(real)
        return data + (real - start) * rate

    def rate(self) -> float:
        return self._segment(self._steady() - self._mono)[2]

    def real_seconds_until(self, data_s: float) -> float:
        now = self.now_s()
        left = 0.0
        while now < data_s:
            rate, change = self._pace.at(now)
            step = min(data_s, change)
            left += (step - now) / rate
            now = step
        return left

    def _segment(self, real: float) -> tuple[float, float, float]:
        while True:
            start, data, rate = self._segments[-1]
            _, change = self._pace.at(data)
            until = start + (change - data) / rate
            if real < until:
                break
            self._segments.append((until, change, self._pace.at(change)[0]))
        return self._segments[-1]


def read_clock(path: Path | None, machine: Machine = MACHINE) -> Clock:
    """The clock a ``clock.json`` describes, or real time without one."""
    if path is None:
        return RealClock(machine)
    told = json.loads(path.read_text())
    pace = _Pace(
        float(told["office_rate"]),
        float(told["other_rate"]),
        _seconds(told.get("office_start", "07:30")),
        _seconds(told.get("office_end", "17:00")),
    )
    anchor = datetime.fromisoformat(told["data_anchor"]).timestamp()
    elapsed_s = max(0.0, machine.wall() - float(told["real_anchor"]))
    return SimulatedClock(pace, anchor, elapsed_s, machine.steady)


def _seconds(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def iso(at_s: float) -> str:
    """Data instant as ISO 8601 in Vietnamese time."""
    return datetime.fromtimestamp(at_s, ZONE).isoformat(timespec="seconds")


def real_iso() -> str:
    """Real time now, UTC, milliseconds."""
    now = datetime.now(timezone.utc)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def real_s() -> float:
    """Real time, epoch seconds."""
    return time.time()


def local_date(at_s: float) -> str:
    """Local calendar date, ISO."""
    return datetime.fromtimestamp(at_s, ZONE).date().isoformat()
