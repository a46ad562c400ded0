"""Documents, their statuses and work files, as the document axis of the province gives them.

Wire format: ``docs/reference/feeds/documents.md``. Pages of JSON whose packets carry edXML
(QCVN 102:2016) or a work file; the feed's own cursor (``next``) says where to go on.

Gives ``document_out`` (văn bản đi), ``document_in`` (văn bản đến, one for each receiver) and
``work_file`` (hồ sơ công việc). Agencies outside the province send and receive as well: what they
have to do counts for nobody here. Subjects, signers and staff are not read.

Settings: ``page_size``;
``system_id``; ``secret_env`` names the environment variable of the key, ``secret_simulated`` is
taken when it is not set.
"""

from __future__ import annotations

import hashlib
import os
import re
from functools import lru_cache

import msgspec
from lxml import etree

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
    check_count,
    check_cursor,
    check_page,
    check_text,
    local_s,
)

API_VERSION = 1
EVERY = 60

MOST = {b",": 500_000}
NAMESPACE = "{http://www.mic.gov.vn/TBT/QCVN_102_2016}"
_TAGS = {
    name: NAMESPACE + name
    for name in (
        "edXMLEnvelope", "edXMLHeader", "MessageHeader", "MessageStatus", "From", "To", "OrganId",
        "DocumentId", "DueDate", "TraceHeaderList", "TraceHeader", "Timestamp", "ResponseFor",
        "DigitalSignature", "Signature", "StatusCode",
    )
}  # fmt: skip
_SIGNATURES = (("CaNhan", "personal_signature"), ("CoQuan", "agency_signature"))
_OLD = re.compile(r"([0-9]{3})\.([0-9]{2,3})\.([0-9]{2,3})\.H38\Z")
_NEW = re.compile(r"H38(?:\.[1-9][0-9]{0,2}){0,2}\Z")
# Ministries, other provinces, the Party: any code of one letter and two digits but H38.
_FOREIGN = re.compile(
    r"(?:[0-9]{3}\.[0-9]{2,3}\.[0-9]{2,3}\.(?!H38)[A-Z][0-9]{2}"
    r"|(?!H38)[A-Z][0-9]{2}(?:\.[0-9A-Z]{1,4}){0,3})\Z"
)
_INSTANT, _DAY = "yyyy/MM/dd HH:mm:ss", "yyyy/MM/dd"
_ONLINE, _OFFLINE = ("1", 1), ("0", 0)
_CODES = frozenset(("01", "02", "03", "04", "05", "06", "13", "15", "16"))


class _Page(msgspec.Struct):
    packets: list[msgspec.Raw]
    next: str
    more: bool
    upTo: str  # noqa: N815 (a name of the wire)


class _Step(msgspec.Struct):
    ThoiDiem: str
    TrenMang: str | int


class _WorkFile(msgspec.Struct):
    MaHoSoCongViec: str
    MaDonVi: str
    NgayMo: str
    BuocXuLy: list[_Step]


class _Packet(msgspec.Struct):
    type: str
    sent: str
    edxml: str = ""
    hscv: _WorkFile | None = None


_decode_page = msgspec.json.Decoder(_Page).decode
_decode_packet = msgspec.json.Decoder(_Packet).decode
_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    encoding="utf-8",
)


async def collect(feed: Feed, since: str) -> Page:
    """Read the page after ``since``; "" is the beginning."""
    settings = feed.settings
    secret = os.environ.get(settings.get("secret_env", "")) or settings.get("secret_simulated", "")
    reply = await feed.request(
        "GET",
        "packets",
        params={"after": since or "0", "limit": settings.get("page_size", "2000")},
        headers={"X-SystemId": settings.get("system_id", ""), "X-SecretKey": secret},
    )
    if reply.status != 200:
        raise FeedDown(
            f"documents answers {reply.status} to /packets, expected 200: check system_id and the"
            f" variable {settings.get('secret_env', '')!r}"
        )
    check_page("documents", reply.body, MOST)
    try:
        page = _decode_page(reply.body)
        up_to_s = local_s(page.upTo, "upTo", _INSTANT)
    except (msgspec.MsgspecError, RecursionError, ValueError) as wrong:
        raise FeedBroken(
            f"documents: expected JSON with packets, next, more, upTo ({wrong})", reply.body
        ) from wrong
    if not page.next:
        raise FeedBroken("documents: next is empty, expected where to go on", reply.body)
    check_cursor("documents", page.next, reply.body)
    check_count("documents", len(page.packets), page.more, reply.body)
    updates: list[RecordUpdate] = []
    rejected: list[Rejected] = []
    for raw in page.packets:
        try:
            updates.extend(read_record(bytes(raw)))
        except ValueError as wrong:
            rejected.append(Rejected(str(wrong)[:500], bytes(raw)))
    return Page(
        tuple(updates),
        tuple(rejected),
        page.next,
        page.more,
        up_to_s,
        len(page.packets),
        hashlib.sha256(reply.body).hexdigest(),
    )


def read_record(raw: bytes) -> tuple[RecordUpdate, ...]:
    """Read one packet; ValueError says what was expected."""
    if len(raw) > RECORD_BYTES:
        raise ValueError(f"a packet of {len(raw)} bytes; expected at most {RECORD_BYTES}")
    try:
        packet = _decode_packet(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError) as wrong:
        raise ValueError(f"expected type, sent and edxml or hscv ({wrong})") from wrong
    sent_s = local_s(packet.sent, "sent", _INSTANT)
    if packet.type == "workfile":
        return (_work_file(packet.hscv, sent_s),)
    if packet.type not in ("edoc", "status"):
        raise ValueError(f"type {packet.type!r}; expected edoc, status or workfile")
    header = _header(packet.edxml)
    return _status(header) if packet.type == "status" else _edoc(header, sent_s)


