"""E-invoice totals and the enterprise register, as the tax authority's aggregator gives them.

Wire format: ``docs/reference/feeds/einvoice.md``. Pages of XML behind a bearer token; the feed's
own cursor (``TiepTheo``) says where to go on.

Gives two kinds of records:

- ``invoice_hour``: one hour at one tax office, ``<group>@<begin of the hour>``; amounts issued,
  value (VND), answered, rejected, sent, acknowledged, gap. The newest ``TDGui`` holds.
- ``enterprise``: one tax code; dated flags ``active`` (accumulating), and of the newest version
  ``accepted`` (notice 103) and ``invoiced`` (first invoice).

Settings: ``page_size``; ``client_id``; ``client_secret_env`` names the environment variable of the
secret, ``client_secret_simulated`` is taken when it is not set; ``offices`` lists the tax offices,
joint ones joined by ``+``. The feed brings no personal data; nothing but what is named above is
kept, and of the page only its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlencode

from lxml import etree

from app.plugin import (
    Event,
    Feed,
    FeedBroken,
    FeedDown,
    Page,
    RecordUpdate,
    Rejected,
    Reply,
    Version,
    check_count,
    check_cursor,
    check_page,
    check_year,
)

API_VERSION = 1
EVERY = 60

MOST = {b"<": 1_000_000, b"=": 400_000}
MOST_ATTRIBUTES = 100
LAO_CAI = "1100 1101+1102 1103 1104+1109 1105 1106 1107 1108"

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (local instants have no zone on this wire)
_ZONE_S = 7 * 3600
_TAX_CODE = re.compile(r"[0-9]{10}(-[0-9]{3})?\Z")
_TOKEN = re.compile(r"[!-~]{1,4096}\Z")
_KIND = re.compile(r"[0-9]{3}\Z")
_MOST_DIGITS = 13  # a year of such numbers still fits what the database counts with
_AMOUNT = re.compile(rf"([0-9]{{1,{_MOST_DIGITS}}})(?:\.0{{1,4}})?\Z")
_WITH_INVOICES = frozenset(("200", "203", "206", "400"))
_ANSWERS = frozenset(("1", "2", "3", "4", "5", "7", "9"))
_VALID = "2"
_STATUSES = frozenset(("00", "01", "03", "06"))
_TOO_MANY = etree.XPath(f"boolean(//*[count(@*) > {MOST_ATTRIBUTES}])")

Offices = Mapping[str, str]


@lru_cache(maxsize=8)
def groups(offices: str) -> Offices:
    """Map each office code, and each joint office's codes joined by commas, to its group."""
    known: dict[str, str] = {}
    for joint in offices.split():
        codes = sorted(joint.split("+"))
        known.update(dict.fromkeys((*codes, ",".join(codes)), "-".join(codes)))
    return known


async def collect(feed: Feed, since: str) -> Page:
    """Read the page after ``since``; "" is the beginning."""
    query = {"after": since or "0", "limit": feed.settings.get("page_size", "2000")}
    reply = await _ask(feed, query)
    if reply.status == 401:
        feed.memory.pop("token", None)
        reply = await _ask(feed, query)
    if reply.status != 200:
        raise FeedDown(
            f"einvoice answers {reply.status} to /tonghop, expected 200: "
            "ask the aggregator whether this client is still admitted"
        )
    return read_page(reply.body, groups(feed.settings.get("offices", LAO_CAI)))


def read_page(body: bytes, offices: Offices) -> Page:
    """Read a whole page; unreadable records are set aside, an unreadable page is broken."""
    root = _parse(body)
    listed = root.find("DLieu/DSachTHop")
    if root.tag != "TDiep" or listed is None:
        raise _broken("a TDiep with DLieu/DSachTHop", body)
    parts = {
        str(part.tag): part for path in ("TTChung/*", "PTrang/*") for part in root.iterfind(path)
    }
    try:
        told = _count(_text(root, parts, "SLuong"), "SLuong")
        cursor, more = _text(root, parts, "TiepTheo"), _text(root, parts, "ConNua")
        up_to_s = _instant(_text(root, parts, "HetDen"), "HetDen")
    except ValueError as wrong:
        raise _broken(f"readable TTChung and PTrang ({wrong})", body) from wrong
    if not (cursor.isascii() and cursor.isdigit()) or more not in {"0", "1"}:
        raise _broken("a number in TiepTheo, 0 or 1 in ConNua", body)
    records = list(listed.iterchildren(tag=etree.Element))
    check_cursor("einvoice", cursor, body)
    check_count("einvoice", len(records), more == "1", body)
    if told != len(records):
        raise _broken(f"{told} records as SLuong says, found {len(records)}", body)
    updates: list[RecordUpdate] = []
    rejected: list[Rejected] = []
    for record in records:
        try:
            updates.append(_read(record, offices))
        except ValueError as wrong:
            rejected.append(Rejected(str(wrong)[:500], etree.tostring(record, with_tail=False)))
    digest = hashlib.sha256(body).hexdigest()
    return Page(tuple(updates), tuple(rejected), cursor, more == "1", up_to_s, len(records), digest)


