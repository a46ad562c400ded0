"""The Python client against a real server: resumes, waits out what passes, raises what does not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import sys
from pathlib import Path

import pytest
import websockets

from app import client
from app.client import Follower, Held, Incompatible, Place, Refused, TokenRefused, follow
from app.domain.disconnects import DISCONNECTS
from tests.unit.in_memory import NOW_S, PROFILE, Database, StillClock, health_of, reading_of
from tests.unit.test_live_channel import serving

ROOT = Path(__file__).parents[2]


@pytest.fixture
def db():
    found = Database()
    found.healths = {s: health_of(s) for s in PROFILE.sources}
    found.commit(reading_of(0.5))
    return found


async def until(changes, wanted, within_s=8.0):
    """The figures of the changes up to the one in which ``wanted`` is the last value."""
    seen = []
    async with asyncio.timeout(within_s):
        async for change in changes:
            seen += [f.value for f in change.figures]
            if seen and seen[-1] == wanted:
                return seen, change.place
    raise AssertionError("the iterator ended")


async def test_the_example_of_the_page_runs_as_it_stands(db):
    page = (ROOT / "docs/reference/python-client.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(example.splitlines()) <= 12
    async with serving(db, StillClock(NOW_S)) as stage:
        told = example.replace("127.0.0.1:8000", f"127.0.0.1:{stage.port}")
        assert told != example
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-u", "-c", told, cwd=ROOT, stdout=asyncio.subprocess.PIPE,
            env={k: v for k, v in os.environ.items() if k != "IOC_TOKEN"},
        )  # fmt: skip
        try:
            async with asyncio.timeout(20):
                assert await process.stdout.readline() == b"ps.on_time area:10 0.5 near fresh\n"
                db.commit(reading_of(0.6, at_s=NOW_S))
                assert await process.stdout.readline() == b"ps.on_time area:10 0.6 near fresh\n"
        finally:
            process.kill()
            await process.communicate()


async def test_it_resumes_from_a_place_that_was_kept(db):
    async with serving(db, StillClock(NOW_S)) as stage:
        url = f"http://127.0.0.1:{stage.port}"
        _, place = await until(follow(url), 0.5)
        assert place == Place("e1", 1)
        for number in range(3):
            db.commit(reading_of(0.6 + number / 10, at_s=NOW_S + number))
        seen, place = await until(follow(url, place=place), 0.8)
        assert seen == [0.6, 0.7, 0.8]
        assert place == Place("e1", 4)
        first = await anext(follow(url, place=Place("another", 4)))
        assert (first.whole, first.place.epoch) == (True, "e1")


async def test_through_cuts_nothing_is_missed_and_held_is_what_the_database_holds(db, monkeypatch):
    """Cut by a relay at random bytes; the server's own state is the judge."""
    monkeypatch.setattr(client, "LEAST_S", 0.01)
    monkeypatch.setattr(client, "BASE_S", 0.01)
    async with serving(db, StillClock(NOW_S)) as stage, relay(stage.port) as (port, cuts):
        held, follower = Held(), Follower(f"http://127.0.0.1:{port}")
        offsets: list[int] = []

        async def take():
            async for change in follower.changes():
                held.take(change)
                if change.whole:
                    offsets.clear()
                offsets.append(change.place.offset)
                assert offsets == sorted(offsets), "out of order"

        task = asyncio.create_task(take())
        subjects = [s for s in PROFILE.subjects if s.startswith("area:0")]
        for number in range(150):
            db.commit(reading_of(number / 1000, subject=subjects[number % 7], at_s=NOW_S + number))
            await asyncio.sleep(0.01)
            if number % 10 == 9:
                cuts()
        wanted = {k: r.value for k, r in db.figures.items()}
        async with asyncio.timeout(10):
            while {k: f.value for k, f in held.figures.items()} != wanted:
                assert not task.done(), task.exception()
                await asyncio.sleep(0.02)
        task.cancel()
        assert cuts.made >= 10


@contextlib.asynccontextmanager
async def relay(port):
    """Passes bytes on to the server, until it is told to cut everything."""
    writers: set[asyncio.StreamWriter] = set()

    async def pump(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader, writer):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        writers.update((writer, up_writer))
        await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))

    def cut():
        cut.made += 1
        for writer in writers:
            writer.transport.abort()
        writers.clear()

    cut.made = 0
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], cut
    finally:
        cut()
        server.close()


# ── what a server may say ───────────────────────────────────────────────────────────────────────

