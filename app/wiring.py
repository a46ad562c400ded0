"""Wiring: the composition root; read this page and you know the product.

upstream ─http→ collector.collect ─Page→ ingest ─commit(page + cursor)→ store ─page log→ evaluation
─Reading→ store ─change log→ live hub ─ws→ browser, and → alerts ─outbox→ notify → channel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from app.alerts import follow as alerts
from app.api import ApiParts, create_api
from app.domain.clock import Clock, read_clock
from app.domain.measure import Measures
from app.domain.on_time import Rules, phases, received_s
from app.domain.profile import Profile
from app.domain.record import Record
from app.evaluation import follow as evaluation
from app.evaluation.history import backfill
from app.ingest import runner as ingest
from app.ingest.discover import find_reader, lend_collector
from app.ingest.reread import Reread, reread
from app.ingest.upstream import Upstream
from app.live import Hub
from app.notify import outbox
from app.notify.channel import Receiver, open_receivers
from app.profile import load_profile, profile_folder
from app.settings import Settings
from app.store.alerts import PgAlerts
from app.store.cases import PgCases, PgSources
from app.store.changes import PgChanges
from app.store.pages import Dates, Judge, PgPages
from app.store.pool import open_pool
from app.store.quarantine import set_aside
from app.store.readings import PgReadings
from app.store.rebase import rebase
from app.store.replay import replay as store_again
from app.store.replay import settle_pages

STATIC = Path(__file__).parent / "static"
BUILD = "0.1.0"
log = structlog.get_logger("wiring")


@dataclass(frozen=True, slots=True)
class Stores:
    """What Postgres keeps, over one pool of connections."""

    pool: asyncpg.Pool
    pages: PgPages
    readings: PgReadings
    changes: PgChanges
    sources: PgSources
    cases: PgCases
    alerts: PgAlerts


async def worker(settings: Settings, stop: asyncio.Event) -> None:
    """Collect, judge, alert and notify until ``stop``."""
    profile, clock = _profile(settings), read_clock(settings.clock_file)
    stores = await _stores(settings, profile, size=14)
    await _make_ready(profile, stores)
    receivers = _receivers(settings)
    told = alerts.Parts(
        profile,
        stores.changes,
        stores.readings,
        stores.alerts,
        tuple(r.id for r in receivers),
        clock.simulated,
    )
    await _together(
        stop,
        ingest.run(_runners(profile, clock, stores.pages), stop),
        *(
            evaluation.run(f, stores.pages.bell(f.source), stop)
            for f in _followers(profile, stores, clock)
        ),
        alerts.run(told, stop),
        outbox.run(outbox.Parts(stores.alerts, receivers), stop),
        stores.changes.listen(stop),
        _housekeeping(stores, stop),
    )
    await stores.pool.close()


async def _make_ready(profile: Profile, stores: Stores) -> None:
    """What is kept follows the profile: a definition may have changed since the last start."""
    for source in profile.sources:
        remade = await rebase(stores.pool, source, _judge(profile, source))
        if remade:
            log.info("steps made anew: a definition, a rule or the calendar changed", source=source)
        known = [i.id for i in profile.indicators.values() if i.source == source]
        await stores.readings.forget_others(source, known)
        await backfill(source, profile, stores.pages, stores.readings)


async def replay(settings: Settings, source: str) -> Reread:
    """Read a source's quarantine again with the collector of today; store what can be read."""
    profile = _profile(settings)
    if source not in profile.sources:
        raise LookupError(f"no source {source!r}; expected one of {', '.join(profile.sources)}")
    config = profile.sources[source]
    reader = find_reader(config.collector)
    if reader is None:
        raise LookupError(
            f"the collector {config.collector!r} cannot read single records: give it a function"
            " read_record(raw: bytes)"
        )
    pool = await open_pool(settings.database_url, 2)
    try:
        await settle_pages(pool, source)
        kept = {p.id: p for p in await set_aside(pool, source) if not p.whole_page}
        found = reread(kept.values(), reader, config.settings)
        if found.ids:
            judge = _judge(profile, source)
            await store_again(pool, source, judge, [kept[i] for i in found.ids], found.updates)
        return found
    finally:
        await pool.close()


def web(settings: Settings) -> ASGIApp:
    """API, live hub and pages; the parts are opened when the server starts."""
    return _Opening(settings)


async def _web_parts(settings: Settings, stop: asyncio.Event) -> tuple[ASGIApp, Awaitable[None]]:
    profile, clock = _profile(settings), read_clock(settings.clock_file)
    stores = await _stores(settings, profile, size=10)
    hub = Hub(
        profile, clock, stores.changes, _no_snapshot, stores.sources, stores.alerts,
        stores.readings, BUILD,
    )  # fmt: skip

    async def ready() -> bool:
        return await stores.pool.fetchval("SELECT true") is True

    parts = ApiParts(
        profile, clock, stores.readings, stores.changes, stores.sources, stores.cases,
        stores.alerts, hub, BUILD, STATIC if STATIC.is_dir() else None, ready, gauges=hub.stats,
    )  # fmt: skip
    api = create_api(parts)
    hub.snapshot = api.state.snapshot
    return api, _together(stop, hub.run(stop), stores.changes.listen(stop))


