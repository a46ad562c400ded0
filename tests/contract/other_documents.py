"""Documents, statuses and work files of the other upstream, by hand."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

Json = dict[str, Any]
Record = tuple[str, Json]

NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
SIGNED = ("CaNhan", "CoQuan")


def envelope(inside: str) -> str:
    """The edXML around a header; this program binds the namespace as the default one."""
    return (
        f'<?xml version="1.0"?><edXML xmlns="{NS}"><edXMLEnvelope><edXMLHeader>{inside}'
        "</edXMLHeader><edXMLBody/></edXMLEnvelope></edXML>"
    )


def document(
    key: str,
    at: str,
    to: str,
    due: str,
    signatures: tuple[str, ...] = SIGNED,
    sent: str = "",
    published: str = "",
) -> Record:
    """An outgoing document; `to` has its receivers with blanks between."""
    sender, _, _ = key.partition(",")
    receivers = "".join(f"<To><OrganId>{code}</OrganId></To>" for code in to.split())
    signed = "".join(f'<Signature Loai="{kind}" Ngay="{at}"/>' for kind in signatures)
    text = envelope(
        f"<MessageHeader><From><OrganId>{sender}</OrganId></From>{receivers}"
        f"<Subject>Thử</Subject>{f'<DueDate>{due}</DueDate>' if due else ''}"
        f"<DocumentId>{escape(key)}</DocumentId></MessageHeader>"
        f"<TraceHeaderList><TraceHeader><OrganId>{sender}</OrganId><Timestamp>{at}</Timestamp>"
        f"</TraceHeader></TraceHeaderList><DigitalSignature>{signed}</DigitalSignature>"
    )
    sent = sent or at
    published = published or sent
    return published, {"type": "edoc", "published": published, "sent": sent, "edxml": text}


def status(key: str, receiver: str, code: str, at: str, published: str = "") -> Record:
    """What a receiver says of a document."""
    text = envelope(
        f"<MessageStatus><ResponseFor><DocumentId>{escape(key)}</DocumentId></ResponseFor>"
        f"<From><OrganId>{receiver}</OrganId></From><StatusCode>{code}</StatusCode>"
        f"<Timestamp>{at}</Timestamp></MessageStatus>"
    )
    published = published or at
    return published, {"type": "status", "published": published, "sent": at, "edxml": text}


def work_file(
    key: str, agency: str, opened: str, steps: str, sent: str = "", published: str = ""
) -> Record:
    """A work file; `steps` as `1@yyyy/MM/dd HH:mm:ss`, with `;` between."""
    told = [step.split("@") for step in steps.split(";") if step]
    sent = sent or opened
    published = published or sent
    return published, {
        "type": "workfile",
        "published": published,
        "sent": sent,
        "hscv": {
            "MaHoSoCongViec": key, "MaDonVi": agency, "NgayMo": opened, "TieuDe": "Thử",
            "BuocXuLy": [{"SoThuTu": n, "ThoiDiem": at, "TrenMang": online}
                         for n, (online, at) in enumerate(told, 1)],
            "TrangThai": "1", "NgayKetThuc": "",
        },
    }  # fmt: skip


E1 = "000.00.12.H38,2022/10/03,1/STTTT-VP"
E2 = "H38.12,2022/10/05,2/STTTT-VP"
E3 = "H38.12,2022/10/12,3/STTTT-VP"
E4 = "000.07.31.H38,2022/10/13,4/UBND"
E5 = "H38.31,2022/09/28,5/UBND"
E6 = "H38.31,2022/10/14,6/UBND"
E7 = "H38.39.16,2022/10/10,7/UBND"
E8 = "000.16.39.H38,2022/10/11,8/UBND"
E9 = "000.00.00.G09,2022/10/06,9/BTTTT-CĐS"
E10 = "H38.12,2022/10/07,10/STTTT-CNTT"
E11 = "H38.2,2022/10/14,11/SKHĐT"
E12 = "000.00.00.H38,2022/10/08,12/UBND-NC"
NEVER = "H38.9,2022/10/13,7/SGTVTXD-VP"

RECORDS: list[Record] = [
    document(E1, "2022/10/03 07:30:00", "H38.31 000.07.31.H38", "2022/10/10"),
    document(E2, "2022/10/05 09:00:00", "H38.39.16", "2022/10/12", ("CaNhan",)),
    document(E3, "2022/10/12 10:00:00", "H38.31.7", "", (), published="2022/10/12 10:00:10"),
    document(E3, "2022/10/12 10:00:00", "H38.31.7", "", sent="2022/10/12 15:00:00"),
    document(E3, "2022/10/12 10:00:00", "H38.31.7", "", ("CoQuan",), "2022/10/12 14:00:00",
             "2022/10/13 08:00:00"),
    document(E4, "2022/10/13 09:00:00", "000.00.31.H38", "2022/10/14"),
    document(E5, "2022/09/28 09:00:00", "H38.31.7", "2022/10/03", ("CoQuan",)),
    document(E6, "2022/10/14 08:00:00", "000.00.12.H38", "2022/10/20"),
    document(E7, "2022/10/10 08:00:00", "H38.12", "2022/10/13"),
    document(E8, "2022/10/11 08:00:00", "", "", ("CaNhan",)),
    document(E9, "2022/10/06 08:00:00", "H38.12 H38.31 H57", "2022/10/11"),
    document(E10, "2022/10/07 08:00:00", "000.00.00.G09 H38.31.7", "2022/10/13"),
    document(E11, "2022/10/14 14:30:00", "000.00.00.H38", ""),
    document(E12, "2022/10/08 08:00:00", "H38.31.7", "2022/10/12"),
    # handled, refused, asked back
    status(E1, "H38.31", "06", "2022/10/10 08:00:00"),
    status(E1, "000.00.31.H38", "06", "2022/10/09 10:00:00", "2022/10/11 08:00:00"),
    status(E2, "H38.39.16", "02", "2022/10/06 08:00:00"),
    status(E5, "H38.31.7", "06", "2022/10/04 08:00:00"),
    status(E6, "H38.12", "06", "2022/10/14 11:00:00"),
    status(E7, "H38.12", "13", "2022/10/11 08:00:00"),
    status(E7, "H38.12", "15", "2022/10/12 09:00:00"),
    status(E9, "H38.12", "06", "2022/10/11 23:59:59"),
    status(E10, "H38.31.7", "13", "2022/10/08 08:00:00"),
    status(E10, "H38.31.7", "16", "2022/10/09 08:00:00"),
    status(E10, "H38.31.7", "06", "2022/10/12 08:00:00"),
    status(E10, "000.00.00.G09", "06", "2022/10/12 09:00:00"),
    status(E12, "H38.31.7", "02", "2022/10/13 10:00:00"),
    # arrived and registered
    status(E6, "H38.12", "03", "2022/10/14 08:35:00", "2022/10/14 08:36:00"),
    status(E6, "000.00.12.H38", "01", "2022/10/14 08:05:00", "2022/10/14 08:40:00"),
    status(E4, "H38.31", "01", "2022/10/13 16:00:00"),
    status(E4, "H38.31", "03", "2022/10/14 08:00:00"),
    status(E3, "H38.31.7", "01", "2022/10/14 08:50:00"),
    status(E3, "H38.31.7", "03", "2022/10/14 09:20:00"),
    status(E3, "H38.31.7", "03", "2022/10/14 09:00:00", "2022/10/14 09:30:00"),
    status(E11, "H38", "01", "2022/10/14 14:31:00"),
    status(E11, "H38", "03", "2022/10/14 14:33:30"),
    status(NEVER, "000.07.31.H38", "01", "2022/10/14 07:40:00"),
    status(NEVER, "000.07.31.H38", "03", "2022/10/14 08:00:00"),
    status(E7, "H38.12", "03", "2022/10/14 08:10:00"),
    status(E9, "H38.12", "01", "2022/10/06 08:10:00"),
    status(E9, "H38.12", "03", "2022/10/06 08:20:00"),
    status(E2, "H38.39.16", "03", "2022/10/14 09:00:00"),
    status(E2, "H38.39.16", "01", "2022/10/14 10:00:00"),
    # unreadable: there is no code 07
    status(E1, "H38.31", "07", "2022/10/04 08:00:00"),
    # work files
    work_file("W1", "H38.12", "2022/02/01 08:00:00", "1@2022/02/01 08:00:00;1@2022/02/03 08:00:00"),
    work_file("W2", "000.00.12.H38", "2022/05/01 08:00:00", "0@2022/05/02 08:00:00"),
    work_file("W3", "H38.12", "2021/12/31 16:00:00", "1@2021/12/31 16:00:00",
              published="2022/01/01 00:00:05"),
    work_file("W4", "H38.12", "2022/10/14 08:00:00", "1@2022/10/14 08:00:00;0@2022/10/14 16:00:00"),
    work_file("W5", "H38.31", "2022/06/01 08:00:00", ""),
    work_file("W6", "H38.31", "2022/03/01 08:00:00", "0@2022/03/01 09:00:00"),
    work_file("W6", "H38.31", "2022/03/01 08:00:00", "1@2022/03/01 09:00:00",
              "2022/03/05 08:00:00"),
    work_file("W6", "H38.31", "2022/03/01 08:00:00", "0@2022/03/01 09:00:00", "2022/03/02 08:00:00",
              "2022/03/06 08:00:00"),
    work_file("W7", "000.07.31.H38", "2022/07/01 08:00:00", "1@2022/07/01 08:00:00"),
    work_file("W8", "H38.31.7", "2022/07/02 08:00:00", "1@2022/07/02 08:00:00"),
    work_file("W8", "H38.31.7", "2022/07/02 08:00:00", "0@2022/07/02 08:00:00",
              "2022/07/09 08:00:00"),
    work_file("W9", "H38.31.7", "2022/10/10 08:00:00",
              "1@2022/10/10 08:00:00;1@2022/10/11 08:00:00;0@2022/10/14 14:00:00",
              "2022/10/14 14:00:00"),
    work_file("W10", "H38.39.16", "2022/08/01 08:00:00", "1@2022/08/01 08:00:00"),
    work_file("W11", "H38.39.16", "2022/08/02 08:00:00", "0@2022/08/02 08:00:00"),
    work_file("W12", "H38.2", "2022/08/03 08:00:00", "1@2022/08/03 08:00:00"),
    work_file("W13", "H38.2", "2022/08/04 08:00:00", "0@2022/08/04 08:00:00"),
    work_file("W14", "H38.31.7", "2022/10/20 08:00:00", "1@2022/10/20 08:00:00",
              "2022/10/14 09:00:00"),
    *[work_file("W15", "H38.31", "2022/09/01 08:00:00", "1@2022/09/01 08:00:00",
                published=f"2022/09/0{day} 08:00:00") for day in (1, 2, 3)],
]  # fmt: skip
