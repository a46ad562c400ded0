"""Truth of `ps.*`: counted plainly from the records emitted, dossier by dossier, at one instant."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from collectors._world.calendar import day_of, midnight_s
from collectors._world.land import province
from collectors.public_service.rule import Switches, judge, seconds, taken, unit_of

if TYPE_CHECKING:
    from collectors._world.feed import Answer, Message
    from collectors._world.world import World

_INDICATORS = (
    "ps.on_time",
    "ps.reopened",
    "ps.overdue_open",
    "ps.fully_online",
    "ps.filed_online",
    "ps.paid_online",
    "ps.digitised",
    "ps.e_result",
    "ps.procedures_online",
    "ps.new_procedures_online",
    "ps.backlog",
    "ps.open_over_30_days",
    "ps.reappointed",
    "ps.handling_days",
    "ps.handling_hours",
    "ps.handling_calendar_days",
    "ps.unjudged",
)
_UNITS = {"ps.handling_days": "", "ps.handling_hours": "giờ", "ps.handling_calendar_days": "ngày"}
_COUNTS = ("ps.overdue_open", "ps.backlog", "ps.open_over_30_days", "ps.reappointed",
           "ps.unjudged")  # fmt: skip
_OLD_S = 30 * 86400


@dataclass(slots=True)
class _Dossier:
    agency: str = ""
    sector: str = ""
    stated: int = -1  # ThoiDiemGui of the newest item
    item: dict[str, Any] | None = None
    progress: set[tuple[int, str]] = field(default_factory=set)
    statuses: list[tuple[int, str]] | None = None
    said: set[tuple[int, int]] = field(default_factory=set)  # (stated, NgayHenTra)


@dataclass(slots=True)
class _Procedure:
    agency: str = ""
    sector: str = ""
    stated: int = -1
    issued: int = 0
    levels: set[tuple[int, bool]] = field(default_factory=set)


class PublicServiceTruth:
    """Keeps of every dossier its newest item and all its progress."""

    indicators: tuple[str, ...] = _INDICATORS

    def __init__(self, world: World) -> None:
        self.switches = Switches()
        self._world = world
        self._dossiers: defaultdict[str, _Dossier] = defaultdict(_Dossier)
        self._procedures: defaultdict[str, _Procedure] = defaultdict(_Procedure)
        self._count = 0
        self._taken: tuple[object, dict[tuple[str, str], list[float]]] = (None, {})
        self._kept: dict[tuple[str, str, int, int], dict[tuple[str, str], list[int]]] = {}

    def add(self, message: Message) -> None:
        """Take one emitted record."""
        self._count += 1
        record = json.loads(message.body)
        stated = seconds(record["ThoiDiemGui"])
        for item in record["data"]:
            if record["service"] == "LayDanhSachTTHC":
                self._add_procedure(item, stated)
            else:
                self._add_dossier(record["service"], item, stated)

    def _add_procedure(self, item: dict[str, Any], stated: int) -> None:
        procedure = self._procedures[item["MaTTHC"]]
        full = item["MucDo"] in ("4", "toàn trình")
        procedure.levels.add((seconds(item["MucDoTuNgay"] + "000000"), full))
        if stated > procedure.stated:
            procedure.stated = stated
            procedure.agency, procedure.sector = _agency(item["MaCoQuan"]), item["MaLinhVuc"]
            procedure.issued = seconds(item["NgayBanHanh"] + "000000")

    def _add_dossier(self, service: str, item: dict[str, Any], stated: int) -> None:
        dossier = self._dossiers[item["MaHoSo"]]
        dossier.agency = _agency(item["MaHoSo"].split("-")[0])
        dossier.statuses = None
        if service == "CapNhatTienDoHoSoMC":
            dossier.progress.add((seconds(item["ThoiDiemXuLy"]), str(item["TrangThai"])))
            return
        if item.get("NgayHenTra"):
            dossier.said.add((stated, seconds(item["NgayHenTra"])))
        if stated > dossier.stated:
            dossier.stated, dossier.item = stated, item
            dossier.sector = item["MaLinhVuc"]

    def ask(self, indicator: str, level: str, period: str, at_s: int) -> Answer:
        """Give value, num, den of every subject of the level."""
        if indicator not in _INDICATORS:
            return {}
        if indicator in _UNITS:
            return self._handling(_UNITS[indicator], level, period, at_s)
        key = (indicator, period, at_s, self._count)
        if key not in self._kept:
            self._kept = {k: v for k, v in self._kept.items() if k[2:] == key[2:]}
            self._kept[key] = self._sum(indicator, period, at_s)
        totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for (agency, sector), (num, den) in self._kept[key].items():
            subject = self._subject(level, agency, sector, day_of(at_s))
            if subject is not None:
                totals[subject][0] += num
                totals[subject][1] += den
        if indicator in _COUNTS:
            return {subject: (num, num, None) for subject, (num, _) in totals.items()}
        return {s: (num / den if den else None, num, den) for s, (num, den) in totals.items()}

    def _handling(self, unit: str, level: str, period: str, at_s: int) -> Answer:
        key = (unit, period, at_s, self._count)
        if self._taken[0] != key:
            begin, _ = _bounds(period, at_s)
            found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
            for dossier in self._dossiers.values():
                taken = _taken(dossier, unit, begin, at_s, self.switches)
                if taken is not None:
                    found[(dossier.agency, dossier.sector)].append(taken)
            self._taken = (key, found)
        times: defaultdict[str, list[float]] = defaultdict(list)
        for (agency, sector), several in self._taken[1].items():
            subject = self._subject(level, agency, sector, day_of(at_s))
            if subject is not None:
                times[subject] += several
        return {s: (float(median(found)), None, len(found)) for s, found in times.items()}

    def _subject(self, level: str, code: str, sector: str, day: date) -> str | None:
        if level == "sector":
            return f"sector:{sector}" if sector else None
        agency = self._world.agency.get(code)
        if agency is None:
            return province(day) if (code, level) == ("H38", "province") else None
        if level in ("agency", "department"):
            return (
                f"agency:{code}" if (agency.tier == "province") == (level == "department") else None
            )
        if level == "tier":
            return f"tier:{agency.tier}"
        place = (agency.tier, agency.area, agency.division)
        return self._world.land.subject(level, *place, day)

    def _sum(self, indicator: str, period: str, at_s: int) -> dict[tuple[str, str], list[int]]:
        begin, last = _bounds(period, at_s)
        until = min(at_s, last)
        found: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        if indicator in ("ps.new_procedures_online", "ps.procedures_online"):
            offered = _offered if indicator == "ps.new_procedures_online" else _listed
            rows = (
                (p.agency, p.sector, offered(p, begin, until)) for p in self._procedures.values()
            )
        else:
            rows = (
                (d.agency, d.sector, _count(indicator, d, begin, until, self.switches))
                for d in self._dossiers.values()
            )
        for agency, sector, (num, den) in rows:
            if num or den:
                cell = found[(agency, sector)]
                cell[0] += num
                cell[1] += den
        return dict(found)


def _offered(procedure: _Procedure, begin: int, until: int) -> tuple[int, int]:
    if not begin <= procedure.issued <= until:
        return 0, 0
    # On one day both ways: not offered in full holds.
    known = sorted((at, not full) for at, full in procedure.levels if at <= until)
    return int(bool(known) and not known[-1][1]), 1


def _listed(procedure: _Procedure, _: int, until: int) -> tuple[int, int]:
    """Every procedure with a level by now, whenever it was issued."""
    known = sorted((at, not full) for at, full in procedure.levels if at <= until)
    return (int(not known[-1][1]), 1) if known else (0, 0)


def _count(
    indicator: str, dossier: _Dossier, begin: int, until: int, switches: Switches
) -> tuple[int, int]:
    received = _received(dossier)
    if received is None or received > until:
        return 0, 0
    if indicator == "ps.reappointed":
        moved = _moved(dossier, received)
        return int(moved is not None and begin <= moved <= until), 0
    if indicator in ("ps.filed_online", "ps.paid_online") and received < begin:
        return 0, 0
    item = dossier.item or {}
    if indicator == "ps.reopened":
        return _closed_twice(item, _statuses(dossier), received, begin, until)
    judged = judge(item, _statuses(dossier), received, until, switches)
    if indicator in ("ps.on_time", "ps.unjudged"):
        ended_before = judged.end is not None and judged.end < begin
        if ended_before and received < begin:
            return 0, 0
        if indicator == "ps.unjudged":
            return int(judged.late is None), 0
        return (0, 0) if judged.late is None else (int(not judged.late), 1)
    if indicator == "ps.overdue_open":
        return int(judged.end is None and judged.late is True), 0
    if indicator in ("ps.backlog", "ps.open_over_30_days"):
        old_enough = indicator == "ps.backlog" or until - received > _OLD_S
        return int(judged.end is None and old_enough), 0
    if indicator == "ps.filed_online":
        good = not judged.done or not item.get("MaKetQua") or _has_result(item)
        return int(_online(item) and good), 1
    if indicator == "ps.paid_online":
        return (int(_paid(item)), 1) if _fee(item) else (0, 0)
    if not judged.done or judged.end is None or judged.end < begin:
        return 0, 0
    if indicator == "ps.e_result":
        return int(_has_result(item)), 1
    if indicator == "ps.digitised":
        return int(_components(item) and _has_result(item)), 1
    return int(_online(item) and (not _fee(item) or _paid(item)) and _has_result(item)), 1


def _taken(
    dossier: _Dossier, unit: str, begin: int, until: int, switches: Switches
) -> float | None:
    """From receipt to the result in the procedure's unit, if the result came in the period."""
    received, item = _received(dossier), dossier.item or {}
    if received is None or received > until or unit_of(item) != unit:
        return None
    judged = judge(item, _statuses(dossier), received, until, switches)
    if not judged.done or judged.end is None or judged.end < begin:
        return None
    return taken(unit, received, judged.end - judged.waited)


