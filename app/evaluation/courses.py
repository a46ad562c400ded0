"""Courses: of one source, every target that is judged by what came before: ways, and what is held.

All are judged at the end of each day. Between two closes a state stands still: it rests on what
the closes said, in their order, and so is the same after a restart, a replay or a rebuild.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf, isfinite

from app.domain.indicator import Indicator, Target
from app.domain.on_time import Rules
from app.domain.reading import Pace
from app.domain.trajectory import PERIODS, Trajectory, trajectory_of
from app.evaluation.held import Held, rule_of
from app.evaluation.pace import Course, PaceRule
from app.evaluation.past_year import PastYear

RULE = PaceRule()
NEVER_HELD = frozenset(("hour",))  # an hour is over before anything can last

Key = tuple[int, str]  # indicator number, period kind
Close = tuple[int, Sequence[str], Sequence[float | None]]  # instant, subjects, their values


class Courses:
    """By (indicator number, period kind): who is on a way or holds something, and how it stands."""

    def __init__(
        self,
        indicators: Sequence[Indicator],
        targets: Sequence[Mapping[str, Target]],
        rules: Rules,
    ) -> None:
        self._ways: dict[Key, dict[str, Trajectory]] = {}
        self._past: dict[Key, PastYear] = {}
        self._running: dict[Key, dict[str, Course]] = {}
        self._held: dict[Key, Held] = {}
        self._indicators = indicators
        for number, indicator in enumerate(indicators):
            told = targets[number]
            ways = {s: w for s, t in told.items() if (w := trajectory_of(t, rules))}
            for kind in indicator.periods:
                key = (number, kind)
                if ways and kind in PERIODS:
                    self._ways[key], self._running[key] = ways, {}
                    self._past[key] = PastYear(told, rules, averaged=self._averaged(key))
                rule = rule_of(indicator.alert)
                held = Held(told, indicator.better, rule)
                # A delay shorter than from one close to the next is the alert's own.
                if held and rule.for_days >= 1 and kind not in NEVER_HELD:
                    self._held[key] = held

    def take_over(self, new: Key, other: Courses, old: Key) -> None:
        """Go on where another one stands, of an indicator that is the same in both."""
        if old in other._ways:
            self._running[new], self._past[new] = other._running[old], other._past[old]
        if old in other._held:
            self._held[new] = other._held[old]

    def judged(self) -> list[Key]:
        """(indicator number, period kind) of those whose closes matter at all."""
        return list(dict.fromkeys((*self._ways, *self._held)))

    def subjects(self, key: Key) -> set[str]:
        """Who is on a way."""
        return set(self._ways.get(key, ()))

    def begins_s(self, key: Key) -> int:
        """Since when closes matter."""
        if key in self._held:
            return 0
        found = [w.calendar.begin_s for w in self._ways.get(key, {}).values()]
        if (past := self._past.get(key)) is not None and (begins := past.begins_s()) is not None:
            found.append(begins)
        return min(found)

    def close(
        self, key: Key, at_s: int, values: Iterable[tuple[str, float | None]]
    ) -> dict[str, str]:
        """A day has ended: states of the subjects whose way is not over, and of what changed."""
        told = list(values)
        held = self._held.get(key)
        states = {} if held is None else held.close(at_s, told)
        ways = self._ways.get(key)
        if not ways:
            return states
        running, past = self._running[key], self._past[key]
        for subject, value in told:
            if subject not in ways:
                continue
            past.take(subject, at_s, value)
            way = self._way(key, subject, at_s)
            if way is None:
                continue
            course = running.get(subject)
            if course is None:
                calibration, years = past.calibration(way)
                averaged = self._averaged(key)
                course = Course(way, RULE, calibration, averaged=averaged, years=years)
                running[subject] = course
            course.observe(at_s, value)
            states[subject] = "none" if course.verdict is None else course.verdict.state
        return states

    def state(self, key: Key, subject: str, value: float | None, at_s: int) -> str | None:
        """The state of a figure that is on its way or held; None where another rule judges."""
        way = self._way(key, subject, at_s)
        if way is None:
            held = self._held.get(key)
            return None if held is None else held.state(subject, value, at_s)
        if value is None:
            return "none"
        course = self._running[key].get(subject)
        if course is not None and course.verdict is not None:
            return course.verdict.state
        part = way.progress(value)
        late = way.lag(part, at_s) > RULE.near_on or way.missed(part, at_s)
        return "near" if late else "met"

    def pace(self, key: Key, subject: str, value: float | None, at_s: int) -> Pace | None:
        """How a figure is coming: what is due at ``at_s``, and what the last close foresaw."""
        way = self._way(key, subject, at_s)
        if way is None:
            held = self._held.get(key)
            return None if held is None else held.pace(subject, value, at_s)
        lag = None if value is None else way.lag(way.progress(value), at_s)
        course = self._running[key].get(subject)
        seen = course.verdict if course is not None else None
        if course is None or seen is None:
            return Pace(way.expected(at_s), lag, until_s=way.calendar.end_s, way=way.told)
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
            way.told,
            course.years,
        )

    def _averaged(self, key: Key) -> bool:
        """A share of the year's cases so far is a mean over them; a stock is what there is."""
        return key[1] == "year" and self._indicators[key[0]].measure.kind == "ratio"

    def on_way(self, key: Key, subject: str, at_s: int) -> bool:
        """Whether the state of a figure was decided by how it came along."""
        held = self._held.get(key)
        if held is not None and held.judges(subject, at_s):
            return True
        return self._way(key, subject, at_s) is not None

    def _way(self, key: Key, subject: str, at_s: int) -> Trajectory | None:
        way = self._ways.get(key, {}).get(subject)
        if way is None or not way.calendar.begin_s <= at_s <= way.calendar.end_s:
            return None
        if way.told != "no_last_year":
            return way
        return self._past[key].way(subject, at_s)
