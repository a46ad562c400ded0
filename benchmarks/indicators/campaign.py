"""Campaign: the worlds of some seeds judged by the product's rule and by the naive ones."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median

from app.domain.calendar_time import CalendarTime, calendar_time
from app.domain.on_time import Rules
from app.domain.trajectory import Trajectory
from app.evaluation.calibration import SHIPPED
from app.evaluation.forecast import Calibration, stage_of
from app.evaluation.pace import BAD, Course, PaceRule
from benchmarks.indicators.world import DAYS, YEAR, Simulated, world

PROFILE = Path(__file__).parents[2] / "app/profiles/laocai/rules.toml"
WEEK = 7


@dataclass(slots=True)
class Raised:
    """The alarms of one rule on one target: the days they began, and whether one stands at last."""

    days: list[int] = field(default_factory=list)
    standing: bool = False

    def take(self, day: int, *, bad: bool) -> None:
        if bad and not self.standing:
            self.days.append(day)
        self.standing = bad

    @property
    def lead(self) -> int:
        """Days from the last alarm to the deadline, when it still stands there."""
        return DAYS - 1 - self.days[-1] if self.standing else 0


class Naive:
    """Below a straight line for so many days; ``calendar`` None: every day counts alike."""

    def __init__(self, name: str, for_days: int, calendar: CalendarTime | None) -> None:
        self.name, self._for_days, self._calendar = name, for_days, calendar

    def run(self, target: Simulated, calendar: CalendarTime) -> Raised:
        found, since = Raised(), None
        for day, at_s, value in observed(target, calendar):
            due = (day + 1) / DAYS if self._calendar is None else self._calendar.share(at_s)
            if (value - target.base) / (target.goal - target.base) >= due:
                since = None
            elif since is None:
                since = day
            found.take(day, bad=since is not None and day - since >= self._for_days)
        return found


@dataclass(slots=True)
class Score:
    """What one rule did in one world."""

    met: int = 0
    missed: int = 0
    met_alarmed: int = 0
    leads: list[int] = field(default_factory=list)
    alarms: list[int] = field(default_factory=list)

    def take(self, raised: Raised, *, met: bool) -> None:
        if met:
            self.met += 1
            self.met_alarmed += bool(raised.days)
        else:
            self.missed += 1
            self.leads.append(raised.lead)
            self.alarms.append(len(raised.days))

    @property
    def met_alarmed_share(self) -> float:
        return self.met_alarmed / self.met if self.met else math.nan

    @property
    def lead_median(self) -> float:
        return float(median(self.leads)) if self.leads else math.nan

    @property
    def alarms_median(self) -> float:
        return float(median(self.alarms)) if self.alarms else math.nan

    @property
    def alarms_mean(self) -> float:
        return sum(self.alarms) / self.missed if self.missed else math.nan

    @property
    def more_than_one(self) -> float:
        return sum(1 for n in self.alarms if n > 1) / self.missed if self.missed else math.nan

    @property
    def never(self) -> float:
        return sum(1 for n in self.alarms if n == 0) / self.missed if self.missed else math.nan


@dataclass(slots=True)
class Outcome:
    """One world: a score for each rule, and how often the band held, by stage of the year."""

    seed: int
    scores: dict[str, Score] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    looked: dict[int, int] = field(default_factory=dict)

    @property
    def coverage(self) -> float:
        return sum(self.held.values()) / max(1, sum(self.looked.values()))


OURS = "the product's rule"


def calendar_of_the_year() -> CalendarTime:
    with PROFILE.open("rb") as file:
        told = tomllib.load(file)["calendar"]
    rules = Rules(frozenset(told["holidays"]), False, False, frozenset(told["worked_saturdays"]))
    return calendar_time(date(YEAR, 1, 1), date(YEAR, 12, 31), rules)


def observed(target: Simulated, calendar: CalendarTime) -> Iterator[tuple[int, int, float]]:
    """Day, last second of the day, value; days without a value are left out."""
    for day, value in enumerate(target.values.tolist()):
        if value == value:  # not NaN
            yield day, calendar.begin_s + (day + 1) * 86400 - 1, value


def judge(seed: int, rule: PaceRule, calibration: Calibration = SHIPPED) -> Outcome:
    """One world through every rule."""
    calendar, outcome = calendar_of_the_year(), Outcome(seed)
    naive = (
        Naive("below a straight line, at once", 0, None),
        Naive("below a straight line for 7 days", 7, None),
        Naive("below the working calendar's line, at once", 0, calendar),
        Naive("below the working calendar's line for 7 days", 7, calendar),
    )
    for target in world(seed):
        for other in naive:
            raised = other.run(target, calendar)
            outcome.scores.setdefault(other.name, Score()).take(raised, met=target.met)
        raised = _ours(target, calendar, rule, calibration, outcome)
        outcome.scores.setdefault(OURS, Score()).take(raised, met=target.met)
    return outcome


def _ours(
    target: Simulated,
    calendar: CalendarTime,
    rule: PaceRule,
    calibration: Calibration,
    outcome: Outcome,
) -> Raised:
    course = Course(Trajectory(calendar, target.base, target.goal), rule, calibration)
    found = Raised()
    for day, at_s, value in observed(target, calendar):
        course.observe(at_s, value)
        seen = course.verdict
        if seen is None:
            continue
        found.take(day, bad=seen.state in BAD)
        if day % WEEK == 0 and seen.forecast is not None and not seen.holds:
            stage = stage_of(seen.due)
            inside = seen.forecast.low <= target.end <= seen.forecast.high
            outcome.looked[stage] = outcome.looked.get(stage, 0) + 1
            outcome.held[stage] = outcome.held.get(stage, 0) + inside
    return found