def read_record(raw: bytes, offices: Offices | None = None) -> tuple[RecordUpdate, ...]:
    """Read one record (``THop`` or ``DNghiep``); ValueError says what is wrong with it."""
    try:
        root = _parse(raw)
    except FeedBroken as wrong:
        raise ValueError(str(wrong)) from wrong
    return (_read(root, groups(LAO_CAI) if offices is None else offices),)


def reread(raw: bytes, settings: Mapping[str, str]) -> tuple[RecordUpdate, ...]:
    """Read one record out of quarantine, with the settings of today."""
    return read_record(raw, groups(settings.get("offices", LAO_CAI)))


async def _ask(feed: Feed, query: dict[str, str]) -> Reply:
    token = feed.memory.get("token") or await _log_in(feed)
    return await feed.request(
        "GET",
        "/tonghop",
        params=query,
        headers={"Authorization": f"Bearer {token}", "Accept": "application/xml"},
    )


async def _log_in(feed: Feed) -> str:
    settings = feed.settings
    variable = settings.get("client_secret_env", "IOC_EINVOICE_SECRET")
    secret = os.environ.get(variable) or settings.get("client_secret_simulated", "")
    who = settings.get("client_id", "")
    if not who or not secret:
        raise FeedDown(f"einvoice has no credentials: set client_id in its source and {variable}")
    reply = await feed.request(
        "POST",
        "/token",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode({"client_id": who, "client_secret": secret}).encode(),
    )
    if reply.status != 200:
        raise FeedDown(
            f"einvoice answers {reply.status} to /token, expected 200: "
            f"check client_id and {variable}"
        )
    try:
        token = json.loads(reply.body)["access_token"]
    except (ValueError, LookupError, TypeError, RecursionError) as wrong:
        raise FeedBroken(
            "einvoice: expected JSON with access_token from /token", reply.body
        ) from wrong
    if not isinstance(token, str) or not _TOKEN.match(token):
        raise FeedBroken("einvoice: expected printable text as access_token", reply.body)
    feed.memory["token"] = token
    return token


def _parse(body: bytes) -> etree._Element:
    """Parse hostile XML: bounded, no entities, no network, no document type."""
    check_page("einvoice", body, MOST)
    if b"<!DOCTYPE" in body:
        raise _broken("no document type", body)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise _broken(f"well-formed XML ({wrong})", body) from wrong
    if _TOO_MANY(root):
        raise _broken(f"at most {MOST_ATTRIBUTES} attributes an element", body)
    return root


def _broken(expected: str, body: bytes) -> FeedBroken:
    return FeedBroken(f"einvoice: expected {expected}; see docs/reference/feeds/einvoice.md", body)


def _read(record: etree._Element, offices: Offices) -> RecordUpdate:
    if record.tag == "THop":
        return _read_hour(record, offices)
    if record.tag == "DNghiep":
        return _read_enterprise(record, offices)
    raise ValueError(f"expected THop or DNghiep, found {str(record.tag)[:40]!r}")


def _read_hour(record: etree._Element, offices: Offices) -> RecordUpdate:
    parts = {str(part.tag): part for part in record}
    office = _text(record, parts, "CQT")
    group = offices.get(",".join(sorted(office.split(","))))
    if group is None or office.count(",") != group.count("-"):
        raise ValueError(f"CQT: expected a tax office, a joint one whole, found {office[:40]!r}")
    begin = _text(record, parts, "TGian")
    begin_s = _instant(begin, "TGian")
    if begin_s % 3600:
        raise ValueError(f"TGian: expected the begin of an hour, found {begin!r}")
    for name in ("DSLTDiep", "DSLTBao", "DSoat"):
        if name not in parts:
            raise ValueError(f"{name} is missing in THop")
    issued, value = _invoices(parts["DSLTDiep"])
    answered, rejected = _answers(parts["DSLTBao"])
    balance = parts["DSoat"]
    told = {str(part.tag): part for part in balance}
    sent = _count(_text(balance, told, "SLGui"), "SLGui")
    acknowledged = _count(_text(balance, told, "SLXNhan"), "SLXNhan")
    amounts = {
        "issued": issued,
        "value": value,
        "answered": answered,
        "rejected": rejected,
        "sent": sent,
        "acknowledged": acknowledged,
        "gap": sent - acknowledged,
    }
    version = Version(_instant(record.get("TDGui", ""), "TDGui"), begin_s, amounts=amounts)
    return RecordUpdate("invoice_hour", f"{group}@{begin}", group, version=version)


