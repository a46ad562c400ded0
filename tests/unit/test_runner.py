"""The runner: what a source does wrong is noted, waited out, and never stored by halves."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import pytest
import uvloop

from app.domain.feed import Feed, FeedBroken, FeedDown, Page, Rejected
from app.domain.source import SourceConfig
from app.ingest import lane
from app.ingest import runner as ingest
from app.ingest.discover import lend_collector
from app.ingest.runner import PAUSE_S, SourceRunner
from app.ingest.watch import Watch

LoopOf = asyncio.AbstractEventLoop
NOW_S = 1_664_757_000.0  # 2022-10-03 07:30


class StoppedClock:
    simulated = True

    def now_s(self) -> float:
        return NOW_S

    def rate(self) -> float:
        return 60.0

    def real_seconds_until(self, data_s: float) -> float:
        return max(0.0, data_s - NOW_S) / 60.0


@dataclass
class Kept:
    """A store of one source, in memory."""

    cursor: str = ""
    pages: list[Page] = field(default_factory=list)
    notes: list[str | None] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    set_aside: list[tuple[str, bytes]] = field(default_factory=list)
    away: bool = False
    full: bool = False
    refused: str | None = None

    def refusal(self, source: str | None = None) -> str | None:
        return self.refused

    async def open_source(self, source: str) -> tuple[str, int, bool]:
        if self.away:
            raise ConnectionError("the database is away")
        return self.cursor, len(self.pages), False

    async def commit(self, source: str, seq: int, page: Page, now_s: int, note: str | None) -> None:
        assert seq == len(self.pages) + 1
        if self.full:
            self.refused = "no space left on device"
            raise OSError(self.refused)
        self.refused = None
        self.pages.append(page)
        self.notes.append(note)
        self.cursor = page.cursor

    async def rejected(self, source: str, reason: str, payload: bytes, now_s: int) -> None:
        self.set_aside.append((reason, payload))

    async def failed(self, source: str, reason: str) -> None:
        if self.away:
            raise ConnectionError("the database is away")
        self.failures.append(reason)


def page(number: int, *, more: bool = False, up_to_s: float | None = None) -> Page:
    up_to_s = NOW_S - 1000 + number if up_to_s is None else up_to_s
    return Page((), (), str(number), more, int(up_to_s), 0, f"{number:064d}")


def runner(
    collect: Callable[[Feed, str], Coroutine[None, None, Page]], store: Kept
) -> SourceRunner:
    config = SourceConfig("s", "s", "S", "S", "http://127.0.0.1:1", 60, 5, 300, 900, 7200)
    return SourceRunner(config, collect, None, store, StoppedClock(), asyncio.Semaphore(4))  # type: ignore[arg-type]


async def test_pages_are_taken_until_there_is_no_more() -> None:
    store = Kept()

    async def collect(_: Feed, since: str) -> Page:
        number = int(since or 0) + 1
        return page(number, more=number < 5)

    wait_s = await runner(collect, store).poll()
    assert [p.cursor for p in store.pages] == ["1", "2", "3", "4", "5"]
    assert 0.9 < wait_s < 1.2, "the next poll is due at the next whole data minute"


async def test_a_source_is_left_alone_while_nothing_can_be_stored() -> None:
    store, asked = Kept(), []

    async def collect(_: Feed, since: str) -> Page:
        asked.append(since)
        return page(len(asked), more=since == "")

    one, other = runner(collect, store), runner(collect, store)
    store.full = True
    for _ in range(5):
        await one.poll()
        assert await other.poll() == PAUSE_S
    assert asked == [""], "one page is held; the source keeps the rest, and so do the others"
    assert len(store.failures) == 5
    store.full = False
    await one.poll()
    assert [p.cursor for p in store.pages] == ["1", "2"]
    assert asked == ["", "1"]


async def test_a_held_page_is_dropped_when_its_place_was_taken_meanwhile() -> None:
    store, asked = Kept(), []

    async def collect(_: Feed, since: str) -> Page:
        asked.append(since)
        return page(int(since or 0) + 1)

    one = runner(collect, store)
    store.full = True
    await one.poll()
    store.full = False
    store.pages, store.cursor = [page(1)], "1"  # the commit had gone through after all
    await one.poll()
    assert asked == ["", "1"]
    assert [p.cursor for p in store.pages] == ["1", "2"]


async def test_a_clock_that_runs_ahead_is_held_and_named() -> None:
    store = Kept()

    async def collect(_: Feed, since: str) -> Page:
        return page(1, up_to_s=NOW_S + 7200)

    await runner(collect, store).poll()
    assert store.pages[0].up_to_s == NOW_S
    assert store.notes[0] is not None
    assert "7200 s ahead" in store.notes[0]


async def test_a_minute_ahead_is_taken_as_it_is() -> None:
    store = Kept()

    async def collect(_: Feed, since: str) -> Page:
        return page(1, up_to_s=NOW_S + 60)

    await runner(collect, store).poll()
    assert (store.pages[0].up_to_s, store.notes[0]) == (NOW_S + 60, None)


@pytest.mark.parametrize(
    "raised", [ValueError("plug-in"), KeyError("x"), RecursionError(), MemoryError()]
)
async def test_whatever_a_plug_in_raises_is_noted_and_waited_out(raised: Exception) -> None:
    store = Kept()

    async def collect(_: Feed, since: str) -> Page:
        raise raised

    one = runner(collect, store)
    waits = [await one.poll() for _ in range(8)]
    assert one.failures == 8
    assert len(store.failures) == 8
    assert not store.pages
    assert all(w <= 10.0 for w in waits)
    assert all(w >= 3.0 for w in waits[ingest.BREAKER_AFTER :]), "the breaker is open"


async def test_the_upstream_says_when_to_come_back() -> None:
    async def collect(_: Feed, since: str) -> Page:
        raise FeedDown("429", 37.0)

    assert await runner(collect, Kept()).poll() == 37.0


async def test_a_page_that_cannot_be_read_is_kept_and_the_cursor_stays() -> None:
    store = Kept(cursor="7")

    async def collect(_: Feed, since: str) -> Page:
        assert since == "7"
        raise FeedBroken("no JSON", b"<html>")

    one = runner(collect, store)
    await one.poll()
    await one.poll()
    assert store.cursor == "7"
    assert store.set_aside == [("no JSON", b"<html>")] * 2
    assert store.failures[0] == "broken: no JSON"


async def test_a_plug_in_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "POLL_DEADLINE_S", 0.05)
    store = Kept()

    async def collect(_: Feed, since: str) -> Page:
        await asyncio.sleep(3600)
        raise AssertionError

    await runner(collect, store).poll()
    assert store.failures == ["no page in 0.05 s"]


def spin() -> None:
    while True:
        pass


def swallow() -> None:
    while True:
        try:
            time.sleep(30)
        except Exception:
            continue


@pytest.mark.parametrize("block", [lambda: time.sleep(30), spin, swallow])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_plug_in_that_blocks_holds_up_only_itself(
    monkeypatch: pytest.MonkeyPatch, block: Callable[[], None], loop: Callable[[], LoopOf]
) -> None:
    monkeypatch.setattr(ingest, "POLL_DEADLINE_S", 0.5)
    monkeypatch.setattr(lane, "GRACE_S", 0.2)
    bad, good = Kept(), Kept()
    free = threading.Event()

    async def collect_badly(_: Feed, since: str) -> Page:
        if threading.current_thread() is threading.main_thread():
            block()
        free.wait(30)
        return page(1)

    async def collect(_: Feed, since: str) -> Page:
        return page(len(good.pages) + 1)

    async def both() -> float:
        blocked, other = runner(collect_badly, bad), runner(collect, good)
        longest = 0.0
        with Watch(SourceRunner._call.__code__):
            polls = asyncio.create_task(blocked.poll())
            last = time.monotonic()
            while not polls.done():
                await other.poll()
                await asyncio.sleep(0.01)
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
            await blocked.poll()
            assert "blocks" in bad.failures[-1]
            free.set()
            await wait_until(lambda: len(bad.pages) == 1, blocked.poll)
        return longest

    with asyncio.Runner(loop_factory=loop) as on:
        longest = on.run(both())
    assert longest < 2.0, "cut short where it ran, then on a thread of its own"
    assert bad.failures[0] == "no page in 0.5 s"
    assert len(good.pages) > 10
    assert not good.failures


async def wait_until(
    done: Callable[[], bool], again: Callable[[], Coroutine[None, None, float]]
) -> None:
    for _ in range(50):
        await again()
        if done():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not done in time")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"updates": []}, "gave dict"),
        (None, "gave NoneType"),
        (Page((), (Rejected("x", b"x"),) * 10**6, "2", False, int(NOW_S), 1, "0" * 64), "1000000"),
        (Page((), (), "", True, int(NOW_S), 0, "0" * 64), "does not move"),
    ],
)
async def test_a_page_that_would_flood_or_never_end_is_refused(given: object, named: str) -> None:
    store = Kept()

    async def collect(_: Feed, since: str) -> Page:
        return given  # type: ignore[return-value]

    await runner(collect, store).poll()
    assert not store.pages
    assert named in store.failures[0]


async def test_a_collector_that_cannot_be_imported_is_a_broken_feed() -> None:
    store = Kept()
    await runner(lend_collector("no_such_feed"), store).poll()
    assert "expected collectors/no_such_feed/collector.py" in store.failures[0]


async def test_a_page_read_ahead_is_not_stored_when_the_one_before_was_not() -> None:
    store = Kept()
    asked: list[str] = []

    async def collect(_: Feed, since: str) -> Page:
        asked.append(since)
        return page(int(since or 0) + 1, more=True)

    async def refuse(*_: object) -> None:
        # The next page is on its way already when the commit of this one fails.
        await asyncio.sleep(0.01)
        raise ConnectionError("the database went away")

    store.commit = refuse  # type: ignore[method-assign]
    one = runner(collect, store)
    await one.poll()
    assert asked == ["", "1"]
    assert store.cursor == ""
    assert one._ahead is None


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ([page(1, more=True), page(2, more=True), page(1, more=True)], "the cursor goes back"),
        ([page(n, more=True, up_to_s=NOW_S - 9) for n in (1, 2, 3)], "stands still"),
        ([page(n, more=True, up_to_s=NOW_S - n) for n in (1, 2, 3)], "stands still"),
    ],
    ids=["a circle", "endless", "back in time"],
)
async def test_pages_that_would_never_end_are_broken(pages: list[Page], reason: str) -> None:
    store, told = Kept(), iter(pages)

    async def collect(_: Feed, __: str) -> Page:
        return next(told)

    wait_s = await runner(collect, store).poll()
    assert reason in store.failures[0]
    assert len(store.pages) < 3
    assert wait_s > 0


async def test_a_lost_database_is_waited_for() -> None:
    store = Kept(away=True)

    async def collect(_: Feed, since: str) -> Page:
        return page(1)

    one = runner(collect, store)
    assert await one.poll() > 0
    store.away = False
    await one.poll()
    assert (one.failures, len(store.pages)) == (0, 1)
