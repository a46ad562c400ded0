"""Area: an administrative unit with the days it existed, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Area:
    """One unit. Both days are included; ``valid_to`` None = until further notice.

    ``id`` is unique over all divisions: a code may name a larger unit after a reorganisation.
    ``predecessors`` are ids of units that went into this one whole. ``origin`` says which part of
    a merged province it comes from.
    """

    id: str
    code: str
    level: str
    name_vi: str
    short_name: str
    parent: str | None
    valid_from: date
    valid_to: date | None
    predecessors: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Break:
    """From ``day`` on a province is another one: what charts across it must say."""

    day: date
    joined_vi: str
    joined_en: str
    ended_vi: str
    ended_en: str


@dataclass(frozen=True, slots=True)
class Areas:
    """Every unit of a province over all its divisions."""

    units: tuple[Area, ...]
    assumptions: tuple[str, ...] = ()
    breaks: tuple[Break, ...] = ()

    def on(self, day: date) -> list[Area]:
        """Units that existed on a day, in the order of the lists."""
        return [
            a
            for a in self.units
            if a.valid_from <= day and (a.valid_to is None or day <= a.valid_to)
        ]

    @property
    def changes(self) -> list[date]:
        """First days of every tree: on each of them some unit begins, or has just ended."""
        begins = {a.valid_from for a in self.units}
        ends = {a.valid_to + timedelta(days=1) for a in self.units if a.valid_to is not None}
        return sorted(begins | ends)

    @property
    def known_from(self) -> date:
        return min(a.valid_from for a in self.units)

    @property
    def last_change(self) -> date:
        return max(a.valid_from for a in self.units)


def overlaps(units: Sequence[Area]) -> list[str]:
    """Ids of units that stand twice on one day, or whose parent does not stand with them."""
    wrong = []
    by_id: dict[str, list[Area]] = {}
    for unit in units:
        by_id.setdefault(unit.id, []).append(unit)
    for unit in units:
        end = unit.valid_to or date.max
        same = [o for o in by_id[unit.id] if o is not unit]
        if any(o.valid_from <= end and unit.valid_from <= (o.valid_to or date.max) for o in same):
            wrong.append(unit.id)
        parents = by_id.get(unit.parent, []) if unit.parent is not None else [unit]
        if not any(
            p.valid_from <= unit.valid_from and end <= (p.valid_to or date.max) for p in parents
        ):
            wrong.append(unit.id)
    return wrong
