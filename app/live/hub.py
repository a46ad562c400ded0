"""Hub: follows the change log and the sources' health; every client reads on from its ring."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from starlette.types import Receive, Scope, Send

from app.domain.access import EVERYTHING, Visible, pass_of
from app.domain.clock import Clock, heard, local_date
from app.domain.disconnects import RESCOPED
from app.domain.ports import AlertStore, ChangeLog, ReadingStore, SourceStore
from app.domain.profile import Profile
from app.domain.reading import Alert, Change, Reading
from app.domain.shape import (
    Json,
    alert_shape,
    beat_source,
    clock_shape,
    qualities,
    reading_shape,
    shown_subjects,
    source_shape,
)
from app.domain.source import SourceHealth
from app.live.asking import place, welcome
from app.live.client import Client
from app.live.direct import direct_of
from app.live.elsewhere import Elsewhere
from app.live.fanout import FanOut, SnapshotFrames
from app.live.frames import Key, Ring, beat_text, encode, hello_text, not_current
from app.live.patience import patiently, rung, until
from app.live.storing import Storing, later_of
from app.live.topic import Topics

BEAT_S = 1.0
POLL_S = 1.0
CHANGES_AT_ONCE = 200
READINGS_AT_MOST = 2000  # of one change; a change that reaches it is followed by a refresh
CLIENTS_AT_MOST = 12_000
CALM_EVERY = 5  # health polls between two source frames that only move counters
HELLO_S = 0.02  # those who come together are told the same time
RENEW_AFTER_S = 2.0  # the sources pass midnight one after the other


class Hub:
    """One per web process; an ASGI app for ``/api/v1/live`` and a task to run beside it."""

    def __init__(
        self,
        profile: Profile,
        clock: Clock,
        changes: ChangeLog,
        snapshot: Callable[[Visible, int], Awaitable[bytes]],
        sources: SourceStore,
        alerts: AlertStore,
        readings: ReadingStore,
        build: str = "0.1.0",
        clients_at_most: int = CLIENTS_AT_MOST,
    ) -> None:
        self._profile, self._clock, self._build = profile, clock, build
        self._changes, self._sources, self.snapshot = changes, sources, snapshot
        self._alerts, self._readings = alerts, readings
        self.ring = Ring()
        self.epoch, self.offset, self.generation = "", 0, 0
        self.beat, self.beats, self._hello = "", 0, ("", 0, float("-inf"), "")
        self.closing = False
        self.conflated = self.resets = self.failures = self.renewals = 0
        self.snapshots, self.fan = SnapshotFrames(), FanOut(self)
        self._at_most = clients_at_most
        self._clients, self.topics = set[Client](), Topics(profile)
        self._rung, self._soon = asyncio.Event(), asyncio.Event()
        self._ends, self._days = Counter[str](), dict[str, str]()
        self._healths, self._told = dict[str, SourceHealth](), dict[str, Json]()
        self._storing, self._elsewhere, self._polls = Storing(), Elsewhere(), 0
        # Sources whose changes are not sent one by one now; screens get a refresh instead.
        self._filling, self._refresh = set[str](), dict[str, int]()
        self._shown = shown_subjects(profile)
        # Daily closes come with snapshots only: a new day of a source, or the end of its fill,
        # is followed by a snapshot for everyone.
        self._renew_at: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Follow, poll and beat until ``stop``; a database that is away is waited for."""
        self._storing.begin(asyncio.get_running_loop().time())
        self._make_beat()
        tasks = [
            asyncio.create_task(self._beating()),
            asyncio.create_task(self._fanning()),
            asyncio.create_task(patiently(self._follow, self._failing)),
            asyncio.create_task(patiently(self._poll, self._failing)),
        ]
        ended = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({ended, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.closing = True
            self._rouse()
            for task in (ended, *tasks):
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def adopt(self, profile: Profile, snapshot: Callable[[Visible, int], Awaitable[bytes]]) -> None:
        """Show by another profile from here on; every client gets a snapshot, on its own socket."""
        self._profile, self.snapshot = profile, snapshot
        self._shown, self.topics = shown_subjects(profile), Topics(profile)
        for client in self._clients:
            client.topic = self.topics.again(client.topic)
        self._told.clear()
        self._renew()

    def stats(self) -> dict[str, float]:
        """Counters for ``/metrics``."""
        return {
            "live_clients": len(self._clients),
            "live_offset": self.offset,
            "live_conflated_total": self.conflated,
            "live_resets_total": self.resets,
            "live_failures_total": self.failures,
        }

    # ── what is followed ────────────────────────────────────────────────────────────────────────

    def _failing(self) -> None:
        self.failures += 1

    async def _follow(self) -> None:
        if not self.epoch:
            epoch, offset = await self._changes.position()
            # Begin a little in the past, so that clients resume across a restart of this process.
            self._begin(epoch, max(0, offset - self.ring.most))
        got = await self._changes.since(self.epoch, self.offset, CHANGES_AT_ONCE, filled=False)
        if got.reset or got.epoch != self.epoch:
            self._begin(got.epoch, got.offset)
        elif got.changes:
            await self._take(got.changes)
        else:
            await self._changes.wait(POLL_S)

    def _begin(self, epoch: str, offset: int) -> None:
        self.ring.clear(offset)
        self._elsewhere.begin()
        self.epoch, self.offset, self.generation = epoch, offset, self.generation + 1
        self._rouse()

    async def _take(self, changes: Sequence[Change]) -> None:
        ids = sorted({i for c in changes if not c.filling for i in c.alert_ids})
        # Asked for once and before anything is kept: if it fails the whole step is repeated.
        rows = await self._alerts.alerts_by_id(EVERYTHING, ids) if ids else []
        alerts = {a.id: a for a in rows}
        for number, change in enumerate(changes):
            self._note(change)
            if change.filling or self._refresh or self._renew_at is not None:
                self._elsewhere.unsent(change.offset, asyncio.get_running_loop().time())
            if not change.filling:
                found = [alerts[i] for i in change.alert_ids if i in alerts]
                self._announce(change.offset, change.readings[:READINGS_AT_MOST], found)
            self.offset = change.offset
            if number % 20 == 19:
                await asyncio.sleep(0)  # Beats come first, also while much is caught up.
        self._rung.set()

    def _note(self, change: Change) -> None:
        """What a change tells of its source."""
        health = self._healths.get(change.source)
        if health is not None and change.watermark_s > (health.watermark_s or 0):
            self._healths[change.source] = replace(health, watermark_s=change.watermark_s)
        if change.kind != "readings":
            return
        if change.filling:
            self._filling.add(change.source)
            return
        day = local_date(change.watermark_s)
        if self._days.get(change.source, day) != day or change.source in self._filling:
            self._renew_at = asyncio.get_running_loop().time() + RENEW_AFTER_S
        self._days[change.source] = day
        if change.source in self._filling or len(change.readings) >= READINGS_AT_MOST:
            self._filling.discard(change.source)
            self._refresh[change.source] = change.offset
            self._soon.set()

    def _announce(
        self,
        offset: int,
        readings: Sequence[Reading],
        alerts: Sequence[Alert],
        sources: dict[str, bytes] | None = None,
        *,
        repeats: bool = False,
    ) -> None:
        if not (readings or alerts or sources):
            return
        judged = self._judged()
        encoded: dict[Key, bytes] = {
            (r.indicator, r.subject, r.period): encode(reading_shape(r, judged)) for r in readings
        }
        told = [encode(alert_shape(a, self._profile)) for a in alerts]
        self.ring.add(offset, encoded, told, sources or {}, repeats=repeats)

    # ── sources ─────────────────────────────────────────────────────────────────────────────────

    async def _poll(self) -> None:
        """Health of the sources once a second, at once after what is not sent piece by piece."""
        found = {h.id: h for h in await self._sources.health()}
        heard(self._clock, max((h.watermark_s or 0 for h in found.values()), default=None))
        self._storing.heard(await self._sources.pulse(), asyncio.get_running_loop().time())
        self._healths = {k: later_of(self._healths.get(k), h) for k, h in found.items()}
        self._polls += 1
        loading = {k for k, h in self._healths.items() if not h.caught_up} | self._filling
        due = {*self._refresh, *(loading if self._polls % 2 == 0 else ())}
        readings, alerts = await self._refreshed(due) if due else ([], [])
        self._announce(self.offset, readings, alerts, self._moved_sources(), repeats=True)
        self._rung.set()
        await rung(self._soon, POLL_S)

    async def _refreshed(self, sources: set[str]) -> tuple[list[Reading], list[Alert]]:
        """What screens show of these sources, read from the store."""
        indicators = [i.id for i in self._profile.indicators.values() if i.source in sources]
        serial, again = self.ring.serial, bool(sources & self._refresh.keys())
        async with self._changes.still():
            reached = (await self._changes.position())[1]
            readings = await self._readings.latest(
                EVERYTHING, indicators=indicators, subjects=self._shown
            )
            alerts = await self._alerts.alerts(EVERYTHING, "active", 100) if again else []
        caught_up = await until(lambda: self.offset >= reached, POLL_S)
        newer = self.ring.after(serial) if caught_up else None
        if newer is None or any(frame.alerts for frame in newer):
            return [], []  # What was read may be older, or newer, than what was sent: next time.
        # What was muted after the instant it was read is read once more.
        for source in [s for s in sources if self._refresh.get(s, 0) <= reached]:
            self._refresh.pop(source, None)
        sent = {key for frame in newer for key in frame.readings}
        return [r for r in readings if (r.indicator, r.subject, r.period) not in sent], alerts

    def _moved_sources(self) -> dict[str, bytes]:
        """Sources to tell of: at once when judged otherwise, now and then when counters moved."""
        judged = self._judged()
        moved = {}
        for config in self._profile.sources.values():
            health = self._healths.get(config.id)
            shape = source_shape(config, health, self._clock, judged[config.id])
            told = self._told.get(config.id)
            calm = told is not None and all(shape[k] == told[k] for k in _MATTERS)
            if told != shape and not (calm and self._polls % CALM_EVERY):
                moved[config.id] = encode(shape)
                self._told[config.id] = shape
        return moved

    def _judged(self) -> dict[str, str]:
        now, rate = self._clock.now_s(), self._clock.rate()
        judged = qualities(self._profile, self._healths, now, rate)
        stored = self._storing.current(asyncio.get_running_loop().time())
        return judged if stored else not_current(judged)

    # ── beats ───────────────────────────────────────────────────────────────────────────────────

    async def _beating(self) -> None:
        """Every second of the loop's own time, whatever the database does."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._make_beat()
            self._elsewhere.reached(self.offset, loop.time())
            if self._renew_at is not None and loop.time() >= self._renew_at:
                self._renew()
            self._rung.set()
            due = max(due + BEAT_S, loop.time())
            await asyncio.sleep(due - loop.time())

    def _make_beat(self) -> None:
        judged = self._judged()
        known, clock = self._healths.get, self._clock
        sources = [beat_source(s, known(s), clock, judged[s]) for s in self._profile.sources]
        self.beat = beat_text(self.offset, clock_shape(self._clock), sources)
        self.beats += 1

    def _renew(self) -> None:
        self._renew_at, self.renewals = None, self.renewals + 1
        self.snapshots.clear()
        self._rouse()

    def _rouse(self) -> None:
        for client in self._clients:
            client.rouse()

    async def _fanning(self) -> None:
        """At once when there is something to say; what comes meanwhile goes out together."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            await self.fan.send()

    # ── clients ─────────────────────────────────────────────────────────────────────────────────

    def hello(self) -> str:
        now, place = asyncio.get_running_loop().time(), (self.epoch, self.offset)
        if self._hello[:2] != place or now - self._hello[2] > HELLO_S:
            self._hello = *place, now, hello_text(*place, self._build, clock_shape(self._clock))
        return self._hello[3]

    async def resumable(self, epoch: str, offset: int) -> bool:
        """Whether a place in the log is of this history; one ahead of the hub is looked up."""
        if epoch != self.epoch or self._elsewhere.doubtful(offset):
            return False
        if offset <= self.offset:
            return True
        try:
            known, last = await self._changes.position()
        except Exception:  # the database is away: a snapshot will wait for it
            return False
        return known == epoch and offset <= last

    def close_token(self, token: str, code: int) -> None:
        """End every connection that a token holds open, or is about to."""
        self._ends[token] += 1
        for client in self._clients:
            if client.token == token:
                client.end(code)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection: origin, place to resume from, then the client's own loop."""
        ends = self._ends[pass_of(scope).token]
        await receive()  # websocket.connect
        full = self.closing or len(self._clients) >= self._at_most
        given = await welcome(scope, send, self.topics, full=full)
        if given is None:
            return
        epoch, offset = place(scope)
        token, topic = given
        client = Client(self, send, topic, token, direct_of(scope))
        self._clients.add(client)
        self.fan.enter(client)
        if self._ends[token] != ends:  # while hands were being shaken
            client.end(RESCOPED)
        try:
            await client.run(receive, epoch, offset)
        finally:
            self.fan.forget(client)
            self._clients.discard(client)


_MATTERS = ("quality", "last_error", "quarantined")
