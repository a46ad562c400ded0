"""The documents collector: pages, refusals, hostile edXML, and packets it must set aside."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from app.domain.feed import FeedBroken, FeedDown
from app.plugin import Event, Feed, RecordUpdate, Reply, Version
from collectors._world.calendar import midnight_s
from collectors._world.feed import Message, PageOf
from collectors._world.world import World
from collectors.documents import collector
from collectors.documents.simulator import feed as simulated_feed

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "collectors/documents/samples/page.json").read_bytes()
SOURCE = tomllib.loads((ROOT / "app/profiles/laocai/sources/documents.toml").read_text())
EDOC, STATUS, WORK_FILE = (
    json.dumps(packet, ensure_ascii=False) for packet in json.loads(PAGE)["packets"]
)
DOCUMENT = "000.00.12.H38,2022/10/03,1204/STTTT-CNTT"
DAY_S = midnight_s(date(2022, 10, 3))


def _at(hour: int, minute: int, second: int = 0) -> int:
    return DAY_S + hour * 3600 + minute * 60 + second


@dataclass
class _Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Upstream:
    """Answers by a function, and remembers what was asked."""

    answer: Callable[[str, dict[str, str], dict[str, str]], Reply]
    settings: dict[str, str] = field(default_factory=lambda: dict(SOURCE["settings"]))
    memory: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        self.asked.append((method, path, {**(params or {}), **(headers or {})}))
        return self.answer(path, params or {}, headers or {})


def _always(status: int, body: bytes) -> _Upstream:
    return _Upstream(lambda *_: _Reply(status, body))


async def test_a_page_gives_documents_statuses_and_work_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("IOC_DOCUMENTS_SECRET", raising=False)
    feed = _always(200, PAGE)
    page = await collector.collect(feed, "")
    method, path, told = feed.asked[0]
    assert (method, path.strip("/"), told["after"], told["limit"]) == (
        "GET",
        "packets",
        "0",
        "2000",
    )
    assert (told["X-SystemId"], told["X-SecretKey"]) == ("ioc-laocai", "mo-phong")
    assert (page.cursor, page.more, page.count, page.rejected) == ("3", False, 3, ())
    assert page.up_to_s == _at(8, 5, 59)
    assert page.payload_sha256 == hashlib.sha256(PAGE).hexdigest()
    due_s = midnight_s(date(2022, 10, 11)) - 1
    sent_s, envelope_s = _at(7, 30, 5), _at(7, 30)
    both = frozenset(("personal_signature", "agency_signature"))
    incoming = Version(sent_s, envelope_s, due_s)
    steps = (Event(_at(8, 5), "+offline"),)
    assert page.updates == (
        RecordUpdate(
            "document_out", DOCUMENT, "H38.12", version=Version(sent_s, envelope_s, flags=both)
        ),
        RecordUpdate("document_in", f"{DOCUMENT}>H38.31", "H38.31", version=incoming),
        RecordUpdate("document_in", f"{DOCUMENT}>H38.31.7", "H38.31.7", version=incoming),
        RecordUpdate(
            "document_in",
            f"{DOCUMENT}>H38.31",
            "H38.31",
            events=(Event(_at(7, 30, 40), "01"),),
        ),
        RecordUpdate(
            "work_file",
            "H38.31.7/221003/4",
            "H38.31.7",
            version=Version(_at(8, 5, 1), _at(7, 45), events=steps),
        ),
    )


def test_the_sample_of_the_reference_is_the_sample_file() -> None:
    text = (ROOT / "docs/reference/feeds/documents.md").read_text(encoding="utf-8")
    assert PAGE.decode().strip() in text


def test_nothing_about_people_is_kept() -> None:
    kept = repr([collector.read_record(p.encode()) for p in (EDOC, STATUS, WORK_FILE)])
    assert "Cán bộ" in STATUS and "Sở TT&amp;TT" in json.loads(EDOC)["edxml"]
    assert "Cán bộ" not in kept and "Sở" not in kept and "mô phỏng" not in kept


async def test_a_bad_packet_is_set_aside_and_the_page_goes_on() -> None:
    bad = STATUS.replace("StatusCode>01<", "StatusCode>12<")
    body = f'{{"packets":[{bad},{WORK_FILE}],"next":"9","more":true,"upTo":"2022/10/03 08:00:00"}}'
    page = await collector.collect(_always(200, body.encode()), "7")
    assert (len(page.updates), page.count, page.cursor, page.more) == (1, 2, "9", True)
    assert "StatusCode '12'" in page.rejected[0].reason
    assert page.rejected[0].payload == bad.encode()


@pytest.mark.parametrize(
    ("packet", "old", "new", "reason"),
    [
        (EDOC, '"sent"', '"sentAt"', "sent"),
        (EDOC, "2022/10/03 07:30:05", "2022/13/03 07:30:05", "2022/13/03"),
        (EDOC, "2022/10/03 07:30:05", "2022/10/03T07:30:05", "expected yyyy/MM/dd HH:mm:ss"),
        (EDOC, "2022/10/03 07:30:05", "2022/10/03 24:00:00", "no such time"),
        (EDOC, "DueDate>2022/10/10<", "DueDate>10/10/2022<", "expected yyyy/MM/dd"),
        (EDOC, "DueDate>2022/10/10<", "DueDate>2022/2/30<", "expected yyyy/MM/dd"),
        (EDOC, "OrganId>H38.31<", "OrganId>G2.9<", "expected a code as"),
        (EDOC, "OrganId>000.07.31.H38<", "OrganId>000.07.00.H38<", "expected a code as"),
        (EDOC, "edXML:DocumentId>", "edXML:DocumentID>", "DocumentId is missing"),
        (EDOC, "edXML:Timestamp>", "edXML:Time>", "Timestamp is missing"),
        (EDOC, "QCVN_102_2016", "QCVN_102_2022", "QCVN 102"),
        (EDOC, "</edXML:edXML>", "", "not well-formed"),
        (EDOC, '"type": "edoc"', '"type": "letter"', "expected edoc, status or workfile"),
        (EDOC, '"type": "edoc"', '"type": "status"', "status without MessageStatus"),
        (EDOC, '"type": "edoc"', '"type": "workfile"', "workfile without hscv"),
        (STATUS, "StatusCode>01<", "StatusCode>1<", "StatusCode '1'"),
        (STATUS, "OrganId>000.00.31.H38<", "OrganId><", "From/OrganId is missing"),
        (WORK_FILE, '"MaDonVi": "H38.31.7"', '"MaDonVi": "G22"', "an agency of H38"),
        (WORK_FILE, '"BuocXuLy"', '"Buoc"', "BuocXuLy"),
        (WORK_FILE, '"TrenMang": "0"', '"TrenMang": "2"', "TrenMang '2'"),
        (WORK_FILE, '"TrenMang": "0"', '"TrenMang": null', "TrenMang"),
        (WORK_FILE, '"H38.31.7/221003/4"', '"H38\\u0000"', "printable"),
        (WORK_FILE, '"H38.31.7/221003/4"', '""', "printable"),
    ],
)
def test_what_cannot_be_read_says_why(packet: str, old: str, new: str, reason: str) -> None:
    spoilt = packet.replace(old, new)
    assert spoilt != packet
    with pytest.raises(ValueError) as caught:
        collector.read_record(spoilt.encode())
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "edxml",
    [
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        '<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>',
        "<a>" * 100_000,
        "<a>" + "x" * 1_000_001 + "</a>",
        "",
        "\u0000",
    ],
    ids=["entity", "hidden doctype", "deep", "endless", "empty", "nul"],
)
def test_hostile_edxml_is_refused(edxml: str) -> None:
    told = {"type": "edoc", "sent": "2022/10/03 07:30:05", "edxml": edxml}
    with pytest.raises(ValueError):
        collector.read_record(json.dumps(told).encode())


def test_agencies_outside_the_province_send_receive_and_count_nowhere() -> None:
    from_ministry = EDOC.replace("OrganId>000.00.12.H38<", "OrganId>000.00.00.G09<")
    assert [u.kind for u in collector.read_record(from_ministry.encode())] == ["document_in"] * 2
    to_ministry = EDOC.replace("OrganId>H38.31<", "OrganId>G09.12<")
    told = collector.read_record(to_ministry.encode())
    assert [(u.kind, u.owner) for u in told] == [
        ("document_out", "H38.12"),
        ("document_in", "H38.31.7"),
    ]
    by_ministry = STATUS.replace("OrganId>000.00.31.H38<", "OrganId>A38.DN.002<")
    assert collector.read_record(by_ministry.encode()) == ()


@pytest.mark.parametrize(
    ("told", "agency"),
    [
        ("H57", None),
        ("G09.12", None),
        ("000.00.00.G09", None),
        ("H38", "H38"),
        ("000.00.00.H38", "H38"),
        ("H38.12", "H38.12"),
        ("000.00.12.H38", "H38.12"),
        ("000.07.31.H38", "H38.31.7"),
        ("000.007.031.H38", "H38.31.7"),
        ("000.16.38.H38", "H38.38.16"),
    ],
)
def test_both_styles_of_code_name_one_agency(told: str, agency: str | None) -> None:
    assert collector.agency(told) == agency


def test_every_agency_is_known_by_both_its_codes() -> None:
    for one in World(1, 0.01).agencies:
        assert collector.agency(one.old_code) == collector.agency(one.code) == one.code


@pytest.mark.parametrize(
    "body",
    [
        b"<html>502</html>",
        PAGE[: len(PAGE) // 2],
        PAGE.replace(b'"upTo"', b'"upto"'),
        PAGE.replace(b'"packets"', b'"data"'),
        PAGE.replace(b'"next":"3"', b'"next":3'),
        PAGE.replace(b"2022/10/03 08:05:59", b"2022-10-03 08:05:59"),
        b"\xff\xfe",
        b"",
    ],
)
async def test_a_page_that_is_none_is_broken(body: bytes) -> None:
    with pytest.raises(FeedBroken, match="expected JSON with packets, next, more, upTo") as caught:
        await collector.collect(_always(200, body), "5")
    assert caught.value.payload == body


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_means_not_now(status: int) -> None:
    with pytest.raises(FeedDown, match=f"{status} to /packets.*IOC_DOCUMENTS_SECRET"):
        await collector.collect(_always(status, b"{}"), "5")


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
            method,
            f"/documents/{path.lstrip('/')}",
            params=params,
            headers=headers,
            content=body,
        )
        return _Reply(answer.status_code, answer.content, dict(answer.headers))


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> tuple[Feed, _Served]:
    monkeypatch.delenv("IOC_DOCUMENTS_SECRET", raising=False)
    axis = simulated_feed(World(1, 0.02))
    days = [axis.day(date(2022, 1, 1) + timedelta(days=number)) for number in range(8)]
    served = _Served([m for day in days for m in sorted(day, key=lambda m: m.published_s)])
    transport = httpx2.ASGITransport(app=Starlette(routes=list(axis.routes(served))))
    return _InProcess(httpx2.AsyncClient(transport=transport, base_url="http://sim")), served


async def test_everything_the_simulator_serves_is_read_in_order(
    simulated: tuple[Feed, _Served],
) -> None:
    feed, served = simulated
    feed.settings["page_size"] = "500"
    since, more, updates = "", True, list[RecordUpdate]()
    while more:
        page = await collector.collect(feed, since)
        assert page.rejected == ()
        updates.extend(page.updates)
        since, more = page.cursor, page.more
    assert updates == [u for m in served.messages for u in collector.read_record(m.body)]
    assert {u.kind for u in updates} == {"document_out", "document_in", "work_file"}


async def test_the_faults_of_the_feed_show_as_they_should(
    simulated: tuple[Feed, _Served],
) -> None:
    feed, served = simulated
    honest = await collector.collect(feed, "0")
    served.faults.on = {"clock-skew"}
    skewed = await collector.collect(feed, "0")
    assert (skewed.updates, skewed.up_to_s) == (honest.updates, honest.up_to_s + 7200)
    served.faults.on = {"schema-drift"}
    drifted = await collector.collect(feed, "0")
    assert len(drifted.rejected) == drifted.count // 7
    assert "sent" in drifted.rejected[0].reason
    served.faults.on = {"auth-expired"}
    with pytest.raises(FeedDown, match="401 to /packets"):
        await collector.collect(feed, "0")
    served.faults.on = set()
    assert await collector.collect(feed, "0") == honest


async def test_the_axis_stamps_what_a_fault_moved(simulated: tuple[Feed, _Served]) -> None:
    feed, served = simulated
    served.messages = [Message(DAY_S + 3661, served.messages[0].body)]
    headers = {"X-SystemId": "a", "X-SecretKey": "mo-phong"}
    reply = await feed.request("GET", "packets", headers=headers)
    assert json.loads(reply.body)["packets"][0]["published"] == "2022/10/03 01:01:01"


async def test_only_those_who_know_the_key_are_served(
    simulated: tuple[Feed, _Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, _ = simulated
    monkeypatch.setenv("IOC_DOCUMENTS_SECRET", "wrong")
    with pytest.raises(FeedDown, match="401 to /packets"):
        await collector.collect(feed, "")
    headers = {"X-SystemId": "", "X-SecretKey": "mo-phong"}
    assert (await feed.request("GET", "packets", headers=headers)).status == 401
    headers["X-SystemId"] = "a"
    for wrong in ("-1", "x", "²", "1" * 20):
        reply = await feed.request("GET", "packets", params={"after": wrong}, headers=headers)
        assert reply.status == 400
