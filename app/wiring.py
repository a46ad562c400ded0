"""Wiring: the composition root; read `worker` and `web` and you know the product.

upstream ─http→ collector ─Page→ ingest ─page + cursor→ store ─page log→ evaluation ─Reading→ store
                                          store ─change log→ live ─WebSocket→ browser
                                          store ─change log→ alerts ─outbox→ notify → mail, webhook

Rooms never import rooms: here each is given what it needs of the others, through the ports of
``app.domain``. The same in one picture: docs/explanation/architecture.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import asyncpg
from starlette.types import ASGIApp

from app import VERSION
from app.access import Door
from app.alerts import follow as alerts
from app.alerts import quality
from app.api import ApiParts, BareLive, create_api
from app.api.opening import Changing, Opening
from app.domain.access import Visible
from app.domain.clock import Clock, read_clock
from app.domain.measure import Measures
from app.domain.milestones import milestones
from app.domain.profile import Profile
from app.domain.recount import apart
from app.evaluation import follow as evaluation
from app.evaluation.example import prove
from app.evaluation.history import backfill
from app.evaluation.rebuild import Report, compare
from app.evaluation.rewalk import rewalk
from app.flow import together
from app.ingest import runner as ingest
from app.ingest import schedule
from app.ingest.discover import find_reader, lend_collector, version_of
from app.ingest.reread import Reread, reread
from app.ingest.upstream import Upstream
from app.live import Hub
from app.live.direct import CONNECTIONS as CONNECTIONS
from app.notify import outbox
from app.notify.channel import Receiver, open_receivers
from app.profile import load_profile, profile_folder
from app.profile.check import check_profile
from app.profile.watch import Watch
from app.settings import Settings
from app.store.alerts import PgAlerts
from app.store.archive.manifest import Manifest
from app.store.archive.taking import Taking
from app.store.cases import PgCases, PgSources
from app.store.changes import PgChanges
from app.store.definitions import PgDefinitions
from app.store.kept import PgKept
from app.store.land import keep_land
from app.store.lease import Lease
from app.store.pages import PgPages
from app.store.past.carry import carry_over
from app.store.pool import open_pool
from app.store.provenance import PgProvenance
from app.store.pulse import keep_pulse
from app.store.quarantine import set_aside
from app.store.readings import PgReadings
from app.store.records import Dates, Judge
from app.store.recount import make_anew
from app.store.replay import replay as store_again
from app.store.replay import settle_pages
from app.store.sealing import SeriesKeeper
from app.store.series.engine import SeriesLimits, bounded
from app.store.tidy import keep_tidy
from app.store.tokens import PgTokens

STATIC = Path(__file__).parent / "static"


async def worker(settings: Settings, stop: asyncio.Event) -> None:
    """Collect, judge, alert and notify until ``stop``; waits while another worker does."""
    lease = Lease(settings.database_url)
    if not await lease.take(stop):
        return
    profile, clock = _profile(settings), read_clock(settings.clock_file)
    stores = await _stores(settings, profile, size=14, term=lease.term)
    await _make_ready(profile, stores)
    await stores.definitions.record(profile.indicators.values(), int(clock.now_s()))
    receivers = tuple(open_receivers(settings.receiver_tables()))
    watch = _watch(settings, profile)
    runners = _collecting(profile, clock, stores)
    followers = _judging(profile, clock, stores)
    alerting = _alerting(profile, clock, stores, receivers)
    series, seals = stores.readings.series_past.series, settings.series_seal_points
    keeper = SeriesKeeper(stores.pool, series, seals, lambda: alerting.profile.history_days)
    stores.pages.beside = keeper.refusal
    await together(
        stop,
        schedule.run(runners, stop),
        *(evaluation.run(f, stores.pages.bell(f.source), stop) for f in followers),
        alerts.run(alerting, stop),
        quality.run(alerting, stores.sources, clock, stop, lambda: watch.broken),
        watch.run(partial(_adopt, runners, followers, alerting, stores, clock), stop),
        outbox.run(outbox.Parts(stores.alerts, receivers), stop),
        stores.changes.listen(stop),
        keep_tidy(stores.readings, stop),
        keeper.run(stop),
        keep_pulse(stores.pool, lease.term, (stores.pages, keeper), stop),
        lease.lasts(),
    )
    await stores.pool.close()
    lease.close()


def web(settings: Settings, name: str = "") -> ASGIApp:
    """API, live hub and pages; the parts are opened when the server starts.

    ``name``: which of several web processes it is.
    """
    return Opening(partial(_serving, settings, name))


async def _serving(
    settings: Settings, name: str, stop: asyncio.Event
) -> tuple[ASGIApp, Awaitable[None]]:
    profile, clock = _profile(settings), read_clock(settings.clock_file)
    # Together they take no more connections than four of them.
    size = max(3, min(10, 40 // settings.web_processes))
    stores = await _stores(settings, profile, size=size)
    hub = Hub(
        profile, clock, stores.changes, _no_snapshot, stores.sources, stores.alerts,
        stores.readings, VERSION,
    )  # fmt: skip

    door = Door(PgTokens(stores.pool), profile.subjects, clock, settings.anonymous, hub.close_token)

    async def ready() -> bool:
        return await stores.pool.fetchval("SELECT true") is True

    parts = ApiParts(
        profile, clock, stores.readings, stores.changes, stores.sources, stores.cases,
        stores.alerts, hub, VERSION, STATIC if STATIC.is_dir() else None, ready, gauges=hub.stats,
        provenance=PgProvenance(stores.pool), gate=door, process=name,
    )  # fmt: skip
    api = Changing(create_api(parts))
    hub.snapshot = api.now.state.snapshot

    async def adopt(edited: Profile) -> None:
        """Sockets stay with the hub; requests that are under way end where they began."""
        api.now = await asyncio.to_thread(create_api, replace(parts, profile=edited))
        hub.adopt(edited, api.now.state.snapshot)

    return BareLive(api, parts), together(
        stop, hub.run(stop), door.run(stop), stores.changes.listen(stop),
        _watch(settings, profile).run(adopt, stop),
    )  # fmt: skip


def _watch(settings: Settings, profile: Profile) -> Watch:
    """The profile's folder; what it says is taken when every check of ``ioc check`` is passed."""
    # Collectors are not reloaded, so their samples need no second look.
    check = partial(check_profile, prove=prove, replay=lambda _, __: (0, []))
    return Watch(profile_folder(settings.profile), profile, check, partial(_profile, settings))


