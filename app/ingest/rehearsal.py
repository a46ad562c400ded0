"""Rehearsal: runs a collector against its simulator, honestly and under every trial."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2

from app.domain.clock import real_s
from app.domain.feed import FeedBroken, FeedDown, Page
from app.domain.source import SourceConfig
from app.ingest.lane import Lane, Stuck
from app.ingest.runner import Collect
from app.ingest.trials import BROKEN, DOWN, LATER, NAMED, PAGE, SPOILT, OnTheWay, Trial
from app.ingest.upstream import Upstream

MORNING, TWO_DAYS_ON = "2022-01-20T20:00:00+07:00", "2022-01-22T20:00:00+07:00"
SCALE, PAGE_SIZE, CALL_S, TIMEOUT_S = "0.05", "300", 20.0, 4.0
PAGES_AT_MOST = 2000
# The simulator looks at its clock twice a second.
CLOCK_SEEN_S = 0.8


class CannotRehearse(Exception):
    """Why the simulator could not be started."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call ended: a page, FeedDown, FeedBroken, or what it should not be.

    ``cpu_s`` is what it cost; a busy machine makes the wall clock say nothing.
    """

    way: str
    page: Page | None = None
    error: BaseException | None = None
    cpu_s: float = 0.0
    blocked_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial: how it was taken, and whether the next call gave the honest page again."""

    trial: Trial
    outcome: Outcome
    after: Outcome
    recovered: bool
    logs_in: bool  # whether the first call of a new feed asked for more than the page


@dataclass(slots=True)
class Heard:
    """Everything a rehearsal brought to light."""

    pages: list[tuple[str, Page]] = field(default_factory=list)
    stopped: Outcome | None = None  # the call that ended honest reading too early
    again: list[bool] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)
    emitted: int = 0
    blocked: list[float] = field(default_factory=list)  # by page: its longest hold of the loop
    seconds: float = 0.0


@dataclass(slots=True)
class Stage:
    """A collector, its simulator, and the simulator's clock."""

    config: SourceConfig
    collect: Collect
    control: str
    clock_file: Path
    lane: Lane

    @contextlib.asynccontextmanager
    async def feed(self) -> AsyncIterator[OnTheWay]:
        """A feed as a collector gets it after a start: nothing is remembered."""
        settings = {**self.config.settings, "page_size": PAGE_SIZE}
        upstream, lane = Upstream(self.config, settings), self.lane
        try:
            yield OnTheWay(upstream, settings)
        finally:
            with contextlib.suppress(Stuck, TimeoutError, RuntimeError):
                await lane.run(upstream.close, CALL_S)

    async def call(self, feed: OnTheWay, since: str) -> Outcome:
        """One poll, whatever the collector does."""
        feed.asked, began = 0, time.process_time()
        try:
            page, blocked_s = await self.lane.run(lambda: self._watched(feed, since), CALL_S)
        except FeedDown as error:
            return Outcome(DOWN, None, error, time.process_time() - began)
        except FeedBroken as error:
            return Outcome(BROKEN, None, error, time.process_time() - began)
        except (TimeoutError, Stuck) as error:
            told = error if isinstance(error, Stuck) else TimeoutError(f"no end in {CALL_S:g} s")
            self.lane.close()
            self.lane = Lane(f"{self.config.id} anew")
            return Outcome("no end", None, told, time.process_time() - began)
        except Exception as error:
            return Outcome(type(error).__name__, None, error, time.process_time() - began)
        if not isinstance(page, Page):
            return Outcome(type(page).__name__, None, TypeError("expected app.plugin.Page"))
        return Outcome(PAGE, page, None, time.process_time() - began, blocked_s)

    async def _watched(self, feed: OnTheWay, since: str) -> tuple[Page, float]:
        """The page, and how long the collector kept its event loop to itself."""
        longest = 0.0

        async def tick() -> None:
            nonlocal longest
            while True:
                before = time.monotonic()
                await asyncio.sleep(0.005)
                longest = max(longest, time.monotonic() - before - 0.005)

        ticking = asyncio.ensure_future(tick())
        try:
            # It ticks before and after, so that a block at either end of the call is seen.
            await asyncio.sleep(0.01)
            page = await self.collect(feed, since)
            await asyncio.sleep(0.01)
        finally:
            ticking.cancel()
        return page, longest

    def set_clock(self, data: str) -> None:
        """Data time all but stands still from here."""
        told = {
            "version": 1, "real_anchor": real_s(), "data_anchor": data,
            "office_rate": 0.001, "other_rate": 0.001,
        }  # fmt: skip
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(json.dumps(told))
        fresh.replace(self.clock_file)

    async def switch(self, fault: str, params: dict[str, str] | None) -> None:
        """Switch a named fault on, or with None off."""
        url = f"{self.control}/control/faults/{self.config.id}/{fault}"
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
            method = "DELETE" if params is None else "PUT"
            answer = await client.request(method, url, json=params or {})
        if answer.status_code != 200:
            raise CannotRehearse(f"the simulator does not know the fault {fault}: {answer.text}")

    async def emitted(self) -> int:
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
            told = (await client.get(f"{self.control}/control/ledger")).json()
        return int(told["feeds"][self.config.id]["messages"])


