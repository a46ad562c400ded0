"""Joins the simulated systems, their faults, the truth and the sinks into one HTTP program."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette

from collectors._world.clock import MARK_AHEAD_S, PacedClock, write_mark
from collectors._world.control import SINK, Control
from collectors._world.faults import FaultBook
from collectors._world.log import FeedLog
from collectors._world.sink import Sink
from collectors._world.truth import Oracle
from collectors._world.warmup import Gate, Warmup
from collectors._world.wire_faults import WireFaults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.routing import BaseRoute

    from collectors._world.clock import Clock
    from collectors._world.faults import FeedFaults
    from collectors._world.feed import Feed, PageOf
    from collectors._world.world import World

FOLDER = Path(__file__).parent.parent
_MARK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Station:
    """One simulated system in service; its routes see it as `Served`."""

    feed: Feed
    log: FeedLog
    oracle: Oracle
    faults: FeedFaults
    clock: Clock

    def page(self, after: int, limit: int, upto_s: int | None = None) -> PageOf:
        """Give messages behind a position; the running second is never served."""
        bound = self.now_s() - 1
        return self.log.page(after, limit, bound if upto_s is None else min(bound, upto_s))

    def now_s(self) -> int:
        """Give the data time."""
        return int(self.clock.now())


@dataclass(frozen=True, slots=True)
class Place:
    """Where the program listens for mails and keeps what must outlive it."""

    host: str = "127.0.0.1"
    smtp_port: int | None = None
    data_dir: Path | None = None


def find_feeds(world: World, only: Sequence[str] = ()) -> list[Feed]:
    """Make the feed of every collectors/<folder>/simulator.py."""
    folders = sorted(path.parent.name for path in FOLDER.glob("[!_]*/simulator.py"))
    for name in only:
        if name not in folders:
            msg = f"--only {name}: no such simulator; there are {', '.join(folders)}"
            raise ValueError(msg)
    feeds: list[Feed] = []
    for name in only or folders:
        feed: Feed = importlib.import_module(f"collectors.{name}.simulator").feed(world)
        if feed.name != name:
            msg = f"collectors/{name}/simulator.py: its feed is named {feed.name}, expected {name}"
            raise ValueError(msg)
        feeds.append(feed)
    return feeds


def build(world: World, clock: Clock, feeds: Sequence[Feed], place: Place) -> Starlette:
    """Make the whole program as one application."""
    if place.data_dir is not None:
        _check_same_world(world, place.data_dir)
    path = None if place.data_dir is None else place.data_dir / "faults.json"
    book = FaultBook(lambda: int(clock.now()), path)
    stations = {feed.name: _station(feed, world, clock, book) for feed in feeds}
    sink = Sink(clock, book.of(SINK))
    routes: list[BaseRoute] = [*Control(world, clock, book, stations).routes(), *sink.routes()]
    for station in stations.values():
        routes += station.feed.routes(station)

    warmup = Warmup({name: station.log for name, station in stations.items()}, place.data_dir)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            if place.smtp_port is not None:
                await stack.enter_async_context(_mails(sink, place.host, place.smtp_port))
            await stack.enter_async_context(warmup.running(int(clock.now()) - 1))
            if place.data_dir is not None:
                await stack.enter_async_context(_marks(clock, warmup, place.data_dir))
            yield

    app = Starlette(routes=routes, lifespan=lifespan)
    app.add_middleware(Gate, warmup=warmup)
    at_prefix = {name: station.faults for name, station in stations.items()}
    app.add_middleware(WireFaults, faults_at=lambda path: _faults_at(path, at_prefix, book))
    return app


def _station(feed: Feed, world: World, clock: Clock, book: FaultBook) -> Station:
    faults = book.of(feed.name)
    log = FeedLog(feed, world, faults.intervals)
    return Station(feed, log, Oracle(log, feed.truth), faults, clock)


def _faults_at(path: str, feeds: dict[str, FeedFaults], book: FaultBook) -> FeedFaults | None:
    if path == "/sink/webhook":
        return book.of(SINK)
    return feeds.get(path.split("/", 2)[1])


def _check_same_world(world: World, data_dir: Path) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "world.json"
    wanted = {"seed": world.seed, "scale": world.scale}
    if not path.exists():
        path.write_text(json.dumps(wanted))
    told = json.loads(path.read_text())
    if told != wanted:
        msg = (
            f"{path}: this data directory belongs to the world of seed {told['seed']}, scale "
            f"{told['scale']}; start with these, or name another --data-dir"
        )
        raise ValueError(msg)


@contextlib.asynccontextmanager
async def _mails(sink: Sink, host: str, port: int) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(sink, hostname="ioc-sink", enable_SMTPUTF8=True, loop=loop), host, port
    )
    try:
        yield
    finally:
        server.close()


@contextlib.asynccontextmanager
async def _marks(clock: Clock, warmup: Warmup, data_dir: Path) -> AsyncIterator[None]:
    # A clock told by a file is kept by the program that writes the file.
    own = isinstance(clock, PacedClock)

    async def keep_marking() -> None:
        while True:
            if own:
                write_mark(clock, data_dir, MARK_AHEAD_S)
            warmup.write()
            await asyncio.sleep(_MARK_EVERY_S)

    task = asyncio.create_task(keep_marking())
    try:
        yield
    finally:
        task.cancel()
        if own:
            write_mark(clock, data_dir, 0.0)
