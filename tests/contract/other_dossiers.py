"""Dossiers and procedures of the other upstream: by hand, one for each thing the page says."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
Record = tuple[str, Json]
"""Instant of publishing, and the record as it goes over the wire."""

PAPER = {"TepDinhKemId": "9", "TenTepDinhKem": "don.pdf", "DuongDanTaiTepTin": "/t/9"}
RESULT = [{"TenGiayTo": "Kết quả", "GiayToId": "1", "DuongDanTepTinKetQua": "/kq/1"}]
RESULT_ON_PAPER = [{"TenGiayTo": "Kết quả", "GiayToId": "1", "DuongDanTepTinKetQua": ""}]


def item(
    code: str, received: str, due: str, status: str, sector: str = "LV01", **more: Any
) -> Json:
    """One whole dossier; what is not named is left out, as the page allows."""
    return {
        "MaHoSo": code, "MaTTHC": "1.000001.000.00.00.H38", "TenTTHC": "Thủ tục",
        "MaLinhVuc": sector, "ChuHoSo": "Người thử", "SoDienThoai": "0000000000",
        "NgayTiepNhan": received, "NgayHenTra": due, "TrangThaiHoSo": status, **more,
    }  # fmt: skip


def whole(published: str, dossier: Json, sent: str = "", *, again: bool = False) -> Record:
    """The record that carries a dossier."""
    return published, {
        "PhatHanh": published,
        "ThoiDiemGui": sent or published,
        "service": "DongBoHoSoMC",
        "isUpdating": "True" if again else "False",
        "data": [dossier],
    }


def step(code: str, at: str, status: str, published: str = "") -> Record:
    """The record that carries one status; published when it happens, unless said otherwise."""
    return published or at, {
        "PhatHanh": published or at,
        "ThoiDiemGui": at,
        "service": "CapNhatTienDoHoSoMC",
        "data": [{"MaHoSo": code, "NguoiXuLy": "x", "ThoiDiemXuLy": at, "TrangThai": status}],
    }


def steps(code: str, told: str) -> list[Record]:
    """Several steps, written `status@MMddHHmm` of 2022, with blanks between."""
    return [
        step(code, f"2022{at}00", status) for status, at in (t.split("@") for t in told.split())
    ]


def fee(*amounts: str | int) -> list[Json]:
    """Fees, as text or as numbers."""
    return [{"TenPhiLePhi": "Lệ phí", "Gia": amount} for amount in amounts]


def request(name: str, asked: str, answered: str) -> Json:
    """One request for more papers; its new due date is written and moves nothing."""
    return {
        "HoSoBoSungId": name,
        "NgayBoSung": asked,
        "NgayTiepNhanBoSung": answered,
        "NgayHenTraMoi": "20221231170000",
    }


def procedure(
    published: str, number: int, agency: str, sector: str, issued: str, level: str | int, since: str
) -> Record:
    """The record that carries a procedure of the catalogue."""
    return published, {
        "PhatHanh": published,
        "ThoiDiemGui": published,
        "service": "LayDanhSachTTHC",
        "data": [{
            "MaTTHC": f"2.{number:06}.000.00.00.H38", "TenTTHC": f"Thủ tục {number}",
            "MaLinhVuc": sector, "MaCoQuan": agency, "CapThucHien": "T", "NgayBanHanh": issued,
            "MucDo": level, "MucDoTuNgay": since, "ThoiHanGiaiQuyet": "", "CoPhi": "0",
        }],
    }  # fmt: skip


D1 = "000.00.12.H38-221003-0001"
D2 = "H38.12-221003-0002"
D3 = "H38.12-220920-0001"
D4 = "H38.12-220905-0001"
D29 = "H38.12-221010-0003"
D30 = "000.00.12.H38-221011-0004"
D31 = "H38.12-221013-0005"
C5 = "000.07.31.H38-221004-0001"
C6 = "H38.31.7-221004-0002"
C7 = "H38.31.7-221003-0003"
C8 = "H38.31.7-221003-0004"
C9 = "H38.31.7-221005-0005"
C10 = "H38.31.7-221005-0006"
Q11 = "H38.31-221006-0001"
Q12 = "000.00.31.H38-221007-0002"
Q13 = "H38.31-221007-0003"
Q14 = "H38.31-221007-0004"
Q15 = "H38.31-221010-0005"
Q16 = "H38.31-221010-0006"
Q26 = "H38.31-221003-0007"
V17 = "H38.39.16-221011-0001"
V18 = "000.16.39.H38-221011-0002"
V19 = "H38.39.16-221006-0003"
V24 = "H38.39.16-221004-0004"
V25 = "H38.39.16-221003-0005"
V27 = "000.16.39.H38-211230-0001"
V28 = "000.16.39.H38-220128-0001"
S20 = "H38.2-221012-0001"
S21 = "H38.2-221013-0002"
S23 = "H38.2-221014-0003"

_due15 = {"sector": "LV04", "KenhThucHien": "1"}

RECORDS: list[Record] = [
    # D, the department H38.12
    whole("20221008083500", item(D1, "20221003080000", "20221010170000", "10", "LV20",
        KenhThucHien="2", DuocThanhToanTrucTuyen="1", HoSoCoThanhPhanSoHoa="1", MaKetQua="KQ1",
        DanhSachLePhi=fee("50000"), DanhSachGiayToKetQua=RESULT, NgayTra="20221008083000",
        NgayKetThucXuLy="20221007160000"), again=True),
    *steps(D1, "2@10030800 4@10031000 9@10071600 10@10080830"),
    whole("20221003090100", item(D2, "20221003090000", "20221006170000", "2", "LV20",
        HoSoCoThanhPhanSoHoa=0, MaKetQua="KQ1", DanhSachLePhi=fee("0"))),
    step(D2, "20221006170001", "9"),
    whole("20220920080100", item(D3, "20220920080000", "20221005170000", "4", "LV20",
        KenhThucHien=2, DanhSachLePhi=[])),
    whole("20220905080100", item(D4, "20220905080000", "20220912170000", "2", "LV20",
        KenhThucHien="2", DuocThanhToanTrucTuyen="0", DanhSachLePhi=fee(20000),
        DanhSachGiayToKetQua=RESULT)),
    *steps(D4, "2@09050800 9@09091000"),
    *[whole(f"2022101014{minute}00", item(D29, "20221010140000", "20221020170000", "2", "LV20",
        KenhThucHien="2", DuocThanhToanTrucTuyen="", DanhSachLePhi=fee("0", 15000)),
        sent="20221010140030") for minute in ("01", "20", "45")],
    *steps(D30, "2@10110900 9@10120900"),
    whole("20221013100000", item(D30, "20221011090000", "20221013170000", "9", "LV20",
        KenhThucHien="2", MaKetQua="KQ1", DanhSachGiayToKetQua=RESULT), sent="20221011090100"),
    *steps(D31, "2@10131000"),
    # C, the commune H38.31.7
    whole("20221011080500", item(C5, "20221004073000", "20221014170000", "4", KenhThucHien="2",
        DuocThanhToanTrucTuyen="2", DanhSachLePhi=fee("10000"), DanhSachHoSoBoSung=[
        request("BS1", "20221006080000", "20221011080000")])),
    *steps(C5, "2@10040730 5@10060800 4@10110800"),
    whole("20221010090100", item(C6, "20221004080000", "20221011170000", "5", KenhThucHien="3",
        DanhSachHoSoBoSung=[request("BS1", "20221010090000", "")])),
    *steps(C6, "2@10040800 5@10100900"),
    whole("20221010100100", item(C7, "20221003080000", "20221020170000", "5", KenhThucHien="1",
        DanhSachHoSoBoSung=[request("BS1", "20221004080000", "20221005080000"),
                            request("BS2", "20221010100000", "")])),
    *steps(C7, "2@10030800 5@10040800 4@10050800 5@10101000"),
    whole("20221012200100", item(C8, "20221003080000", "20221010170000", "9", KenhThucHien="2",
        DuocThanhToanTrucTuyen="", HoSoCoThanhPhanSoHoa="", MaKetQua="KQ1",
        DanhSachLePhi=fee("30000"), DanhSachGiayToKetQua=RESULT, NgayKetThucXuLy="20221012200000",
        TaiLieuNop=[{**PAPER, "IsDeleted": "True", "DuocSoHoa": "0"},
                    {**PAPER, "IsDeleted": "False", "DuocSoHoa": 1}],
        DanhSachHoSoBoSung=[request("BS1", "20221004080000", "20221005080000"),
                            request("BS2", "20221006080000", "20221007140000")])),
    *steps(C8, "2@10030800 5@10040800 4@10050800 5@10060800 4@10071400 9@10122000"),
    whole("20221005080500", item(C9, "", "", "3", KenhThucHien="2")),
    *steps(C9, "1@10050800 3@10050805"),
    whole("20221005080600", item(C10, "", "", "4", KenhThucHien="2", ThoiHanGiaiQuyet="5")),
    *steps(C10, "1@10050755 2@10050800 4@10051000"),
    # Q, the district H38.31
    whole("20221006090100", item(Q11, "20221006090000", "", "2", "LV04", KenhThucHien="2",
        ThoiHanGiaiQuyet="", HoSoCoThanhPhanSoHoa="1", MaKetQua="")),
    *steps(Q11, "2@10060900 9@10101000"),
    whole("20221011090100", item(Q12, "20221007080000", "20221010170000", "8", "LV04",
        KenhThucHien="2", NgayKetThucXuLy="20221011090000")),
    whole("20221013160100", item(Q13, "20221007090000", "20221012170000", "9", "LV04",
        KenhThucHien="2", HoSoCoThanhPhanSoHoa="0", MaKetQua="KQ1", DanhSachGiayToKetQua=RESULT,
        NgayKetThucXuLy="20221013160000")),
    *steps(Q13, "2@10070900 9@10101000 4@10110800 9@10131600"),
    whole("20221007100100", item(Q14, "20221007100000", "20221014170000", "2", "LV04",
        KenhThucHien="1")),
    *steps(Q14, "2@10071000 7@10071500"),
    whole("20221010090100", item(Q15, "20221010090000", "20221013170000", "2", **_due15)),
    whole("20221012100000", item(Q15, "20221010090000", "20221017170000", "4", **_due15),
        again=True),
    whole("20221012200000", item(Q15, "20221010090000", "20221012170000", "2", **_due15),
        sent="20221011080000", again=True),
    whole("20221012090100", item(Q16, "20221010100000", "20221013110000", "6", "LV04",
        KenhThucHien="2", DuocThanhToanTrucTuyen="0", DanhSachLePhi=fee("100000"))),
    *steps(Q16, "2@10101000 6@10120900"),
    whole("20221005100100", item(Q26, "20221003100000", "20221007170000", "5", "LV04",
        KenhThucHien="1", HoSoCoThanhPhanSoHoa="0", MaKetQua="KQ1",
        DanhSachHoSoBoSung=[request("BS1", "20221005100000", "")])),
    *steps(Q26, "2@10031000 5@10051000 9@10080800"),
    # V, the commune H38.39.16 of another district
    step(V17, "20221013100000", "9"),
    step(V17, "20221011100000", "4", "20221013110000"),
    step(V17, "20221011080000", "2", "20221013120000"),
    whole("20221013130000", item(V17, "20221011080000", "20221014170000", "9", "LV10",
        KenhThucHien="2", HoSoCoThanhPhanSoHoa="1", MaKetQua="KQ1",
        DanhSachGiayToKetQua=RESULT_ON_PAPER)),
    whole("20221011081500", item(V18, "20221011081000", "20221013150000", "2", "LV10",
        KenhThucHien="1", HoSoCoThanhPhanSoHoa="1", MaKetQua="KQ1", DanhSachGiayToKetQua=RESULT)),
    *steps(V18, "2@10110810 9@10131500 4@10131500"),
    whole("20221012090100", item(V19, "20221006080000", "20221011170000", "10", "LV10",
        KenhThucHien="1", HoSoCoThanhPhanSoHoa="", MaKetQua="KQ1", NgayTra="20221012090000",
        NgayKetThucXuLy="", DanhSachGiayToKetQua=RESULT,
        TaiLieuNop=[{**PAPER, "IsDeleted": "True", "DuocSoHoa": "1"}])),
    whole("20221004081000", item(V24, "20221004080000", "20221010100000", "2", "LV10",
        KenhThucHien="1", HoSoCoThanhPhanSoHoa="0", MaKetQua="KQ1")),
    *steps(V24, "2@10040800 5@10051000 2@10061000 9@10110900"),
    step(V24, "20221005100000", "5", "20221005111500"),
    whole("20221003080100", item(V25, "20221003080000", "20221005070000", "2", "LV10",
        KenhThucHien="2")),
    *steps(V25, "2@10030800 5@10050800 6@10060800"),
    whole("20220104100100", item(V27, "20211230080000", "20220105170000", "9", "LV10",
        KenhThucHien="1", NgayKetThucXuLy="20220104100000")),
    whole("20220128090100", item(V28, "20220128090000", "", "2", "LV10", KenhThucHien="1",
        ThoiHanGiaiQuyet=3)),
    *steps(V28, "2@01280900 9@02091600"),
    # S, the department H38.2
    whole("20221012080100", item(S20, "20221012080000", "20221014140000", "4", "LV06",
        KenhThucHien="2", DuocThanhToanTrucTuyen=1, DanhSachLePhi=fee(200000))),
    whole("20221013080100", item(S21, "20221013080000", "20221014155900", "4", "LV06",
        KenhThucHien="1")),
    whole("20221014080100", item(S23, "20221015080000", "20221020170000", "2", "LV06",
        KenhThucHien="2")),
    # Unreadable: there is no status 11.
    step("H38.2-221014-0099", "20221014090000", "11"),
    # Procedures
    procedure("20220105080000", 1, "H38.12", "LV20", "20220105", "4", "20220105"),
    procedure("20220301080000", 2, "H38.12", "LV20", "20220301", 2, "20220301"),
    procedure("20220901080000", 2, "H38.12", "LV20", "20220301", "toàn trình", "20220901"),
    procedure("20220920080000", 3, "H38.12", "LV20", "20220920", "một phần", "20220920"),
    procedure("20221010080000", 4, "H38.12", "LV20", "20221010", "toàn trình", "20221020"),
    procedure("20220101080000", 5, "H38.2", "LV06", "20211215", "4", "20211215"),
    procedure("20220615080000", 6, "H38.2", "LV06", "20220615", "3", "20220615"),
    procedure("20220505080000", 7, "H38.31", "LV04", "20220505", "4", "20220505"),
    procedure("20220701080000", 8, "H38.5", "LV01", "20220701", "4", "20220701"),
    procedure("20221014080000", 9, "H38.5", "LV01", "20221014", "một phần", "20221014"),
    procedure("20221014080100", 10, "H38.12", "LV20", "20230101", "toàn trình", "20230101"),
]  # fmt: skip
