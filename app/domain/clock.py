"""Clocks: data time as a port; the only place that asks the machine what time it is."""

from __future__ import annotations

import json
import logging
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
# The machine's clock moved by more than this, and than it drifts, against one that counts: it was
# set.
STEP_S, _DRIFT = 2.0, 0.001
SOURCES_APART_S = 60.0  # clocks of sources differ by this from a right one
log = logging.getLogger("clock")


def _since_boot() -> float:
    """Seconds counted also while the machine sleeps: an age goes on then, too."""
    try:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    except (AttributeError, OSError):
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine tells: the wall's time, which people may set, and one that counts."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    since_boot: Callable[[], float] | None = None  # None: as ``steady``


MACHINE = Machine(since_boot=_since_boot)


class Clock(Protocol):
    """Data time: what the feeds and the law live in. ``now_s`` is epoch seconds."""

    simulated: bool

    def now_s(self) -> float: ...

    def rate(self) -> float: ...

    def real_seconds_until(self, data_s: float) -> float: ...


class RealClock:
    """Production: data time is real time. It never goes back, and is not set by whoever sets the
    machine's clock: which of the two is right, the sources say.

    Set forward, data time goes on as it was counted, until a source tells an instant that lies
    nearer to the machine's new time. Set back, it waits for it at half its pace, unless a source
    tells an instant nearer to what was counted: then it goes on as that.
    """

    simulated = False

    def __init__(self, machine: Machine = MACHINE) -> None:
        self._machine = machine
        self._counts = machine.since_boot or machine.steady
        self._wall = self._now = machine.wall()
        self._counted = self._counts()
        self._apart = 0.0  # data time less the machine's, as long as a set clock is not believed

    def now_s(self) -> float:
        wall, counted = self._machine.wall(), self._counts()
        passed = counted - self._counted
        stepped = wall - self._wall - passed
        if abs(stepped) > STEP_S + _DRIFT * passed:
            self._stepped(stepped, self._now + passed - wall)
        self._now = max(self._now + passed * _WAITING_PACE, wall + self._apart)
        self._wall, self._counted = wall, counted
        return self._now

    def heard(self, data_s: float) -> None:
        """A source is complete up to this instant, so it has passed."""
        now = self.now_s()
        ahead = now - self._wall
        if ahead < 0 and data_s - now > -ahead / 2 and data_s <= self._wall + SOURCES_APART_S:
            self._apart = 0.0
            log.warning("the machine's clock is right, a source says: data time follows it")
        elif (
            ahead > STEP_S
            and not self._apart
            and data_s - self._wall > ahead / 2
            and data_s <= now + SOURCES_APART_S
        ):
            self._apart = ahead
            log.warning("the machine's clock is wrong, a source says: data time goes on as counted")

    def apart_s(self) -> float:
        """Seconds data time is ahead of the machine's clock; 0 unless somebody has set that."""
        ahead = self.now_s() - self._wall
        return ahead if abs(ahead) > STEP_S else 0.0

    def rate(self) -> float:
        return 1.0

    def real_seconds_until(self, data_s: float) -> float:
        return max(0.0, data_s - self.now_s())

    def _stepped(self, by_s: float, ahead: float) -> None:
        """``ahead``: what was counted less what the machine says now."""
        log.warning(
            "the machine's clock was set %s by %.0f s; data time does not follow until a source"
            " agrees: set it right, or start again if it is right now",
            "forward" if by_s > 0 else "back",
            abs(by_s),
        )
        # Ahead of the machine it waits; behind, it stays as far behind. Back where it was: nothing.
        self._apart = ahead if ahead < -STEP_S else 0.0


def heard(clock: Clock, data_s: float | None) -> None:
    """Tell real time an instant that has passed; simulated time needs no witness."""
    if data_s is not None and isinstance(clock, RealClock):
        clock.heard(data_s)


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