async def rehearse(stage: Stage) -> Heard:
    """History, the same again, every trial, and two more days with the late, double, reordered."""
    heard = Heard()
    began = time.monotonic()
    await _read_on(stage, heard, "")
    heard.seconds = time.monotonic() - began
    if heard.stopped is None and heard.pages:
        await _again(stage, heard)
    at = _middle(heard)
    for trial in (*NAMED, *SPOILT):
        heard.tried.append(await _try(stage, trial, at))
    for fault in LATER:
        await stage.switch(fault, {"share": "0.3"})
    stage.set_clock(TWO_DAYS_ON)
    await asyncio.sleep(CLOCK_SEEN_S)
    if heard.stopped is None and heard.pages:
        await _read_on(stage, heard, heard.pages[-1][1].cursor)
    heard.emitted = await stage.emitted()
    return heard


async def _read_on(stage: Stage, heard: Heard, since: str) -> None:
    async with stage.feed() as feed:
        await _pages(stage, feed, heard, since)


async def _pages(stage: Stage, feed: OnTheWay, heard: Heard, since: str) -> None:
    for _ in range(PAGES_AT_MOST):
        outcome = await stage.call(feed, since)
        if outcome.page is None:
            heard.stopped = outcome
            return
        heard.pages.append((since, outcome.page))
        heard.blocked.append(outcome.blocked_s)
        if not outcome.page.more:
            return
        if outcome.page.cursor == since:
            break
        since = outcome.page.cursor
    heard.stopped = Outcome("no end", None, TimeoutError(f"the cursor {since!r} leads nowhere"))


def _middle(heard: Heard) -> tuple[str, Page | None]:
    """A page with records that will not change any more."""
    whole = [(since, page) for since, page in heard.pages if page.more and page.updates]
    if whole:
        return whole[len(whole) // 2]
    return heard.pages[0] if heard.pages else ("", None)


async def _again(stage: Stage, heard: Heard) -> None:
    """Some pages once more, in no order, by a collector that remembers nothing."""
    whole = [(since, page) for since, page in heard.pages if page.more] or heard.pages[:1]
    rng = random.Random(7)  # noqa: S311  which pages is of no secrecy
    for since, page in rng.sample(whole, min(5, len(whole))):
        async with stage.feed() as feed:
            outcome = await stage.call(feed, since)
        heard.again.append(outcome.page is not None and _same(outcome.page, page))


async def _try(stage: Stage, trial: Trial, at: tuple[str, Page | None]) -> Tried:
    since, honest = at
    async with stage.feed() as feed:
        # A session first, so that what is spoilt is the page, not the log-in.
        await stage.call(feed, since)
        logs_in = feed.asked > 1
        if trial.fault:
            await stage.switch(trial.fault, dict(trial.params))
        feed.spoil = trial.spoil
        outcome = await stage.call(feed, since)
        feed.spoil = None
        if trial.fault:
            await stage.switch(trial.fault, None)
        after = await stage.call(feed, since)
    recovered = honest is not None and after.page is not None and _same(after.page, honest)
    return Tried(trial, outcome, after, recovered, logs_in)


def _same(one: Page, other: Page) -> bool:
    """Byte for byte the upstream may differ (a message id); what was read may not."""
    return (one.updates, one.cursor, one.count) == (other.updates, other.cursor, other.count)


@contextlib.asynccontextmanager
async def staged(config: SourceConfig, collect: Collect, root: Path) -> AsyncIterator[Stage]:
    """The simulator of a source as a program of its own, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="ioc-rehearsal-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        clock_file, control = Path(folder) / "clock.json", f"http://127.0.0.1:{port}"
        near = replace(config, base_url=f"{control}/{config.id}", timeout_s=TIMEOUT_S)
        stage = Stage(near, collect, control, clock_file, Lane(config.id))
        stage.set_clock(MORNING)
        command = [
            sys.executable, "-m", "collectors", "--port", str(port), "--scale", SCALE,
            "--seed", "7", "--clock-file", str(clock_file), "--only", config.id,
        ]  # fmt: skip
        path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        with (Path(folder) / "log").open("wb") as log:
            running = subprocess.Popen(
                command, cwd=root, env=os.environ | {"PYTHONPATH": path}, stdout=log, stderr=log
            )
        try:
            await _answering(running, control, Path(folder) / "log")
            yield stage
        finally:
            stage.lane.close()
            running.terminate()
            running.wait(10)


async def _answering(running: subprocess.Popen[bytes], control: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline and running.poll() is None:
            with contextlib.suppress(httpx2.HTTPError):
                if (await client.get(f"{control}/control/clock")).status_code == 200:
                    return
            await asyncio.sleep(0.1)
    raise CannotRehearse(f"its simulator does not start: {log.read_text()[-600:]}")
