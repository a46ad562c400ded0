"""Profile: a province as data, loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from app.domain.area import Areas
from app.domain.indicator import Indicator, Scene, Subject
from app.domain.on_time import Rules
from app.domain.source import SourceConfig


@dataclass(frozen=True, slots=True)
class Agency:
    code: str
    name: str
    short_name: str
    tier: str
    area: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything a province states: subjects, sources, indicators, calendar, wall scene."""

    id: str
    name_vi: str
    began_s: int
    subjects: Mapping[str, Subject]
    agencies: Mapping[str, Agency]
    sources: Mapping[str, SourceConfig]
    indicators: Mapping[str, Indicator]
    scene: Scene
    holidays: frozenset[date]
    switches: Mapping[str, str]
    worked_saturdays: frozenset[date] = frozenset()
    areas: Areas = field(default=Areas(()))

    def rules(self) -> Rules:
        """The calendar and the switches of the on-time rule."""
        return Rules(
            self.holidays,
            self.switches.get("second_supplement") == "always_late",
            self.switches.get("fee_wait_stops_clock") == "true",
            self.worked_saturdays,
        )

    def subjects_of(self, owner: str, sector: str) -> tuple[str, ...]:
        """Every subject a record of this owner and sector counts for, itself included."""
        found: list[str] = []
        agency = self.agencies.get(owner)
        if agency is not None:
            found += [f"agency:{owner}", f"tier:{agency.tier}"]
            area: str | None = f"area:{agency.area}"
        elif f"group:{owner}" in self.subjects:
            found.append(f"group:{owner}")
            area = self._province()
        elif owner and any(code.startswith(f"{owner}.") for code in self.agencies):
            # The provincial committee itself (H38) stands above the agencies that are ranked.
            area = self._province()
        else:
            area = None
        while area is not None:
            found.append(area)
            area = self.subjects[area].parent
        if sector:
            found.append(f"sector:{sector}")
        return tuple(found)

    def _province(self) -> str:
        return next(s.id for s in self.subjects.values() if s.level == "province")
