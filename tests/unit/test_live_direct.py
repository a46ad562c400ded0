"""The contract with the server's own WebSocket class: frames written past it are right."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import socket

import pytest
import websockets
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from app.live import direct, fanout
from app.live.direct import deflated_frame, text_frame
from tests.unit.in_memory import NOW_S, PROFILE, Database, StillClock, health_of, reading_of
from tests.unit.test_live_channel import delta_with_readings, frame, serving


def database() -> Database:
    db = Database()
    db.healths = {s: health_of(s) for s in PROFILE.sources}
    db.commit(reading_of(0.5))
    return db


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
@pytest.mark.parametrize("make", [text_frame, deflated_frame])
def test_a_frame_is_what_the_library_would_have_made(size, make):
    text = (b"{\xc3\xa1} " * (size // 4 + 1))[:size]
    reader = StreamReader()
    reader.feed_data(make(text))
    reader.feed_eof()
    agreed = [PerMessageDeflate(True, True, 15, 15)] if make is deflated_frame else []
    parsing = Frame.parse(reader.read_exact, mask=False, extensions=agreed)
    try:
        while True:
            next(parsing)
    except StopIteration as done:
        found = done.value
    assert found.opcode is Opcode.TEXT
    assert found.fin
    assert bytes(found.data) == text


@pytest.mark.parametrize(
    "options",
    [
        {"ws_per_message_deflate": True},
        {"ws_per_message_deflate": False},
        {"ws": "websockets-sansio"},  # the usual way, where the own class is not to be had
        {"loop": "asyncio"},
    ],
)
@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_every_way_tells_the_same(options, compression):
    db = database()
    async with (
        serving(db, StillClock(NOW_S), **options) as stage,
        stage.connect(compression=compression) as peer,
    ):
        assert (await frame(peer, "snapshot"))["data"]["readings"][0]["value"] == 0.5
        for number in range(20):
            db.commit(reading_of(number / 100))
            assert (await delta_with_readings(peer))["readings"][0]["value"] == number / 100
        direct_way = options.get("ws") is None
        assert any(c.direct is not None for c in stage.hub._clients) is direct_way
        if direct_way:
            assert any(c.group is not None for c in stage.hub._clients), "the hub writes to it"


@pytest.mark.parametrize(("changes", "told_by"), [(150, "a merged delta"), (300, "a snapshot")])
async def test_a_slow_reader_sees_the_latest_and_holds_up_nobody(changes, told_by):
    db, clock = database(), StillClock(NOW_S)
    subjects = [s for s in PROFILE.subjects if s.startswith("area:")][:40]
    async with serving(db, clock) as stage, stage.connect() as quick:
        await frame(quick, "snapshot")
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", stage.port))
        slow.setblocking(False)
        slow.sendall(_handshake(stage.port))
        loop = asyncio.get_running_loop()
        heard = await loop.sock_recv(slow, 2000)
        assert b" 101 " in heard
        for number in range(changes):
            db.commit(*(reading_of(number / 1000, subject=s) for s in subjects))
            told = await delta_with_readings(quick)
            assert told["readings"][0]["value"] == number / 1000
        [held] = [c for c in stage.hub._clients if c.group is None]
        waiting = held.direct.transport.get_write_buffer_size()
        assert waiting < 400_000, "one snapshot or one merged delta at most"
        text = heard
        async with asyncio.timeout(10):
            while b'"value":%.3f' % ((changes - 1) / 1000) not in text[-20_000:]:
                text = text[-40_000:] + await loop.sock_recv(slow, 65536)
        slow.close()
    # What the ring still holds is merged; who fell out of it is told so and starts anew.
    assert (stage.hub.conflated, stage.hub.resets) == ((1, 0) if "merged" in told_by else (0, 1))


async def test_a_message_may_have_64_kib():
    async with serving(database(), StillClock(NOW_S)) as stage:
        async with stage.connect() as peer:
            await frame(peer, "snapshot")
            await peer.send(" " * (64 * 1024))
            await frame(peer, "beat")
        async with stage.connect() as peer:
            with pytest.raises(ConnectionClosed) as closed:
                await peer.send(" " * (64 * 1024 + 1))
                while True:
                    await peer.recv()
            assert closed.value.rcvd.code == 1009


async def test_a_peer_that_is_gone_without_a_word_is_let_go(monkeypatch):
    monkeypatch.setattr(direct, "LINGER_S", 0.1)
    options = {"ws_ping_interval": 0.3, "ws_ping_timeout": 0.3}
    db = database()
    async with serving(db, StillClock(NOW_S), **options) as stage, stage.connect() as well:
        silent = socket.create_connection(("127.0.0.1", stage.port))
        silent.sendall(_handshake(stage.port))
        async with asyncio.timeout(5):
            while len(stage.hub._clients) < 2:
                await asyncio.sleep(0.02)
            while len(stage.hub._clients) > 1:
                db.commit(*(reading_of(0.1, subject=s) for s in list(PROFILE.subjects)[:100]))
                await asyncio.sleep(0.02)
                await well.recv()
        silent.close()


async def test_who_leaves_in_the_middle_of_a_fan_out_disturbs_nobody():
    db = database()
    async with serving(db, StillClock(NOW_S)) as stage, stage.connect() as stays:
        await frame(stays, "snapshot")
        for round_ in range(15):
            others = [await stage.connect() for _ in range(8)]
            db.commit(reading_of(round_ / 100))
            for other in others[::2]:
                other.transport.abort()
            db.commit(reading_of(round_ / 100 + 0.001))
            for other in others[1::2]:
                await other.close()
            while (await delta_with_readings(stays))["readings"][0]["value"] < round_ / 100 + 0.001:
                pass
        async with asyncio.timeout(5):
            while len(stage.hub._clients) > 1:
                await asyncio.sleep(0.02)
        assert sum(len(g.members) for g in stage.hub.fan._groups.values()) <= 1


async def test_who_is_called_away_in_a_pause_of_a_fan_out_hears_nothing_twice(monkeypatch):
    """A fan-out to many pauses; meanwhile some of them, served or not, are spoken to alone."""
    monkeypatch.setattr(fanout, "YIELD_EVERY", 1)
    db = database()
    async with serving(db, StillClock(NOW_S)) as stage:
        peers = [await stage.connect() for _ in range(6)]
        for peer in peers:
            await frame(peer, "snapshot")
        async with asyncio.timeout(5):
            while not all(c.group for c in stage.hub._clients):
                await asyncio.sleep(0.01)
        called = 0

        def write_and_call(file, data):
            nonlocal called
            if b'"t":"delta"' in data:
                called += 1
                loop = asyncio.get_running_loop()
                for client in list(stage.hub._clients):
                    loop.call_soon(client.rouse)
            return os.write(file, data)

        monkeypatch.setattr(fanout, "_to_kernel", write_and_call)
        heard = [[] for _ in peers]
        for number in range(1, 31):
            db.commit(reading_of(number / 1000))
            for peer, values in zip(peers, heard, strict=True):
                values.append((await delta_with_readings(peer))["readings"][0]["value"])
        assert called >= 30, "the hub wrote deltas to a group"
        for values in heard:
            assert values == [number / 1000 for number in range(1, 31)]


async def test_who_comes_in_a_crowd_misses_nothing_and_hears_nothing_twice():
    """Those after the first are given the snapshot of a moment ago, while changes go on."""
    db, last, begun = database(), 300, asyncio.Event()
    asked = 0
    async with serving(db, StillClock(NOW_S)) as stage:
        snapshot_of = stage.hub.snapshot

        async def counted(seen, least):
            nonlocal asked
            asked += 1
            return await snapshot_of(seen, least)

        stage.hub.snapshot = counted

        async def change() -> None:
            for number in range(1, last + 1):
                db.commit(reading_of(number / 1000))
                await asyncio.sleep(0.005)
                if number == 20:
                    begun.set()

        async def come(after_s: float) -> None:
            await begun.wait()
            await asyncio.sleep(after_s)
            async with stage.connect() as peer:
                snapshot = (await frame(peer, "snapshot"))["data"]
                at, seen = snapshot["offset"], [snapshot["readings"][0]["value"]]
                while seen[-1] < last / 1000:
                    told = await delta_with_readings(peer)
                    assert told["offset"] > at
                    at = told["offset"]
                    seen.append(told["readings"][0]["value"])
                steps = [round((b - a) * 1000) for a, b in itertools.pairwise(seen)]
                # A snapshot may be of a little later than the offset it names.
                assert set(steps[1:]) == {1}, steps

        crowd = [come(n % 7 * 0.05) for n in range(40)]
        await asyncio.gather(change(), *crowd)
        assert 0 < asked < 40, "most were greeted with one that was there"


async def test_pongs_and_deltas_to_a_slow_reader_never_mix():
    """The server's own frames and the hub's go two ways into one connection."""
    db = database()
    subjects = [s for s in PROFILE.subjects if s.startswith("area:")][:30]
    async with serving(db, StillClock(NOW_S)) as stage:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", stage.port))
        async with websockets.connect(
            f"ws://127.0.0.1:{stage.port}/api/v1/live", sock=slow, compression=None, max_queue=1,
            ping_interval=None,
        ) as peer:  # fmt: skip
            await frame(peer, "snapshot")
            pings, last = [], -1.0
            for number in range(1, 301):
                db.commit(*(reading_of(number / 1000, subject=s) for s in subjects))
                pings.append(await peer.ping(b"%0100d" % number))
                if number % 10 == 0:
                    while last < number / 1000:
                        told = await delta_with_readings(peer)
                        values = [r["value"] for r in told["readings"]]
                        assert min(values) >= last, "nothing older after something newer"
                        last = max(values)
            await asyncio.gather(*pings)
            assert last == 0.3


def _handshake(port: int) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
