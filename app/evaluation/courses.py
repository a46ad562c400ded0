"""Courses: of one source, every target that is reached along a way, judged at the end of each day.

Between two closes a state stands still: it rests on what the closes said, in their order, and so is
the same after a restart, a replay or a rebuild.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf, isfinite

from app.domain.indicator import Indicator, Target
from app.domain.on_time import Rules
from app.domain.reading import Pace
from app.domain.trajectory import PERIODS, Trajectory, trajectory_of
from app.evaluation.pace import Course, PaceRule

RULE = PaceRule()

Close = tuple[int, Sequence[str], Sequence[float | None]]  # instant, subjects, their values


class Courses:
    """By (indicator number, period kind): the ways of its subjects and where they stand."""

    def __init__(
        self,
        indicators: Sequence[Indicator],
        targets: Sequence[Mapping[str, Target]],
        rules: Rules,
    ) -> None:
        self._ways: dict[tuple[int, str], dict[str, Trajectory]] = {}
        self._running: dict[tuple[int, str], dict[str, Course]] = {}
        self._indicators = indicators
        for number, indicator in enumerate(indicators):
            ways = {s: w for s, t in targets[number].items() if (w := trajectory_of(t, rules))}
            for kind in PERIODS.intersection(indicator.periods):
                if ways:
                    self._ways[(number, kind)] = ways
                    self._running[(number, kind)] = {}

    def judged(self) -> list[tuple[int, str]]:
        """(indicator number, period kind) of those that have a way at all."""
        return list(self._ways)

    def subjects(self, key: tuple[int, str]) -> set[str]:
        return set(self._ways.get(key, ()))

    def begins_s(self, key: tuple[int, str]) -> int:
        """Since when closes matter."""
        return min(w.calendar.begin_s for w in self._ways[key].values())

    def close(
        self, key: tuple[int, str], at_s: int, values: Iterable[tuple[str, float | None]]
    ) -> dict[str, str]:
        """A day has ended: the states of the subjects whose way is not over."""
        ways = self._ways.get(key)
        if not ways:
            return {}
        running, states = self._running[key], {}
        for subject, value in values:
            way = ways.get(subject)
            if way is None or not way.calendar.begin_s <= at_s <= way.calendar.end_s:
                continue
            course = running.get(subject)
            if course is None:
                course = running[subject] = Course(way, RULE, averaged=self._averaged(key))
            course.observe(at_s, value)
            states[subject] = "none" if course.verdict is None else course.verdict.state
        return states

    def state(
        self, key: tuple[int, str], subject: str, value: float | None, at_s: int
    ) -> str | None:
        """The state of a figure that is on its way; None where another rule judges."""
        way = self._way(key, subject, at_s)
        if way is None:
            return None
        if value is None:
            return "none"
        course = self._running[key].get(subject)
        if course is not None and course.verdict is not None:
            return course.verdict.state
        lag = way.lag(way.progress(value), at_s)
        return "met" if lag <= RULE.near_on else "near"

    def pace(
        self, key: tuple[int, str], subject: str, value: float | None, at_s: int
    ) -> Pace | None:
        """How a figure is coming: what is due at ``at_s``, and what the last close foresaw."""
        way = self._way(key, subject, at_s)
        if way is None:
            return None
        lag = None if value is None else way.lag(way.progress(value), at_s)
        course = self._running[key].get(subject)
        seen = course.verdict if course is not None else None
        if seen is None:
            return Pace(way.expected(at_s), lag, until_s=way.calendar.end_s)
        told, ratio = seen.forecast, seen.ratio_long
        low = middle = high = None
        if told is not None:
            top = 1.0 if self._indicators[key[0]].unit == "percent" else inf
            ends = (told.low, told.middle, told.high)
            low, middle, high = sorted(
                min(top, max(0.0, way.base + (way.goal - way.base) * end)) for end in ends
            )
        return Pace(
            way.expected(at_s),
            lag,
            seen.at_s,
            seen.since_s,
            ratio if ratio is not None and isfinite(ratio) else None,
            middle,
            low,
            high,
            None if told is None else told.odds,
            way.calendar.end_s,
            seen.holds,
        )

    def _averaged(self, key: tuple[int, str]) -> bool:
        """A share of the year's cases so far is a mean over them; a stock is what there is."""
        return key[1] == "year" and self._indicators[key[0]].measure.kind == "ratio"

    def _way(self, key: tuple[int, str], subject: str, at_s: int) -> Trajectory | None:
        way = self._ways.get(key, {}).get(subject)
        if way is None or not way.calendar.begin_s <= at_s <= way.calendar.end_s:
            return None
        return way
