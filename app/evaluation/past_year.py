"""Past year: what the closes of the year before a way teach: its shape, and how sure a forecast is.

Both are made once, of closes in the order of the log, and so are the same in a rebuild.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil, floor

from app.domain.calendar_time import CalendarTime
from app.domain.indicator import Target
from app.domain.on_time import Rules
from app.domain.trajectory import FULL_YEAR, Trajectory, modelled, trajectory_of, year_before
from app.evaluation.calibration import SHIPPED
from app.evaluation.forecast import (
    STAGES,
    Calibration,
    Unrest,
    expected_rate,
    stage_of,
    unit_of,
)

ENOUGH = 30  # finished years, one a subject: fewer cannot tell the ends of a band from chance
TAKEN_AT_MOST = 120  # by their names; so many years say what there is to say
LONG_DAYS, GRACE_DAYS, EVERY_DAYS = 42, 30, 7
_SMALL = 1e-9

Closes = Sequence[tuple[int, float]]
Errors = list[tuple[int, float]]  # stage, how far off in units of the unrest


class PastYear:
    """Of one (indicator, period kind): the year before each subject's way, while it comes."""

    def __init__(self, targets: Mapping[str, Target], rules: Rules, *, averaged: bool) -> None:
        self._rules, self._averaged = rules, averaged
        self._targets = {s: t for s, t in targets.items() if trajectory_of(t, rules) is not None}
        taken = set(sorted(self._targets)[:TAKEN_AT_MOST])
        self._spans: dict[str, CalendarTime] = {
            s: span
            for s, t in self._targets.items()
            if (t.shape == "last_year" or s in taken)
            and (span := year_before(t, rules)) is not None
        }
        self._closes: dict[str, tuple[array[int], array[float]]] = {}
        self._ways: dict[str, Trajectory] = {}
        self._learnt: dict[int, tuple[Calibration, int]] = {}

    def begins_s(self) -> int | None:
        """Since when closes matter."""
        return min((span.begin_s for span in self._spans.values()), default=None)

    def take(self, subject: str, at_s: int, value: float | None) -> None:
        """Take the close of a day; one outside the year before is nobody's model."""
        span = self._spans.get(subject)
        if span is None or value is None or not span.begin_s <= at_s <= span.end_s:
            return
        times, values = self._closes.setdefault(subject, (array("q"), array("d")))
        if not times or at_s > times[-1]:
            times.append(at_s)
            values.append(value)

    def way(self, subject: str, at_s: int) -> Trajectory | None:
        """The way of a subject; until it begins, as if there were no year before."""
        target = self._targets.get(subject)
        if target is None:
            return None
        plain = trajectory_of(target, self._rules)
        if plain is None or target.shape != "last_year" or at_s < plain.calendar.begin_s:
            return plain
        way = self._ways.get(subject)
        if way is None:
            way = modelled(target, self._rules, self._kept(subject)) or plain
            self._ways[subject] = way
        return way

    def calibration(self, way: Trajectory) -> tuple[Calibration, int]:
        """What the installation's own finished years say, and how many; else the shipped table."""
        if way.steps or way.told == "last_year":  # its own model would seem surer than it is
            return SHIPPED, 0
        begin_s = way.calendar.begin_s
        if begin_s not in self._learnt:
            found = []
            for subject, span in sorted(self._spans.items()):
                this = trajectory_of(self._targets[subject], self._rules)
                if this is not None and span.end_s < begin_s:
                    # The same unit of measure as this year's forecasts: parts of this year's way.
                    then = replace(this, calendar=span)
                    found.append(finished(then, self._kept(subject), averaged=self._averaged))
            self._learnt[begin_s] = learn([errors for errors in found if errors])
        return self._learnt[begin_s]

    def _kept(self, subject: str) -> list[tuple[int, float]]:
        times, values = self._closes.get(subject, ((), ()))
        return list(zip(times, values, strict=True))


def finished(way: Trajectory, closes: Closes, *, averaged: bool) -> Errors:
    """How far off the forecasts of a finished year were, one a week; none without a whole year."""
    days = len(way.calendar.passed) - 1
    if len(closes) < FULL_YEAR * days or abs(closes[-1][1] - closes[0][1]) < _SMALL:
        return []
    made: list[tuple[int, float, float]] = []
    times, dues, parts = array("q"), array("d"), array("d")
    unrest = Unrest()
    for number, (at_s, value) in enumerate(closes):
        part, due = way.progress(value), way.due(at_s)
        if averaged:
            due = way.calendar.share(at_s)
            part *= due
        times.append(at_s)
        dues.append(due)
        parts.append(part)
        unrest.take(due, part)
        if number < GRACE_DAYS or number % EVERY_DAYS or due >= 1 - _SMALL:
            continue
        whole = _rate(dues, parts, 0)
        long = _rate(dues, parts, max(0, bisect_right(times, at_s - LONG_DAYS * 86400) - 1))
        if whole is not None and long is not None:
            middle = part + (1 - due) * expected_rate(whole, long, due)
            made.append((stage_of(due), middle, unit_of(due, unrest.sd())))
    return [(stage, (parts[-1] - middle) / unit) for stage, middle, unit in made]


def learn(years: Sequence[Errors]) -> tuple[Calibration, int]:
    """A table of the errors of finished years, if there are enough of them; else the shipped one.

    Conformal: what is read off at a level is the order statistic that, among one more year, holds
    with at least that probability, so that fewer years make a wider band.
    """
    if len(years) < ENOUGH:
        return SHIPPED, 0
    by_stage: defaultdict[int, list[float]] = defaultdict(list)
    for errors in years:
        for stage, error in errors:
            by_stage[stage].append(error)
    rows = []
    for stage in range(STAGES):
        found = sorted(by_stage.get(stage, ()))
        known = len(found) >= ENOUGH
        rows.append(
            tuple(_level(found, len(years), p) for p in SHIPPED.levels)
            if known
            else SHIPPED.errors[stage]
        )
    return Calibration(SHIPPED.levels, tuple(rows)), len(years)


def _level(found: Sequence[float], years: int, level: float) -> float:
    """The error at a level; the errors of one year are near each other, so years are counted."""
    away = (years + 1) / years * abs(level - 0.5)
    level = 0.5 + min(0.5, away) * (1 if level >= 0.5 else -1)
    place = level * (len(found) - 1)
    at = ceil(place) if level >= 0.5 else floor(place)
    return found[max(0, min(len(found) - 1, at))]


def _rate(dues: Sequence[float], parts: Sequence[float], first: int) -> float | None:
    due = dues[-1] - dues[first]
    return (parts[-1] - parts[first]) / due if due > _SMALL else None
