"""Trajectory: the way a target is to be reached, what is due by now, and how far behind one is."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from app.domain.calendar_time import CalendarTime, calendar_time
from app.domain.indicator import Target
from app.domain.on_time import Rules
from app.domain.period import midnight_s
from app.domain.reading import Pace, Reading

# Kinds of targets that are reached along a way; the others hold at every instant.
COURSES = frozenset(("cumulative", "level", "milestone"))
# Only over these does a figure grow towards a goal at the end of a year.
PERIODS = frozenset(("year", "now"))
FULL_YEAR = 0.95  # of its days must have a close before last year is a model
LINEAR = ((0.0, 0.0), (1.0, 1.0))
_SMALL = 1e-9

Knots = tuple[tuple[float, float], ...]
Milestone = tuple[int, float]  # by which instant, which value


@dataclass(frozen=True, slots=True)
class Trajectory:
    """From ``base`` to ``goal`` along ``knots``: (share of calendar time, part of the way), rising.

    ``steps``: nothing is due between two knots, as with milestones of works. ``told``: where the
    knots are from (see ``app.domain.reading.WAYS``).
    """

    calendar: CalendarTime
    base: float
    goal: float
    knots: Knots = LINEAR
    steps: bool = False
    told: str = "linear"

    def progress(self, value: float) -> float:
        """The part of the way that is behind; 1 at the goal, whatever the unit and direction."""
        span = self.goal - self.base
        if abs(span) < _SMALL * max(abs(self.goal), abs(self.base), _SMALL):
            return 1.0
        return (value - self.base) / span

    def due(self, at_s: float) -> float:
        """The part of the way that is due by an instant."""
        share = self.calendar.share(at_s)
        after = bisect_right(self.knots, (share + _SMALL, 2.0))
        if after == 0:
            return 0.0
        if after == len(self.knots):
            return self.knots[-1][1]
        if self.steps:
            return self.knots[after - 1][1]
        (from_share, from_part), (to_share, to_part) = self.knots[after - 1], self.knots[after]
        return from_part + (to_part - from_part) * (share - from_share) / (to_share - from_share)

    def expected(self, at_s: float) -> float:
        """The value due by an instant."""
        return self.base + (self.goal - self.base) * self.due(at_s)

    def reached(self, progress: float) -> float:
        """The share of calendar time at which the way first had this part behind it."""
        parts = [part for _, part in self.knots]
        if self.steps:  # enough until the next knot came
            after = bisect_right(parts, progress + _SMALL)
            return self.knots[after][0] if after < len(parts) else 1.0
        after = bisect_left(parts, progress - _SMALL)
        if after == 0:
            return self.knots[0][0]
        if after == len(parts):
            return 1.0
        (from_share, from_part), (to_share, to_part) = self.knots[after - 1], self.knots[after]
        return from_share + (to_share - from_share) * (progress - from_part) / (to_part - from_part)

    def missed(self, progress: float, at_s: float) -> bool:
        """Whether what was due on the day of a milestone is not there, and that day is over."""
        return self.steps and progress < self.due(at_s) - _SMALL

    def lag(self, progress: float, at_s: float) -> float:
        """Working days since the way was where the figure is; below zero when it is ahead.

        A milestone that was missed is at least one day behind: the day after it has begun.
        """
        now = self.calendar.working_days(at_s)
        if self.steps and not self.missed(progress, at_s):
            return 0.0
        behind = now - self.calendar.working_days_at(self.reached(progress))
        return max(1.0, behind) if self.steps else behind


def milestones(
    calendar: CalendarTime, base: float, goal: float, told: Sequence[Milestone]
) -> Knots:
    """Knots through (instant, value) pairs; what is told must rise towards the goal."""
    way = Trajectory(calendar, base, goal)
    knots = [(0.0, 0.0)]
    for at_s, value in sorted(told):
        knot = (calendar.share(at_s), min(1.0, way.progress(value)))
        if knot[0] > knots[-1][0] + _SMALL and knot[1] >= knots[-1][1]:
            knots.append(knot)
    if knots[-1][0] < 1 - _SMALL:
        knots.append((1.0, 1.0))
    return tuple(knots)


def last_year(calendar: CalendarTime, closes: Sequence[Milestone]) -> Knots:
    """How last year's figure came about, as a way for this one; linear without a full year of it.

    ``calendar`` is last year's. Only what rises is a way: a step back waits until it is made good.
    """
    days = len(calendar.passed) - 1
    if len(closes) < FULL_YEAR * days:
        return LINEAR
    first, last = closes[0][1], closes[-1][1]
    if abs(last - first) < _SMALL:
        return LINEAR
    knots = [(0.0, 0.0)]
    for at_s, value in closes:
        share, part = calendar.share(at_s), (value - first) / (last - first)
        if share > knots[-1][0] + _SMALL and part > knots[-1][1]:
            knots.append((share, min(1.0, part)))
    while knots and knots[-1][0] >= 1 - _SMALL:
        knots.pop()
    return (*knots, (1.0, 1.0))


@lru_cache(maxsize=1024)
def trajectory_of(target: Target, rules: Rules) -> Trajectory | None:
    """The way of a target that has one: a kind that is reached by a deadline.

    One that is to be last year's is linear here; ``modelled`` has the closes of last year.
    """
    span = _span(target)
    if span is None:
        return None
    calendar = calendar_time(*span, rules)
    told = {"last_year": "no_last_year"}.get(target.shape, "linear")
    knots: Knots = LINEAR
    if target.milestones:
        marks = [(midnight_s(date.fromisoformat(d)) + 86399, v) for d, v in target.milestones]
        knots, told = milestones(calendar, target.baseline, target.value, marks), "milestones"
    steps = target.kind == "milestone"
    return Trajectory(calendar, target.baseline, target.value, knots, steps, told)


def year_before(target: Target, rules: Rules) -> CalendarTime | None:
    """The span a year before the way; None where there is no way."""
    span = _span(target)
    return None if span is None else calendar_time(*(_year_earlier(d) for d in span), rules)


def modelled(target: Target, rules: Rules, closes: Sequence[Milestone]) -> Trajectory | None:
    """The way of a target, by the closes of the year before it where that is to be its model."""
    way, before = trajectory_of(target, rules), year_before(target, rules)
    if way is None or before is None or target.shape != "last_year" or target.milestones:
        return way
    knots = last_year(before, [c for c in closes if before.begin_s <= c[0] <= before.end_s])
    return way if knots == LINEAR else replace(way, knots=knots, told="last_year")


def _span(target: Target) -> tuple[date, date] | None:
    if target.kind not in COURSES or not target.deadline:
        return None
    last = date.fromisoformat(target.deadline)
    return date.fromisoformat(target.begins) if target.begins else date(last.year, 1, 1), last


def _year_earlier(day: date) -> date:
    return day.replace(year=day.year - 1, day=min(day.day, 28) if day.month == 2 else day.day)


def due(
    target: Target, rules: Rules, reading: Reading, closes: Sequence[Milestone] = ()
) -> Pace | None:
    """What was due of a figure at its instant; None where its target is not reached along a way."""
    way = modelled(target, rules, closes) if reading.period in PERIODS else None
    if way is None or not way.calendar.begin_s <= reading.at_s <= way.calendar.end_s:
        return None
    lag = None
    if reading.value is not None:
        lag = way.lag(way.progress(reading.value), reading.at_s)
    return Pace(way.expected(reading.at_s), lag, until_s=way.calendar.end_s, way=way.told)
