"""Membership: who counts for whom on a day; areas come and go, and a case follows its land."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from app.domain.area import Area, Areas
from app.domain.period import midnight_s

SubjectsOf = Callable[[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Agency:
    """Who handles cases, and the area it works for, by id."""

    code: str
    name: str
    short_name: str
    tier: str
    area: str
    valid_from: date | None = None


class Members(Protocol):
    """What a count asks. A *tree* is a number: the land as divided between two changes."""

    def tree(self, at_s: int) -> int: ...

    def changes(self, after_s: int, to_s: int) -> list[int]:
        """First seconds of the trees that begin in between, the last one included."""

    def of(self, owner: str, sector: str, tree: int) -> tuple[str, ...]:
        """Every subject a record counts for."""

    def heir(self, subject: str, tree: int) -> str | None:
        """The subject of a tree that holds all of this one; None when none does."""

    def stands(self, subject: str, tree: int) -> bool:
        """Whether a subject can have figures in a tree."""


class Unchanging:
    """One tree for ever."""

    def __init__(self, subjects_of: SubjectsOf) -> None:
        self._subjects_of = subjects_of

    def tree(self, at_s: int) -> int:
        return 0

    def changes(self, after_s: int, to_s: int) -> list[int]:
        return []

    def of(self, owner: str, sector: str, tree: int) -> tuple[str, ...]:
        return self._subjects_of(owner, sector)

    def heir(self, subject: str, tree: int) -> str | None:
        return subject

    def stands(self, subject: str, tree: int) -> bool:
        return True


class Membership:
    """The memberships a profile states, by tree."""

    def __init__(
        self, areas: Areas, agencies: Mapping[str, Agency], groups: Iterable[str] = ()
    ) -> None:
        self._agencies = agencies
        self._groups = frozenset(groups)
        # What stands above the agencies that are ranked: the provincial committee itself (H38).
        self._above = {c.rsplit(".", n)[0] for c in agencies for n in range(1, c.count(".") + 1)}
        self._days = areas.changes
        self._begins = [midnight_s(day) for day in self._days]
        self._trees: list[dict[str, Area]] = [
            {a.id: a for a in areas.on(day)} for day in self._days
        ] or [{}]
        self._went: dict[str, list[Area]] = {}
        self._parents = {a.id: a.parent for a in areas.units}
        self._begins_on = {a.id: a.valid_from for a in areas.units}
        for area in areas.units:
            for old in area.predecessors:
                self._went.setdefault(old, []).append(area)

    @property
    def trees(self) -> int:
        return len(self._trees)

    def tree(self, at_s: int) -> int:
        return max(0, bisect_right(self._begins, at_s) - 1)

    def tree_on(self, day: date) -> int:
        return self.tree(midnight_s(day))

    def changes(self, after_s: int, to_s: int) -> list[int]:
        # Before the first tree nothing stood: its beginning changes nothing.
        return [begin for begin in self._begins[1:] if after_s < begin <= to_s]

    def of(self, owner: str, sector: str, tree: int) -> tuple[str, ...]:
        found: list[str] = []
        agency = self._agencies.get(owner)
        area: str | None = None
        if agency is not None:
            found += [f"agency:{owner}", f"tier:{agency.tier}"]
            if self._begins_after(agency, tree):
                found.append(agency.area)  # counted ahead: it stands when its tree begins
            area = self._place(agency.area, tree)
        elif owner in self._groups:
            found.append(f"group:{owner}")
            area = self._province(tree)
        elif owner in self._above:
            area = self._province(tree)
        while area is not None:
            found.append(area)
            area = self._trees[tree][area].parent
        if sector:
            found.append(f"sector:{sector}")
        return tuple(found)

    def heir(self, subject: str, tree: int) -> str | None:
        """An area's own id while it stands, else what it went into whole; others do not change."""
        if not subject.startswith("area:") or subject in self._trees[tree]:
            return subject
        if self._begins_on.get(subject, date.min) > self._days[tree]:
            return subject  # counted ahead
        if self._parents.get(subject, subject) is None:
            return self._province(tree)
        heirs = [self.heir(a.id, tree) for a in self._went.get(subject, ())]
        return heirs[0] if len(set(heirs)) == 1 else None

    def stands(self, subject: str, tree: int) -> bool:
        if subject.startswith("area:"):
            return subject in self._trees[tree]
        agency = self._agencies.get(subject.removeprefix("agency:"))
        return agency is None or not self._begins_after(agency, tree)

    def stands_at(self, subject: str, at_s: int) -> bool:
        return self.stands(subject, self.tree(at_s))

    def made_of(self, subject: str, at_s: int, before_s: int) -> list[str]:
        """The areas that stood at an earlier instant on the land of one that stands at ``at_s``."""
        tree, then = self.tree(at_s), self.tree(before_s)
        if then >= tree or not subject.startswith("area:") or subject not in self._trees[tree]:
            return [subject]
        level = self._trees[tree][subject].level
        return [
            a.id
            for a in self._trees[then].values()
            if a.level == level and self.heir(a.id, tree) == subject
        ]

    def place(self, owner: str, tree: int) -> str | None:
        """The smallest area an agency counts for."""
        agency = self._agencies.get(owner)
        return self._place(agency.area, tree) if agency is not None else None

    def places(self) -> list[tuple[str, str, str, date, date | None]]:
        """Agency, smallest area, tier, first and last day, for as long as each lasts."""
        found: list[tuple[str, str, str, date, date | None]] = []
        for code, agency in self._agencies.items():
            before = None
            for tree, begins in enumerate(self._days):
                area = self.place(code, tree)
                if area is None or self._begins_after(agency, tree):
                    continue
                if area == before:
                    begins = found.pop()[3]
                ends = self._days[tree + 1] if tree + 1 < len(self._days) else None
                until = ends - timedelta(days=1) if ends is not None else None
                found.append((code, area, agency.tier, begins, until))
                before = area
        return found

    def _begins_after(self, agency: Agency, tree: int) -> bool:
        return agency.valid_from is not None and agency.valid_from > self._days[tree]

    def _place(self, area: str, tree: int) -> str | None:
        """Where an agency's cases count: its area, its heir, else the nearest whole above it."""
        below: str | None = area
        while below is not None:
            found = self.heir(below, tree)
            if found in self._trees[tree]:
                return found
            below = self._parents.get(below)
        return self._province(tree)

    def _province(self, tree: int) -> str | None:
        return next((a.id for a in self._trees[tree].values() if a.parent is None), None)
