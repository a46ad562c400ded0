"""Desk stage: the real API, live channel and built pages over a province kept in memory."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import uvicorn

from app.api import ApiParts, create_api
from app.domain.indicator import Indicator, Subject
from app.domain.judgement import reason
from app.domain.period import DAY_S
from app.domain.ports import CaseRow, QuarantineRow
from app.domain.reading import Reading
from app.domain.source import SourceHealth
from app.domain.why import FeedPage
from app.evaluation.judge import state, target_of
from app.live import Hub
from tests.browser.feed import PROFILE, ROOT
from tests.unit.in_memory import NOW_S, Database, StillClock, alert_of

STATIC = ROOT / "app/static"
MIDNIGHT_S = NOW_S - 9 * 3600 - 15 * 60  # of 2022-10-03
MONTH_S = MIDNIGHT_S - 2 * DAY_S
YEAR_S = MIDNIGHT_S - 275 * DAY_S
STARTS = {"now": NOW_S, "hour": NOW_S - 900, "day": MIDNIGHT_S, "month": MONTH_S, "year": YEAR_S}
# What a test looks for by name.
DISTRICT, COMMUNE, AGENCY = "area:085", "area:02839", "H38.35"
OVERDUE = 57
GAP_DAYS = (12, 13)


class Pages:
    """The provenance of every figure: one page."""

    async def pages(self, source, number, counts, most):
        page = FeedPage(7, "ab" * 32, NOW_S, 12, "2026-11-22T20:00:00Z", f"{source} 1")
        return [page], 60

    async def since(self, reading):
        return None

    async def versions(self, indicator):
        return []


@dataclass
class Stage:
    """A running province: where it is, and a way to let something happen in it."""

    url: str
    db: Database
    clock: StillClock
    loop: asyncio.AbstractEventLoop

    def commit(self, *readings: Reading) -> None:
        """One evaluation, as the worker would commit it; on its way to the screens at once."""
        done = threading.Event()

        def now() -> None:
            self.db.commit(*readings)
            done.set()

        self.loop.call_soon_threadsafe(now)
        assert done.wait(5)


def reading(indicator: Indicator, subject: Subject, period: str, at_s: int = NOW_S) -> Reading:
    """The same figure every time for the same name and instant."""
    dice = random.Random(f"{indicator.id}|{subject.id}|{period}|{at_s // DAY_S}")
    den = 1 + int(dice.random() * (4000 if subject.level == "province" else 40))
    if subject.level == "commune" and dice.random() < 0.06 and subject.id != COMMUNE:
        den = 0
    num = sum(dice.random() < 0.93 for _ in range(den))
    value: float | None = num / den if den else None
    if indicator.unit != "percent":
        value = {"vnd": 4.2e9, "minutes": 44.5}.get(indicator.unit, 1) * max(1, num)
    quantile = indicator.measure.kind == "quantile"
    target = target_of(indicator, subject)
    start = {**STARTS, "month": MONTH_S if at_s >= MONTH_S else MONTH_S - 30 * DAY_S}[period]
    return Reading(
        indicator.id, subject.id, period, start, at_s, at_s, indicator.source, value,
        None if quantile else num,
        den if quantile or indicator.unit == "percent" else None,
        target.value if target else None,
        state(value, target, indicator.better, at_s),
        reason(value, target.value if target else None, indicator),
    )  # fmt: skip


def province() -> Database:
    """Every indicator of every subject, sixty days of closes with a gap, cases, a sick feed."""
    db = Database()
    figures = [
        (indicator, subject, period)
        for indicator in PROFILE.indicators.values()
        for subject in PROFILE.subjects.values()
        if subject.level in indicator.levels
        for period in indicator.periods
    ]
    for source in PROFILE.sources:
        db.healths[source] = SourceHealth(
            source, NOW_S, True, 641146, 830, 0, None, NOW_S, YEAR_S
        )  # fmt: skip
    db.healths["documents"] = replace(
        db.healths["documents"], watermark_s=NOW_S - 3600, quarantined=2,
        last_error="broken: /messages: element Status is missing; expected 01 to 16",
    )  # fmt: skip
    db.set_aside = [
        QuarantineRow(n, "documents", NOW_S - 60 * n, "code 99 is unknown; expected 01 to 16",
                      "<edXML><Status>99</Status></edXML>" * 9, n)
        for n in (1, 2)
    ]  # fmt: skip
    db.commit(*(reading(*f) for f in figures))
    db.past = [
        reading(i, s, p, MIDNIGHT_S - day * DAY_S - 1)
        for i, s, p in figures
        if s.level in ("province", "district") or s.id == COMMUNE
        for day in range(60)
        if day not in GAP_DAYS
    ]
    db.rows = [replace(alert_of(1), severity="critical"), alert_of(2)]
    owners = [a for a in PROFILE.agencies if a.startswith(AGENCY)]
    db.open_cases = [
        CaseRow(f"{owners[n % len(owners)]}-2209{n:02}-0001", "dossier", owners[n % len(owners)],
                "LV04", NOW_S - (n + 9) * DAY_S, NOW_S - n * DAY_S - 60, NOW_S - n * DAY_S - 60)
        for n in range(OVERDUE)
    ]  # fmt: skip
    return db


@contextmanager
def staged() -> Iterator[Stage]:
    """The province on a free loopback port."""
    if not (STATIC / "index.html").exists():
        raise FileNotFoundError(f"{STATIC} has no page: run `make ui`")
    db, clock = province(), StillClock(NOW_S)
    ready, ended = threading.Event(), threading.Event()
    told: dict[str, object] = {}

    async def run(door: socket.socket) -> None:
        stop = asyncio.Event()
        hub = Hub(PROFILE, clock, db, _no_snapshot, db, db, db, "0.1.0")
        parts = ApiParts(
            PROFILE, clock, db, db, db, db, db, hub, "0.1.0", STATIC, _ready, provenance=Pages()
        )
        api = create_api(parts)
        hub.snapshot = api.state.snapshot
        config = uvicorn.Config(
            api, log_level="error", lifespan="off", ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = uvicorn.Server(config)
        told.update(loop=asyncio.get_running_loop(), server=server)
        following = asyncio.create_task(hub.run(stop))
        serving = asyncio.create_task(server.serve([door]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.02)
        ready.set()
        await serving
        stop.set()
        await following

    def thread(door: socket.socket) -> None:
        try:
            asyncio.run(run(door))
        finally:
            ready.set()
            ended.set()

    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        running = threading.Thread(target=thread, args=(door,), daemon=True)
        running.start()
        assert ready.wait(20), "the stage did not start within 20 s"
        loop, server = told["loop"], told["server"]
        assert isinstance(loop, asyncio.AbstractEventLoop)
        assert isinstance(server, uvicorn.Server)
        try:
            yield Stage(f"http://127.0.0.1:{door.getsockname()[1]}", db, clock, loop)
        finally:
            server.should_exit = True
            running.join(10)


async def _no_snapshot() -> bytes:
    raise RuntimeError("the hub was given no snapshot")


async def _ready() -> bool:
    return True
