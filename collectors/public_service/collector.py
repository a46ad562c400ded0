"""Dossiers and procedures of the one-stop shop, as its synchronisation queue gives them.

Wire format: ``docs/reference/feeds/public_service.md``. A session from ``/auth``; pages of the
queue from ``/share`` (service ``LayHangDoiDongBo``); the queue's own cursor says where to go on.

Gives ``dossier`` (hồ sơ TTHC) and ``procedure`` (thủ tục hành chính) records. Names, telephone
numbers, e-mail and addresses of citizens are not read. Settings: ``username``; ``password_env``
names the environment variable of the password, ``password_simulated`` is taken when it is not set;
``page_size``; ``madonvi``.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from functools import lru_cache
from typing import Any

import msgspec

from app.plugin import (
    RECORD_BYTES,
    Event,
    Feed,
    FeedBroken,
    FeedDown,
    Page,
    RecordUpdate,
    Rejected,
    Version,
    Wait,
    check_count,
    check_cursor,
    check_page,
    check_text,
    local_s,
)

API_VERSION = 1
EVERY = 60

_OK = (0, "0", "00")
_EXPIRED = ("401", 401)
_LONGEST = 2000
_REQUESTS, _OF_ONE = 100, 500
_MOST = {b",": 500_000}
_OLD = re.compile(r"([0-9]{3})\.([0-9]{2,3})\.([0-9]{2,3})\.H38\Z")
_NEW = re.compile(r"H38(?:\.[1-9][0-9]{0,2}){0,2}\Z")
_INSTANT, _DAY = "yyyyMMddHHmmss", "yyyyMMdd"
_VND = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,4})?\Z")
# The unit of ThoiHanGiaiQuyet, where a portal says it; without it, working days.
_UNITS = {"giờ": "unit_hours", "giờ làm việc": "unit_hours", "ngày": "unit_days"}
_STATUSES = frozenset(str(n) for n in range(1, 11))
_FULL_LEVELS = frozenset(("4", "toàn trình"))
_LEVELS = frozenset(("1", "2", "3", "4", "toàn trình", "một phần"))


class _Answer(msgspec.Struct):
    error_code: str | int
    result: list[msgspec.Raw] = []
    cursorTiep: str = ""  # noqa: N815 (a name of the wire)
    conNua: bool = False  # noqa: N815
    hetDen: str = ""  # noqa: N815
    message: str = ""


class _Record(msgspec.Struct):
    ThoiDiemGui: str
    service: str
    data: list[dict[str, Any]]


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_record = msgspec.json.Decoder(_Record).decode


async def collect(feed: Feed, since: str) -> Page:
    """Read the page after ``since``; "" is the beginning."""
    answer, body = await _ask(feed, since)
    if answer.error_code in _EXPIRED:
        feed.memory.pop("session", None)
        answer, body = await _ask(feed, since)
    if answer.error_code not in _OK:
        raise FeedDown(
            f"public_service answers error_code {answer.error_code} {answer.message[:100]!r},"
            " expected 00: ask the portal whether this account is still admitted"
        )
    return _read_page(answer, body, since)


def _read_page(answer: _Answer, body: bytes, since: str) -> Page:
    if answer.result and not answer.cursorTiep:
        raise FeedBroken(
            "public_service: records without cursorTiep, expected where to go on", body
        )
    check_cursor("public_service", answer.cursorTiep, body)
    check_count("public_service", len(answer.result), answer.conNua, body)
    try:
        up_to_s = local_s(answer.hetDen, "hetDen", _INSTANT)
    except ValueError as wrong:
        raise FeedBroken(f"public_service: {wrong}", body) from wrong
    updates: list[RecordUpdate] = []
    rejected: list[Rejected] = []
    told: Counter[str] = Counter()
    for raw in answer.result:
        try:
            read = read_record(bytes(raw))
            told.update(update.code for update in read)
            if any(told[update.code] > _OF_ONE for update in read):
                raise ValueError(f"over {_OF_ONE} records about {read[0].code} on one page")
            updates.extend(read)
        except ValueError as wrong:
            rejected.append(Rejected(str(wrong)[:500], bytes(raw)))
    return Page(
        tuple(updates),
        tuple(rejected),
        answer.cursorTiep or since,
        answer.conNua,
        up_to_s,
        len(answer.result),
        hashlib.sha256(body).hexdigest(),
    )


async def _ask(feed: Feed, since: str) -> tuple[_Answer, bytes]:
    session = feed.memory.get("session") or await _log_in(feed)
    asked = {
        "service": "LayHangDoiDongBo",
        "session": session,
        "madonvi": feed.settings.get("madonvi", "H38"),
        "cursor": since,
        "limit": int(feed.settings.get("page_size", "2000")),
    }
    headers = {"Content-Type": "application/json"}
    reply = await feed.request("POST", "share", headers=headers, body=msgspec.json.encode(asked))
    if reply.status != 200:
        raise FeedDown(f"public_service answers {reply.status} to /share, expected 200")
    check_page("public_service", reply.body, _MOST)
    try:
        return _decode_answer(reply.body), reply.body
    except (msgspec.MsgspecError, RecursionError, ValueError) as wrong:
        raise FeedBroken(
            f"public_service: expected JSON with error_code and result ({wrong})", reply.body
        ) from wrong


async def _log_in(feed: Feed) -> str:
    told = feed.settings
    password = os.environ.get(told.get("password_env", "")) or told.get("password_simulated", "")
    body = msgspec.json.encode({"username": told.get("username", ""), "password": password})
    headers = {"Content-Type": "application/json"}
    reply = await feed.request("POST", "auth", headers=headers, body=body)
    try:
        answer = msgspec.json.decode(reply.body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, ValueError) as wrong:
        raise FeedBroken(f"public_service: /auth gave no JSON ({wrong})", reply.body) from wrong
    session, where = answer.get("session"), told.get("password_env", "")
    if reply.status != 200 or answer.get("error_code") not in _OK or not session:
        refused = "public_service refuses the account: check username and the variable"
        raise FeedDown(f"{refused} {where!r}")
    if not isinstance(session, str) or len(session) > 4096:
        raise FeedBroken("public_service: expected text as session from /auth", reply.body)
    feed.memory["session"] = session
    return session


def read_record(raw: bytes) -> tuple[RecordUpdate, ...]:
    """Read one record of the queue; ValueError says what was expected."""
    if len(raw) > RECORD_BYTES:
        raise ValueError(f"a record of {len(raw)} bytes; expected at most {RECORD_BYTES}")
    try:
        record = _decode_record(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError) as wrong:
        raise ValueError(f"expected ThoiDiemGui, service, data ({wrong})") from wrong
    sent_s = local_s(record.ThoiDiemGui, "ThoiDiemGui", _INSTANT)
    if (reader := _READERS.get(record.service)) is None:
        raise ValueError(f"service {record.service!r}; expected one of {', '.join(_READERS)}")
    return tuple(reader(item, sent_s) for item in record.data)


def _dossier(item: dict[str, Any], sent_s: int) -> RecordUpdate:
    code = _text(item, "MaHoSo", needed=True)
    status = _text(item, "TrangThaiHoSo", needed=True)
    if status not in _STATUSES:
        raise ValueError(f"TrangThaiHoSo {status!r}; expected 1..10")
    maximum = _text(item, "ThoiHanGiaiQuyet")
    if maximum and not (maximum.isdecimal() and len(maximum) < 5 and int(maximum) <= _LONGEST):
        raise ValueError(f"ThoiHanGiaiQuyet {maximum!r}; expected 0..{_LONGEST} working days")
    flags = _flags(item)
    version = Version(
        sent_s,
        _optional_s(item, "NgayTiepNhan"),
        _optional_s(item, "NgayHenTra"),
        _most_days(int(maximum), flags) if maximum else None,
        flags,
        {},
        tuple(_waits(item)),
        tuple(_dated(item, status)),
    )
    return RecordUpdate("dossier", code, _agency_of(code), _sector(item), version)


def _most_days(told: int, flags: frozenset[str]) -> int | None:
    """A maximum in hours as working days of eight hours: the last one counts to its end.

    One in days of the calendar cannot be told in working days, and is none.
    """
    if "unit_days" in flags:
        return None
    return -(-told // 8) if "unit_hours" in flags else told


def _flags(item: dict[str, Any]) -> frozenset[str]:
    results = _list(item, "DanhSachGiayToKetQua")
    told = {
        "online": _text(item, "KenhThucHien") == "2",
        "fee_due": any(_amount(fee) > 0 for fee in _list(item, "DanhSachLePhi")),
        "paid_online": _text(item, "DuocThanhToanTrucTuyen") in ("1", "2"),
        "e_result": any(_text(paper, "DuongDanTepTinKetQua") for paper in results),
        "result_due": bool(_text(item, "MaKetQua")),
        "digitised": _digitised(item),
        _UNITS.get(_text(item, "DonViThoiHan").lower(), "working_days"): True,
    }
    return frozenset(flag for flag, holds in told.items() if holds) - {"working_days"}


def _digitised(item: dict[str, Any]) -> bool:
    told = _text(item, "HoSoCoThanhPhanSoHoa")
    if told:
        return told == "1"
    papers = _list(item, "TaiLieuNop")
    kept = [p for p in papers if _text(p, "IsDeleted").lower() not in ("true", "1")]
    return bool(kept) and all(_text(paper, "DuocSoHoa") == "1" for paper in kept)


def _amount(fee: dict[str, Any]) -> float:
    told = _text(fee, "Gia") or "0"
    if not _VND.match(told):
        raise ValueError(f"Gia {told[:40]!r}; expected an amount in VND")
    return float(told)


def _waits(item: dict[str, Any]) -> list[Wait]:
    found, rows = [], _list(item, "DanhSachHoSoBoSung")
    if len(rows) > _REQUESTS:
        raise ValueError(f"DanhSachHoSoBoSung has over {_REQUESTS} requests")
    for row in rows:
        ref = _text(row, "HoSoBoSungId")
        asked = _optional_s(row, "NgayBoSung")
        if ref and asked is not None:
            found.append(Wait(ref, asked, _optional_s(row, "NgayTiepNhanBoSung")))
    return found


def _dated(item: dict[str, Any], status: str) -> list[Event]:
    found = []
    ended = _optional_s(item, "NgayKetThucXuLy")
    if status in ("3", "7", "8", "9", "10") and ended is not None:
        found.append(Event(ended, "9" if status == "10" else status))
    handed = _optional_s(item, "NgayTra")
    if status == "10" and handed is not None:
        found.append(Event(handed, "10"))
    return found


def _progress(item: dict[str, Any], _: int) -> RecordUpdate:
    code = _text(item, "MaHoSo", needed=True)
    status = _text(item, "TrangThai", needed=True)
    if status not in _STATUSES:
        raise ValueError(f"TrangThai {status!r}; expected 1..10")
    at_s = local_s(_text(item, "ThoiDiemXuLy", needed=True), "ThoiDiemXuLy", _INSTANT)
    return RecordUpdate("dossier", code, _agency_of(code), events=(Event(at_s, status),))


def _procedure(item: dict[str, Any], sent_s: int) -> RecordUpdate:
    code = check_text(_text(item, "MaTTHC", needed=True), "MaTTHC")
    level = _text(item, "MucDo", needed=True).lower()
    if level not in _LEVELS:
        raise ValueError(f"MucDo {level!r}; expected 1..4, toàn trình or một phần")
    issued = local_s(_text(item, "NgayBanHanh", needed=True), "NgayBanHanh", _DAY)
    since = local_s(_text(item, "MucDoTuNgay") or _text(item, "NgayBanHanh"), "MucDoTuNgay", _DAY)
    flag = "+level4" if level in _FULL_LEVELS else "-level4"
    return RecordUpdate(
        "procedure",
        code,
        _agency(_text(item, "MaCoQuan", needed=True)),
        _sector(item),
        Version(sent_s, issued),
        (Event(since, flag),),
    )


_READERS = {
    "DongBoHoSoMC": _dossier,
    "CapNhatTienDoHoSoMC": _progress,
    "LayDanhSachTTHC": _procedure,
}


@lru_cache(maxsize=4096)
def _agency(prefix: str) -> str:
    old = _OLD.match(prefix)
    if old:
        numbers = [int(part) for part in (old[3], old[2], old[1])]
        while numbers and not numbers[-1]:
            numbers.pop()
        if all(numbers):
            return ".".join(["H38", *map(str, numbers)])
    elif _NEW.match(prefix):
        return prefix
    raise ValueError(f"agency {prefix[:40]!r}; expected a code as H38.31.7 or 000.07.31.H38")


def _agency_of(code: str) -> str:
    prefix, _, rest = check_text(code, "MaHoSo").partition("-")
    if not rest:
        raise ValueError(f"MaHoSo {code!r}; expected agency-yyMMdd-serial")
    return _agency(prefix)


def _sector(item: dict[str, Any]) -> str:
    told = _text(item, "MaLinhVuc")
    return check_text(told, "MaLinhVuc") if told else ""


def _text(item: dict[str, Any], name: str, *, needed: bool = False) -> str:
    told = item.get(name)
    if told is None or told == "":
        if needed:
            raise ValueError(f"{name} is missing")
        return ""
    if isinstance(told, (str, int)):
        return str(told).strip()
    if isinstance(told, float):
        return str(int(told) if told.is_integer() else told)
    raise ValueError(f"{name} is {type(told).__name__}; expected text")


def _list(item: dict[str, Any], name: str) -> list[dict[str, Any]]:
    told = item.get(name) or []
    if not isinstance(told, list) or any(not isinstance(row, dict) for row in told):
        raise ValueError(f"{name} is not a list of objects")
    return told


def _optional_s(item: dict[str, Any], name: str) -> int | None:
    told = _text(item, name)
    return local_s(told, name, _INSTANT) if told else None