_RAISED = {
    "ask_for_token": TokenRefused, "reload": Incompatible, "stop": Refused,
    "reconnect": None, "reconnect_anew": None,
}  # fmt: skip


@pytest.mark.parametrize("told", DISCONNECTS, ids=lambda d: d.name)
async def test_each_number_is_obeyed(told, monkeypatch):
    """A server that closes with it: raised, or dialled again with or without the place."""
    monkeypatch.setattr(client, "LEAST_S", 0.01)
    asked: list[str] = []

    async def close(socket):
        asked.append(socket.request.path)
        await socket.close(told.code, "because")

    async with websockets.serve(close, "127.0.0.1", 0, subprotocols=["ioc.1"]) as server:
        port = server.sockets[0].getsockname()[1]
        place = Place("e", 7)
        follower = Follower(f"http://127.0.0.1:{port}", place=place, chance=lambda: 0.0)
        expected = _RAISED[told.then]
        if expected is not None:
            with pytest.raises(expected, match="because"):
                await anext(follower.changes())
            return
        task = asyncio.create_task(anext(follower.changes()))
        async with asyncio.timeout(5):
            while len(asked) < 3:
                await asyncio.sleep(0.01)
        task.cancel()
    assert "offset=7" in asked[0]
    assert ("offset=7" in asked[1]) == (told.then == "reconnect")


async def test_it_does_not_come_back_before_the_server_asks_it_to():
    follower = Follower("http://x", chance=lambda: 0.0)
    follower._after_s = 12.0
    assert follower._pause() == 12.0 + client.LEAST_S
    assert follower._pause() == client.LEAST_S


def test_the_pause_is_drawn_from_a_span_that_doubles_up_to_half_a_minute_for_ever():
    follower = Follower("http://x", chance=lambda: 1.0)
    pauses = [round(follower._pause(), 1) for _ in range(500)]
    assert pauses[:4] == [0.8, 1.3, 2.3, 4.3]
    assert max(pauses) == pauses[-1] == 30.3


async def test_a_link_that_is_open_and_silent_is_dialled_again(monkeypatch):
    """As after eight hours of sleep, or a cable that was pulled: no word, and no end either."""
    monkeypatch.setattr(client, "SILENT_S", 0.2)
    monkeypatch.setattr(client, "LEAST_S", 0.01)
    dialled = asyncio.Semaphore(0)

    async def silent(socket):
        dialled.release()
        await socket.wait_closed()

    async with websockets.serve(silent, "127.0.0.1", 0, subprotocols=["ioc.1"]) as server:
        port = server.sockets[0].getsockname()[1]
        follower = Follower(f"http://127.0.0.1:{port}", chance=lambda: 0.0)
        task = asyncio.create_task(anext(follower.changes()))
        async with asyncio.timeout(5):
            for _ in range(3):
                await dialled.acquire()
        assert follower.link in ("connecting", "lost")
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_server_that_is_not_there_yet_is_waited_for(db, monkeypatch):
    monkeypatch.setattr(client, "LEAST_S", 0.05)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    task = asyncio.create_task(until(follow(f"http://127.0.0.1:{port}"), 0.5, within_s=15))
    await asyncio.sleep(0.3)
    assert not task.done()
    async with serving(db, StillClock(NOW_S)) as stage:
        forward = await asyncio.start_server(
            lambda r, w: _pass_on(r, w, stage.port), "127.0.0.1", port
        )
        seen, _ = await task
        forward.close()
    assert seen == [0.5]


async def _pass_on(reader, writer, port):
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)

    async def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := await source.read(4096):
                sink.write(data)
        sink.close()

    await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))


async def test_an_area_or_a_scene_alone_may_be_followed(db):
    inside = next(s.id for s in PROFILE.subjects.values() if s.parent == "area:082")
    async with serving(db, StillClock(NOW_S)) as stage:
        for asked, wanted in (({"areas": ["area:082"]}, inside), ({"scenes": ["wall"]}, "area:10")):
            following = follow(f"http://127.0.0.1:{stage.port}", **asked)
            async with asyncio.timeout(8):
                await anext(following)
                for subject in (inside, "area:083", "area:10"):
                    db.commit(reading_of(0.7, subject=subject, at_s=NOW_S))
                seen = []
                while wanted not in seen:
                    seen += [f.subject for f in (await anext(following)).figures]
            assert set(seen) <= {wanted, "area:083"} - ({"area:083"} if "areas" in asked else set())
            await following.aclose()
        with pytest.raises(Refused, match="opera"):
            await anext(follow(f"http://127.0.0.1:{stage.port}", scenes=["opera"]))
