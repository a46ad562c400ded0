"""The simulators' program over HTTP: feeds, faults, truth, sinks."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette

from collectors._world.calendar import iso, seconds_of
from collectors._world.server import Place, build, find_feeds
from collectors._world.world import World
from tests.unit.world_fake import FakeClock, FakeFeed

NOW = seconds_of("2022-02-21T10:00:00")


def program(data_dir: Path | None = None, smtp_port: int | None = None) -> Starlette:
    world = World()
    place = Place(smtp_port=smtp_port, data_dir=data_dir)
    return build(world, FakeClock(NOW), [FakeFeed(world)], place)


def over(app: Starlette) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://sim")


async def records(client: httpx2.AsyncClient, after: int = 0, **more: Any) -> dict[str, Any]:
    answer = await client.get("/fake/records", params={"after": after, "limit": 100, **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_feed_serves_its_history_and_says_how_far_it_is_complete() -> None:
    async with over(program()) as client:
        first = await records(client)
        assert len(first["records"]) == 102
        assert first["more"]
        told, after = first, first["next"]
        while told["more"]:
            told = await records(client, after)
            after = told["next"]
        assert told["upto"] == iso(NOW - 1)
        ledger = (await client.get("/control/ledger")).json()
        assert ledger["feeds"]["fake"]["messages"] == after
        assert ledger["feeds"]["fake"]["last_published"] == "2022-02-21T09:55:00+07:00"
        early = (await client.get("/control/ledger", params={"known": first["upto"]})).json()
        assert early["known"] == first["upto"]
        assert early["feeds"]["fake"]["messages"] == first["next"] < after
        assert (await client.get("/control/ledger", params={"known": "soon"})).status_code == 400


async def test_truth_counts_what_was_known() -> None:
    async with over(program()) as client:
        asked = {"indicator": "fake.count", "level": "district", "period": "day"}
        latest = (await client.get("/truth", params=asked)).json()
        assert latest["at"] == latest["known"] == iso(NOW - 1)
        known = "2022-01-04T08:00:00+07:00"
        early = (await client.get("/truth", params={**asked, "at": known, "known": known})).json()
        # The first working day is Tuesday 4 January; 07:30 to 08:00 inclusive, every five minutes.
        assert early["subjects"]["area:080"] == {"value": 7.0, "num": 7.0, "den": None}
        assert latest["subjects"]["area:080"]["num"] > 1000
        # A plus sign left as it is in an address means a space; it is understood all the same.
        raw = await client.get(f"/truth?indicator=fake.count&level=district&period=day&at={known}")
        assert raw.json()["at"] == known


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"indicator": "fake.count"}, 400, "'level' is missing"),
        ({"indicator": "x", "level": "district", "period": "day"}, 404, "fake.count"),
        ({"indicator": "fake.count", "level": "moon", "period": "day"}, 422, "level moon"),
        ({"indicator": "x", "level": "y", "period": "day", "at": "soon"}, 400, "ISO 8601"),
    ],
)
async def test_a_question_that_cannot_be_answered_says_why(
    asked: dict[str, str], status: int, said: str
) -> None:
    async with over(program()) as client:
        answer = await client.get("/truth", params=asked)
        assert answer.status_code == status
        assert said in answer.json()["detail"]


async def test_hand_worked_records_are_evaluated_alone() -> None:
    record = {"n": 1, "area": "082", "sent_s": 100}
    ask = {"indicator": "fake.count", "level": "district", "period": "day", "at": iso(100)}
    body = {"feed": "fake", "messages": [record, json.dumps(record)], "asks": [ask]}
    async with over(program()) as client:
        told = (await client.post("/truth/evaluate", json=body)).json()
        assert told["answers"][0]["subjects"] == {"area:082": {"value": 1, "num": 1, "den": None}}
        assert (await client.post("/truth/evaluate", json={"feed": "fake"})).status_code == 400


async def test_served_faults_are_switched_on_and_off() -> None:
    async with over(program()) as client:
        await client.put("/control/faults/fake/outage", json={"on": True, "retry_after": 7})
        down = await client.get("/fake/records", params={"after": 0, "limit": 5})
        assert (down.status_code, down.headers["Retry-After"]) == (503, "7")
        assert (await client.get("/control/clock")).json()["data_now"] == iso(NOW)
        await client.delete("/control/faults/fake/outage")
        await records(client)

        await client.put("/control/faults/fake/garbage", json={"on": True})
        page = await client.get("/fake/records", params={"after": 0, "limit": 5})
        assert page.text.startswith("<html>")
        await client.put("/control/faults/fake/garbage", json={"on": True, "mode": "truncated"})
        page = await client.get("/fake/records", params={"after": 0, "limit": 5})
        assert page.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            page.json()
        await client.put("/control/faults/fake/garbage", json={"on": False})

        await client.put("/control/faults/fake/slow", json={"seconds": 0.3})
        begun = asyncio.get_running_loop().time()
        slow = await records(client)
        assert asyncio.get_running_loop().time() - begun >= 0.3
        await client.delete("/control/faults/fake/slow")
        assert slow == await records(client)


async def test_faults_left_to_the_feed_reach_its_routes() -> None:
    async with over(program()) as client:
        await client.put("/control/faults/fake/auth-expired", json={"on": True})
        refused = await client.get("/fake/records", params={"after": 0, "limit": 5, "session": 0})
        assert refused.status_code == 401
        await records(client, session=1)
        await client.put("/control/faults/fake/clock-skew", json={"on": True})
        last = await records(client, after=100_000, session=1)
        assert last["upto"] == iso(NOW - 1 + 7200)


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("fake/flood", {}, 400, "use one of late"),
        ("moon/late", {}, 404, "use one of fake, sink"),
        ("fake/late", {"share": 2}, 400, "from 0 to 1"),
        ("fake/late", {"until": "2022-01-01T00:00:00"}, 400, "later instant"),
        ("fake/late", [1], 400, ""),
    ],
)
async def test_a_wrong_switch_says_what_is_right(
    path: str, body: object, status: int, said: str
) -> None:
    async with over(program()) as client:
        answer = await client.put(f"/control/faults/{path}", json=body)
        assert answer.status_code == status
        assert said in answer.json()["detail"]


async def test_faults_outlive_the_program_and_a_directory_keeps_its_world(tmp_path: Path) -> None:
    async with over(program(tmp_path)) as client:
        await client.put("/control/faults/fake/late", json={"share": 0.4})
        before = await records(client)
    async with over(program(tmp_path)) as client:
        told = (await client.get("/control/faults")).json()
        assert told["feeds"]["fake"] == [
            {
                "fault": "late",
                "on": True,
                "from": iso(NOW),
                "until": None,
                "params": {"share": "0.4"},
            }
        ]
        assert await records(client) == before
    with pytest.raises(ValueError, match=r"seed 1, scale 0\.1"):
        build(World(2), FakeClock(NOW), [], Place(data_dir=tmp_path))


async def test_after_a_restart_the_log_is_made_again_before_a_page_is_served(
    tmp_path: Path,
) -> None:
    async with (
        listening(program(tmp_path)) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        ledger = (await client.get("/control/ledger")).json()["feeds"]["fake"]
    assert json.loads((tmp_path / "made.json").read_text()) == {"fake": ledger["days"]}
    async with (
        listening(program(tmp_path)) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        last = await records(client, after=ledger["messages"] - 3)
        assert len(last["records"]) == 3
        assert (await client.get("/control/ledger")).json()["feeds"]["fake"] == ledger


async def test_webhooks_are_kept_with_their_key_and_the_oldest_go() -> None:
    async with over(program()) as client:
        for turn in range(1003):
            key = {"Idempotency-Key": f"k{turn // 2}"}
            await client.post("/sink/webhook", json={"số": turn}, headers=key)
        told = (await client.get("/sink/messages")).json()
        assert (told["count"], len(told["messages"])) == (1003, 1000)
        assert (told["messages"][1]["key"], told["messages"][1]["repeats"]) == ("k500", 1)
        assert "lặp lại lần 1" in (await client.get("/sink")).text
        await client.put("/control/faults/sink/outage", json={"on": True})
        assert (await client.post("/sink/webhook", json={})).status_code == 503
        assert (await client.get("/sink/messages")).status_code == 200


async def test_the_switchboard_has_a_button_for_every_fault() -> None:
    async with over(program()) as client:
        await client.put("/control/faults/fake/late", json={"on": True})
        page = (await client.get("/")).text
        assert 'faults/fake/late" aria-pressed="true"' in page
        assert 'faults/fake/outage" aria-pressed="false"' in page
        assert "MÔ PHỎNG" in page


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def listening(app: Starlette) -> AsyncIterator[str]:
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", ws="none")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def test_mails_arrive_and_an_outage_can_cut_the_connection(tmp_path: Path) -> None:
    smtp_port = free_port()
    async with (
        listening(program(tmp_path, smtp_port)) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        mail = EmailMessage()
        mail["From"], mail["To"] = "ioc@example.org", "so-tu-phap@example.org"
        mail["Subject"], mail["Idempotency-Key"] = "Cảnh báo: chậm", "alert-1"
        mail.set_content("Tỷ lệ đúng hạn 80,12 %")
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=smtp_port)
        told = (await client.get("/sink/messages", params={"channel": "mail"})).json()
        one = told["messages"][0]
        assert (one["subject"], one["key"]) == ("Cảnh báo: chậm", "alert-1")
        assert "80,12 %" in one["body"]

        await client.put("/control/faults/fake/outage", json={"mode": "close"})
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get("/fake/records", params={"after": 0, "limit": 5})


def test_every_simulator_folder_is_found_and_a_wrong_name_is_refused() -> None:
    for feed in find_feeds(World()):
        assert feed.truth().indicators
    with pytest.raises(ValueError, match="no such simulator"):
        find_feeds(World(), ["moon"])
