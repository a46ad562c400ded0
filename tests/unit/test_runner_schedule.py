"""The schedule under a clock that is set, a loop that stalls and a machine that was stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, tzinfo
from pathlib import Path

import pytest
from apscheduler.schedulers import base

from app.domain.feed import Feed, Page
from app.domain.source import SourceConfig
from app.ingest import schedule
from app.ingest.runner import SourceRunner

EVERY_S = 0.25
STOPPED_S = float(os.environ.get("IOC_STOPPED_S", "5"))  # thirty in `make soak-faults`


class Wall:
    """The machine's clock as the scheduler and the runner see it; people set it."""

    offset_s = 0.0

    def now_s(self) -> float:
        return time.time() + self.offset_s


class Pace:
    """Data time at the monotonic clock's pace: the next poll is due in a quarter of a second."""

    simulated = False

    def now_s(self) -> float:
        return time.monotonic()

    def rate(self) -> float:
        return 1.0

    def real_seconds_until(self, data_s: float) -> float:
        return EVERY_S


class Counted:
    """A source that notes when it was polled, and whether two polls ever ran at once."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.at: list[float] = []
        self.running = 0
        self.twice = False
        self._takes_s = takes_s

    async def open_source(self, source: str) -> tuple[str, int, bool]:
        return str(len(self.at)), len(self.at), True

    async def commit(self, *_: object) -> None:
        return

    def refusal(self, *_: object) -> None:
        return

    async def rejected(self, *_: object) -> None:
        raise AssertionError

    async def failed(self, source: str, reason: str) -> None:
        raise AssertionError(reason)

    async def collect(self, _: Feed, since: str) -> Page:
        self.running += 1
        self.twice |= self.running > 1
        self.at.append(time.monotonic())
        await asyncio.sleep(self._takes_s)
        self.running -= 1
        return Page((), (), since + "x", False, int(time.monotonic()), 0, "0" * 64)

    def between(self, begin: float, end: float) -> int:
        return sum(begin <= at < end for at in self.at)


def runner(counted: Counted) -> SourceRunner:
    config = SourceConfig(
        str(id(counted)), "s", "S", "S", "http://127.0.0.1:1", 60, 5, 300, 900, 7200
    )
    return SourceRunner(config, counted.collect, None, counted, Pace(), asyncio.Semaphore(4))  # type: ignore[arg-type]


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    told = Wall()

    class Told(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.fromtimestamp(told.now_s(), tz)

    monkeypatch.setattr(base, "datetime", Told)
    monkeypatch.setattr(schedule, "real_s", told.now_s)
    return told


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
async def test_polls_go_on_at_their_pace_when_the_clock_is_set(wall: Wall, step_s: float) -> None:
    counted, stop = Counted(), asyncio.Event()
    running = asyncio.create_task(schedule.run([runner(counted)], stop))
    await asyncio.sleep(1.2)
    wall.offset_s += step_s
    set_at = time.monotonic()
    await asyncio.sleep(4.5)
    stop.set()
    await running
    assert counted.between(0, set_at) >= 3
    # The watch looks once a second; from then on every interval has its poll, and one only.
    settled = set_at + 2.5
    polls = counted.between(settled, set_at + 4.5)
    assert 4 <= polls <= 9, counted.at
    assert counted.between(set_at, settled) <= 11, "no burst of what was missed"
    assert not counted.twice


async def test_a_loop_that_stalled_runs_what_was_due_once(wall: Wall) -> None:
    sources = [Counted(0.05) for _ in range(5)]
    stop = asyncio.Event()
    running = asyncio.create_task(schedule.run([runner(s) for s in sources], stop))
    await asyncio.sleep(1.0)
    time.sleep(3.0)  # the stall is what is tested
    stalled_until = time.monotonic()
    await asyncio.sleep(1.0)
    stop.set()
    await running
    for source in sources:
        # Twelve were missed; what is run is the one that is due, and then one an interval.
        assert 1 <= source.between(stalled_until, stalled_until + 1.0) <= 5
        assert not source.twice


async def test_no_poll_is_lost_whatever_one_of_them_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedule, "RETRY_S", 0.1)
    monkeypatch.setattr(schedule, "OVERDUE_S", 0.5)
    good, bad, lost = Counted(), Counted(), Counted()
    failing, forgotten = runner(bad), runner(lost)

    async def against_the_rules() -> float:
        bad.at.append(time.monotonic())
        raise asyncio.CancelledError

    monkeypatch.setattr(SourceRunner, "poll", SourceRunner.poll)
    polls = SourceRunner.poll

    async def poll(self: SourceRunner) -> float:
        return await (against_the_rules() if self is failing else polls(self))

    monkeypatch.setattr(SourceRunner, "poll", poll)
    stop = asyncio.Event()
    keeper = schedule._Schedule([runner(good), failing, forgotten], stop)
    running = asyncio.create_task(keeper.keep())
    await asyncio.sleep(0.8)
    keeper._scheduler.remove_job(forgotten.name)  # as if the scheduler had dropped it
    dropped = time.monotonic()
    await asyncio.sleep(3.5)
    stop.set()
    await running
    assert len(good.at) >= 6
    assert len(bad.at) >= 3, "it is asked again and again"
    assert lost.between(dropped + 0.1, dropped + 3.5) >= 2, "it was taken up again"


STOPPED = """
import asyncio, sys, time
from tests.unit.test_runner_schedule import Counted, runner, schedule

async def main():
    counted, stop = Counted(), asyncio.Event()
    running = asyncio.create_task(schedule.run([runner(counted)], stop))
    await asyncio.sleep(1)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.sleep(1)
    stop.set()
    await running
    gaps = [b - a for a, b in zip(counted.at, counted.at[1:])]
    print(len(counted.at), round(max(gaps), 2), sum(g < 0.1 for g in gaps), counted.twice)

asyncio.run(main())
"""


def test_a_process_that_was_stopped_polls_once_and_goes_on() -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", STOPPED], cwd=Path(__file__).parents[2], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        assert program.stdout.readline() == "ready\n"
        os.kill(program.pid, signal.SIGSTOP)
        time.sleep(STOPPED_S)  # as asleep; the length is what is tested
        os.kill(program.pid, signal.SIGCONT)
        told, _ = program.communicate("\n", timeout=30)
    finally:
        program.kill()
    polls, longest, bursts, twice = told.split()
    assert float(longest) > STOPPED_S - 0.5
    assert int(bursts) == 0, "nothing that was missed is run after it in a heap"
    assert int(polls) >= 7
    assert twice == "False"
