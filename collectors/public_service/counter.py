"""The simulated counter (một cửa): dossiers from reception to result, told message by message."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec

from collectors._world.calendar import DAY_S, day_of
from collectors._world.feed import Message
from collectors.public_service.life import Life, Outcome, draw_outcome
from collectors.public_service.stamps import stamp

if TYPE_CHECKING:
    import random

    from collectors._world.world import Agency, World
    from collectors.public_service.catalogue import Catalogue, Procedure

A_DAY = 1200  # dossiers a working day at scale 1
TIER_SHARE = {"province": 0.24, "district": 0.31, "commune": 0.45}
COMMUNE_SECTORS = ("LV01", "LV02", "LV10", "LV11", "LV04")
DISTRICT_SECTORS = ("LV04", "LV06", "LV08", "LV01", "LV02", "LV12", "LV14", "LV11")
REPEATED = 0.012
SLOW_POST = 0.02
CORRECTED = 0.02


class Counter:
    """Draws each day's dossiers and keeps what they will say later."""

    def __init__(self, world: World, catalogue: Catalogue) -> None:
        self._world = world
        self._catalogue = catalogue
        self._later: defaultdict[date, list[Message]] = defaultdict(list)
        sizes: defaultdict[str, int] = defaultdict(int)
        for agency in world.agencies:
            sizes[agency.tier] += 1
        rng = world.rng("ps-weights")
        weights = [
            TIER_SHARE[a.tier] / sizes[a.tier] * (0.4 + 1.2 * rng.random()) for a in world.agencies
        ]
        self._weights = list(accumulate(weights))
        self._slowness = {a.code: 0.55 + 0.9 * rng.random() for a in world.agencies}
        self._digital = {a.code: 0.75 + 0.5 * rng.random() for a in world.agencies}
        self._departments: dict[str, list[str]] = defaultdict(list)
        for sector in world.sectors:
            self._departments[sector.department].append(sector.code)

    def day(self, day: date) -> list[Message]:
        """Give what is published that day of dossiers old and new."""
        rush = self._world.rush(day)
        if rush > 0:
            rng = self._world.rng("ps", day)
            expected = A_DAY * self._world.scale * rush
            count = max(0, round(rng.gauss(expected, expected**0.5)))
            serials: defaultdict[str, int] = defaultdict(int)
            for agency in rng.choices(self._world.agencies, cum_weights=self._weights, k=count):
                serials[agency.code] += 1
                self._receive(rng, day, agency, serials[agency.code])
        return self._later.pop(day, [])

    def _receive(self, rng: random.Random, day: date, agency: Agency, serial: int) -> None:
        procedure = self._procedure(rng, agency)
        at_s = self._world.office_second(rng, day)
        year = (day - date(2022, 1, 1)).days / 365
        outcome = draw_outcome(rng, year, self._slowness[agency.code], self._digital[agency.code])
        prefix = agency.old_code if rng.random() < 0.5 else agency.code
        code = f"{prefix}-{day.strftime('%y%m%d')}-{serial:04d}"
        life = Life(self._world, rng, at_s, procedure.days, outcome)
        self._tell(rng, agency, procedure, code, life)

    def _procedure(self, rng: random.Random, agency: Agency) -> Procedure:
        if agency.tier == "commune":
            sector = rng.choice(COMMUNE_SECTORS)
        elif agency.tier == "district":
            sector = rng.choice(DISTRICT_SECTORS)
        else:
            sector = rng.choice(self._departments.get(agency.code) or DISTRICT_SECTORS)
        return rng.choice(self._catalogue.by_sector[sector])

    def _tell(
        self, rng: random.Random, agency: Agency, procedure: Procedure, code: str, life: Life
    ) -> None:
        for at_s, status in life.progress:
            self._send(rng, agency, at_s, "CapNhatTienDoHoSoMC", _progress(code, at_s, status))
        first = True
        for at_s, status in life.statements:
            item = _item(agency, procedure, code, life, at_s, status)
            self._send(rng, agency, at_s + 20, "DongBoHoSoMC", item, updating=not first)
            first = False
        if rng.random() < CORRECTED:
            last = max(at for at, _ in life.statements) + rng.randrange(1, 12) * DAY_S
            life.correct(rng)
            status = life.statements[-1][1]
            item = _item(agency, procedure, code, life, last, status)
            self._send(rng, agency, last + 20, "DongBoHoSoMC", item, updating=True)

    def _send(
        self,
        rng: random.Random,
        agency: Agency,
        at_s: int,
        service: str,
        item: dict[str, Any],
        *,
        updating: bool = True,
    ) -> None:
        sent_s = at_s + 2 + int(rng.random() * 20)
        delay = rng.random()
        out_s = sent_s + int(delay * 90) if delay > SLOW_POST else sent_s + int(delay * 5e6)
        held = self._world.held_until(agency.code, out_s)
        if held is not None:
            out_s = held + int(delay * 3600)
        self._publish(out_s, sent_s, service, item, updating)
        if rng.random() < REPEATED:
            self._publish(out_s + rng.randrange(60, 7200), sent_s, service, item, updating)

    def _publish(
        self, out_s: int, sent_s: int, service: str, item: dict[str, Any], updating: bool
    ) -> None:
        record = {"PhatHanh": stamp(out_s), "ThoiDiemGui": stamp(sent_s), "service": service}
        if service == "DongBoHoSoMC":
            record["isUpdating"] = str(updating)
        body = msgspec.json.encode({**record, "data": [item]})
        self._later[day_of(out_s)].append(Message(out_s, body))


def _progress(code: str, at_s: int, status: str) -> dict[str, Any]:
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


def _item(
    agency: Agency, procedure: Procedure, code: str, life: Life, at_s: int, status: str
) -> dict[str, Any]:
    outcome: Outcome = life.outcome
    ended = status in ("8", "9", "10", "3")
    done = status in ("9", "10")
    e_result = done and outcome.e_result
    # Systems that write new codes write amounts as numbers, the old ones as text.
    fee = procedure.fee if code.startswith("H38") else str(procedure.fee)
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
        "ThoiHanGiaiQuyet": str(procedure.days) if outcome.has_maximum else "",
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
        "DanhSachHoSoBoSung": [_request(w, at_s) for w in life.waits if w[1] <= at_s],
        "DanhSachGiayToKetQua": [
            {"TenGiayTo": "Kết quả", "GiayToId": "1", "DuongDanTepTinKetQua": "/kq/1"}
        ]
        if e_result
        else [],
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
