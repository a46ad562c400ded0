"""Pages and records that mean harm, feed by feed: right in their form of carriage, wrong inside."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from tests.contract.hostile import JSON_PAGES, XML_PAGE

NAMES = {
    "public_service": ("result", "conNua", "cursorTiep", "hetDen"),
    "documents": ("packets", "more", "next", "upTo"),
}
_BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)  # fmt: skip
BOMB = _BOMB + "]>"
OUTSIDE = '<!DOCTYPE a SYSTEM "file:///etc/passwd" [<!ENTITY % b SYSTEM "http://127.0.0.1:9/">%b;]>'
LONG = "x" * 300_000
Bodies = dict[str, bytes]


def _with(page: dict[str, Any], **changes: object) -> bytes:
    return json.dumps({**page, **changes}).encode()


def _attributes(count: int) -> str:
    return " ".join(f"a{n}=''" for n in range(count))


def json_pages(feed: str) -> Bodies:
    """Pages of JSON of which nothing may be taken."""
    page = JSON_PAGES[feed]
    records, more, after, up_to = NAMES[feed]
    instant = str(page[up_to])
    return {
        "cut": json.dumps(page).encode()[:-900],
        "NaN": _with(page, **{more: float("nan")}),
        "records are an object": _with(page, **{records: {"0": page[records]}}),
        "records are a number": _with(page, **{records: -1}),
        "cursor with NUL": _with(page, **{after: "1\0"}),
        "cursor without end": _with(page, **{after: LONG}),
        "half a letter": _with(page, note="\ud800"),
        "cursor is nothing": _with(page, **{after: ""}),
        "cursor is a number": _with(page, **{after: 4}),
        "more but no records": _with(page, **{records: [], more: True}),
        "more is a word": _with(page, **{more: "yes"}),
        "complete up to the year 9999": _with(page, **{up_to: "9999" + instant[4:]}),
        "complete up to the year 1": _with(page, **{up_to: "0001" + instant[4:]}),
        "complete up to no day": _with(page, **{up_to: instant.replace("09", "19", 1) + "x"}),
        "complete up to nothing": _with(page, **{up_to: None}),
        "a million values": _with(page, **{records: [0] * 1_000_000}),
        "thirty thousand records": _with(page, **{records: [{}] * 30_000}),
        "a number of 5000 digits": _with(page).replace(b"false", b"9" * 5000),
        "deep in a record": _with(page).replace(b"[{", b'[{"a":' + b"[" * 100_000 + b"{", 1),
    }


def dossiers() -> Bodies:
    """Pages of public_service of which one record is to be set aside."""
    page = JSON_PAGES["public_service"]
    step, whole = page["result"][1], page["result"][2]
    changes: dict[str, dict[str, object]] = {
        "received in the year 1": {"NgayTiepNhan": "00010101000000"},
        "due in the year 9999": {"NgayHenTra": "99991231235959"},
        "30 February": {"NgayHenTra": "20220230120000"},
        "Arabic digits": {"NgayHenTra": "\u0662\u0660220228120000"},
        "negative instant": {"NgayTiepNhan": -1},
        "instant is a list": {"NgayTiepNhan": [1]},
        "fee is NaN": {"DanhSachLePhi": [{"Gia": "NaN"}]},
        "fee is infinite": {"DanhSachLePhi": [{"Gia": "inf"}]},
        "fee below zero": {"DanhSachLePhi": [{"Gia": -5}]},
        "fee is too large": {"DanhSachLePhi": [{"Gia": 1e300}]},
        "fees are numbers": {"DanhSachLePhi": [1, 2]},
        "maximum below zero": {"ThoiHanGiaiQuyet": "-1"},
        "maximum without end": {"ThoiHanGiaiQuyet": "9" * 30},
        "status is true": {"TrangThaiHoSo": True},
        "status is a list": {"TrangThaiHoSo": ["9"]},
        "code with NUL": {"MaHoSo": "H38.12-220823-\0"},
        "code without end": {"MaHoSo": "H38.12-" + LONG},
        "sector without end": {"MaLinhVuc": LONG},
        "ten thousand requests": {"DanhSachHoSoBoSung": [{"HoSoBoSungId": "1"}] * 10_000},
        "a record of megabytes": {"GhiChu": LONG * 4},
        "half a million names": {f"a{n}": 0 for n in range(100_000)},
    }
    found = {}
    for name, change in changes.items():
        bad = copy.deepcopy(whole)
        bad["data"][0].update(change)
        found[name] = _with(page, result=[step, bad])
    found["data is an object"] = _with(page, result=[step, {**whole, "data": whole["data"][0]}])
    found["a record is a number"] = _with(page, result=[step, 7])
    found["sent in the year 9999"] = _with(
        page, result=[step, {**whole, "ThoiDiemGui": "99990101000000"}]
    )
    return found


def thousands_of_steps() -> bytes:
    """A page of public_service that tells nothing but steps of one dossier."""
    page = JSON_PAGES["public_service"]
    step = json.dumps(page["result"][1])
    at = '"ThoiDiemXuLy": "20220905074313"'
    assert at in step
    steps = [
        json.loads(
            step.replace(
                at, f'"ThoiDiemXuLy": "20220905{n // 60 % 24:02}{n % 60:02}{n // 1440:02}"'
            )
        )
        for n in range(3000)
    ]
    return _with(page, result=steps)


def packets() -> Bodies:
    """Pages of documents of which one packet is to be set aside."""
    page = JSON_PAGES["documents"]
    edoc, status, file = page["packets"]
    text = str(edoc["edxml"])
    xml, _, rest = text.partition("?>")
    code = "000.00.12.H38,2022/10/03,1204/STTTT-CNTT"
    texts = {
        "entities": f"{xml}?>{BOMB}{rest.replace('Văn bản mô phỏng', '&i;')}",
        "outside": f"{xml}?>{OUTSIDE}{rest}",
        "deep": "<a>" * 100_000,
        "two hundred thousand attributes": "<a "
        + " ".join(f"a{n}=''" for n in range(90_000))
        + "/>",
        "a quarter of a million elements": f"<a>{'<b/>' * 200_000}</a>",
        "another encoding": xml.replace("UTF-8", "UTF-7") + "?>" + rest.replace("<", "+ADw-"),
        "key without end": text.replace(code, LONG),
        "key with a line": text.replace(code, "a&#10;b"),
        "sent in the year 1": text.replace("2022/10/03 07:30:00", "0001/01/01 00:00:00"),
        "due in the year 9999": text.replace("2022/10/10", "9999/12/31"),
        "no edXML": "",
        "NUL": "\0",
    }
    found = {n: _with(page, packets=[status, {**edoc, "edxml": t}]) for n, t in texts.items()}
    files: dict[str, object] = {
        "steps are a number": {**file["hscv"], "BuocXuLy": 3},
        "step in the year 9999": {
            **file["hscv"], "BuocXuLy": [{"ThoiDiem": "9999/01/01 00:00:00", "TrenMang": "0"}],
        },
        "online below zero": {
            **file["hscv"], "BuocXuLy": [{"ThoiDiem": "2022/01/01 00:00:00", "TrenMang": -1}],
        },
        "file without end": {**file["hscv"], "MaHoSoCongViec": LONG},
        "file is a list": [],
        "file of megabytes": {**file["hscv"], "TieuDe": LONG * 4},
    }  # fmt: skip
    for name, hscv in files.items():
        found[name] = _with(page, packets=[status, {**file, "hscv": hscv}])
    found["a packet is a number"] = _with(page, packets=[status, -1])
    found["a packet sent in the year 9999"] = _with(
        page, packets=[status, {**file, "sent": "9999/01/01 00:00:00"}]
    )
    return found


def xml_pages() -> Bodies:
    """Pages of einvoice of which nothing may be taken."""
    page = XML_PAGE.decode()
    xml, _, rest = page.partition("?>")
    many = _attributes(200_000)
    return {
        "entities": f"{xml}?>{BOMB}{rest.replace('H38', '&i;')}".encode(),
        "outside": f"{xml}?>{OUTSIDE}{rest}".encode(),
        "another encoding": page.replace("UTF-8", "UTF-16").encode("utf-16"),
        "two hundred thousand attributes": page.replace("<CQT>", f"<CQT {many}>", 1).encode(),
        "two million attributes": page.replace(
            "<CQT>", f"<CQT {many * 5}>", 1
        ).encode(),
        "two million elements": page.replace("<CQT>", "<a/>" * 2_000_000 + "<CQT>", 1).encode(),
        "cut": XML_PAGE[:-60],
        "count below zero": page.replace("<SLuong>4", "<SLuong>-4", 1).encode(),
        "count is NaN": page.replace("<SLuong>4", "<SLuong>NaN", 1).encode(),
        "cursor is a word": page.replace("<TiepTheo>81234", "<TiepTheo>back").encode(),
        "cursor without end": page.replace("<TiepTheo>81234", "<TiepTheo>" + "9" * 9000).encode(),
        "more is 2": page.replace("<ConNua>0", "<ConNua>2").encode(),
        "more but no records": re.sub(
            "<DSachTHop>.*</DSachTHop>", "<DSachTHop/>", page, flags=re.DOTALL
        ).replace("<SLuong>4", "<SLuong>0", 1).replace("<ConNua>0", "<ConNua>1").encode(),
        "complete up to the year 9999": page.replace("<HetDen>2022", "<HetDen>9999").encode(),
        "complete up to the year 1": page.replace("<HetDen>2022", "<HetDen>0001").encode(),
        "JSON": b'{"error_code":"00"}',
    }  # fmt: skip


def totals() -> Bodies:
    """Pages of einvoice of which one record is to be set aside."""
    page = XML_PAGE.decode()
    changes = {
        "below zero": ("<SLHDon>41<", "<SLHDon>-41<"),
        "NaN": ("<SLHDon>41<", "<SLHDon>NaN<"),
        "an exponent": ("<SLHDon>41<", "<SLHDon>1e9<"),
        "beyond counting": ("<SLHDon>41<", f"<SLHDon>{'9' * 15}<"),
        "Arabic digits": ("<SLHDon>41<", "<SLHDon>\u0664<"),
        "half a dong": ("123456000<", "123456000.5<"),
        "an hour in the year 9999": ("<TGian>2022-10-03T08", "<TGian>9999-10-03T08"),
        "an hour that is none": ("<TGian>2022-10-03T08:00:00", "<TGian>2022-10-03T25:00:00"),
        "stated in the year 1": ('TDGui="2022-10-03T08:31', 'TDGui="0001-10-03T08:31'),
        "no longer stated": ('TDGui="2022-10-03T08:31:00"', ""),
        "offices without end": ("<CQT>1101,1102<", f"<CQT>{'1101,' * 100_000}<"),
        "rows without end": (
            "<DSLTDiep>", "<DSLTDiep>" + '<LTDiep MLTDiep="200"><SLuong>1</SLuong></LTDiep>' * 9000,
        ),
        "elements in a number": ("<SLHDon>41<", "<SLHDon><a>41</a><"),
        "code without end": ("<MST>5300000128<", f"<MST>{'5' * 300_000}<"),
        "status of another list": ("<TTNNT>00<", "<TTNNT>99<"),
        "active from the year 1": ("<TTHLuc>2022-03-01", "<TTHLuc>0001-03-01"),
        "accepted in the year 9999": ("<NCNhan103>2022", "<NCNhan103>9999"),
    }  # fmt: skip
    found = {}
    for name, (old, new) in changes.items():
        assert old in page, name
        found[name] = page.replace(old, new, 1).encode()
    return found


BROKEN = {
    "public_service": json_pages("public_service"),
    "documents": json_pages("documents"),
    "einvoice": xml_pages(),
}
SET_ASIDE = {"public_service": dossiers(), "documents": packets(), "einvoice": totals()}
