"""Several web processes on one port: cut, killed and added; screens go on where they were."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.stage import ROOT
from tests.soak.live import Plan, Stage, beside, opened, screens, soak, wait_for
from tests.soak.live_books import Books, History
from tests.soak.live_client import Screen, Told, Topic
from tests.soak.live_feed import Feed

KEY, OTHER = ("ps.on_time", "area:10", "month"), ("doc.x", "area:10", "month")


def figure(value: int) -> tuple[object, ...]:
    return ("2026-01-01T00:00:00+07:00", value, value, 10, 0.9, "met", "")


def books_of(*frames: tuple[str, int, dict]) -> Books:
    """Of a screen that was told these, while the database kept changes 1 to 4 of one figure."""
    history = History()
    for offset in (1, 2, 3, 4):
        history.offsets.append(offset)
        history.told[offset] = {KEY: figure(offset)}
        history.alerts[offset] = []
        history.course[KEY].append((offset, figure(offset)))
    screen = Screen(0, 0, random.Random(1), [Topic()])
    screen.log = [Told(1, kind, offset, told, {}) for kind, offset, told in frames]
    books = Books()
    books.check(screen, history)
    return books


BEGUN = ("snapshot", 1, {KEY: figure(1)})
FAULTS = {
    "missed": [BEGUN, ("delta", 2, {KEY: figure(2)}), ("delta", 4, {OTHER: figure(4)})],
    "twice": [BEGUN, ("delta", 2, {KEY: figure(2)}), ("delta", 2, {KEY: figure(2)})],
    "out_of_order": [BEGUN, ("delta", 3, {KEY: figure(3)}), ("delta", 2, {KEY: figure(2)})],
    "differing": [BEGUN, ("delta", 3, {KEY: figure(2)})],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_books_see_every_fault(fault: str):
    books = books_of(*FAULTS[fault])
    seen = {name: getattr(books, name) for name in FAULTS}
    assert seen == {name: int(name == fault) for name in FAULTS}
    assert len(books.wrong) == 1


def test_the_books_see_no_fault_where_none_is():
    merged = ("delta", 4, {KEY: figure(4)})
    books = books_of(BEGUN, ("delta", 2, {KEY: figure(2)}), ("delta", 2, {}), merged)
    assert books.wrong == []
    assert (books.changes, books.merged) == (3, 1)
    ahead = books_of(("snapshot", 1, {KEY: figure(2)}))
    assert ahead.differing == 1


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with opened(3) as stage:
        yield stage


async def all_answer(stage: Stage, wanted: set[str]) -> None:
    """Each says who it is; asked until all were met and nobody else was."""
    met: set[str] = set()
    async with asyncio.timeout(30):
        while not met >= wanted:
            told = await asyncio.to_thread(stage.demo.json, "/readyz")
            met |= {told["process"]} if told is not None else set()
    assert met == wanted


async def test_a_killed_process_takes_nobody_with_it_and_one_more_is_welcome(stage: Stage):
    plan = Plan(screens=24, every_s=0.02, seed=3)
    url = stage.demo.database_url()
    feed, history = Feed(url, random.Random(3), plan.every_s), History()
    walls = screens(plan, stage.demo.port, random.Random(3))
    await all_answer(stage, {"web", "web-2", "web-3"})
    stop = asyncio.Event()
    async with beside(history.follow(url), feed.run(stop), *(w.run() for w in walls)):
        await wait_for(lambda: feed.commits > 20 and all(w.live for w in walls), 30, "screens")
        before = [w.connections for w in walls]
        victim = stage.webs()[1]
        os.kill(victim.pid, signal.SIGKILL)
        await wait_for(
            lambda: sum(w.connections for w in walls) > sum(before) and all(w.live for w in walls),
            20, "everybody again",
        )  # fmt: skip
        moved = [w for w, had in zip(walls, before, strict=True) if w.connections > had]
        assert 1 <= len(moved) < len(walls)  # the others did not notice
        assert [(w.resumed, w.connections, w.reasons) for w in moved if w.resumed != 1] == []
        assert sum(w.resets for w in walls) == 0
        joined = await asyncio.to_thread(join, stage)
        try:
            await all_answer(stage, {"web", "web-2", "web-3", "web-9"})
            for wall in walls:
                wall.cut("reset")
            await wait_for(lambda: all(w.live for w in walls), 20, "everybody again")
            assert [r for w in walls for r in w.reasons] == []
        finally:
            joined.terminate()
            ended = await asyncio.to_thread(joined.wait, 10)
        assert ended in (0, -signal.SIGTERM)
        await wait_for(lambda: all(w.live for w in walls), 20, "everybody again")
        stop.set()
    await history.end(url)
    books = Books()
    for wall in walls:
        books.check(wall, history)
    print("\n".join(books.wrong))
    assert books.wrong == []
    assert books.changes > 500


def join(stage: Stage) -> subprocess.Popen[bytes]:
    """One more process of the same installation on the same port."""
    told = Path(f"/proc/{stage.webs()[0].pid}/environ").read_text().split("\0")
    environment = dict(line.split("=", 1) for line in told if "=" in line)
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve", "--role", "web", "--name", "web-9"],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def test_sixty_cuts_and_four_kills_leave_every_screen_as_the_database(
    stage: Stage, record_property
):
    plan = Plan(cuts=60, kills=4, screens=24, cut_every_s=0.05, seed=766)
    outcome = asyncio.run(soak(plan, stage))
    for line in outcome.lines():
        print(line)
    record_property("figures of screens compared", outcome.books.figures)
    print("\n".join(outcome.wrong))
    assert outcome.wrong == []
    assert outcome.kills == {"web": 2, "worker": 1, "postgres": 1}
    assert outcome.cuts.total() >= 60
    assert outcome.resumed > 30
    assert outcome.books.changes > 1000
    assert outcome.books.figures > 5000
    assert outcome.terms >= 2  # the worker that was killed, and the one that came after
