"""The simulated procedure catalogue: 2,019 procedures at the start, a dozen new ones a month."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from collectors._world.calendar import FIRST_DAY, midnight_s
from collectors._world.feed import Message
from collectors.public_service.stamps import stamp

if TYPE_CHECKING:
    import random

    from collectors._world.world import World

AT_START = 2019  # 2,019 procedures of which 759 (37,6 %) at level 4: doingoailaocai.vn, 2022
LEVEL4_AT_START = 0.376
RENAMED = date(2022, 8, 15)  # Decree 42/2022: levels become toàn trình / một phần
NEW_A_DAY = 0.55
FULL_WHEN_ISSUED = 0.78
FULL_LATER = 0.6
HOURLY, DAILY = 17, 23  # every so manieth is told in hours, or in days of the calendar; invented


@dataclass(frozen=True, slots=True)
class Procedure:
    """What a dossier needs to know of its procedure."""

    code: str
    name: str
    sector: str
    sector_name: str
    agency: str
    days: int
    fee: int
    result: str
    maximum: int  # ThoiHanGiaiQuyet, in ``unit``
    unit: str  # DonViThoiHan; empty: working days


def _maximum(number: int, days: int) -> tuple[int, str]:
    """How long a procedure may take, in its own unit: hours, days of the calendar, working days."""
    if number % HOURLY == 0:
        return days * 8, "giờ làm việc"
    return (days + 2 * (days // 5), "ngày") if number % DAILY == 0 else (days, "")


class Catalogue:
    """Procedures by sector, and the messages of their issue and of their levels."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names = {s.code: s for s in world.sectors}
        self.by_sector: defaultdict[str, list[Procedure]] = defaultdict(list)
        self._later: defaultdict[date, list[Message]] = defaultdict(list)
        self._items: list[tuple[int, dict[str, Any]]] = []
        self._number = 0
        rng = world.rng("ps-catalogue")
        self._start: list[Message] = []
        for _ in range(AT_START):
            issued = date(2016, 1, 1) + timedelta(days=rng.randrange(2190))
            full = rng.random() < LEVEL4_AT_START
            procedure = self._make(rng)
            at_s = midnight_s(FIRST_DAY) + 60 + rng.randrange(1800)
            self._start.append(self._message(procedure, issued, full, issued, at_s))

    def day(self, day: date) -> list[Message]:
        """Give the catalogue's messages of a day."""
        found = self._later.pop(day, [])
        if day == FIRST_DAY:
            found += self._start
            self._start = []
        if self._world.is_working_day(day):
            rng = self._world.rng("ps-issued", day)
            for _ in range(int(NEW_A_DAY + rng.random())):
                found.append(self._issue(rng, day))
        return found

    def known(self, now_s: int) -> list[dict[str, Any]]:
        """The catalogue as the real service lists it: the newest entry of each procedure."""
        # A later level is drawn together with the issue, so these are not in order of time.
        told = sorted((one for one in self._items if one[0] <= now_s), key=lambda one: one[0])
        return list({item["MaTTHC"]: item for _, item in told}.values())

    def _issue(self, rng: random.Random, day: date) -> Message:
        procedure = self._make(rng)
        full = rng.random() < FULL_WHEN_ISSUED
        at_s = self._world.office_second(rng, day)
        if not full and rng.random() < FULL_LATER:
            later = day + timedelta(days=rng.randrange(5, 60))
            when = midnight_s(later) + 36000 + rng.randrange(3600)
            self._later[later].append(self._message(procedure, day, True, later, when))
        return self._message(procedure, day, full, day, at_s)

    def _make(self, rng: random.Random) -> Procedure:
        self._number += 1
        sector = rng.choice(self._world.sectors)
        code = f"{rng.choice('12')}.{self._number:06d}.000.00.00.H38"
        days = rng.choice((1, 2, 3, 3, 5, 5, 7, 10, 15, 20))
        procedure = Procedure(
            code,
            f"Thủ tục {self._number} – {sector.name}",
            sector.code,
            sector.name,
            sector.department,
            days,
            rng.choice((0, 0, 0, 8000, 15000, 50000, 100000)),
            f"KQ.{self._number:06d}" if rng.random() < 0.9 else "",
            *_maximum(self._number, days),
        )
        self.by_sector[sector.code].append(procedure)
        return procedure

    def _message(
        self, procedure: Procedure, issued: date, full: bool, since: date, at_s: int
    ) -> Message:
        renamed = since >= RENAMED
        level = ("toàn trình" if full else "một phần") if renamed else ("4" if full else "3")
        item = {
            "MaTTHC": procedure.code,
            "TenTTHC": procedure.name,
            "MaLinhVuc": procedure.sector,
            "TenLinhVuc": procedure.sector_name,
            "MaCoQuan": procedure.agency,
            "CapThucHien": "T",
            "NgayBanHanh": issued.strftime("%Y%m%d"),
            "MucDo": level,
            "MucDoTuNgay": since.strftime("%Y%m%d"),
            "ThoiHanGiaiQuyet": str(procedure.maximum),
            "DonViThoiHan": procedure.unit,
            "CoPhi": "1" if procedure.fee else "0",
        }
        self._items.append((at_s, item))
        record = {
            "PhatHanh": stamp(at_s),
            "ThoiDiemGui": stamp(at_s - 5),
            "service": "LayDanhSachTTHC",
            "data": [item],
        }
        return Message(at_s, msgspec.json.encode(record))
