"""The database hangs or is dead for twenty seconds: screens say so, and everything comes back.

`make soak-faults` asks for ten minutes (IOC_AWAY_S).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator

import asyncpg
import pytest
import websockets

from app.store.processes import living_in
from tests.flow.stage import Installation, passable_folder, status, wait_for
from tests.soak.ledger import Watcher, close_ledger

AWAY_S = float(os.environ.get("IOC_AWAY_S", "20"))
TOLD_WITHIN_S = 10.0
BACK_WITHIN_S = 60.0
WORSE = {"late", "stale", "absent"}


@pytest.fixture(scope="module")
def demo() -> Iterator[Installation]:
    # At twice the real pace a source is late after minutes: age alone would not tell in time.
    with passable_folder() as folder:
        (folder / "data").mkdir()
        demo = Installation(folder / "data", settings={"IOC_SPEED": "2"})
        try:
            demo.start()
            wait_for(demo.loaded, 200, "the fill", demo, 0.5)
            yield demo
        finally:
            demo.close()


@contextlib.contextmanager
def hanging(demo: Installation) -> Iterator[None]:
    """Every process of the server stands still: connections stay open, nothing is answered."""
    stopped = living_in(demo.data_dir.resolve() / "postgres/data")
    assert stopped
    for process in stopped:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)


@contextlib.contextmanager
def dead(demo: Installation) -> Iterator[None]:
    """The postmaster is killed, and the supervisor that would start it again stands still."""
    supervisor, server = demo.role("supervisor"), demo.role("postgres")
    assert supervisor is not None
    assert server is not None
    os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        os.kill(server.pid, signal.SIGKILL)
        yield
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)


async def heard(demo: Installation, wanted: Callable[[set[str]], bool], within_s: float) -> float:
    """Seconds until a beat tells it, as an open wall hears them: at least one every two seconds."""
    begun = time.monotonic()
    async with websockets.connect(f"ws://127.0.0.1:{demo.port}/api/v1/live", max_size=None) as wall:
        while time.monotonic() - begun < within_s:
            frame = json.loads(await asyncio.wait_for(wall.recv(), 2.5))
            told = {s["quality"] for s in frame["sources"]} if frame["t"] == "beat" else set()
            if told and wanted(told):
                return time.monotonic() - begun
    raise AssertionError(f"no beat told it within {within_s:g} s")


async def pages(demo: Installation) -> int:
    db = await asyncpg.connect(demo.database_url())
    try:
        return int(await db.fetchval("SELECT sum(seq) FROM source_state"))
    finally:
        await db.close()


def requests(demo: Installation) -> int:
    """What the feeds were asked so far."""
    return int(sum(demo.simulators("/control/requests").values()))


@pytest.mark.parametrize("away", [hanging, dead])
def test_away_for_a_while(demo: Installation, away):
    ready = f"http://127.0.0.1:{demo.port}/readyz"
    # The web process may be a second behind what was just asked of the database.
    asyncio.run(heard(demo, lambda told: told == {"fresh"}, 30))
    before, roles = asyncio.run(pages(demo)), [demo.role(r) for r in ("web", "worker")]
    with Watcher(demo) as watcher:
        with away(demo):
            begun = time.monotonic()
            assert asyncio.run(heard(demo, lambda told: told <= WORSE, TOLD_WITHIN_S))
            polled = requests(demo)
            while time.monotonic() - begun < AWAY_S:
                asked = time.monotonic()
                assert status(ready) == 503
                assert time.monotonic() - asked < 4, "readiness is told in time"
                assert demo.get("/healthz") is not None, "the process itself is well"
                time.sleep(1)
            assert requests(demo) == polled, "polling pauses: the feeds keep their data"
        begun = time.monotonic()
        wait_for(lambda: status(ready) == 200, BACK_WITHIN_S, "ready", demo)
        asyncio.run(heard(demo, lambda told: told == {"fresh"}, BACK_WITHIN_S))
        wait_for(demo.loaded, BACK_WITHIN_S, "fresh", demo)
        took = time.monotonic() - begun
    print(f"{away.__name__}: everything fresh {took:.1f} s after the database's return")
    assert took < BACK_WITHIN_S
    assert [demo.role(r) for r in ("web", "worker")] == roles, "nobody had to be started again"
    wait_for(lambda: asyncio.run(pages(demo)) > before, 90, "the next page")
    assert watcher.wrong == []
    books = close_ledger(demo)
    assert books.emitted > 10_000
    assert books.wrong == []
