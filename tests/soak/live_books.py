"""The books of the live channel: what each screen was told against what the database kept."""

from __future__ import annotations

import asyncio
import bisect
import json
from collections import defaultdict
from dataclasses import dataclass, field

import asyncpg

from app.domain.clock import iso
from app.store.pool import AWAY
from tests.soak.live_client import Key, Screen, Told, Topic

_SINCE = 'SELECT * FROM change WHERE "offset" > $1 ORDER BY "offset" LIMIT 1000'
_LATEST = "SELECT * FROM reading_latest"
_ALERTS = "SELECT * FROM alert"
Figure = tuple[object, ...]


@dataclass(slots=True)
class History:
    """Every change that was committed, in its order, kept before the database forgets it."""

    offsets: list[int] = field(default_factory=list)
    told: dict[int, dict[Key, Figure]] = field(default_factory=dict)
    alerts: dict[int, list[int]] = field(default_factory=dict)
    course: dict[Key, list[tuple[int, Figure]]] = field(default_factory=lambda: defaultdict(list))

    async def follow(self, url: str) -> None:
        """For ever; a database that is away is waited for."""
        while True:
            try:
                db = await asyncpg.connect(url, timeout=5, command_timeout=10)
                try:
                    while True:
                        await self.read(db)
                        await asyncio.sleep(0.2)
                finally:
                    db.terminate()
            except AWAY:
                await asyncio.sleep(0.2)

    async def end(self, url: str) -> None:
        """What came since it was last read; nobody follows any more."""
        db = await asyncpg.connect(url, timeout=10)
        try:
            await self.read(db)
        finally:
            await db.close()

    async def read(self, db: asyncpg.Connection) -> None:
        """What came since."""
        rows = [None]
        while rows:
            rows = await db.fetch(_SINCE, self.offsets[-1] if self.offsets else 0)
            for row in rows:
                self._take(row)

    def _take(self, row: asyncpg.Record) -> None:
        payload, offset = json.loads(row["payload"]), row["offset"]
        assert not self.offsets or offset > self.offsets[-1]
        self.offsets.append(offset)
        self.told[offset] = {
            (r[0], r[1], r[2]): (iso(r[4]), *r[7:13]) for r in payload.get("readings", ())
        }
        self.alerts[offset] = payload.get("alerts", [])
        for key, figure in self.told[offset].items():
            self.course[key].append((offset, figure))

    def between(self, after: int, to: int) -> list[int]:
        """The changes of a span, the first one left out."""
        low, high = bisect.bisect_right(self.offsets, after), bisect.bisect_right(self.offsets, to)
        return self.offsets[low:high]

    def at(self, key: Key, offset: int) -> Figure | None:
        """A figure as it stood at a place."""
        course = self.course.get(key, [])
        number = bisect.bisect_right(course, offset, key=lambda one: one[0])
        return course[number - 1][1] if number else None


