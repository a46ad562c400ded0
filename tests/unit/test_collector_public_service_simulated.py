"""The public-service collector against the simulated portal, in one process, without sockets."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from app.domain.feed import FeedDown
from app.plugin import Feed, RecordUpdate, Reply
from collectors._world.calendar import midnight_s
from collectors._world.feed import Message, PageOf
from collectors._world.world import World
from collectors.public_service import collector
from collectors.public_service.simulator import feed as simulated_feed
from collectors.public_service.stamps import stamp

ROOT = Path(__file__).parents[2]
SOURCE = tomllib.loads((ROOT / "app/profiles/laocai/sources/public_service.toml").read_text())
DAY_S = midnight_s(date(2022, 10, 3))


@dataclass
class _Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Faults:
    on: set[str] = field(default_factory=set)
    session_epoch: int = 0
    session_valid_since: int = 0

    def active(self, name: str) -> bool:
        return name in self.on

    def param(self, name: str, key: str, default: str) -> str:
        return default


@dataclass
class _Served:
    messages: list[Message]
    faults: _Faults = field(default_factory=_Faults)

    def page(self, after: int, limit: int, upto_s: int | None = None) -> PageOf:
        found = list(enumerate(self.messages, 1))[after : after + limit]
        until = after + len(found)
        more = until < len(self.messages)
        return PageOf(found, until, more, found[-1][1].published_s if found else DAY_S)

    def now_s(self) -> int:
        return DAY_S


@dataclass
class _InProcess:
    """The collector's feed, wired to the simulator's routes without a socket."""

    client: httpx2.AsyncClient
    settings: dict[str, str] = field(default_factory=lambda: dict(SOURCE["settings"]))
    memory: dict[str, str] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        answer = await self.client.request(
            method, f"/public_service/{path}", params=params, headers=headers, content=body
        )
        self.bodies.append(answer.content)
        return _Reply(answer.status_code, answer.content, dict(answer.headers))


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> tuple[_InProcess, _Served]:
    monkeypatch.delenv("IOC_PUBLIC_SERVICE_PASSWORD", raising=False)
    simulated = simulated_feed(World(1, 0.02))
    told = [
        message
        for number in range(12)
        for message in simulated.day(date(2022, 1, 1) + timedelta(days=number))
    ]
    served = _Served(sorted(told, key=lambda message: message.published_s))
    transport = httpx2.ASGITransport(app=Starlette(routes=list(simulated.routes(served))))
    return _InProcess(httpx2.AsyncClient(transport=transport, base_url="http://sim")), served


async def _everything(feed: Feed) -> list[RecordUpdate]:
    since, updates = "", list[RecordUpdate]()
    while True:
        page = await collector.collect(feed, since)
        assert page.rejected == ()
        updates.extend(page.updates)
        since = page.cursor
        if not page.more:
            return updates


async def test_everything_the_simulator_serves_is_read_in_order(
    upstream: tuple[_InProcess, _Served],
) -> None:
    feed, served = upstream
    feed.settings["page_size"] = "500"
    updates = await _everything(feed)
    assert updates == [collector.read_record(message.body)[0] for message in served.messages]
    assert len(updates) > 2500


async def test_what_is_served_says_when_it_appeared_also_when_a_fault_moved_it(
    upstream: tuple[_InProcess, _Served],
) -> None:
    feed, served = upstream
    before = await _everything(feed)
    served.messages = [replace(m, published_s=m.published_s + 3600) for m in served.messages]
    feed.bodies.clear()
    assert await _everything(feed) == before
    stamps = [r["PhatHanh"] for body in feed.bodies for r in json.loads(body)["result"]]
    assert stamps == [stamp(message.published_s) for message in served.messages]


async def test_the_faults_of_the_feed_show_as_they_should(
    upstream: tuple[_InProcess, _Served],
) -> None:
    feed, served = upstream
    honest = await collector.collect(feed, "")
    session = feed.memory["session"]
    served.faults.session_epoch += 1
    assert await collector.collect(feed, "") == honest
    assert feed.memory["session"] != session
    served.faults.on = {"clock-skew"}
    skewed = await collector.collect(feed, "")
    assert (skewed.updates, skewed.up_to_s) == (honest.updates, honest.up_to_s + 7200)
    answer = json.loads(feed.bodies[-1])
    assert answer["result"][-1]["PhatHanh"] == answer["hetDen"]
    served.faults.on = {"schema-drift"}
    drifted = await collector.collect(feed, "2019")
    assert 0 < len(drifted.rejected) < drifted.count / 5
    assert len(drifted.updates) + len(drifted.rejected) == drifted.count


async def test_a_wrong_password_gets_no_session(
    upstream: tuple[_InProcess, _Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, _ = upstream
    monkeypatch.setenv("IOC_PUBLIC_SERVICE_PASSWORD", "rieng")
    with pytest.raises(FeedDown, match="IOC_PUBLIC_SERVICE_PASSWORD"):
        await collector.collect(feed, "")


async def test_the_door_answers_strange_questions_in_its_own_way(
    upstream: tuple[_InProcess, _Served],
) -> None:
    feed, served = upstream
    await collector.collect(feed, "")
    session = feed.memory["session"]
    for asked, code in (
        (b"[]", "401"),
        (b"\xff", "401"),
        (json.dumps({"session": session, "service": "TraCuuHoSo"}).encode(), "404"),
        (
            json.dumps(
                {"session": session, "service": "LayHangDoiDongBo", "cursor": "abc"}
            ).encode(),
            "400",
        ),
    ):
        reply = await feed.request("POST", "share", body=asked)
        assert (reply.status, json.loads(reply.body)["error_code"]) == (200, code)
    asked = json.dumps({"session": session, "service": "LayDanhSachTTHC"}).encode()
    listed = json.loads((await feed.request("POST", "share", body=asked)).body)
    assert listed["error_code"] == 0
    procedures = {
        u.code
        for m in served.messages
        for u in collector.read_record(m.body)
        if u.kind != "dossier"
    }
    assert {item["MaTTHC"] for item in listed["result"]} == procedures
