"""Named faults: only the feed that has one changes its state, when its file says; all come back."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
import httpx2
import pytest

from app import wiring
from app.ingest.discover import find_reader
from app.settings import Settings
from tests.flow.stage import OPENER, Installation, passable_folder, wait_for
from tests.truth import compare

SPEED = float(os.environ.get("IOC_FAULTS_SPEED", "60"))
SLOWER = 60.0 / SPEED  # what is waited for in data time takes so much longer than at sixty
EVERY_S = 60 / SPEED  # every feed is asked once a minute of data time
JITTER_S = 1.0
FEEDS = ("documents", "einvoice", "public_service")
LATE_S, STALE_S = 300, 900  # as sources/<feed>.toml of every feed says
SLACK_S = 2.5 * SPEED  # a look is this late at most, in data time
# What a mended collector would know of each feed's drift.
MENDED = {
    "documents": [(b'"sentAt"', b'"sent"')],
    "einvoice": [
        (b"<SLHD>", b"<SLHDon>"), (b"</SLHD>", b"</SLHDon>"),
        (b"<TrangThai>", b"<TTNNT>"), (b"</TrangThai>", b"</TTNNT>"),
    ],
    "public_service": [(b'"MaTrangThai', b'"TrangThai')],
}  # fmt: skip


@dataclass
class Watch:
    """Looks at every source ten times a second: state, age in data time, and when it moved on."""

    demo: Installation
    seen: dict[str, list[tuple[float, str, float]]] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    waits: dict[str, list[float]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self.first = {feed: max(pages) for feed, pages in stored(self.demo).items()}
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for feed, pages in stored(self.demo).items():
            at = [when for number, when in sorted(pages.items()) if number >= self.first[feed]]
            self.waits[feed] = [b - a for a, b in itertools.pairwise(at)]

    def polled(self, times: int) -> bool:
        """Whether every feed has stored so many pages since this began to look."""
        return all(max(pages) > self.first[f] + times for f, pages in stored(self.demo).items())

    def states(self, feed: str) -> list[str]:
        """The states in the order they came, each once in a row."""
        found: list[str] = []
        for _, state, _ in self.seen.get(feed, []):
            if not found or found[-1] != state:
                found.append(state)
        return found

    def age_at(self, feed: str, state: str) -> float:
        return next(age for _, told, age in self.seen[feed] if told == state)

    def _look(self) -> None:
        while not self._stop.wait(0.1):
            told = self.demo.json("/api/v1/sources")
            now, real = self.demo.data_time(), time.monotonic()
            for source in (told or {}).get("sources", ()):
                feed, mark = source["id"], source["watermark"]
                age = now - datetime.fromisoformat(mark).timestamp()
                self.seen.setdefault(feed, []).append((real, source["quality"], age))


def stored(demo: Installation) -> dict[str, dict[int, float]]:
    """When each page of each feed was stored, by the database's clock: a poll brings one."""

    async def ask() -> list[asyncpg.Record]:
        db = await asyncpg.connect(demo.database_url())
        try:
            return list(await db.fetch("SELECT source, seq, extract(epoch FROM stored) FROM page"))
        finally:
            await db.close()

    found: dict[str, dict[int, float]] = {}
    for name, number, at in asyncio.run(ask()):
        found.setdefault(name, {})[number] = float(at)
    return found


def tiles(demo: Installation) -> dict[str, set[str]]:
    """The qualities of every figure that screens hold, by its source."""
    found: dict[str, set[str]] = {}
    for reading in demo.json("/api/v1/snapshot")["readings"]:
        found.setdefault(reading["source"], set()).add(reading["quality"])
    return found


@pytest.fixture(scope="module")
def demo() -> Iterator[Installation]:
    with passable_folder() as folder:
        running = Installation(folder / "data", settings={"IOC_SPEED": f"{SPEED:g}"})
        try:
            running.start()
            wait_for(running.at_rest, 120, "every source loaded", running)
            yield running
        finally:
            running.close()


def switch(demo: Installation, feed: str, fault: str, *, on: bool, **params: str) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{demo.sim_port}/control/faults/{feed}/{fault}",
        json.dumps({"on": on, **params}).encode(),
        {"Content-Type": "application/json"},
        method="PUT",
    )
    with OPENER.open(request, timeout=10) as answer:
        assert answer.status == 200