async def _adopt(
    runners: Iterable[ingest.SourceRunner],
    followers: Iterable[evaluation.Follower],
    alerting: alerts.Parts,
    stores: Stores,
    clock: Clock,
    profile: Profile,
) -> None:
    """An edited profile takes effect in a worker that runs on."""
    await stores.definitions.record(profile.indicators.values(), int(clock.now_s()))
    for runner in runners:
        runner.config = profile.sources[runner.config.id]
    for follower in [f for f in followers if not alerting.profile.judges_like(profile, f.source)]:
        judge = _judge(profile, follower.source)
        async with stores.pages.hold(follower.source), follower.still():
            if anew := await make_anew(stores.pool, follower.source, judge):
                await _settle(profile, stores, follower.source)
            stores.pages.judge_by(follower.source, judge)
            await follower.adopt(profile, remade=anew.all, recounted=anew.some)
    alerting.profile = profile


def _collecting(profile: Profile, clock: Clock, stores: Stores) -> list[ingest.SourceRunner]:
    """One runner a source: its collector, its upstream, and where its pages go."""
    cap = asyncio.Semaphore(ingest.GLOBAL_CAP)
    return [
        ingest.SourceRunner(
            config,
            lend_collector(config.collector),
            Upstream(config, dict(config.settings)),
            stores.pages,
            clock,
            cap,
        )
        for config in profile.sources.values()
    ]


def _judging(profile: Profile, clock: Clock, stores: Stores) -> list[evaluation.Follower]:
    """One follower a source: it reads the page log and writes readings."""
    return [
        evaluation.Follower(source, profile, stores.pages, stores.readings, clock.now_s)
        for source in profile.sources
    ]