def _header(text: str) -> etree._Element:
    body = text.encode()
    if b"<!DOCTYPE" in body:
        raise ValueError("edXML with a DOCTYPE is refused")
    try:
        root = etree.fromstring(body, _PARSER)
    except etree.XMLSyntaxError as wrong:
        raise ValueError(f"edXML is not well-formed ({wrong})") from wrong
    header = _child(_child(root, "edXMLEnvelope"), "edXMLHeader")
    if header is None:
        raise ValueError("edXML without edXMLEnvelope/edXMLHeader of QCVN 102")
    return header


def _edoc(header: etree._Element, sent_s: int) -> tuple[RecordUpdate, ...]:
    message = _child(header, "MessageHeader")
    if message is None:
        raise ValueError("edoc without MessageHeader")
    code = check_text(_text(message, "DocumentId"), "DocumentId")
    sender = agency(_text(_child(message, "From"), "OrganId", "From/"))
    trace = _child(_child(header, "TraceHeaderList"), "TraceHeader")
    stamp = _text(trace, "Timestamp", "TraceHeaderList/TraceHeader/")
    at_s = local_s(stamp, "Timestamp", _INSTANT)
    due = _child(message, "DueDate")
    told = (due.text or "").strip() if due is not None else ""
    due_s = local_s(told, "DueDate", _DAY) + 86399 if told else None
    found = []
    if sender is not None:
        version = Version(sent_s, at_s, flags=_signed(header))
        found.append(RecordUpdate("document_out", code, sender, "", version))
    version = Version(sent_s, at_s, due_s)
    for to in message.iterchildren(_TAGS["To"]):
        receiver = agency(_text(to, "OrganId", "To/"))
        if receiver is not None:
            found.append(RecordUpdate("document_in", f"{code}>{receiver}", receiver, "", version))
    return tuple(found)


def _signed(header: etree._Element) -> frozenset[str]:
    kinds = {
        signature.get("Loai")
        for block in header.iterchildren(_TAGS["DigitalSignature"])
        for signature in block.iterchildren(_TAGS["Signature"])
    }
    return frozenset(flag for kind, flag in _SIGNATURES if kind in kinds)


def _status(header: etree._Element) -> tuple[RecordUpdate, ...]:
    status = _child(header, "MessageStatus")
    if status is None:
        raise ValueError("status without MessageStatus")
    code = _text(status, "StatusCode")
    if code not in _CODES:
        raise ValueError(f"StatusCode {code!r}; expected one of {', '.join(sorted(_CODES))}")
    answered = _text(_child(status, "ResponseFor"), "DocumentId", "ResponseFor/")
    document = check_text(answered, "DocumentId")
    teller = agency(_text(_child(status, "From"), "OrganId", "From/"))
    at_s = local_s(_text(status, "Timestamp"), "Timestamp", _INSTANT)
    if teller is None:
        return ()
    key = f"{document}>{teller}"
    return (RecordUpdate("document_in", key, teller, events=(Event(at_s, code),)),)


def _work_file(told: _WorkFile | None, sent_s: int) -> RecordUpdate:
    if told is None:
        raise ValueError("workfile without hscv")
    for step in told.BuocXuLy:
        if step.TrenMang not in _ONLINE and step.TrenMang not in _OFFLINE:
            raise ValueError(f"TrenMang {step.TrenMang!r}; expected 1 or 0")
    offline = tuple(
        Event(local_s(step.ThoiDiem, "ThoiDiem", _INSTANT), "+offline")
        for step in told.BuocXuLy
        if step.TrenMang in _OFFLINE
    )
    code, owner = check_text(told.MaHoSoCongViec, "MaHoSoCongViec"), agency(told.MaDonVi)
    if owner is None:
        raise ValueError(f"MaDonVi {told.MaDonVi!r}; expected an agency of H38")
    version = Version(sent_s, local_s(told.NgayMo, "NgayMo", _INSTANT), events=offline)
    return RecordUpdate("work_file", code, owner, "", version)


def _child(parent: etree._Element | None, name: str) -> etree._Element | None:
    """The first child of this name; twice as fast as a path, and this is the busiest feed."""
    return None if parent is None else next(parent.iterchildren(_TAGS[name]), None)


def _text(parent: etree._Element | None, name: str, path: str = "") -> str:
    element = _child(parent, name)
    found = (element.text or "").strip() if element is not None else ""
    if not found:
        raise ValueError(f"{path}{name} is missing")
    return found


@lru_cache(maxsize=4096)
def agency(code: str) -> str | None:
    """New-style code of an OrganId in either style; None: an agency outside the province."""
    old = _OLD.match(code)
    if old:
        numbers = [int(part) for part in (old[3], old[2], old[1])]
        while numbers and not numbers[-1]:
            numbers.pop()
        if all(numbers):
            return ".".join(["H38", *map(str, numbers)])
    elif _NEW.match(code):
        return code
    elif _FOREIGN.match(code):
        return None
    raise ValueError(f"agency {code[:40]!r}; expected a code as H38.31.7 or 000.07.31.H38")
