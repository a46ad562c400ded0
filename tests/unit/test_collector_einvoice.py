"""The e-invoice collector: pages, tokens, hostile XML, and records it must refuse."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from app.domain.feed import FeedBroken, FeedDown
from app.plugin import Event, RecordUpdate, Reply, Version
from collectors._world.calendar import midnight_s
from collectors.einvoice import collector

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "collectors/einvoice/samples/page.xml").read_bytes()
SOURCE = tomllib.loads((ROOT / "app/profiles/laocai/sources/einvoice.toml").read_text())
OFFICES = collector.groups(collector.LAO_CAI)
DAY_S = midnight_s(date(2022, 10, 3))
HOUR = (
    '<THop PHanh="2022-10-03T09:02:10" TDGui="2022-10-03T09:02:01"><CQT>1106</CQT>'
    "<TGian>2022-10-03T08:00:00</TGian><DSLTDiep>"
    '<LTDiep MLTDiep="200"><SLuong>9</SLuong><SLHDon>9</SLHDon>'
    "<TgTTTBSo>21000000</TgTTTBSo></LTDiep>"
    '</DSLTDiep><DSLTBao><LTBao Ma="2"><SLuong>9</SLuong></LTBao></DSLTBao>'
    "<DSoat><SLGui>9</SLGui><SLXNhan>8</SLXNhan></DSoat></THop>"
)
VERSION = (
    '<DNghiep PHanh="2022-10-03T09:05:00" TDGui="2022-10-03T09:04:51"><MST>5300000128</MST>'
    "<CQT>1109</CQT><TTNNT>00</TTNNT><TTHLuc>2022-03-01T00:00:00</TTHLuc>"
    "<NCNhan103>2022-06-20T09:12:44</NCNhan103><NHDDTien></NHDDTien></DNghiep>"
)


@dataclass
class _Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Scripted:
    """Answers in the order given, and remembers what was asked."""

    replies: list[_Reply]
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
        return self.replies.pop(0)


def _token(name: str = "t1") -> _Reply:
    return _Reply(200, json.dumps({"access_token": name, "expires_in": 3600}).encode())


def _page(*records: str) -> bytes:
    return re.sub(
        rb"<DSachTHop>.*</DSachTHop>",
        lambda _: f"<DSachTHop>{''.join(records)}</DSachTHop>".encode(),
        PAGE.replace(
            b"<SLuong>4</SLuong></TTChung>", b"<SLuong>%d</SLuong></TTChung>" % len(records)
        ),
        flags=re.DOTALL,
    )


async def test_a_page_is_read_with_a_fresh_token() -> None:
    feed = _Scripted([_token(), _Reply(200, PAGE)])
    page = await collector.collect(feed, "")
    assert [(method, path) for method, path, _ in feed.asked] == [
        ("POST", "/token"),
        ("GET", "/tonghop"),
    ]
    told = feed.asked[1][2]
    assert (told["after"], told["limit"], told["Authorization"]) == ("0", "2000", "Bearer t1")
    assert (page.cursor, page.more, page.count, page.rejected) == ("81234", False, 4, ())
    assert page.up_to_s == DAY_S + 9 * 3600 + 5 * 60 + 59
    assert page.payload_sha256 == hashlib.sha256(PAGE).hexdigest()
    hour = page.updates[0]
    assert (hour.kind, hour.code, hour.owner) == (
        "invoice_hour",
        "1101-1102@2022-10-03T08:00:00",
        "1101-1102",
    )
    assert hour.version is not None
    assert hour.version.amounts == {
        "issued": 41 + 18 + 30 + 12,
        "value": 123456000 + 7200000 + 4500000 + 3000000,
        "answered": 49,
        "rejected": 3,
        "sent": 53,
        "acknowledged": 52,
        "gap": 1,
    }


async def test_the_sample_of_the_reference_is_the_sample_file() -> None:
    text = (ROOT / "docs/reference/feeds/einvoice.md").read_text(encoding="utf-8")
    assert PAGE.decode() in text


def test_an_enterprise_gives_a_status_and_two_dates() -> None:
    since = midnight_s(date(2022, 3, 1))
    accepted = midnight_s(date(2022, 6, 20)) + 9 * 3600 + 12 * 60 + 44
    sent = DAY_S + 9 * 3600 + 4 * 60 + 51
    assert collector.read_record(VERSION.encode()) == (
        RecordUpdate(
            "enterprise",
            "5300000128",
            "1104-1109",
            version=Version(sent, since, events=(Event(accepted, "+accepted"),)),
            events=(Event(since, "+active"),),
        ),
    )
    stopped = VERSION.replace("<TTNNT>00", "<TTNNT>06")
    assert collector.read_record(stopped.encode())[0].events == (Event(since, "-active"),)


async def test_a_token_is_kept_and_an_expired_one_is_renewed_once() -> None:
    feed = _Scripted([_Reply(401, b""), _token("t2"), _Reply(200, PAGE)], memory={"token": "t1"})
    await collector.collect(feed, "77")
    assert [path for _, path, _ in feed.asked] == ["/tonghop", "/token", "/tonghop"]
    assert feed.asked[2][2]["Authorization"] == "Bearer t2"
    assert {asked[2]["after"] for asked in feed.asked if asked[1] == "/tonghop"} == {"77"}
    assert feed.memory == {"token": "t2"}


@pytest.mark.parametrize(
    "replies",
    [
        [_Reply(401, b""), _token(), _Reply(401, b"")],
        [_Reply(401, b""), _Reply(401, b"")],
        [_Reply(403, b"")],
        [_Reply(404, b"")],
    ],
    ids=["refused twice", "credentials refused", "forbidden", "not found"],
)
async def test_a_refusal_means_not_now(replies: list[_Reply]) -> None:
    with pytest.raises(FeedDown, match="expected 200"):
        await collector.collect(_Scripted(list(replies), memory={"token": "t1"}), "5")


async def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IOC_EINVOICE_SECRET", raising=False)
    with pytest.raises(FeedDown, match="IOC_EINVOICE_SECRET"):
        await collector.collect(_Scripted([], settings={"client_id": "ioc"}), "")


@pytest.mark.parametrize(
    "body", [b"<html>no</html>", b'{"token":"x"}', b'["x"]', b'{"access_token":""}']
)
async def test_a_token_answer_of_another_shape_is_broken(body: bytes) -> None:
    with pytest.raises(FeedBroken, match="access_token"):
        await collector.collect(_Scripted([_Reply(200, body)]), "")


_BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
_XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "well-formed XML"),
        (b"<html><h1>502 Bad Gateway</h1></html>", "a TDiep"),
        (b"<html><br></html>", "well-formed XML"),
        (b'{"not": "xml"}', "well-formed XML"),
        (PAGE[: len(PAGE) // 2], "well-formed XML"),
        (
            PAGE.replace(b"<SLuong>4</SLuong></TTChung>", b"<SLuong>5</SLuong></TTChung>"),
            "5 records",
        ),
        (re.sub(rb"<PTrang>.*</PTrang>", b"", PAGE), "TiepTheo is missing"),
        (PAGE.replace(b"<ConNua>0", b"<ConNua>yes"), "0 or 1 in ConNua"),
        (PAGE.replace(b"<HetDen>2022-10-03T", b"<HetDen>03/10/2022 "), "HetDen"),
        (PAGE.replace(_XML, _XML + _BOMB), "no document type"),
        (
            PAGE.replace(_XML, b'<?xml version="1.0" encoding="UTF-16"?>' + _BOMB)
            .decode()
            .encode("utf-16"),
            "well-formed XML",
        ),
        (
            PAGE.replace(b"<CQT>", b"<CQT %s>" % b" ".join(b'a%d=""' % n for n in range(101)), 1),
            "100 attributes",
        ),
        (PAGE + b" " * 20_000_000, "at most 20000000"),
        (b"<a>" * 5000, "well-formed XML"),
    ],
    ids=range(14),
)
async def test_an_unreadable_page_is_broken_and_says_what_was_expected(
    body: bytes, expected: str
) -> None:
    with pytest.raises(FeedBroken, match=expected) as caught:
        await collector.collect(_Scripted([_Reply(200, body)], memory={"token": "t"}), "5")
    assert "docs/reference/feeds/einvoice.md" in str(caught.value)


WRONG = [
    (HOUR.replace("SLHDon", "SLHD"), "SLHDon is missing in LTDiep"),
    (HOUR.replace(">9</SLHDon>", ">nine</SLHDon>"), "SLHDon: expected at most 13 digits"),
    (HOUR.replace(">9</SLHDon>", ">\uff19</SLHDon>"), "SLHDon: expected at most 13 digits"),
    (HOUR.replace(">9</SLHDon>", ">-9</SLHDon>"), "SLHDon: expected at most 13 digits"),
    (HOUR.replace("21000000<", "21000000.5<"), "TgTTTBSo: expected whole VND"),
    (HOUR.replace("1106", "1101"), "CQT: expected a tax office, a joint one whole"),
    (HOUR.replace("1106", "1106,1107"), "CQT: expected a tax office"),
    (HOUR.replace("1106", "1999"), "CQT: expected a tax office"),
    (HOUR.replace("T08:00:00", "T08:30:00"), "TGian: expected the begin of an hour"),
    (HOUR.replace("T08:00:00", "T08:00:00Z"), "TGian: expected yyyy"),
    (HOUR.replace("2022-10-03T08:00:00", "2022-W40-1T08:00:00"), "TGian: expected yyyy"),
    (HOUR.replace(' TDGui="2022-10-03T09:02:01"', ""), "TDGui: expected yyyy"),
    (HOUR.replace('Ma="2"', 'Ma="8"'), "DSLTBao: expected each known LTBao once"),
    (re.sub("(<LTBao.*</LTBao>)", r"\1\1", HOUR), "DSLTBao: expected each known LTBao once"),
    (re.sub("(<LTDiep.*</LTDiep>)", r"\1\1", HOUR), "DSLTDiep: expected each kind of message once"),
    (re.sub("<DSoat>.*</DSoat>", "", HOUR), "DSoat is missing"),
    (VERSION.replace("5300000128", "53000001"), "MST: expected 10 digits"),
    (VERSION.replace("1109", "1104,1109"), "CQT: expected one tax office"),
    (VERSION.replace("<TTNNT>00", "<TTNNT>09"), "TTNNT: expected one of"),
    (VERSION.replace("TTNNT", "TrangThai"), "TTNNT is missing"),
    (VERSION.replace("<NHDDTien></NHDDTien>", ""), "NHDDTien is missing"),
    (VERSION.replace("2022-06-20T09:12:44", "2022-06-31T09:12:44"), "NCNhan103: expected yyyy"),
    ("<HDon><SHDon>1</SHDon></HDon>", "expected THop or DNghiep"),
]


@pytest.mark.parametrize(("record", "reason"), WRONG, ids=range(len(WRONG)))
def test_an_unreadable_record_is_set_aside_and_the_page_goes_on(record: str, reason: str) -> None:
    page = collector.read_page(_page(HOUR, record, VERSION), OFFICES)
    assert page.updates == (
        *collector.read_record(HOUR.encode()),
        *collector.read_record(VERSION.encode()),
    )
    assert page.count == 3
    assert len(page.rejected) == 1
    assert reason in page.rejected[0].reason
    assert page.rejected[0].payload.startswith(record[:5].encode())
    with pytest.raises(ValueError, match=re.escape(reason)):
        collector.read_record(record.encode())


def test_the_cases_are_read_by_the_collector() -> None:
    records = [
        record
        for path in sorted((ROOT / "tests/cases/einvoice").glob("*.json"))
        for record in json.loads(path.read_text(encoding="utf-8"))["records"]
    ]
    kinds = {collector.read_record(record.encode())[0].kind for record in records}
    assert kinds == {"invoice_hour", "enterprise"}
