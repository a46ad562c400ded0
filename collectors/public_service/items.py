"""Items as this wire writes them: a step of progress, and a dossier stated whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collectors.public_service.stamps import stamp

if TYPE_CHECKING:
    from collectors._world.world import Agency
    from collectors.public_service.catalogue import Procedure
    from collectors.public_service.life import Life


def progress(code: str, at_s: int, status: str) -> dict[str, Any]:
    """A step of progress."""
    return {
        "MaHoSo": code,
        "NguoiXuLy": "Cán bộ mô phỏng",
        "ChucDanh": "Chuyên viên",
        "ThoiDiemXuLy": stamp(at_s),
        "PhongBanXuLy": "Bộ phận một cửa",
        "NoiDungXuLy": _STATUS_NAMES[status],
        "TrangThai": status,
        "NgayBatDau": stamp(at_s),
        "NgayKetThucTheoQuyDinh": "",
    }


def dossier(
    agency: Agency, procedure: Procedure, code: str, life: Life, at_s: int, status: str
) -> dict[str, Any]:
    """A dossier as it stands at an instant."""
    outcome = life.outcome
    ended = status in ("8", "9", "10", "3")
    done = status in ("9", "10")
    e_result = done and outcome.e_result
    return {
        "MaHoSo": code,
        "MaTTHC": procedure.code,
        "TenTTHC": procedure.name,
        "MaLinhVuc": procedure.sector,
        "TenLinhVuc": procedure.sector_name,
        "ChuHoSo": "Người dân mô phỏng",
        "LoaiDoiTuong": "1",
        "MaDoiTuong": "",
        "Email": "",
        "Fax": "",
        "SoDienThoai": "0000000000",
        "TrichYeuHoSo": "Hồ sơ mô phỏng",
        "NgayTiepNhan": "" if life.received_s is None else stamp(life.received_s),
        "NgayHenTra": "" if life.due_s is None else stamp(life.due_s),
        "ThoiHanGiaiQuyet": str(procedure.maximum) if outcome.has_maximum else "",
        "DonViThoiHan": procedure.unit,
        "TrangThaiHoSo": status,
        "NgayTra": stamp(life.handed_s) if status == "10" and life.handed_s else "",
        "ThongTinTra": "",
        "HinhThuc": "1" if outcome.online else "0",
        "NgayKetThucXuLy": stamp(life.ended_s) if ended and life.ended_s else "",
        "DonViXuLy": agency.name,
        "GhiChu": "",
        "KenhThucHien": ("2" if outcome.online else "1") if outcome.channel_told else "",
        "DuocThanhToanTrucTuyen": "1" if procedure.fee and outcome.paid_online else "0",
        "HoSoCoThanhPhanSoHoa": ("1" if outcome.components else "0") if outcome.digit_told else "",
        "MaKetQua": procedure.result,
        "TaiKhoanDuocXacThucVoiVNeID": "1" if outcome.online else "0",
        **_papers(procedure, code, life),
        "DanhSachHoSoBoSung": [_request(w, at_s) for w in life.waits if w[1] <= at_s],
        "DanhSachGiayToKetQua": [
            {"TenGiayTo": "Kết quả", "GiayToId": "1", "DuongDanTepTinKetQua": "/kq/1"}
        ]
        if e_result
        else [],
    }


def _papers(procedure: Procedure, code: str, life: Life) -> dict[str, Any]:
    """The papers handed in and the fees."""
    outcome = life.outcome
    # Systems that write new codes write amounts as numbers, the old ones as text.
    fee = procedure.fee if code.startswith("H38") else str(procedure.fee)
    return {
        "TaiLieuNop": [
            {
                "TepDinhKemId": "1",
                "TenTepDinhKem": "to-khai.pdf",
                "IsDeleted": "False",
                "MaThanhPhanHoSo": "TP01",
                "DuongDanTaiTepTin": "/tep/1",
                "DuocSoHoa": "1" if outcome.components else "0",
                "DuocLayTuKhoDMQG": "0",
            }
        ],
        "DanhSachLePhi": [
            {
                "TenPhiLePhi": "Lệ phí",
                "MaPhiLePhi": "LP",
                "HinhThucThu": "1",
                "Gia": fee,
                "LoaiPhiLePhi": "2",
            }
        ],
    }


def _request(wait: tuple[str, int, int | None], at_s: int) -> dict[str, Any]:
    ref, asked, answered = wait
    return {
        "HoSoBoSungId": ref,
        "NguoiYeuCauBoSung": "",
        "NoiDungBoSung": "Bổ sung giấy tờ",
        "NgayBoSung": stamp(asked),
        "NguoiTiepNhanBoSung": "",
        "ThongTinTiepNhan": "",
        "NgayTiepNhanBoSung": stamp(answered) if answered is not None and answered <= at_s else "",
        "TrangThaiBoSung": "1" if answered is not None and answered <= at_s else "0",
        "NgayHenTraTruoc": "",
        "NgayHenTraMoi": "",
    }


_STATUS_NAMES = {
    "1": "Mới đăng ký",
    "2": "Được tiếp nhận",
    "3": "Không được tiếp nhận",
    "4": "Đang xử lý",
    "5": "Yêu cầu bổ sung giấy tờ",
    "6": "Yêu cầu thực hiện nghĩa vụ tài chính",
    "7": "Công dân yêu cầu rút hồ sơ",
    "8": "Dừng xử lý",
    "9": "Đã xử lý xong",
    "10": "Đã trả kết quả",
}
