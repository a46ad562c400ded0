"""Data time for the simulators: told by a clock file, or paced here when they run alone."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from collectors._world import calendar
from collectors._world.calendar import DAY_S, iso, seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_OFFSET = 7 * 3600
_LOOK_EVERY_S = 0.5
# A mark is written this far ahead, so that data time never goes back after a hard kill.
MARK_AHEAD_S = 3.0
MARK_NAME = "world_clock.json"


class Clock(Protocol):
    """Data time as epoch seconds, and how fast it goes."""

    def now(self) -> float:
        """Give the data time."""

    def rate(self) -> float:
        """Give data seconds per real second."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Two rates: one in office hours of Monday to Friday, one for the rest."""

    office_rate: float
    other_rate: float
    office_start: int = 27_000
    office_end: int = 61_200

    def at(self, data_s: float) -> tuple[float, float]:
        """Give the rate at an instant and the instant it may change."""
        day, second = divmod(data_s + _OFFSET, DAY_S)
        midnight = day * DAY_S - _OFFSET
        if (int(day) + 3) % 7 < 5:
            if second < self.office_start:
                return self.other_rate, midnight + self.office_start
            if second < self.office_end:
                return self.office_rate, midnight + self.office_end
        return self.other_rate, midnight + DAY_S


class PacedClock:
    """Piecewise linear data time from an anchor."""

    def __init__(
        self,
        pace: Pace,
        real_anchor: float,
        data_anchor: float,
        real: Callable[[], float] = time.time,
    ) -> None:
        self._pace = pace
        self._real = real
        self._real_at = real_anchor
        self._data_at = data_anchor

    def now(self) -> float:
        """Walk the segments up to the real time; what is behind is not walked again."""
        real = self._real()
        while True:
            rate, changes = self._pace.at(self._data_at)
            until = self._real_at + (changes - self._data_at) / rate
            if real < until:
                return self._data_at + max(0.0, real - self._real_at) * rate
            self._real_at, self._data_at = until, changes

    def rate(self) -> float:
        """Give data seconds per real second."""
        return self._pace.at(self.now())[0]


def counted_time() -> Callable[[], float]:
    """Give real time that goes on evenly when the machine's clock is put back or forward."""
    ahead = time.time() - time.monotonic()
    return lambda: ahead + time.monotonic()


class FileClock:
    """The clock a `clock.json` of another program tells; read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = path.stat().st_mtime_ns
        self._clock = read_clock(path)
        self._looked = time.monotonic()
        self._floor = 0.0

    def now(self) -> float:
        """Give the data time; it never goes back."""
        looked = time.monotonic()
        if looked - self._looked > _LOOK_EVERY_S:
            self._looked = looked
            self._look()
        self._floor = max(self._floor, self._clock.now())
        return self._floor

    def rate(self) -> float:
        """Give data seconds per real second."""
        return self._clock.rate()

    def _look(self) -> None:
        try:
            stamp = self._path.stat().st_mtime_ns
            if stamp != self._stamp:
                self._clock = read_clock(self._path)
                self._stamp = stamp
        except (OSError, ValueError):
            # Being replaced this instant: the next look reads it.
            return


def read_clock(path: Path) -> PacedClock:
    """Read a clock file."""
    told = json.loads(path.read_text(encoding="utf-8"))
    pace = Pace(
        float(told["office_rate"]),
        float(told["other_rate"]),
        _seconds_of_day(told.get("office_start", "07:30")),
        _seconds_of_day(told.get("office_end", "17:00")),
    )
    anchor = seconds_of(told["data_anchor"])
    return PacedClock(pace, float(told["real_anchor"]), anchor, counted_time())


def own_clock(start_s: int, speed: float, data_dir: Path | None) -> PacedClock:
    """Make the clock of a program that runs alone; it goes on from where it stopped."""
    if not 1 <= speed <= 10_000:
        msg = f"--speed {speed:g}: expected 1 to 10000"
        raise ValueError(msg)
    begin = float(max(start_s, calendar.midnight_s(calendar.FIRST_DAY)))
    if data_dir is not None and (data_dir / MARK_NAME).exists():
        told = json.loads((data_dir / MARK_NAME).read_text(encoding="utf-8"))
        begin = max(begin, float(told["data_s"]))
    real = counted_time()
    return PacedClock(Pace(speed, speed), real(), begin, real)


def write_mark(clock: Clock, data_dir: Path, ahead_s: float) -> None:
    """Write down the data time that a next start goes on from."""
    mark = clock.now() + ahead_s * clock.rate()
    path = data_dir / MARK_NAME
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"version": 1, "data_s": mark, "data": iso(mark)}))
    fresh.replace(path)


def _seconds_of_day(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60
