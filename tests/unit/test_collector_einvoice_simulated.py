"""The e-invoice collector against the simulated aggregator, in one process and without sockets."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
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
from collectors.einvoice import collector
from collectors.einvoice.simulator import feed as simulated_feed

ROOT = Path(__file__).parents[2]
SOURCE = tomllib.loads((ROOT / "app/profiles/laocai/sources/einvoice.toml").read_text())
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
            method, f"/einvoice{path}", params=params, headers=headers, content=body
        )
        return _Reply(answer.status_code, answer.content, dict(answer.headers))


@pytest.fixture
async def upstream(monkeypatch: pytest.MonkeyPatch) -> tuple[Feed, _Served]:
    monkeypatch.delenv("IOC_EINVOICE_SECRET", raising=False)
    simulated = simulated_feed(World(1, 0.02))
    messages = [
        message
        for number in range(6)
        for message in sorted(
            simulated.day(date(2022, 1, 1) + timedelta(days=number)), key=lambda m: m.published_s
        )
    ]
    served = _Served(messages)
    transport = httpx2.ASGITransport(app=Starlette(routes=list(simulated.routes(served))))
    return _InProcess(httpx2.AsyncClient(transport=transport, base_url="http://sim")), served


async def test_everything_the_simulator_serves_is_read_in_order(
    upstream: tuple[Feed, _Served],
) -> None:
    feed, served = upstream
    since, updates = "", list[RecordUpdate]()
    while True:
        page = await collector.collect(feed, since)
        assert page.rejected == ()
        updates.extend(page.updates)
        since = page.cursor
        if not page.more:
            break
    assert page.up_to_s == served.messages[-1].published_s
    assert updates == [collector.read_record(message.body)[0] for message in served.messages]


async def test_the_faults_of_the_feed_show_as_they_should(upstream: tuple[Feed, _Served]) -> None:
    feed, served = upstream
    honest = await collector.collect(feed, "0")
    token = feed.memory["token"]
    served.faults.session_epoch += 1
    assert await collector.collect(feed, "0") == honest
    assert feed.memory["token"] != token
    served.faults.on = {"clock-skew"}
    skewed = await collector.collect(feed, "0")
    assert (skewed.updates, skewed.up_to_s) == (honest.updates, honest.up_to_s + 7200)
    served.faults.on = {"schema-drift"}
    drifted = await collector.collect(feed, "0")
    assert 0 < len(drifted.rejected) < 400
    assert len(drifted.updates) + len(drifted.rejected) == drifted.count


async def test_a_wrong_secret_gets_no_token(
    upstream: tuple[Feed, _Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, _ = upstream
    monkeypatch.setenv("IOC_EINVOICE_SECRET", "wrong")
    with pytest.raises(FeedDown, match="401 to /token"):
        await collector.collect(feed, "")
