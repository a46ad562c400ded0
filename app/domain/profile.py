"""Profile: a province as data, loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from app.domain.area import Areas
from app.domain.composite import Composite
from app.domain.goal import Goal
from app.domain.indicator import Indicator, Scene, Subject
from app.domain.land import Centre, Code
from app.domain.membership import Agency, Membership
from app.domain.on_time import OFFICE, Rules
from app.domain.source import SourceConfig


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
    centres: tuple[Centre, ...] = ()
    codes: tuple[Code, ...] = ()
    composites: Mapping[str, Composite] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    office: tuple[tuple[int, int], ...] = OFFICE  # from and to, seconds of a working day
    legal_words: tuple[tuple[str, str], ...] = ()  # Vietnamese and English, in the order of use
    history_days: int = 0  # how long readings of the past are kept; 0: for ever
    members: Membership = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        groups = [s.removeprefix("group:") for s in self.subjects if s.startswith("group:")]
        members = Membership(self.areas, self.agencies, groups)
        object.__setattr__(self, "members", members)  # derived, so nobody states it

    def legal_en(self, name: str) -> str:
        """The name of a law in English, as far as the profile has words for it."""
        for vi, en in self.legal_words:
            name = name.replace(vi, en)
        return name

    def rules(self) -> Rules:
        """The calendar and the switches of the on-time rule."""
        return Rules(
            self.holidays,
            self.switches.get("second_supplement") == "always_late",
            self.switches.get("fee_wait_stops_clock") == "true",
            self.worked_saturdays,
            self.office,
        )

    def judges_like(self, other: Profile, source: str) -> bool:
        """Whether the figures of a source are judged as another profile judges them."""
        mine, theirs = (
            [i for i in p.indicators.values() if i.source == source] for p in (self, other)
        )
        return mine == theirs and self.rules() == other.rules()

    def subjects_of(self, owner: str, sector: str, on: date) -> tuple[str, ...]:
        """Every subject a record of this owner and sector counts for on a day, itself included."""
        return self.members.of(owner, sector, self.members.tree_on(on))

    def subjects_on(self, on: date) -> list[Subject]:
        """What can have figures on a day: units of that day's tree and everything else."""
        tree = self.members.tree_on(on)
        return [s for s in self.subjects.values() if self.members.stands(s.id, tree)]
