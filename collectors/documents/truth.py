"""Truth of `doc.*`: counted plainly from the packets emitted."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from statistics import median
from typing import TYPE_CHECKING, Any

from collectors._world.calendar import DAY_S, day_of, midnight_s
from collectors._world.land import province

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collectors._world.feed import Answer, Message
    from collectors._world.world import World

_NEVER = 2**62


@dataclass(slots=True)
class _Incoming:
    agency: str
    stated: int = -1
    due: int | None = None
    first: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Versioned:
    agency: str = ""
    stated: int = -1
    begins: int = 0
    signed: bool = False
    offline: tuple[int, ...] = ()


class DocumentsTruth:
    """Keeps of every document, receipt and work file what the newest packet states."""

    indicators: tuple[str, ...] = (
        "doc.work_files_online",
        "doc.signed",
        "doc.on_time",
        "doc.register_median",
    )

    def __init__(self, world: World) -> None:
        self._world = world
        self._incoming: dict[str, _Incoming] = {}
        self._outgoing: defaultdict[str, _Versioned] = defaultdict(_Versioned)
        self._files: defaultdict[str, _Versioned] = defaultdict(_Versioned)
        self._count = 0
        self._kept: tuple[object, dict[str, list[Any]]] = (None, {})

    def add(self, message: Message) -> None:
        """Take one emitted packet."""
        self._count += 1
        packet = json.loads(message.body)
        stated = _seconds(packet["sent"])
        if packet["type"] == "workfile":
            self._add_file(packet["hscv"], stated)
        elif packet["type"] == "edoc":
            self._add_document(packet["edxml"], stated)
        else:
            self._add_status(packet["edxml"])

    def _add_file(self, told: dict[str, Any], stated: int) -> None:
        file = self._files[told["MaHoSoCongViec"]]
        if stated > file.stated:
            file.stated, file.agency = stated, _agency(told["MaDonVi"])
            file.begins = _seconds(told["NgayMo"])
            steps = told["BuocXuLy"]
            file.offline = tuple(_seconds(s["ThoiDiem"]) for s in steps if s["TrenMang"] == "0")

    def _add_document(self, xml: str, stated: int) -> None:
        code = _one(xml, "DocumentId")
        organs = re.findall(r"<edXML:(From|To)>\s*<edXML:OrganId>([^<]+)", xml)
        sender = next(_agency(c) for kind, c in organs if kind == "From")
        document = self._outgoing[code]
        if stated > document.stated:
            document.stated, document.agency = stated, sender
            document.begins = _seconds(_one(xml, "Timestamp"))
            document.signed = 'Loai="CaNhan"' in xml and 'Loai="CoQuan"' in xml
        due = re.search(r"<edXML:DueDate>([^<]+)<", xml)
        for kind, organ in organs:
            if kind == "To":
                receipt = self._receipt(code, _agency(organ))
                if stated > receipt.stated:
                    receipt.stated = stated
                    receipt.due = _seconds(due[1] + " 23:59:59") if due else None

    def _add_status(self, xml: str) -> None:
        organ = re.search(r"<edXML:From>\s*<edXML:OrganId>([^<]+)", xml)
        if organ is None:
            raise ValueError("a status without From")
        receipt = self._receipt(_one(xml, "DocumentId"), _agency(organ[1]))
        status, at_s = _one(xml, "StatusCode"), _seconds(_one(xml, "Timestamp"))
        receipt.first[status] = min(at_s, receipt.first.get(status, _NEVER))

    def _receipt(self, code: str, agency: str) -> _Incoming:
        return self._incoming.setdefault(f"{code}>{agency}", _Incoming(agency))

    def ask(self, indicator: str, level: str, period: str, at_s: int) -> Answer:
        """Give value, num, den of every subject of the level."""
        if indicator not in self.indicators:
            return {}
        key = (indicator, period, at_s, self._count)
        if self._kept[0] != key:
            found: defaultdict[str, list[Any]] = defaultdict(list)
            begin, last = _bounds(period, at_s)
            for agency, told in self._rows(indicator, begin, min(at_s, last)):
                found[agency].append(told)
            self._kept = (key, found)
        groups: defaultdict[str, list[Any]] = defaultdict(list)
        for agency, rows in self._kept[1].items():
            subject = self._subject(level, agency, day_of(at_s))
            if subject is not None:
                groups[subject] += rows
        if indicator == "doc.register_median":
            return {s: (median(rows) / 60, None, len(rows)) for s, rows in groups.items()}
        return {s: (sum(r) / len(r), sum(r), len(r)) for s, r in groups.items()}

    def _rows(self, indicator: str, begin: int, until: int) -> Iterator[tuple[str, Any]]:
        if indicator == "doc.signed":
            for document in self._outgoing.values():
                if begin <= document.begins <= until:
                    yield document.agency, int(document.signed)
        elif indicator == "doc.work_files_online":
            for file in self._files.values():
                if begin <= file.begins <= until:
                    yield file.agency, int(all(at > until for at in file.offline))
        else:
            for receipt in self._incoming.values():
                row = _handled if indicator == "doc.on_time" else _registered
                told = row(receipt, begin, until)
                if told is not None:
                    yield receipt.agency, told

    def _subject(self, level: str, code: str, day: date) -> str | None:
        agency = self._world.agency.get(code)
        if agency is None:
            return province(day) if (code, level) == ("H38", "province") else None
        tier = agency.tier
        if level in ("agency", "department"):
            return f"agency:{code}" if (tier == "province") == (level == "department") else None
        if level == "tier":
            return f"tier:{tier}"
        return self._world.land.subject(level, tier, agency.area, agency.division, day)


def _handled(receipt: _Incoming, begin: int, until: int) -> int | None:
    if receipt.due is None:
        return None
    done = receipt.first.get("06", _NEVER)
    decided = min(done, receipt.due)
    if not begin <= decided <= until:
        return None
    if any(receipt.first.get(code, _NEVER) <= decided for code in ("02", "15")):
        return None
    return int(done <= receipt.due)


def _registered(receipt: _Incoming, begin: int, until: int) -> int | None:
    arrived, booked = receipt.first.get("01"), receipt.first.get("03")
    if arrived is None or booked is None or arrived > booked or not begin <= booked <= until:
        return None
    return booked - arrived


def _one(xml: str, name: str) -> str:
    found = re.search(f"<edXML:{name}>([^<]+)<", xml)
    if found is None:
        raise ValueError(f"a packet without {name}")
    return found[1]


def _bounds(period: str, at_s: int) -> tuple[int, int]:
    day = day_of(at_s)
    if period == "day":
        return midnight_s(day), midnight_s(day) + DAY_S - 1
    if period == "month":
        first = day.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    else:
        first, after = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return midnight_s(first), midnight_s(after) - 1


@lru_cache(maxsize=65536)
def _seconds(text: str) -> int:
    day = date(int(text[:4]), int(text[5:7]), int(text[8:10]))
    clock = int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
    return (day - date(1970, 1, 1)).days * DAY_S - 7 * 3600 + clock


@lru_cache(maxsize=4096)
def _agency(code: str) -> str:
    if not code.endswith(".H38"):
        return code  # the new style, or an agency outside the province
    commune, second = int(code.split(".")[1]), int(code.split(".")[2])
    numbers = [str(n) for n in (second, commune) if n]
    return ".".join(["H38", *numbers])
