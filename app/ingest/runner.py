"""Runner: polls each source on its schedule, one at a time per source, and commits what it gives.

Schedules and ages are in data time; deadlines and back-off in real time. A failing source backs off
with full jitter and after five failures in a row is asked once a minute (the breaker is open)
until it answers; the others do not notice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog

from app.domain.clock import Clock, heard
from app.domain.feed import Feed, FeedBroken, FeedDown, Page
from app.domain.source import SourceConfig
from app.ingest.lane import Lane, Stuck
from app.ingest.watch import Blocks

log = structlog.get_logger("ingest")
POLL_DEADLINE_S = 120.0
COMMIT_DEADLINE_S = 180.0
BREAKER_AFTER = 5
PAUSE_S = 2.0
GLOBAL_CAP = 16
PAGE_AT_MOST = 50_000
# A clock that runs ahead by less than this says nothing wrong; real seconds count for a fast clock.
AHEAD_S, AHEAD_REAL_S = 60.0, 2.0


class PageStore(Protocol):
    def refusal(self, source: str | None = None) -> str | None:
        """Why the store takes no page of this source now (of any), though it answers."""
        ...

    async def open_source(self, source: str) -> tuple[str, int, bool]: ...

    async def commit(
        self, source: str, seq: int, page: Page, now_s: int, note: str | None
    ) -> None: ...

    async def rejected(self, source: str, reason: str, payload: bytes, now_s: int) -> None: ...

    async def failed(self, source: str, reason: str) -> None: ...


Collect = Callable[[Feed, str], Coroutine[Any, Any, Page]]


@dataclass(slots=True)
class SourceRunner:
    """One source: its cursor, its failures, its next due time."""

    config: SourceConfig
    collect: Collect
    feed: Feed
    store: PageStore
    clock: Clock
    cap: asyncio.Semaphore
    failures: int = 0
    _lane: Lane | None = field(default=None, init=False)
    _unsaved: tuple[str, Page, str | None] | None = field(default=None, init=False)
    _ahead: asyncio.Task[tuple[Page, str | None]] | None = field(default=None, init=False)

    async def poll(self) -> float:
        """Take every page there is; returns real seconds until the next poll is due."""
        if self._unsaved is None and self.store.refusal() is not None:
            # Another source holds a page that found no room, and tries it again; until that one
            # is stored nobody else is asked for more.
            return PAUSE_S
        try:
            await self._drain()
        except FeedDown as down:
            return await self._back_off(str(down), down.retry_after_s)
        except FeedBroken as broken:
            now_s = int(self.clock.now_s())
            if broken.payload:
                await self.store.rejected(self.config.id, str(broken), broken.payload, now_s)
            return await self._back_off(f"broken: {broken}", None)
        except TimeoutError:
            return await self._back_off(f"no page in {POLL_DEADLINE_S:g} s", None)
        except Stuck as stuck:
            return await self._back_off(str(stuck), None)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # A plug-in may raise anything, and the database may be away: neither stops the others.
            log.warning("poll failed", source=self.config.id, error=repr(error))
            return await self._back_off(repr(error), None)
        finally:
            self._forget_ahead()
        self.failures = 0
        return self._until_due()

    def _until_due(self) -> float:
        every = self.config.every_s
        now = self.clock.now_s()
        due = (now // every + 1) * every
        return max(0.2, self.clock.real_seconds_until(due)) + random.uniform(0, 0.05)  # noqa: S311

    async def _drain(self) -> None:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            cursor, seq, _ = await self.store.open_source(self.config.id)
        given, before_s, more = {cursor}, 0, True
        while more:
            again = self._unsaved is not None
            page, note = await self._next_page(cursor)
            if page.more and not again:
                if note is None:
                    _check_onward(page, given, before_s)
                    before_s = page.up_to_s
                given.add(page.cursor)
                # The next page is fetched while this one is committed; nothing is acknowledged
                # before its own commit.
                self._ahead = asyncio.create_task(self._ask(page.cursor))
            seq += 1
            await self._commit(cursor, seq, page, note)
            cursor, more = page.cursor, page.more

    async def _commit(self, cursor: str, seq: int, page: Page, note: str | None) -> None:
        """Store a page; one the store refuses for want of room is kept, and is what comes next.

        So the source is left alone while nothing can be stored: it keeps its data.
        """
        try:
            async with asyncio.timeout(COMMIT_DEADLINE_S):
                await self.store.commit(self.config.id, seq, page, int(self.clock.now_s()), note)
        except Exception:
            if self.store.refusal(self.config.id) is not None:
                self._unsaved = cursor, page, note
            raise

    async def _next_page(self, cursor: str) -> tuple[Page, str | None]:
        if self._unsaved is not None:
            (at, page, note), self._unsaved = self._unsaved, None
            if at == cursor:
                return page, note
        if self._ahead is not None:
            task, self._ahead = self._ahead, None
            return await task
        return await self._ask(cursor)

    async def _ask(self, cursor: str) -> tuple[Page, str | None]:
        async with self.cap:
            asked_s = self.clock.now_s()
            page = await self._collected(cursor)
        _check(page, cursor)
        return self._held(page, asked_s)

    async def _collected(self, cursor: str) -> Page:
        if self._lane is None:
            try:
                async with asyncio.timeout(POLL_DEADLINE_S):
                    return await self._call(cursor)
            except Blocks:
                log.warning("collector blocks: from now on a thread of its own", source=self.name)
                self._lane = Lane(self.name)
        return await self._lane.run(lambda: self._call(cursor), POLL_DEADLINE_S)

    async def _call(self, cursor: str) -> Page:
        """The frame that ``Watch`` looks for; nothing but the plug-in runs below it."""
        return await self.collect(self.feed, cursor)

    @property
    def name(self) -> str:
        return self.config.id

    def _held(self, page: Page, asked_s: float) -> tuple[Page, str | None]:
        """Hold a watermark from the future at the instant of asking, and say so.

        Else a source whose clock runs ahead would look fresh for as long after it went silent.
        """
        heard(self.clock, page.up_to_s)
        ahead_s = page.up_to_s - self.clock.now_s()
        if ahead_s <= max(AHEAD_S, AHEAD_REAL_S * self.clock.rate()):
            return page, None
        note = (
            f"the source's clock is {ahead_s:.0f} s ahead of ours; its 'complete up to' is held"
            " at our time: ask its operator to set the clock"
        )
        return replace(page, up_to_s=int(asked_s)), note

    def _forget_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None

    async def _back_off(self, reason: str, retry_after_s: float | None) -> float:
        self.failures += 1
        try:
            await self.store.failed(self.config.id, reason)
        except Exception as error:  # the database itself may be what failed
            log.warning("cannot note a failure", source=self.config.id, error=repr(error))
        log.info("source failing", source=self.config.id, times=self.failures, reason=reason[:200])
        if retry_after_s is not None:
            return retry_after_s
        if self.failures >= BREAKER_AFTER:
            return random.uniform(3.0, 10.0)  # noqa: S311
        return random.uniform(0.1, min(10.0, 0.5 * 2**self.failures))  # noqa: S311


def _check(page: object, asked: str) -> None:
    """A plug-in's page is only as good as its word: refuse what would loop or flood."""
    if not isinstance(page, Page):
        raise FeedBroken(f"the collector gave {type(page).__name__}, expected app.plugin.Page")
    held = len(page.updates) + len(page.rejected)
    if held > PAGE_AT_MOST:
        raise FeedBroken(f"a page of {held} records; at most {PAGE_AT_MOST}: ask for less at once")
    if page.more and page.cursor == asked:
        raise FeedBroken(
            f"the cursor {asked!r} does not move though there is more: nothing would ever end"
        )


def _check_onward(page: Page, given: set[str], before_s: int) -> None:
    """A page never ends inside one second, so with more to come both must go on."""
    if page.cursor in given:
        raise FeedBroken(f"the cursor goes back to {page.cursor[:40]!r}: nothing would ever end")
    if page.up_to_s <= before_s:
        raise FeedBroken(
            "'complete up to' stands still though there is more; expected the published second of"
            " the last record of each page"
        )
