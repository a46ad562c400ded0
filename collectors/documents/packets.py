"""Packets as the wire carries them: edXML of QCVN 102 inside JSON, from templates made once."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import lru_cache
from xml.sax.saxutils import escape

_EPOCH = date(1970, 1, 1)
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<edXML:edXML xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">'
    "<edXML:edXMLEnvelope><edXML:edXMLHeader>"
)
_TAIL = (
    "</edXML:edXMLHeader><edXML:edXMLBody><edXML:edXMLManifest/></edXML:edXMLBody>"
    "</edXML:edXMLEnvelope></edXML:edXML>"
)
NAMES = {
    "01": "Đã đến",
    "02": "Từ chối tiếp nhận",
    "03": "Đã tiếp nhận",
    "04": "Phân công",
    "05": "Đang xử lý",
    "06": "Hoàn thành",
    "13": "Yêu cầu lấy lại",
    "15": "Đồng ý lấy lại",
    "16": "Từ chối lấy lại",
}


def stamp(at_s: int) -> str:
    """Write an instant: yyyy/MM/dd HH:mm:ss in Vietnamese time."""
    day, second = divmod(at_s + 25200, 86400)
    return f"{day_stamp(day)} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


@lru_cache(maxsize=4096)
def day_stamp(day: int) -> str:
    """Write a day counted from 1970."""
    return (_EPOCH + timedelta(days=day)).strftime("%Y/%m/%d")


def packet(kind: str, published_s: int, sent_s: int, inner: str) -> bytes:
    """A packet around its already encoded content."""
    return (
        f'{{"type":"{kind}","published":"{stamp(published_s)}","sent":"{stamp(sent_s)}",{inner}}}'
    ).encode()


def _xml(text: str) -> str:
    return f'"edxml":{json.dumps(_HEAD + text + _TAIL, ensure_ascii=False)}'


def signature(kind: str, at_s: int) -> str:
    """A signature made at the instant: CaNhan or CoQuan."""
    return f'<edXML:Signature Loai="{kind}" Ngay="{stamp(at_s)}"/>'


def edoc(  # noqa: PLR0913 (an envelope has that many parts)
    sender: str,
    name: str,
    receivers: list[str],
    document: str,
    at_s: int,
    due: str,
    signed: str,
    business: int = 0,
) -> str:
    """An outgoing document; ``signed`` is the signatures' XML, ``business`` 2 an update."""
    organ, day, number = document.split(",")
    code, notation = number.split("/", 1)
    to = "".join(f"<edXML:To><edXML:OrganId>{r}</edXML:OrganId></edXML:To>" for r in receivers)
    return _xml(
        f"<edXML:MessageHeader><edXML:From><edXML:OrganId>{organ}</edXML:OrganId>"
        f"<edXML:OrganName>{escape(name)}</edXML:OrganName></edXML:From>{to}"
        f"<edXML:Code><edXML:CodeNumber>{code}</edXML:CodeNumber>"
        f"<edXML:CodeNotation>{notation}</edXML:CodeNotation></edXML:Code>"
        "<edXML:PromulgationInfo><edXML:Place>Lào Cai</edXML:Place>"
        f"<edXML:PromulgationDate>{day}</edXML:PromulgationDate></edXML:PromulgationInfo>"
        "<edXML:DocumentType><edXML:Type>18</edXML:Type><edXML:TypeName>Công văn</edXML:TypeName>"
        "</edXML:DocumentType><edXML:Subject>Văn bản mô phỏng</edXML:Subject>"
        f"<edXML:DueDate>{due}</edXML:DueDate>"
        f"<edXML:DocumentId>{document}</edXML:DocumentId></edXML:MessageHeader>"
        "<edXML:TraceHeaderList><edXML:TraceHeader>"
        f"<edXML:OrganId>{sender}</edXML:OrganId><edXML:Timestamp>{stamp(at_s)}</edXML:Timestamp>"
        "</edXML:TraceHeader><edXML:Bussiness><edXML:BussinessDocType>"
        f"{business}</edXML:BussinessDocType></edXML:Bussiness></edXML:TraceHeaderList>"
        f"<edXML:DigitalSignature>{signed}"
        "</edXML:DigitalSignature>"
    )


def status(document: str, sender: str, teller: str, code: str, at_s: int) -> str:
    """A status message of a receiver."""
    day, number = document.split(",")[1:]
    first, notation = number.split("/", 1)
    return _xml(
        f"<edXML:MessageStatus><edXML:ResponseFor><edXML:OrganId>{sender}</edXML:OrganId>"
        f"<edXML:Code><edXML:CodeNumber>{first}</edXML:CodeNumber>"
        f"<edXML:CodeNotation>{notation}</edXML:CodeNotation></edXML:Code>"
        f"<edXML:PromulgationDate>{day}</edXML:PromulgationDate>"
        f"<edXML:DocumentId>{document}</edXML:DocumentId></edXML:ResponseFor>"
        f"<edXML:From><edXML:OrganId>{teller}</edXML:OrganId></edXML:From>"
        f"<edXML:StatusCode>{code}</edXML:StatusCode>"
        f"<edXML:Description>{NAMES[code]}</edXML:Description>"
        "<edXML:StaffInfo><edXML:Department>Văn thư</edXML:Department>"
        "<edXML:Staff>Cán bộ mô phỏng</edXML:Staff></edXML:StaffInfo>"
        f"<edXML:Timestamp>{stamp(at_s)}</edXML:Timestamp></edXML:MessageStatus>"
    )


def work_file(code: str, owner: str, steps: list[tuple[int, bool]], closed_s: int | None) -> str:
    """A work file with its steps so far."""
    rows = ",".join(
        f'{{"SoThuTu":{n},"ThoiDiem":"{stamp(at)}","TrenMang":"{int(online)}"}}'
        for n, (at, online) in enumerate(steps, 1)
    )
    return (
        f'"hscv":{{"MaHoSoCongViec":"{code}","MaDonVi":"{owner}","TieuDe":"Hồ sơ mô phỏng",'
        f'"NgayMo":"{stamp(steps[0][0])}","BuocXuLy":[{rows}],'
        f'"TrangThai":"{"2" if closed_s else "1"}",'
        f'"NgayKetThuc":"{stamp(closed_s) if closed_s else ""}"}}'
    )