def _moved(dossier: _Dossier, received: int) -> int | None:
    """When a due date that had passed was first moved later."""
    said = sorted(dossier.said)
    for (_, old), (stated, new) in pairwise(said):
        if old < new and old < stated:
            return max(stated, received)
    return None


def _received(dossier: _Dossier) -> int | None:
    item = dossier.item
    if item is not None and item.get("NgayTiepNhan"):
        return seconds(item["NgayTiepNhan"])
    accepted = [at for at, status in dossier.progress if status == "2"]
    return min(accepted) if accepted else None


def _statuses(dossier: _Dossier) -> list[tuple[int, str]]:
    if dossier.statuses is None:
        known = set(dossier.progress)
        item = dossier.item or {}
        status = str(item.get("TrangThaiHoSo", ""))
        if status in ("3", "7", "8", "9", "10") and item.get("NgayKetThucXuLy"):
            known.add((seconds(item["NgayKetThucXuLy"]), "9" if status == "10" else status))
        if status == "10" and item.get("NgayTra"):
            known.add((seconds(item["NgayTra"]), "10"))
        dossier.statuses = sorted(known)
    return dossier.statuses


def _closed_twice(
    item: dict[str, Any], told: list[tuple[int, str]], received: int, begin: int, until: int
) -> tuple[int, int]:
    """Of files first closed in the period: those closed on the last day and taken up again."""
    closings = [at for at, status in told if status == "9" and received <= at <= until]
    if not closings or closings[0] < begin:
        return 0, 0
    first = closings[0]
    due = seconds(item["NgayHenTra"]) if item.get("NgayHenTra") else None
    if due is None or first > due or due - first > 86400:
        return 0, 1
    taken_up = any(status in "2456" and first < at <= until for at, status in told)
    return int(taken_up), 1