async def _no_snapshot() -> bytes:
    raise RuntimeError("the API gives the hub its snapshot before it runs")


def _profile(settings: Settings) -> Profile:
    urls = {}
    if settings.sim_port and settings.clock_file is not None:
        folder = profile_folder(settings.profile) / "sources"
        for path in folder.glob("*.toml"):
            urls[path.stem] = f"http://127.0.0.1:{settings.sim_port}/{path.stem}"
    return load_profile(profile_folder(settings.profile), urls)


async def _stores(settings: Settings, profile: Profile, size: int) -> Stores:
    pool = await open_pool(settings.database_url, size)
    judges = {source: _judge(profile, source) for source in profile.sources}
    return Stores(
        pool,
        PgPages(pool, judges),
        PgReadings(pool),
        PgChanges(pool),
        PgSources(pool, profile.began_s),
        PgCases(pool),
        PgAlerts(pool),
    )


def _judge(profile: Profile, source: str) -> Judge:
    """What a record of this source contributes, and the dates its row shows."""
    rules = Rules(
        profile.holidays,
        profile.switches.get("second_supplement") == "always_late",
        profile.switches.get("fee_wait_stops_clock") == "true",
        profile.worked_saturdays,
    )
    indicators = [i for i in profile.indicators.values() if i.source == source]
    measures = Measures(indicators, rules)

    def dates(record: Record) -> Dates:
        version = record.version
        due = version.due_s if version is not None else None
        if record.kind != "dossier":
            return Dates(version.received_s if version is not None else None, due, None, None)
        life = phases(record, rules)
        received = received_s(record, record.all_events())
        if not life:
            return Dates(received, due, None, None)
        late_since = None
        for phase in life:
            if not phase.late:
                late_since = None
            elif late_since is None:
                late_since = phase.from_s
        ended = life[-1].end_s
        return Dates(received, due, ended, late_since if ended is None else None)

    return Judge(measures.fingerprint(), measures.steps, dates)


def _runners(profile: Profile, clock: Clock, pages: PgPages) -> list[ingest.SourceRunner]:
    cap = asyncio.Semaphore(ingest.GLOBAL_CAP)
    return [
        ingest.SourceRunner(
            config,
            lend_collector(config.collector),
            Upstream(config, dict(config.settings)),
            pages,
            clock,
            cap,
        )
        for config in profile.sources.values()
    ]


def _followers(profile: Profile, stores: Stores, clock: Clock) -> list[evaluation.Follower]:
    return [
        evaluation.Follower(source, profile, stores.pages, stores.readings, clock.now_s)
        for source in profile.sources
    ]


def _receivers(settings: Settings) -> tuple[Receiver, ...]:
    tables: dict[str, dict[str, object]] = dict(settings.receivers)
    if settings.webhook_url:
        tables["webhook"] = {
            "channel": "webhook",
            "url": settings.webhook_url,
            "secret": settings.webhook_secret,
        }
    if settings.smtp_host and settings.mail_to:
        tables["mail"] = {
            "channel": "smtp",
            "host": settings.smtp_host,
            "port": settings.smtp_port,
            "sender": settings.mail_from,
            "to": tuple(settings.mail_to),
            "username": settings.smtp_username,
            "password": settings.smtp_password,
            "tls": settings.smtp_tls,
        }
    return tuple(open_receivers(tables))


async def _housekeeping(stores: Stores, stop: asyncio.Event) -> None:
    """Keep the change log short and old readings few."""
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), 60)
        except TimeoutError:
            try:
                await stores.readings.trim_changes()
                await stores.readings.thin_frames()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                continue


async def _together(stop: asyncio.Event, *parts: Awaitable[None]) -> None:
    """Run parts side by side; the first that fails, or ``stop``, ends them all."""
    tasks: list[asyncio.Future[object]] = [asyncio.ensure_future(p) for p in parts]
    stopping: asyncio.Future[object] = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    while stopping not in done and all(t.exception() is None for t in done):
        left = [t for t in tasks if not t.done()]
        if not left:
            break
        done, _ = await asyncio.wait([*left, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done - {stopping}:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


class _Opening:
    """An ASGI app that opens its parts at lifespan start-up, inside the server's own loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        stop = asyncio.Event()
        self._app, work = await _web_parts(self._settings, stop)
        running = asyncio.ensure_future(work)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        stop.set()
        await asyncio.gather(running, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})
