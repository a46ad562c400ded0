"""The public-service collector: pages, sessions, personal data, and records it must refuse."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.domain.feed import FeedBroken, FeedDown
from app.plugin import Event, RecordUpdate, Reply, Version, Wait
from collectors._world.calendar import midnight_s
from collectors.public_service import collector

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "collectors/public_service/samples"
PAGE = (SAMPLES / "page.json").read_bytes()
SESSION = (SAMPLES / "session.json").read_bytes()
SOURCE = tomllib.loads((ROOT / "app/profiles/laocai/sources/public_service.toml").read_text())
RECORDS: list[dict[str, Any]] = json.loads(PAGE)["result"]
NEW, STEP, DONE, PROCEDURE = RECORDS


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
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        self.asked.append((method, path, json.loads(body or b"{}")))
        return self.replies.pop(0)


def _at(day: date, hour: int, minute: int, second: int) -> int:
    return midnight_s(day) + hour * 3600 + minute * 60 + second


def _changed(record: dict[str, Any], **item: object) -> bytes:
    return json.dumps({**record, "data": [{**record["data"][0], **item}]}).encode()


def _answer(**told: object) -> _Reply:
    return _Reply(200, json.dumps({**json.loads(PAGE), **told}).encode())


EXPIRED = _Reply(200, b'{"error_code":"401","message":"het han"}')


async def test_a_page_is_read_in_a_fresh_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC_PUBLIC_SERVICE_PASSWORD", "rieng")
    feed = _Scripted([_Reply(200, SESSION), _Reply(200, PAGE)])
    page = await collector.collect(feed, "")
    session = json.loads(SESSION)["session"]
    assert feed.asked == [
        ("POST", "auth", {"username": "ioc-laocai", "password": "rieng"}),
        (
            "POST",
            "share",
            {
                "service": "LayHangDoiDongBo",
                "session": session,
                "madonvi": "H38",
                "cursor": "",
                "limit": 2000,
            },
        ),
    ]
    assert (page.cursor, page.more, page.count, page.rejected) == ("4", False, 4, ())
    assert page.up_to_s == _at(date(2022, 9, 6), 9, 0, 53)
    assert page.payload_sha256 == hashlib.sha256(PAGE).hexdigest()
    assert [update.kind for update in page.updates] == ["dossier"] * 3 + ["procedure"]


def test_a_finished_dossier_gives_all_it_says() -> None:
    assert collector.read_record(json.dumps(DONE).encode()) == (
        RecordUpdate(
            "dossier",
            "H38.12-220823-0001",
            "H38.12",
            "LV20",
            Version(
                _at(date(2022, 9, 5), 9, 16, 40),
                _at(date(2022, 8, 23), 17, 26, 50),
                _at(date(2022, 9, 8), 17, 26, 50),
                10,
                frozenset({"online", "fee_due", "e_result", "result_due"}),
                {},
                (
                    Wait(
                        "BS1",
                        _at(date(2022, 8, 29), 9, 28, 17),
                        _at(date(2022, 8, 31), 15, 55, 24),
                    ),
                ),
                (
                    Event(_at(date(2022, 8, 31), 16, 42, 40), "9"),
                    Event(_at(date(2022, 9, 5), 9, 16, 16), "10"),
                ),
            ),
        ),
    )


def test_a_step_and_a_procedure_give_their_events() -> None:
    assert collector.read_record(json.dumps(STEP).encode()) == (
        RecordUpdate(
            "dossier",
            "H38.39.16-220831-0001",
            "H38.39.16",
            events=(Event(_at(date(2022, 9, 5), 7, 43, 13), "5"),),
        ),
    )
    issued = midnight_s(date(2022, 9, 6))
    assert collector.read_record(json.dumps(PROCEDURE).encode()) == (
        RecordUpdate(
            "procedure",
            "1.002104.000.00.00.H38",
            "H38.8",
            "LV15",
            Version(_at(date(2022, 9, 6), 9, 0, 48), issued),
            (Event(issued, "+level4"),),
        ),
    )


@pytest.mark.parametrize(
    ("level", "flag"),
    [("4", "+"), (4, "+"), ("Toàn trình", "+"), ("3", "-"), (2, "-"), ("một phần", "-")],
)
def test_levels_old_and_new(level: object, flag: str) -> None:
    update = collector.read_record(_changed(PROCEDURE, MucDo=level))[0]
    assert update.events[0].status == f"{flag}level4"


@pytest.mark.parametrize(
    ("prefix", "owner"),
    [
        ("000.00.12.H38", "H38.12"),
        ("000.07.31.H38", "H38.31.7"),
        ("000.00.31.H38", "H38.31"),
        ("000.017.31.H38", "H38.31.17"),
        ("H38.12", "H38.12"),
        ("H38.31.7", "H38.31.7"),
    ],
)
def test_both_code_styles_name_the_agency(prefix: str, owner: str) -> None:
    assert collector.read_record(_changed(STEP, MaHoSo=f"{prefix}-220815-0007"))[0].owner == owner


def test_nothing_of_a_person_is_kept() -> None:
    private = {
        "ChuHoSo": "BIMAT-ten",
        "SoDienThoai": "BIMAT-sdt",
        "Email": "BIMAT-thu",
        "MaDoiTuong": "BIMAT-cccd",
        "TrichYeuHoSo": "BIMAT-trichyeu",
        "GhiChu": "BIMAT-ghichu",
        "ThongTinTra": "BIMAT-diachi",
    }
    kept = msgspec.json.encode(collector.read_record(_changed(DONE, **private)))
    assert b"BIMAT" not in kept
    kept = msgspec.json.encode(collector.read_record(_changed(STEP, NguoiXuLy="BIMAT")))
    assert b"BIMAT" not in kept


@pytest.mark.parametrize(
    ("record", "change", "reason"),
    [
        (NEW, {"MaHoSo": ""}, "MaHoSo is missing"),
        (NEW, {"MaHoSo": "H38.12"}, "expected agency-yyMMdd-serial"),
        (NEW, {"MaHoSo": "H57.12-220815-0007"}, "expected a code as H38.31.7"),
        (NEW, {"TrangThaiHoSo": ""}, "TrangThaiHoSo is missing"),
        (NEW, {"TrangThaiHoSo": "11"}, "expected 1..10"),
        (NEW, {"NgayTiepNhan": "2022-08-31"}, "NgayTiepNhan '2022-08-31'"),
        (NEW, {"NgayHenTra": "20220230170000"}, "expected yyyyMMdd"),
        (NEW, {"NgayHenTra": "20220228240000"}, "no such time of day"),
        (NEW, {"ThoiHanGiaiQuyet": "năm"}, "expected 0..2000 working days"),
        (NEW, {"ThoiHanGiaiQuyet": "999999999"}, "expected 0..2000 working days"),
        (NEW, {"DanhSachLePhi": [{"Gia": "miễn"}]}, "expected an amount in VND"),
        (NEW, {"TaiLieuNop": ["1"], "HoSoCoThanhPhanSoHoa": ""}, "is not a list of objects"),
        (STEP, {"TrangThai": "0"}, "expected 1..10"),
        (STEP, {"ThoiDiemXuLy": ""}, "ThoiDiemXuLy is missing"),
        (PROCEDURE, {"MucDo": "5"}, "expected 1..4"),
        (PROCEDURE, {"NgayBanHanh": "2022"}, "expected yyyyMMdd"),
    ],
)
async def test_a_bad_record_is_refused_and_the_page_goes_on(
    record: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    bad = json.loads(_changed(record, **change))
    feed = _Scripted([_answer(result=[NEW, bad, DONE])], memory={"session": "s"})
    page = await collector.collect(feed, "")
    assert (page.count, len(page.updates), len(page.rejected)) == (3, 2, 1)
    assert reason in page.rejected[0].reason
    assert json.loads(page.rejected[0].payload) == bad


@pytest.mark.parametrize("bad", [None, 7, "x", [], {}, {**NEW, "service": "TraCuuHoSo"}])
async def test_what_is_no_record_is_refused(bad: object) -> None:
    feed = _Scripted([_answer(result=[bad, STEP])], memory={"session": "s"})
    page = await collector.collect(feed, "")
    assert (len(page.updates), len(page.rejected)) == (1, 1)


async def test_an_expired_session_is_renewed_once() -> None:
    feed = _Scripted([EXPIRED, _Reply(200, SESSION), _Reply(200, PAGE)], memory={"session": "old"})
    assert (await collector.collect(feed, "77")).count == 4
    assert [path for _, path, _ in feed.asked] == ["share", "auth", "share"]
    assert feed.asked[2][2]["session"] == feed.memory["session"] != "old"
    feed = _Scripted([EXPIRED, _Reply(200, SESSION), EXPIRED], memory={"session": "old"})
    with pytest.raises(FeedDown, match="error_code 401"):
        await collector.collect(feed, "77")
    assert feed.replies == []


@pytest.mark.parametrize("code", [0, "0", "00"])
async def test_what_well_looks_like(code: object) -> None:
    feed = _Scripted([_answer(error_code=code)], memory={"session": "s"})
    assert (await collector.collect(feed, "")).count == 4


@pytest.mark.parametrize(
    "replies",
    [
        [_Reply(200, b'{"error_code":"403","message":"sai"}')],
        [_Reply(403, b"{}")],
        [_Reply(200, SESSION), _Reply(200, b'{"error_code":"500","message":"loi"}')],
        [_Reply(200, SESSION), _Reply(404, PAGE)],
    ],
)
async def test_a_refusal_is_not_now(replies: list[_Reply]) -> None:
    with pytest.raises(FeedDown):
        await collector.collect(_Scripted(replies), "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>down</html>",
        PAGE[: len(PAGE) // 2],
        b'{"result":[]}',
        b'{"error_code":"00","result":{}}',
        b"\xff\xfe",
        PAGE.replace(b'"20220906090053","result"', b'"tomorrow","result"'),
        PAGE.replace(b'"cursorTiep":"4"', b'"cursorTiep":""'),
    ],
)
async def test_an_unreadable_page_is_broken_and_kept(body: bytes) -> None:
    with pytest.raises(FeedBroken, match="public_service") as broken:
        await collector.collect(_Scripted([_Reply(200, body)], memory={"session": "s"}), "5")
    assert broken.value.payload == body


async def test_a_page_without_records_stays_where_it_is() -> None:
    feed = _Scripted([_answer(result=[], cursorTiep="")], memory={"session": "s"})
    page = await collector.collect(feed, "5")
    assert (page.cursor, page.count) == ("5", 0)


def test_the_sample_of_the_reference_is_the_sample_file() -> None:
    text = (ROOT / "docs/reference/feeds/public_service.md").read_text(encoding="utf-8")
    assert PAGE.decode().strip() in text
