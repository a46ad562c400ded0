"""The live channel over real sockets: uvicorn on a loopback port and a WebSocket client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from dataclasses import replace

import pytest
import uvicorn
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.access import Door
from app.api import ApiParts, BareLive, Snapshots, create_api
from app.live import Hub, storing
from app.live.direct import DirectProtocol
from app.live.frames import Ring
from tests.unit.in_memory import (
    NOW_S,
    PROFILE,
    Database,
    StillClock,
    alert_of,
    health_of,
    reading_of,
)


class Stage:
    """A running server and what it reads from."""

    def __init__(self, db, clock, hub, port):
        self.db, self.clock, self.hub, self.port = db, clock, hub, port

    def connect(self, place="", **options):
        options.setdefault("max_size", None)
        url = f"ws://127.0.0.1:{self.port}/api/v1/live{place}"
        return websockets.connect(url, proxy=None, **options)


@contextlib.asynccontextmanager
async def serving(db, clock, tokens=None, **server_options):
    """With ``tokens``, behind a door that lets nobody in without one."""
    snapshots = Snapshots(PROFILE, clock, db, db, db, db, "0.1.0")
    hub = Hub(PROFILE, clock, db, snapshots.text, db, db, db)

    async def ready() -> bool:
        return True

    parts = ApiParts(
        PROFILE, clock, db, db, db, db, db, hub, "0.1.0", None, ready, snapshots, hub.stats
    )
    if tokens is not None:
        door = Door(tokens, PROFILE.subjects, clock, "nowhere", hub.close_token)
        parts = replace(parts, gate=door)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    options = {"ws": DirectProtocol, "ws_max_size": 64 * 1024} | server_options
    app = BareLive(create_api(parts), parts)
    config = uvicorn.Config(app, log_level="warning", lifespan="off", **options)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    stop = asyncio.Event()
    work = [hub.run(stop), *([door.run(stop)] if tokens is not None else ())]
    running = asyncio.gather(*work)
    serve = asyncio.create_task(server.serve([bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield Stage(db, clock, hub, bound.getsockname()[1])
    finally:
        stop.set()
        await running
        server.should_exit = True
        await serve


@pytest.fixture
async def stage():
    db, clock = Database(), StillClock(NOW_S)
    db.healths = {s: health_of(s) for s in PROFILE.sources}
    db.commit(reading_of(0.5))
    async with serving(db, clock) as found:
        yield found


async def frame(socket, kind, *, within=5.0):
    """The next frame of a kind."""
    async with asyncio.timeout(within):
        while True:
            told = json.loads(await socket.recv())
            if told["t"] == kind:
                return told


async def delta_with_readings(socket):
    while True:
        told = await frame(socket, "delta")
        if told["readings"]:
            return told


async def followed(stage):
    """Until the hub has read all there is."""
    async with asyncio.timeout(5):
        while stage.hub.offset != stage.db.offset:
            await asyncio.sleep(0.01)


async def test_hello_then_a_snapshot_then_deltas(stage):
    async with stage.connect() as socket:
        hello = json.loads(await socket.recv())
        assert (hello["t"], hello["schema"], hello["build"]) == ("hello", 1, "0.1.0")
        snapshot = (await frame(socket, "snapshot"))["data"]
        assert (snapshot["epoch"], snapshot["offset"]) == ("e1", 1)
        assert snapshot["readings"][0]["value"] == 0.5
        stage.db.commit(reading_of(0.6, at_s=NOW_S))
        told = await delta_with_readings(socket)
        assert told["offset"] == 2
        assert told["readings"][0]["value"] == 0.6
        assert told["readings"][0]["quality"] == "fresh"
        assert told["readings"][0].keys().isdisjoint({"delta", "trend"})


async def test_after_a_cut_a_client_gets_what_it_missed_and_nothing_else(stage):
    async with stage.connect() as socket:
        await frame(socket, "snapshot")
    for number in range(3):
        stage.db.commit(reading_of(0.6 + number / 10))
    await followed(stage)
    async with stage.connect("?epoch=e1&offset=2") as socket:
        assert json.loads(await socket.recv())["t"] == "hello"
        seen = [await delta_with_readings(socket) for _ in range(2)]
    assert [d["offset"] for d in seen] == [3, 4]
    assert seen[-1]["readings"][0]["value"] == pytest.approx(0.8)


async def test_a_client_resumes_across_a_restart_of_the_server():
    db, clock = Database(), StillClock(NOW_S)
    db.healths = {s: health_of(s) for s in PROFILE.sources}
    for number in range(5):
        db.commit(reading_of(number / 10))
    async with serving(db, clock) as stage:
        await followed(stage)
        async with stage.connect("?epoch=e1&offset=3") as socket:
            assert (await delta_with_readings(socket))["offset"] == 4
            assert (await delta_with_readings(socket))["offset"] == 5


@pytest.mark.parametrize(
    "place", ["?epoch=old&offset=1", "?epoch=e1&offset=9999", "?epoch=e1&offset=-3"]
)
async def test_a_place_of_another_history_is_reset(stage, place):
    await followed(stage)
    async with stage.connect(place) as socket:
        seen = [json.loads(await socket.recv())["t"] for _ in range(3)]
    assert [t for t in seen if t != "beat"][:3] == ["hello", "reset", "snapshot"]


async def test_a_place_older_than_the_ring_is_reset(stage):
    stage.hub.ring = Ring(frames=4)
    for number in range(12):
        stage.db.commit(reading_of(number / 20))
    await followed(stage)
    async with stage.connect("?epoch=e1&offset=2") as socket:
        assert "gone" in (await frame(socket, "reset"))["reason"]
        assert (await frame(socket, "snapshot"))["data"]["offset"] == 13


async def test_a_history_that_begins_anew_resets_everyone(stage):
    async with stage.connect() as socket:
        await frame(socket, "snapshot")
        stage.db.restore("e2")
        await frame(socket, "reset")
        assert (await frame(socket, "snapshot"))["data"]["epoch"] == "e2"


async def test_a_reader_that_stops_reading_gets_the_latest_and_every_alert(stage):
    async with stage.connect(max_queue=1, compression=None) as socket:
        await frame(socket, "snapshot")
        socket.transport.pause_reading()
        wide = "x" * 20_000
        for number in range(300):
            alerts = [alert_of(number)] if number % 100 == 50 else []
            reading = replace(reading_of(number / 1000), reason=wide)
            stage.db.commit(reading, alerts=alerts)
            if number % 20 == 0:
                await followed(stage)
        await followed(stage)
        socket.transport.resume_reading()
        seen = []
        while not seen or seen[-1]["offset"] < stage.db.offset:
            seen.append(await delta_with_readings(socket))
    assert stage.hub.conflated >= 1
    assert len(seen) < 300
    assert seen[-1]["readings"][0]["value"] == pytest.approx(0.299)
    assert [a["id"] for d in seen for a in d["alerts"]] == [50, 150, 250]


async def test_a_slow_reader_holds_up_nobody(stage):
    async with stage.connect(max_queue=1) as slow, stage.connect() as quick:
        await frame(quick, "snapshot")
        slow.transport.pause_reading()
        for number in range(100):
            stage.db.commit(replace(reading_of(number / 1000), reason="x" * 20_000))
        await followed(stage)
        stage.db.commit(reading_of(0.777))
        async with asyncio.timeout(5):
            while (await delta_with_readings(quick))["readings"][0]["value"] != 0.777:
                pass
        slow.transport.resume_reading()


async def test_a_reader_behind_the_kept_history_is_reset(stage):
    stage.hub.ring = Ring(frames=5)
    async with stage.connect(max_queue=1, compression=None) as socket:
        await frame(socket, "snapshot")
        socket.transport.pause_reading()
        for number in range(300):
            stage.db.commit(replace(reading_of(number / 1000), reason="x" * 50_000))
        await followed(stage)
        socket.transport.resume_reading()
        assert "behind" in (await frame(socket, "reset"))["reason"]
        told = (await frame(socket, "snapshot"))["data"]
        assert told["offset"] == stage.db.offset


async def test_a_beat_every_second_with_the_place_and_every_source(stage):
    async with stage.connect() as socket:
        await frame(socket, "beat")
        loop = asyncio.get_running_loop()
        began = loop.time()
        beats = [await frame(socket, "beat") for _ in range(3)]
        assert 2.5 < loop.time() - began < 4
    assert beats[-1]["offset"] == 1
    assert {s["id"] for s in beats[-1]["sources"]} == set(PROFILE.sources)
    assert beats[-1]["sources"][0].keys() == {"id", "quality", "watermark", "progress"}
    assert beats[-1]["clock"]["data"] == "2022-10-03T09:15:00+07:00"


async def test_while_the_database_is_away_beats_go_on_and_sources_grow_stale(stage):
    async with stage.connect() as socket:
        await frame(socket, "snapshot")
        stage.db.away = True
        stage.clock.at_s += 1000
        await frame(socket, "beat")
        beat = await frame(socket, "beat")
        assert {s["quality"] for s in beat["sources"]} == {"stale"}
        async with stage.connect() as late:
            assert json.loads(await late.recv())["t"] == "hello"
            await frame(late, "beat")
            await frame(late, "beat")
            stage.db.away = False
            await frame(late, "snapshot", within=8)
        stage.db.commit(reading_of(0.9))
        assert (await delta_with_readings(socket))["readings"][0]["value"] == 0.9


@pytest.mark.parametrize(
    ("what", "bad", "well"),
    [("away", True, False), ("refusal", "DiskFullError", None), ("lives", False, True)],
)
async def test_data_that_cannot_be_current_is_told_before_ages_tell_it(
    stage, monkeypatch, what, bad, well
):
    monkeypatch.setattr(storing, "AWAY_AFTER_S", 1.5)
    monkeypatch.setattr(storing, "NO_PULSE_AFTER_S", 1.5)
    async with stage.connect() as socket:
        await frame(socket, "snapshot")
        assert {s["quality"] for s in (await frame(socket, "beat"))["sources"]} == {"fresh"}
        for value, quality in ((bad, "stale"), (well, "fresh")):
            setattr(stage.db, what, value)
            until = time.monotonic() + 8
            while {s["quality"] for s in (await frame(socket, "beat"))["sources"]} != {quality}:
                assert time.monotonic() < until, f"no beat says {quality}"


async def test_a_source_that_falls_silent_is_told_at_once(stage):
    async with stage.connect() as socket:
        await frame(socket, "snapshot")
        await frame(socket, "beat")
        failed = replace(stage.db.healths["documents"], last_error="503 from upstream")
        stage.db.healths["documents"] = failed
        while True:
            told = {s["id"]: s for s in (await frame(socket, "delta"))["sources"]}
            if told.get("documents", {}).get("last_error"):
                break
    assert told["documents"]["late_after_s"] == 300


async def test_alerts_are_fetched_once_and_sent_whole(stage):
    async with stage.connect() as socket:
        await frame(socket, "snapshot")
        stage.db.commit(alerts=[alert_of(7), alert_of(8)])
        told = await frame(socket, "delta")
        while not told["alerts"]:
            told = await frame(socket, "delta")
    assert [a["id"] for a in told["alerts"]] == [7, 8]
    assert told["alerts"][0]["owner"]
    assert stage.db.reads["alerts_by_id"] == 1


async def test_changes_of_a_fill_are_not_sent_but_screens_see_where_it_ended(stage):
    async with stage.connect() as socket:
        await frame(socket, "snapshot")
        await asyncio.sleep(0.1)
        for number in range(50):
            stage.db.commit(
                reading_of(number / 100), reading_of(0.1, subject="area:02647"), filling=True
            )
        stage.db.commit(reading_of(0.33, subject="area:080"))
        seen = {}
        async with asyncio.timeout(6):
            while ("area:10", 0.49) not in seen.items():
                told = await delta_with_readings(socket)
                seen |= {r["subject"]: r["value"] for r in told["readings"]}
    assert seen == {"area:10": 0.49, "area:080": 0.33}


async def test_a_new_day_brings_a_snapshot_with_its_daily_closes(stage):
    key = ("ps.on_time", "area:10", "month")
    async with stage.connect() as socket:
        assert (await frame(socket, "snapshot"))["data"]["readings"][0]["trend"] == []
        await followed(stage)
        stage.db.closes[key] = (0.7,)
        stage.clock.at_s += 86400
        stage.db.commit(reading_of(0.75, at_s=NOW_S + 86400))
        told = (await frame(socket, "snapshot", within=8))["data"]["readings"][0]
        assert told["trend"] == [0.7]
        assert told["delta"] == pytest.approx(0.05)


async def test_a_page_of_another_host_is_refused(stage):
    with pytest.raises(InvalidStatus) as refused:
        async with stage.connect(origin="http://elsewhere.example"):
            pass
    assert refused.value.response.status_code == 403
    async with stage.connect(origin=f"http://127.0.0.1:{stage.port}") as socket:
        await frame(socket, "snapshot")


async def test_what_a_client_says_is_ignored_until_it_is_too_much(stage):
    async with stage.connect() as socket:
        await frame(socket, "snapshot")
        await socket.send("anything")
        await frame(socket, "beat")
        await socket.send("x" * (64 * 1024 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await socket.recv()
    assert closed.value.rcvd.code == 1009


async def test_a_server_that_stops_says_so():
    db, clock = Database(), StillClock(NOW_S)
    async with serving(db, clock) as stage:
        socket = await stage.connect()
        await frame(socket, "snapshot")
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            await socket.recv()
    assert closed.value.rcvd.code == 1001