def _invoices(rows: etree._Element) -> tuple[int, int]:
    """Sum invoices and their value over the kinds of messages that carry invoices."""
    issued = value = 0
    seen: set[str] = set()
    for row in rows:
        kind = row.get("MLTDiep", "")
        if row.tag != "LTDiep" or not _KIND.match(kind) or kind in seen:
            raise ValueError(f"DSLTDiep: expected each kind of message once, found {kind[:20]!r}")
        seen.add(kind)
        parts = {str(part.tag): part for part in row}
        _count(_text(row, parts, "SLuong"), "SLuong")
        if kind in _WITH_INVOICES:
            issued += _count(_text(row, parts, "SLHDon"), "SLHDon")
            value += _amount(_text(row, parts, "TgTTTBSo"))
    return issued, value


def _answers(rows: etree._Element) -> tuple[int, int]:
    """Sum the answers given, and those that reject."""
    answered = rejected = 0
    seen: set[str] = set()
    for row in rows:
        code = row.get("Ma", "")
        if row.tag != "LTBao" or code not in _ANSWERS or code in seen:
            raise ValueError(f"DSLTBao: expected each known LTBao once, found {code[:20]!r}")
        seen.add(code)
        count = _count(_text(row, {str(part.tag): part for part in row}, "SLuong"), "SLuong")
        answered += count
        if code != _VALID:
            rejected += count
    return answered, rejected


def _read_enterprise(record: etree._Element, offices: Offices) -> RecordUpdate:
    parts = {str(part.tag): part for part in record}
    code = _text(record, parts, "MST")
    if not _TAX_CODE.match(code):
        raise ValueError("MST: expected 10 digits, or 13 as NNNNNNNNNN-NNN")
    office = _text(record, parts, "CQT")
    if office not in offices or "," in office:
        raise ValueError(f"CQT: expected one tax office, found {office[:40]!r}")
    status = _text(record, parts, "TTNNT")
    if status not in _STATUSES:
        raise ValueError(f"TTNNT: expected one of {sorted(_STATUSES)}, found {status[:20]!r}")
    since_s = _instant(_text(record, parts, "TTHLuc"), "TTHLuc")
    dated = []
    for name, flag in (("NCNhan103", "+accepted"), ("NHDDTien", "+invoiced")):
        text = _text(record, parts, name)
        if text:
            dated.append(Event(_instant(text, name), flag))
    stated_s = _instant(record.get("TDGui", ""), "TDGui")
    return RecordUpdate(
        "enterprise",
        code,
        offices[office],
        version=Version(stated_s, since_s, events=tuple(dated)),
        events=(Event(since_s, "+active" if status == "00" else "-active"),),
    )


def _text(record: etree._Element, parts: Mapping[str, etree._Element], name: str) -> str:
    part = parts.get(name)
    if part is None:
        raise ValueError(f"{name} is missing in {record.tag!s}")
    return (part.text or "").strip()


def _count(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ValueError(f"{name}: expected at most {_MOST_DIGITS} digits, found {text[:20]!r}")
    return int(text)


def _amount(text: str) -> int:
    found = _AMOUNT.match(text)
    if found is None:
        raise ValueError(f"TgTTTBSo: expected whole VND, found {text[:30]!r}")
    return int(found[1])


@lru_cache(maxsize=4096)
def _seconds(text: str) -> int:
    shaped = len(text) == 19 and text[4] == text[7] == "-" and text[10] == "T" and text[13] == ":"
    if not shaped:
        raise ValueError(text)
    check_year(int(text[:4]), text)
    return int((datetime.fromisoformat(text) - _EPOCH).total_seconds()) - _ZONE_S


def _instant(text: str, name: str) -> int:
    try:
        return _seconds(text)
    except (ValueError, TypeError):
        raise ValueError(f"{name}: expected yyyy-MM-ddTHH:mm:ss, found {text[:30]!r}") from None
