"""Truth of `inv.*`: computed plainly from the records emitted, by the words of the reference."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from collectors._world.calendar import day_of
from collectors._world.land import province

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collectors._world.feed import Answer, Message

_ZONE = timezone(timedelta(hours=7))
_ZONE_S, _HOUR_S, _DAY_S = 7 * 3600, 3600, 86400
_WITH_INVOICES = {"200", "203", "206", "400"}
_REJECTED = {"1", "3", "4", "5", "7", "9"}
_GROUP_OF_OFFICE = {
    "1101": "1101-1102",
    "1102": "1101-1102",
    "1104": "1104-1109",
    "1109": "1104-1109",
}
_GROUPS = ("1100", "1101-1102", "1103", "1104-1109", "1105", "1106", "1107", "1108")
_SUMS = {"inv.issued": 4, "inv.value": 7, "inv.reconciliation_gap": 3}
_REJECTED_AT, _ANSWERED_AT = 5, 2


@dataclass(slots=True)
class _Enterprise:
    group: str = ""
    inactive: dict[int, bool] = field(default_factory=dict)  # by the instant a status holds from
    newest: tuple[object, ...] = ()
    accepted_s: int | None = None
    invoiced_s: int | None = None


class EinvoiceTruth:
    """Keeps of every hour and enterprise what the newest record states."""

    indicators: tuple[str, ...] = (
        "inv.enterprises",
        "inv.issued",
        "inv.value",
        "inv.rejected",
        "inv.reconciliation_gap",
    )

    def __init__(self, groups: Iterable[str] = _GROUPS) -> None:
        self._groups = tuple(groups)
        # group -> local day -> begin of the hour -> (TDGui, SLXNhan, answered, gap, issued,
        # rejected, SLGui, value): the greatest is the newest.
        self._hours: defaultdict[str, defaultdict[int, dict[int, tuple[int, ...]]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self._enterprises: defaultdict[str, _Enterprise] = defaultdict(_Enterprise)

    def add(self, message: Message) -> None:
        """Take one emitted record."""
        record = ET.fromstring(message.body)
        if record.tag == "THop":
            self._add_hour(record)
        else:
            self._add_version(record)

    def ask(self, indicator: str, level: str, period: str, at_s: int) -> Answer:
        """Give value, num, den of every subject of the level."""
        if level not in {"group", "province"} or indicator not in self.indicators:
            return {}
        if indicator == "inv.enterprises":
            parts = self._count_enterprises(at_s)
        else:
            begin, last = _bounds(period, at_s)
            parts = {
                group: self._sum_hours(indicator, group, begin, min(at_s, last))
                for group in self._groups
            }
        if level == "province":
            parts = {
                province(day_of(at_s)): [
                    sum(column) for column in zip(*parts.values(), strict=True)
                ]
            }
        else:
            parts = {f"group:{group}": part for group, part in parts.items()}
        if indicator in _SUMS:
            return {subject: (num, num, None) for subject, (num, _) in parts.items()}
        return {
            subject: (num / den if den else None, num, den) for subject, (num, den) in parts.items()
        }

    def _add_hour(self, record: ET.Element) -> None:
        group = "-".join(sorted(_text(record, "CQT").split(",")))
        begin = _seconds(_text(record, "TGian"))
        issued = value = answered = rejected = 0
        for row in record.iterfind("DSLTDiep/LTDiep"):
            if row.get("MLTDiep") in _WITH_INVOICES:
                issued += int(_text(row, "SLHDon"))
                value += int(_text(row, "TgTTTBSo").split(".")[0])
        for row in record.iterfind("DSLTBao/LTBao"):
            count = int(_text(row, "SLuong"))
            answered += count
            if row.get("Ma") in _REJECTED:
                rejected += count
        sent = int(_text(record, "DSoat/SLGui"))
        acknowledged = int(_text(record, "DSoat/SLXNhan"))
        stated = _seconds(record.attrib["TDGui"])
        gap = sent - acknowledged
        told = (stated, acknowledged, answered, gap, issued, rejected, sent, value)
        hours = self._hours[group][(begin + _ZONE_S) // _DAY_S]
        if told > hours.get(begin, ()):
            hours[begin] = told

    def _add_version(self, record: ET.Element) -> None:
        enterprise = self._enterprises[_text(record, "MST")]
        office = _text(record, "CQT")
        enterprise.group = _GROUP_OF_OFFICE.get(office, office)
        since = _seconds(_text(record, "TTHLuc"))
        inactive = _text(record, "TTNNT") != "00"
        enterprise.inactive[since] = inactive or enterprise.inactive.get(since, False)
        accepted = _seconds_or_none(_text(record, "NCNhan103"))
        invoiced = _seconds_or_none(_text(record, "NHDDTien"))
        dates = [at for at in (accepted, invoiced) if at is not None]
        # The same stamp twice is a fault upstream; more and later dates then hold.
        rank = (_seconds(record.attrib["TDGui"]), len(dates), dates, since)
        if rank > enterprise.newest:
            enterprise.newest = rank
            enterprise.accepted_s, enterprise.invoiced_s = accepted, invoiced

    def _sum_hours(self, indicator: str, group: str, begin: int, until: int) -> list[int]:
        days = self._hours[group].get((begin + _ZONE_S) // _DAY_S, {})
        counted = [told for hour, told in days.items() if begin <= hour <= until]
        if indicator == "inv.rejected":
            return [
                sum(told[_REJECTED_AT] for told in counted),
                sum(told[_ANSWERED_AT] for told in counted),
            ]
        column = _SUMS[indicator]
        return [sum(told[column] for told in counted), 0]

    def _count_enterprises(self, at_s: int) -> dict[str, list[int]]:
        parts = {group: [0, 0] for group in self._groups}
        for enterprise in self._enterprises.values():
            begun = [since for since in enterprise.inactive if since <= at_s]
            if not begun or enterprise.inactive[max(begun)]:
                continue
            part = parts[enterprise.group]
            part[1] += 1
            accepted, invoiced = enterprise.accepted_s, enterprise.invoiced_s
            if accepted is not None and accepted <= at_s:
                part[0] += invoiced is not None and invoiced <= at_s
        return parts


def _bounds(period: str, at_s: int) -> tuple[int, int]:
    """First and last second of the hour or day of an instant, local time."""
    length = _HOUR_S if period == "hour" else _DAY_S
    begin = at_s - (at_s + _ZONE_S) % length
    return begin, begin + length - 1


def _text(record: ET.Element, path: str) -> str:
    found = record.findtext(path)
    if found is None:
        raise ValueError(f"{record.tag} without {path}")
    return found.strip()


@lru_cache(maxsize=8192)
def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=_ZONE).timestamp())


def _seconds_or_none(text: str) -> int | None:
    return _seconds(text) if text else None