def source(demo: Installation, feed: str) -> dict[str, object]:
    told = demo.json("/api/v1/sources")
    return next(s for s in told["sources"] if s["id"] == feed)


def fresh(demo: Installation, feed: str) -> bool:
    return source(demo, feed)["quality"] == "fresh"


def kept_records(demo: Installation, feed: str) -> list[dict[str, object]]:
    """Records in quarantine that wait for a mended collector; whole pages are asked for anew."""
    told = demo.json(f"/api/v1/quarantine?source={feed}")["quarantine"]
    return [k for k in told if not k["whole_page"] and not k["replayed"]]


def told_of(demo: Installation, kind: str, feed: str = "public_service") -> list[str]:
    """States of the alerts of this kind about the source."""
    told = demo.json("/api/v1/alerts?limit=200")["alerts"]
    return [a["state"] for a in told if (a["indicator"], a["subject"]) == (kind, f"source:{feed}")]


def others_undisturbed(watch: Watch, feed: str) -> None:
    for other in FEEDS:
        if other != feed:
            assert watch.states(other) == ["fresh"], other
            waits = sorted(watch.waits[other])
            assert len(waits) > 2
            assert waits[-1] < EVERY_S + JITTER_S, (other, waits[-3:])


@contextlib.contextmanager
def switched(demo: Installation, feed: str, fault: str) -> Iterator[None]:
    switch(demo, feed, fault, on=True)
    try:
        yield
    finally:
        switch(demo, feed, fault, on=False)


@contextlib.contextmanager
def held(demo: Installation, feed: str, _: str) -> Iterator[None]:
    """Somebody's session keeps the row of the feed's cursor locked, as a forgotten console does."""

    async def keep() -> None:
        db = await asyncpg.connect(demo.database_url())
        try:
            async with db.transaction():
                await db.execute("SELECT FROM source_state WHERE source = $1 FOR UPDATE", feed)
                locked.set()
                await asyncio.to_thread(over.wait, 120 * SLOWER)
        finally:
            await db.close()

    locked, over = threading.Event(), threading.Event()
    holder = threading.Thread(target=lambda: asyncio.run(keep()))
    holder.start()
    try:
        assert locked.wait(10)
        yield
    finally:
        over.set()
        holder.join()


Trouble = Callable[[Installation, str, str], contextlib.AbstractContextManager[None]]


@pytest.mark.parametrize(
    ("trouble", "feed", "fault", "named"),
    [
        (switched, "einvoice", "outage", "503"),
        (switched, "public_service", "garbage", "broken"),
        (switched, "documents", "slow", "the answer drips"),
        (held, "einvoice", "a lock", ""),
    ],
)
def test_a_silent_feed_alone_turns_late_and_stale_when_its_file_says(
    demo: Installation, trouble: Trouble, feed: str, fault: str, named: str
) -> None:
    wait_for(demo.at_rest, 30 * SLOWER, "all fresh before", demo)
    with Watch(demo) as watch:
        with trouble(demo, feed, fault):
            within = (STALE_S + 2 * SLACK_S) / SPEED + 10
            wait_for(lambda: source(demo, feed)["quality"] == "stale", within, "stale", demo)
            told, shown = source(demo, feed), tiles(demo)
        begun = time.monotonic()
        wait_for(lambda: fresh(demo, feed), 60 + EVERY_S, f"{feed} fresh by itself", demo)
        print(f"{feed}, {fault}: fresh {time.monotonic() - begun:.1f} s after its end")
        wait_for(lambda: watch.states(feed)[-1] == "fresh", 5, "that it was seen", demo)
    assert named in str(told["last_error"])
    states = watch.states(feed)
    assert states[:3] == ["fresh", "late", "stale"]
    # The page that waited for the lock is stored first, and is as old as that.
    assert states[-1] == "fresh"
    assert set(states[3:-1]) <= ({"late", "stale"} if trouble is held else set()), states
    assert LATE_S <= watch.age_at(feed, "late") < LATE_S + SLACK_S
    assert STALE_S <= watch.age_at(feed, "stale") < STALE_S + SLACK_S
    assert shown == {name: {"stale" if name == feed else "fresh"} for name in FEEDS}
    others_undisturbed(watch, feed)