def _alerting(
    profile: Profile, clock: Clock, stores: Stores, receivers: tuple[Receiver, ...]
) -> alerts.Parts:
    """Alerts read the change log and write episodes with a message for each receiver."""
    names = tuple(r.id for r in receivers)
    return alerts.Parts(
        profile, stores.changes, stores.readings, stores.alerts, names, clock.simulated
    )


async def _make_ready(profile: Profile, stores: Stores) -> None:
    """What is kept follows the profile: a definition may have changed since the last start."""
    await keep_land(stores.pool, profile)
    for source in profile.sources:
        await carry_over(stores.pool, stores.readings.series_past, source)
        await make_anew(stores.pool, source, _judge(profile, source))
        await _settle(profile, stores, source)


async def _settle(profile: Profile, stores: Stores, source: str) -> None:
    known = [i.id for i in profile.indicators.values() if i.source == source]
    await stores.readings.forget_others(source, known)
    await backfill(source, profile, stores.pages, stores.readings)
    await rewalk(source, profile, stores.pages, stores.readings)


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
    definitions: PgDefinitions


async def _stores(
    settings: Settings, profile: Profile, size: int, term: int | None = None
) -> Stores:
    """``term``: of the worker, the only one that writes."""
    pool = await open_pool(settings.database_url, size, term)
    judges = {} if term is None else {s: _judge(profile, s) for s in profile.sources}
    return Stores(
        pool,
        PgPages(pool, judges),
        PgReadings(pool, profile.members.stands_at, _limits(settings, term)),
        PgChanges(pool),
        PgSources(pool, profile.began_s),
        PgCases(pool),
        PgAlerts(pool),
        PgDefinitions(pool),
    )


def _limits(settings: Settings, term: int | None) -> SeriesLimits:
    # The worker asks for each bucket once; who looks at a wall asks for the same again and again.
    shelf_mb = settings.series_shelf_mb if term is None else 0
    return bounded(settings.series_head_mb, settings.series_seal_points, shelf_mb)


def _judge(profile: Profile, source: str) -> Judge:
    """How the store is told what a record of this source contributes, and its dates."""
    rules = profile.rules()
    measures = Measures([i for i in profile.indicators.values() if i.source == source], rules)
    return Judge(
        measures.fingerprint(),
        version_of(profile.sources[source].collector),
        measures.steps,
        lambda record: Dates(*milestones(record, rules)),
        apart(measures),
    )


def _profile(settings: Settings) -> Profile:
    urls = {}
    if settings.sim_port and settings.clock_file is not None:
        folder = profile_folder(settings.profile) / "sources"
        for path in folder.glob("*.toml"):
            urls[path.stem] = f"http://127.0.0.1:{settings.sim_port}/{path.stem}"
    return load_profile(profile_folder(settings.profile), urls)


async def _no_snapshot(_: Visible, __: int) -> bytes:
    raise RuntimeError("the API gives the hub its snapshot before it runs")


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


async def take_archive(
    settings: Settings, folder: Path, manifest: Manifest, told: Callable[[str, int], None]
) -> dict[str, tuple[int, str]]:
    """Take what `ioc export` wrote: for each table how much was new, and of what."""
    profile = _profile(settings)
    judges = {source: partial(_judge, profile, source) for source in profile.sources}
    known_ms = int(read_clock(settings.clock_file).now_s() * 1000)
    pool = await open_pool(settings.database_url, 2)
    try:
        return await Taking(pool, judges, known_ms, told).archive(folder, manifest)
    finally:
        await pool.close()


async def evaluate(settings: Settings) -> dict[str, Report]:
    """Judge every source again from its first page and compare with what is kept; by source."""
    profile = _profile(settings)
    stores = await _stores(settings, profile, size=2)
    kept = PgKept(stores.pool, stores.readings)
    try:
        return {s: await compare(s, profile, stores.pages, kept) for s in profile.sources}
    finally:
        await stores.pool.close()