@dataclass(slots=True)
class Books:
    """What was looked at, and everything that was wrong."""

    frames: int = 0
    changes: int = 0
    merged: int = 0
    figures: int = 0
    snapshots: int = 0
    again: int = 0  # figures told between two changes: refreshes
    missed: int = 0
    twice: int = 0
    out_of_order: int = 0
    differing: int = 0
    wrong: list[str] = field(default_factory=list)

    def check(self, screen: Screen, history: History) -> None:
        """Read one screen's log from the first frame to the last."""
        place = -1
        for told in screen.log:
            self.frames += 1
            if told.kind == "snapshot":
                place = self._snapshot(screen, told, place, history)
            else:
                place = self._delta(screen, told, place, history)

    def _snapshot(self, screen: Screen, told: Told, place: int, history: History) -> int:
        self.snapshots += 1
        if told.offset < place:
            self.out_of_order += 1
            self._say(screen, told, f"a snapshot of {told.offset} after {place}")
        for key, figure in told.readings.items():
            stood = history.at(key, told.offset)
            self.figures += 1
            if stood is not None and stood[1:] != figure[1:]:
                self.differing += 1
                self._say(screen, told, f"{key} is {figure}, and stood at {stood}")
        return told.offset

    def _delta(self, screen: Screen, told: Told, place: int, history: History) -> int:
        topic = screen.topics[told.topic]
        if told.offset < place:
            self.out_of_order += 1
            self._say(screen, told, f"a change of {told.offset} after {place}")
            return place
        if told.offset == place:
            own = _of_topic(history.told.get(place, {}), topic)
            if told.readings and own == told.readings:
                self.twice += 1
                self._say(screen, told, f"the change {place} once more")
            self.again += len(told.readings)
            return place
        expected: dict[Key, Figure] = {}
        alerts: set[int] = set()
        span = history.between(place, told.offset)
        for offset in span:
            expected |= _of_topic(history.told[offset], topic)
            alerts |= set(history.alerts[offset])
        self.changes += len(span)
        self.merged += len(span) > 1
        self.again += len(told.readings.keys() - expected.keys())
        if topic == Topic() and alerts - told.alerts.keys():
            self.missed += 1
            self._say(screen, told, f"alerts {alerts - told.alerts.keys()} are missing")
        for key, figure in expected.items():
            self.figures += 1
            if key not in told.readings:
                self.missed += 1
                self._say(screen, told, f"{key} of ({place}, {told.offset}] is missing")
            elif told.readings[key] != figure:
                self.differing += 1
                shown = f"{key} is {told.readings[key]}, expected {figure}"
                self._say(screen, told, f"{shown} of ({place}, {told.offset}]")
        return told.offset

    def close(self, screen: Screen, state: State, shown: set[Key]) -> bool:
        """Whether what it shows in the end is what the database holds."""
        before = len(self.wrong)
        topic = screen.topics[-1]
        wanted = {k for k in shown if topic.takes(k[0], k[1])}
        for key in wanted - screen.readings.keys():
            self.wrong.append(f"screen {screen.number} does not show {key}")
        for key, figure in screen.readings.items():
            self.figures += 1
            if state.readings.get(key) != figure[1:]:
                kept = state.readings.get(key)
                self.wrong.append(f"screen {screen.number} shows {key} {figure[1:]}, not {kept}")
        for number in state.active - screen.alerts.keys():
            if topic.takes(*state.alerts[number][:2]):
                self.wrong.append(f"screen {screen.number} does not show alert {number}")
        for number, alert in screen.alerts.items():
            if state.alerts.get(number) != alert[:4]:
                self.wrong.append(
                    f"screen {screen.number} shows alert {alert}, not {state.alerts.get(number)}"
                )
        return len(self.wrong) == before

    def _say(self, screen: Screen, told: Told, what: str) -> None:
        if len(self.wrong) < 200:
            self.wrong.append(f"screen {screen.number}, connection {told.connection}: {what}")


@dataclass(frozen=True, slots=True)
class State:
    """What the database holds."""

    readings: dict[Key, Figure]
    alerts: dict[int, tuple[str, str, str, str]]
    active: frozenset[int]
    term: int


async def read_state(url: str) -> State:
    db = await asyncpg.connect(url, timeout=10)
    try:
        latest, alerts = await db.fetch(_LATEST), await db.fetch(_ALERTS)
        term = await db.fetchval("SELECT term FROM pulse")
    finally:
        await db.close()
    return State(
        {
            (r["indicator"], r["subject"], r["period"]): (
                r["value"], r["num"], r["den"], r["target"], r["state"], r["reason"],
            )
            for r in latest
        },
        {a["id"]: (a["indicator"], a["subject"], a["severity"], a["state"]) for a in alerts},
        frozenset(a["id"] for a in alerts if a["state"] == "active"),
        term,
    )  # fmt: skip


def _of_topic(figures: dict[Key, Figure], topic: Topic) -> dict[Key, Figure]:
    return {k: f for k, f in figures.items() if topic.takes(k[0], k[1])}