def test_an_expired_session_is_opened_again_and_nobody_notices(demo: Installation) -> None:
    wait_for(demo.at_rest, 30, "all fresh before", demo)
    with Watch(demo) as watch:
        switch(demo, "public_service", "auth-expired", on=True)
        wait_for(lambda: watch.polled(4), 15 * SLOWER, "several polls of each", demo)
        switch(demo, "public_service", "auth-expired", on=False)
    assert watch.states("public_service") == ["fresh"]
    others_undisturbed(watch, "public_service")


def test_a_clock_that_runs_ahead_is_named_and_makes_nothing_older_or_younger(
    demo: Installation,
) -> None:
    wait_for(demo.at_rest, 30, "all fresh before", demo)
    with Watch(demo) as watch:
        switch(demo, "documents", "clock-skew", on=True)
        wait_for(
            lambda: "ahead" in str(source(demo, "documents")["last_error"]), 15, "it named", demo
        )
        wait_for(lambda: watch.polled(4), 15 * SLOWER, "several polls of each", demo)
        switch(demo, "documents", "clock-skew", on=False)
        wait_for(lambda: source(demo, "documents")["last_error"] is None, 15, "the note gone", demo)
    assert min(age for _, _, age in watch.seen["documents"]) > -SLACK_S, "no negative age"
    assert watch.states("documents") == ["fresh"]
    others_undisturbed(watch, "documents")


def test_drifted_records_are_kept_with_the_reason_and_replayed_after_the_mending(
    demo: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(demo.at_rest, 30, "all fresh before", demo)
    with Watch(demo) as watch:
        for feed in FEEDS:
            switch(demo, feed, "schema-drift", on=True)
        for feed in ("documents", "public_service"):
            wait_for(lambda f=feed: kept_records(demo, f), 60, f"{feed} drifts", demo)
        for feed in FEEDS:
            switch(demo, feed, "schema-drift", on=False)
    for feed in FEEDS:
        assert watch.states(feed) == ["fresh"], "a drifted record stops nothing"
    kept = kept_records(demo, "public_service")
    assert all(k["reason"] and k["payload"] for k in kept)
    wait_for(lambda: told_of(demo, "schema_drift") == ["active"], 10, "one alert of it", demo)

    settings = Settings(
        data_dir=demo.data_dir,
        database_url=demo.database_url(),
        clock_file=demo.data_dir / "clock.json",
        sim_port=demo.sim_port,
    )
    still = asyncio.run(wiring.replay(settings, "public_service"))
    assert not still.ids, "the collector of today cannot read them yet"
    assert sum(still.refused.values()) == len(kept)

    def mended(name: str):
        read = find_reader(name)
        assert read is not None

        def reader(raw: bytes, told: dict[str, str]):
            for wrong, right in MENDED[name]:
                raw = raw.replace(wrong, right)
            return read(raw, told)

        return reader

    monkeypatch.setattr(wiring, "find_reader", mended)
    for feed in FEEDS:
        done = asyncio.run(wiring.replay(settings, feed))
        assert not done.refused, done.refused
        assert not asyncio.run(wiring.replay(settings, feed)).ids, "nothing is replayed twice"
    wait_for(lambda: not any(source(demo, f)["quarantined"] for f in FEEDS), 20, "none left", demo)
    wait_for(lambda: told_of(demo, "schema_drift") == ["resolved"], 10, "the alert's end", demo)


def test_after_everything_every_figure_is_true(demo: Installation) -> None:
    wait_for(demo.loaded, 40, "all fresh", demo)
    for fault in ("duplicate", "reorder", "late"):
        for feed in FEEDS:
            switch(demo, feed, fault, on=True)
    time.sleep(5)  # data that is repeated, out of order and late comes in meanwhile
    with (
        httpx2.Client(base_url=f"http://127.0.0.1:{demo.port}", timeout=60, trust_env=False) as api,
        httpx2.Client(
            base_url=f"http://127.0.0.1:{demo.sim_port}", timeout=120, trust_env=False
        ) as truth,
    ):
        outcome = compare(api, truth, 3, 11)
    assert outcome.compared > 3000
    assert outcome.differences == []
