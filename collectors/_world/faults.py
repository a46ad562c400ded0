"""Named faults of the simulated systems: switched over HTTP, kept as intervals of data time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# What each does is told in docs/reference/feeds/simulators.md.
LOG_FAULTS = ("late", "duplicate", "reorder")
SERVED_FAULTS = ("outage", "slow", "garbage", "schema-drift", "clock-skew", "auth-expired")
FAULTS = (*LOG_FAULTS, *SERVED_FAULTS)


@dataclass(frozen=True, slots=True)
class Interval:
    """One time a fault was on: from `on_s` until before `off_s` (None: still on)."""

    fault: str
    on_s: int
    off_s: int | None = None
    params: dict[str, str] = field(default_factory=dict)

    def covers(self, at_s: int) -> bool:
        """Say whether it was on at the instant."""
        return self.on_s <= at_s and (self.off_s is None or at_s < self.off_s)

    def share(self, default: float) -> float:
        """Give the share of messages it touches."""
        return float(self.params.get("share", default))


class FaultBook:
    """The intervals of every feed, kept in a file when there is a place for it."""

    def __init__(self, now_s: Callable[[], int], path: Path | None = None) -> None:
        self._now_s = now_s
        self._path = path
        self._feeds: dict[str, list[Interval]] = {}
        if path is not None and path.exists():
            told = json.loads(path.read_text(encoding="utf-8"))
            self._feeds = {
                feed: [Interval(**interval) for interval in intervals]
                for feed, intervals in told["feeds"].items()
            }

    def of(self, feed: str) -> FeedFaults:
        """Give the faults of one feed."""
        return FeedFaults(feed, self)

    def now_s(self) -> int:
        """Give the data time."""
        return self._now_s()

    def intervals(self, feed: str) -> tuple[Interval, ...]:
        """Give every interval of a feed, in the order of switching."""
        return tuple(self._feeds.get(feed, ()))

    def switch_on(
        self, feed: str, fault: str, params: dict[str, str], until_s: int | None = None
    ) -> Interval:
        """Begin an interval now; one that is open ends now."""
        _check(fault)
        now = self._now_s()
        if until_s is not None and until_s <= now:
            msg = f"until: {until_s} is not after the data time {now}; name a later instant"
            raise ValueError(msg)
        if not 0 <= float(params.get("share", 0)) <= 1:
            msg = f"share: {params['share']}; expected a number from 0 to 1"
            raise ValueError(msg)
        fresh = Interval(fault, now, until_s, params)
        kept = self._ended(feed, fault, now)
        self._feeds[feed] = [*kept, fresh]
        self._write()
        return fresh

    def switch_off(self, feed: str, fault: str) -> None:
        """End the open interval of a fault, if there is one."""
        _check(fault)
        self._feeds[feed] = self._ended(feed, fault, self._now_s())
        self._write()

    def _ended(self, feed: str, fault: str, now: int) -> list[Interval]:
        return [
            replace(interval, off_s=now)
            if interval.fault == fault and interval.covers(now)
            else interval
            for interval in self._feeds.get(feed, [])
        ]

    def _write(self) -> None:
        if self._path is None:
            return
        told = {
            feed: [asdict(interval) for interval in intervals]
            for feed, intervals in self._feeds.items()
        }
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"version": 1, "feeds": told}, indent=1))
        fresh.replace(self._path)


class FeedFaults:
    """The faults of one feed as they stand now."""

    def __init__(self, feed: str, book: FaultBook) -> None:
        self._feed = feed
        self._book = book
        self.asked = 0  # requests under the feed's prefix, since the program was started

    @property
    def session_valid_since(self) -> int:
        """Data second of the last switch-on of auth-expired."""
        return max((interval.on_s for interval in self._expiries()), default=0)

    @property
    def session_epoch(self) -> int:
        """Count the switch-ons of auth-expired."""
        return len(self._expiries())

    def active(self, name: str) -> bool:
        """Say whether the fault is on now."""
        return self._open(name) is not None

    def param(self, name: str, key: str, default: str) -> str:
        """Give a parameter the fault was switched on with."""
        interval = self._open(name)
        return default if interval is None else interval.params.get(key, default)

    def intervals(self) -> tuple[Interval, ...]:
        """Give every interval."""
        return self._book.intervals(self._feed)

    def _open(self, name: str) -> Interval | None:
        now = self._book.now_s()
        for interval in self._book.intervals(self._feed):
            if interval.fault == name and interval.covers(now):
                return interval
        return None

    def _expiries(self) -> list[Interval]:
        return [one for one in self._book.intervals(self._feed) if one.fault == "auth-expired"]


def _check(fault: str) -> None:
    if fault not in FAULTS:
        msg = f"fault {fault!r} is not known; use one of {', '.join(FAULTS)}"
        raise ValueError(msg)