def _online(item: dict[str, Any]) -> bool:
    return str(item.get("KenhThucHien", "")) == "2"


def _fee(item: dict[str, Any]) -> bool:
    return any(float(fee.get("Gia") or 0) > 0 for fee in item.get("DanhSachLePhi") or ())


def _paid(item: dict[str, Any]) -> bool:
    return str(item.get("DuocThanhToanTrucTuyen", "")) in ("1", "2")


def _has_result(item: dict[str, Any]) -> bool:
    return any(p.get("DuongDanTepTinKetQua") for p in item.get("DanhSachGiayToKetQua") or ())


def _components(item: dict[str, Any]) -> bool:
    told = item.get("HoSoCoThanhPhanSoHoa")
    if told not in (None, ""):
        return str(told) == "1"
    kept = [p for p in item.get("TaiLieuNop") or () if str(p.get("IsDeleted")) not in ("True", "1")]
    return bool(kept) and all(str(p.get("DuocSoHoa")) == "1" for p in kept)


def _bounds(period: str, at_s: int) -> tuple[int, int]:
    day = day_of(at_s)
    if period == "now":
        return 0, 2**62
    if period == "month":
        first = day.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    elif period == "year":
        first, after = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    else:
        first, after = day, day + timedelta(days=1)
    return midnight_s(first), midnight_s(after) - 1


@lru_cache(maxsize=4096)
def _agency(prefix: str) -> str:
    if prefix.startswith("H38"):
        return prefix
    commune, second = int(prefix.split(".")[1]), int(prefix.split(".")[2])
    numbers = [str(n) for n in (second, commune) if n]
    return ".".join(["H38", *numbers])
